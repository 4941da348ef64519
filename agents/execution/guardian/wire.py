"""One request at a time to the order endpoints, rationed, and only with the lease.

The rule: every order request of this process goes through here, and none is repeated here.
"""

from collections.abc import Callable

from agents.domain.errors import BrokerError, OrderRejectedError
from agents.execution.gateway import Ack
from agents.execution.guardian.timing import SteadyClock, Throttle, Timers
from agents.execution.guardian.words import spoken

ACTED = "acted"
"""Name of the timer that counts from the last request for a case."""


class Wire:
    """Counts and paces requests.

    Parameters
    ----------
    allowed : callable
        Asked before each request: whether the lease is ours and nobody else has written our journal.
    clock : SteadyClock
        Read again after each request, because it may have taken long.
    timers : Timers
        Told of every change that was asked for.
    per_second : int
        The ration.
    """

    def __init__(self, allowed: Callable[[], bool], clock: SteadyClock, timers: Timers, per_second: int) -> None:
        self._allowed = allowed
        self._clock = clock
        self._timers = timers
        self._throttle = Throttle(per_second, clock.elapsed)
        self.sent_today = 0

    def is_free(self, count: int = 1) -> bool:
        """Whether `count` order requests may be sent now: by the ration and by the lease."""
        self._clock.read()
        return self._throttle.is_free(self._clock.elapsed, count) and self._allowed()

    def post(self, call: Callable[[], Ack]) -> Ack:
        """Make one request that makes an order; whatever it raises is raised."""
        self._count()
        try:
            return call()
        finally:
            self._clock.read()

    def ask(self, setup_id: str, call: Callable[[], None]) -> str:
        """Make one request that changes an order; return "" when it was done, "refused: ..." or "unknown: ...".

        The lease may have been lost since it was last asked, in the ten seconds that the request before can take.
        """
        if not self._allowed():
            return "unknown: kept back, the lease is lost"
        self._count()
        try:
            call()
        except OrderRejectedError as refused:
            outcome = f"refused: {spoken(refused)}"
        except BrokerError as lost:
            outcome = f"unknown: {spoken(lost)}"
        else:
            outcome = ""
        self._clock.read()
        self._timers.restart(setup_id, ACTED, self._clock.elapsed)
        return outcome

    def _count(self) -> None:
        self.sent_today += 1
        self._throttle.count(self._clock.elapsed)
