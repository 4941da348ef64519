import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from agents.data.ledger import Ledger
from agents.domain.limits import LimitName, LimitWish
from agents.execution.risk import load_limits
from agents.execution.risk.tightened import tighten
from agents.settings import Settings
from zonedesk.cli import app


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A desk of which one limit was tightened."""
    settings = Settings(mode="paper", data_dir=tmp_path)
    settings.ledger_path.parent.mkdir(parents=True, exist_ok=True)
    ledger = Ledger.open(settings.ledger_path, "paper", now=lambda: datetime.now(UTC))
    tighten(load_limits(settings), ledger, LimitWish(limit=LimitName.MAX_TRADES, value=1.0), by="dashboard")
    ledger.close()
    return tmp_path


def entries(folder: Path, *words: str) -> tuple[int, int]:
    found = CliRunner().invoke(app, ["limits", *words, "--json", "--data-dir", str(folder)])
    shown = json.loads(found.stdout).get("max_trades", {}) if found.exit_code == 0 else {}
    return found.exit_code, shown.get("now", 0)


def test_limits_are_shown_as_they_hold(folder: Path) -> None:
    assert entries(folder) == (0, 1)


def test_what_was_tightened_is_taken_back_only_with_the_right_words(folder: Path) -> None:
    assert entries(folder, "--take-back", "--confirm", "yes")[0] != 0
    assert entries(folder) == (0, 1)
    assert entries(folder, "--take-back", "--confirm", "loosen paper") == (0, 5)
