"""The commands `audit` and `why`: what they print, and how they end."""

import json
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from agents.bootstrap import open_ledger
from agents.data.why import DagsterRuns
from agents.domain.cycle import CycleRecord, Decision, Reason
from agents.settings import Settings
from tests.zonedesk.conftest import Seeded
from zonedesk.cli import app

AT = datetime(2025, 11, 21, 6, 0, tzinfo=UTC)
runner = CliRunner()


def run(*words: str) -> Result:
    return runner.invoke(app, [*words])


@pytest.fixture
def home(tmp_path: Path) -> list[str]:
    """Options of a paper desk whose ledger holds three events."""
    ledger = open_ledger(Settings(mode="paper", data_dir=tmp_path), now=lambda: AT)
    for number in range(2):
        ledger.append("note", {"number": number}, key=f"note{number}")
    record = CycleRecord(
        cycle_id="0123456789abcdef", instrument="NIFTY", at=AT, decision=Decision.SKIP, reason=Reason.PRICE_AWAY
    )
    ledger.record_cycle(record)
    ledger.close()
    return ["--data-dir", str(tmp_path), "--mode", "paper"]


def vandalise(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "paper" / "ledger.sqlite")
    connection.execute("drop trigger event_no_update")
    connection.execute("""update event set payload = '{"number":7}' where seq = 2""")
    connection.commit()
    connection.close()


def test_a_sound_ledger_is_said_to_be_sound(home: list[str]) -> None:
    result = run("audit", "verify", *home)
    assert result.exit_code == 0, result.output
    assert "3 rows, none changed" in result.stdout


def test_a_changed_row_is_named_and_the_command_fails(home: list[str], tmp_path: Path) -> None:
    vandalise(tmp_path)
    result = run("audit", "verify", *home)
    assert result.exit_code == 1
    assert "row 2 is the first bad one, 1 rows before it are good" in result.stdout
    assert "the contents were changed" in result.stdout
    facts = json.loads(run("audit", "verify", "--json", *home).stdout)
    assert (facts["sound"], facts["first_bad"]) == (False, 2)


def test_a_noted_hash_must_be_in_the_chain(home: list[str]) -> None:
    head = json.loads(run("audit", "verify", "--json", *home).stdout)["head"]
    assert run("audit", "verify", "--head", head, *home).exit_code == 0
    result = run("audit", "verify", "--head", "f" * 64, *home)
    assert result.exit_code == 1
    assert "rows were taken out" in result.stderr


def test_an_export_is_verified_where_there_is_no_ledger(home: list[str], tmp_path: Path) -> None:
    file = str(tmp_path / "log.jsonl")
    assert run("audit", "export", file, *home).exit_code == 0
    assert "3 rows, none changed" in run("audit", "verify", file).stdout
    Path(file).write_text(Path(file).read_text().replace('"number\\":1', '"number\\":2'))
    result = run("audit", "verify", file)
    assert result.exit_code == 1
    assert "row 2 was changed" in result.stdout


def test_an_export_of_days_without_events_says_so(home: list[str], tmp_path: Path) -> None:
    result = run("audit", "export", str(tmp_path / "log.jsonl"), "--from", "2030-01-01", *home)
    assert result.exit_code == 1
    assert "nothing was recorded from 2030-01-01" in result.stderr


def test_looking_makes_no_ledger(tmp_path: Path) -> None:
    for words in (("audit", "verify"), ("why", "0123456789abcdef")):
        result = run(*words, "--data-dir", str(tmp_path))
        assert result.exit_code == 1
        assert "there is no ledger" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_why_explains_a_skipped_cycle(home: list[str]) -> None:
    result = run("why", "0123456789abcdef", *home)
    assert result.exit_code == 0, result.output
    assert "skip: price is not near a high-confidence zone" in result.stdout
    facts = json.loads(run("why", "012345", "--json", *home).stdout)
    assert (facts["found"], facts["kind"]) == ("0123456789abcdef", "cycle")


def test_why_names_the_nearest_id(home: list[str]) -> None:
    result = run("why", "0123456789abcd00", *home)
    assert result.exit_code == 1
    assert "the nearest are 0123456789abcdef" in result.stderr


def test_why_follows_a_zone_to_the_run_that_dagster_logged(seeded: Seeded) -> None:
    open_ledger(seeded.settings, now=lambda: AT)
    options = ["--data-dir", str(seeded.settings.data_dir), "--mode", "replay"]
    shown = json.loads(run("zones", "--at", f"{seeded.last}T15:00", "--json", *options).stdout)
    chain = json.loads(run("why", shown["zones"][0]["id"], "--json", *options).stdout)
    runs = [link for link in chain["links"] if link["what"] == "run"]
    assert runs
    assert all(link["id"] for link in runs), runs
    assert next(link for link in chain["links"] if link["what"] == "candles")["facts"]["each"]


def test_no_log_of_dagster_names_no_run(tmp_path: Path) -> None:
    runs = DagsterRuns(Settings(mode="paper", data_dir=tmp_path))
    assert runs("zones", AT.date(), AT) is None
