"""A day that the desk traded on paper with a model, gone through again without one."""

import asyncio
import dataclasses
import json
import shutil
import socket
import sqlite3
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple, NoReturn

import pytest
from typer.testing import CliRunner

from agents.bootstrap import open_ledger
from agents.data.calendar import NseCalendar
from agents.data.clock import ReplayClock
from agents.data.store import Store
from agents.domain.cycle import CycleRecord, DeskState, Reason
from agents.domain.errors import MissingDataError
from agents.domain.market import Session
from agents.domain.values import IST
from agents.execution.guardian.ports import ANSWER, REQUEST, AnswerKind, TradeAnswer
from agents.settings import Settings
from pipelines.cycles import evaluate_instruments
from pipelines.history import write_candles
from pipelines.judging import write_verdicts
from pipelines.resources import Workbench
from pipelines.steps import write_zones
from pipelines.task import Task
from tests.agents.llm.fault_server import SCENARIOS, FaultServer, Seen, completion, error, send
from zonedesk.cli import app
from zonedesk.market import simulate_history
from zonedesk.repeat import Repeated, differences, repeat
from zonedesk.shell import wall_now

ON, BEFORE = date(2025, 11, 21), date(2025, 11, 20)
FIRST, LAST = time(9, 30), time(10, 48)
SLOW = {time(9, 30), time(10, 0), time(10, 15)}  # the judge speaks after the cycle that meets the new zones


class Paper(NamedTuple):
    """A paper desk's home after some hours, and what its cycles recorded."""

    settings: Settings
    records: list[CycleRecord]

    @property
    def ledger(self) -> Path:
        return self.settings.ledger_path


class Moody:
    """Agrees mostly; rejects, declines or fails now and then, never in the same order for the same question."""

    def __init__(self) -> None:
        self.count = 0

    async def __call__(self, seen: Seen, writer: asyncio.StreamWriter) -> None:
        self.count += 1
        told = seen.answer | {"evidence_ids": [], "rationale": f"answer {self.count}"}
        told["probability"] = 0.80 + self.count % 7 / 100
        if self.count % 17 == 0:
            await error(400)(seen, writer)
        elif self.count % 29 == 0:
            await send(writer, completion(None, refusal="No."))
        else:
            if seen.body["response_format"]["json_schema"]["name"] == "zone_verdict" and self.count % 5 == 0:
                told["verdict"] = "reject"
            await send(writer, completion(json.dumps(told)))


@dataclasses.dataclass
class Guardian:
    """Answers while the cycle waits: refuses the first request, places the second, says nothing to the others."""

    bench: Workbench | None = None
    answered: list[str] = dataclasses.field(default_factory=list)

    def answer(self, _seconds: float) -> None:
        assert self.bench is not None
        log = self.bench.ledger
        for request in log.events(REQUEST)[len(self.answered) :][: 2 - len(self.answered)]:
            setup_id = str(request.key)
            outcome = AnswerKind.PLACED if self.answered else AnswerKind.REFUSED
            now = self.bench.clock.now()
            reply = TradeAnswer(setup_id=setup_id, outcome=outcome, detail="a test", order_id="7", at=now)
            log.append(ANSWER, reply.model_dump(mode="json"), key=setup_id)
            self.answered.append(setup_id)


def close_candle(bench: Workbench, session: Session, closed_at: datetime) -> None:
    """Do what a run does at a candle; see `judge_candle` for its last step."""
    for write in (write_candles, write_zones):
        write(bench, _task(bench, session, closed_at))


def judge_candle(bench: Workbench, session: Session, closed_at: datetime) -> None:
    write_verdicts(bench, _task(bench, session, closed_at))


def _task(bench: Workbench, session: Session, closed_at: datetime) -> Task:
    now = max(closed_at + timedelta(seconds=4), bench.clock.now())
    bench.clock.set(now)  # type: ignore[attr-defined]  # a replay's clock
    return Task(instruments=("NIFTY",), sessions=(session,), until=closed_at, now=now, scheduled=True)


@pytest.fixture(scope="module")
def paper(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Paper]:
    """The end of one session and the first hours of the next, as Dagster's runs would do them."""
    server = FaultServer().start()
    settings = Settings(
        _env_file=None,
        mode="paper",
        data_dir=tmp_path_factory.mktemp("traded"),
        judge="openai",
        openai_base_url=server.url("moody"),
        zone_model="small",
        setup_model="large",
        judge_reach_atr=6.0,
    )
    store = Store(settings.store_path, "paper", now=wall_now)
    simulate_history(store, "NIFTY", sessions=12, seed=7, future="NIFTY-I", last=ON)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(SCENARIOS, "moody", Moody())
        calendar = NseCalendar()
        before, session = calendar.session(BEFORE), calendar.session(ON)
        assert before is not None
        assert session is not None
        guardian = Guardian()
        bench = Workbench(settings, pause=guardian.answer, present=ReplayClock(before.open_at))
        guardian.bench = bench
        close_candle(bench, before, before.close_at)
        judge_candle(bench, before, before.close_at)
        bench.ledger.set_equity(Decimal(900_000), at=session.open_at)
        records = list(_trade(bench, session))
        bench.ledger.close()
    yield Paper(settings, records)
    server.stop()


def _trade(bench: Workbench, session: Session) -> Iterator[CycleRecord]:
    now = session.open_at + timedelta(minutes=12)
    while now.astimezone(IST).time() <= LAST:
        local = now.astimezone(IST)
        closes = local.minute % 15 == 0 and local.time() >= FIRST
        if closes:
            close_candle(bench, session, now)
        if closes and local.time() not in SLOW:
            judge_candle(bench, session, now)
        if local.time() == time(10, 21):
            bench.ledger.set_desk_state(DeskState.REDUCING, "a test", by="test", at=now)
        if local.time() == time(10, 27):
            bench.ledger.set_desk_state(DeskState.ACTIVE, "a test", by="test", at=now)
        at = now + timedelta(seconds=7)
        bench.clock.set(at)  # type: ignore[attr-defined]  # as above
        yield from evaluate_instruments(bench, at, ("NIFTY",)).records
        if local.time() in SLOW:
            judge_candle(bench, session, now)
        now += timedelta(minutes=3)


@pytest.fixture(scope="module")
def repeated(paper: Paper) -> Repeated:
    def blocked(*_: object, **__: object) -> NoReturn:
        raise AssertionError("a repeated day opened a socket")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", blocked)
        return repeat(paper.settings, paper.ledger, ON, "NIFTY")


def test_the_recorded_day_is_worth_repeating(paper: Paper) -> None:
    reasons = {record.reason for record in paper.records}
    assert {Reason.ZONES_STALE, Reason.DESK_REDUCING, Reason.VETOED} <= reasons
    assert Reason.FAULT not in reasons
    assert any(record.verdict is not None for record in paper.records)


def test_a_paper_day_repeats_without_a_difference_and_without_a_network(paper: Paper, repeated: Repeated) -> None:
    assert [each.text() for each in repeated.differences] == []
    assert len(repeated.result.cycles) == len(paper.records)
    assert [record.order for record in repeated.result.cycles] == [record.order for record in paper.records]


def test_zones_that_nobody_had_judged_yet_are_repeated_so(paper: Paper, repeated: Repeated) -> None:
    late = [one for one in paper.records if one.judged_at != one.analysis_bar_at and _slow(one)]
    assert {one.at.astimezone(IST).time().replace(second=0) for one in late} == SLOW
    judged = {one.analysis_bar_at: confirmed_of(one) for one in paper.records if one.judged_at == one.analysis_bar_at}
    assert any(
        confirmed_of(one) < judged.get(one.analysis_bar_at, set()) for one in late
    )  # the verdicts made a difference
    again = {one.at: confirmed_of(one) for one in repeated.result.cycles}
    assert all(again[one.at] == confirmed_of(one) for one in late)


def _slow(record: CycleRecord) -> bool:
    return record.at.astimezone(IST).time().replace(second=0) in SLOW


def confirmed_of(record: CycleRecord) -> set[str]:
    return {zone.zone_id for zone in record.zones if zone.confirmed}


def test_a_chain_that_was_stored_after_a_cycle_changes_nothing_of_it(paper: Paper, tmp_path: Path) -> None:
    shutil.copytree(paper.settings.data_dir, tmp_path / "later")
    later = paper.settings.model_copy(update={"data_dir": tmp_path / "later"})
    with Store(later.store_path, "paper", now=wall_now).write() as connection:
        seen = "select quoted_at + interval 5 second as quoted_at, * exclude (quoted_at) from option_quotes"
        connection.execute(f"create temporary table late as {seen} where quoted_at >= '{ON}'")
        connection.execute("update late set bid = bid + 1, ask = ask + 1, ltp = ltp + 1")
        connection.execute("insert into option_quotes by name select * from late")
    found = repeat(later, later.ledger_path, ON, "NIFTY")
    assert any(one.chain is not None for one in found.result.cycles)
    assert [each.text() for each in found.differences] == []


def test_a_record_without_what_later_versions_note_repeats_too(paper: Paper, tmp_path: Path) -> None:
    shutil.copytree(paper.settings.data_dir, tmp_path / "older")
    older = paper.settings.model_copy(update={"data_dir": tmp_path / "older"})
    with sqlite3.connect(older.ledger_path) as ledger:
        ledger.execute("drop trigger event_no_update")
        ledger.execute(
            "update event set payload = json_remove(payload, '$.judged_at', '$.chain_at') where kind = 'cycle'"
        )
    fields = {each.field for each in repeat(older, older.ledger_path, ON, "NIFTY").differences}
    assert not fields & {"judged_at", "chain_at"}
    assert "zones" in fields  # which verdicts those cycles had heard is not known any more


def test_verdicts_of_the_session_before_are_known(paper: Paper, repeated: Repeated) -> None:
    rows = Store(paper.settings.store_path, "paper", now=wall_now, create=False).rows(
        "select count(*) from verdicts where session = ?", [BEFORE]
    )
    assert rows[0][0] > 0
    assert repeated.differences == ()


def test_another_market_shows_as_differences(paper: Paper, tmp_path: Path) -> None:
    shutil.copytree(paper.settings.data_dir, tmp_path / "copy")
    other = paper.settings.model_copy(update={"data_dir": tmp_path / "copy", "zone_band_atr": 0.0})
    found = repeat(other, other.ledger_path, ON, "NIFTY").differences
    assert {each.field for each in found} & {"reason", "detail"}


def test_a_changed_record_is_named_with_both_values(paper: Paper) -> None:
    record = paper.records[-1]
    (found,) = differences(record, record.model_copy(update={"detail": "something else"}))
    assert (found.field, found.repeated) == ("detail", '"something else"')
    assert "something else" in found.text()
    assert dataclasses.asdict(found)["at"] == record.at


def test_nothing_is_written_by_repeating(paper: Paper, repeated: Repeated) -> None:
    ledger = open_ledger(paper.settings, now=wall_now)
    before = len(ledger.events())
    ledger.close()
    assert repeat(paper.settings, paper.ledger, ON, "NIFTY").result.digest == repeated.result.digest
    ledger = open_ledger(paper.settings, now=wall_now)
    assert len(ledger.events()) == before
    ledger.close()


def test_a_day_without_cycles_and_a_ledger_that_is_not_there_are_named(paper: Paper, tmp_path: Path) -> None:
    with pytest.raises(MissingDataError, match="no cycle of NIFTY on 2025-11-20"):
        repeat(paper.settings, paper.ledger, BEFORE, "NIFTY")
    with pytest.raises(MissingDataError, match="no ledger at"):
        repeat(paper.settings, tmp_path / "none.sqlite", ON, "NIFTY")


def test_the_command_finds_the_store_beside_the_ledger_and_says_that_nothing_differs(
    paper: Paper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZONEDESK_JUDGE_REACH_ATR", "6")
    said = CliRunner().invoke(app, ["replay", str(ON), "--recorded-from", str(paper.ledger), "--json"])
    assert said.exit_code == 0, said.output[:500]
    assert json.loads(said.stdout)["differences"] == []
