from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from agents.data.ledger import Ledger
from agents.domain.orders import OrderState
from agents.execution.book import LedgerBook
from agents.execution.paper import MemoryBook
from tests.agents.execution.orders import PLACED, order


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = Ledger.open(tmp_path / "ledger.sqlite", "paper", now=lambda: PLACED)
    yield opened
    opened.close()


def test_an_order_comes_back_as_it_was_saved(ledger: Ledger) -> None:
    saved = order(state=OrderState.ENTRY_PENDING)
    LedgerBook(ledger).save(saved)
    assert LedgerBook(ledger).latest() == (saved,)


def test_the_last_event_of_an_order_is_its_state_and_the_first_its_place(ledger: Ledger) -> None:
    book, memory = LedgerBook(ledger), MemoryBook()
    first, second = order(correlation_id="a"), order(correlation_id="b", placed_at=PLACED + timedelta(minutes=3))
    for kept in (book, memory):
        kept.save(first)
        kept.save(second)
        kept.save(first.model_copy(update={"state": OrderState.REJECTED}))
    assert [found.correlation_id for found in book.latest()] == ["a", "b"]
    assert book.latest() == memory.latest()


def test_another_book_sees_what_one_appended(ledger: Ledger) -> None:
    one, other = LedgerBook(ledger), LedgerBook(ledger)
    assert other.latest() == ()
    one.save(order())
    assert other.latest() == (order(),)


def test_the_events_of_a_book_are_a_sound_chain(ledger: Ledger) -> None:
    LedgerBook(ledger).save(order())
    assert ledger.verify().sound
