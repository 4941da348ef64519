"""Dated facts of NSE's index options."""

from datetime import date, datetime

import pytest

from agents.data.calendar import NseCalendar
from agents.data.contracts import expiry_at, lot_size, weekly_expiries
from agents.domain.errors import ConfigError
from agents.domain.values import IST


@pytest.mark.parametrize(
    ("underlying", "expiry", "lot"),
    [
        ("NIFTY", date(2021, 6, 24), 75),
        ("NIFTY", date(2022, 11, 10), 50),
        ("NIFTY", date(2024, 4, 25), 50),
        ("NIFTY", date(2024, 5, 2), 25),
        ("NIFTY", date(2024, 12, 26), 25),
        ("NIFTY", date(2025, 1, 2), 75),
        ("NIFTY", date(2025, 12, 30), 75),
        ("NIFTY", date(2026, 1, 6), 65),
        ("BANKNIFTY", date(2022, 11, 10), 25),
        ("BANKNIFTY", date(2025, 9, 30), 35),
        ("FINNIFTY", date(2026, 1, 27), 60),
    ],
)
def test_a_contract_keeps_the_lot_of_its_expiry(underlying: str, expiry: date, lot: int) -> None:
    assert lot_size(underlying, expiry) == lot


def test_an_unknown_lot_is_an_error_and_not_a_guess() -> None:
    with pytest.raises(ConfigError, match="lot size of SENSEX"):
        lot_size("SENSEX", date(2025, 1, 2))


def test_weekly_expiries_moved_to_tuesday_and_step_before_holidays() -> None:
    calendar = NseCalendar()
    assert weekly_expiries("NIFTY", date(2025, 8, 20), date(2025, 9, 10), calendar) == [
        date(2025, 8, 21),
        date(2025, 8, 28),
        date(2025, 9, 2),
        date(2025, 9, 9),
    ]
    moved = weekly_expiries("NIFTY", date(2026, 10, 14), date(2026, 11, 30), calendar)
    assert {date(2026, 10, 19), date(2026, 11, 23)} <= set(moved)


def test_options_are_settled_at_half_past_three() -> None:
    assert expiry_at(date(2022, 11, 10)) == datetime(2022, 11, 10, 15, 30, tzinfo=IST)
