"""How long to wait before the next connection: doubling, with jitter and a cap, longer when asked to slow down."""

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random
from typing import Any, Final, NamedTuple

Sleep = Callable[[float], Coroutine[Any, Any, None]]  # Any: coroutines neither take nor yield anything here

JITTER: Final = 0.25  # of a delay, either way
MOST_DOUBLINGS: Final = 16


class Why(StrEnum):
    """Why a connection is over, sorted by what may be done about it."""

    STOPPED = "stopped"  # we asked for it
    LOST = "lost"  # closed, reset, unreachable, silent
    STALE = "stale"  # it stands, and what it says is old
    BUSY = "busy"  # too many connections or requests: being quick makes it worse
    CREDENTIALS = "credentials"  # token, client or data plan refused: another token may help
    REFUSED = "refused"  # the broker did not like what we asked for


class End(NamedTuple):
    """The end of one connection or attempt; `settled` says that it had worked long enough to forget earlier ones."""

    why: Why
    detail: str
    settled: bool = False


class Delay(NamedTuple):
    """Seconds to wait after the first failure in a row, and at most."""

    first: float
    most: float


_DELAYS: Final[Mapping[Why, Delay]] = {
    Why.LOST: Delay(1.0, 30.0),
    Why.STALE: Delay(1.0, 30.0),
    Why.BUSY: Delay(60.0, 600.0),
    Why.CREDENTIALS: Delay(60.0, 600.0),
    Why.REFUSED: Delay(60.0, 600.0),
}


@dataclass(frozen=True)
class Pace:
    """Real seconds of a connection's life.

    Attributes
    ----------
    delays : mapping of Why to Delay
        Waits between connections.
    open_within, close_within : float
        What a handshake and a close may take.
    ping_every, pong_within : float
        How often we ask whether the other side lives, and how long it may think about it.
    settled_after : float
        A connection that lived so long makes earlier failures forgotten.
    look_every : float
        How often the watchdog looks, and how often a refused token is compared with the present one.
    """

    delays: Mapping[Why, Delay] = field(default_factory=lambda: _DELAYS)
    open_within: float = 10.0
    close_within: float = 2.0
    ping_every: float = 10.0
    pong_within: float = 20.0
    settled_after: float = 30.0
    look_every: float = 1.0


class Backoff:
    """Counts failures in a row and says how long to wait after each.

    Parameters
    ----------
    pace : Pace
        First and longest waits.
    rng : Random
        Where jitter comes from.
    """

    def __init__(self, pace: Pace, rng: Random) -> None:
        self._pace = pace
        self._rng = rng
        self._failures: dict[Why, int] = {}

    def after(self, end: End) -> float:
        """Return the seconds to wait after the end of a connection."""
        if end.settled:
            self.forget()
        before = self._failures.get(end.why, 0)
        self._failures[end.why] = before + 1
        first, most = self._pace.delays[end.why]
        plain = min(first * 2.0 ** min(before, MOST_DOUBLINGS), most)
        return min(plain * (1.0 + JITTER * (2.0 * self._rng.random() - 1.0)), most)

    def forget(self) -> None:
        """Begin anew: it works again."""
        self._failures.clear()
