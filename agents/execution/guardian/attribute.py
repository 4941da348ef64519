"""Which execution belongs to which setup: pure, and sticky.

The rules: an execution belongs to exactly one setup or to none, and never moves to another. It is matched by the ids
of the super order, its legs and its exits first. A sale that no id claims goes to a setup whose orders sold more of the
contract than its own executions show, and must come to what its legs say they got: brokers give a leg an id that they
do not always tell. What others sold for a setup is a sale that they had not bought themselves.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from itertools import combinations
from typing import Any

from agents.execution.gateway import FillRow, OrderRow, TradeSide
from agents.execution.guardian.case import Case
from agents.execution.guardian.view import own_ids

ROUNDING = Decimal("0.01")
"""How far a leg's average may be from what it got, in rupees: brokers round it to the paisa."""
MOST_SALES = 12
"""Above so many sales without an owner they are no longer tried together."""


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
        mine = [fill for fill in fills if fill.trade_id in owned[case.setup_id] and fill.side is TradeSide.SELL]
        _claim(_by_legs(case, loose, mine), loose, owned[case.setup_id])
    for case in ordered:
        mine = [fill for fill in fills if fill.trade_id in owned[case.setup_id] and fill.side is TradeSide.SELL]
        whole = [fill for fill, his in shares(loose, case.contract) if not his]
        lacking = min(case.sold - _units(mine), case.sold_elsewhere)
        _claim(_fitting(whole, lacking), loose, owned[case.setup_id])
    return {case.setup_id: found for case in ordered if (found := _totals(case, owned[case.setup_id], fills))}


def shares(fills: Iterable[FillRow], contract: str) -> list[tuple[FillRow, int]]:
    """Return the sales of a contract among executions of nobody we know, with the units that their seller had bought.

    In the order of their times a sale takes first what these executions bought, and only the rest from our setups.
    """
    held, found = 0, []
    for fill in sorted((fill for fill in fills if fill.contract == contract), key=lambda fill: fill.at):
        if fill.side is TradeSide.BUY:
            held += fill.quantity
            continue
        his = min(held, fill.quantity)
        held -= his
        found.append((fill, his))
    return found


def _claim(found: Iterable[FillRow], loose: list[FillRow], owned: set[str]) -> None:
    for fill in found:
        owned.add(fill.trade_id)
        loose.remove(fill)


def _by_legs(case: Case, loose: Sequence[FillRow], mine: Sequence[FillRow]) -> Sequence[FillRow]:
    """Return the sales without an owner that a case's orders made and whose ids nobody told.

    Where the legs say what they got, the sales must come to just that; the trade book may lag behind the legs. Of
    several choices that do, the one of the fewest orders is taken, then the nearest: a leg is one order.
    """
    exits = {one.order_id for one in case.exits}  # these have the ids that the broker told us
    mine = [fill for fill in mine if fill.order_id not in exits]
    legs = [leg for leg in case.legs if leg.filled]
    lacking = sum(leg.filled for leg in legs) - _units(mine)
    if lacking <= 0:
        return ()
    sales = [fill for fill in loose if fill.side is TradeSide.SELL and fill.contract == case.contract]
    if any(leg.average is None for leg in legs) or case.sold_elsewhere or len(sales) > MOST_SALES:
        return _fitting(sales, lacking)
    got = sum((leg.filled * (leg.average or Decimal(0)) for leg in legs), Decimal(0)) - _value(mine)
    slack = ROUNDING * sum(leg.filled for leg in legs)
    choices = (some for count in range(1, len(sales) + 1) for some in combinations(sales, count))
    fitting = (some for some in choices if _units(some) == lacking and abs(_value(some) - got) <= slack)
    return min(fitting, key=lambda some: (len({fill.order_id for fill in some}), abs(_value(some) - got)), default=())


def _fitting(sales: Sequence[FillRow], lacking: int) -> list[FillRow]:
    """Return sales, oldest first, that are no more than what is lacking."""
    found: list[FillRow] = []
    for fill in sales:
        if fill.quantity <= lacking:
            found.append(fill)
            lacking -= fill.quantity
    return found


def _units(fills: Iterable[FillRow]) -> int:
    return sum(fill.quantity for fill in fills)


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
    rows = {fill.trade_id: fill for fill in (*case.fills, *mine)}  # a book that lags takes nothing back
    found["fills"] = tuple(sorted(rows.values(), key=lambda fill: (fill.at, fill.trade_id)))
    return {name: value for name, value in found.items() if getattr(case, name) != value}


def _value(fills: Iterable[FillRow]) -> Decimal:
    return sum((fill.price * fill.quantity for fill in fills), Decimal(0))
