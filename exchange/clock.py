"""The exchange's own time: real, moved so that a session is always open, or faster; read at the edge and passed in.

Moments are whole milliseconds since 1970 UTC (`Millis`), so that arithmetic on them is exact and repeatable.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone

IST = timezone(timedelta(hours=5, minutes=30), "IST")
IST_OFFSET_SECONDS = 19_800
MAX_SPEED = 10_000.0

Millis = int
Span = tuple[Millis, Millis]
LONGEST_BREAK = 15


def to_millis(moment: datetime) -> Millis:
    """Return an aware moment as milliseconds since 1970 UTC.

    Raises
    ------
    ValueError
        If the moment has no time zone.
    """
    if moment.tzinfo is None:
        raise ValueError(f"{moment} has no time zone; give it one, for instance IST")
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def ist(now: Millis) -> datetime:
    """Return a moment as an aware datetime in IST."""
    return datetime.fromtimestamp(now // 1000, IST).replace(microsecond=now % 1000 * 1000)


def ist_text(now: Millis) -> str:
    """Return a moment as the REST API prints it: ``YYYY-MM-DD HH:MM:SS`` in IST."""
    return ist(now).strftime("%Y-%m-%d %H:%M:%S")


def at_ist(on: date, hour: int, minute: int, second: int = 0) -> Millis:
    """Return a wall-clock moment of a date in IST."""
    return to_millis(datetime(on.year, on.month, on.day, hour, minute, second, tzinfo=IST))


def real_now() -> Millis:
    """Return the machine's time. Only the clock's owner calls this; everything else is told the time."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True)
class ClockState:
    """Where the clock was set, when in real time, and how fast it runs; speed 0 stands still."""

    market_at: Millis
    real_at: Millis
    speed: float


class MarketClock:
    """A clock that can be set: ``market time = market_at + speed * (real time - real_at)``, never backwards by itself.

    Parameters
    ----------
    real : callable, optional
        Where real time comes from, in milliseconds; tests pass their own.
    """

    def __init__(self, real: Callable[[], Millis] = real_now) -> None:
        self._real = real
        self._state = ClockState(real(), real(), 1.0)
        self._hours: Callable[[date], Span | None] | None = None
        self._span: Span = (0, 0)
        self._spent = 0

    @property
    def state(self) -> ClockState:
        """How the clock was set last."""
        return self._state

    @property
    def speed(self) -> float:
        """Market seconds in a real second."""
        return self._state.speed

    def now(self) -> Millis:
        """Return the market's time."""
        state = self._state
        running = int(max(self._real() - state.real_at, 0) * state.speed)
        if self._hours is None:
            return state.market_at + running
        while running - self._spent >= self._span[1] - self._span[0]:
            self._spent += self._span[1] - self._span[0]
            self._span = _first_session(self._hours, ist(self._span[1]).date() + timedelta(days=1))
        return self._span[0] + running - self._spent

    def real(self) -> Millis:
        """Return the machine's time: tokens and rate limits live by it, however the market's time runs."""
        return self._real()

    def set(self, market_at: Millis, *, speed: float = 1.0) -> None:
        """Set the clock to a moment and let it run `speed` times as fast as real time; 0 holds it still.

        Raises
        ------
        ValueError
            If the speed is negative or above `MAX_SPEED`.
        """
        if not 0.0 <= speed <= MAX_SPEED:
            raise ValueError(f"a market clock cannot run {speed} times as fast; pass a speed from 0 to {MAX_SPEED:g}")
        self._state, self._hours = ClockState(market_at, self._real(), speed), None

    def keep_open(
        self, hours: Callable[[date], Span | None], first: date, *, speed: float = 1.0, at: Millis | None = None
    ) -> None:
        """Run sessions one after the other without a night between, from the first opening on or after a date.

        Parameters
        ----------
        hours : callable
            Opening and close of a date, or None when there is no session.
        first : date
            Where to begin.
        speed : float
            Market seconds in a real second.
        at : int, optional
            A moment to go on from, inside that session or after it.
        """
        span = _first_session(hours, first)
        self.set(span[0], speed=speed)
        self._hours, self._span, self._spent = hours, span, 0 if at is None else -max(at - span[0], 0)

    def use_real(self) -> None:
        """Let market time be real time."""
        self.set(self._real())

    def move(self, millis: int) -> None:
        """Move the clock forward and keep its speed; how a clock that stands still is stepped.

        Raises
        ------
        ValueError
            If it would run backwards; `set` does that on purpose.
        """
        if millis < 0:
            raise ValueError(f"the clock cannot move by {millis} ms; use set to go back")
        self.set(self.now() + millis, speed=self._state.speed)

    def real_delay(self, market_millis: int) -> float:
        """Return the real seconds in which that much market time passes; infinite while the clock stands still."""
        return float("inf") if self._state.speed == 0.0 else market_millis / 1000.0 / self._state.speed


def _first_session(hours: Callable[[date], Span | None], first: date) -> Span:
    for days in range(LONGEST_BREAK):
        span = hours(first + timedelta(days=days))
        if span is not None:
            return span
    raise ValueError(f"no session within {LONGEST_BREAK} days of {first}; look at the list of holidays")
