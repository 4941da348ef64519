import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from agents.data.store import Store
from agents.settings import Settings
from pipelines.run import materialize_range
from tests.ui.pages import opened, texts
from ui.chart import chart_data
from ui.palette import STANDARD, palette
from ui.queries import snapshot
from zonedesk.market import simulate_history
from zonedesk.shell import wall_now

COLOURS = palette(STANDARD, "dark")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Eight simulated and analysed sessions, without a market clock."""
    settings = Settings(mode="replay", data_dir=tmp_path_factory.mktemp("dashboard"), judge="rules")
    store = Store(settings.store_path, "replay", now=wall_now)
    report = simulate_history(store, "NIFTY", sessions=8, seed=7, future="NIFTY-I")
    materialize_range(settings, ["NIFTY"], report.first, report.last)
    at = datetime(report.last.year, report.last.month, report.last.day, 6, 0, tzinfo=UTC)
    with store.write() as connection:
        connection.execute(
            "insert into cycles values ('c1', 'NIFTY', ?, ?, 'skip', 'price_away', null, null, ?, ?)",
            [report.last, at, json.dumps({"detail": "57.10 from the nearest"}), at],
        )
    return settings


def page(monkeypatch: pytest.MonkeyPatch, folder: Path) -> AppTest:
    return opened(monkeypatch, folder, mode="replay")


def test_the_page_shows_mode_zones_and_cycles(home: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = page(monkeypatch, home.data_dir)
    assert not shown.exception
    words = texts(shown)
    assert "REPLAY" in words
    assert "NIFTY 2" in words
    zones = next(each.proto.body for each in shown.get("html") if "Live zones (" in each.proto.body)
    assert ">rules</td>" in zones
    assert not list(shown.dataframe)  # the browser would load its bundle before it draws the chart
    assert "price is not near a high-confidence zone (57.10 from the nearest)" in words
    assert len(shown.get("bidi_component")) == 1


def test_an_empty_folder_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = page(monkeypatch, tmp_path)
    assert not shown.exception
    words = texts(shown)
    assert "zonedesk simulate" in words
    assert "No cycle yet" in words
    assert "NOT STARTED" in words


def test_every_time_frame_can_be_shown(home: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = page(monkeypatch, home.data_dir)
    for frame in ("3 min", "Day"):
        shown.session_state["timeframe"] = frame
        shown.run()
        assert not shown.exception


def test_the_chart_gets_rupees_and_zones_that_begin_at_a_candle(home: Settings) -> None:
    shown = snapshot(home, "NIFTY")
    data = chart_data(shown, COLOURS, layers=("gap", "order block"))
    opened_at = [candle[0] for candle in data["candles"]]
    assert opened_at == sorted(set(opened_at))
    assert all(low <= min(o, c) <= max(o, c) <= high for _, o, high, low, c, _ in data["candles"])
    assert sum(candle[5] for candle in data["candles"]) > 0
    assert data["zones"]
    assert data["bands"]
    assert all(zone["from"] in opened_at for zone in [*data["zones"], *data["bands"]])
    assert all(20_000 < zone["low"] <= zone["high"] < 30_000 for zone in data["zones"])
    profile = data["profile"]
    assert profile["val"] <= profile["poc"] <= profile["vah"]
    assert shown.profile is not None
    assert {
        profile["first"] + number * profile["row_height"]: each for number, each in enumerate(profile["volumes"])
    } == {low: round(volume) for low, volume in shown.profile.rows}
    assert json.loads(json.dumps(data)) == data


def test_gaps_are_drawn_on_demand_only(home: Settings) -> None:
    assert chart_data(snapshot(home, "NIFTY"), COLOURS)["bands"] == []


def test_nothing_is_shown_after_the_asked_moment(home: Settings) -> None:
    whole = snapshot(home, "NIFTY")
    at = datetime.fromtimestamp(whole.candles[-30].closed_at, UTC)
    then = snapshot(home, "NIFTY", at=at)
    end = at.timestamp()
    assert then.now == at
    assert max(candle.closed_at for candle in then.candles) <= end
    assert max(band.known_at for band in then.bands) <= end
    assert all(verdict.at <= at for verdict in then.verdicts)
    assert all(cycle.at <= at for cycle in then.cycles)
    assert then.analysis is not None
    assert then.analysis.bar_at <= at
    assert len(then.candles) < len(whole.candles)


def test_the_rolling_profile_adds_up_to_its_stored_total(home: Settings) -> None:
    shown = snapshot(home, "NIFTY")
    store = Store(home.store_path, "replay", now=wall_now)
    ((total,),) = store.rows(
        "select arg_max(total_volume, known_at) from volume_profile where instrument = 'NIFTY' and scope = 'rolling'"
    )
    assert shown.profile is not None
    assert sum(volume for _, volume in shown.profile.rows) == pytest.approx(total, rel=1e-6)


def test_a_chart_without_candles_is_empty_not_wrong(home: Settings) -> None:
    bare = replace(snapshot(home, "NIFTY"), candles=(), minutes=())
    assert chart_data(bare, COLOURS)["candles"] == []
