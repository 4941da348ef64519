"""Checks of the recorded option chains; warnings all, because the trade cycle looks at its chain for itself."""

from datetime import datetime, timedelta

from agents.domain.market import OptionChain, Session
from agents.domain.values import IST
from pipelines.checks import session_check
from pipelines.resources import Workbench
from pipelines.task import Task
from pipelines.timing import chain_slot

LEAST_TWO_SIDED = 0.8
STALE_AFTER = timedelta(minutes=6)
_LATE = timedelta(minutes=2)


@session_check(
    "option_chain",
    description="Near the money, at least four of five options of the newest chain have a bid and an ask.",
    good="enough options have a bid and an ask",
    bad="chains lack bids or asks; nothing is bought without them",
)
def chain_is_two_sided(bench: Workbench, task: Task) -> list[str]:
    """Return the chains of which too many options near the money lack a side."""
    from agents.options.quality import two_sided_share  # noqa: PLC0415  (NumPy loads when a run starts)

    faults = []
    for chain in _newest(bench, task):
        share = two_sided_share(chain)
        if share is not None and share < LEAST_TWO_SIDED:
            faults.append(f"{chain.underlying} {_stamp(chain.at)}: {share:.0%} have both")
    return faults


@session_check(
    "option_chain",
    description="The index stands between the lowest and the highest strike of the newest chain.",
    good="the index is inside the strikes",
    bad="chains do not reach around the index; is it the right underlying?",
)
def spot_lies_within_the_strikes(bench: Workbench, task: Task) -> list[str]:
    """Return the chains whose strikes are all on one side of the index."""
    faults = []
    for chain in _newest(bench, task):
        strikes = [quote.contract.strike for quote in chain.quotes]
        if not min(strikes) <= chain.spot <= max(strikes):
            faults.append(f"{chain.underlying} at {chain.spot}: strikes from {min(strikes)} to {max(strikes)}")
    return faults


@session_check(
    "option_chain",
    description="In an open session the newest chain is the one that was due last, and it has changed within six "
    "minutes. A past session is as it was recorded.",
    good="the chain is fresh",
    bad="chains are late or stand still; does the broker answer?",
)
def chain_is_fresh(bench: Workbench, task: Task) -> list[str]:
    """Return the chains that did not come, and those in which nothing moves; none where the session is over."""
    from pipelines.queries import recorded_chains  # noqa: PLC0415  (DuckDB loads when a run starts)

    session = task.sessions[-1]
    if bench.settings.mode == "replay" or not session.is_open(task.until):
        return []
    faults = []
    for name in task.instruments:
        snapshots = recorded_chains(bench.store, name, session.on)
        newest = snapshots[-1].quoted_at if snapshots else None
        if _is_late(newest, task.until, session):
            faults.append(f"{name}: newest chain {_stamp(newest)}")
        if newest is None:
            continue
        same = [each for each in snapshots if each.expiry_on == snapshots[-1].expiry_on]
        moved = [each.quoted_at for each in same if each.content != snapshots[-1].content]
        since = next(each.quoted_at for each in same if not moved or each.quoted_at > moved[-1])
        if newest - since > STALE_AFTER:
            faults.append(f"{name}: nothing has changed since {_stamp(since)}")
    return faults


CHAIN_CHECKS = (chain_is_two_sided, spot_lies_within_the_strikes, chain_is_fresh)


def _newest(bench: Workbench, task: Task) -> list[OptionChain]:
    """Return the last recorded chain of each session and instrument; none where none was recorded."""
    from agents.data.market import StoreMarket  # noqa: PLC0415  (DuckDB loads when a run starts)
    from agents.domain.errors import MissingDataError  # noqa: PLC0415  (as above)
    from pipelines.queries import recorded_chains  # noqa: PLC0415  (as above)

    found, market = [], StoreMarket(bench.store)
    for session in task.sessions:
        for name in task.instruments:
            snapshots = recorded_chains(bench.store, name, session.on)
            if not snapshots:
                continue
            try:
                found.append(market.chain(name, snapshots[-1].quoted_at, min_minutes=0))
            except MissingDataError:  # no option of it has ever traded, or the index has no price: nothing to check
                continue
    return found


def _is_late(newest: datetime | None, until: datetime, session: Session) -> bool:
    """Whether the chain that was due two minutes ago is not there."""
    due = chain_slot(until - _LATE, session)
    return not isinstance(due, str) and (newest is None or newest < due.at)


def _stamp(moment: datetime | None) -> str:
    return "none" if moment is None else f"{moment.astimezone(IST):%Y-%m-%d %H:%M}"
