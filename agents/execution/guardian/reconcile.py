"""Our book against the broker's: pure.

The rules: what is not explained blocks entries until it is, whoever caused it; it never makes us trade. A position
below zero is critical at once. What a person bought of the same contract is his: in the order of the trade book a
stranger's sale takes first what strangers bought, and only the rest of it from our setups. Where less is left for our
setups than they hold, somebody else sold it, which counts as sold only when nothing of ours can still sell and it has
stayed so for the grace.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from agents.domain.lifecycle import ALIVE, HOLDING
from agents.execution.gateway import DONE_STATES, FillRow, TradeSide
from agents.execution.guardian.attribute import shares
from agents.execution.guardian.case import Case
from agents.execution.guardian.view import View, own_ids


@dataclass(frozen=True)
class Finding:
    """One thing that does not match. `key` names it, so that it is told once and can be timed."""

    key: str
    text: str
    critical: bool = False


def findings(cases: Sequence[Case], view: View) -> tuple[Finding, ...]:
    """Return what the broker shows and our book does not explain."""
    return (*_positions(cases, view), *_strangers(cases, view), *oversold(cases), *_sold_twice(cases, view))


def shortfall(case: Case, cases: Iterable[Case], view: View) -> int:
    """Return how many units this case seems to hold that the account does not have, 0 where it has them all."""
    if view.positions is None or case.remaining <= 0:
        return 0
    known = tuple(one for one in cases if one.contract == case.contract)
    held = sum(max(one.remaining, 0) for one in known)
    return min(case.remaining, max(0, held - max(left_for(known, case.contract, view), 0)))


@dataclass(frozen=True)
class Strangers:
    """Units of a contract that others hold in the account, and that others have sold of what our setups held."""

    held: int = 0
    taken: int = 0


def strangers(cases: Iterable[Case], contract: str, fills: Iterable[FillRow]) -> Strangers:
    """Return what others did with a contract: the executions that belong to no setup, in the order of their times."""
    ours = {trade for case in cases for trade in case.trade_ids}
    rows = [row for row in fills if row.contract == contract and row.trade_id not in ours]
    bought = sum(row.quantity for row in rows if row.side is TradeSide.BUY)
    sales = shares(rows, contract)
    return Strangers(bought - sum(his for _, his in sales), sum(row.quantity - his for row, his in sales))


def price_taken(case: Case, cases: Iterable[Case], fills: Iterable[FillRow]) -> Decimal | None:
    """Return the mean price at which others sold what our setups held since a case bought; None where they did not."""
    ours = {trade for one in cases for trade in one.trade_ids}
    since = min((fill.at for fill in case.fills), default=case.opened_at)
    taken = shares((row for row in fills if row.trade_id not in ours), case.contract)
    sales = [(row, his) for row, his in taken if row.at >= since]
    units = sum(row.quantity - his for row, his in sales)
    value = sum((row.price * (row.quantity - his) for row, his in sales), Decimal(0))
    return (value / units).quantize(Decimal("0.0001")) if units else None


def left_for(cases: Iterable[Case], contract: str, view: View) -> int:
    """Return what the account has of a contract for our setups: not what a person bought, nor what he covered."""
    known = tuple(case for case in cases if case.contract == contract)
    twice = sum(max(-case.remaining, 0) for case in known)
    return view.net(contract) - strangers(known, contract, view.fills or ()).held + twice


def _positions(cases: Sequence[Case], view: View) -> Iterable[Finding]:
    held: dict[str, int] = {}
    for case in cases:
        if case.state in HOLDING or case.remaining:
            held[case.contract] = held.get(case.contract, 0) + case.remaining
    contracts = sorted({row.contract for row in view.positions or ()} | set(held))
    for contract in contracts:
        net, ours = view.net(contract), held.get(contract, 0)
        if net < 0:
            yield Finding(f"short:{contract}", f"the account is short {-net} of {contract}", critical=True)
        elif net != ours:
            yield Finding(f"position:{contract}", f"the account holds {net} of {contract}, our setups {ours}")


def _strangers(cases: Sequence[Case], view: View) -> Iterable[Finding]:
    known = own_ids(cases)
    names = {case.correlation_id for case in cases} | {one.correlation_id for case in cases for one in case.exits}
    for row in view.supers:
        if row.order_id not in known and row.correlation_id not in names and row.state not in DONE_STATES:
            yield Finding(f"order:{row.order_id}", f"super order {row.order_id} on {row.contract} is not ours")
    legs = known | {row.order_id for row in view.supers}
    for order in view.orders:
        mine = order.order_id in known or order.correlation_id in names or order.parent_id in legs
        if mine or order.order_id in legs or order.state in DONE_STATES:
            continue
        if order.side is TradeSide.SELL and any(c.contract == order.contract and c.state in ALIVE for c in cases):
            continue  # a leg whose parent the broker does not tell
        yield Finding(f"order:{order.order_id}", f"order {order.order_id} on {order.contract} is not ours")


def oversold(cases: Iterable[Case]) -> Iterable[Finding]:
    """Yield the setups that have sold more than they bought, which their own orders tell: both exits have filled."""
    return (_oversold(case, case.sold, case.bought) for case in cases if case.remaining < 0)


def _sold_twice(cases: Iterable[Case], view: View) -> Iterable[Finding]:
    """Yield the setups of which the trade book alone tells the same: the list of orders may be an old one."""
    for case in cases:
        ids = own_ids((case,))
        rows = {row.trade_id: row for row in view.fills or () if row.order_id in ids}.values()
        sold = sum(row.quantity for row in rows if row.side is TradeSide.SELL)
        bought = max(case.bought, sum(row.quantity for row in rows if row.side is TradeSide.BUY))
        if sold > bought and case.remaining >= 0:
            yield _oversold(case, sold, bought)


def _oversold(case: Case, sold: int, bought: int) -> Finding:
    return Finding(f"oversold:{case.setup_id}", f"setup {case.setup_id} sold {sold} of {bought} bought", critical=True)
