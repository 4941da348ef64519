"""The cockpit's chart on the running desk: what the market and the server do to it, and what they must not."""

import re
import time
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.desks import LiveDesk
from tests.browser.pictures import keep
from tests.browser.watch import (
    PATIENCE,
    colours,
    drawn,
    grows,
    hovered,
    middle,
    number_of,
    rested,
    visible,
    watched,
    zoomed,
)
from ui.candles import TIMEFRAMES

pytestmark = [pytest.mark.browser, pytest.mark.process]
REFRESHED_SECONDS = 30
EXACT = 0.01  # of a candle
TOASTS = 100  # nodes that a message to the reader may bring


class Left(NamedTuple):
    """A page whose chart was zoomed and scrolled back and then left alone, with what it showed and when."""

    page: Page
    chart: Locator
    range: tuple[float, float]
    nodes: int
    since: float
    faults: list[str]


@pytest.fixture(scope="module", autouse=True)
def left(desk: LiveDesk, browser: Browser) -> Iterator[Left]:
    """Open a page before the first test of this module, and leave it to the refreshes while the others run."""
    page = browser.new_page(viewport={"width": 1440, "height": 1000})
    faults = watched(page)
    page.goto(desk.dashboard, timeout=PATIENCE)
    chart = drawn(page)
    rested(page, "Cockpit")
    kept = zoomed(chart)
    yield Left(page, chart, kept, _nodes(page), time.monotonic(), faults)
    page.close()


@pytest.fixture(scope="module")
def cockpit(desk: LiveDesk, browser: Browser) -> Iterator[Page]:
    """Another page of the cockpit."""
    page = browser.new_page(viewport={"width": 1440, "height": 1000})
    faults = watched(page)
    page.goto(desk.dashboard, timeout=PATIENCE)
    rested(page, "Cockpit")
    yield page
    assert faults == []
    page.close()


def _choice(page: Page, frame: str) -> Locator:
    """Return what chooses a time frame."""
    return (
        page.get_by_role("radio", name=frame, exact=True).or_(page.get_by_role("button", name=frame, exact=True)).first
    )


def _nodes(page: Page) -> int:
    return int(page.evaluate("document.querySelectorAll('*').length"))


def test_the_page_shows_candles_zones_profile_and_the_last_price(cockpit: Page) -> None:
    chart = drawn(cockpit)
    cockpit.get_by_text("PAPER", exact=True).wait_for()
    cockpit.get_by_text("SIMULATED MARKET").wait_for()
    assert number_of(chart, "zones") > 0
    assert number_of(chart, "candles") > 150
    assert number_of(chart, "ltp") > 10_000
    expect(cockpit.locator(".zonedesk-legend")).to_have_text(
        re.compile(r"NIFTY 15 min O .+ H .+ L .+ C .+ \([\d.]+%\)")
    )
    assert colours(cockpit) > 20
    keep(cockpit, "cockpit", size=(1400, 900))


def test_ticks_move_the_last_price(cockpit: Page) -> None:
    chart = drawn(cockpit)
    price = chart.get_attribute("data-ltp") or ""
    grows(chart, "ticks", 2)
    expect(chart).not_to_have_attribute("data-ltp", price, timeout=PATIENCE)


def test_a_zone_under_the_pointer_says_what_it_is_and_a_click_keeps_it(cockpit: Page) -> None:
    chart, hint = drawn(cockpit), cockpit.locator(".zonedesk-hint")
    box = chart.bounding_box()
    assert box is not None
    across = box["x"] + box["width"] - 150  # where every zone that lives is drawn
    over = hovered(chart, across)
    for words in (
        r"[▲▼] (demand|supply)",
        r"confidence 0\.\d\d",
        r"(confirm|reject|unsure|not judged)",
        "made of",
        " ago",
    ):
        expect(hint).to_contain_text(re.compile(words))
    cockpit.mouse.click(across, over)
    pinned = cockpit.locator(".zonedesk-pinned")
    expect(pinned).to_contain_text("made of")
    cockpit.mouse.move(box["x"] + 100, box["y"] + 10)
    grows(chart, "refreshes")
    expect(pinned).to_contain_text("made of")
    chart.press("Escape")
    expect(pinned).to_be_hidden()


@pytest.mark.parametrize("frame", [*(name for name in TIMEFRAMES if name != "15 min"), "15 min"])
def test_every_time_frame_is_drawn(cockpit: Page, frame: str) -> None:
    _choice(cockpit, frame).click()
    chart = drawn(cockpit)
    expect(chart).to_have_attribute("data-minutes", str(TIMEFRAMES[frame]), timeout=PATIENCE)
    assert number_of(chart, "candles") > 4
    expect(cockpit.locator(".zonedesk-legend")).to_contain_text(f"NIFTY {frame}")
    visible(chart)
    assert colours(cockpit) > 20


def test_keys_reach_the_chart_and_move_it(cockpit: Page) -> None:
    chart = drawn(cockpit)
    _choice(cockpit, "15 min").focus()
    for _ in range(20):
        cockpit.keyboard.press("Tab")
        if chart.evaluate("box => document.activeElement === box"):
            break
    expect(chart).to_be_focused()
    assert chart.evaluate("box => getComputedStyle(box).outlineStyle") == "solid"
    before = visible(chart)
    cockpit.keyboard.press("ArrowLeft")
    moved = visible(chart)
    assert moved[0] < before[0]
    cockpit.keyboard.press("+")
    assert visible(chart)[1] - visible(chart)[0] < moved[1] - moved[0]
    for _ in range(4):
        cockpit.keyboard.press("ArrowLeft")
    expect(chart).to_have_attribute("data-live", "no")
    cockpit.keyboard.press("End")
    expect(chart).to_have_attribute("data-live", "yes")
    cockpit.keyboard.press("Alt+r")
    first, last = visible(chart)
    assert last - first == pytest.approx(150 + 13, abs=1)


def test_thirty_seconds_of_refresh_leave_range_and_page_as_they_were(left: Left) -> None:
    page, chart = left.page, left.chart
    remaining = REFRESHED_SECONDS - (time.monotonic() - left.since)
    if remaining > 0:
        page.wait_for_timeout(remaining * 1000)
    grows(chart, "refreshes")
    assert number_of(chart, "ticks") > 1
    assert visible(chart) == pytest.approx(left.range, abs=EXACT)
    assert left.range[1] - left.range[0] < 150
    assert abs(_nodes(page) - left.nodes) < TOASTS
    assert left.faults == []


def test_a_drag_follows_the_hand_only(left: Left) -> None:
    page, chart = left.page, left.chart
    x, y = middle(chart)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 40, y, steps=4)
    begun = visible(chart)
    page.mouse.move(x + 80, y)
    half = visible(chart)
    grows(chart, "refreshes")
    grows(chart, "ticks")
    assert visible(chart) == half
    page.mouse.move(x + 120, y)
    whole = visible(chart)
    page.mouse.up()
    grows(chart, "refreshes")
    assert visible(chart) == pytest.approx(whole, abs=EXACT)
    assert half[0] < begun[0]
    assert whole[0] - half[0] == pytest.approx(half[0] - begun[0], abs=EXACT)


def test_range_survives_a_rerun_another_page_and_a_reload(left: Left) -> None:
    page, chart = left.page, left.chart
    kept = visible(chart)
    page.get_by_role("button", name="Gaps").click()
    expect(chart).to_have_attribute("data-bands", re.compile("[1-9]"), timeout=PATIENCE)
    assert visible(chart) == pytest.approx(kept, abs=EXACT)
    page.get_by_role("link", name=re.compile("^Health")).first.click()
    rested(page, "Health")
    expect(chart).to_have_count(0, timeout=PATIENCE)
    page.get_by_role("link", name=re.compile("^Cockpit")).first.click()
    rested(page, "Cockpit")
    assert visible(drawn(page)) == pytest.approx(kept, abs=EXACT)
    page.reload()
    assert visible(drawn(page)) == pytest.approx(kept, abs=EXACT)
    assert left.faults == []
