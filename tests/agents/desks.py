"""A desk of fakes: every port answers from what the test put in."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal

import numpy as np

from agents.cycle import Desk
from agents.domain.candles import Candles, epoch
from agents.domain.cycle import Approval, CycleRecord, DeskState
from agents.domain.errors import MissingDataError, TradingError
from agents.domain.evidence import SetupEvidence, SetupVerdict, SetupWord, ZoneEvidence
from agents.domain.market import OptionChain, Quote, Segment, Session
from agents.domain.orders import SuperOrder, Trade
from agents.domain.values import IST
from agents.domain.zones import Zone, ZoneAnalysis, ZoneVerdict
from agents.settings import Settings
from tests.agents.execution.setups import ATR, zone_of
from tests.agents.options.chains import NOW, chain_of

BAR_AT = NOW - timedelta(minutes=3)
PRICE = Decimal("22636.00")


def session_of(on: date) -> Session:
    opens = datetime(on.year, on.month, on.day, 9, 15, tzinfo=IST)
    closes = opens.replace(hour=15, minute=30)
    return Session(on=on, segments=(Segment(open_at=opens, close_at=closes),), derivatives_close_at=closes)


class WeekdayCalendar:
    """Open on weekdays."""

    def session(self, on: date) -> Session | None:
        return session_of(on) if on.weekday() < 5 else None

    def sessions(self, first: date, last: date) -> Sequence[Session]:
        days = (first + timedelta(days=i) for i in range((last - first).days + 1))
        return [session for on in days if (session := self.session(on))]


def minute_candles(closes: Sequence[float], until: datetime) -> Candles:
    """Return one candle a minute that ends at `until`; each opens at the close before it."""
    count = len(closes)
    close = np.rint(np.asarray(closes, dtype=float) * 20).astype(np.int64)
    opens = np.concatenate((close[:1], close[:-1]))
    closed_at = epoch(until) - 60 * np.arange(count - 1, -1, -1, dtype=np.int64)
    return Candles(
        instrument="NIFTY",
        tick_size=Decimal("0.05"),
        minutes=1,
        opened_at=closed_at - 60,
        closed_at=closed_at,
        open=opens,
        high=np.maximum(opens, close),
        low=np.minimum(opens, close),
        close=close,
        volume=np.zeros(count, dtype=np.int64),
        session=closed_at // 86_400,
    )


@dataclass
class FakeMarket:
    """Implements `ports.MarketData`."""

    closes: Sequence[float] = (22_650.0, 22_640.0, 22_636.0)
    price_at: datetime = NOW
    options: OptionChain | None = field(default_factory=chain_of)
    fault: Exception | None = None

    def quote(self, instrument: str, now: datetime) -> Quote:
        if self.fault is not None:
            raise self.fault
        if not self.closes:
            raise MissingDataError(f"no price of {instrument} by {now}")
        return Quote(instrument=instrument, at=self.price_at, ltp=Decimal(str(self.closes[-1])))

    def minutes(self, instrument: str, after: datetime, until: datetime) -> Candles:
        if instrument != "NIFTY":
            raise MissingDataError(f"nothing is known of {instrument}")
        return minute_candles(self.closes, NOW).until(until).after(after)

    def chain(self, underlying: str, now: datetime, *, min_minutes: int) -> OptionChain:
        if self.options is None:
            raise MissingDataError(f"no chain of {underlying} beyond {min_minutes} minutes at {now}")
        return self.options


def analysis_of(*zones: Zone, bar_at: datetime = BAR_AT, atr: Decimal | None = ATR) -> ZoneAnalysis:
    return ZoneAnalysis(
        instrument="NIFTY",
        bar_at=bar_at,
        close=Decimal(22_650),
        atr=atr,
        poc=Decimal(22_720),
        val=Decimal(22_600),
        vah=Decimal(22_760),
        profile_source="time_at_price",
        trend=1,
        candle=800,
        session_share=0.36,
        zones=zones,
    )


@dataclass
class FakeAnalyses:
    """Implements `ports.Analyses`."""

    analysis: ZoneAnalysis | None

    def latest(self, instrument: str, now: datetime) -> ZoneAnalysis | None:
        del instrument, now
        return self.analysis


@dataclass
class FakeJudge:
    """Implements `ports.Judge`: says the same of everything."""

    word: SetupWord = SetupWord.TAKE
    probability: float = 0.85
    outcome: str = "ok"
    names: str | None = None
    fault: TradingError | None = None
    asked: list[SetupEvidence] = field(default_factory=list)

    @property
    def name(self) -> str:
        return "rules"

    def judge_zones(self, evidence: Sequence[ZoneEvidence], known_at: datetime) -> Sequence[ZoneVerdict]:
        raise AssertionError(f"a cycle judges no zones: {len(evidence)} at {known_at}")

    def judge_setup(self, evidence: SetupEvidence) -> SetupVerdict:
        if self.fault is not None:
            raise self.fault
        self.asked.append(evidence)
        return SetupVerdict(
            setup_id=self.names or evidence.setup_id,
            judge="rules",
            verdict=self.word,
            probability=self.probability,
            p_low=0.1,
            p_high=0.9,
            main_for="zone",
            main_against="costs",
            reason="rules: a test",
            outcome=self.outcome,
            call_key="key",
            prompt_sha="sha",
        )


@dataclass
class FakeBroker:
    """Implements `ports.Broker`: takes what it is given, or raises."""

    known: tuple[SuperOrder, ...] = ()
    closed: tuple[Trade, ...] = ()
    fault: TradingError | None = None
    placed: list[SuperOrder] = field(default_factory=list)
    settled: list[datetime] = field(default_factory=list)

    def settle(self, now: datetime) -> None:
        self.settled.append(now)

    def place(self, order: SuperOrder, approval: Approval) -> SuperOrder:
        assert approval.setup.setup_id == approval.verdict.setup_id == order.setup_id
        if self.fault is not None:
            raise self.fault
        self.placed.append(order)
        return order

    def orders(self, on: date) -> Sequence[SuperOrder]:
        del on
        return self.known

    def trades(self, on: date, *, since: date | None = None) -> Sequence[Trade]:
        del on, since
        return self.closed


@dataclass
class FakeLedger:
    """Implements `ports.Ledger`."""

    state: DeskState = DeskState.ACTIVE
    rupees: Decimal = Decimal(1_000_000)
    records: list[CycleRecord] = field(default_factory=list)
    said: tuple[object, ...] = ()

    def desk_state(self) -> DeskState:
        return self.state

    def set_desk_state(self, state: DeskState, reason: str, *, by: str, at: datetime | None = None) -> None:
        self.state, self.said = state, (reason, by, at)

    def equity(self) -> Decimal:
        return self.rupees

    def record_cycle(self, record: CycleRecord) -> None:
        self.records.append(record)


@dataclass
class Fakes:
    """The parts of a desk, to be changed before `desk` is asked for."""

    settings: Settings = field(default_factory=lambda: Settings(_env_file=None))
    market: FakeMarket = field(default_factory=FakeMarket)
    analyses: FakeAnalyses = field(default_factory=lambda: FakeAnalyses(analysis_of(zone_of(22_615, 22_632))))
    judge: FakeJudge = field(default_factory=FakeJudge)
    broker: FakeBroker = field(default_factory=FakeBroker)
    ledger: FakeLedger = field(default_factory=FakeLedger)

    def desk(self) -> Desk:
        return Desk(
            settings=self.settings,
            calendar=WeekdayCalendar(),
            market=self.market,
            analyses=self.analyses,
            judge=self.judge,
            broker=self.broker,
            ledger=self.ledger,
        )
