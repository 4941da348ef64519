"""Facts about NSE's index options that change by date: lot sizes, expiry weekdays, the moment of expiry."""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import NamedTuple

from agents.data.calendar import NseCalendar
from agents.domain.errors import ConfigError
from agents.domain.values import IST

OPTION_TICK = Decimal("0.05")
_TUESDAY, _THURSDAY = 1, 3
_SETTLES_AT = time(15, 30)


class _Since(NamedTuple):
    """A value that holds from `first` on."""

    first: date
    value: int


# By expiry date, because a contract keeps its lot until it expires. Sources: for 2021 the contracts as traded; NSE
# circulars as reported at livemint.com/...-11680360017750.html (July 2023), zerodha.com/marketintel/bulletin/375282
# (April 2024), business-standard.com/...-124101900299_1.html (November 2024), fyers.in/notice-board (July 2025), and
# NSE/FAOP/70616 of 3 October 2025 (contracts expiring after 30 December 2025).
_LOTS: dict[str, tuple[_Since, ...]] = {
    "NIFTY": (
        _Since(date(2015, 11, 1), 75),
        _Since(date(2021, 7, 1), 50),
        _Since(date(2024, 5, 2), 25),
        _Since(date(2025, 1, 1), 75),
        _Since(date(2025, 12, 31), 65),
    ),
    "BANKNIFTY": (
        _Since(date(2021, 1, 1), 25),
        _Since(date(2023, 7, 1), 15),
        _Since(date(2025, 1, 1), 30),
        _Since(date(2025, 7, 1), 35),
        _Since(date(2025, 12, 31), 30),
    ),
    "FINNIFTY": (
        _Since(date(2021, 1, 1), 40),
        _Since(date(2024, 7, 30), 25),
        _Since(date(2025, 1, 1), 65),
        _Since(date(2025, 12, 31), 60),
    ),
}
# NIFTY alone has weekly expiries on NSE since November 2024. NSE's circular of 23 June 2025 moved them to Tuesday.
_WEEKLY_DAY: dict[str, tuple[_Since, ...]] = {
    "NIFTY": (_Since(date(2019, 2, 11), _THURSDAY), _Since(date(2025, 9, 1), _TUESDAY)),
}


def lot_size(underlying: str, expiry_on: date) -> int:
    """Return how many contracts make a lot of the options on `underlying` that expire on a date.

    Raises
    ------
    ConfigError
        If the lot size is not known.
    """
    return _value_at(_LOTS, underlying, expiry_on, "lot size")


def expiry_at(expiry_on: date) -> datetime:
    """Return the moment at which options that expire on a date are settled: 15:30 IST."""
    return datetime.combine(expiry_on, _SETTLES_AT, tzinfo=IST)


def weekly_expiries(underlying: str, first: date, last: date, calendar: NseCalendar) -> Sequence[date]:
    """Return the weekly expiry dates from `first` to `last`: the week's expiry day, or the session before a holiday.

    Raises
    ------
    ConfigError
        If `underlying` has no weekly options that we know of.
    """
    found: list[date] = []
    # A holiday moves an expiry to an earlier day, so the nominal day may lie after `last`.
    for step in range((last - first).days + 8):
        nominal = first + timedelta(days=step)
        if nominal.weekday() != _value_at(_WEEKLY_DAY, underlying, nominal, "weekly expiry day"):
            continue
        expiry = nominal if calendar.session(nominal) else calendar.previous(nominal).on
        if first <= expiry <= last:
            found.append(expiry)
    return found


def _value_at(table: dict[str, tuple[_Since, ...]], underlying: str, on: date, what: str) -> int:
    rows = table.get(underlying, ())
    place = bisect_right(rows, on, key=lambda row: row.first)
    if not place:
        raise ConfigError(f"the {what} of {underlying} on {on} is not known; add it to agents/data/contracts.py")
    return rows[place - 1].value
