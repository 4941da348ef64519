"""Requests of all processes together stay below the limits."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.data.dhan.errors import DhanThrottledError
from agents.data.dhan.limiter import CHAIN_LIMIT, LIMITS, CallKind, Limiter
from agents.data.dhan.slots import Limit
from agents.domain.errors import ConfigError

NOON = 1_795_000_000.0
FEW = {CallKind.DATA: (Limit(3, 1.0), Limit(5, 60.0)), CallKind.QUOTE: (Limit(1, 2.0),)}
PROGRAM = """
import sys, time
from pathlib import Path
from agents.data.dhan.limiter import CallKind, Limiter

limiter = Limiter(Path(sys.argv[1]), "1", wall=time.time, sleep=time.sleep)
for _ in range(6):
    limiter.wait(CallKind.DATA)
    print(time.time(), flush=True)
"""


class Time:
    """A wall clock that moves when someone sleeps."""

    def __init__(self, now: float = NOON) -> None:
        self.now = now

    def wall(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def limiter(path: Path, time: Time, **options: object) -> Limiter:
    return Limiter(path / "limits.sqlite", "1", wall=time.wall, sleep=time.sleep, **options)  # type: ignore[arg-type]  # a test's options


def departures(made: Limiter, time: Time, count: int, kind: CallKind = CallKind.DATA) -> list[float]:
    found = []
    for _ in range(count):
        made.wait(kind)
        found.append(time.now - NOON)
    return found


def test_requests_leave_as_early_as_every_limit_allows(tmp_path: Path) -> None:
    time = Time()
    assert departures(limiter(tmp_path, time, limits=FEW), time, 6) == [0.0, 0.0, 0.0, 1.0, 1.0, 60.0]


@settings(max_examples=30, deadline=None)
@given(pauses=st.lists(st.floats(0, 2), min_size=5, max_size=40))
def test_no_window_ever_holds_more_than_its_limit(
    tmp_path_factory: pytest.TempPathFactory, pauses: list[float]
) -> None:
    time = Time()
    made = limiter(tmp_path_factory.mktemp("limits"), time, limits=FEW, patience=1e9)
    left = []
    for pause in pauses:
        time.sleep(pause)
        made.wait(CallKind.DATA)
        left.append(time.now)
    for limit in FEW[CallKind.DATA]:
        for first, beyond in zip(left, left[limit.count :], strict=False):
            assert beyond - first >= limit.seconds - 1e-6


def test_kinds_do_not_wait_for_each_other(tmp_path: Path) -> None:
    time = Time()
    made = limiter(tmp_path, time, limits=FEW)
    departures(made, time, 3)
    assert departures(made, time, 2, CallKind.QUOTE) == [0.0, 2.0]


def test_the_same_chain_waits_and_another_does_not(tmp_path: Path) -> None:
    time = Time()
    made = limiter(tmp_path, time)
    assert made.wait(CallKind.DATA, chain="NIFTY 2026-11-24") == 0.0
    assert made.wait(CallKind.DATA, chain="NIFTY 2026-12-01") == 0.0
    assert made.wait(CallKind.DATA, chain="NIFTY 2026-11-24") == CHAIN_LIMIT.seconds


def test_a_refusal_stops_everyone_for_a_while(tmp_path: Path) -> None:
    time = Time()
    one, other = limiter(tmp_path, time), limiter(tmp_path, time)
    one.pause(CallKind.QUOTE, 7.0)
    assert other.wait(CallKind.DATA) == 0.0
    assert other.wait(CallKind.QUOTE) == 7.0


def test_a_chain_waits_three_seconds_after_a_slow_answer(tmp_path: Path) -> None:
    time = Time()
    made = limiter(tmp_path, time)
    made.wait(CallKind.DATA, chain="NIFTY 2026-11-24")
    time.sleep(2.0)
    made.answered("NIFTY 2026-11-24")
    assert made.wait(CallKind.DATA, chain="NIFTY 2026-12-01") == 0.0
    assert made.wait(CallKind.DATA, chain="NIFTY 2026-11-24") == CHAIN_LIMIT.seconds


def test_nobody_waits_longer_than_the_patience_and_no_slot_is_lost(tmp_path: Path) -> None:
    time = Time()
    made = limiter(tmp_path, time, limits=FEW, patience=10.0)
    departures(made, time, 5)
    for _ in range(3):
        with pytest.raises(DhanThrottledError, match="59 s"):
            made.wait(CallKind.DATA)
    time.sleep(59.0)
    assert made.wait(CallKind.DATA) == 0.0


def test_a_clock_that_went_back_blocks_nobody(tmp_path: Path) -> None:
    time = Time()
    made = limiter(tmp_path, time)
    made.wait(CallKind.QUOTE)
    time.now -= 3600.0
    assert made.wait(CallKind.QUOTE) == 0.0


def test_a_file_that_is_no_database_names_itself(tmp_path: Path) -> None:
    (tmp_path / "limits.sqlite").write_text("not a database, and long enough to be looked at " * 10)
    with pytest.raises(ConfigError, match=r"limits\.sqlite"):
        limiter(tmp_path, Time()).wait(CallKind.DATA)


@pytest.mark.process
def test_four_processes_share_the_limit(tmp_path: Path) -> None:
    running = [
        subprocess.Popen([sys.executable, "-c", PROGRAM, str(tmp_path / "l")], stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    outputs = [process.communicate(timeout=60)[0] for process in running]
    left = sorted(float(line) for output in outputs for line in output.split())
    assert len(left) == 24
    with sqlite3.connect(tmp_path / "l") as file:
        slots = [at for (at,) in file.execute("select at from slots order by at")]
    file.close()
    [limit, _] = LIMITS[CallKind.DATA]
    assert all(later - at > limit.seconds - 1e-6 for at, later in zip(slots, slots[limit.count :], strict=False))
    assert all(gone >= at for at, gone in zip(slots, left, strict=True)), "a request left before its slot"
