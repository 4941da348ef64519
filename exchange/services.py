"""What every part of the core shares: what is due when, who is told what, which fault strikes, what chance draws."""

import hashlib
import heapq
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from exchange.accounts import Accounts
from exchange.clock import MarketClock, Millis
from exchange.limits import Limits
from exchange.market import Market
from exchange.rules import Rules

EVENTS_REMEMBERED = 20_000


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a client at a moment; `kind` says what `detail` is."""

    kind: str
    at: Millis
    client_id: str
    detail: object


Listener = Callable[[Event], None]
# What a fault is told besides that it strikes: numbers and words from the control API, different for each fault.
Parameters = Mapping[str, Any]


class Faults(Protocol):
    """Which faults strike. Each call is one occasion, so a fault scripted for n times is used up by n calls."""

    def strike(self, name: str, where: str = "") -> Parameters | None:
        """Return the parameters of the fault if it strikes here and now (perhaps an empty mapping), or None."""
        ...


class NoFaults:
    """An exchange on a good day."""

    def strike(self, name: str, where: str = "") -> Parameters | None:  # noqa: ARG002 - the protocol's shape
        """Return None: nothing strikes."""
        return None


class Bus:
    """Tells listeners of events, in the order in which they subscribed, and remembers the latest events."""

    def __init__(self) -> None:
        self._listeners: dict[str, list[Listener]] = {}
        self.events: deque[Event] = deque(maxlen=EVENTS_REMEMBERED)

    def subscribe(self, kind: str, listener: Listener) -> Callable[[], None]:
        """Tell a listener of every event of a kind from now on; call what is returned to stop that."""
        listeners = self._listeners.setdefault(kind, [])
        listeners.append(listener)

        def stop() -> None:
            if listener in listeners:
                listeners.remove(listener)

        return stop

    def publish(self, event: Event) -> None:
        """Remember an event and tell it to the listeners of its kind."""
        self.events.append(event)
        for listener in list(self._listeners.get(event.kind, ())):
            listener(event)


class Task(NamedTuple):
    """An action as it can be written down: its name, the order or client it is about, and what else it needs."""

    name: str
    about: str
    detail: tuple[int | str, ...] = ()


class Timeline:
    """What is to happen and when; what is due at the same moment happens in the order in which it was planned.

    `done` counts what has happened, `doers` says how a `Task` of a name is done.
    """

    def __init__(self, now: Millis) -> None:
        self.now = now
        self.done = 0
        self.doers: dict[str, Callable[[Task], None]] = {}
        self._planned: list[tuple[Millis, int, Callable[[], None], Task | None]] = []
        self._count = 0

    @property
    def next_due(self) -> Millis | None:
        """When the next thing is due, or None when nothing is planned."""
        return self._planned[0][0] if self._planned else None

    def plan(self, at: Millis, action: Callable[[], None]) -> None:
        """Do something at a moment; a moment that is past already means as soon as time is settled again."""
        self._push(at, action, None)

    def plan_task(self, at: Millis, task: Task) -> None:
        """Do something at a moment that a restarted exchange still has to do."""
        self._push(at, lambda: self.doers[task.name](task), task)

    def tasks(self) -> list[tuple[int, Millis, Task]]:
        """Return the tasks to come with the number of their planning and their moment, in no order."""
        return [(number, at, task) for at, number, _, task in self._planned if task is not None]

    def settle(self, now: Millis) -> None:
        """Do everything that is due up to a moment, each at its own time, and stand at that moment.

        A moment before the present changes nothing: what has happened stays so.
        """
        while self._planned and self._planned[0][0] <= now:
            at, _, action, _ = heapq.heappop(self._planned)
            self.now = max(self.now, at)
            self.done += 1
            action()
        self.now = max(self.now, now)

    def clear(self, now: Millis) -> None:
        """Drop all plans and stand at a moment, which may be in the past."""
        self._planned.clear()
        self.now = now

    def _push(self, at: Millis, action: Callable[[], None], task: Task | None) -> None:
        self._count += 1
        heapq.heappush(self._planned, (max(at, self.now), self._count, action, task))


class Journal(Protocol):
    """Where the exchange writes what it has done before anyone is told of it."""

    def commit(self) -> None:
        """Write everything that has changed, all of it or nothing; an exception means that nobody may be told."""
        ...

    def settled(self) -> None:
        """Hear that time has passed and nothing has happened."""
        ...


class NoJournal:
    """Everything is in memory and gone with the process."""

    def commit(self) -> None:
        """Write nothing."""

    def settled(self) -> None:
        """Write nothing."""


class Chance:
    """Numbers that look like chance and depend on the seed and on what is asked, not on how often one asked before."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def between(self, low: int, high: int, *about: object) -> int:
        """Return a whole number in ``[low, high]`` that belongs to what it is about."""
        text = "|".join(str(part) for part in (self.seed, *about))
        number = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")
        return low + number % (high - low + 1)


class Services:
    """What every part of the exchange may use; `Core` is this and the parts.

    Parameters
    ----------
    market : Market
        Where prices come from.
    accounts : Accounts
        The clients and their tokens.
    clock : MarketClock, optional
        Read by `settle` only. Real time unless given.
    limits : Limits, optional
        Rate limits; Dhan's own unless given.
    faults : Faults, optional
        Which faults strike; none unless given. May be replaced at any time.
    rules : Rules, optional
        What the broker leaves open.
    seed : int, optional
        Decides latencies, ids and every other draw.
    """

    def __init__(
        self,
        market: Market,
        accounts: Accounts,
        clock: MarketClock | None = None,
        limits: Limits | None = None,
        faults: Faults | None = None,
        *,
        rules: Rules | None = None,
        seed: int = 0,
    ) -> None:
        self.market = market
        self.accounts = accounts
        self.clock = clock or MarketClock()
        self.limits = limits or Limits()
        self.faults: Faults = faults or NoFaults()
        self.rules = rules or Rules()
        self.chance = Chance(seed)
        self.bus = Bus()
        self.timeline = Timeline(self.clock.now())
        self.journal: Journal = NoJournal()

    @property
    def now(self) -> Millis:
        """The moment up to which everything has been settled."""
        return self.timeline.now

    @property
    def next_due(self) -> Millis | None:
        """When something will happen by itself next, or None."""
        return self.timeline.next_due

    @property
    def events(self) -> Sequence[Event]:
        """The latest events, oldest first."""
        return self.bus.events

    def advance(self, now: Millis) -> Millis:
        """Settle everything due up to a moment and return the present, which never runs backwards."""
        self.timeline.settle(now)
        return self.timeline.now

    def settle(self) -> Millis:
        """Advance to the clock's time, and write what happened on the way."""
        before = self.timeline.done
        now = self.advance(self.clock.now())
        if self.timeline.done == before:
            self.journal.settled()
        else:
            self.journal.commit()
        return now

    def subscribe(self, kind: str, listener: Listener) -> Callable[[], None]:
        """Tell a listener of every event of a kind; call what is returned to stop that."""
        return self.bus.subscribe(kind, listener)

    def publish(self, kind: str, client_id: str, detail: object) -> None:
        """Make an event of the present known."""
        self.bus.publish(Event(kind, self.now, client_id, detail))
