"""The present: the machine's clock, a replay's, or the simulated market's.

The simulated market lives in past sessions and goes through them one after the other without nights and weekends, so
that there is always something to see. While the desk is off it stands still. It never runs out of sessions: where it
has caught up with today it goes on into the calendar's next ones.
"""

import threading
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from pydantic import AwareDatetime, ConfigDict, ValidationError

from agents.domain.candles import epoch, moment
from agents.domain.errors import ConfigError
from agents.domain.market import ANALYSIS_MINUTES, Session
from agents.domain.values import IST, Frozen
from agents.ports import Calendar, Clock
from agents.settings import Settings

CLOCK_FILE = "clock.json"
AFTER_CLOSE_SECONDS = 15 * 60  # shown after each session, so that its last candle is analysed on its own date
MINUTE = 60
_A_MONTH = timedelta(days=30)


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the present in UTC."""
        return datetime.now(UTC)


class ReplayClock:
    """A clock that someone sets. It refuses to go back."""

    def __init__(self, start: datetime) -> None:
        self._now = start

    def now(self) -> datetime:
        """Return the moment that was set last."""
        return self._now

    def set(self, now: datetime) -> None:
        """Move to `now`. Raises `ValueError` if that lies before the present."""
        if now < self._now:
            raise ValueError(f"the clock shows {self._now} and cannot go back to {now}; start a new one")
        self._now = now


class ClockFile(Frozen):
    """What is written in ``clock.json``: at `anchor_wall` the market shows `anchor_market`.

    Before and after, while `running`, it moves `speed` times as fast as the wall clock, but it never shows less than
    `resumed_at`, where the desk left it. Market `seed` began at the session `origin_on`.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)  # older desks wrote where the market ends

    anchor_wall: AwareDatetime
    anchor_market: AwareDatetime
    resumed_at: AwareDatetime
    speed: int
    seed: int
    origin_on: date
    running: bool = True

    @classmethod
    def read(cls, path: Path) -> "ClockFile":
        """Return the file's content. Raises `ConfigError` if it is missing or damaged."""
        try:
            return cls.model_validate_json(path.read_bytes())
        except FileNotFoundError as error:
            raise ConfigError(f"there is no market clock at {path}; start the desk with `zonedesk up`") from error
        except (OSError, ValidationError) as error:
            cure = "remove the file and start the desk with `zonedesk up`"
            raise ConfigError(f"the market clock {path} cannot be read; {cure}") from error

    def write(self, path: Path) -> None:
        """Replace the file in one step, so that no reader sees half of it."""
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".tmp")
        draft.write_text(self.model_dump_json(indent=2) + "\n", encoding="utf-8")
        draft.replace(path)


class OpenTime:
    """The hours in which the market lives, laid end to end: a moment is a number of seconds since the first open.

    Sessions are taken only as far as they are needed; threads may share one.

    Parameters
    ----------
    sessions : iterable of Session
        In order, at least one, without an end if need be.
    """

    def __init__(self, sessions: Iterable[Session]) -> None:
        self._coming = iter(sessions)
        self._lock = threading.Lock()
        self._closes: list[int] = []
        self._starts: list[int] = []
        self._ends: list[int] = []
        self._before = [0]
        if not self._more():
            raise ValueError("the simulated market needs at least one session")

    def position(self, at: datetime) -> float:
        """Return the seconds lived through by `at`; a closed hour counts as the close before it."""
        with self._lock:
            while self._ends[-1] < at.timestamp() and self._more():
                pass
            span = bisect_right(self._starts, at.timestamp()) - 1
            if span < 0:
                return 0.0
            return self._before[span] + min(at.timestamp(), self._ends[span]) - self._starts[span]

    def moment(self, position: float) -> datetime:
        """Return the market's moment after so many seconds; at the end of a span the next one has opened."""
        with self._lock:
            while self._before[-1] <= position and self._more():
                pass
            inside = min(max(position, 0.0), float(self._before[-1]))
            span = min(bisect_right(self._before, inside) - 1, len(self._starts) - 1)
            return datetime.fromtimestamp(self._starts[span] + inside - self._before[span], tz=IST)

    def next_closes(self, after: datetime) -> list[datetime]:
        """Return when the next two analysis candles close after `after`."""
        with self._lock:
            while bisect_right(self._closes, after.timestamp()) + 2 > len(self._closes) and self._more():
                pass
            first = bisect_right(self._closes, after.timestamp())
            return [moment(close) for close in self._closes[first : first + 2]]

    def _more(self) -> bool:
        """Take one more session in; return whether there was one."""
        session = next(self._coming, None)
        if session is None:
            return False
        self._closes += [epoch(close) for close in session.closes(ANALYSIS_MINUTES)]
        for start, end in _spans(session):
            self._starts.append(start)
            self._ends.append(end)
            self._before.append(self._before[-1] + end - start)
        return True


def _spans(session: Session) -> list[tuple[int, int]]:
    """Return the stretches of a session that the market lives through, the last one lengthened beyond the close."""
    spans = [(epoch(segment.open_at), epoch(segment.close_at)) for segment in session.segments]
    return [*spans[:-1], (spans[-1][0], spans[-1][1] + AFTER_CLOSE_SECONDS)]


class SimulatedMarketClock:
    """The market's clock as ``clock.json`` describes it, in every process the same.

    Parameters
    ----------
    path : Path
        The file; it is read again whenever it changes.
    calendar : Calendar
        Which sessions there are.
    wall : callable
        Returns the wall clock's present, aware.
    """

    def __init__(self, path: Path, calendar: Calendar, wall: Callable[[], datetime] | None = None) -> None:
        self._path = path
        self._calendar = calendar
        self._wall = wall or SystemClock().now
        self._stamp = (0, 0)
        self._latest = datetime.min.replace(tzinfo=UTC)
        self._load()

    @property
    def file(self) -> ClockFile:
        """What the file says now."""
        self._load()
        return self._file

    @property
    def speed(self) -> int:
        """Market seconds per second."""
        return self.file.speed

    def now(self) -> datetime:
        """Return the market's present in IST; it never goes back."""
        self._load()
        self._latest = max(self._latest, self.at_wall(self._wall()))
        return self._latest

    def at_wall(self, wall: datetime) -> datetime:
        """Return the market's moment when the wall clock shows `wall`."""
        file, time = self.file, self._open_time
        here = time.position(file.resumed_at)
        if file.running:
            here = max(here, time.position(file.anchor_market) + (wall - file.anchor_wall).total_seconds() * file.speed)
        return time.moment(here)

    def wall_at(self, market: datetime) -> datetime:
        """Return when the wall clock shows the moment at which the market reaches `market`."""
        ahead = self._open_time.position(market) - self._open_time.position(self.file.anchor_market)
        return self._file.anchor_wall + timedelta(seconds=ahead / self._file.speed)

    def _load(self) -> None:
        try:
            stat = self._path.stat()
            stamp = (stat.st_mtime_ns, stat.st_ino)
        except FileNotFoundError:
            stamp = (-1, -1)
        if stamp != self._stamp:
            self._file = ClockFile.read(self._path)
            self._open_time = open_time(self._file, self._calendar)
            self._stamp = stamp


def open_time(file: ClockFile, calendar: Calendar) -> OpenTime:
    """Return the hours from the session in which the market resumed on, without an end."""
    return OpenTime(_sessions_from(file.resumed_at.astimezone(IST).date(), calendar))


def _sessions_from(first: date, calendar: Calendar) -> Iterator[Session]:
    while True:
        last = first + _A_MONTH
        yield from calendar.sessions(first, last)
        first = last + timedelta(days=1)


def anchored(file: ClockFile, calendar: Calendar, wall_now: datetime, market: datetime) -> ClockFile:
    """Return the clock that goes on from `market` at `wall_now`, its candles closing on whole wall minutes.

    It may skip up to a wall minute's worth of market time to get into step, never go back. Where candles do not last
    whole wall minutes nothing is skipped.
    """
    still = file.model_copy(
        update={"anchor_wall": wall_now, "anchor_market": market, "resumed_at": market, "running": True}
    )
    if ANALYSIS_MINUTES % file.speed:
        return still
    time = open_time(still, calendar)
    for close in time.next_closes(market):
        meets = wall_now + timedelta(seconds=(time.position(close) - time.position(market)) / file.speed)
        meets = datetime.fromtimestamp(meets.timestamp() // MINUTE * MINUTE, tz=UTC)
        if meets > wall_now:
            return still.model_copy(update={"anchor_wall": meets, "anchor_market": close})
    return still


def market_clock(settings: Settings, calendar: Calendar) -> Clock:
    """Return the clock of this mode: the simulated market's where paper has one, the machine's otherwise."""
    path = settings.home / CLOCK_FILE
    if settings.mode == "paper" and path.is_file():
        return SimulatedMarketClock(path, calendar)
    return SystemClock()
