"""What must be so after whatever was killed, and how long it took."""

import time
from collections.abc import Callable

import requests

from agents.domain.lifecycle import OVER, TradeState
from agents.execution.guardian.ports import ANSWER, ORDER_EVENT, TradeRequest
from tests.integration.guardians import Driver, Program, until

EQUAL_WITHIN = 5.0  # seconds after the one that was killed works again; half of all kills, for a busy machine's sake
NAKED_FOR = 2.0  # seconds that a position may be without a stop at the broker, whoever is dead
PATIENCE = 60.0  # seconds for what only has to happen at all, on a busy machine


class Watcher:
    """Looks, while a test waits, whether a position is naked for too long."""

    def __init__(self, desk: Driver, *programs: Program) -> None:
        self._desk = desk
        self._programs = programs
        self._since: float | None = None
        self.longest = 0.0

    def until(self, what: Callable[[], object], seconds: float = PATIENCE) -> float:
        return until(lambda: self._look() and what(), seconds, *self._programs)

    def _look(self) -> bool:
        """Look at the broker's book; False while the exchange is away."""
        try:
            naked = self._desk.naked()
        except (requests.RequestException, OSError, ValueError):  # dead, or has not written its key yet
            return False
        now = time.monotonic()
        self._since = (self._since or now) if naked else None
        self.longest = max(self.longest, now - (self._since or now))
        return True


def said(desk: Driver, request: TradeRequest, state: str) -> bool:
    """Whether the journal has that state of an order."""
    setup_id = request.setup.setup_id
    events = (event.payload for event in desk.ledger.events(ORDER_EVENT))
    return any(event["setup_id"] == setup_id and event["state"] == state for event in events)


def state_of(desk: Driver, request: TradeRequest) -> TradeState | None:
    return desk.state(request.setup.setup_id)


def is_settled(desk: Driver, request: TradeRequest) -> bool:
    state = state_of(desk, request)
    return state is TradeState.PROTECTED or state in OVER


def is_equal(desk: Driver, request: TradeRequest) -> bool:
    """Whether the ledger knows the order, and everything as the broker's book has it."""
    return state_of(desk, request) is not None and not desk.differences()


def leave(desk: Driver, request: TradeRequest) -> None:
    """Close what is held, as a person would ask for it, and do not wait for the answer."""
    setup_id = request.setup.setup_id
    desk.ledger.commands.ask(f"leave {setup_id}", "cancel_order", {"setup_id": setup_id, "close": True}, by="test")


def everything_is_as_it_must_be(desk: Driver, request: TradeRequest, watcher: Watcher) -> None:
    """Close the trade if it is open; then one bracket at most, books alike, nothing held, nothing naked, one story."""
    watcher.until(lambda: is_settled(desk, request))
    if state_of(desk, request) is TradeState.PROTECTED:
        leave(desk, request)
    watcher.until(lambda: state_of(desk, request) in OVER)
    watcher.until(lambda: not desk.differences())
    assert desk.brackets(request) <= 1
    assert sum(position["net"] for position in desk.book["positions"]) == 0
    assert watcher.longest < NAKED_FOR
    assert desk.ledger.verify().sound
    assert len(desk.ledger.events(ANSWER, key=request.setup.setup_id)) == 1
