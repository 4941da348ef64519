"""A day that the desk traded, gone through again: the moments, the replies and the guardian's answers are the ledger's.

Everything else is computed anew from the stored market: candles, zones, contracts, setups, sizes. Each cycle is then
compared with the record that the ledger has of it.
"""

import dataclasses
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from agents.bootstrap import make_desk, open_store
from agents.cycle import Desk, run_cycle
from agents.data.calendar import NseCalendar
from agents.data.clock import CLOCK_FILE, ClockFile, ReplayClock
from agents.data.ledger import Ledger, LedgerEvent
from agents.data.ledger.ledger import CYCLE, DESK_STATE, EQUITY
from agents.data.market import StoreMarket
from agents.domain.cycle import CycleRecord, Reason
from agents.domain.errors import MissingDataError
from agents.domain.market import ANALYSIS_MINUTES, Session
from agents.domain.values import IST
from agents.domain.zones import ZoneVerdict
from agents.execution.book import LedgerBook
from agents.execution.guardian.ports import REQUEST
from agents.execution.outcomes import OUTCOME
from agents.execution.paper import MemoryBook
from agents.execution.request import RequestBroker
from agents.llm import RecordedJudge, RulesJudge
from agents.ports import Broker, Judge
from agents.settings import Settings
from zonedesk.recorded import LedgerThen, RecordedAnalyses, stored_verdicts
from zonedesk.replay import OnCycle, ReplayResult, session_analyses
from zonedesk.shell import wall_now
from zonedesk.stops import Stops

RULES = "rules"


@dataclass(frozen=True)
class Difference:
    """One field of one cycle that came out otherwise than the ledger has it; both as JSON."""

    at: datetime
    field: str
    recorded: str
    repeated: str

    def text(self) -> str:
        """Return it as a line."""
        return f"{self.at.astimezone(IST):%H:%M:%S}  {self.field}: {self.recorded} was recorded, {self.repeated} now"


@dataclass(frozen=True)
class Repeated:
    """A day gone through again, and everything that came out otherwise."""

    result: ReplayResult
    differences: tuple[Difference, ...]

    def facts(self) -> dict[str, Any]:  # Any: what JSON can hold
        """Return the result as JSON, with the differences."""
        rows = [{**dataclasses.asdict(each), "at": each.at.astimezone(IST).isoformat()} for each in self.differences]
        return {**self.result.facts(), "differences": rows}


def repeat(
    settings: Settings, ledger_path: Path, on: date, instrument: str, *, on_cycle: OnCycle | None = None
) -> Repeated:
    """Go through a recorded day again and compare each cycle with its record.

    Parameters
    ----------
    settings : Settings
        Of the mode that traded: its store is read, and nothing is written anywhere.
    ledger_path : Path
        The ledger of that mode.
    on : date
        The day.
    instrument : str
        An index.
    on_cycle : callable, optional
        Told each record as it is made.

    Raises
    ------
    MissingDataError
        If the ledger, the day in it, or the market of that day is not there.
    RecordedReplyMissingError
        If a setup comes up about which the model was never asked.
    WrongModeError
        If the ledger belongs to another mode than the settings.
    """
    session = NseCalendar().session(on)
    if session is None:
        raise MissingDataError(f"the exchange was closed on {on}; choose a day on which it traded")
    if not ledger_path.is_file():
        raise MissingDataError(f"there is no ledger at {ledger_path}; name the file of the mode that traded")
    log = Ledger.open(ledger_path, settings.mode, now=wall_now)
    try:
        events = [event for event in log.events(CYCLE) if _is_of(event, instrument, on)]
        if not events:
            raise MissingDataError(f"{ledger_path} has no cycle of {instrument} on {on}; name a day that it traded")
        stage = _Stage(settings, log, session, instrument, [_record(event) for event in events])
        try:
            made = tuple(stage.play(events, on_cycle))
            trades = tuple(stage.desk.broker.trades(on))
        finally:
            stage.close()
    finally:
        log.close()
    found = tuple(
        each
        for record, again in zip(stage.records, made, strict=True)
        for each in differences(record, again)
        if each.field in record.model_fields_set  # an older version noted less
    )
    return Repeated(ReplayResult(on, instrument, made, trades), found)


def differences(recorded: CycleRecord, repeated: CycleRecord) -> list[Difference]:
    """Return the fields in which two records of a cycle differ."""
    before, after = recorded.model_dump(mode="json"), repeated.model_dump(mode="json")
    return [
        Difference(recorded.at, name, json.dumps(before[name]), json.dumps(after[name]))
        for name in before
        if before[name] != after[name]
    ]


class _Stage:
    """The desk of a recorded day, and the clock, ledger and broker that show it what was there then."""

    def __init__(
        self, settings: Settings, log: Ledger, session: Session, instrument: str, records: list[CycleRecord]
    ) -> None:
        self.records = records
        self._log, self._session = log, session
        self._store, calendar = open_store(settings, now=wall_now, create=False), NseCalendar()
        store = self._store
        earlier, today = stored_verdicts(store, instrument, session.open_at, session.derivatives_close_at)
        settings = _as_judged(settings, today, records)
        self._clock = ReplayClock(session.open_at)
        self._own = Ledger.in_memory(settings.mode, now=self._clock.now, equity=settings.equity)
        self._then = LedgerThen(log)
        self._analyses = session_analyses(store, calendar, session, instrument, settings, kind=RecordedAnalyses)
        asks = settings.judge != RULES
        self._analyses.remember(earlier, log if asks else None)
        judge: Judge = RulesJudge()
        if asks:
            judge = RecordedJudge(settings, calls=log.calls, clock=self._clock, speaker="openai")
        desk = make_desk(
            settings,
            store=store,
            ledger=self._own,
            judge=judge,
            calendar=calendar,
            analyses=self._analyses,
            book=_earlier_orders(log, session.open_at),
            broker=self._guarded(settings),
        )
        self._stops = Stops(self._own)
        self.desk: Desk = dataclasses.replace(desk, halted=self._stops.halted, pace=_pace(settings))
        self._copied = 0

    def close(self) -> None:
        """Forget everything."""
        self._own.close()

    def play(self, events: Sequence[LedgerEvent], on_cycle: OnCycle | None) -> Iterator[CycleRecord]:
        """Yield each cycle's record, made again; candles close between them as they did."""
        closes = [at for at in self._session.closes(ANALYSIS_MINUTES) if self._is_known(at)]
        self._analyses.open(self._session.open_at)
        for event, record in zip(events, self.records, strict=True):
            while closes and closes[0] <= record.at:
                self._clock.set(closes[0])
                self._analyses.close_candle(self.desk.judge, closes.pop(0))
            self._clock.set(record.at)
            self._set(event, record)
            made = run_cycle(self._desk_of(record), record.at, record.instrument)
            if on_cycle is not None:
                on_cycle(made)
            yield made

    def _desk_of(self, record: CycleRecord) -> Desk:
        """Return the desk with the candles and the chain that the cycle of `record` could see."""
        market = StoreMarket(self._store, known_by=record.known_by, quoted_by=self._quoted_by(record))
        return dataclasses.replace(self.desk, market=market, known_by=record.known_by)

    def _quoted_by(self, record: CycleRecord) -> datetime | None:
        """Return the last chain that the cycle could see: a chain is stored some time after it was quoted."""
        if record.reason is Reason.CHAIN_MISSING:
            return self._session.open_at
        return record.chain_at or (None if record.chain is None else record.chain.at)

    def _set(self, event: LedgerEvent, record: CycleRecord) -> None:
        """Show what was there when the cycle of `record` began, and what came while it ran."""
        asked = [each.seq for each in self._log.events(REQUEST) if each.payload["cycle_id"] == record.cycle_id]
        self._then.begun, self._then.ended = min([*asked, event.seq]), event.seq
        fresh = {
            kind: [each for each in self._log.events(kind, after=self._copied) if each.seq < self._then.begun]
            for kind in (EQUITY, OUTCOME, DESK_STATE)
        }
        for each in (*fresh[EQUITY], *fresh[OUTCOME]):
            self._own.append(each.kind, each.payload, at=each.at)
        self._stops.show(record, fresh[DESK_STATE])
        self._copied = self._then.begun - 1
        self._analyses.see(record)

    def _guarded(self, settings: Settings) -> Broker | None:
        """Return the broker that repeats the guardian's answers, None where there was no guardian."""
        if not self._log.events(REQUEST):
            return None
        return RequestBroker(self._then, self._clock, lambda _: None, settings.brokerage_rupees)

    def _is_known(self, at: datetime) -> bool:
        return self._session.index_frozen_from is None or at <= self._session.index_frozen_from


def _pace(settings: Settings) -> int:
    """Return how fast the market of that mode ran when its desk was last started."""
    path = settings.home / CLOCK_FILE
    return ClockFile.read(path).speed if settings.mode == "paper" and path.is_file() else 1


def _is_of(event: LedgerEvent, instrument: str, on: date) -> bool:
    return event.payload["instrument"] == instrument and event.at.astimezone(IST).date() == on


def _record(event: LedgerEvent) -> CycleRecord:
    return CycleRecord.model_validate_json(json.dumps(dict(event.payload)))


def _earlier_orders(log: Ledger, open_at: datetime) -> MemoryBook:
    book = MemoryBook()
    for order in LedgerBook(log).latest():
        if order.placed_at < open_at:
            book.save(order)
    return book


def _as_judged(settings: Settings, today: Sequence[ZoneVerdict], records: Sequence[CycleRecord]) -> Settings:
    """Return the settings with the judge and the models of that day; as they are where nobody spoke."""
    zones = {verdict.judge for verdict in today}
    setups = {record.verdict.judge for record in records if record.verdict is not None}
    if not zones | setups:
        has_model = settings.openai_api_key is not None or settings.openai_base_url is not None
        asks = settings.judge in {"openai", "recorded"} or (settings.judge == "auto" and has_model)
        return settings.model_copy(update={"judge": "recorded" if asks else RULES})
    models = {
        name: min(judges).partition(":")[2]
        for name, judges in (("zone_model", zones - {RULES}), ("setup_model", setups - {RULES}))
        if judges
    }
    return settings.model_copy(update={"judge": "recorded" if models else RULES, **models})
