"""The DuckDB store: opening, writing, merging, and refusing."""

import signal
import subprocess
import sys
import threading
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
import pytest

from agents.data import schema as schema_module
from agents.data.schema import Step, schema_steps
from agents.data.store import Store
from agents.domain.errors import ConfigError, InvariantViolationError, MissingDataError, StoreBusyError, WrongModeError

T0 = datetime(2024, 6, 5, 4, 0, tzinfo=UTC)
SCOPE = {"instrument": "NIFTY", "session": date(2024, 6, 5)}


class Stamp:
    """A clock for stamps that a test moves."""

    def __init__(self) -> None:
        self.moment = T0

    def __call__(self) -> datetime:
        return self.moment


@pytest.fixture
def stamp() -> Stamp:
    return Stamp()


@pytest.fixture
def store(tmp_path: Path, stamp: Stamp) -> Store:
    return Store(tmp_path / "replay" / "market.duckdb", "replay", now=stamp)


def gaps(*ids: str, known: datetime = T0) -> pd.DataFrame:
    """Return one gap for each id."""
    rows = [
        {"id": each, **SCOPE, "side": "demand", "low": 1, "high": 2, "event_at": known, "known_at": known}
        for each in ids
    ]
    return pd.DataFrame(rows)


def test_reading_a_missing_file_names_the_commands_that_make_one(store: Store) -> None:
    with pytest.raises(MissingDataError, match=r"zonedesk import FILE.*zonedesk simulate"):
        store.rows("select 1")
    assert not store.exists


def test_writing_is_refused_where_the_file_may_not_be_made(tmp_path: Path, stamp: Stamp) -> None:
    with pytest.raises(MissingDataError):
        Store(tmp_path / "market.duckdb", "replay", now=stamp, create=False).append("fair_value_gaps", gaps("a"))


def test_appended_rows_come_back_aware_and_stamped(store: Store) -> None:
    assert store.append("fair_value_gaps", gaps("a", "b")) == 2
    assert store.rows("select id, known_at, recorded_at from fair_value_gaps order by id") == [
        ("a", T0, T0),
        ("b", T0, T0),
    ]
    frame = store.frame("select known_at, session, low from fair_value_gaps")
    assert str(frame["known_at"].dtype) == "datetime64[us, UTC]"
    assert frame["session"][0] == date(2024, 6, 5)


def test_a_block_that_raises_leaves_nothing_behind(store: Store) -> None:
    store.append("fair_value_gaps", gaps("a"))
    with pytest.raises(duckdb.Error), store.write() as connection:
        connection.execute("delete from fair_value_gaps; select no_such_column from zones")
    assert store.rows("select count(*) from fair_value_gaps") == [(1,)]


def test_merging_the_same_rows_again_keeps_their_stamp(store: Store, stamp: Stamp) -> None:
    assert store.merge("fair_value_gaps", gaps("a", "b"), scope=SCOPE) == (2, 0, 0)
    stamp.moment = T0 + timedelta(hours=1)
    assert store.merge("fair_value_gaps", gaps("b", "a"), scope=SCOPE) == (0, 0, 2)
    assert store.merge("fair_value_gaps", gaps("b", "c"), scope=SCOPE) == (1, 1, 1)
    assert store.rows("select id, recorded_at from fair_value_gaps order by id") == [("b", T0), ("c", stamp.moment)]


def test_merging_up_to_a_moment_leaves_later_rows_alone(store: Store) -> None:
    later = T0 + timedelta(minutes=15)
    store.append("fair_value_gaps", pd.concat([gaps("a"), gaps("b", known=later)]))
    assert store.merge("fair_value_gaps", gaps("c"), scope=SCOPE, until=T0) == (1, 1, 0)
    assert store.rows("select id from fair_value_gaps order by id") == [("b",), ("c",)]


def test_merging_nothing_empties_the_scope_only(store: Store) -> None:
    other = gaps("x").assign(session=date(2024, 6, 6))
    store.append("fair_value_gaps", pd.concat([gaps("a"), other]))
    assert store.merge("fair_value_gaps", pd.DataFrame(), scope=SCOPE) == (0, 1, 0)
    assert store.rows("select id from fair_value_gaps") == [("x",)]


def test_missing_values_are_equal_to_missing_values(store: Store) -> None:
    row = {**SCOPE, "known_at": T0, "candle": 1, "close": 2, "atr": None, "trend": 0, "poc": None, "val": None}
    rest = {"vah": None, "profile_source": "own", "session_share": 0.1, "live_zones": 0}
    columns = set(store_columns(store, "analysis_candles"))
    frame = pd.DataFrame([{**row, **rest}])
    frame = frame.assign(**dict.fromkeys(columns - set(frame.columns) - {"recorded_at"}, None))
    assert store.merge("analysis_candles", frame, scope=SCOPE).inserted == 1
    assert store.merge("analysis_candles", frame, scope=SCOPE).unchanged == 1


def store_columns(store: Store, table: str) -> list[str]:
    with store.write() as connection:
        return [column[0] for column in connection.execute(f"select * from {table}").description or ()]


def test_a_row_outside_the_scope_is_refused_whole(store: Store) -> None:
    with pytest.raises(ValueError, match="outside the scope"):
        store.merge("fair_value_gaps", gaps("a"), scope={"instrument": "BANKNIFTY"})
    assert store.rows("select count(*) from fair_value_gaps") == [(0,)]


@pytest.mark.parametrize("change", [{"extra": 1}, {"low": None}])
def test_wrong_columns_are_named(store: Store, change: dict[str, object]) -> None:
    frame = gaps("a").assign(extra=1) if "extra" in change else gaps("a").drop(columns="low")
    with pytest.raises(ValueError, match=next(iter(change))):
        store.append("fair_value_gaps", frame)


def test_times_without_a_zone_are_refused(store: Store) -> None:
    naive = gaps("a").assign(known_at=pd.Timestamp("2024-06-05 09:30"))
    with pytest.raises(ValueError, match="known_at has times without a zone"):
        store.append("fair_value_gaps", naive)


def test_arrow_tables_go_in_and_come_out(store: Store) -> None:
    store.append("fair_value_gaps", pa.Table.from_pandas(gaps("a"), preserve_index=False))
    assert store.arrow("select low from fair_value_gaps")["low"].to_pylist() == [1]


def test_another_mode_is_refused_with_both_names(store: Store, stamp: Stamp) -> None:
    store.append("fair_value_gaps", gaps("a"))
    live = Store(store.path, "live", now=stamp)
    with pytest.raises(WrongModeError, match="holds replay data and was opened as live"):
        live.rows("select 1")
    with pytest.raises(WrongModeError):
        live.append("fair_value_gaps", gaps("b"))


def test_a_file_of_something_else_is_refused(tmp_path: Path, stamp: Stamp) -> None:
    path = tmp_path / "market.duckdb"
    duckdb.connect(str(path)).execute("create table other (a int)").close()
    with pytest.raises(ConfigError, match="not a store of zonedesk"):
        Store(path, "replay", now=stamp).rows("select 1")


@pytest.mark.parametrize("keep", [100, 5_000, None])
def test_a_damaged_file_is_a_clear_error(store: Store, keep: int | None, stamp: Stamp) -> None:
    store.append("fair_value_gaps", gaps("a"))
    content = bytearray(store.path.read_bytes())
    content[4096:8192] = bytes(4096)
    store.path.write_bytes(content[:keep])
    with pytest.raises(ConfigError, match=r"cannot open .* damaged"):
        Store(store.path, "replay", now=stamp).rows("select 1")


def test_an_older_file_is_lifted_in_one_go(store: Store, stamp: Stamp, monkeypatch: pytest.MonkeyPatch) -> None:
    store.append("fair_value_gaps", gaps("a"))
    newer = (*schema_steps(), Step(len(schema_steps()) + 1, "alter table fair_value_gaps add column note varchar"))
    monkeypatch.setattr(schema_module, "schema_steps", lambda: newer)
    lifted = Store(store.path, "replay", now=stamp)
    assert lifted.rows("select id, note from fair_value_gaps") == [("a", None)]
    assert lifted.rows("select value from meta where key = 'schema_version'") == [(str(newer[-1].version),)]


def test_a_failed_lift_leaves_the_file_as_it_was(store: Store, stamp: Stamp, monkeypatch: pytest.MonkeyPatch) -> None:
    store.append("fair_value_gaps", gaps("a"))
    sql = "alter table fair_value_gaps add column note varchar; select no_such_column from zones"
    newer = (*schema_steps(), Step(len(schema_steps()) + 1, sql))
    monkeypatch.setattr(schema_module, "schema_steps", lambda: newer)
    with pytest.raises(duckdb.Error):
        Store(store.path, "replay", now=stamp).rows("select 1")
    monkeypatch.undo()
    assert "note" not in Store(store.path, "replay", now=stamp).frame("select * from fair_value_gaps").columns


def test_a_newer_file_is_refused_with_the_cure(store: Store, stamp: Stamp) -> None:
    with store.write() as connection:
        connection.execute("update meta set value = '99' where key = 'schema_version'")
    with pytest.raises(ConfigError, match=r"schema version 99 .* update zonedesk"):
        Store(store.path, "replay", now=stamp).rows("select 1")


def test_nested_opening_is_refused_rather_than_waited_for(store: Store) -> None:
    with store.write(), pytest.raises(InvariantViolationError):
        store.rows("select 1")


def test_reading_and_writing_threads_of_one_process_do_not_disturb_each_other(store: Store) -> None:
    store.append("fair_value_gaps", gaps("first"))
    errors: list[Exception] = []

    def work(name: str) -> None:
        try:
            for turn in range(8):
                if name.startswith("w"):
                    store.append("fair_value_gaps", gaps(f"{name}{turn}"))
                else:
                    store.rows("select count(*) from fair_value_gaps")
        except Exception as error:  # noqa: BLE001  (whatever a thread raises must reach the test)
            errors.append(error)

    threads = [threading.Thread(target=work, args=(name,)) for name in ("w1", "w2", "r1", "r2", "r3")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert store.rows("select count(*) from fair_value_gaps") == [(17,)]


@pytest.mark.process
def test_a_shell_that_keeps_the_file_open_is_named(store: Store, stamp: Stamp) -> None:
    store.append("fair_value_gaps", gaps("a"))
    code = "import duckdb, sys, time; c = duckdb.connect(sys.argv[1]); print('in', flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code, str(store.path)], stdout=subprocess.PIPE, text=True) as shell:
        assert shell.stdout is not None
        assert shell.stdout.readline() == "in\n"
        try:
            with pytest.raises(StoreBusyError, match=f"process {shell.pid} keeps"):
                Store(store.path, "replay", now=stamp, patience=0.2).rows("select 1")
        finally:
            shell.kill()


KILLED = """
import os, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from agents.data.store import Store
store = Store(Path(sys.argv[1]), "replay", now=lambda: datetime(2024, 1, 1, tzinfo=UTC))
with store.write() as connection:
    connection.execute("insert into meta values ('kept', '1')")
    connection.commit()
    connection.begin()
    connection.execute("insert into meta values ('lost', '1')")
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.process
def test_a_killed_writer_loses_only_what_it_had_not_committed(store: Store) -> None:
    store.append("fair_value_gaps", gaps("a"))
    ended = subprocess.run([sys.executable, "-c", KILLED, str(store.path)], check=False)
    assert ended.returncode == -signal.SIGKILL
    assert store.rows("select key from meta where key in ('kept', 'lost')") == [("kept",)]
    store.append("fair_value_gaps", gaps("b"))
    assert store.rows("select count(*) from fair_value_gaps") == [(2,)]


def test_a_path_with_a_quote_and_a_blank_works(tmp_path: Path, stamp: Stamp) -> None:
    store = Store(tmp_path / "it's here" / "market.duckdb", "replay", now=stamp)
    store.append("fair_value_gaps", gaps("a"))
    assert store.rows("select id from fair_value_gaps") == [("a",)]
