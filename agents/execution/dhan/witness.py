"""What the broker's answers say of this machine: how wrong its clock is, and whether orders are taken from its address.

Both are asked about before an order and must not be guessed: what was never seen is None, and what was seen stays true
until the broker says otherwise.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from agents.data.dhan.errors import Fault, Trouble
from agents.data.dhan.reply import Reply
from agents.data.dhan.skew import clock_skew
from agents.data.preflight.findings import Finding, State

LOOK_EVERY: Final = 300.0
Look = Callable[[], Finding]


class Witness:
    """Remembers the last skew that was seen, and looks at the address now and then.

    Parameters
    ----------
    wall : callable
        Returns the machine's present, aware.
    monotonic : callable
        Returns seconds that only grow.
    look : callable
        Asks the broker from where it sees us; see `agents.data.preflight.broker.look_at_address`.
    """

    def __init__(self, wall: Callable[[], datetime], monotonic: Callable[[], float], look: Look) -> None:
        self.wall = wall
        self._monotonic = monotonic
        self._look = look
        self._looked_at: float | None = None
        self._refused = ""
        self.clock_skew: float | None = None

    def heard(self, reply: Reply, before: datetime) -> None:
        """Take an answer that was asked for at `before` and is here now."""
        if reply.served_at is not None:
            self.clock_skew = clock_skew(reply.served_at, before, self.wall())

    def doubted(self, fault: Fault) -> None:
        """Take note of an answer that says what is wrong with where we ask from."""
        if fault.trouble is Trouble.ADDRESS:
            self._looked_at = self._monotonic()
            self._refused = f"orders are not taken from this address ({fault}); register it on web.dhan.co"

    def address(self) -> str:
        """Return why orders are not taken from this machine, "" where nobody says so; asks every five minutes."""
        now = self._monotonic()
        if self._looked_at is None or now - self._looked_at >= LOOK_EVERY:
            found = self._look()
            if found.state is State.WARN:  # nobody could look
                return self._refused
            self._looked_at = now
            self._refused = "" if found.ok else f"{found.found}; {found.cure}"
        return self._refused
