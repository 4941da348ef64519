"""Sessions are made ready in small steps before anybody asks."""

from datetime import date

import pytest

from exchange import opened
from exchange.ahead import Ahead
from exchange.clock import at_ist
from exchange.simulated import simulated_market
from exchange.tape_market import TapeMarket

FRIDAY, MONDAY = date(2026, 11, 20), date(2026, 11, 23)


def market() -> TapeMarket:
    return simulated_market(7, date(2026, 11, 18))


def test_after_the_last_step_nothing_has_to_be_made_for_today_or_the_next_session(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown = market()
    ahead = Ahead(shown)
    steps = 0
    while ahead.step(at_ist(FRIDAY, 11, 0)):
        steps += 1
    assert steps > 400

    def nothing(*_any: object) -> None:
        raise AssertionError("a tape was made while somebody waited")

    monkeypatch.setattr(opened, "tape", nothing)
    for on in (FRIDAY, MONDAY):
        for one in shown.contracts(on):
            assert shown.top_of_book(one.security_id, one.segment, at_ist(on, 11, 0)).ltp > 0


def test_what_was_made_ahead_is_what_would_have_been_made_when_asked() -> None:
    ready, asked = market(), market()
    ahead = Ahead(ready)
    while ahead.step(at_ist(FRIDAY, 11, 0)):
        pass
    for one in asked.contracts(MONDAY)[::25]:
        moment = at_ist(MONDAY, 13, 30)
        name = (one.security_id, one.segment)
        assert ready.top_of_book(*name, moment) == asked.top_of_book(*name, moment)


def test_a_new_day_makes_only_the_session_that_is_new() -> None:
    shown = market()
    ahead = Ahead(shown)
    while ahead.step(at_ist(FRIDAY, 11, 0)):
        pass
    steps = 0
    while ahead.step(at_ist(MONDAY, 9, 0)):
        steps += 1
    assert 200 < steps < 300
    assert not ahead.step(at_ist(MONDAY, 15, 0))
