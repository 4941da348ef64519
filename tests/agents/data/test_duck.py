"""One database a process, begun anew now and then: what it keeps of each attached file must not add up."""

import ctypes
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from agents.data import duck
from agents.data.store import Store

HEAP_SHARE = 0.25


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    duck._engine.cache_clear()
    found = Store(tmp_path / "market.duckdb", "paper", now=lambda: datetime.now(UTC))
    with found.write():
        pass
    yield found
    duck._engine.cache_clear()


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Where each database was opened that began after this."""
    found: list[str] = []
    connect = duckdb.connect

    def spied(path: str, **named: dict[str, str]) -> duckdb.DuckDBPyConnection:
        found.append(path)
        return connect(path, **named)  # type: ignore[arg-type]  # its own words

    monkeypatch.setattr(duckdb, "connect", spied)
    return found


def test_a_database_is_begun_anew_after_so_many_uses(
    store: Store, begun: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(duck, "_MOST_USES", 5)
    for _ in range(20):
        assert store.rows("select 1") == [(1,)]
    assert begun == [":memory:"] * 4


def test_no_database_is_begun_anew_under_a_reader(
    store: Store, begun: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(duck, "_MOST_USES", 2)
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with store.read() as connection:
            held.set()
            done.wait(10)
            assert connection.execute("select 1").fetchall() == [(1,)]

    reader = threading.Thread(target=hold)
    reader.start()
    assert held.wait(10)
    begun.clear()
    for _ in range(8):
        assert store.rows("select 1") == [(1,)]
    before = len(begun)
    done.set()
    reader.join()
    store.rows("select 1")
    assert (before, len(begun)) == (0, 1)


class Allocated(ctypes.Structure):
    """What glibc's ``mallinfo2`` returns; of interest is ``uordblks``, the bytes in use."""

    _fields_ = [(name, ctypes.c_size_t) for name in (*"abcdefg", "uordblks", "fordblks", "keepcost")]


def test_what_is_kept_of_visits_does_not_add_up(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    info = getattr(ctypes.CDLL(None), "mallinfo2", None)
    if info is None:
        pytest.skip("only glibc 2.33 and later tell how much is in use")
    info.restype = Allocated

    def grown(visits: int) -> int:
        start = info().uordblks
        for _ in range(visits):
            store.rows("select count(*) from candles")
        return int(info().uordblks - start)

    grown(50)
    monkeypatch.setattr(duck, "_MOST_USES", 10_000)
    without = grown(300)
    monkeypatch.setattr(duck, "_MOST_USES", 50)
    grown(50)
    assert without > 0
    assert grown(300) < HEAP_SHARE * without
