"""How often a password may be tried: few times from one address, and not much oftener from all of them together."""

import ipaddress
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

MOST_ATTEMPTS = 5
MOST_OF_ALL = 25
HELD_SECONDS = 60.0
_NETWORK_BITS = 64  # whoever has one address of IPv6 has all of its network


class Attempt(NamedTuple):
    """One try: its number, where it came from, and when."""

    number: int
    place: str
    at: float


class Attempts:
    """Counts tries that failed or are not decided yet.

    Parameters
    ----------
    elapsed : callable
        Returns seconds that only grow.
    """

    def __init__(self, elapsed: Callable[[], float]) -> None:
        self._elapsed = elapsed
        self._tries: deque[Attempt] = deque()
        self._number = 0

    def begin(self, address: str) -> Attempt | int:
        """Return a try that counts from now on, or the whole seconds to wait before the next one."""
        now, place = self._elapsed(), _place(address)
        while self._tries and now - self._tries[0].at >= HELD_SECONDS:
            self._tries.popleft()
        for tries, most in (([one for one in self._tries if one.place == place], MOST_ATTEMPTS),
                            (list(self._tries), MOST_OF_ALL)):  # fmt: skip
            if len(tries) >= most:
                return int(HELD_SECONDS - (now - tries[0].at)) + 1
        self._number += 1
        self._tries.append(Attempt(self._number, place, now))
        return self._tries[-1]

    def forgive(self, attempt: Attempt) -> None:
        """Forget a try that was right."""
        if attempt in self._tries:
            self._tries.remove(attempt)


def _place(address: str) -> str:
    """Return what counts as one place: an address, or a network of IPv6."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if found.version == 4:  # noqa: PLR2004 - the older of the two protocols
        return str(found)
    return str(ipaddress.ip_network((found, _NETWORK_BITS), strict=False))
