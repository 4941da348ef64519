"""The guardian with one of its rules taken out: each must be found out, or the simulation proves nothing.

A mutation replaces a method of the real class while its context lasts; everything else is the real guardian.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from types import MappingProxyType
from typing import Any
from unittest.mock import patch

from agents.domain.errors import OrderUnknownError
from agents.domain.lifecycle import TradeState
from agents.execution.gateway import Ack, Leg
from agents.execution.guardian.actions import MoveTarget, Sell
from agents.execution.guardian.case import Case
from agents.execution.guardian.exits import Exits
from agents.execution.guardian.lookout import Lookout
from agents.execution.guardian.ports import ORDER_EVENT
from agents.execution.guardian.protect import why_flatten
from agents.execution.guardian.records import Records
from agents.execution.guardian.sender import Sender
from agents.execution.guardian.tending import Tender
from agents.execution.guardian.view import View
from agents.execution.guardian.wire import Wire
from tests.simulation.broker import SimulatedGateway

Payload = dict[str, Any]  # Any: whatever JSON can hold


@contextmanager
def intent_not_durable() -> Iterator[None]:
    """Write an order down only once the broker has answered."""
    append = Records._append

    def after_the_answer(self: Records, kind: str, payload: Payload, key: str | None, at: datetime) -> None:
        if kind != ORDER_EVENT:
            append(self, kind, payload, key, at)
            return
        held = self.__dict__.setdefault("held", {}).setdefault(payload["setup_id"], [])
        held.append((kind, payload, key, at))
        if payload["state"] not in {"intent", "sent"}:
            for each in held:
                append(self, *each)
            held.clear()

    with patch.object(Records, "_append", after_the_answer):
        yield


@contextmanager
def resent_on_timeout() -> Iterator[None]:
    """Send again when no answer came."""
    post = Wire.post

    def twice(self: Wire, call: Callable[[], Ack]) -> Ack:
        try:
            return post(self, call)
        except OrderUnknownError:
            return post(self, call)

    with patch.object(Wire, "post", twice):
        yield


@contextmanager
def account_net_sold() -> Iterator[None]:
    """Forget which exits a setup sent, and sell what the account holds."""
    sell = Exits.sell

    def by_legs(self: Case) -> int:
        return sum(leg.filled for leg in self.legs)

    def everything(self: Exits, case: Case, action: Sell) -> Case:
        positions = self._ports.gateway.positions()
        net = sum(row.net_quantity for row in positions if row.contract == case.contract)
        return sell(self, case, Sell(net, action.limit, action.why)) if net > 0 else case

    with patch.object(Case, "sold", property(by_legs)), patch.object(Exits, "sell", everything):
        yield


@contextmanager
def net_quantity_sold() -> Iterator[None]:
    """Sell as much as the account holds of the contract, whoever bought it."""
    sell = Exits.sell

    def everything(self: Exits, case: Case, action: Sell) -> Case:
        positions = self._ports.gateway.positions()
        net = sum(row.net_quantity for row in positions if row.contract == case.contract)
        quantity = net if net > 0 else action.quantity
        with patch("agents.execution.guardian.exits.left_for", lambda *_: quantity):
            return sell(self, case, Sell(quantity, action.limit, action.why))

    with patch.object(Exits, "sell", everything):
        yield


@contextmanager
def stop_leg_cancelled() -> Iterator[None]:
    """Tidy up once a position is protected: take the stop away, and think nothing of it."""
    protect = Tender.protect

    def without_stop(self: Tender, case: Case, entries_stopped: str) -> Case:
        if case.state is TradeState.PROTECTED and case.leg_is_alive(Leg.STOP) and self._sender.is_free():
            _cancel_leg(self._sender, case, Leg.STOP)
        return protect(self, case, entries_stopped)

    def unaware(case: Case, now: datetime) -> str:
        stop = case.leg(Leg.STOP)
        legs = tuple(leg for leg in case.legs if leg is not stop)
        return why_flatten(case.model_copy(update={"legs": legs}), now)

    unworried = patch("agents.execution.guardian.tending.why_flatten", unaware)
    with patch.object(Tender, "protect", without_stop), unworried:
        yield


@contextmanager
def target_leg_cancelled() -> Iterator[None]:
    """Take only the target back before leaving, and sell by a plain order while the stop is still there."""

    def by_plain_sale(self: Sender, case: Case, action: MoveTarget) -> Case:
        _cancel_leg(self, case, Leg.TARGET)
        return self._handlers[Sell](case, Sell(case.remaining, action.price, action.why))

    with patch.object(Sender, "_move_target", by_plain_sale):
        yield


def _cancel_leg(sender: Sender, case: Case, leg: Leg) -> None:
    """Cancel one leg for good through the broker's own call, which the guardian's port does not have."""
    gateway = sender._ports.gateway
    assert isinstance(gateway, SimulatedGateway)
    sender._wire.ask(case.setup_id, lambda: gateway.cancel_leg(case.order_id, leg))


@contextmanager
def reconciliation_skipped() -> Iterator[None]:
    """Believe the journal: start without reading the broker's book and never compare with it."""

    def nothing_to_see(self: Lookout, **_: bool) -> View | None:
        self.survey = View(self._kit.clock.elapsed, ())
        return None

    with patch.object(Lookout, "complete", nothing_to_see):
        yield


MUTATIONS: Mapping[str, Callable[[], Any]] = MappingProxyType(  # Any: a context manager of its own type
    {
        "intent-not-durable": intent_not_durable,
        "resent-on-timeout": resent_on_timeout,
        "account-net-sold": account_net_sold,
        "net-quantity-sold": net_quantity_sold,
        "stop-leg-cancelled": stop_leg_cancelled,
        "target-leg-cancelled": target_leg_cancelled,
        "reconciliation-skipped": reconciliation_skipped,
    }
)
