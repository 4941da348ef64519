"""Where a ledger lives: a file or a server, what is said when neither can be used, and ledgers of older programs."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from pydantic import SecretStr

from agents.bootstrap import open_ledger
from agents.data.ledger import Ledger
from agents.data.ledger.engine import open_engine, reading, writing
from agents.domain.errors import ConfigError, StoreBusyError
from agents.settings import Settings
from tests.agents.data.ledger.servers import Place, PostgresServer, run, start_all

AT = datetime(2024, 6, 5, 6, 0, tzinfo=UTC)


def now() -> datetime:
    return AT


def test_the_setting_decides_between_the_file_and_the_server(tmp_path: Path) -> None:
    file = Settings(mode="paper", data_dir=tmp_path)
    assert file.ledger_place == tmp_path / "paper" / "ledger.sqlite"
    server = Settings(mode="paper", data_dir=tmp_path, ledger_url=SecretStr("postgresql://desk:hunter2@db/paper"))
    assert isinstance(server.ledger_place, SecretStr)
    assert "hunter2" not in repr(server)


@pytest.mark.process
def test_the_desk_opens_its_ledger_on_the_server(postgres: PostgresServer, tmp_path: Path) -> None:
    settings = Settings(mode="paper", data_dir=tmp_path, ledger_url=postgres.new())
    open_ledger(settings, now=now).append("note", {"text": "kept"})
    assert open_ledger(settings, now=now).verify().checked == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("url", ["mysql://desk:hunter2@db/paper", "hunter2", "postgresql://desk:hunter2@db", "://"])
def test_another_url_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(ConfigError, match="ZONEDESK_LEDGER_URL must look like") as caught:
        Ledger.open(SecretStr(url), "paper", now=now)
    assert "hunter2" not in str(caught.value)


def test_a_server_that_does_not_answer_is_named_without_its_password(tmp_path: Path) -> None:
    with pytest.raises(StoreBusyError, match=r"paper on .* does not answer") as caught:
        Ledger.open(SecretStr(f"postgresql://desk:hunter2@/paper?host={tmp_path}"), "paper", now=now)
    assert "hunter2" not in str(caught.value)
    assert caught.value.retryable


@pytest.mark.process
def test_a_server_that_hung_up_is_called_again(postgres: PostgresServer) -> None:
    place = postgres.new()
    ledger = Ledger.open(place, "paper", now=now)
    ledger.append("note", {"text": "before"})
    run(place, "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'zonedesk'")
    ledger.append("note", {"text": "after"})
    assert ledger.verify().checked == 2


@pytest.mark.process
def test_on_the_server_too_what_was_committed_survives_and_reading_never_writes(postgres: PostgresServer) -> None:
    engine = open_engine(postgres.new())
    with reading(engine) as connection:
        assert connection.exec_driver_sql("show synchronous_commit").scalar() == "on"
        assert connection.exec_driver_sql("show transaction_isolation").scalar() == "repeatable read"
        assert connection.exec_driver_sql("show transaction_read_only").scalar() == "on"


@pytest.mark.process
def test_the_server_refuses_to_empty_the_chain(postgres: PostgresServer) -> None:
    place = postgres.new()
    Ledger.open(place, "paper", now=now).append("note", {})
    with pytest.raises(psycopg.IntegrityError, match="never changed"):
        run(place, "truncate event cascade")


def test_a_ledger_of_the_first_program_is_lifted_and_its_ids_are_found(place: Place) -> None:
    engine = open_engine(place)
    with writing(engine) as connection:
        config = Config()
        config.set_main_option("script_location", "agents.data.ledger:migrations")
        config.set_main_option("path_separator", "os")
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.exec_driver_sql("insert into meta (key, value) values ('mode', 'paper')")
        connection.exec_driver_sql(
            "insert into event (seq, at, recorded_at, kind, key, payload, prev_hash, hash) values "
            """(1, '2024-06-05T06:00:00.000000+00:00', '2024-06-05T06:00:00.000000+00:00', 'order', null,
                '{"correlation_id":"A1","zone_id":"z1"}', '0', '0')"""
        )
    engine.dispose()
    ledger = Ledger.open(place, "paper", now=now)
    assert [event.seq for event in ledger.about("z1")] == [1]
    assert ledger.leases.acquire("guardian", "a", timedelta(seconds=10)) is not None


ASKER = """
    from datetime import timedelta
    from agents.data.ledger import Severity

    who = sys.argv[2]
    lease = ledger.leases.acquire("guardian", who, timedelta(hours=1))
    print("holds" if lease else "waits")
    for number in range(10):
        ledger.commands.ask(f"{who}-{number}", "halt", {"who": who, "number": number}, by=who)
        ledger.commands.ask("same", "resume", {}, by=who)
        ledger.heartbeats.beat("guardian", {"who": who})
        ledger.outbox.put(Severity.WARN, "same", "once")
"""


@pytest.mark.process
def test_six_processes_get_one_lease_and_ask_each_command_once(place: Place) -> None:
    running = start_all(ASKER, place, 6)
    outputs = [process.communicate(timeout=60) for process in running]
    assert [process.returncode for process in running] == [0] * 6, outputs
    assert sorted(out for out, _ in outputs) == ["holds\n", *["waits\n"] * 5]
    ledger = Ledger.open(place, "paper", now=now)
    assert len(ledger.commands.pending()) == 61
    assert len(ledger.outbox.recent(100)) == 1
    assert len(ledger.heartbeats.all()) == 1
    report = ledger.verify()
    assert (report.sound, report.checked) == (True, 63)
