"""The real guardian through whole sessions with every mixture of faults.

A failure prints the command that replays it. A seed that ever failed goes to `corpus.txt` and is run for good.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.simulation.__main__ import report
from tests.simulation.faults import LEVELS, Faults
from tests.simulation.guarded import run_seed
from tests.simulation.session import world_of
from tests.simulation.sweep import Outcome, Tally, tally

CORPUS = Path(__file__).with_name("corpus.txt")
ROOT = Path(__file__).resolve().parents[2]
SEEDS = range(300)
PARTS = 15
"""Into so many tests the sessions are dealt, so that they can run side by side."""


def assert_clean(seen: Tally) -> None:
    assert seen.holds, "\n".join(["", *map(report, seen.failed)])


def failed_once() -> list[int]:
    lines = (line.split("#")[0].strip() for line in CORPUS.read_text(encoding="utf-8").splitlines())
    return [int(line) for line in lines if line]


@pytest.mark.parametrize("part", range(PARTS))
def test_every_invariant_holds_in_three_hundred_sessions(part: int) -> None:
    seeds = SEEDS[part::PARTS]
    seen = tally(seeds)
    assert_clean(seen)
    assert seen.orders > len(seeds), "sessions without trades prove nothing"
    assert seen.deaths > len(seeds) / 2, "a guardian that never dies proves nothing about starting again"


@pytest.mark.parametrize("part", range(2))
def test_seeds_that_failed_once_hold(part: int) -> None:
    assert_clean(tally(failed_once()[part::2]))


def test_the_same_seed_gives_the_same_trace_byte_for_byte() -> None:
    for seed in (3, 58, 211):
        assert "\n".join(run_seed(seed).trace).encode() == "\n".join(run_seed(seed).trace).encode()


@pytest.mark.process
def test_another_process_gives_the_same_trace() -> None:
    told = []
    for hash_seed in ("1", "2"):
        command = [sys.executable, "-m", "tests.simulation", "--seed", "58", "--trace"]
        environment = os.environ | {"PYTHONHASHSEED": hash_seed}
        told.append(subprocess.run(command, env=environment, capture_output=True, check=False, cwd=ROOT).stdout)
    assert told[0] == told[1]
    assert told[0].decode().splitlines()[: len(run_seed(58).trace)] == run_seed(58).trace


def test_other_seeds_give_other_traces() -> None:
    assert run_seed(1).trace[1:] != run_seed(2).trace[1:]


def test_a_day_without_faults_trades_and_ends_flat() -> None:
    assert world_of(0, frozenset()).faults == Faults()
    outcome = Outcome.of(run_seed(0, kinds=frozenset()))
    assert not outcome.violations
    assert outcome.deaths == 0
    assert outcome.sales >= 2


def test_every_kind_of_fault_comes_up_at_every_level() -> None:
    drawn = [world_of(seed).faults for seed in SEEDS]
    for kind, levels in LEVELS.items():
        assert {getattr(faults, kind) for faults in drawn} == set(levels)
