"""The file of the book: what is refused, and in which words."""

import sqlite3
import stat
from pathlib import Path

import pytest

from exchange.accounts import SAMPLE_SECRET
from exchange.server import ClockPlan, ServerConfig, assemble
from exchange.state import Drop, Put, StateError, StateFile
from tests.exchange.kept import Kept
from tests.exchange.shelves import NINE_THIRTY, Shelf


def test_what_is_written_is_there_after_a_reopening_in_its_order(tmp_path: Path) -> None:
    file = StateFile(tmp_path / "folder" / "book.sqlite")
    file.write([Put("order", "b", 1, b"2"), Put("order", "a", 2, b"3"), Put("trade", "a", 1, b"4")])
    file.write([Put("order", "b", 1, b"5"), Put("order", "c", 0, b"1")], [Drop("trade", "a")])
    file.close()
    again = StateFile(tmp_path / "folder" / "book.sqlite")
    assert again.read("order") == [("c", b"1"), ("b", b"5"), ("a", b"3")]
    assert again.read("trade") == []
    again.write([Put("order", "d", 0, b"6")], afresh=True)
    assert again.read("order") == [("d", b"6")]
    again.close()


def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    file = StateFile(tmp_path / "book.sqlite")
    file.write([Put("order", "a", 0, b"1")])
    for path in tmp_path.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    file.close()


def test_a_second_exchange_on_the_same_file_is_refused(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    with pytest.raises(StateError, match=r"life-0\.sqlite is in use .* stop what holds it"):
        StateFile(kept.path)
    kept.exchange.close()


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("buy low, sell high\n" * 100)
    with pytest.raises(StateError, match=r"notes\.txt is damaged or no book .* move it away"):
        StateFile(path)
    assert path.read_text().startswith("buy low")


def test_a_database_of_another_program_is_named(tmp_path: Path) -> None:
    path = tmp_path / "shop.sqlite"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE goods (name TEXT)")
    other.close()
    with pytest.raises(StateError, match=r"shop\.sqlite is a database of another program"):
        StateFile(path)


def test_a_book_of_another_version_is_named(tmp_path: Path) -> None:
    path = tmp_path / "book.sqlite"
    StateFile(path).close()
    with sqlite3.connect(path) as other:
        other.execute("PRAGMA user_version = 99")
    other.close()
    with pytest.raises(StateError, match=r"book\.sqlite is a book of version 99, this exchange reads 1"):
        StateFile(path)


def test_a_damaged_page_is_found_before_anything_is_read(tmp_path: Path) -> None:
    path = tmp_path / "book.sqlite"
    file = StateFile(path)
    file.write(Put("order", f"{number:04d}", number, b"x" * 500) for number in range(500))
    file.close()
    raw = bytearray(path.read_bytes())
    raw[8192:16384] = b"\xff" * 8192
    path.write_bytes(raw)
    with pytest.raises(StateError, match=r"book\.sqlite is damaged"):
        StateFile(path)


def test_a_record_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    kept.place()
    kept.exchange.close()
    file = StateFile(kept.path)
    (key, _), *_ = file.read("order")
    file.write([Put("order", key, 0, b'{"order_id": 5}')])
    file.close()
    with pytest.raises(StateError, match=rf"life-1\.sqlite holds what cannot be read \(order {key}: .*move it away"):
        kept.kill()


def test_the_book_of_another_seed_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    kept.place()
    kept.exchange.close()
    other = ServerConfig("c", seed=8, clock=ClockPlan("at", at=NINE_THIRTY), state_path=kept.path)
    with pytest.raises(StateError, match="seed 7, this one has 8"):
        assemble(other, Shelf())
    kept.kill()
    assert len(kept.book["clients"]["1000000001"]["orders"]) == 1


def test_no_token_pin_or_secret_is_in_the_file(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    kept.place()
    token = kept.account.token
    written = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert kept.account.client_id.encode() in written
    for secret in (token, token.rpartition(".")[2], kept.account.pin, SAMPLE_SECRET):
        assert secret.encode() not in written
    kept.exchange.close()


def test_a_disk_that_is_full_stops_the_step_and_loses_nothing_once_it_is_not(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    kept.place()
    assert kept.exchange.book is not None
    ask = kept.exchange.book._connection.execute  # nothing public fills a disk
    ask(f"PRAGMA max_page_count = {ask('PRAGMA page_count').fetchone()[0]}")
    with pytest.raises(StateError, match=r"cannot be written .* free the disk"):
        place_many(kept)
    ask("PRAGMA max_page_count = 100000")
    kept.core.journal.commit()
    told = kept.book
    kept.kill()
    assert kept.book == told
    kept.exchange.close()


def place_many(kept: Kept) -> None:
    for _ in range(50):
        kept.place(price=100.0)
