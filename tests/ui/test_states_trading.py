"""Cockpit, option chain and positions: empty, stale, halted, and with a store or a ledger that is unreadable."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from agents.domain.cycle import DeskState
from agents.execution.service.changes import CANCEL
from agents.settings import Settings
from tests.ui.pages import copied, feed_was_heard, ledger_of, looked_again, opened, spoilt, texts
from ui.chain_board import KEPT_SECONDS, ChainBoards
from ui.exits import EXIT
from ui.hub import hub_of
from ui.queries import snapshot

TRADING = ("", "chain", "positions")
EMPTY = {
    "": "In an open session the desk decides every three minutes and says why",
    "chain": "It appears with the first prices of the session",
    "positions": "the desk asks for a trade",
}
FULL = {
    "": ("Last decisions", "Live zones", "NIFTY26NOV23800CE", "of 5, 20% used"),
    "chain": ("Calls left, puts right", "Expected move", "★ max pain", "As of 20 Nov 2026"),
    "positions": ("Result of the day", "NIFTY26NOV23800CE", "ledger and broker", "held, with stop and target"),
}


@pytest.fixture
def desk(noon: Settings, tmp_path: Path) -> Settings:
    """A copy of the desk at noon, to be spoilt."""
    return copied(noon, tmp_path / "copy")


def page(monkeypatch: pytest.MonkeyPatch, settings: Settings, view: str) -> AppTest:
    return opened(monkeypatch, settings.data_dir, mode="paper", view=view)


def is_full(view: str, shown: AppTest) -> bool:
    """Whether the page has all its parts."""
    words = texts(shown)
    return not shown.exception and all(part in words for part in FULL[view])


@pytest.mark.parametrize("view", TRADING)
def test_an_empty_desk_says_what_will_come_and_when(view: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = opened(monkeypatch, tmp_path, mode="paper", view=view)
    assert not shown.exception
    assert EMPTY[view] in texts(shown)


@pytest.mark.parametrize("view", TRADING)
def test_a_full_page_stays_under_old_prices_a_halt_and_spoilt_files(
    view: str, desk: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed_was_heard(desk, 40.0)
    ledger = ledger_of(desk)
    ledger.set_desk_state(DeskState.HALTED, "asked by a person", by="guardian")
    ledger.close()
    shown = page(monkeypatch, desk, view)
    words = texts(shown)
    assert is_full(view, shown)
    assert "STALE: the feed" in words
    assert "HALTED" in words
    assert "asked by a person" in words
    for path in (desk.store_path, desk.ledger_path):
        spoilt(path)
    for each in desk.home.glob("ledger.sqlite-*"):
        each.unlink()
    words = looked_again(shown, desk)
    assert is_full(view, shown)
    assert "is not a ledger" in words
    assert str(desk.store_path) in words
    assert words.count("What is shown was read at") == 2
    old = hub_of(desk).look()
    aged = type(old)(old.market, old.desk, old.as_of - timedelta(seconds=90), old.number)
    monkeypatch.setattr(type(hub_of(desk)), "look", lambda _: aged)
    shown.run()
    assert is_full(view, shown)
    assert "this page was last read 9" in texts(shown)


@pytest.mark.parametrize("view", TRADING)
def test_files_that_were_never_readable_are_named(view: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(mode="paper", data_dir=tmp_path)
    settings.home.mkdir()
    for path in (settings.store_path, settings.ledger_path):
        spoilt(path)
    shown = opened(monkeypatch, tmp_path, mode="paper", view=view)
    assert not shown.exception
    words = texts(shown)
    assert f"{settings.ledger_path} is not a ledger" in words
    assert str(settings.store_path) in words
    assert "No position is open" not in words
    assert "No order yet" not in words


def test_an_exit_is_asked_once_and_shown_done_after_the_guardian_said_so(
    desk: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert EXIT == CANCEL
    tabs = [page(monkeypatch, desk, "positions") for _ in range(2)]
    for shown in tabs:
        shown.button(key="exit-now-setup-1").click().run()
    again = page(monkeypatch, desk, "positions")
    assert again.button(key="exit-now-setup-1").disabled
    ledger = ledger_of(desk)
    (asked,) = ledger.commands.pending()
    assert (asked.kind, asked.payload) == (CANCEL, {"setup_id": "setup-1", "close": True})
    assert "waits for the guardian" in texts(again)
    ledger.commands.done(asked.id, "refused: the market is closed")
    assert "refused: the market is closed" in looked_again(again, desk)
    again.button(key="exit-now-setup-1").click().run()
    (second,) = ledger.commands.pending()
    ledger.commands.done(second.id, "done: it is taken back, and what was bought is sold")
    ledger.close()
    assert "done: it is taken back" in looked_again(again, desk)
    assert again.button(key="exit-now-setup-1").disabled


def test_a_chain_stays_with_its_age_while_the_store_cannot_be_read(desk: Settings) -> None:
    now = [datetime(2026, 11, 20, 7, tzinfo=UTC)]
    boards = ChainBoards(lambda: now[0], apart=lambda work: work())
    market = snapshot(desk, "NIFTY")
    first = boards.board(desk, market, Decimal(24_000))
    assert first.chains
    assert first.first
    assert not first.problem
    spoilt(desk.store_path)
    assert boards.board(desk, market, Decimal(24_000)) == first
    now[0] += timedelta(seconds=KEPT_SECONDS)
    later = boards.board(desk, market, Decimal(24_000))
    assert later.chains == first.chains
    assert str(desk.store_path) in later.problem
    assert later.read_at == first.read_at
