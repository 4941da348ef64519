"""The three minutes of the desk, told once: from the price at a zone to an order, or to the reason why not.

Dagster's job, a replay and a test call the same `run_cycle`; only the `Desk` differs.
"""

import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from agents.domain.candles import Candles
from agents.domain.cycle import Approval, CycleRecord, Decision, DeskState, Reason
from agents.domain.errors import (
    MissingDataError,
    OrderRejectedError,
    OrderUnknownError,
    RecordedReplyMissingError,
)
from agents.domain.evidence import SetupVerdict, SetupWord
from agents.domain.market import OptionChain, Quote, Session
from agents.domain.orders import OrderState, TradeSetup
from agents.domain.values import IST, content_id
from agents.domain.zones import Outcome, Zone, ZoneAnalysis
from agents.execution.approach import distance, near_edges, nearest, views, worthy
from agents.execution.evidence import Surroundings, setup_evidence
from agents.execution.orders import flat_at, super_order
from agents.execution.plan import Ground, Money, Proposal, propose
from agents.execution.request import OrderRefusedError
from agents.execution.risk import Account, Limits, size, vetoes
from agents.options import ContractRules, market_of, summarise
from agents.ports import Analyses, Broker, Calendar, Judge, Ledger, MarketData
from agents.settings import Settings
from agents.technical import LiveAnalysis, ProfileCandles, profile_candles, refresh

ZONES_GOOD_FOR = timedelta(minutes=15)
PRICE_GOOD_FOR = timedelta(minutes=2)
CHAIN_GOOD_FOR = timedelta(minutes=2)

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Desk:
    """Everything a cycle may touch: the ports, the calendar, and what is allowed."""

    settings: Settings
    calendar: Calendar
    market: MarketData
    analyses: Analyses
    judge: Judge
    broker: Broker
    ledger: Ledger
    rules: ContractRules = field(default_factory=ContractRules)

    @property
    def limits(self) -> Limits:
        """The risk limits of these settings."""
        return Limits(
            risk_per_trade=self.settings.risk_per_trade,
            premium_share=self.settings.premium_share,
            daily_loss_share=self.settings.daily_loss_share,
            max_trades=self.settings.max_trades,
        )


class _SkipError(Exception):
    """The cycle ends here, for a named reason; never leaves this module."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


def run_cycle(desk: Desk, now: datetime, instrument: str) -> CycleRecord:
    """Decide whether to trade `instrument` at `now`, do it, and record everything that was seen and thought.

    Parameters
    ----------
    desk : Desk
        The ports.
    now : datetime
        Aware, the moment of the decision; nothing later is looked at.
    instrument : str
        An index.

    Returns
    -------
    CycleRecord
        TRADE with the order, SKIP with its reason, or FAULT: an unexpected error is recorded and logged and never
        trades.

    Raises
    ------
    RecordedReplyMissingError
        If the judge is a recording that has no reply for this setup; a replay must not go on without it.
    """
    facts: dict[str, Any] = {}  # Any: the fields of a CycleRecord as they become known
    decision = Decision.SKIP
    try:
        _decide(desk, now, instrument, facts)
        decision, reason, detail = Decision.TRADE, Reason.ORDER_PLACED, ""
    except _SkipError as skip:
        reason, detail = skip.reason, skip.detail
    except RecordedReplyMissingError:
        raise
    except Exception as error:  # noqa: BLE001 - the last line of defence: whatever broke, do not trade, and say so
        _log.exception("the cycle of %s at %s failed", instrument, now.isoformat())
        decision, reason, detail = Decision.FAULT, Reason.FAULT, f"{type(error).__name__}: {error}"
    record = CycleRecord(
        cycle_id=_cycle_id(instrument, now),
        instrument=instrument,
        at=now,
        decision=decision,
        reason=reason,
        detail=detail,
        **facts,
    )
    desk.ledger.record_cycle(record)
    return record


def _cycle_id(instrument: str, now: datetime) -> str:
    return content_id("cycle", {"instrument": instrument, "at": int(now.timestamp())})


def _decide(desk: Desk, now: datetime, instrument: str, facts: dict[str, Any]) -> None:  # Any: as in run_cycle
    """Walk through the stages; return when an order was placed, raise `_SkipError` otherwise."""
    session = _gate(desk, now)
    quote = _price(desk, now, instrument)
    facts.update(price=quote.ltp, price_at=quote.at)
    analysis = _analysis(desk, now, instrument)
    live = _live(desk, analysis, session, now)
    facts.update(analysis_bar_at=analysis.bar_at, zones=views(live.zones, quote.ltp))
    facts.update(developing_poc=live.poc, developing_val=live.val, developing_vah=live.vah)
    atr, zone = _zone(desk, analysis, live, quote.ltp)
    facts.update(zone_id=zone.id)
    chain = _chain(desk, now, instrument)
    summary = summarise(chain, now, desk.settings.risk_free_rate)
    facts.update(chain=summary)
    proposal = _proposal(desk, _ground(desk, analysis, live, zone, quote.ltp), chain, now)
    facts.update(setup=proposal.setup, candidates=proposal.candidates)
    setup = _paying(proposal, desk.settings.min_risk_reward)
    around = Surroundings(atr, analysis.trend, live.val, live.vah, summary, flat_at(session))
    verdict = desk.judge.judge_setup(setup_evidence(setup, zone, around, now))
    facts.update(verdict=verdict)
    _heed(verdict, setup.setup_id, desk.settings.probability_threshold)
    _order(desk, proposal, session, now, facts, verdict=verdict)


def _gate(desk: Desk, now: datetime) -> Session:
    desk.broker.settle(now)
    session = desk.calendar.session(now.astimezone(IST).date())
    if session is None or not session.is_open(now):
        raise _SkipError(Reason.SESSION_CLOSED)
    state = desk.ledger.desk_state()
    if state is not DeskState.ACTIVE:
        raise _SkipError(Reason.DESK_REDUCING if state is DeskState.REDUCING else Reason.DESK_HALTED)
    waiting = [order for order in desk.broker.orders(session.on) if order.state is OrderState.PLANNED]
    if waiting:
        raise _SkipError(Reason.INTENT_UNRESOLVED, waiting[0].correlation_id)
    return session


def _price(desk: Desk, now: datetime, instrument: str) -> Quote:
    try:
        quote = desk.market.quote(instrument, now)
    except MissingDataError as missing:
        raise _SkipError(Reason.PRICE_MISSING, str(missing)) from missing
    if now - quote.at > PRICE_GOOD_FOR:
        raise _SkipError(Reason.PRICE_STALE, f"last price {(now - quote.at).total_seconds():.0f} s ago")
    return quote


def _analysis(desk: Desk, now: datetime, instrument: str) -> ZoneAnalysis:
    try:
        analysis = desk.analyses.latest(instrument, now)
    except MissingDataError as missing:
        raise _SkipError(Reason.ZONES_MISSING, str(missing)) from missing
    if analysis is None:
        raise _SkipError(Reason.ZONES_MISSING)
    age = (now - analysis.bar_at).total_seconds()
    if age >= ZONES_GOOD_FOR.total_seconds():
        raise _SkipError(Reason.ZONES_STALE, f"the last analysis is {age / 60:.0f} minutes old")
    return analysis


def _live(desk: Desk, analysis: ZoneAnalysis, session: Session, now: datetime) -> LiveAnalysis:
    """Return the zones and the session's profile after the last closed minute."""
    minutes = desk.market.minutes(analysis.instrument, session.open_at, now)
    return refresh(analysis, minutes, _session_profile(desk, minutes, session, now), desk.settings)


def _session_profile(desk: Desk, minutes: Candles, session: Session, now: datetime) -> ProfileCandles | None:
    if not len(minutes):
        return None
    future: Candles | None = None
    name = desk.settings.futures.get(minutes.instrument)
    if name is not None:
        try:
            future = desk.market.minutes(name, session.open_at, now)
        except MissingDataError:
            _log.debug("no candles of %s: the profile of %s counts time", name, minutes.instrument)
    return profile_candles(minutes, future if future is not None and len(future) else None)


def _zone(desk: Desk, analysis: ZoneAnalysis, live: LiveAnalysis, price: Decimal) -> tuple[Decimal, Zone]:
    """Return the average true range and the zone that price has come to."""
    if not live.live_zones:
        raise _SkipError(Reason.NO_LIVE_ZONE)
    if analysis.atr is None or analysis.atr <= 0:
        raise _SkipError(Reason.ZONES_MISSING, "the analysis has no average true range yet")
    able = worthy(live.zones, price, desk.settings.zone_confidence)
    if not able:
        raise _SkipError(Reason.NO_CONFIRMED_ZONE)
    zone = nearest(able, price)
    band = Decimal(str(desk.settings.zone_band_atr)) * analysis.atr
    if zone is None:
        raise _SkipError(Reason.PRICE_AWAY, "price has passed every confirmed zone")
    if distance(zone, price) > band:
        raise _SkipError(Reason.PRICE_AWAY, f"{distance(zone, price):.2f} from the nearest, the band is {band:.2f}")
    return analysis.atr, zone


def _chain(desk: Desk, now: datetime, instrument: str) -> OptionChain:
    try:
        chain = desk.market.chain(instrument, now, min_minutes=desk.rules.minutes_to_expiry)
    except MissingDataError as missing:
        raise _SkipError(Reason.CHAIN_MISSING, str(missing)) from missing
    if now - chain.at > CHAIN_GOOD_FOR:
        raise _SkipError(Reason.CHAIN_STALE, f"the chain is {(now - chain.at).total_seconds():.0f} s old")
    return chain


def _ground(desk: Desk, analysis: ZoneAnalysis, live: LiveAnalysis, zone: Zone, price: Decimal) -> Ground:
    assert analysis.atr is not None  # `_zone` has seen to it
    strong, weak = near_edges(live.zones, zone.side, price, desk.settings.zone_confidence)
    levels = (analysis.poc, analysis.val, analysis.vah, live.poc, live.val, live.vah)
    marks = (*weak, *(level for level in levels if level is not None))
    return Ground(zone, price, analysis.atr, analysis.bar_at, marks, strong)


def _proposal(desk: Desk, ground: Ground, chain: OptionChain, now: datetime) -> Proposal:
    settings = desk.settings
    budget = desk.ledger.equity() * Decimal(str(settings.risk_per_trade))
    money = Money(budget, settings.brokerage_rupees, settings.min_risk_reward)
    market = market_of(chain, now, settings.risk_free_rate)
    return propose(ground, chain, market, money, now=now, rules=desk.rules)


def _paying(proposal: Proposal, least: float) -> TradeSetup:
    if proposal.setup is None:
        raise _SkipError(Reason.NO_CONTRACT)
    if not proposal.pays:
        raise _SkipError(Reason.REWARD_TOO_SMALL, f"reward to risk {proposal.setup.risk_reward:.2f}, least {least:.2f}")
    return proposal.setup


def _heed(verdict: SetupVerdict, setup_id: str, threshold: float) -> None:
    if verdict.outcome != Outcome.OK.value or verdict.setup_id != setup_id:
        raise _SkipError(Reason.JUDGE_FAILED, f"{verdict.judge}: {verdict.outcome}")
    if verdict.verdict is not SetupWord.TAKE:
        raise _SkipError(Reason.VERDICT_SKIP, f"{verdict.judge} says {verdict.verdict.value}")
    if verdict.probability < threshold:
        raise _SkipError(Reason.PROBABILITY_LOW, f"{verdict.probability:.2f} is below {threshold:.2f}")


def _order(
    desk: Desk, proposal: Proposal, session: Session, now: datetime, facts: dict[str, Any], *, verdict: SetupVerdict
) -> None:  # Any: as above
    """Size the setup, ask the risk rules, and send the order once."""
    setup, contract = proposal.setup, proposal.contract
    assert setup is not None and contract is not None  # noqa: PT018 - `_paying` has seen to both
    earlier = desk.broker.orders(session.on)
    account = Account(desk.ledger.equity(), earlier, desk.broker.trades(session.on))
    lots = size(setup, account, desk.limits)
    found = vetoes(setup, lots, account, desk.limits, now=now, session=session)
    facts.update(vetoes=found)
    if found:
        raise _SkipError(Reason.VETOED, ", ".join(veto.rule for veto in found))
    if lots < 1:
        raise _SkipError(Reason.SIZE_ZERO)
    order = super_order(setup, contract, lots, now=now, session=session, earlier=earlier)
    cycle_id = _cycle_id(setup.instrument, now)
    approval = Approval(setup=setup, verdict=verdict, cycle_id=cycle_id, equity=account.equity)
    try:
        facts.update(order=desk.broker.place(order, approval))
    except OrderRefusedError as refused:
        facts.update(vetoes=refused.vetoes)
        raise _SkipError(Reason.VETOED, str(refused)) from refused
    except OrderRejectedError as refused:
        raise _SkipError(Reason.ORDER_REJECTED, str(refused)) from refused
    except OrderUnknownError as lost:
        facts.update(order=order)
        raise _SkipError(Reason.ORDER_UNKNOWN, str(lost)) from lost
