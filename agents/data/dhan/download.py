"""Candles from Dhan into the store: each page whole or not at all, and what is there is not asked for again."""

import hashlib
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from agents.data.calendar import NseCalendar
from agents.data.candles import clean
from agents.data.dhan.charts import Page, Question
from agents.data.grid import as_date, ist_day
from agents.data.hours import DAILY
from agents.data.importer import candle_rows
from agents.data.issues import DROPPED
from agents.data.reading import RawCandles
from agents.data.store import Store
from agents.data.tables import insert_arrow
from agents.data.writing import insert_candles, with_source
from agents.domain.errors import ConfigError, MissingDataError
from agents.domain.market import Session
from agents.domain.values import IST, Frozen

if TYPE_CHECKING:
    import pyarrow as pa

_log = logging.getLogger(__name__)

Progress = Callable[[int, int], None]
SETTLES = timedelta(minutes=15)  # just after a session its last candles may still be missing
STILL_COMING = timedelta(days=7)


class DownloadReport(Frozen):
    """What a download did.

    `sessions` were asked for, of which `sessions_there` had been downloaded before; `missing` have no candle at Dhan.
    """

    instrument: str
    minutes: int
    first: date
    last: date
    sessions: int
    sessions_there: int
    pages: int
    added: int
    there: int
    dropped: int
    conflicts: int
    issues: dict[str, int]
    missing: tuple[date, ...]


@dataclass
class _Sums:
    pages: int = 0
    read: int = 0
    added: int = 0
    there: int = 0
    dropped: int = 0
    conflicts: int = 0
    issues: dict[str, int] = field(default_factory=dict)
    seen: set[date] = field(default_factory=set)


class CandleDownload:
    """Downloads of one instrument.

    Parameters
    ----------
    store : Store
        Where to.
    calendar : NseCalendar
        When the exchange was open.
    fetch : callable
        Returns the candles that a `Question` asks for; `MissingDataError` where there are none.
    source : str
        What the candles' ``source`` says.
    days : int
        How many days one question may have.
    """

    def __init__(
        self, store: Store, calendar: NseCalendar, fetch: Callable[[Question], RawCandles], *, source: str, days: int
    ) -> None:
        self._store = store
        self._calendar = calendar
        self._fetch = fetch
        self._source = source
        self._days = days

    def run(
        self, name: str, minutes: int, dates: Page, now: datetime, on_progress: Progress | None = None
    ) -> DownloadReport:
        """Download what is not there yet.

        Parameters
        ----------
        name : str
            The instrument.
        minutes : int
            Interval of the candles.
        dates : Page
            First and last date, as many as you like.
        now : datetime
            The market's present; later candles are left for another time.
        on_progress : callable, optional
            Called with sessions done and sessions in all.

        Raises
        ------
        ConfigError
            If no session lies in those dates.
        MissingDataError
            If Dhan has no candle in all of them.
        """
        sessions = self._sessions(minutes, dates, now)
        done = self._noted(name, minutes)
        wanted = [each for each in sessions if each.on not in done]
        sums = _Sums()
        for page in _pages([each.on for each in wanted], self._days):
            asked = [each for each in wanted if page.first <= each.on <= page.last]
            self._one(Question(name, minutes, page, now), asked, sums)
            if on_progress:
                finished = len(sessions) - sum(each.on > page.last for each in wanted)
                on_progress(finished, len(sessions))
        if wanted and not sums.read and len(wanted) == len(sessions):
            raise MissingDataError(
                f"Dhan has no candles of {name} from {dates.first} to {dates.last}; was it traded then?"
            )
        return DownloadReport(
            instrument=name,
            minutes=minutes,
            first=dates.first,
            last=dates.last,
            sessions=len(sessions),
            sessions_there=len(sessions) - len(wanted),
            pages=sums.pages,
            added=sums.added,
            there=sums.there,
            dropped=sums.dropped,
            conflicts=sums.conflicts,
            issues=dict(sorted(sums.issues.items())),
            missing=tuple(each.on for each in wanted if each.on not in sums.seen),
        )

    def _one(self, question: Question, asked: Sequence[Session], sums: _Sums) -> None:
        """Download one page, store it in one transaction, and note the sessions that need not be asked for again."""
        sums.pages += 1
        try:
            raw = self._fetch(question)
        except MissingDataError:
            _log.info("%s: Dhan says that there are none", question)
            return
        if not len(raw.opened):
            return
        sums.read += len(raw.opened)
        sums.seen |= {as_date(day) for day in ist_day(raw.opened)}
        self._write(question, raw, asked, sums)

    def _write(self, question: Question, raw: RawCandles, asked: Sequence[Session], sums: _Sums) -> None:
        sql = "select instrument, tick_size from instruments"
        known: dict[str, Decimal] = dict(self._store.rows(sql)) if self._store.exists else {}
        done, log = clean(raw, self._calendar, minutes=question.minutes, tick_sizes=known)
        label = _label(question.name, question.minutes)
        page = f"{label}{question.page.first}..{question.page.last}"
        table, issues = with_source(candle_rows(done), self._source), log.arrow(page)
        settled = _settled(asked, _whole_sessions(raw, issues), question.now)
        with self._store.write() as connection:
            stamp = self._store.now()
            added = insert_candles(connection, done.instruments, table, source=self._source, stamp=stamp)
            connection.execute("delete from data_issues where source = ?", [page])
            insert_arrow(connection, "data_issues", issues, stamp=stamp)
            if settled is not None:
                note = f"{label}{question.page.first}..{settled}"
                digest = hashlib.sha256(note.encode()).hexdigest()
                connection.execute("delete from imports where content_hash = ?", [digest])
                row = [digest, note, len(raw.opened), added.added, len(log), stamp]
                connection.execute("insert into imports values (?, ?, ?, ?, ?, ?)", row)
        sums.added += added.added
        sums.there += added.there
        sums.conflicts += added.conflicts
        sums.dropped += log.actions().get(DROPPED, 0)
        if holes := log.counts().get("missing_candle", 0):
            _log.warning("%s: %d stretches of minutes are missing; they are asked for again", question, holes)
        for rule, count in log.counts().items():
            sums.issues[rule] = sums.issues.get(rule, 0) + count

    def _sessions(self, minutes: int, dates: Page, now: datetime) -> list[Session]:
        """Return the sessions that can have candles by now. Raises `ConfigError` if there are none."""
        today = now.astimezone(IST).date()
        last = min(dates.last, today - timedelta(days=1) if minutes == DAILY else today)
        found = [each for each in self._calendar.sessions(dates.first, last) if each.open_at < now]
        if not found:
            raise ConfigError(
                f"no session has begun between {dates.first} and {dates.last}; today is {today}: check the dates"
            )
        return found

    def _noted(self, name: str, minutes: int) -> set[date]:
        """Return the sessions that were downloaded before and are complete."""
        if not self._store.exists:
            return set()
        label = _label(name, minutes)
        rows = self._store.rows("select name from imports where starts_with(name, ?)", [label])
        found: set[date] = set()
        for (text,) in rows:
            first, _, last = str(text).removeprefix(label).partition("..")
            found |= set(self._calendar.days(date.fromisoformat(first), date.fromisoformat(last)))
        return found


def _whole_sessions(raw: RawCandles, issues: "pa.Table") -> set[date]:
    """Return the sessions that have candles, and none missing."""
    found = {as_date(day) for day in ist_day(raw.opened)}
    rules, sessions = issues["rule"].to_pylist(), issues["session"].to_pylist()
    return found - {on for rule, on in zip(rules, sessions, strict=True) if rule == "missing_candle"}


def _settled(asked: Sequence[Session], whole: set[date], now: datetime) -> date | None:
    """Return the last session up to which nothing more can come: all closed, and those with holes long past."""
    settled = None
    for session in asked:
        over = now >= session.derivatives_close_at + SETTLES
        if not over or (session.on not in whole and now - session.close_at < STILL_COMING):
            break
        settled = session.on
    return settled


def _pages(days: Sequence[date], most: int) -> Iterator[Page]:
    """Yield pages of at most `most` calendar days that hold all of `days`, oldest first."""
    start = 0
    while start < len(days):
        limit = days[start] + timedelta(days=most - 1)
        end = start
        while end + 1 < len(days) and days[end + 1] <= limit:
            end += 1
        yield Page(days[start], days[end])
        start = end + 1


def _label(name: str, minutes: int) -> str:
    """Return what the notes of downloads of an instrument begin with."""
    return f"dhan:{name}:{minutes}m:"
