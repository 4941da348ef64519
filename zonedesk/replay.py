"""One recorded session, traded from its open to its close on a clock that someone else turns.

Nothing in the desk knows that it is a replay: the same `run_cycle` gets the same ports, and everything it is shown is
cut to the moment. The candles are built from what was recorded, so a session need not be materialised first, and each
replay has a ledger and a book of its own, so that no replay sees another.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

from agents.analysis import run_analysis, verdicts_of
from agents.bootstrap import make_desk, make_judge, open_ledger, open_store
from agents.cycle import Desk, run_cycle
from agents.data.calendar import NseCalendar
from agents.data.clock import ReplayClock
from agents.data.ledger import Ledger
from agents.data.recorded import companion_history, recorded_history
from agents.data.store import Store
from agents.domain.candles import Candles
from agents.domain.cycle import CycleRecord
from agents.domain.errors import MissingDataError
from agents.domain.market import ANALYSIS_MINUTES, TRADE_MINUTES, Session
from agents.domain.orders import SuperOrder, Trade
from agents.domain.values import IST, content_hash
from agents.domain.zones import ZoneAnalysis, ZoneVerdict
from agents.execution.paper import MemoryBook
from agents.execution.rows import cycle_frame, trade_frame
from agents.llm.judge import OpenAIJudge
from agents.ports import Judge
from agents.settings import Settings
from agents.technical import analyse, profile_candles

MINUTE = timedelta(minutes=1)
OnCycle = Callable[[CycleRecord], None]


@dataclass(frozen=True)
class ReplayResult:
    """What a session came to: every cycle in order, and every round trip."""

    on: date
    instrument: str
    cycles: tuple[CycleRecord, ...]
    trades: tuple[Trade, ...]

    @property
    def net(self) -> Decimal:
        """Rupees won or lost after costs."""
        return sum((trade.net for trade in self.trades), Decimal(0))

    @property
    def digest(self) -> str:
        """The sha256 of all records and trades in their canonical JSON: equal on every machine."""
        return content_hash(
            {
                "cycles": [record.model_dump(mode="json") for record in self.cycles],
                "trades": [trade.model_dump(mode="json") for trade in self.trades],
            }
        )

    def facts(self) -> dict[str, Any]:  # Any: what JSON can hold
        """Return the result as JSON: times in IST, money as numbers of rupees."""
        return {
            "date": self.on.isoformat(),
            "instrument": self.instrument,
            "cycles": [cycle_facts(record) for record in self.cycles],
            "trades": [trade_facts(trade) for trade in self.trades],
            "net": float(self.net),
            "digest": self.digest,
        }


def cycle_facts(record: CycleRecord) -> dict[str, Any]:  # Any: what JSON can hold
    """Return one cycle as JSON."""
    return {
        "at": record.at.astimezone(IST).isoformat(),
        "decision": record.decision.value,
        "reason": record.reason.value,
        "setup": None if record.setup is None else _plain(record.setup.model_dump()),
    }


def trade_facts(trade: Trade) -> dict[str, Any]:  # Any: what JSON can hold
    """Return one round trip as JSON."""
    return _plain(trade.model_dump())


def _plain(facts: dict[str, Any]) -> dict[str, Any]:  # Any: what JSON can hold
    """Return facts with money as numbers, times in IST and words as text."""
    plain: dict[str, Any] = {}  # Any: what JSON can hold
    for name, value in facts.items():
        if isinstance(value, Decimal):
            plain[name] = float(value)
        elif isinstance(value, datetime):
            plain[name] = value.astimezone(IST).isoformat()
        else:
            plain[name] = str(value) if isinstance(value, str) else value
    return plain


class SessionAnalyses:
    """Implements `ports.Analyses` by computing: each candle's analysis on the candles closed by then, and no others."""

    def __init__(self, candles: Candles, future: Candles | None, basket: Candles | None, settings: Settings) -> None:
        self._candles = candles
        self._future = future
        self._basket = basket
        self._settings = settings
        self._verdicts: dict[str, ZoneVerdict] = {}
        self._latest: ZoneAnalysis | None = None

    def open(self, now: datetime) -> None:
        """Take over what the last session left; nobody is asked about it, because it is too old to trade on."""
        history = self._candles.until(now)
        if len(history):
            self._latest = analyse(history, profile_candles(history), self._settings, since=now).analysis_at(now)

    def close_candle(self, judge: Judge, now: datetime) -> None:
        """Analyse the candle that closed at `now`, and let the judge speak."""
        self._latest = run_analysis(
            self._candles,
            judge,
            self._settings,
            now,
            future=self._future,
            basket=self._basket,
            earlier=self._verdicts,
        )
        self._verdicts |= verdicts_of(self._latest)

    def latest(self, instrument: str, now: datetime) -> ZoneAnalysis | None:
        """Return the analysis of the last candle, None before the first."""
        known = self._latest
        return known if known is not None and known.instrument == instrument and known.bar_at <= now else None


Kind = TypeVar("Kind", bound=SessionAnalyses)


def replay(
    settings: Settings, on: date, instrument: str, *, judge: Judge | None = None, on_cycle: OnCycle | None = None
) -> ReplayResult:
    """Trade one recorded session: zones at each fifteen minutes, decisions at each three, fills at each minute.

    Parameters
    ----------
    settings : Settings
        Where the market is stored, and how the desk trades. The results are written into the store of mode
        ``replay`` only; a paper or live store is read and left as it is.
    on : date
        A session whose candles were imported or simulated.
    instrument : str
        An index.
    judge : Judge, optional
        In place of the one that the settings name.
    on_cycle : callable, optional
        Told each record as it is made.

    Returns
    -------
    ReplayResult

    Raises
    ------
    MissingDataError
        If the exchange was closed on that day, or nothing of it is stored.
    RecordedReplyMissingError
        If recorded replies judge and one is missing.
    """
    calendar = NseCalendar()
    session = calendar.session(on)
    if session is None:
        raise MissingDataError(f"the exchange was closed on {on}; choose a day on which it traded")
    store = open_store(settings, now=_wall_now, create=False)
    analyses = session_analyses(store, calendar, session, instrument, settings, kind=SessionAnalyses)
    clock = ReplayClock(session.open_at)
    with _replay_ledger(settings, clock) as ledger, _who_judges(settings, clock, judge) as speaker:
        desk = make_desk(
            settings.model_copy(update={"mode": "replay"}),
            store=store,
            ledger=ledger,
            judge=speaker,
            calendar=calendar,
            analyses=analyses,
            book=MemoryBook(),
        )
        records = tuple(_told(_run(desk, analyses, clock, session, instrument), on_cycle))
        orders, trades = desk.broker.orders(on), tuple(desk.broker.trades(on))
    result = ReplayResult(on, instrument, records, trades)
    if settings.mode == "replay":
        _keep(store, result, orders)
    return result


def session_analyses(
    store: Store, calendar: NseCalendar, session: Session, instrument: str, settings: Settings, *, kind: type[Kind]
) -> Kind:
    """Return what computes the analyses of a session, of the `kind` asked for, over what was recorded of it.

    Raises
    ------
    MissingDataError
        If nothing of the session is stored.
    """
    until = session.derivatives_close_at
    candles = recorded_history(store, calendar, instrument, until)
    if not len(candles.after(session.open_at)):
        raise MissingDataError(
            f"{instrument} has no candles on {session.on}; import that session with `zonedesk import FILE`"
        )
    future, basket = (
        companion_history(store, calendar, names.get(instrument), until)
        for names in (settings.futures, settings.baskets)
    )
    return kind(candles, future, basket, settings)


def _run(
    desk: Desk, analyses: SessionAnalyses, clock: ReplayClock, session: Session, instrument: str
) -> Iterator[CycleRecord]:
    """Turn the clock minute by minute and yield each cycle's record."""
    candle_closes = set(session.closes(ANALYSIS_MINUTES))
    slots = {at for at in session.closes(TRADE_MINUTES) if session.is_open(at)}
    known = {at for at in candle_closes if session.index_frozen_from is None or at <= session.index_frozen_from}
    analyses.open(session.open_at)
    now = session.open_at
    while now <= session.derivatives_close_at:
        clock.set(now)
        desk.broker.settle(now)
        if now in known:
            analyses.close_candle(desk.judge, now)
        if now in slots:
            yield run_cycle(desk, now, instrument)
        now += MINUTE


def _told(records: Iterator[CycleRecord], on_cycle: OnCycle | None) -> Iterator[CycleRecord]:
    for record in records:
        if on_cycle is not None:
            on_cycle(record)
        yield record


@contextmanager
def _replay_ledger(settings: Settings, clock: ReplayClock) -> Iterator[Ledger]:
    """Yield an empty ledger that ends with the replay."""
    ledger = Ledger.in_memory("replay", now=clock.now, equity=settings.equity)
    try:
        yield ledger
    finally:
        ledger.close()


@contextmanager
def _who_judges(settings: Settings, clock: ReplayClock, given: Judge | None) -> Iterator[Judge]:
    """Yield the judge: the given one, or the settings' over the mode's own ledger, which keeps what models said."""
    if given is not None:
        yield given
        return
    calls = open_ledger(settings, now=_wall_now)
    judge = make_judge(settings, calls, clock)
    try:
        yield judge
    finally:
        if isinstance(judge, OpenAIJudge):
            judge.close()
        calls.close()


def _keep(store: Store, result: ReplayResult, orders: Sequence[SuperOrder]) -> None:
    scope = {"instrument": result.instrument, "session": result.on}
    store.merge("cycles", cycle_frame(result.cycles), scope=scope)
    store.merge("trades", trade_frame(result.trades, orders), scope=scope)


def _wall_now() -> datetime:
    """Return the machine's present: it stamps rows and decides nothing."""
    return datetime.now(UTC)
