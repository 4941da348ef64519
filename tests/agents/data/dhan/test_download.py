"""Downloads: whole pages, resumed, repeated, with holes."""

from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from agents.data.calendar import NseCalendar
from agents.data.dhan.charts import Page, Question
from agents.data.dhan.download import CandleDownload
from agents.data.dhan.errors import DhanUnavailableError
from agents.data.reading import RawCandles
from agents.data.store import Store
from agents.domain.candles import epoch
from agents.domain.errors import ConfigError, MissingDataError
from agents.domain.values import IST

CALENDAR = NseCalendar()
OPTION = "NIFTY26112425650CE"  # an option need not trade every minute
NOON = datetime(2026, 10, 1, 12, 0, tzinfo=IST)
YEAR = Page(date(2026, 1, 1), date(2026, 10, 1))


class Charts:
    """Dhan's charts: one candle at the open of every session, except where it has none or fails."""

    def __init__(self) -> None:
        self.asked: list[Page] = []
        self.holes: set[date] = set()
        self.fails_at = 0

    def fetch(self, question: Question) -> RawCandles:
        self.asked.append(question.page)
        if len(self.asked) == self.fails_at:
            raise DhanUnavailableError("the server is down; ask again later")
        sessions = CALENDAR.sessions(question.page.first, question.page.last)
        opened = [epoch(each.open_at) for each in sessions if each.on not in self.holes and each.open_at < question.now]
        if not opened:
            raise MissingDataError("no data present")
        count = len(opened)
        return RawCandles(
            names=(question.name,),
            code=np.zeros(count, dtype=np.int64),
            opened=np.array(opened, dtype=np.int64),
            prices=np.tile([100.0, 101.0, 99.0, 100.5], (count, 1)),
            volume=np.full(count, 65.0),
            open_interest=np.full(count, np.nan),
            facts={},
            priced=True,
        )


@pytest.fixture
def charts() -> Charts:
    return Charts()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "market.duckdb", "replay", now=lambda: NOON)


@pytest.fixture
def download(charts: Charts, store: Store) -> CandleDownload:
    return CandleDownload(store, CALENDAR, charts.fetch, source="dhan", days=90)


def stored(store: Store) -> int:
    return int(store.rows("select count(*) from candles")[0][0])


def test_no_page_is_longer_than_dhan_allows_and_none_overlap(download: CandleDownload, charts: Charts) -> None:
    steps: list[tuple[int, int]] = []
    report = download.run(OPTION, 1, YEAR, NOON, lambda *step: steps.append(step))
    sessions = len(CALENDAR.days(YEAR.first, YEAR.last))
    assert (report.sessions, report.added, report.pages, report.missing) == (sessions, sessions, 4, ())
    assert max((page.last - page.first).days for page in charts.asked) < 90
    assert [page.first for page in charts.asked] == sorted(page.first for page in charts.asked)
    assert steps[-1] == (sessions, sessions)


def test_a_repeated_download_asks_only_for_the_session_that_goes_on(
    download: CandleDownload, charts: Charts, store: Store
) -> None:
    before = download.run(OPTION, 1, YEAR, NOON)
    charts.asked.clear()
    again = download.run(OPTION, 1, YEAR, NOON)
    assert charts.asked == [Page(NOON.date(), NOON.date())]
    assert (again.added, again.there, again.sessions_there) == (0, 1, before.sessions - 1)
    after_close = NOON.replace(hour=16)
    download.run(OPTION, 1, YEAR, after_close)
    charts.asked.clear()
    assert download.run(OPTION, 1, YEAR, after_close).sessions_there == before.sessions
    assert charts.asked == []
    assert stored(store) == before.sessions


def test_a_stopped_download_goes_on_where_it_stopped(download: CandleDownload, charts: Charts, store: Store) -> None:
    charts.fails_at = 3
    with pytest.raises(DhanUnavailableError):
        download.run(OPTION, 1, YEAR, NOON)
    kept = stored(store)
    assert kept > 0
    failed = charts.asked[-1]
    charts.asked.clear()
    report = download.run(OPTION, 1, YEAR, NOON)
    assert charts.asked[0].first == failed.first
    assert report.sessions_there == kept
    assert stored(store) == report.sessions


def test_sessions_without_candles_are_named_and_recent_ones_asked_for_again(
    download: CandleDownload, charts: Charts
) -> None:
    charts.holes = {date(2026, 3, 4), date(2026, 9, 29)}
    assert download.run(OPTION, 1, YEAR, NOON).missing == (date(2026, 3, 4), date(2026, 9, 29))
    charts.asked.clear()
    charts.holes.clear()
    report = download.run(OPTION, 1, YEAR, NOON)
    assert charts.asked == [Page(date(2026, 9, 29), NOON.date())]
    assert report.missing == ()


def test_nothing_at_all_is_an_error_and_is_not_remembered(
    download: CandleDownload, charts: Charts, store: Store
) -> None:
    charts.holes = set(CALENDAR.days(YEAR.first, YEAR.last))
    for _ in range(2):
        with pytest.raises(MissingDataError, match="NIFTY26112425650CE"):
            download.run(OPTION, 1, YEAR, NOON)
    assert not store.exists


def test_intervals_and_instruments_are_remembered_apart(download: CandleDownload, charts: Charts) -> None:
    week = Page(date(2026, 9, 21), date(2026, 9, 25))
    for name, minutes in ((OPTION, 1), (OPTION, 15), ("NIFTY26112425700CE", 1)):
        assert download.run(name, minutes, week, NOON).sessions_there == 0
    assert len(charts.asked) == 3


def test_dates_without_a_session_are_refused(download: CandleDownload) -> None:
    with pytest.raises(ConfigError, match="no session"):
        download.run(OPTION, 1, Page(date(2026, 9, 26), date(2026, 9, 27)), NOON)
    with pytest.raises(ConfigError, match="today is 2026-10-01"):
        download.run(OPTION, 1, Page(date(2026, 10, 5), date(2026, 10, 9)), NOON)


def test_a_later_value_is_a_conflict_and_the_first_is_kept(
    download: CandleDownload, charts: Charts, store: Store
) -> None:
    today = Page(NOON.date(), NOON.date())
    download.run(OPTION, 1, today, NOON)
    before = charts.fetch

    def changed(question: Question) -> RawCandles:
        raw = before(question)
        raw.prices[:] += 1.0
        return raw

    other = CandleDownload(store, CALENDAR, changed, source="dhan", days=90)
    assert other.run(OPTION, 1, today, NOON + timedelta(minutes=1)).conflicts == 1
    assert store.rows("select close from candles") == [(2010,)]
