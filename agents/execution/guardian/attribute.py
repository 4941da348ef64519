"""Which execution belongs to which setup: pure, and sticky.

The rules: an execution belongs to exactly one setup or to none, and never moves to another. It is matched by the ids
of the super order, its legs and its exits first. A sale that no id claims goes to a setup that sold more of the
contract than its own executions show, the nearest in price to what its legs got, then the oldest: brokers give a leg an
id that they do not always tell.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from agents.execution.gateway import FillRow, OrderRow, TradeSide
from agents.execution.guardian.case import Case
from agents.execution.guardian.view import own_ids


def attributed(
    cases: Iterable[Case], fills: Sequence[FillRow], orders: Sequence[OrderRow] = ()
) -> Mapping[str, dict[str, Any]]:
    """Return, by setup, the fields that the trade book changes; `orders` may name a leg's parent. Any: of a Case."""
    ordered = sorted(cases, key=lambda case: case.opened_at)
    owned = {case.setup_id: set(case.trade_ids) for case in ordered}
    taken = {trade for trades in owned.values() for trade in trades}
    owners = {order_id: case.setup_id for case in reversed(ordered) for order_id in own_ids((case,))}
    parents = {row.order_id: row.parent_id for row in orders if row.parent_id is not None}
    loose: list[FillRow] = []
    for fill in fills:
        if fill.trade_id in taken:
            continue
        owner = owners.get(fill.order_id) or owners.get(parents.get(fill.order_id, ""))
        if owner is None:
            loose.append(fill)
        else:
            owned[owner].add(fill.trade_id)
    for case in ordered:
        _claim(case, loose, owned[case.setup_id], fills)
    return {case.setup_id: found for case in ordered if (found := _totals(case, owned[case.setup_id], fills))}


def _claim(case: Case, loose: list[FillRow], owned: set[str], fills: Sequence[FillRow]) -> None:
    shown = sum(fill.quantity for fill in fills if fill.trade_id in owned and fill.side is TradeSide.SELL)
    for fill in sorted(loose, key=lambda fill: _distance(case, fill)):
        if fill.side is not TradeSide.SELL or fill.contract != case.contract:
            continue
        if shown + fill.quantity > case.sold:
            continue
        owned.add(fill.trade_id)
        shown += fill.quantity
        loose.remove(fill)


def _distance(case: Case, fill: FillRow) -> Decimal:
    """Return how far an execution's price is from what a leg of the case got on average, 0 where no leg says so."""
    averages = [leg.average for leg in case.legs if leg.filled and leg.average is not None]
    return min((abs(fill.price - average) for average in averages), default=Decimal(0))


def _totals(case: Case, owned: set[str], fills: Sequence[FillRow]) -> dict[str, Any]:  # Any: fields of a Case
    mine = [fill for fill in fills if fill.trade_id in owned]
    bought = [fill for fill in mine if fill.side is TradeSide.BUY]
    sold = [fill for fill in mine if fill.side is TradeSide.SELL]
    found: dict[str, Any] = {}
    units = sum(fill.quantity for fill in bought)
    if units and units >= case.bought:
        found["bought"] = units
        found["spent"] = _value(bought)
    priced = sum(fill.quantity for fill in sold)
    if priced >= case.priced:
        found["priced"], found["earned"] = priced, _value(sold)
    if owned != set(case.trade_ids):
        found["trade_ids"] = tuple(sorted(owned))
    return {name: value for name, value in found.items() if getattr(case, name) != value}


def _value(fills: Iterable[FillRow]) -> Decimal:
    return sum((fill.price * fill.quantity for fill in fills), Decimal(0))
