"""When the exchange trades: hours by date, holidays given from outside, expiry days of index options."""

from bisect import bisect_right
from collections.abc import Collection, Mapping, Sequence
from datetime import date, time, timedelta
from itertools import pairwise
from typing import NamedTuple

from exchange.clock import Millis, at_ist
from exchange.holidays import HOLIDAYS, SPECIAL

LONGEST_BREAK = 15
_THURSDAY, _TUESDAY = 3, 1
_OPEN = time(9, 15)


class TradingHours(NamedTuple):
    """When derivatives trade on one date, and from when the index stands still."""

    on: date
    open_at: Millis
    close_at: Millis
    index_until: Millis


class _Rule(NamedTuple):
    """Hours that hold from a date on."""

    first: date
    close: time
    index_until: time


# NSE: derivatives run to 15:40 since the closing auction of the cash market began, and to 15:45 from 7 December 2026;
# the index stands still from the start of the auction.
_RULES = (
    _Rule(date(2010, 10, 18), time(15, 30), time(15, 30)),
    _Rule(date(2026, 8, 3), time(15, 40), time(15, 15)),
    _Rule(date(2026, 12, 7), time(15, 45), time(15, 15)),
)
_TUESDAYS_SINCE = date(2025, 9, 1)  # NSE circular of 23 June 2025


class Calendar:
    """Sessions by date: weekdays without `holidays`, at NSE's hours of that date, unless `special` says otherwise.

    Parameters
    ----------
    holidays : collection of date, optional
        Weekdays without a session.
    special : mapping of date to TradingHours, optional
        Sessions at other hours or on a weekend.
    """

    def __init__(self, holidays: Collection[date] = (), special: Mapping[date, TradingHours] | None = None) -> None:
        self._holidays = frozenset(holidays)
        self._special = dict(special or {})

    @classmethod
    def nse(cls) -> "Calendar":
        """Return NSE's calendar from 2021 to 2027, with its holidays, Muhurat evenings and weekend sessions."""
        special = {}
        for on, (opens, closes) in SPECIAL.items():
            open_at, close_at = (at_ist(on, moment.hour, moment.minute) for moment in (opens, closes))
            special[on] = TradingHours(on, open_at, close_at, close_at)
        return cls(HOLIDAYS, special)

    def hours(self, on: date) -> TradingHours | None:
        """Return the hours of a date, or None when there is no session."""
        if on in self._special:
            return self._special[on]
        place = bisect_right(_RULES, on, key=lambda rule: rule.first)
        if not place or on.weekday() > 4 or on in self._holidays:  # noqa: PLR2004 - Friday
            return None
        rule = _RULES[place - 1]
        return TradingHours(
            on,
            at_ist(on, _OPEN.hour, _OPEN.minute),
            at_ist(on, rule.close.hour, rule.close.minute),
            at_ist(on, rule.index_until.hour, rule.index_until.minute),
        )

    def next(self, on: date) -> TradingHours:
        """Return the first session on or after a date.

        Raises
        ------
        LookupError
            If there is none within a fortnight.
        """
        return self._search(on, 1)

    def previous(self, on: date) -> TradingHours:
        """Return the last session on or before a date.

        Raises
        ------
        LookupError
            If there is none within a fortnight.
        """
        return self._search(on, -1)

    def weekly_expiries(self, first: date, how_many: int) -> Sequence[date]:
        """Return expiry dates from `first` on: the week's expiry day, or the session before it when it is a holiday."""
        found: list[date] = []
        day = first
        while len(found) < how_many:
            nominal = _TUESDAY if day >= _TUESDAYS_SINCE else _THURSDAY
            if day.weekday() == nominal:
                expiry = self.previous(day).on
                if expiry >= first:
                    found.append(expiry)
            day += timedelta(days=1)
        return found

    def monthly_expiries(self, first: date, how_many: int) -> Sequence[date]:
        """Return the last weekly expiry of each month, from `first` on."""
        weeks = self.weekly_expiries(first, how_many * 5 + 6)
        ends = [one for one, other in pairwise(weeks) if one.month != other.month]
        return ends[:how_many]

    def _search(self, on: date, step: int) -> TradingHours:
        for days in range(LONGEST_BREAK):
            hours = self.hours(on + timedelta(days=days * step))
            if hours is not None:
                return hours
        raise LookupError(f"no session within {LONGEST_BREAK} days of {on}; look at the list of holidays")
