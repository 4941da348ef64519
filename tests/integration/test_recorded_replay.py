"""The first minutes of two recorded sessions over real sockets: candles, prices and bytes are the recording's."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.process
@pytest.mark.data
@pytest.mark.parametrize("on", ["2022-11-10", "2022-11-15"])
def test_the_wire_shows_the_recorded_candles_and_nothing_else(shared: Path, on: str) -> None:
    asked = ("--data", shared / "data", "--on", on, "--minutes", "5", "--speed", "30")
    found = subprocess.run(
        [sys.executable, ROOT / "benchmarks" / "exchange_replay.py", *map(str, asked)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        timeout=300,
    )
    assert found.returncode == 0, found.stdout + found.stderr
    assert "| candles equal to them |" in found.stdout
