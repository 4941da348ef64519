"""Orders, their steps and executions, folded from the ledger's events as far as one has read. Pure.

Whoever shows a past moment reads the events up to it and gets the orders as they were known then.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol

from agents.domain.lifecycle import OVER, TradeState
from agents.domain.orders import OPEN_STATES, OrderState
from agents.domain.profit import OrderSums, order_result
from ui.trading import Executed, LegView, Order, Refusal, Step

Json = Mapping[str, Any]  # Any: whatever JSON can hold
BUY, SELL = "buy", "sell"
ENTRY, TARGET, STOP, EXIT = "entry", "target", "stop", "exit"


class Event(Protocol):
    """What is needed of an event of the ledger."""

    @property
    def kind(self) -> str:
        """Return what happened."""
        ...

    @property
    def at(self) -> datetime:
        """Return when, in the market's time."""
        ...

    @property
    def payload(self) -> Json:
        """Return what was written."""
        ...


class OrderFold:
    """Takes events in and gives orders out.

    Parameters
    ----------
    brokerage : Decimal
        Rupees for each order that trades.
    """

    def __init__(self, brokerage: Decimal) -> None:
        self._brokerage = brokerage
        self._facts: dict[str, dict[str, Any]] = {}  # Any: JSON
        self._steps: dict[str, list[Step]] = {}
        self._legs: dict[tuple[str, str], tuple[datetime, datetime | None]] = {}
        self._asked: dict[str, tuple[datetime, str]] = {}
        self._refused: dict[str, Refusal] = {}
        self._made: dict[str, Order] = {}

    def take(self, event: Event) -> None:
        """Take in an event of one of `KINDS`."""
        _TAKEN[event.kind](self, event)

    def orders(self) -> tuple[Order, ...]:
        """Return all orders in the order of their first events."""
        for setup_id in self._facts.keys() - self._made.keys():
            self._made[setup_id] = self._order(setup_id)
        return tuple(self._made[setup_id] for setup_id in self._facts)

    def refusals(self) -> tuple[Refusal, ...]:
        """Return the requests that became no order, oldest first."""
        return tuple(self._refused.values())

    def request(self, event: Event) -> None:
        """Take in that somebody asked for a trade."""
        order = event.payload.get("order", {})
        setup_id = str(event.payload.get("setup", {}).get("setup_id") or order.get("setup_id", ""))
        self._asked[setup_id] = (event.at, str(order.get("contract", "")))
        self._made.pop(setup_id, None)

    def answer(self, event: Event) -> None:
        """Take in the guardian's answer; one that sent nothing becomes a refusal."""
        said = event.payload
        if said.get("outcome") != "refused":
            return
        setup_id = str(said["setup_id"])
        reasons = tuple(str(veto["text"]) for veto in said.get("vetoes", ())) or (str(said.get("detail", "")),)
        self._refused[setup_id] = Refusal(setup_id, self._asked.get(setup_id, (event.at, ""))[1], event.at, reasons)

    def paper(self, event: Event) -> None:
        """Take in an order of the book without wires: each event holds all of it, and its legs are its executions."""
        said = event.payload
        entry, left, name = said.get("entry"), said.get("exit"), str(said["setup_id"])
        bought, sold = (part["quantity"] if part else 0 for part in (entry, left))
        facts = {
            "order": said,
            "state": said["state"],
            "why": "",
            "bought": bought,
            "sold": sold,
            "spent": Decimal(entry["price"]) * bought if entry else 0,
            "earned": Decimal(left["price"]) * sold if left else 0,
            "filled_at": entry["at"] if entry else None,
            "closed_at": left["at"] if left else None,
            "fills": [
                {**row, "order_id": f"{name}/{part}", "trade_id": f"{name}/{part}", "side": side}
                for part, row, side in ((ENTRY, entry, BUY), (EXIT, left, SELL))
                if row
            ],
        }
        self._step(name, facts, event.at)

    def guarded(self, event: Event) -> None:
        """Take in a step of an order that the guardian keeps: each event holds what it changed."""
        said, name = event.payload, str(event.payload["setup_id"])
        known = {**self._facts.get(name, {}), **said["changes"]}
        if "order" not in known:
            return  # it began before the first event that was read, and was over then
        parts = [*known.get("legs", ()), *known.get("exits", ())]
        sold = sum(int(part.get("filled", 0)) for part in parts) + int(known.get("sold_elsewhere", 0))
        for leg in parts:
            key = (name, _leg_key(leg))
            listed, filled = self._legs.get(key, (event.at, None))
            self._legs[key] = (listed, filled or (event.at if int(leg.get("filled", 0)) else None))
        self._step(name, {**known, "state": said["state"], "why": said["why"], "sold": sold}, event.at)

    def _step(self, name: str, facts: dict[str, Any], at: datetime) -> None:  # Any: JSON
        self._facts[name] = facts
        self._steps.setdefault(name, []).append(Step(at, str(facts["state"]), str(facts["why"])))
        self._made.pop(name, None)

    def _order(self, name: str) -> Order:
        facts, steps = self._facts[name], tuple(self._steps[name])
        plain = _plain(facts)
        asked = self._asked.get(name)
        fills = [_executed(row, plain.contract) for row in facts.get("fills", ())]
        return replace(
            plain,
            asked_at=asked[0] if asked else None,
            sent_at=_first(steps, "sent"),
            acked_at=_first(steps, "acked"),
            steps=steps,
            legs=self._leg_views(name, facts, plain),
            result=order_result(fills, _sums(plain, facts), self._brokerage) if _shows_all(plain, fills) else None,
        )

    def _leg_views(self, name: str, facts: Json, order: Order) -> tuple[LegView, ...]:
        if "entry_state" not in facts:
            return ()
        entry = LegView(
            ENTRY,
            str(facts["entry_state"]).lower(),
            order.order_id,
            int(facts["order"]["lots"]) * int(facts["order"]["lot_size"]),
            order.bought,
            order.limit,
            _first(self._steps[name], "acked"),
            order.filled_at,
        )
        return (entry, *(self._leg_view(name, leg) for leg in (*facts.get("legs", ()), *facts.get("exits", ()))))

    def _leg_view(self, name: str, leg: Json) -> LegView:
        listed, filled = self._legs.get((name, _leg_key(leg)), (None, None))
        price = leg.get("trigger") or leg.get("price") or leg.get("limit") or 0
        return LegView(
            str(leg.get("leg", EXIT)),
            str(leg.get("state", "")).lower(),
            str(leg.get("order_id", "")),
            int(leg.get("quantity", 0)),
            int(leg.get("filled", 0)),
            Decimal(price),
            listed,
            filled,
        )


def of_session(events: Iterable[Event], since: datetime) -> list[Event]:
    """Return the events from a moment on, and the earlier ones of orders that were not over then, in their order."""
    rows = list(events)
    last = {_name(row): row for row in rows if row.at < since and row.kind in _ENDS}
    open_then = {name for name, row in last.items() if row.payload.get("state") not in _ENDS[row.kind]}
    return [row for row in rows if row.at >= since or (row.kind in KINDS and _name(row) in open_then)]


def _name(event: Event) -> str:
    """Return the setup that an event is of."""
    said = event.payload
    return str(said.get("setup_id") or (said.get("setup") or said.get("order") or {}).get("setup_id", ""))


def folded(events: Iterable[Event], brokerage: Decimal) -> OrderFold:
    """Return a fold of all these events, in the order in which they were written."""
    fold = OrderFold(brokerage)
    for event in events:
        if event.kind in KINDS:
            fold.take(event)
    return fold


def _plain(facts: Json) -> Order:
    order = facts["order"]
    bought, sold = int(facts.get("bought", 0)), int(facts.get("sold", 0))
    moments = {name: facts.get(name) for name in ("filled_at", "closed_at")}
    stops = [leg.get("trigger") for leg in facts.get("legs", ()) if leg.get("leg") == STOP]
    return Order(
        setup_id=str(order["setup_id"]),
        contract=str(order["contract"]),
        state=str(facts["state"]),
        bought=bought,
        held=max(bought - sold, 0),
        spent=Decimal(facts.get("spent", 0)),
        earned=Decimal(facts.get("earned", 0)),
        limit=Decimal(order["entry_limit"]),
        stop=Decimal(next((stop for stop in stops if stop), order["stop_trigger"])),
        target=Decimal(order["target_limit"]),
        placed_at=datetime.fromisoformat(order["placed_at"]),
        filled_at=datetime.fromisoformat(moments["filled_at"]) if moments["filled_at"] else None,
        closed_at=datetime.fromisoformat(moments["closed_at"]) if moments["closed_at"] else None,
        why=str(facts["why"]),
        cycle_id=str(facts.get("cycle_id", "")),
        order_id=str(facts.get("order_id", "")),
        unpriced=max(min(bought, sold) - int(facts.get("priced", sold)), 0),
    )


def _shows_all(order: Order, fills: Sequence[Executed]) -> bool:
    """Whether executions show everything, or nothing more of them will come: a closed order has its prices."""
    bought = sum(fill.quantity for fill in fills if fill.side == BUY)
    sold = sum(fill.quantity for fill in fills if fill.side != BUY)
    shown = bought == order.bought and max(bought - sold, 0) == order.held
    return shown or (order.state == TradeState.CLOSED.value and not order.unpriced)


def _sums(order: Order, facts: Json) -> OrderSums:
    bought_at = order.filled_at or order.placed_at
    return OrderSums(
        name=order.setup_id,
        contract=order.contract,
        bought=order.bought,
        spent=order.spent,
        priced=int(facts.get("priced", facts.get("sold", 0))),
        earned=order.earned,
        bought_at=bought_at,
        sold_at=order.closed_at or bought_at,
    )


def _leg_key(leg: Mapping[str, Any]) -> str:  # Any: JSON
    return str(leg.get("leg") or leg.get("correlation_id", ""))


def _first(steps: Iterable[Step], state: str) -> datetime | None:
    return next((step.at for step in steps if step.state == state), None)


def _executed(row: Json, contract: str) -> Executed:
    return Executed(
        order_id=str(row["order_id"]),
        trade_id=str(row["trade_id"]),
        contract=contract,
        side=str(row["side"]),
        quantity=int(row["quantity"]),
        price=Decimal(row["price"]),
        at=datetime.fromisoformat(row["at"]),
    )


_TAKEN = {
    "order": OrderFold.paper,
    "order_event": OrderFold.guarded,
    "trade_request": OrderFold.request,
    "trade_answer": OrderFold.answer,
}
KINDS = tuple(_TAKEN)
_ENDS = {
    "order": frozenset(state.value for state in OrderState) - {state.value for state in OPEN_STATES},
    "order_event": frozenset(state.value for state in OVER),
}
