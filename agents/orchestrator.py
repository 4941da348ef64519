"""Brings the agents together: the analysis at each fifteen minutes, the decision at each three, and the trades between.

A desk that runs under `zonedesk up` has Dagster for its clock, and a guardian for its orders in either case. This class
is the same day without Dagster: for a program or a notebook that wants to drive the desk itself, one step at a time or
in a thread. Do not run both on one store: each would decide.
"""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Self

from pydantic import AwareDatetime

from agents.analysis import run_analysis, verdicts_of
from agents.bootstrap import make_broker, make_desk, make_judge, open_ledger, open_store
from agents.cycle import Desk, run_cycle
from agents.data.calendar import NseCalendar
from agents.data.clock import market_clock
from agents.data.ledger import Ledger
from agents.data.recorded import companion_history, recorded_history
from agents.data.store import Store
from agents.domain.cycle import CycleRecord, DeskState
from agents.domain.errors import TradingError
from agents.domain.lifecycle import ALIVE
from agents.domain.market import ANALYSIS_MINUTES, TRADE_MINUTES, Session
from agents.domain.orders import Trade
from agents.domain.values import IST, Frozen
from agents.domain.zones import ZoneAnalysis, ZoneVerdict
from agents.execution.agent import ExecutionAgent, Waiting
from agents.execution.guardian.case import Case
from agents.ports import Clock, Judge
from agents.settings import Settings

GUARDIAN: Final = "guardian"
LOOK_EVERY: Final = 0.5
_log = logging.getLogger(__name__)


class StoreHistory:
    """Implements `ports.Analyses` by computing them from the candles in the store, when it is told to.

    Parameters
    ----------
    store : Store
        Candles of one minute.
    calendar : NseCalendar
        The sessions.
    judge : Judge
        Speaks on each zone once.
    settings : Settings
        Of the analysis.
    """

    def __init__(self, store: Store, calendar: NseCalendar, judge: Judge, settings: Settings) -> None:
        self._store = store
        self._calendar = calendar
        self._judge = judge
        self._settings = settings
        self._known: dict[str, ZoneAnalysis] = {}
        self._verdicts: dict[str, ZoneVerdict] = {}

    def analyse(self, instrument: str, now: datetime) -> ZoneAnalysis:
        """Analyse the candles closed by `now` and return what was found. Raises `MissingDataError` without any."""
        candles = recorded_history(self._store, self._calendar, instrument, now)
        future, basket = (
            companion_history(self._store, self._calendar, names.get(instrument), now)
            for names in (self._settings.futures, self._settings.baskets)
        )
        found = run_analysis(
            candles, self._judge, self._settings, now, future=future, basket=basket, earlier=self._verdicts
        )
        self._verdicts |= verdicts_of(found)
        self._known[instrument] = found
        return found

    def latest(self, instrument: str, now: datetime) -> ZoneAnalysis | None:
        """Return the last analysis known by `now`, None before the first."""
        found = self._known.get(instrument)
        return found if found is not None and found.bar_at <= now else None


class OrchestratorStatus(Frozen):
    """Where a desk stands. `guardian` is what the guardian last said of itself, empty where it never ran."""

    running: bool
    now: AwareDatetime
    session_open: bool
    desk_state: DeskState
    analysed_at: AwareDatetime | None
    last_cycle: CycleRecord | None
    open_orders: int
    trades: tuple[Trade, ...]
    trouble: str
    guardian: dict[str, Any]  # Any: JSON


@dataclass(frozen=True)
class Agents:
    """What an orchestrator brings together. `analyse` does the fifteen-minute work for an instrument at a moment."""

    desk: Desk
    execution: ExecutionAgent
    ledger: Ledger
    clock: Clock
    analyse: Callable[[str, datetime], ZoneAnalysis]


class TradingOrchestrator:
    """Starts, stops and reports.

    Parameters
    ----------
    agents : Agents
        The desk, the way to the guardian, the analysis.
    """

    def __init__(self, agents: Agents) -> None:
        self._agents = agents
        self._instruments = agents.desk.settings.instruments
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._analysed: dict[str, datetime] = {}
        self._cycled_at: datetime | None = None
        self._last: CycleRecord | None = None
        self._trouble = ""

    @classmethod
    def open(cls, settings: Settings, *, now: Callable[[], datetime], waiting: Waiting) -> Self:
        """Return the orchestrator of a desk in paper or live mode; a guardian must run beside it to trade.

        Parameters
        ----------
        settings : Settings
            Mode, folders, limits.
        now : callable
            Returns the machine's present, aware.
        waiting : Waiting
            How to wait for the guardian.

        Raises
        ------
        ConfigError
            If a person must act first: no store, a model without a key, a wrong file of limits.
        """
        calendar, store = NseCalendar(), open_store(settings, now=now, create=False)
        ledger = open_ledger(settings, now=now)
        clock = market_clock(settings, calendar)
        judge = make_judge(settings, ledger, clock)
        history = StoreHistory(store, calendar, judge, settings)
        broker = make_broker(settings, ledger=ledger, clock=clock, pause=waiting.sleep)
        desk = make_desk(
            settings, store=store, ledger=ledger, judge=judge, calendar=calendar, analyses=history, broker=broker
        )
        execution = ExecutionAgent(ledger, clock.now, waiting)
        return cls(Agents(desk, execution, ledger, clock, history.analyse))

    def start(self) -> None:
        """Work in a thread of its own until `stop`. Raises `RuntimeError` if it does already."""
        if self._thread is not None and self._thread.is_alive():
            raise RuntimeError("this orchestrator runs already; stop it first")
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, name="orchestrator", daemon=True)
        self._thread.start()

    def stop(self, within: float = 60.0) -> bool:
        """Decide nothing more; return whether the work under way ended in time. Positions stay with the guardian."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(within)
            return not self._thread.is_alive()
        return True

    def step(self) -> Sequence[CycleRecord]:
        """Do what is due at the market's present: the analysis of a candle that closed, then the cycles of a slot."""
        now = self._agents.clock.now()
        session = self._session(now)
        if session is None:
            return ()
        candle, slot = _last_of(session, ANALYSIS_MINUTES, now), _last_of(session, TRADE_MINUTES, now)
        if candle is not None:
            for instrument in self._instruments:
                if self._analysed.get(instrument) != candle:
                    self.run_analysis_cycle(instrument, candle)
        if slot is None or slot == self._cycled_at or not session.is_open(now):
            return ()
        self._cycled_at = slot
        return [self.run_trade_cycle(instrument, now) for instrument in self._instruments]

    def run_analysis_cycle(self, instrument: str, now: datetime) -> ZoneAnalysis | None:
        """Find and judge the zones at a moment; None where the data does not allow it, which `status` tells."""
        self._analysed[instrument] = now
        try:
            found = self._agents.analyse(instrument, now)
        except TradingError as error:
            self._trouble = f"no analysis of {instrument} at {now:%H:%M}: {error}"
            _log.warning("%s", self._trouble)
            return None
        self._trouble = ""
        return found

    def run_trade_cycle(self, instrument: str, now: datetime) -> CycleRecord:
        """Decide at a moment, ask the guardian if it comes to that, and return the record. Never raises for a fault."""
        self._last = run_cycle(self._agents.desk, now, instrument)
        return self._last

    def orders(self) -> Sequence[Case]:
        """Return today's orders through their whole life, as the guardian's journal has them."""
        return self._agents.execution.cases(self._agents.clock.now().astimezone(IST).date())

    def status(self) -> OrchestratorStatus:
        """Return where the desk stands."""
        now, desk = self._agents.clock.now(), self._agents.desk
        on, session = now.astimezone(IST).date(), self._session(now)
        beat = self._agents.ledger.heartbeats.last(GUARDIAN)
        said: Mapping[str, Any] = {} if beat is None else {**beat.facts, "at": beat.at.isoformat()}  # Any: JSON
        return OrchestratorStatus(
            running=self._thread is not None and self._thread.is_alive(),
            now=now,
            session_open=session is not None and session.is_open(now),
            desk_state=self._agents.ledger.desk_state(),
            analysed_at=max(self._analysed.values(), default=None),
            last_cycle=self._last,
            open_orders=sum(case.state in ALIVE for case in self.orders()),
            trades=tuple(desk.broker.trades(on)),
            trouble=self._trouble,
            guardian=dict(said),
        )

    def _run(self) -> None:
        while not self._stop.wait(LOOK_EVERY):
            try:
                self.step()
            except TradingError as error:
                if str(error) != self._trouble:
                    _log.error("the desk cannot go on: %s", error)
                self._trouble = str(error)

    def _session(self, now: datetime) -> Session | None:
        return self._agents.desk.calendar.session(now.astimezone(IST).date())


def _last_of(session: Session, minutes: int, now: datetime) -> datetime | None:
    """Return the last close of a candle of so many minutes by `now`, None before the first."""
    closes = [close for close in session.closes(minutes) if close <= now]
    return closes[-1] if closes else None
