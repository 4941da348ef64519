"""When a candle or a slot is due, without Dagster."""

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.data.calendar import NseCalendar
from agents.domain.values import IST
from pipelines.timing import (
    ChainFacts,
    DueCandle,
    Slot,
    TradeFacts,
    analysis_closes,
    chain_decision,
    due_candle,
    too_old,
    trade_decision,
    trade_slot,
)

CALENDAR = NseCalendar()
DAY = date(2025, 6, 20)


def ist(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=IST)


def facts(now: str, **changes: object) -> TradeFacts:
    at = ist(now)
    plain = {
        "now": at,
        "session": CALENDAR.session(at.date()),
        "last_slot": None,
        "runs_in_flight": 0,
        "zones_known_at": ist("2025-06-20T15:30"),
        "patience": timedelta(seconds=60),
    }
    return TradeFacts(**{**plain, **changes})  # type: ignore[arg-type]  # a test changes single fields


def test_a_candle_is_due_from_its_close_to_the_next() -> None:
    due = due_candle(ist("2025-06-20T10:29:59"), CALENDAR)
    assert due == DueCandle(DAY, ist("2025-06-20T10:15"))
    assert due.key == "2025-06-20T1015"
    assert due.label == "10:15"


@pytest.mark.parametrize(("day", "word"), [("2025-06-21", "Saturday"), ("2025-08-15", "Friday 15 August")])
def test_a_closed_day_is_named(day: str, word: str) -> None:
    reason = due_candle(ist(f"{day}T10:15"), CALENDAR)
    assert isinstance(reason, str)
    assert word in reason


def test_before_the_first_close_the_candle_before_is_due() -> None:
    assert due_candle(ist("2025-06-20T09:20"), CALENDAR) == DueCandle(date(2025, 6, 19), ist("2025-06-19T15:30"))


def test_after_hours_of_a_simulated_market_its_last_candle_is_due() -> None:
    due = due_candle(ist("2025-06-21T11:00"), CALENDAR, after_hours=True)
    assert due == DueCandle(DAY, ist("2025-06-20T15:30"))


def test_the_closing_auction_has_no_candle() -> None:
    session = CALENDAR.session(date(2026, 8, 3))
    assert session is not None
    assert analysis_closes(session)[-1] == ist("2026-08-03T15:15")
    assert len(analysis_closes(session)) == 24


def test_a_regular_session_has_twenty_five_candles() -> None:
    session = CALENDAR.session(DAY)
    assert session is not None
    assert len(analysis_closes(session)) == 25


@pytest.mark.parametrize(
    ("now", "words"),
    [
        ("2025-06-21T10:00", "not a trading day"),
        ("2025-06-20T08:00", "opens at 09:15"),
        ("2025-06-20T09:16", "first slot is 09:18"),
        ("2025-06-20T15:30", "closed at 15:30"),
        ("2024-03-02T10:30", "pauses until 11:30"),
    ],
)
def test_no_slot_outside_the_market_and_the_reason_says_why(now: str, words: str) -> None:
    reason = trade_slot(ist(now), CALENDAR.session(ist(now).date()))
    assert isinstance(reason, str)
    assert words in reason


@given(st.integers(3 * 60, 375 * 60 - 1))
def test_every_second_after_the_first_three_minutes_lies_in_one_slot(seconds: int) -> None:
    session = CALENDAR.session(DAY)
    assert session is not None
    now = session.open_at + timedelta(seconds=seconds)
    slot = trade_slot(now, session)
    assert isinstance(slot, Slot)
    assert slot.at <= now < slot.at + timedelta(minutes=3)
    assert (slot.at - session.open_at) % timedelta(minutes=3) == timedelta(0)


def test_a_slot_is_requested_once() -> None:
    slot = trade_decision(facts("2025-06-20T10:19:10"))
    assert isinstance(slot, Slot)
    assert slot.key == "2025-06-20T1018"
    again = trade_decision(facts("2025-06-20T10:20", last_slot=slot.key))
    assert again == "The slot of 10:18 is done; the next begins at 10:21."


def test_a_slot_waits_while_a_trade_run_is_in_flight() -> None:
    assert "still in progress" in str(trade_decision(facts("2025-06-20T10:19", runs_in_flight=1)))


def test_at_a_candle_close_the_zones_are_waited_for_and_not_for_ever() -> None:
    late = {"zones_known_at": ist("2025-06-20T10:00")}
    assert trade_decision(facts("2025-06-20T10:15:20", **late)) == "Waiting for the zones of the 10:15 candle."
    assert isinstance(trade_decision(facts("2025-06-20T10:16:00", **late)), Slot)
    ready = trade_decision(facts("2025-06-20T10:15:20", zones_known_at=ist("2025-06-20T10:15")))
    assert isinstance(ready, Slot)


def test_an_old_slot_is_refused_with_its_age() -> None:
    slot = ist("2025-06-20T10:18")
    assert too_old(slot, slot + timedelta(seconds=90), timedelta(seconds=90)) is None
    assert "91 s old" in str(too_old(slot, slot + timedelta(seconds=91), timedelta(seconds=90)))


def test_chains_are_due_a_minute_before_each_trade_slot_and_before_the_close() -> None:
    session = CALENDAR.session(DAY)
    assert session is not None
    due, last = [], None
    for second in range(-60, 376 * 60, 15):
        now = session.open_at + timedelta(seconds=second)
        slot = chain_decision(ChainFacts(now, session, last, 0))
        if isinstance(slot, Slot):
            assert slot.at <= now < slot.at + timedelta(seconds=15)
            due.append(slot.at)
            last = slot.key
    assert due == [session.open_at + timedelta(minutes=3 * count - 1) for count in range(1, 126)]
    assert due[-1] == ist("2025-06-20T15:29")


def test_the_chain_clock_says_why_it_waits() -> None:
    def said(now: str, last: str | None = None, runs: int = 0) -> str:
        at = ist(now)
        return str(chain_decision(ChainFacts(at, CALENDAR.session(at.date()), last, runs)))

    assert "Saturday" in said("2025-06-21T10:00")
    assert said("2025-06-20T09:15:30") == "The market has just opened; the first chain is recorded at 09:17."
    assert said("2025-06-20T09:18", last="2025-06-20T0917") == "The chain of 09:17 is done; the next is due at 09:20."
    assert said("2025-06-20T09:20", last="2025-06-20T0917", runs=1).startswith("A chain is still being recorded")
    assert said("2025-06-20T15:30") == "The market closed at 15:30."


def test_a_trade_slot_waits_for_the_chain_that_is_being_recorded_but_not_for_long() -> None:
    waits = trade_decision(facts("2025-06-20T11:18:30", chain_runs=1))
    assert waits == "Waiting for the option chain that is being recorded."
    assert isinstance(trade_decision(facts("2025-06-20T11:19:00", chain_runs=1)), Slot)
    assert isinstance(trade_decision(facts("2025-06-20T11:18:30")), Slot)
