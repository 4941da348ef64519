"""Time as the guardian may rely on it: waits by the stopwatch, deadlines by the later of two clocks, requests rationed.

The rules: no correction of the machine's clock shortens a wait that keeps us from selling twice, and none delays the
moment at which a position must be flat. A start remembers nothing but what the journal says of a wait, and believes
that only as far as both clocks agree; every other wait begins anew.
"""

from collections import deque
from datetime import datetime, timedelta

from agents.execution.guardian.case import Reading
from agents.execution.guardian.ports import Clock


class SteadyClock:
    """The market's clock watched by a stopwatch.

    `read` once in each step; then `now` is what the clock says, `steady` the moment at which this process began plus
    what the stopwatch has counted since, and `late` the later of the two.
    """

    def __init__(self, clock: Clock, tolerance: float) -> None:
        self._clock = clock
        self._tolerance = tolerance
        self.now = self.steady = clock.now()
        self.elapsed = clock.elapsed()
        self.stepped_at: float | None = None

    @property
    def late(self) -> datetime:
        """The moment by which a position must be flat if it must be flat by then."""
        return max(self.now, self.steady)

    def read(self, now: datetime | None = None) -> None:
        """Look at both clocks, and notice when they part; `now` is given where the caller has just looked."""
        now, elapsed = now or self._clock.now(), self._clock.elapsed()
        passed = timedelta(seconds=elapsed - self.elapsed)
        if abs((now - self.now - passed).total_seconds()) > self._tolerance:
            self.stepped_at = elapsed
        self.steady += passed
        self.now, self.elapsed = now, elapsed

    @property
    def reading(self) -> Reading:
        """What both clocks showed when they were last read."""
        return Reading(counter=self._clock.counter(), seconds=self.elapsed, at=self.now)

    def since(self, then: Reading | None) -> float:
        """Return the seconds that have surely passed since a reading, perhaps of an earlier process; 0 when unsure."""
        if then is None or not then.counter or then.counter != self._clock.counter():
            return 0.0
        return max(0.0, min(self.elapsed - then.seconds, (self.now - then.at).total_seconds()))

    def has_stepped_within(self, seconds: float) -> bool:
        """Whether the clock was set in the last `seconds`."""
        return self.stepped_at is not None and self.elapsed - self.stepped_at < seconds


class Timers:
    """How long a condition has held without a break, by the stopwatch."""

    def __init__(self) -> None:
        self._since: dict[tuple[str, str], float] = {}

    def held(self, owner: str, what: str, elapsed: float, *, true: bool = True) -> float:
        """Take note whether the condition holds and return for how many seconds it has."""
        if not true:
            self._since.pop((owner, what), None)
            return 0.0
        return elapsed - self._since.setdefault((owner, what), elapsed)

    def restart(self, owner: str, what: str, elapsed: float) -> None:
        """Begin counting at a reading of the stopwatch: now, or where an earlier process began."""
        self._since[owner, what] = elapsed

    def is_due(self, owner: str, what: str, elapsed: float, every: float) -> bool:
        """Whether it is time to do something again; counts from now if so, and is due at once the first time."""
        last = self._since.get((owner, what))
        if last is not None and elapsed - last < every:
            return False
        self._since[owner, what] = elapsed
        return True

    def passed(self, owner: str, what: str, elapsed: float) -> float:
        """Return the seconds since `restart` or `is_due` last counted, infinite when they never did."""
        last = self._since.get((owner, what))
        return float("inf") if last is None else elapsed - last


class Throttle:
    """At most so many order requests in any second. A new one begins full: it cannot know what was sent before it."""

    def __init__(self, per_second: int, elapsed: float) -> None:
        self._sent = deque([elapsed] * per_second, maxlen=per_second)

    def is_free(self, elapsed: float, count: int = 1) -> bool:
        """Whether `count` more requests may be sent now."""
        size = self._sent.maxlen or 1
        return elapsed - self._sent[min(count, size) - 1] > 1.0

    def count(self, elapsed: float) -> None:
        """Take note of a request."""
        self._sent.append(elapsed)
