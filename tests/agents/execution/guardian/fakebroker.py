"""A broker for told stories: it does at once what it is asked, except where the story says otherwise."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import TypeVar

from agents.domain.errors import BrokerUnavailableError, OrderRejectedError, OrderUnknownError
from agents.domain.orders import SuperOrder
from agents.execution.gateway import (
    DONE_STATES,
    Ack,
    BrokerState,
    FillRow,
    Funds,
    Leg,
    LegRow,
    OrderRow,
    PositionRow,
    SuperRow,
    TradeSide,
)

T = TypeVar("T")
STOP_SLACK = Decimal("0.97")
TOKEN = "access-token eyJhbGciOiJIUzI1NiJ9.secret"


class PowerCut(BaseException):
    """The guardian's process ends here."""


@dataclass
class FakeBroker:
    """One account. `faults` says what happens to the next call of a name: "lost" (it never arrives), "unheard" (it is
    done, the reply is lost), "late" (as lost; `deliver` does it later), "refused", "cut before", "cut after".
    """

    now: Callable[[], datetime]
    say: Callable[[str], None]
    bid: Decimal = Decimal(100)
    faults: dict[str, list[str]] = field(default_factory=dict)
    down: bool = False
    birth: str = ""
    partial: int = 0
    supers: dict[str, SuperRow] = field(default_factory=dict)
    plain: dict[str, OrderRow] = field(default_factory=dict)
    fills: list[FillRow] = field(default_factory=list)
    others: dict[str, int] = field(default_factory=dict)
    loss: Decimal | None = None
    undelivered: list[Callable[[], object]] = field(default_factory=list)
    serial: int = 100

    # requests

    def place_super(self, order: SuperOrder) -> Ack:
        text = f"POST super order {order.correlation_id}: {order.quantity} at {order.entry_limit}"
        return self._request("place_super", text, lambda: self._take(order))

    def place_exit(self, correlation_id: str, contract: str, quantity: int, limit: Decimal) -> Ack:
        text = f"POST exit {correlation_id}: {quantity} at {limit}"
        return self._request("place_exit", text, lambda: self._take_exit(correlation_id, contract, quantity, limit))

    def modify_leg(
        self,
        order_id: str,
        leg: Leg,
        *,
        price: Decimal | None = None,
        trigger: Decimal | None = None,
        quantity: int | None = None,
    ) -> None:
        said = {"price": price, "trigger": trigger, "quantity": quantity}
        wanted = ", ".join(f"{name} {value}" for name, value in said.items() if value is not None)
        self._request(f"modify_{leg}", f"PUT {leg} of {order_id}: {wanted}", lambda: self._change(order_id, leg, said))

    def modify_exit(self, order_id: str, limit: Decimal) -> None:
        def change() -> None:
            self.plain[order_id] = self.plain[order_id].model_copy(update={"price": limit})

        self._request("modify_exit", f"PUT exit {order_id}: price {limit}", change)

    def cancel_entry(self, order_id: str) -> None:
        self._request("cancel_entry", f"DELETE super order {order_id}", lambda: self._cancel(order_id))

    def cancel_order(self, order_id: str) -> None:
        raise AssertionError(f"nobody cancels plain order {order_id}")

    def arm_loss_exit(self, loss: Decimal) -> None:
        self.say(f"broker: loss exit at {loss}")
        self.loss = loss

    def exit_all(self) -> None:
        self.say("broker: leave everything")
        for order_id in self.supers:
            self._cancel(order_id)
        for row in self.positions():
            self._fill("RMS", row.contract, TradeSide.SELL, row.net_quantity)

    # reads

    def super_orders(self) -> list[SuperRow]:
        return self._read(list(self.supers.values()))

    def orders(self) -> list[OrderRow]:
        return self._read(list(self.plain.values()))

    def trades(self) -> list[FillRow]:
        return self._read(list(self.fills))

    def positions(self) -> list[PositionRow]:
        net = dict(self.others)
        for fill in self.fills:
            sign = 1 if fill.side is TradeSide.BUY else -1
            net[fill.contract] = net.get(fill.contract, 0) + sign * fill.quantity
        return self._read([PositionRow(contract=name, net_quantity=held) for name, held in net.items()])

    def funds(self) -> Funds:
        return self._read(Funds(available=Decimal(500_000), start_of_day=Decimal(500_000)))

    def find(self, correlation_id: str) -> SuperRow | OrderRow | None:
        rows: list[SuperRow | OrderRow] = [*self.supers.values(), *self.plain.values()]
        return self._read(next((row for row in rows if row.correlation_id == correlation_id), None))

    def loss_exit(self) -> Decimal | None:
        return self._read(self.loss)

    # the market

    def trade(self) -> None:
        """Fill what the bid of this moment fills."""
        for row in list(self.supers.values()):
            if row.entry_state in {BrokerState.PENDING, BrokerState.PART_TRADED} and self.bid <= row.entry_price:
                self._buy(row.order_id)
            self._leave(row.order_id)
        for order in list(self.plain.values()):
            if order.state is BrokerState.PENDING and self.bid >= order.price:
                self._fill(order.order_id, order.contract, TradeSide.SELL, order.quantity)
                done = {"state": BrokerState.TRADED, "filled": order.quantity, "average": self.bid}
                self.plain[order.order_id] = order.model_copy(update=done)

    def deliver(self) -> None:
        """Let what was late arrive."""
        for act in self.undelivered:
            self.say("broker: a late request arrives")
            act()
        self.undelivered.clear()

    def end_leg(self, leg: Leg) -> None:
        """End an exit leg of the last super order from outside."""
        self._set_leg(list(self.supers)[-1], leg, state=BrokerState.CANCELLED)

    def _request(self, name: str, text: str, act: Callable[[], T]) -> T:
        planned = self.faults.get(name, [])
        fault = planned.pop(0) if planned else ""
        self.say(f"guardian: {text}{f' ({fault})' if fault else ''}")
        if fault == "cut before":
            raise PowerCut
        if fault == "refused":
            raise OrderRejectedError("DH-906 refused by the story")
        if fault == "late":
            self.undelivered.append(act)
        if fault in {"lost", "late"} or self.down:
            raise OrderUnknownError(f"no reply with {TOKEN}")
        answer = act()
        if fault == "cut after":
            raise PowerCut
        if fault == "unheard":
            raise OrderUnknownError("the reply was lost")
        return answer

    def _read(self, rows: T) -> T:
        if self.down:
            raise BrokerUnavailableError(f"401 {TOKEN} expired")
        return rows

    def _id(self) -> str:
        self.serial += 1
        return str(self.serial)

    def _take(self, order: SuperOrder) -> Ack:
        order_id = self._id()
        prices = {Leg.TARGET: order.target_limit, Leg.STOP: order.stop_trigger * STOP_SLACK}
        legs = tuple(
            LegRow(
                leg=leg,
                order_id=f"{order_id}{leg[0]}",
                state=BrokerState.PENDING,
                quantity=0,
                filled=0,
                price=price,
                trigger=order.stop_trigger if leg is Leg.STOP else None,
            )
            for leg, price in prices.items()
        )
        self.supers[order_id] = SuperRow(
            order_id=order_id,
            correlation_id=order.correlation_id,
            contract=order.contract,
            state=BrokerState.PENDING,
            entry_state=BrokerState.PENDING,
            quantity=order.quantity,
            filled=0,
            average=Decimal(0),
            entry_price=order.entry_limit,
            legs=legs,
        )
        return Ack(order_id=order_id, state=BrokerState.TRANSIT)

    def _take_exit(self, correlation_id: str, contract: str, quantity: int, limit: Decimal) -> Ack:
        row = OrderRow(
            order_id=self._id(),
            correlation_id=correlation_id,
            contract=contract,
            side=TradeSide.SELL,
            state=BrokerState.PENDING,
            quantity=quantity,
            filled=0,
            price=limit,
            average=Decimal(0),
        )
        self.plain[row.order_id] = row
        return Ack(order_id=row.order_id, state=BrokerState.TRANSIT)

    def _change(self, order_id: str, leg: Leg, said: dict[str, Decimal | int | None]) -> None:
        row = self.supers[order_id]
        if leg is Leg.ENTRY:
            if said["quantity"] is None:
                self.supers[order_id] = row.model_copy(update={"entry_price": said["price"]})
                return
            update: dict[str, object] = {"quantity": said["quantity"]}
            if said["quantity"] == row.filled:
                update |= {"state": BrokerState.TRADED, "entry_state": BrokerState.TRADED}
            self.supers[order_id] = row.model_copy(update=update)
            return
        if self._leg(order_id, leg).state in DONE_STATES:
            raise OrderRejectedError(f"DH-906 the {leg} leg is not pending")
        change = {"price": said["price"]} if leg is Leg.TARGET else {"trigger": said["trigger"]}
        self._set_leg(order_id, leg, **change)

    def _cancel(self, order_id: str) -> None:
        row = self.supers[order_id]
        for leg in row.legs:
            if leg.state not in DONE_STATES:
                self._set_leg(order_id, leg.leg, state=BrokerState.CANCELLED)
        if row.entry_state not in DONE_STATES:
            dead = {"state": BrokerState.CANCELLED, "entry_state": BrokerState.CANCELLED}
            self.supers[order_id] = self.supers[order_id].model_copy(update=dead)

    def _buy(self, order_id: str) -> None:
        row = self.supers[order_id]
        bought = self.partial or row.quantity
        if bought == row.filled:
            return
        self._fill(order_id, row.contract, TradeSide.BUY, bought - row.filled, row.entry_price)
        state = BrokerState.TRADED if bought == row.quantity else BrokerState.PART_TRADED
        update = {"filled": bought, "state": state, "entry_state": state, "average": row.entry_price}
        self.supers[order_id] = row.model_copy(update=update)
        for leg in row.legs:
            born = BrokerState.REJECTED if leg.leg in self.birth else leg.state
            self._set_leg(order_id, leg.leg, quantity=bought, state=born)

    def _leave(self, order_id: str) -> None:
        row, target, stop = self.supers[order_id], self._leg(order_id, Leg.TARGET), self._leg(order_id, Leg.STOP)
        held = row.filled - target.filled - stop.filled
        if held <= 0:
            return
        if target.state not in DONE_STATES and self.bid >= target.price:
            self._sell(order_id, Leg.TARGET, held)
            return
        if stop.state in DONE_STATES or stop.trigger is None:
            return
        if stop.state is BrokerState.TRIGGERED or self.bid <= stop.trigger:
            self._set_leg(order_id, Leg.STOP, state=BrokerState.TRIGGERED)
            if self.bid >= stop.price:
                self._sell(order_id, Leg.STOP, held)

    def _sell(self, order_id: str, leg: Leg, quantity: int) -> None:
        row = self.supers[order_id]
        self._fill(self._leg(order_id, leg).order_id, row.contract, TradeSide.SELL, quantity)
        self._set_leg(order_id, leg, state=BrokerState.TRADED, filled=quantity, average=self.bid)
        other = Leg.STOP if leg is Leg.TARGET else Leg.TARGET
        if self._leg(order_id, other).state not in DONE_STATES:
            self._set_leg(order_id, other, state=BrokerState.CANCELLED)
        self.supers[order_id] = self.supers[order_id].model_copy(update={"state": BrokerState.CLOSED})

    def _fill(self, order_id: str, contract: str, side: TradeSide, quantity: int, price: Decimal | None = None) -> None:
        fill = FillRow(
            order_id=order_id,
            trade_id=f"T{len(self.fills) + 1}",
            contract=contract,
            side=side,
            quantity=quantity,
            price=price or self.bid,
            at=self.now(),
        )
        self.fills.append(fill)
        self.say(f"market: {order_id} {side}s {quantity} at {fill.price}")

    def _leg(self, order_id: str, leg: Leg) -> LegRow:
        return next(row for row in self.supers[order_id].legs if row.leg is leg)

    def _set_leg(self, order_id: str, leg: Leg, **update: object) -> None:
        row = self.supers[order_id]
        legs = tuple(one.model_copy(update=update) if one.leg is leg else one for one in row.legs)
        self.supers[order_id] = row.model_copy(update={"legs": legs})
