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
from agents.execution.gateway import Ack
from agents.execution.guardian.actions import MoveTarget, Sell
from agents.execution.guardian.case import Case
from agents.execution.guardian.exits import Exits
from agents.execution.guardian.lookout import Lookout
from agents.execution.guardian.ports import ORDER_EVENT
from agents.execution.guardian.records import Records
from agents.execution.guardian.sender import Sender
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
def single_leg_cancelled() -> Iterator[None]:
    """Take the stop away before selling by the target."""
    move = Sender._move_target

    def without_stop(self: Sender, case: Case, action: MoveTarget) -> Case:
        gateway = self._ports.gateway
        if isinstance(gateway, SimulatedGateway):
            self._wire.ask(case.setup_id, lambda: gateway.cancel_leg(case.order_id, "STOP"))
        return move(self, case, MoveTarget(action.price, None, action.why))

    with patch.object(Sender, "_move_target", without_stop):
        yield


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
        "single-leg-cancelled": single_leg_cancelled,
        "reconciliation-skipped": reconciliation_skipped,
    }
)
