"""What `zonedesk status` says is of the moment in which it is printed."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agents.data.store import Store
from agents.settings import Settings
from zonedesk import status
from zonedesk.home import DeskHome
from zonedesk.status import PATIENCE_SECONDS, desk_status

FEED = {"name": "feed", "pid": 1, "log": "feed.log", "restarts": 0, "exit": None}


@pytest.fixture
def home(tmp_path: Path) -> Iterator[DeskHome]:
    """A desk that runs and has a store."""
    settings = Settings(mode="replay", data_dir=tmp_path)
    found = DeskHome.of(settings)
    with Store(settings.store_path, "replay", now=lambda: datetime.now(UTC)).write():
        pass
    found.write_status({"state": "ready", "services": [FEED | {"state": "ready"}]})
    with found.held():
        yield found


def test_a_process_that_dies_while_the_store_is_read_is_told(
    home: DeskHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(mode="replay", data_dir=tmp_path)
    assert desk_status(settings)["state"] == "ready"

    def slow(_: Settings) -> None:
        home.write_status({"state": "ready", "services": [FEED | {"state": "waiting"}]})

    monkeypatch.setattr(status, "_result", slow)
    found = desk_status(settings)
    assert (found["state"], found["problems"]) == ("degraded", ["feed is waiting"])


def test_a_process_that_is_back_at_once_is_told_for_a_while(home: DeskHome, tmp_path: Path) -> None:
    settings = Settings(mode="replay", data_dir=tmp_path)
    for ago, problems in ((3, [r"feed ended [3-9] s ago and runs again"]), (15, [])):
        ended_at = datetime.now(UTC) - timedelta(seconds=ago)
        home.write_status({"state": "ready", "services": [FEED | {"state": "ready", "ended_at": ended_at.isoformat()}]})
        found = desk_status(settings)
        assert len(found["problems"]) == len(problems)
        assert all(re.fullmatch(*pair) for pair in zip(problems, found["problems"], strict=True))
        assert found["state"] == ("degraded" if problems else "ready")


def test_a_store_that_is_kept_is_not_waited_for_long(
    home: DeskHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del home
    asked: list[float] = []

    class Asked(Store):
        """A store that tells how long it would wait."""

        def __init__(self, *args: object, patience: float, **named: object) -> None:
            asked.append(patience)
            super().__init__(*args, patience=patience, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(status, "Store", Asked)
    desk_status(Settings(mode="replay", data_dir=tmp_path))
    assert asked == [PATIENCE_SECONDS]
