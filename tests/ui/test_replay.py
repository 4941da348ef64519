"""What a replay shows, held against the store and the ledger it is cut from."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from agents.data.store import Store
from agents.domain.values import IST
from agents.settings import Settings
from tests.ui.pages import APP, texts
from tests.ui.pages import opened as page_of
from tests.ui.replayed import traded_home
from ui.profit import of_day
from ui.replay import Past, candle_closes, played, stepped
from ui.replay_changes import changes
from ui.replay_reader import ReplayReader
from ui.snapshot import CycleRow, Picture
from zonedesk.shell import wall_now

MINUTE = timedelta(minutes=1)
STEPS = [timedelta(minutes=minutes, seconds=seconds) for minutes, seconds in ((0, 0), (7, 30), (48, 1), (163, 0))]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return traded_home(tmp_path_factory.mktemp("replayed"))


@pytest.fixture(scope="module")
def reader(home: Settings) -> ReplayReader:
    return ReplayReader(home, "NIFTY", wall_now)


@pytest.fixture(scope="module")
def past(reader: ReplayReader) -> Past:
    return reader.past(date(2026, 11, 19), datetime(2026, 11, 23, tzinfo=UTC))


def moments(past: Past) -> Iterator[datetime]:
    """Yield moments over the whole session: before, on and after candles, turns and fills."""
    yield from (past.session.open_at + step for step in STEPS)
    yield from past.turns[:: len(past.turns) // 5]
    for event in past.events[1:4]:
        yield event.at - timedelta(seconds=1)
        yield event.at
    yield past.ends_at


def latest(seen: Picture) -> dict[str, datetime]:
    """Return the latest moment that each part of a picture speaks of."""
    market = seen.market
    parts = {
        "candles": [datetime.fromtimestamp(c.opened_at, UTC) for c in (*market.candles, *market.minutes)],
        "zones": [zone.known_at for zone in market.analysis.zones] if market.analysis else [],
        "verdicts of zones": [zone.verdict.known_at for zone in market.analysis.zones if zone.verdict]
        if market.analysis
        else [],
        "analysis": [market.analysis.bar_at] if market.analysis else [],
        "bands": [datetime.fromtimestamp(band.known_at, UTC) for band in market.bands],
        "verdicts": [verdict.at for verdict in market.verdicts],
        "decisions": [cycle.at for cycle in market.cycles],
        "orders": [at for o in seen.desk.orders for at in (o.placed_at, o.filled_at, o.closed_at) if at],
        "steps": [step.at for order in seen.desk.orders for step in order.steps],
        "price": [market.last_price_at] if market.last_price_at else [],
    }
    return {name: max(found) for name, found in parts.items() if found}


def test_no_part_of_a_replay_speaks_of_what_came_later(reader: ReplayReader, past: Past) -> None:
    for at in moments(past):
        shown = latest(reader.at(past, at))
        assert {name: moment for name, moment in shown.items() if moment > at} == {}


def test_a_replay_shows_all_that_the_store_knew_at_its_moment(reader: ReplayReader, past: Past, home: Settings) -> None:
    store = Store(home.store_path, "replay", now=wall_now)
    for at in list(moments(past))[::4]:
        seen = reader.at(past, at)
        asked: dict[str, object] = {"now": at, "opens": past.session.open_at}
        decided = store.rows(
            "select cycle_id from cycles where decided_at <= $now and decided_at > $opens order by decided_at desc "
            "limit 40",
            asked,
        )
        assert [cycle.cycle_id for cycle in seen.market.cycles][: len(decided)] == [row[0] for row in decided]
        ((judged,),) = store.rows("select count(*) from verdicts where known_at <= $now", {"now": at})
        assert len(seen.market.verdicts) == min(judged, 200)
        ((price, tick),) = store.rows(
            "select arg_max(close, closed_at), any_value(tick_size) from candles join instruments using (instrument) "
            "where instrument = 'NIFTY' and minutes = 1 and closed_at <= $now",
            {"now": at},
        )
        assert seen.market.last_price == (price * tick).quantize(Decimal("0.01"))
        analysis = seen.market.analysis
        bar = store.rows(
            "select max(known_at), arg_max(live_zones, known_at) from analysis_candles where known_at <= $now",
            {"now": at},
        )[0]
        assert analysis is not None
        assert (analysis.bar_at, len(analysis.zones)) == bar


def test_the_candle_in_progress_holds_the_minutes_so_far(reader: ReplayReader, past: Past) -> None:
    at = past.session.open_at + timedelta(minutes=52, seconds=20)
    last = reader.at(past, at).market.candles[-1]
    opened = int((past.session.open_at + timedelta(minutes=45)).timestamp())
    inside = [minute for minute in past.minutes if opened <= minute.opened_at and minute.closed_at <= at.timestamp()]
    assert (last.opened_at, len(inside)) == (opened, 7)
    assert (last.open, last.close) == (inside[0].open, inside[-1].close)
    assert (last.low, last.high) == (min(m.low for m in inside), max(m.high for m in inside))
    assert last.volume == sum(m.volume for m in inside) > 0


def test_minutes_have_the_volume_that_was_traded_in_the_future(past: Past, home: Settings) -> None:
    store = Store(home.store_path, "replay", now=wall_now)
    asked = {"future": home.futures["NIFTY"], "opens": past.session.open_at, "ends": past.ends_at}
    rows = store.rows(
        "select epoch(opened_at)::bigint, volume from candles where instrument = $future and minutes = 1 "
        "and closed_at > $opens and closed_at <= $ends",
        asked,
    )
    traded: dict[int, int] = dict(rows)
    assert [minute.volume for minute in past.minutes] == [traded[minute.opened_at] for minute in past.minutes]
    assert all(minute.volume > 0 for minute in past.minutes)


def test_a_moment_is_the_same_whether_it_was_played_to_or_jumped_to(
    reader: ReplayReader, past: Past, home: Settings
) -> None:
    at = past.session.open_at + timedelta(minutes=171, seconds=40)
    for step in range(150, 171, 10):
        reader.at(past, past.session.open_at + step * MINUTE)
    fresh = ReplayReader(home, "NIFTY", wall_now)
    assert reader.at(past, at) == fresh.at(fresh.past(past.session.on, past.ends_at + MINUTE), at)


def test_a_result_grows_as_it_was_traded_and_ends_as_the_sum_of_executions(reader: ReplayReader, past: Past) -> None:
    sold = [event for event in past.events if event.payload["exit"]]
    assert sold
    before = reader.at(past, sold[0].at - MINUTE)
    day = of_day(before.desk.orders, past.session.on, before.market.prices)
    assert not day.final
    assert day.priced
    assert before.desk.orders[0].held > 0
    end = reader.at(past, past.ends_at)
    whole = of_day(end.desk.orders, past.session.on, end.market.prices)
    assert whole.final
    assert whole.value == sum((order.result.net for order in end.desk.orders if order.result), Decimal(0))


def test_steps_halt_at_every_candle_and_at_both_ends(past: Past) -> None:
    opens, ends = past.session.open_at, past.ends_at
    assert stepped(past, opens + 5 * MINUTE, 15, 1) == opens + 15 * MINUTE
    assert stepped(past, opens + 15 * MINUTE, 15, 1) == opens + 30 * MINUTE
    assert stepped(past, opens + 15 * MINUTE, 15, -1) == opens
    assert stepped(past, opens + 20 * MINUTE, 15, -1) == opens + 15 * MINUTE
    assert stepped(past, opens, 15, -1) == opens
    assert stepped(past, ends, 1, 1) == ends
    at, seen = opens, [opens]
    while at < ends:
        at = stepped(past, at, 15, 1)
        seen.append(at)
    assert seen == candle_closes(past, 15)


def test_playing_moves_by_its_speed_and_halts_at_the_end(past: Past) -> None:
    opens = past.session.open_at
    assert played(past, opens, timedelta(seconds=2), 60) == opens + 2 * MINUTE
    assert played(past, opens, timedelta(hours=9), 60) == past.ends_at
    assert played(past, opens, timedelta(seconds=-3), 60) == opens


def test_rows_that_were_recorded_again_are_told(reader: ReplayReader, past: Past, home: Settings) -> None:
    assert past.again == ()
    store = Store(home.store_path, "replay", now=wall_now)
    late = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)
    with store.write() as connection:
        (before,) = connection.execute("select max(recorded_at) from volume_profile").fetchone() or ()
        connection.execute("update volume_profile set recorded_at = ? where session = ?", [late, past.session.on])
    try:
        again = reader.past(past.session.on, past.ends_at + MINUTE).again
        assert {(one.what, one.recorded_at) for one in again} == {("volume profile", late)}
    finally:
        with store.write() as connection:
            connection.execute("update volume_profile set recorded_at = ? where session = ?", [before, past.session.on])


def test_zones_that_a_decision_saw_otherwise_are_told(reader: ReplayReader, past: Past) -> None:
    seen = reader.at(past, past.session.open_at + 100 * MINUTE)
    cycle, analysis = seen.market.cycles[0], seen.market.analysis
    assert analysis is not None
    record = json.loads(json.dumps(cycle.record))
    same = {view["zone_id"]: view for view in record["zones"]}
    for zone in analysis.zones:
        if zone.id in same:
            same[zone.id]["confirmed"] = zone.verdict is not None and zone.verdict.verdict.value == "confirm"

    def told(record: dict[str, object]) -> list[str] | None:
        return changes(CycleRow(cycle.cycle_id, cycle.at, cycle.decision, cycle.reason, "", record), analysis)

    assert told(record) == []
    gone = {**record, "zones": [*record["zones"], {**record["zones"][0], "zone_id": "another"}]}
    assert [text.endswith("is not there any more") for text in told(gone) or ()] == [True]
    moved = {**record, "zones": [{**record["zones"][0], "low": "1.00"}, *record["zones"][1:]]}
    assert "is now" in (told(moved) or [""])[0]
    assert told({**record, "analysis_bar_at": "2026-11-19T04:00:00Z"}) is None
    assert changes(None, analysis) is None


def opened(monkeypatch: pytest.MonkeyPatch, settings: Settings, **query: str) -> AppTest:
    monkeypatch.setenv("ZONEDESK_MODE", settings.mode)
    monkeypatch.setenv("ZONEDESK_DATA_DIR", str(settings.data_dir))
    shown = AppTest.from_file(APP, default_timeout=60)
    for name, value in query.items():
        shown.query_params[name] = value
    shown.run()
    shown._page_hash = calc_hash("replay")  # switch_page knows files only
    return shown.run()


def test_the_page_opens_at_the_moment_that_its_address_names(monkeypatch: pytest.MonkeyPatch, home: Settings) -> None:
    shown = opened(monkeypatch, home, session="2026-11-19", at="12:05:30")
    assert not shown.exception
    words = texts(shown)
    assert "REPLAY" in words
    assert "Thu 19 Nov 2026 12:05:30 IST" in words
    assert "running desk" in words
    assert len(shown.get("bidi_component")) == 1
    shown.button(key="replay_on_one").click().run()
    assert "12:15:00 IST" in texts(shown)
    shown.button(key="replay_back").click().run()
    shown.button(key="replay_back").click().run()
    assert "11:45:00 IST" in texts(shown)
    assert not shown.exception


def test_the_page_shows_no_decision_after_its_moment(
    monkeypatch: pytest.MonkeyPatch, home: Settings, past: Past
) -> None:
    shown = opened(monkeypatch, home, session="2026-11-19", at="10:16:00")
    words = texts(shown)
    assert ">10:15<" in words
    for at in past.turns:
        if at > datetime(2026, 11, 19, 10, 16, tzinfo=IST):
            assert f">{at.astimezone(IST):%H:%M}<" not in words


def test_the_slider_moves_the_moment_and_a_session_begins_at_its_opening(
    monkeypatch: pytest.MonkeyPatch, home: Settings
) -> None:
    shown = opened(monkeypatch, home)
    assert "09:15:00 IST" in texts(shown)
    shown.slider[0].set_value(datetime(2026, 11, 20, 13, 7).time()).run()  # noqa: DTZ001 - a time of day
    assert "13:07:00 IST" in texts(shown)
    shown.selectbox(key="replay_on").set_value(date(2026, 11, 18)).run()
    assert "Wed 18 Nov 2026 09:15:00 IST" in texts(shown)
    assert not shown.exception


def test_playing_goes_on_until_it_is_paused(monkeypatch: pytest.MonkeyPatch, home: Settings) -> None:
    shown = opened(monkeypatch, home, session="2026-11-19", at="11:00:00")
    shown.button(key="replay_play").click().run()
    shown.session_state["replay_playing_since"] -= timedelta(seconds=120)
    shown.run()
    assert str(shown.slider[0].value) >= "13:00"
    shown.button(key="replay_play").click().run()
    stood = shown.slider[0].value
    shown.run()
    assert shown.slider[0].value == stood
    assert not shown.exception


@pytest.mark.parametrize(
    "query", [{"session": "yesterday"}, {"session": "2026-11-19", "at": "noon"}, {"session": "2001-01-01"}]
)
def test_an_address_that_names_nothing_is_told(
    monkeypatch: pytest.MonkeyPatch, home: Settings, query: dict[str, str]
) -> None:
    shown = opened(monkeypatch, home, **query)
    assert not shown.exception
    assert shown.warning


def test_an_empty_folder_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    shown = opened(monkeypatch, Settings(mode="replay", data_dir=tmp_path))
    assert not shown.exception
    assert "zonedesk simulate" in texts(shown)


def test_why_tells_the_order_the_cycle_and_the_zone_of_a_replay(
    monkeypatch: pytest.MonkeyPatch, home: Settings
) -> None:
    store = Store(home.store_path, home.mode, now=wall_now, create=False)
    ((cycle, order, zone),) = store.rows("select cycle_id, setup_id, zone_id from cycles where decision = 'trade'")
    ((skip,),) = store.rows("select cycle_id from cycles where decision = 'skip' order by decided_at desc limit 1")
    shown = page_of(monkeypatch, home.data_dir, mode=home.mode, view="why")
    sold = "trade sold"
    for asked, kind, said in (
        (order, "Order", sold), (cycle, "Cycle", sold), (zone, "Zone", sold), (skip, "Cycle", "skip: "),
    ):  # fmt: skip
        shown.text_input(key="asked").set_value(asked).run()
        assert not shown.exception
        assert f"{kind} {asked}: " in texts(shown)
        assert said in "\n".join(step.value for step in shown.text)
