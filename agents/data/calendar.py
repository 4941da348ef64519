"""When NSE trades, with effective dates: regular hours, holidays, Muhurat evenings and weekend sessions.

The base is the calendar ``NSE`` of pandas-market-calendars, kept as a list of closed weekdays because importing the
package takes longer than everything else that Dagster loads; a test compares the two day by day. What the package does
not know is in ``nse_hours.toml``, each entry with its source.
"""

import tomllib
from bisect import bisect_right
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from importlib import resources
from typing import Any, NamedTuple

from agents.domain.errors import ConfigError
from agents.domain.market import Segment, Session
from agents.domain.values import IST

FIRST_DAY = date(2015, 1, 1)
_SATURDAY = 5
_LOOK_AHEAD = timedelta(days=30)


class Hours(NamedTuple):
    """Regular hours from a date on, IST."""

    since: date
    open: time
    close: time
    derivatives_close: time
    index_frozen_from: time | None


class _Rules(NamedTuple):
    """The two data files, read."""

    holidays: frozenset[date]
    hours: tuple[Hours, ...]
    special: dict[date, dict[str, Any]]  # Any: TOML tables
    untimed: dict[date, str]
    known_until: date


class NseCalendar:
    """The session calendar of the National Stock Exchange of India; implements `agents.ports.Calendar`.

    Days before 2015 are refused. After the last year whose holidays are published, every weekday counts as a session
    and its note says so.
    """

    @property
    def known_until(self) -> date:
        """The last day whose holidays are known."""
        return _rules().known_until

    def session(self, on: date) -> Session | None:
        """Return the session of that date, None when the exchange is closed or has not said when it opens.

        Raises
        ------
        ConfigError
            If the date is before 2015.
        """
        if on < FIRST_DAY:
            raise ConfigError(f"the calendar begins on {FIRST_DAY}, {on} is before it; leave older data out")
        return _session(on) if _is_open(on) else None

    def sessions(self, first: date, last: date) -> Sequence[Session]:
        """Return the sessions from `first` to `last`, both included, in order."""
        return [_session(on) for on in self.days(first, last)]

    def days(self, first: date, last: date) -> list[date]:
        """Return the dates of the sessions from `first` to `last`, both included: what `sessions` has, but cheap."""
        if first < FIRST_DAY:
            raise ConfigError(f"the calendar begins on {FIRST_DAY}, {first} is before it; leave older data out")
        span = range((last - first).days + 1)
        return [on for on in (first + timedelta(days=step) for step in span) if _is_open(on)]

    def previous(self, on: date) -> Session:
        """Return the last session before that date.

        Raises
        ------
        ConfigError
            If the calendar does not reach back that far.
        """
        days = self.days(max(FIRST_DAY, on - _LOOK_AHEAD), on - timedelta(days=1))
        if not days:
            raise ConfigError(f"there is no session before {on} in the calendar, which begins on {FIRST_DAY}")
        return _session(days[-1])

    def next(self, on: date) -> Session:
        """Return the first session after that date."""
        return _session(self.days(max(FIRST_DAY, on + timedelta(days=1)), on + _LOOK_AHEAD)[0])

    def next_open(self, now: datetime) -> datetime:
        """Return the next moment at or after `now` at which trading begins (a second segment counts)."""
        today = now.astimezone(IST).date()
        for session in self.sessions(today, today + _LOOK_AHEAD):
            for segment in session.segments:
                if segment.open_at >= now:
                    return segment.open_at
        raise ConfigError(f"no session opens within {_LOOK_AHEAD.days} days of {now}; the calendar's data is damaged")

    def note(self, on: date) -> str:
        """Return what is worth knowing about a date: "" for most."""
        rules = _rules()
        if on in rules.untimed:
            return rules.untimed[on]
        session = self.session(on)
        return session.note if session else ""


@lru_cache(maxsize=1)
def _rules() -> _Rules:
    folder = resources.files("agents.data")
    lines = (folder / "nse_holidays.csv").read_text(encoding="utf-8").split()
    holidays = frozenset(date.fromisoformat(line) for line in lines[1:])
    tables = tomllib.loads((folder / "nse_hours.toml").read_text(encoding="utf-8"))
    return _Rules(
        holidays=holidays,
        hours=tuple(_hours(table) for table in tables["hours"]),
        special={table["on"]: table for table in tables["special"]},
        untimed={table["on"]: table["note"] for table in tables["untimed"]},
        known_until=date(max(holidays).year, 12, 31),
    )


def _hours(table: dict[str, Any]) -> Hours:  # Any: a TOML table
    frozen = table.get("index_frozen_from")
    return Hours(
        since=table["from"],
        open=time.fromisoformat(table["open"]),
        close=time.fromisoformat(table["close"]),
        derivatives_close=time.fromisoformat(table["derivatives_close"]),
        index_frozen_from=time.fromisoformat(frozen) if frozen else None,
    )


def _is_open(on: date) -> bool:
    rules = _rules()
    if on in rules.special:
        return True
    return on.weekday() < _SATURDAY and on not in rules.holidays and on not in rules.untimed


@lru_cache(maxsize=8192)
def _session(on: date) -> Session:
    """Return the session of a day on which the exchange is open."""
    rules = _rules()
    if special := rules.special.get(on):
        segments = tuple(
            Segment(open_at=_at(on, time.fromisoformat(opens)), close_at=_at(on, time.fromisoformat(closes)))
            for opens, closes in special["segments"]
        )
        return Session(on=on, segments=segments, derivatives_close_at=segments[-1].close_at, note=special["note"])
    hours = rules.hours[bisect_right(rules.hours, on, key=lambda each: each.since) - 1]
    frozen = hours.index_frozen_from
    return Session(
        on=on,
        segments=(Segment(open_at=_at(on, hours.open), close_at=_at(on, hours.close)),),
        derivatives_close_at=_at(on, hours.derivatives_close),
        index_frozen_from=_at(on, frozen) if frozen else None,
        note="" if on <= rules.known_until else f"the holidays of {on.year} are not in the calendar yet",
    )


def _at(on: date, moment: time) -> datetime:
    return datetime.combine(on, moment, tzinfo=IST)
