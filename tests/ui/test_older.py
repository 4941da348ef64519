import threading
from datetime import UTC, datetime, timedelta

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from agents.settings import Settings
from ui import older
from ui.api import routes
from ui.candles import DAY_SECONDS, IST_SECONDS, OPENING_SECONDS, TIMEFRAMES, grouped, shown
from ui.hub import Hub
from ui.older import older_candles
from ui.queries import snapshot
from ui.snapshot import ChartCandle, Snapshot

NINE = 1_795_000_500 // DAY_SECONDS * DAY_SECONDS + OPENING_SECONDS - IST_SECONDS  # an opening in India


@pytest.fixture(scope="module")
def seen(noon: Settings) -> Snapshot:
    return snapshot(noon, "NIFTY")


@pytest.fixture(scope="module")
def client(noon: Settings) -> TestClient:
    return TestClient(Starlette(routes=list(routes(Hub(noon), threading.Event()))))


@pytest.mark.parametrize("minutes", TIMEFRAMES.values())
def test_older_candles_are_those_that_the_chart_would_show(noon: Settings, seen: Snapshot, minutes: int) -> None:
    candles = shown(seen.candles, seen.minutes, minutes)
    cut = len(candles) * 2 // 3
    found = older_candles(noon, minutes, candles[cut].opened_at, seen.now).candles
    known = {candle.opened_at: candle for candle in candles[:cut]}
    both = [candle for candle in found if candle.opened_at in known]
    assert len(both) == min(len(known), older.MOST_CANDLES)
    prices = [(c.open, c.high, c.low, c.close) for c in both]
    assert prices == [(k.open, k.high, k.low, k.close) for k in (known[c.opened_at] for c in both)]


def test_a_page_of_older_candles_leads_to_the_next_one(
    noon: Settings, seen: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = older_candles(noon, 15, seen.candles[-1].opened_at, seen.now)
    assert not whole.more
    monkeypatch.setattr(older, "MOST_CANDLES", 40)
    found: list[ChartCandle] = []
    before, more = seen.candles[-1].opened_at, True
    while more:
        page = older_candles(noon, 15, before, seen.now)
        found = [*page.candles, *found]
        before, more = found[0].opened_at, page.more
    assert found == list(whole.candles)
    assert sum(candle.volume for candle in found) > 0


def test_nothing_comes_that_had_not_closed_by_now(noon: Settings, seen: Snapshot) -> None:
    then = seen.now - timedelta(hours=26)
    found = older_candles(noon, 15, int(seen.now.timestamp()) + DAY_SECONDS, then).candles
    assert max(candle.closed_at for candle in found) <= then.timestamp()


def test_the_route_answers_with_rows_or_says_what_is_wrong(client: TestClient, seen: Snapshot) -> None:
    reply = client.get(f"/api/older?minutes=15&before={seen.candles[-1].opened_at}").json()
    assert reply["more"] is False
    assert reply["candles"][0][0] < reply["candles"][-1][0] < seen.candles[-1].opened_at
    for wrong in ("minutes=15", "minutes=15&before=x", "minutes=7&before=1", f"minutes=15&before={'9' * 30}"):
        assert client.get(f"/api/older?{wrong}").status_code == 400


def test_a_store_that_is_not_there_is_said(tmp_path_factory: pytest.TempPathFactory) -> None:
    settings = Settings(mode="replay", data_dir=tmp_path_factory.mktemp("nothing"))
    alone = TestClient(Starlette(routes=list(routes(Hub(settings), threading.Event()))))
    reply = alone.get("/api/older?before=1795000500")
    assert reply.status_code == 503
    assert "zonedesk" in reply.text


def candle(at: int) -> ChartCandle:
    return ChartCandle(at, at + 900, 1, 2, 0.5, 1.5, 10)


def test_a_day_or_step_that_begins_in_its_middle_is_left_out() -> None:
    late = [candle(NINE + 900 * n) for n in range(3, 25)]
    next_day = [candle(NINE + DAY_SECONDS + 900 * n) for n in range(2)]
    assert [c.opened_at for c in grouped([*late, *next_day], DAY_SECONDS, whole=True)] == [NINE + DAY_SECONDS]
    assert [c.opened_at for c in grouped(late, DAY_SECONDS, whole=True)] == [late[0].opened_at]
    assert [c.opened_at for c in grouped([*late, *next_day], DAY_SECONDS)] == [late[0].opened_at, NINE + DAY_SECONDS]
    full = [candle(NINE + 900 * n) for n in range(25)]
    assert len(grouped([*full, *next_day], DAY_SECONDS, whole=True)) == 2


def test_the_moment_is_in_india() -> None:
    assert (datetime.fromtimestamp(NINE, UTC) + timedelta(seconds=IST_SECONDS)).strftime("%H:%M") == "09:15"
