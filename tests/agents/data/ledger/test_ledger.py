"""The ledger: opening, events, desk state, equity, cycles."""

import json
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from agents.data.ledger import Ledger, migrations
from agents.data.ledger.engine import reading
from agents.data.ledger.migrate import HEAD
from agents.data.ledger.tables import metadata
from agents.domain.cycle import CycleRecord, Decision, DeskState, Reason
from agents.domain.errors import ConfigError, InvariantViolationError, WrongModeError
from tests.agents.data.ledger.servers import Place, run, start_all, vandalise

AT = datetime(2024, 6, 5, 6, 0, tzinfo=UTC)


def now() -> datetime:
    return AT


@pytest.fixture
def ledger(place: Place) -> Ledger:
    return Ledger.open(place, "paper", now=now, equity=Decimal(1_000_000))


def record(cycle_id: str = "c1", reason: Reason = Reason.PRICE_AWAY) -> CycleRecord:
    return CycleRecord(cycle_id=cycle_id, instrument="NIFTY", at=AT, decision=Decision.SKIP, reason=reason)


def test_the_file_is_in_wal_mode_and_synchronous_full(tmp_path: Path) -> None:
    ledger = Ledger.open(tmp_path / "ledger.sqlite", "paper", now=now)
    with reading(ledger._engine) as connection:
        assert connection.exec_driver_sql("pragma journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("pragma synchronous").scalar() == 2
        assert connection.exec_driver_sql("pragma foreign_keys").scalar() == 1
        assert connection.exec_driver_sql("pragma busy_timeout").scalar() == 10_000


def test_the_migrations_make_the_tables_that_the_code_uses(ledger: Ledger) -> None:
    with reading(ledger._engine) as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_the_newest_migration_is_the_one_the_code_asks_for() -> None:
    assert ScriptDirectory(str(Path(str(migrations.__file__)).parent)).get_heads() == [HEAD]


def test_opening_again_changes_nothing(ledger: Ledger, place: Place) -> None:
    ledger.append("note", {"text": "kept"})
    again = Ledger.open(place, "paper", now=now)
    assert [event.payload for event in again.events("note")] == [{"text": "kept"}]


def test_another_mode_is_refused_by_name(ledger: Ledger, place: Place) -> None:
    ledger.close()
    with pytest.raises(WrongModeError, match="belongs to mode paper, not live"):
        Ledger.open(place, "live", now=now)


def test_a_file_that_is_no_ledger_is_named(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    path.write_text("not a database, but long enough to have a header" * 40)
    with pytest.raises(ConfigError, match=r"ledger\.sqlite is not a ledger"):
        Ledger.open(path, "paper", now=now)


def test_a_ledger_of_a_newer_program_is_refused(ledger: Ledger, place: Place) -> None:
    ledger.close()
    vandalise(place, "update alembic_version set version_num = '0999'")
    with pytest.raises(ConfigError, match="upgrade zonedesk"):
        Ledger.open(place, "paper", now=now)


def test_events_come_back_in_order_and_by_kind(ledger: Ledger) -> None:
    for number in range(5):
        ledger.append("order" if number % 2 else "fill", {"number": number}, at=AT + timedelta(minutes=number))
    assert [event.seq for event in ledger.events()] == [1, 2, 3, 4, 5]
    assert [event.payload["number"] for event in ledger.events("order")] == [1, 3]
    assert [event.seq for event in ledger.events(after=3, limit=1)] == [4]
    latest = ledger.latest("fill")
    assert latest is not None
    assert latest.at == AT + timedelta(minutes=4)


def test_the_same_key_is_kept_once(ledger: Ledger) -> None:
    first = ledger.append("order", {"lots": 1}, key="a")
    assert ledger.append("order", {"lots": 1}, key="a") == first
    assert ledger.append("fill", {"lots": 2}, key="a").seq == 2


def test_the_same_key_with_other_contents_is_an_error(ledger: Ledger) -> None:
    ledger.append("order", {"lots": 1}, key="a")
    with pytest.raises(InvariantViolationError, match="event order a is in the ledger with other contents"):
        ledger.append("order", {"lots": 2}, key="a")


def test_the_database_itself_refuses_to_change_an_event(ledger: Ledger, place: Place) -> None:
    ledger.append("order", {"lots": 1})
    for statement in ("update event set payload = '{}'", "delete from event"):
        with pytest.raises((sqlite3.IntegrityError, psycopg.IntegrityError), match="never changed"):
            run(place, statement)


def test_an_untouched_chain_is_sound(ledger: Ledger) -> None:
    last = [ledger.append("order", {"number": number}) for number in range(4)][-1]
    report = ledger.verify()
    assert (report.sound, report.checked, report.head) == (True, 4, last.hash)


@pytest.mark.parametrize(
    ("statement", "bad", "problem"),
    [
        ("update event set payload = '{\"number\":9}' where seq = 2", 2, "row 2 was changed"),
        ("update event set at = '2020-01-01T00:00:00.000000+00:00' where seq = 3", 3, "row 3 was changed"),
        ("update event set at = 'yesterday' where seq = 3", 3, "row 3 was changed"),
        ("update event set kind = 'note' where seq = 1", 1, "row 1 was changed"),
        ("delete from event where seq = 2", 3, "row 2 is missing before row 3"),
        ("update event set prev_hash = hash where seq = 4", 4, "row 4 does not follow"),
    ],
)
def test_verify_names_the_first_bad_row(ledger: Ledger, place: Place, statement: str, bad: int, problem: str) -> None:
    for number in range(4):
        ledger.append("order", {"number": number})
    vandalise(place, statement)
    report = ledger.verify()
    assert report.first_bad == bad
    assert problem in report.problem


def test_a_new_desk_is_active_and_keeps_what_it_was_told(ledger: Ledger, place: Place) -> None:
    assert ledger.desk_state() is DeskState.ACTIVE
    ledger.set_desk_state(DeskState.HALTED, "lunch", by="person")
    assert Ledger.open(place, "paper", now=now).desk_state() is DeskState.HALTED
    ledger.set_desk_state(DeskState.ACTIVE, "back", by="person")
    assert ledger.desk_state() is DeskState.ACTIVE


def test_an_unreadable_desk_state_means_halted(ledger: Ledger, place: Place) -> None:
    ledger.append("desk_state", {"state": "cheerful"})
    assert ledger.desk_state() is DeskState.HALTED
    vandalise(place, "alter table event rename to gone")
    assert ledger.desk_state() is DeskState.HALTED


def test_equity_is_the_last_stored_else_the_one_given(ledger: Ledger, place: Place) -> None:
    assert ledger.equity() == Decimal(1_000_000)
    ledger.set_equity(Decimal("987654.05"))
    assert Ledger.open(place, "paper", now=now).equity() == Decimal("987654.05")


def test_no_equity_at_all_names_the_setting(place: Place) -> None:
    with pytest.raises(ConfigError, match="ZONEDESK_EQUITY"):
        Ledger.open(place, "paper", now=now).equity()


def test_a_cycle_is_kept_once(ledger: Ledger) -> None:
    ledger.record_cycle(record())
    ledger.record_cycle(record())
    kept = ledger.events("cycle")
    assert [CycleRecord.model_validate_json(json.dumps(event.payload)) for event in kept] == [record()]


def test_a_cycle_that_ends_differently_the_second_time_leaves_a_note(ledger: Ledger) -> None:
    ledger.record_cycle(record())
    for _ in range(2):
        ledger.record_cycle(record(reason=Reason.PRICE_STALE))
    assert [event.payload["reason"] for event in ledger.events("cycle")] == ["price_away"]
    assert [event.payload["reason"] for event in ledger.events("cycle_differs")] == ["price_stale"]


def test_a_ledger_in_memory_serves_several_threads() -> None:
    ledger = Ledger.in_memory("replay", now=now)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: ledger.append("note", {"number": number}), range(40)))
    assert ledger.verify().checked == 40


APPENDER = """
    for number in range(25):
        ledger.append("note", {"who": sys.argv[2], "number": number})
"""


@pytest.mark.process
def test_six_processes_that_create_one_ledger_at_once_lose_nothing(place: Place) -> None:
    running = start_all(APPENDER, place, 6)
    errors = [process.communicate(timeout=60)[1] for process in running]
    assert [process.returncode for process in running] == [0] * 6, errors
    report = Ledger.open(place, "paper", now=now).verify()
    assert (report.sound, report.checked) == (True, 150)
