"""Fixtures that every test may use."""

from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("untimed", deadline=None)  # how long an example takes says how busy the machine is
settings.load_profile("untimed")

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """Recorded market data and oracles, kept beside the repository because they are not ours to redistribute."""
    if not (SHARED / "data").is_dir():
        pytest.skip(f"recorded data is not here: put it in {SHARED} to run this test")
    return SHARED
