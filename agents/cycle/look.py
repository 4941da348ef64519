"""What a cycle looks at, one stage after the other; each ends the cycle with its reason if it may not go on."""

import logging
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from agents.cycle.desk import Desk, SkipError, good_for
from agents.domain.candles import Candles
from agents.domain.cycle import DeskState, PassedZone, Reason
from agents.domain.errors import MissingDataError
from agents.domain.market import OptionChain, Quote, Session
from agents.domain.orders import OrderState
from agents.domain.values import IST
from agents.domain.zones import Zone, ZoneAnalysis
from agents.execution.approach import ahead, distance, prefer, worthy
from agents.execution.risk import Account
from agents.technical import LiveAnalysis, ProfileCandles, profile_candles, refresh

ZONES_GOOD_FOR = timedelta(minutes=15)
PRICE_GOOD_FOR = timedelta(minutes=2)
CHAIN_GOOD_FOR = timedelta(minutes=2)

_log = logging.getLogger(__name__)


def gate(desk: Desk, now: datetime) -> Session:
    """Return the open session of a desk that may trade and waits for no answer."""
    desk.broker.settle(now)
    session = desk.calendar.session(now.astimezone(IST).date())
    if session is None or not session.is_open(now):
        raise SkipError(Reason.SESSION_CLOSED)
    if halted := desk.halted():
        raise SkipError(Reason.DESK_HALTED, halted)
    state = desk.ledger.desk_state()
    if state is not DeskState.ACTIVE:
        raise SkipError(Reason.DESK_REDUCING if state is DeskState.REDUCING else Reason.DESK_HALTED)
    equity = desk.ledger.equity()
    if not equity.is_finite() or equity <= 0:
        text = f"equity is {equity}, which nothing can be measured against; the desk halts until a person has looked"
        desk.ledger.set_desk_state(DeskState.HALTED, text, by="risk", at=now)
        raise SkipError(Reason.DESK_HALTED, text)
    waiting = [order for order in desk.broker.orders(session.on) if order.state is OrderState.PLANNED]
    if waiting:
        raise SkipError(Reason.INTENT_UNRESOLVED, waiting[0].correlation_id)
    return session


def price_at(desk: Desk, now: datetime, instrument: str) -> Quote:
    """Return the last price of the index."""
    try:
        quote = desk.market.quote(instrument, now)
    except MissingDataError as missing:
        raise SkipError(Reason.PRICE_MISSING, str(missing)) from missing
    if now - quote.at > good_for(PRICE_GOOD_FOR, desk.pace):
        raise SkipError(Reason.PRICE_STALE, f"last price {(now - quote.at).total_seconds():.0f} s ago")
    return quote


def analysis_at(desk: Desk, now: datetime, instrument: str) -> ZoneAnalysis:
    """Return the last analysis of zones, however old."""
    try:
        analysis = desk.analyses.latest(instrument, now)
    except MissingDataError as missing:
        raise SkipError(Reason.ZONES_MISSING, str(missing)) from missing
    if analysis is None:
        raise SkipError(Reason.ZONES_MISSING)
    return analysis


def last_judged(analysis: ZoneAnalysis) -> datetime | None:
    """Return the candle of the newest verdict on a zone, None where no zone has one."""
    said = [zone.verdict.known_at for zone in analysis.zones if zone.verdict is not None]
    return max(said).astimezone(UTC) if said else None


def young(analysis: ZoneAnalysis, now: datetime) -> None:
    """Raise `SkipError` where an analysis is too old to act on."""
    age = (now - analysis.bar_at).total_seconds()
    if age >= ZONES_GOOD_FOR.total_seconds():
        raise SkipError(Reason.ZONES_STALE, f"the last analysis is {age / 60:.0f} minutes old")


def live_at(desk: Desk, analysis: ZoneAnalysis, session: Session, now: datetime) -> LiveAnalysis:
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


class Reached(NamedTuple):
    """The zone that price has come to, the average true range, and the zones that were passed over for it."""

    atr: Decimal
    zone: Zone
    passed_over: tuple[PassedZone, ...]


def entered_on(desk: Desk, session: Session) -> frozenset[str]:
    """Return the ids of the zones that a position was, or may yet be, opened at in this session."""
    account = Account(desk.ledger.equity(), desk.broker.orders(session.on), ())
    return frozenset(order.zone_id for order in account.entries)


def zone_at(desk: Desk, analysis: ZoneAnalysis, live: LiveAnalysis, price: Decimal, entered: frozenset[str]) -> Reached:
    """Return the zone that price has come to; one that is not among `entered` is preferred."""
    if not live.live_zones:
        raise SkipError(Reason.NO_LIVE_ZONE)
    if analysis.atr is None or analysis.atr <= 0:
        raise SkipError(Reason.ZONES_MISSING, "the analysis has no average true range yet")
    able = worthy(live.zones, price, desk.settings.zone_confidence)
    if not able:
        raise SkipError(Reason.NO_CONFIRMED_ZONE)
    standing = ahead(able, price)
    if not standing:
        raise SkipError(Reason.PRICE_AWAY, "price has passed every confirmed zone")
    band = Decimal(str(desk.settings.zone_band_atr)) * analysis.atr
    reached = [zone for zone in standing if distance(zone, price) <= band]
    if not reached:
        away = distance(standing[0], price)
        raise SkipError(Reason.PRICE_AWAY, f"{away:.2f} from the nearest, the band is {band:.2f}")
    return Reached(analysis.atr, *prefer(reached, entered))


def chain_at(desk: Desk, now: datetime, instrument: str) -> OptionChain:
    """Return the option chain to trade from, however old."""
    try:
        return desk.market.chain(instrument, now, min_minutes=desk.rules.minutes_to_expiry)
    except MissingDataError as missing:
        raise SkipError(Reason.CHAIN_MISSING, str(missing)) from missing


def fresh(chain: OptionChain, desk: Desk, now: datetime) -> None:
    """Raise `SkipError` where a chain is too old to trade from."""
    if now - chain.at > good_for(CHAIN_GOOD_FOR, desk.pace):
        raise SkipError(Reason.CHAIN_STALE, f"the chain is {(now - chain.at).total_seconds():.0f} s old")
