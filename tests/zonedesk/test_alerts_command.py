"""What `zonedesk alerts` shows and takes note of."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from agents.data.ledger import Ledger, Severity
from agents.settings import Settings
from zonedesk.cli import app
from zonedesk.shell import wall_now


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    ledger = Ledger.open(Settings(data_dir=tmp_path, mode="paper").ledger_path, "paper", now=wall_now)
    ledger.outbox.put(Severity.INFO, "day", "net +100")
    ledger.outbox.put(Severity.CRITICAL, "naked", "a position has no stop")
    ledger.outbox.failed(1, "nobody took it")
    ledger.close()
    return tmp_path


def alerts(folder: Path, *more: str) -> Result:
    return CliRunner().invoke(app, ["alerts", "--data-dir", str(folder), "--mode", "paper", *more])


def told(result: Result) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(result.stdout)["alerts"]
    return found


def test_the_newest_alert_comes_first_with_what_became_of_it(folder: Path) -> None:
    first, second = alerts(folder).stdout.splitlines()
    assert "critical" in first
    assert "a position has no stop  (waiting)" in first
    assert "not sent after 1 tries: nobody took it" in second


def test_a_critical_alert_that_nobody_has_seen_is_an_exit_code(folder: Path) -> None:
    assert alerts(folder).exit_code == 3
    result = alerts(folder, "--ack", "2", "--json")
    assert result.exit_code == 0
    assert [each["seen_by"] is not None for each in told(result)] == [True, False]


def test_an_alert_can_be_seen_twice_without_harm(folder: Path) -> None:
    assert [alerts(folder, "--ack", "2").exit_code for _ in range(2)] == [0, 0]


def test_an_alert_that_is_not_there_cannot_be_seen(folder: Path) -> None:
    result = alerts(folder, "--ack", "99")
    assert result.exit_code == 1
    assert "there is no alert 99" in result.stderr
