"""Rate limits per client as token buckets, with Dhan's published numbers."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from exchange.clock import Millis

LimitClass = Literal["order", "data", "quote", "other"]

SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000
CHAIN_EVERY = 3_000
CHAINS_REMEMBERED = 10_000

# In requests a span, the shortest first. Dhan API v2, table of rate limits; ten orders a second since 21 March 2026.
PUBLISHED: Mapping[LimitClass, tuple[tuple[int, Millis], ...]] = {
    "order": ((10, SECOND), (250, MINUTE), (1_000, HOUR), (7_000, DAY)),
    "data": ((5, SECOND), (100_000, DAY)),
    "quote": ((1, SECOND),),
    "other": ((20, SECOND),),
}


@dataclass
class Bucket:
    """A bucket that holds `size` requests and refills evenly within `span`; levels are exact, in request-millis."""

    size: int
    span: Millis
    level: int
    at: Millis

    def refill(self, now: Millis) -> None:
        """Add what has flowed in since the last look; a clock that was set back adds nothing."""
        self.level = min(self.level + max(now - self.at, 0) * self.size, self.size * self.span)
        self.at = now

    @property
    def holds_one(self) -> bool:
        """Whether one request may pass."""
        return self.level >= self.span


class Limits:
    """The buckets of every client. A request must find a place in all buckets of its class, or takes from none.

    Parameters
    ----------
    published : mapping, optional
        Requests a span for each class; Dhan's own unless a test or a load program passes others.
    """

    def __init__(self, published: Mapping[LimitClass, tuple[tuple[int, Millis], ...]] = PUBLISHED) -> None:
        self._published = dict(published)
        self._buckets: dict[tuple[str, LimitClass], list[Bucket]] = {}
        self._chains: OrderedDict[tuple[str, int, str], Millis] = OrderedDict()
        self.enforced = True

    def admits(self, client_id: str, kind: LimitClass, now: Millis) -> bool:
        """Take one request of a class from a client's buckets and return whether there was room."""
        if not self.enforced:
            return True
        buckets = self._buckets.get((client_id, kind))
        if buckets is None:
            sizes = self._published.get(kind, ())
            buckets = [Bucket(size, span, size * span, now) for size, span in sizes]
            self._buckets[client_id, kind] = buckets
        for bucket in buckets:
            bucket.refill(now)
        if not all(bucket.holds_one for bucket in buckets):
            return False
        for bucket in buckets:
            bucket.level -= bucket.span
        return True

    def admits_chain(self, client_id: str, underlying_id: int, expiry: str, now: Millis) -> bool:
        """Return whether this chain may be asked: the same one once in three seconds, different ones at once."""
        key = (client_id, underlying_id, expiry)
        last = self._chains.get(key)
        if self.enforced and last is not None and 0 <= now - last < CHAIN_EVERY:
            return False
        self._chains[key] = now
        self._chains.move_to_end(key)
        if len(self._chains) > CHAINS_REMEMBERED:
            self._chains.popitem(last=False)
        return True

    def forget(self) -> None:
        """Fill the buckets of every client again, and let every chain be asked at once."""
        self._buckets.clear()
        self._chains.clear()
