"""Fixtures that every test may use."""

from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("untimed", deadline=None)  # how long an example takes says how busy the machine is
settings.load_profile("untimed")

SHARED = Path(__file__).resolve().parents[2] / "shared"

LONGEST_FIRST = (
    "test_desk_killed.py",
    "test_wire.py",
    "test_recorded_replay.py",
    "test_guardian_killed.py",
    "test_secrets.py",
    "test_exchange_killed.py",
    "test_dhan_gateway.py",
    "test_http_faults.py",
    "test_option_chain.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest, so that no worker is alone with one of them at the end."""
    places = {name: place for place, name in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: places.get(item.path.name, len(places)))


@pytest.fixture(scope="session")
def shared() -> Path:
    """Recorded market data and oracles, kept beside the repository because they are not ours to redistribute."""
    if not (SHARED / "data").is_dir():
        pytest.skip(f"recorded data is not here: put it in {SHARED} to run this test")
    return SHARED
