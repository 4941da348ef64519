"""The first minutes of two recorded sessions over real sockets: candles, prices and bytes are the recording's."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DAYS = ("2022-11-10", "2022-11-15")


def replayed(data: Path, on: str) -> subprocess.Popen[str]:
    asked = ("--data", str(data), "--on", on, "--minutes", "3", "--speed", "30")
    return subprocess.Popen(
        [sys.executable, str(ROOT / "benchmarks" / "exchange_replay.py"), *asked],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=ROOT,
    )


@pytest.mark.process
@pytest.mark.data
def test_the_wire_shows_the_recorded_candles_and_nothing_else(shared: Path) -> None:
    running = [replayed(shared / "data", on) for on in DAYS]  # both at once, because most of a replay is waiting
    try:
        said = [each.communicate(timeout=300)[0] for each in running]
    finally:
        for each in running:
            each.terminate()
    for each, told in zip(running, said, strict=True):
        assert each.returncode == 0, told
        assert "| candles equal to them |" in told
