import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from agents.data.store import Store
from agents.settings import Settings
from pipelines.run import materialize_range
from ui.chart import chart_data
from ui.queries import snapshot
from zonedesk.market import simulate_history
from zonedesk.shell import wall_now

APP = str(Path(__file__).resolve().parents[2] / "ui" / "app.py")


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
    monkeypatch.setenv("ZONEDESK_MODE", "replay")
    monkeypatch.setenv("ZONEDESK_DATA_DIR", str(folder))
    return AppTest.from_file(APP, default_timeout=30).run()


def test_the_page_shows_mode_zones_and_cycles(home: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = page(monkeypatch, home.data_dir)
    assert not shown.exception
    assert "REPLAY" in shown.markdown[0].value
    assert "NIFTY 2" in shown.markdown[0].value
    tables = [table.value for table in shown.dataframe]
    zones = next(table for table in tables if "components" in table)
    assert set(zones["verdict"]) <= {"confirm", "reject", "unsure", "not judged"}
    assert "rules" in set(zones["judge"])
    cycles = next(table for table in tables if "decision" in table)
    assert cycles["reason"][0] == "price is not near a high-confidence zone (57.10 from the nearest)"
    assert len(shown.get("bidi_component")) == 1


def test_an_empty_folder_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = page(monkeypatch, tmp_path)
    assert not shown.exception
    assert "zonedesk simulate" in shown.warning[0].value
    assert "No cycle yet" in "".join(info.value for info in shown.info)


def test_the_chart_gets_rupees_and_zones_that_begin_at_a_candle(home: Settings) -> None:
    shown = snapshot(home, "NIFTY")
    data = chart_data(shown)
    opened = [candle[0] for candle in data["candles"]]
    assert opened == sorted(set(opened))
    assert all(low <= min(o, c) <= max(o, c) <= high for _, o, high, low, c in data["candles"])
    assert data["zones"]
    assert all(zone["from"] in opened for zone in data["zones"])
    assert all(20_000 < zone["low"] <= zone["high"] < 30_000 for zone in data["zones"])
    profile = data["profile"]
    assert profile["val"] <= profile["poc"] <= profile["vah"]
    assert json.loads(json.dumps(data)) == data


def test_the_rolling_profile_adds_up_to_its_stored_total(home: Settings) -> None:
    shown = snapshot(home, "NIFTY")
    store = Store(home.store_path, "replay", now=wall_now)
    ((total,),) = store.rows(
        "select arg_max(total_volume, known_at) from volume_profile where instrument = 'NIFTY' and scope = 'rolling'"
    )
    assert shown.profile is not None
    assert sum(volume for _, volume in shown.profile.rows) == pytest.approx(total, rel=1e-6)
