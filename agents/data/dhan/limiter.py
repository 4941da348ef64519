"""One limiter for all processes that use an account, so that together they stay below Dhan's published limits.

Every request takes a slot in a SQLite file: the earliest moment that breaks no limit of its class, even if that lies
ahead; then it waits for its slot. So waiting requests form a queue across processes, and none is sent to be refused.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path

from agents.data.dhan.errors import DhanThrottledError
from agents.data.dhan.slots import Limit, SlotFile

_SECOND, _MINUTE, _HOUR, _DAY = 1.0, 60.0, 3600.0, 86_400.0


class CallKind(StrEnum):
    """Classes of requests that Dhan limits apart."""

    ORDER = "order"
    DATA = "data"
    QUOTE = "quote"
    OTHER = "other"


# A fifth below what Dhan API v2 publishes (10/s, 250/min, 1000/h and 7000/day for orders since 21 March 2026; 5/s and
# 100,000/day for data; 1/s for quotes; 20/s for the rest), because the server counts arrivals and we count departures.
LIMITS: Mapping[CallKind, tuple[Limit, ...]] = {
    CallKind.ORDER: (Limit(8, _SECOND), Limit(200, _MINUTE), Limit(800, _HOUR), Limit(5_600, _DAY)),
    CallKind.DATA: (Limit(4, _SECOND), Limit(80_000, _DAY)),
    CallKind.QUOTE: (Limit(1, 1.25 * _SECOND),),
    CallKind.OTHER: (Limit(16, _SECOND),),
}
CHAIN_LIMIT = Limit(1, 3.5 * _SECOND)  # the same chain once in three seconds
WINDOW_SECONDS: Mapping[CallKind, float] = {  # how long a refused request waits, since Dhan names no time
    CallKind.ORDER: _SECOND,
    CallKind.DATA: _SECOND,
    CallKind.QUOTE: 1.25 * _SECOND,
    CallKind.OTHER: _SECOND,
}


class Limiter:
    """The slots of one account.

    Parameters
    ----------
    path : Path
        The SQLite file that all processes share; made when missing.
    client_id : str
        The account.
    wall : callable
        Returns seconds since 1970, the same for every process.
    sleep : callable
        Waits that many seconds.
    patience : float
        Longest wait for a slot, in seconds.
    limits : mapping, optional
        Other limits than `LIMITS`.
    """

    def __init__(
        self,
        path: Path,
        client_id: str,
        *,
        wall: Callable[[], float],
        sleep: Callable[[float], None],
        patience: float = 60.0,
        limits: Mapping[CallKind, tuple[Limit, ...]] = LIMITS,
    ) -> None:
        self._slots = SlotFile(path, client_id)
        self._wall = wall
        self._sleep = sleep
        self._patience = patience
        self._limits = limits

    def wait(self, kind: CallKind, *, chain: str = "") -> float:
        """Wait for leave to send one request, and return the seconds waited.

        Parameters
        ----------
        kind : CallKind
            The class of the request.
        chain : str, optional
            Which option chain is asked for, as underlying and expiry; it has a limit of its own.

        Raises
        ------
        DhanThrottledError
            If the next slot is farther away than the patience; no slot is taken then.
        ConfigError
            If the file cannot be used.
        """
        waited = self._wait_for_slot(_chain_slots(chain), (CHAIN_LIMIT,), kind) if chain else 0.0
        return waited + self._wait_for_slot(kind.value, self._limits[kind], kind)

    def answered(self, chain: str) -> None:
        """Count an option chain's three seconds from now, since a request may have reached the server only just now.

        Parameters
        ----------
        chain : str
            As for `wait`.
        """
        with self._slots.open() as slots:
            slots.take(_chain_slots(chain), self._wall())

    def pause(self, kind: CallKind, seconds: float) -> None:
        """Let nobody send requests of a class for a while, because the server refused one."""
        until = self._wall() + seconds
        with self._slots.open() as slots:
            slots.pause(kind.value, until)

    def taken(self, kind: CallKind, seconds: float) -> int:
        """Return how many requests of a class every process of the account sent in the last `seconds`, a day at most.

        Raises
        ------
        ConfigError
            If the file cannot be used.
        """
        now = self._wall()
        with self._slots.open() as slots:
            return slots.count(kind.value, now - seconds, now)

    def _wait_for_slot(self, name: str, limits: tuple[Limit, ...], kind: CallKind) -> float:
        now = self._wall()
        # No limit looks back beyond a day, and what lies beyond the patience was taken before the clock went back.
        with self._slots.open() as slots:
            slots.forget(now - _DAY, now, now + self._patience + _MINUTE)
            slot = max(now, slots.paused_until(kind.value), slots.earliest(name, limits))
            if slot - now > self._patience:
                raise DhanThrottledError(
                    f"the next {name} request may go out in {slot - now:.0f} s, and nobody waits longer than "
                    f"{self._patience:.0f} s; use fewer programs at once, or come back when the day's limit has passed"
                )
            slots.take(name, slot)
        delay = slot - now
        if delay > 0:
            self._sleep(delay)
        return delay


def _chain_slots(chain: str) -> str:
    return f"chain {chain}"
