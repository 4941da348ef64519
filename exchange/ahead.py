"""What sessions need, made before anybody asks for it, so that no request and no packet waits for a whole session."""

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import chain

from exchange.clock import Millis, ist
from exchange.market import Market

LONGEST_BREAK = 15


class Ahead:
    """Makes the present session and then the next one, a small step at a time.

    Parameters
    ----------
    market : Market
        Whose sessions.
    """

    def __init__(self, market: Market) -> None:
        self._market = market
        self._on = date.min
        self._steps: Iterator[None] = iter(())

    def step(self, now: Millis) -> bool:
        """Do one step, at most some milliseconds long; return whether there was any left to do."""
        on = ist(now).date()
        if on != self._on:
            self._on = on
            self._steps = chain.from_iterable(self._market.opening(each) for each in self._sessions(on))
        return next(self._steps, self) is None

    def _sessions(self, on: date) -> Iterator[date]:
        """Yield the dates of the first two sessions from a date on."""
        days = (on + timedelta(days=step) for step in range(2 * LONGEST_BREAK))
        found = (day for day in days if self._market.hours(day) is not None)
        for _ in range(2):
            session = next(found, None)
            if session is not None:
                yield session
