"""Fixtures that every test may use."""

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """Recorded market data and oracles, kept beside the repository because they are not ours to redistribute."""
    if not (SHARED / "data").is_dir():
        pytest.skip(f"recorded data is not here: put it in {SHARED} to run this test")
    return SHARED
