"""The process of the live feed: from the exchange's wire into the store, with a word about its health all the time."""

import asyncio
import logging
import os
import random
import signal
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from agents.bootstrap import open_data_agent
from agents.data.agent import DataCollectionAgent
from agents.data.calendar import NseCalendar
from agents.data.clock import ClockFile, market_clock
from agents.data.feed.live import FeedLimits
from agents.data.feed.pace import Delay, Pace, Why
from agents.data.feed.thread import FeedThread
from agents.data.feed.watch import Watch
from agents.data.metrics import MetricWriter
from agents.domain.errors import ConfigError, TradingError
from agents.ops.logs import configure_logs
from agents.settings import Settings
from zonedesk.following import Following
from zonedesk.health import FeedHealth
from zonedesk.home import DeskHome
from zonedesk.shell import wall_now

LOOK_EVERY = 0.25
CHORES_EVERY = 1.0
MEASURE_EVERY = timedelta(seconds=5)
LONGEST_PAUSE = 5.0
_log = logging.getLogger(__name__)

# On this machine nobody is spared by a long wait, and everybody waits for the desk to be whole again.
_PACE = Pace(
    delays={
        Why.LOST: Delay(0.5, 3.0),
        Why.STALE: Delay(0.5, 3.0),
        Why.BUSY: Delay(5.0, 60.0),
        Why.CREDENTIALS: Delay(5.0, 60.0),
        Why.REFUSED: Delay(5.0, 60.0),
    },
    open_within=5.0,
    settled_after=10.0,
)


def paper_watch(speed: int) -> Watch:
    """Return how old the feed may be in a market that runs `speed` times as fast: the same in real seconds."""
    return Watch(NseCalendar(), stale_after=timedelta(seconds=3 * speed), leave_after=timedelta(seconds=10 * speed))


class FeedProcess:
    """The feed of one desk from its start to its stop.

    Parameters
    ----------
    settings : Settings
        In paper mode.
    report : callable
        Is told in one sentence what happened.
    """

    def __init__(self, settings: Settings, report: Callable[[str], None]) -> None:
        self._settings = settings
        self._report = report
        self._home = DeskHome.of(settings)
        index = settings.instruments[0]
        self._linear = [index, settings.futures[index]]
        self._clock = market_clock(settings, NseCalendar())
        self._speed = ClockFile.read(self._home.clock_path).speed
        self._watch = paper_watch(self._speed)
        self._feed: FeedThread | None = None
        self._following: Following | None = None
        self._trouble = ""
        self._failure: BaseException | None = None
        self._packets = 0
        self._heard_at: datetime | None = None
        self._metrics = MetricWriter(settings.ops_path, wall_now)
        self._measured_at: datetime | None = None

    def run(self, stop: threading.Event) -> None:
        """Run until `stop` is set. Raises `TradingError` if the feed ended by a fault, and as `open_data_agent`."""
        chores = threading.Thread(target=self._chores, args=(stop,), name="chores", daemon=True)
        chores.start()
        while not stop.is_set() and chores.is_alive():
            health = self._health()
            health.write(self._home.feed_path)
            self._measure(health)
            stop.wait(LOOK_EVERY)
        stop.set()
        chores.join(LONGEST_PAUSE)
        if self._feed is not None:
            self._feed.stop()
        self._metrics.close()
        if self._failure is not None:
            raise self._failure

    def _chores(self, stop: threading.Event) -> None:
        """Connect, and keep the subscriptions level; what the exchange does not answer is asked again."""
        pause = LOOK_EVERY
        while not stop.is_set():
            try:
                self._step()
                pause = CHORES_EVERY
                self._say("")
            except TradingError as error:
                if isinstance(error, ConfigError) or (self._feed is not None and not self._feed.running):
                    self._failure = error
                    return
                self._say(str(error))
                pause = min(pause * 2.0, LONGEST_PAUSE)
            stop.wait(pause)

    def _step(self) -> None:
        if self._feed is None or self._following is None:
            agent = open_data_agent(
                self._settings, now=wall_now, sleep=time.sleep, jitter=random.random, metrics=self._metrics
            )
            self._feed = self._connect(agent)
            self._following = Following(agent, self._feed, self._linear)
        self._feed.state()  # raises where it has ended
        self._following.step()

    def _connect(self, agent: DataCollectionAgent) -> FeedThread:
        rng = random.Random(os.getpid())  # noqa: S311  (jitter)
        limits = FeedLimits(pace=_PACE, watch=self._watch, patience=10 * self._speed)
        feed = agent.start_live_feed(*self._linear, rng=rng, sleep=asyncio.sleep, limits=limits)
        self._report(f"following {', '.join(self._linear)} at {agent.dhan.reader.wire.address.rest}")
        return feed

    def _say(self, trouble: str) -> None:
        """Tell of a trouble once, and of its end."""
        if trouble != self._trouble:
            self._report(trouble or "the exchange answers again")
        self._trouble = trouble

    def _measure(self, health: FeedHealth) -> None:
        """Keep, now and then, whether the feed is connected and how long it has been silent."""
        now = health.written_at
        if self._measured_at is not None and now - self._measured_at < MEASURE_EVERY:
            return
        self._measured_at = now
        self._metrics.record("agent_up", float(health.connected), agent="feed")
        if self._heard_at is not None:
            self._metrics.record("feed_age_seconds", (now - self._heard_at).total_seconds(), stream="market")

    def _health(self) -> FeedHealth:
        said = FeedHealth(pid=os.getpid(), written_at=wall_now(), trouble=self._trouble)
        feed, following = self._feed, self._following
        if feed is None or not feed.running:
            return said
        packets = feed.counts.of("feed_packets")
        if packets != self._packets:
            self._packets, self._heard_at = packets, said.written_at
        state = feed.state()
        return said.model_copy(
            update={
                "heard_at": self._heard_at,
                "newest_trade_at": state.newest_trade_at,
                "age_seconds": state.age_seconds,
                "connected": state.connected,
                "expected": self._watch.expects(self._clock.now(), derivatives=True),
                "stale": state.stale,
                "trouble": self._trouble or ("" if state.connected else state.trouble),
                "instruments": following.instruments if following else 0,
                "unanswered": state.unanswered,
                "open_minutes": feed.open_minutes,
                "counts": feed.counts.all(),
            }
        )


def run_feed(settings: Settings, report: Callable[[str], None]) -> None:
    """Run the feed of the paper desk until the process is asked to end.

    Raises
    ------
    ConfigError
        If there is no desk here, or a person must act before its exchange answers.
    DataError
        If the feed has ended by a fault; another one may be started.
    """
    configure_logs(settings, "feed")
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: stop.set())
    if settings.mode != "paper":
        raise ConfigError(f"the feed follows the paper exchange and not {settings.mode}; leave --mode out")
    FeedProcess(settings, report).run(stop)
