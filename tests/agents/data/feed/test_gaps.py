import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from random import Random

from agents.data.feed.bars import Bar, Doubt
from agents.data.feed.gaps import GapFiller
from agents.data.feed.health import Counts
from agents.data.feed.instruments import FeedInstrument
from agents.data.feed.link import Stop
from agents.data.feed.packets import FeedKey
from agents.domain.errors import StoreBusyError
from agents.domain.market import InstrumentKind
from tests.agents.data.feed.venues import INDEX, instrument

AT = int(datetime(2026, 11, 19, 4, 30, tzinfo=UTC).timestamp())
OPTION = instrument("NIFTY26112425650CE", InstrumentKind.OPTION, FeedKey("NSE_FNO", 42_528))


class Stage:
    """Charts, a clock that moves as the filler sleeps, and everything that came of it."""

    def __init__(self, *, after_end: int = 0) -> None:
        self.second = float(AT)
        self.late = after_end
        self.broken: list[FeedKey] = []
        self.traded = set(range(AT, AT + 3_600, 60))
        self.asked: list[tuple[str, int, int]] = []
        self.bars: list[Bar] = []
        self.given_up: list[tuple[str, Sequence[int]]] = []
        self.counts = Counts()
        self.filler = GapFiller(
            self,
            self.bars.extend,
            lambda one, minutes: self.given_up.append((one.name, minutes)),
            self,
            self.counts,
            sleep=self.sleep,
            rng=Random(1),
        )
        for one in (INDEX, OPTION):
            self.filler.add(one)

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.second, UTC)

    async def sleep(self, seconds: float) -> None:
        self.second += seconds
        await asyncio.sleep(0)

    def minutes(self, instrument: FeedInstrument, first: datetime, end: datetime) -> Sequence[Bar]:
        self.asked.append((instrument.name, int(first.timestamp()) - AT, int(end.timestamp()) - AT))
        if instrument.key in self.broken:
            raise StoreBusyError("the charts do not answer")
        span = range(int(first.timestamp()) - 600, int(end.timestamp()) + 600, 60)
        known = [at for at in span if at in self.traded and at + 60 + self.late <= self.second]
        return [Bar(instrument.key, at, 1, 1, 1, 1, 0) for at in known]

    def play(self, doubts: Sequence[Doubt], seconds: int) -> None:
        async def run() -> None:
            stop = Stop()
            self.filler.put(doubts)
            running = asyncio.create_task(self.filler.run(stop))
            async with asyncio.timeout(10):
                while self.second < AT + seconds:  # noqa: ASYNC110  (the clock moves as the filler sleeps)
                    await asyncio.sleep(0)
            stop.say()
            await running

        asyncio.run(run())


def doubts(one: FeedInstrument, *places: int) -> list[Doubt]:
    return [Doubt(one.key, AT + 60 * place) for place in places]


def test_a_gap_is_one_question_and_takes_only_what_was_asked() -> None:
    stage = Stage()
    stage.play(doubts(INDEX, 0, 1, 2, 5), 700)
    assert stage.asked[-1][0] == "NIFTY"
    assert sorted(bar.opened_at - AT for bar in stage.bars) == [0, 60, 120, 300]
    assert stage.filler.open_minutes == 0


def test_a_minute_is_not_asked_for_before_it_is_over() -> None:
    stage = Stage()
    stage.play(doubts(INDEX, 3), 200)
    assert stage.asked == []
    assert stage.filler.open_minutes == 1


def test_charts_that_lag_are_asked_again_and_not_every_second() -> None:
    stage = Stage(after_end=120)
    stage.play(doubts(INDEX, 0), 400)
    assert [bar.opened_at for bar in stage.bars] == [AT]
    assert 5 <= len(stage.asked) <= 10
    assert stage.given_up == []


def test_a_minute_that_stays_absent_is_given_up_after_the_charts_settled() -> None:
    stage = Stage()
    stage.traded.clear()
    stage.play(doubts(INDEX, 0, 1), 500)
    assert [name for name, _ in stage.given_up] == ["NIFTY"] * len(stage.given_up)
    assert sorted(minute - AT for _, minutes in stage.given_up for minute in minutes) == [0, 60]
    assert stage.counts.of("gaps_empty") == 2


def test_charts_that_fail_are_asked_by_the_back_off_and_nothing_is_forgotten() -> None:
    stage = Stage()
    stage.broken = [INDEX.key, OPTION.key]
    stage.play(doubts(INDEX, 0), 1_000)
    assert stage.filler.open_minutes == 1
    assert len(stage.asked) < 60
    assert stage.counts.all()["gaps_failed{StoreBusyError}"] == len(stage.asked)


def test_one_instrument_that_fails_does_not_starve_the_others() -> None:
    stage = Stage()
    stage.broken = [INDEX.key]
    stage.play(doubts(INDEX, 0) + doubts(OPTION, 0), 300)
    assert [bar.key for bar in stage.bars] == [OPTION.key]
