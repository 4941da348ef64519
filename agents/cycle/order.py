"""From the zone to the order: the setup, the judge's word, the risk rules, and one request."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from agents.cycle.desk import Desk, SkipError, cycle_name, good_for
from agents.domain.cycle import Approval, DeskState, Reason
from agents.domain.errors import OrderRejectedError, OrderUnknownError
from agents.domain.evidence import SetupEvidence, SetupVerdict, SetupWord
from agents.domain.market import OptionChain, Quote, Session
from agents.domain.orders import SuperOrder, TradeSetup
from agents.domain.values import IST
from agents.domain.zones import Outcome, Zone, ZoneAnalysis
from agents.execution.approach import near_edges
from agents.execution.evidence import same_trade
from agents.execution.orders import super_order
from agents.execution.plan import Ground, Money, Proposal, propose
from agents.execution.request import OrderRefusedError
from agents.execution.risk import EXPECTANCY, UNSOUND, Account, Limits, deciding, vetoes_of, weigh
from agents.options import market_of
from agents.settings import Settings
from agents.technical import LiveAnalysis


class Seen(NamedTuple):
    """What the last stage rests on."""

    session: Session
    price: Quote
    chain: OptionChain
    zones_at: datetime
    evidence: SetupEvidence
    verdict: SetupVerdict


def ground_of(desk: Desk, analysis: ZoneAnalysis, live: LiveAnalysis, zone: Zone, price: Decimal) -> Ground:
    """Return the zone with the levels around it."""
    assert analysis.atr is not None  # `zone_at` has seen to it
    strong, weak = near_edges(live.zones, zone.side, price, desk.settings.zone_confidence)
    levels = (analysis.poc, analysis.val, analysis.vah, live.poc, live.val, live.vah)
    marks = (*weak, *(level for level in levels if level is not None))
    return Ground(zone, price, analysis.atr, analysis.bar_at, marks, strong)


def proposal_of(desk: Desk, ground: Ground, chain: OptionChain, now: datetime) -> Proposal:
    """Return the setup for the zone with every contract that was looked at."""
    settings = desk.settings
    budget = desk.ledger.equity() * Decimal(str(settings.risk_per_trade))
    money = Money(budget, settings.brokerage_rupees, settings.min_risk_reward)
    market = market_of(chain, now, settings.risk_free_rate)
    return propose(ground, chain, market, money, now=now, rules=desk.rules)


def paying(proposal: Proposal, least: float) -> TradeSetup:
    """Return the setup if there is one and it pays for its risk."""
    if proposal.setup is None:
        raise SkipError(Reason.NO_CONTRACT)
    if not proposal.pays:
        raise SkipError(Reason.REWARD_TOO_SMALL, f"reward to risk {proposal.setup.risk_reward:.2f}, least {least:.2f}")
    return proposal.setup


def heed(verdict: SetupVerdict, setup_id: str, threshold: float) -> None:
    """End the cycle unless the judge takes this setup with enough confidence."""
    if verdict.outcome != Outcome.OK.value or verdict.setup_id != setup_id:
        raise SkipError(Reason.JUDGE_FAILED, f"{verdict.judge}: {verdict.outcome}")
    if verdict.verdict is not SetupWord.TAKE:
        raise SkipError(Reason.VERDICT_SKIP, f"{verdict.judge} says {verdict.verdict.value}")
    if verdict.probability < threshold:
        raise SkipError(Reason.PROBABILITY_LOW, f"{verdict.probability:.2f} is below {threshold:.2f}")


def send(desk: Desk, proposal: Proposal, seen: Seen, now: datetime, facts: dict[str, Any]) -> None:  # Any: a record's
    """Size the setup, ask the risk rules, and send the order once."""
    setup, contract = proposal.setup, proposal.contract
    assert setup is not None and contract is not None  # noqa: PT018 - `paying` has seen to both
    earlier = desk.broker.orders(seen.session.on)
    account = _account(desk, earlier, seen.session.on)
    lots = _permitted(desk, setup, account, seen, now, facts=facts)
    order = super_order(setup, contract, lots, now=now, session=seen.session, earlier=earlier)
    same_trade(seen.evidence, order)
    name = cycle_name(setup.instrument, now)
    approval = Approval(setup=setup, verdict=seen.verdict, cycle_id=name, equity=account.equity, zones_at=seen.zones_at)
    try:
        facts.update(order=desk.broker.place(order, approval))
    except OrderRefusedError as refused:
        facts.update(vetoes=refused.vetoes)
        raise SkipError(Reason.VETOED, str(refused)) from refused
    except OrderRejectedError as refused:
        raise SkipError(Reason.ORDER_REJECTED, str(refused)) from refused
    except OrderUnknownError as lost:
        facts.update(order=order)
        raise SkipError(Reason.ORDER_UNKNOWN, str(lost)) from lost


def _at_pace(limits: Limits, pace: int) -> Limits:
    """Return the limits with ages that a run can keep in a market of that pace; those of the zones stay."""
    usual = limits.deciding
    longer = {
        name: good_for(timedelta(seconds=getattr(usual, name)), pace).total_seconds()
        for name in ("index", "quote", "chain")
    }
    return replace(limits, deciding=replace(usual, **longer)) if pace > 1 else limits


def _account(desk: Desk, orders: Sequence[SuperOrder], on: date) -> Account:
    since = desk.limits.looked_back_from(on)
    trades = desk.broker.trades(on, since=since)
    today = [trade for trade in trades if trade.exit_at.astimezone(IST).date() == on]
    return Account(desk.ledger.equity(), orders, today, [trade for trade in trades if trade not in today])


def _to_prove(settings: Settings) -> int:
    """Return how many outcomes a judge's record must have before it may spend real money."""
    return settings.calibration_outcomes if settings.mode == "live" and not settings.live_unproven else 0


def _permitted(
    desk: Desk, setup: TradeSetup, account: Account, seen: Seen, now: datetime, *, facts: dict[str, Any]
) -> int:  # Any: as above
    """Return the lots that every risk rule allows; a figure that is not a number halts the desk."""
    halted = desk.halted()  # a file is written before the ledger is told
    conditions = deciding(
        setup,
        seen.chain,
        seen.price,
        limits=None if desk.settings.mode == "replay" else _at_pace(desk.limits, desk.pace),
        now=now,
        zones_at=seen.zones_at,
        state=desk.ledger.desk_state(),
        halted=halted,
        days=desk.days,
        market=market_of(seen.chain, now, desk.settings.risk_free_rate),
        track=desk.track(seen.verdict, setup),
        to_prove=_to_prove(desk.settings),
    )
    lots, checks = weigh(setup, account, desk.limits, conditions, now=now, session=seen.session)
    found = vetoes_of(checks)
    facts.update(checks=checks, vetoes=found)
    if [veto.rule for veto in found] == [EXPECTANCY]:
        raise SkipError(Reason.EXPECTANCY_LOW, found[0].text)
    if any(veto.rule == UNSOUND for veto in found):
        desk.ledger.set_desk_state(DeskState.HALTED, found[0].text, by="risk", at=now)
    if found:
        raise SkipError(Reason.VETOED, ", ".join(veto.rule for veto in found))
    if lots < 1:
        raise SkipError(Reason.SIZE_ZERO)
    return lots
