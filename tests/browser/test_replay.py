"""The replay page in a browser: what reaches it is held against the store."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, Locator, Page, WebSocket, expect

from agents.data.ledger import Ledger
from agents.data.store import Store
from agents.domain.values import IST
from tests.browser.dashboards import Dashboard
from tests.browser.pictures import keep
from tests.browser.watch import watched
from tests.ui.replayed import TRADED

pytestmark = [pytest.mark.browser, pytest.mark.process]
PATIENCE = 60_000
# What a chart names, and the first moment at which it may: a candle from its first second on.
NEWS = """
    select known_at, id from zones where instrument = 'NIFTY'
    union all
    select opened_at + interval 1 second, epoch(opened_at)::bigint::varchar from session_candles
    where instrument = 'NIFTY'
"""
KNOWN = """
    select arg_max(live_zones, known_at), (
        select arg_max(poc, known_at) from volume_profile
        where instrument = 'NIFTY' and scope = 'rolling' and known_at <= $now
    ) from analysis_candles where instrument = 'NIFTY' and known_at <= $now and $opens <= $now
"""
CLOSED = """
    select epoch(opened_at)::bigint, open, high, low, close from session_candles
    where instrument = 'NIFTY' and closed_at <= $now
"""
VERDICTS = """
    select zone_id, reason from verdicts where instrument = 'NIFTY' and known_at <= $now order by known_at desc, zone_id
"""
DECISIONS = "select decided_at from cycles where decided_at >= $opens and decided_at <= $now order by decided_at desc"
SHOWN_DECISIONS = 30
# Shares of the day: between verdicts, while something is held, back before that, after its exit; inside a candle each.
MOMENTS = (0.25, 0.53, 0.37, 0.77)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    opened = browser.new_page(viewport={"width": 1440, "height": 1250})
    opened.set_default_timeout(PATIENCE)
    yield opened
    opened.close()


def heard(page: Page) -> bytearray:
    """Collect all that the server sends over the page's sockets."""
    sent = bytearray()

    def take(frame: str | bytes) -> None:
        sent.extend(frame.encode() if isinstance(frame, str) else frame)

    def listen(socket: WebSocket) -> None:
        socket.on("framereceived", take)

    page.on("websocket", listen)
    return sent


def at(clock: str) -> datetime:
    return datetime.fromisoformat(f"{TRADED}T{clock}+05:30")


def shown(page: Page, dashboard: Dashboard, clock: str) -> Locator:
    """Open the replay at a time of the traded session and return its chart, drawn."""
    page.goto(f"{dashboard.address}/replay?session={TRADED}&at={clock}")
    chart = page.locator(".zonedesk-chart")
    expect(chart).to_have_attribute("data-replay", re.compile("REPLAY"), timeout=PATIENCE)
    stands(page, clock)
    return chart


def stands(page: Page, clock: str) -> None:
    """Wait until the page says a time."""
    expect(page.locator(".zd-replay .then")).to_contain_text(clock, timeout=PATIENCE)


def slid(page: Page, sent: bytearray, share: float) -> datetime:
    """Draw the slider to a share of its length, forget what was heard before, and return the moment that is shown."""
    then, before = page.locator(".zd-replay .then"), page.locator(".zd-replay .then").inner_text()
    thumb = page.get_by_role("slider")
    track, grip = page.get_by_test_id("stSlider").bounding_box(), thumb.bounding_box()
    assert track is not None
    assert grip is not None
    page.mouse.move(grip["x"] + grip["width"] / 2, grip["y"] + grip["height"] / 2)
    page.mouse.down()
    page.mouse.move(track["x"] + track["width"] * share, grip["y"] + grip["height"] / 2, steps=8)
    sent.clear()
    page.mouse.up()
    expect(then).not_to_have_text(before, timeout=PATIENCE)
    return at(re.findall(r"\d\d:\d\d:\d\d", then.inner_text())[0])


def drawn(sent: bytes) -> dict[str, Any]:  # Any: JSON
    """Return the chart that was sent last."""
    text, read = sent.decode("utf-8", "replace"), json.JSONDecoder().raw_decode
    found = [
        read(text, each.start())[0] for each in re.finditer(r'\{"title"', text)
    ]  # lines of a trade have titles too
    last: dict[str, Any] = [each for each in found if "candles" in each][-1]
    return last


def known_then(store: Store, now: datetime) -> dict[str, Any]:  # Any: what tables hold
    """Return what the store says was known at a moment."""
    moment: dict[str, object] = {"now": now}
    asked = moment | {"opens": at("09:15:00")}
    ((living, poc),) = store.rows(KNOWN, asked)
    trades = store.rows("select entry_at, exit_at from trades where entry_at <= $now", moment)
    return {
        "candles": {row[0]: [float(price) / 20 for price in row[1:]] for row in store.rows(CLOSED, moment)},
        "living": living,
        "poc": float(poc) / 20,
        "zones": {row[0] for row in store.rows("select id from zones where known_at <= $now", moment)},
        "verdicts": store.rows(VERDICTS, moment),
        "decisions": [f"{row[0].astimezone(IST):%H:%M}" for row in store.rows(DECISIONS, asked)][:SHOWN_DECISIONS],
        "marks": sorted(["in"] * len(trades) + ["out"] * sum(left <= now for _, left in trades)),
    }


def test_nothing_later_than_its_moment_reaches_the_browser(dashboard: Dashboard, page: Page) -> None:
    faults, sent, store = watched(page), heard(page), dashboard.store()
    news = store.rows(NEWS)
    chart = shown(page, dashboard, "09:47:00")
    for share in MOMENTS:
        now = slid(page, sent, share)
        then = known_then(store, now)
        closed = then["candles"]
        expect(chart).to_have_attribute("data-last", str(int(now.timestamp()) // 900 * 900), timeout=PATIENCE)
        data = drawn(bytes(sent))
        assert {row[0]: row[1:5] for row in data["candles"] if row[0] in closed} == closed
        assert all(row[0] <= now.timestamp() for row in data["candles"])
        assert len(data["candles"]) - len(closed) <= 1  # the one in progress
        assert {zone["id"] for zone in data["zones"]} <= then["zones"]
        assert len(data["zones"]) == then["living"]
        judged = {zone["id"] for zone in data["zones"] if "not judged" not in zone["label"]}
        assert judged == {row[0] for row in then["verdicts"]} & {zone["id"] for zone in data["zones"]}
        assert data["profile"]["poc"] == pytest.approx(then["poc"])
        assert sorted(mark["kind"] for mark in data["marks"]) == then["marks"]
        expect(page.get_by_text(then["verdicts"][0][1]).first).to_be_visible(timeout=PATIENCE)
        expect(page.get_by_role("region", name="Last decisions")).to_contain_text(then["decisions"][0])
        assert decisions(page) == then["decisions"]
        assert [name for moment, name in news if moment > now and name.encode() in sent] == []
    keep(page, "replay", size=(1400, 1000))
    assert [fault for fault in faults if "404" not in fault] == []


def decisions(page: Page) -> list[str]:
    """Return the times of the decisions that are shown, the last one first."""
    rows = page.get_by_role("region", name="Last decisions").locator("tbody tr")
    return [text.split("\t")[0] for text in rows.all_inner_texts()]


def test_keys_step_and_play_and_the_end_shows_the_whole_result(dashboard: Dashboard, page: Page) -> None:
    chart = shown(page, dashboard, "12:05:30")
    page.keyboard.press("ArrowRight")
    stands(page, "12:15:00")
    chart.focus()
    page.keyboard.press("ArrowLeft")
    stands(page, "12:00:00")
    page.get_by_role("slider").focus()
    page.keyboard.press("ArrowRight")
    stands(page, "12:15:00")
    chart.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")  # another key right after counts too
    expect(page.locator(".st-key-replay_play")).to_contain_text("Pause", timeout=PATIENCE)
    expect(page.locator(".zd-replay .then")).not_to_contain_text(re.compile("12:(15|30):00"), timeout=PATIENCE)
    page.keyboard.press("Space")
    expect(page.locator(".st-key-replay_play")).to_contain_text("Play", timeout=PATIENCE)
    page.get_by_role("button", name="End", exact=True).focus()
    page.keyboard.press("Space")
    stands(page, "15:40:00")
    store = dashboard.store()
    ((orders,),) = store.rows("select count(*) from trades where session = ?", [TRADED])
    rows = page.get_by_role("region", name="Orders by then").locator("tbody tr")
    assert rows.count() >= orders > 0
    expect(page.get_by_text("Result of the session by then")).to_be_visible()
    expect(page.get_by_text("rupees after costs")).to_be_visible()


def test_halt_acts_on_the_running_desk(dashboard: Dashboard, page: Page) -> None:
    shown(page, dashboard, "11:02:00")
    page.get_by_role("button", name="Halt").click()
    page.get_by_label("Type HALT").fill("HALT")
    page.get_by_role("button", name="Do it now").click()
    page.get_by_text("halt: asked").wait_for(timeout=PATIENCE)
    ledger = Ledger.open(dashboard.settings.ledger_path, "replay", now=lambda: datetime.now(UTC))
    try:
        assert [command.kind for command in ledger.commands.recent(5)] == ["halt"]
    finally:
        ledger.close()
    stands(page, "11:02:00")


def test_a_decision_leads_to_the_chart_as_it_was_then(dashboard: Dashboard, page: Page) -> None:
    page.goto(dashboard.address)
    row = page.get_by_role("region", name="Last decisions").locator("tbody tr").first
    row.wait_for(timeout=PATIENCE)
    time, run = row.locator("a").nth(0), row.locator("a").nth(2)
    assert "/runs?q%5B%5D=tag%3Azonedesk%2Fslot%3D2026-11-" in (run.get_attribute("href") or "")
    clock = time.inner_text()
    page.goto(dashboard.address + (time.get_attribute("href") or ""))
    stands(page, f"{clock}:00")


def test_swings_and_breaks_are_drawn_on_demand(dashboard: Dashboard, page: Page) -> None:
    page.goto(dashboard.address)
    chart = page.locator(".zonedesk-chart")
    expect(chart).to_have_attribute("data-turning", "0", timeout=PATIENCE)
    page.get_by_role("button", name="Swings").click()
    expect(chart).to_have_attribute("data-turning", re.compile("[1-9]"), timeout=PATIENCE)
    swings = int(chart.get_attribute("data-turning") or 0)
    page.get_by_role("button", name="Breaks").click()
    expect(chart).not_to_have_attribute("data-turning", str(swings), timeout=PATIENCE)
    assert int(chart.get_attribute("data-turning") or 0) > swings


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_a_replay_fits_a_phone_without_an_error(
    dashboard: Dashboard, browser: Browser, scheme: Literal["dark", "light"]
) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 844}, color_scheme=scheme)
    faults = watched(page)
    try:
        shown(page, dashboard, "11:02:00")
        keep(page, f"phone-replay-{scheme}")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
    finally:
        page.close()
    assert [fault for fault in faults if "404" not in fault] == []
