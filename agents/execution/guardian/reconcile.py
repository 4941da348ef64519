"""Our book against the broker's: pure.

The rules: what is not explained blocks entries until it is, whoever caused it; it never makes us trade. A position
below zero is critical at once. A position smaller than our setups hold means that somebody else sold it, and counts as
sold only when nothing of ours can still sell and it has stayed so for the grace.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from agents.domain.lifecycle import ALIVE, HOLDING
from agents.execution.gateway import DONE_STATES, TradeSide
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
    return (*_positions(cases, view), *_strangers(cases, view), *_oversold(cases))


def shortfall(case: Case, cases: Iterable[Case], view: View) -> int:
    """Return how many units this case seems to hold that the account does not have, 0 where it has them all."""
    if view.positions is None or case.remaining <= 0:
        return 0
    held = sum(max(one.remaining, 0) for one in cases if one.contract == case.contract)
    return min(case.remaining, max(0, held - max(view.net(case.contract), 0)))


def sold_by_others(cases: Iterable[Case], contract: str, view: View) -> int:
    """Return how many units of a contract the trade book shows as sold by nobody we know."""
    ours = {trade for case in cases for trade in case.trade_ids}
    rows = (row for row in view.fills or () if row.contract == contract and row.trade_id not in ours)
    return sum(row.quantity for row in rows if row.side is TradeSide.SELL)


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


def _oversold(cases: Iterable[Case]) -> Iterable[Finding]:
    for case in cases:
        if case.remaining < 0:
            text = f"setup {case.setup_id} sold {case.sold} of {case.bought} bought"
            yield Finding(f"oversold:{case.setup_id}", text, critical=True)
