"""A store with a few simulated and analysed sessions, made once."""

import logging
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import NamedTuple

import pytest

from agents.data.store import Store
from agents.ops.logs import MARK
from agents.settings import Settings
from pipelines.run import materialize_range
from zonedesk.market import simulate_history
from zonedesk.shell import wall_now


class Seeded(NamedTuple):
    """A replay home: its settings and the span of its sessions."""

    settings: Settings
    first: date
    last: date


@pytest.fixture(scope="session")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Seeded:
    """Twelve simulated sessions of NIFTY, analysed by Dagster."""
    settings = Settings(mode="replay", data_dir=tmp_path_factory.mktemp("seeded"), judge="rules")
    store = Store(settings.store_path, "replay", now=wall_now)
    report = simulate_history(store, "NIFTY", sessions=12, seed=7, future="NIFTY-I", last=date(2025, 11, 21))
    materialize_range(settings, ["NIFTY"], report.first, report.last)
    return Seeded(settings, report.first, report.last)


@pytest.fixture(autouse=True)
def _no_desk_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither a developer's variables nor a .env file of this folder reaches a test."""
    for name in ("ZONEDESK_MODE", "ZONEDESK_DATA_DIR", "OPENAI_API_KEY", "ZONEDESK_OPENAI_BASE_URL", "ZONEDESK_JUDGE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(autouse=True)
def _logs_as_they_were() -> Iterator[None]:
    """Take back what a command has set up for its log: in a test, the process goes on."""
    root = logging.getLogger()
    level = root.level
    yield
    for handler in [each for each in root.handlers if getattr(each, MARK, False)]:
        root.removeHandler(handler)
        handler.close()
    root.setLevel(level)
