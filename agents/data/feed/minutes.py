"""The minutes in which an instrument makes candles: those of its sessions, in seconds since 1970 UTC."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final, NamedTuple

from agents.domain.market import Session
from agents.domain.values import IST
from agents.ports import Calendar

MINUTE: Final = 60
_LONGEST_BREAK: Final = timedelta(days=30)
_DAY: Final = 86_400
_INDIA: Final = 19_800


class Spans(NamedTuple):
    """The trading hours of a date: stretches of cash and of derivatives, each (opens, closes)."""

    on: date
    cash: tuple[tuple[int, int], ...]
    derivatives: tuple[tuple[int, int], ...]

    def of(self, *, derivatives: bool) -> tuple[tuple[int, int], ...]:
        """Return the stretches of one kind of instrument."""
        return self.derivatives if derivatives else self.cash


class Minutes:
    """The calendar by seconds, quick enough to be asked for every packet.

    Parameters
    ----------
    calendar : Calendar
        Which sessions there are.
    """

    def __init__(self, calendar: Calendar) -> None:
        self._calendar = calendar
        self._known: dict[int, Spans | None] = {}

    def spans(self, at: int) -> Spans | None:
        """Return the hours of the date in India, None where there is no session."""
        day = (at + _INDIA) // _DAY
        if day not in self._known:
            if len(self._known) > _LONGEST_BREAK.days:
                self._known.clear()
            session = self._calendar.session(datetime.fromtimestamp(at, UTC).astimezone(IST).date())
            self._known[day] = _spans(session) if session else None
        return self._known[day]

    def holds(self, at: int, *, derivatives: bool) -> bool:
        """Whether a trade at that second belongs to a candle."""
        spans = self.spans(at)
        return spans is not None and any(opens <= at < closes for opens, closes in spans.of(derivatives=derivatives))

    def first_from(self, at: int) -> int:
        """Return the first minute, of any kind of instrument, that begins at `at` or later.

        Raises
        ------
        LookupError
            If the calendar knows no session within thirty days.
        """
        start = -(-at // MINUTE) * MINUTE
        for ahead in range(_LONGEST_BREAK.days):
            midnight = ((at + _INDIA) // _DAY + ahead) * _DAY - _INDIA
            spans = self.spans(midnight)
            if spans is None:
                continue
            for opens, closes in spans.derivatives:
                if start < closes:
                    return max(start, opens)
        raise LookupError(f"no session within {_LONGEST_BREAK.days} days of {datetime.fromtimestamp(at, UTC)}")

    def opening_of(self, at: int) -> int:
        """Return when the session of that date opens; `at` itself where there is none."""
        spans = self.spans(at)
        return at if spans is None else spans.cash[0][0]


def ranges(minutes: Sequence[int]) -> list[tuple[int, int]]:
    """Return sorted minutes as half-open stretches without holes, each (first, end)."""
    found: list[tuple[int, int]] = []
    for minute in minutes:
        if found and found[-1][1] == minute:
            found[-1] = (found[-1][0], minute + MINUTE)
        else:
            found.append((minute, minute + MINUTE))
    return found


def _spans(session: Session) -> Spans:
    cash = tuple((int(s.open_at.timestamp()), int(s.close_at.timestamp())) for s in session.segments)
    frozen = int((session.index_frozen_from or session.close_at).timestamp())  # in the auction an index has no candles
    last = (cash[-1][0], int(session.derivatives_close_at.timestamp()))
    return Spans(session.on, (*cash[:-1], (cash[-1][0], min(cash[-1][1], frozen))), (*cash[:-1], last))
