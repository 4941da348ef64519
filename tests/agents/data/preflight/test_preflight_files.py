"""What lies on this machine, and what is said of it."""

import sqlite3
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import SecretStr

from agents.data.ledger import Ledger
from agents.data.preflight import Finding, State, file_findings, preflight, refuse, worst
from agents.data.preflight.files import (
    check_calendar,
    check_disk,
    check_judge,
    check_ledger,
    check_session,
    check_store,
)
from agents.domain.cycle import DeskState
from agents.domain.errors import ConfigError
from agents.domain.values import IST
from agents.settings import Settings

NOW = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)


def wall() -> datetime:
    return NOW


def settings(folder: Path, **more: object) -> Settings:
    return Settings(mode="paper", data_dir=folder, openai_api_key=None, **more)  # type: ignore[arg-type]  # fields by name


def ledger(folder: Path) -> Ledger:
    return Ledger.open(settings(folder).ledger_path, "paper", now=wall, equity=Decimal(1_000_000))


def test_an_empty_folder_is_fine_and_stays_empty(tmp_path: Path) -> None:
    findings = file_findings(settings(tmp_path), wall, NOW)
    assert [finding.name for finding in findings] == ["disk", "calendar", "session", "store", "ledger", "judge"]
    assert worst([finding for finding in findings if finding.name != "disk"]) is State.OK
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_fails_and_a_small_one_warns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Usage:
        free = 1_000_000_000

    monkeypatch.setattr("agents.data.preflight.files.shutil.disk_usage", lambda _: Usage)
    assert check_disk(settings(tmp_path)).state is State.WARN
    Usage.free = 1_000_000
    assert check_disk(settings(tmp_path)).state is State.FAIL


@pytest.mark.parametrize(
    ("today", "state"),
    [
        (date(2026, 11, 20), State.OK),
        (date(2026, 12, 1), State.OK),
        (date(2026, 12, 2), State.WARN),
        (date(2026, 12, 31), State.WARN),
        (date(2027, 1, 1), State.FAIL),
    ],
)
def test_holidays_must_be_known(today: date, state: State) -> None:
    found = check_calendar(today)
    assert found.state is state
    assert "until 2026-12-31" in found.found
    assert state is State.OK or "holidays of 2027" in found.cure


@pytest.mark.parametrize(
    ("at", "words"),
    [
        ("2026-11-20T09:00", "2026-11-20, 09:15 to 15:30: not open yet at 09:00"),
        ("2026-11-20T11:30", ": open at 11:30"),
        ("2026-11-20T18:00", ": over at 18:00"),
        ("2026-11-21T10:00", "no trading day; the next is 2026-11-23"),
    ],
)
def test_the_session_is_said_in_words(at: str, words: str) -> None:
    assert words in check_session(datetime.fromisoformat(at).replace(tzinfo=IST)).found


def test_a_damaged_store_fails(tmp_path: Path) -> None:
    where = settings(tmp_path)
    where.home.mkdir(parents=True)
    where.store_path.write_bytes(b"this is no database" * 100)
    assert check_store(where, wall).state is State.FAIL


def test_a_folder_that_cannot_be_written_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agents.data.preflight.files.os.access", lambda _path, _how: False)
    found = check_store(settings(tmp_path), wall)
    assert found.state is State.FAIL
    assert "cannot be written" in found.found


@pytest.mark.parametrize(
    ("state", "expected"),
    [(DeskState.ACTIVE, State.OK), (DeskState.REDUCING, State.WARN), (DeskState.HALTED, State.FAIL)],
)
def test_the_ledger_is_walked_and_the_desk_state_said(tmp_path: Path, state: DeskState, expected: State) -> None:
    book = ledger(tmp_path)
    book.set_desk_state(state, "a test", by="test", at=NOW)
    book.close()
    found = check_ledger(settings(tmp_path), wall)
    assert found.state is expected
    assert "1 events in an unbroken chain" in found.found
    assert state.value in found.found
    assert ("zonedesk resume" in found.cure) == (state is not DeskState.ACTIVE)


def test_a_ledger_in_a_database_is_asked_there_and_no_file_is_looked_for(tmp_path: Path) -> None:
    elsewhere = "postgresql://desk:planted-secret@127.0.0.1:9/ledger"  # where nothing listens
    found = check_ledger(settings(tmp_path, ledger_url=SecretStr(elsewhere)), wall)
    assert found.state is State.FAIL
    assert "127.0.0.1" in found.found
    assert "ledger.sqlite" not in found.found
    assert "planted-secret" not in found.found + found.cure


def test_a_changed_event_breaks_the_chain(tmp_path: Path) -> None:
    book = ledger(tmp_path)
    for number in range(3):
        book.append("alert", {"text": f"alert {number}"}, at=NOW)
    book.close()
    connection = sqlite3.connect(settings(tmp_path).ledger_path)
    for (trigger,) in connection.execute("select name from sqlite_master where type = 'trigger'").fetchall():
        connection.execute(f"drop trigger {trigger}")
    connection.execute("update event set payload = replace(payload, 'alert 1', 'alert 7')")
    connection.commit()
    connection.close()
    found = check_ledger(settings(tmp_path), wall)
    assert found.state is State.FAIL
    assert "broken at 2" in found.found
    assert "backup" in found.cure


def test_a_judge_without_a_key_fails_only_if_the_model_is_asked_for(tmp_path: Path) -> None:
    assert check_judge(settings(tmp_path)).found == "rules, because OPENAI_API_KEY is not set"
    found = check_judge(settings(tmp_path, judge="openai"))
    assert found.state is State.FAIL
    assert "ZONEDESK_JUDGE=rules" in found.cure


def test_a_finding_as_json_says_whether_the_desk_works_with_it() -> None:
    assert Finding(name="disk", state=State.WARN, found="little", cure="more").model_dump(mode="json") == {
        "name": "disk",
        "state": "warn",
        "found": "little",
        "cure": "more",
        "ok": True,
    }


def test_a_desk_that_must_not_start_names_what_is_wrong_and_the_cure(tmp_path: Path) -> None:
    where = settings(tmp_path, judge="openai", exchange_port=39_121)
    with pytest.raises(ConfigError, match=r"judge: the model is asked for.*ZONEDESK_JUDGE=rules.*broker: .*39121"):
        refuse(preflight(where, wall, NOW))
    refuse(preflight(settings(tmp_path, exchange_port=39_121), wall, NOW, needed=False))
