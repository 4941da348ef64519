"""How the chart behaves under hand and keys, whatever comes in meanwhile."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.bare_charts import BareChart, candles, chart_of
from tests.browser.watch import PATIENCE, hovered

pytestmark = [pytest.mark.browser, pytest.mark.process]
END = 260  # in the middle of a session
MIDDLE = (450, 300)
OLDER = {"candles": candles(-300, 0), "more": False}
MISSED = {"candles": candles(END - 1, END + 3)}


@pytest.fixture(scope="module")
def opened(browser: Browser) -> Iterator[BareChart]:
    """One page for all facts."""
    chart = BareChart(browser, {"api/older": OLDER, "api/candles": MISSED})
    yield chart
    assert chart.faults == []
    chart.page.close()


@pytest.fixture
def chart(opened: BareChart) -> BareChart:
    """The page as it is when somebody comes for the first time."""
    opened.page.mouse.move(0, 0)
    opened.page.evaluate("() => sessionStorage.clear()")
    opened.load()
    opened.asked.clear()
    opened.show(chart_of(END))
    return opened


def test_at_first_the_last_150_candles_are_shown_with_room_on_the_right(chart: BareChart) -> None:
    first, last = chart.range()
    assert END - 1 - first == pytest.approx(150, abs=1)
    assert 10 < last - (END - 1) < 20
    assert chart.told("live") == "yes"


def test_a_refresh_and_a_tick_under_a_dragging_hand_move_nothing(chart: BareChart) -> None:
    mouse, (x, y) = chart.page.mouse, MIDDLE
    mouse.move(x, y)
    mouse.wheel(0, -400)
    mouse.down()
    mouse.move(x + 40, y, steps=4)
    begun = chart.range()
    mouse.move(x + 80, y)
    half = chart.range()
    grown = chart_of(END + 1)
    chart.show(grown)
    chart.say(candles(END + 1, END + 2)[0])
    chart.say(candles(END + 2, END + 3)[0])
    assert chart.range() == half
    mouse.move(x + 120, y)
    whole = chart.range()
    mouse.up()
    expect(chart.page.locator(".zonedesk-chart")).to_have_attribute("data-loaded", str(END + 3), timeout=PATIENCE)
    assert chart.range() == whole
    assert whole[0] - half[0] == pytest.approx(half[0] - begun[0], abs=0.01)
    assert whole[1] - whole[0] == pytest.approx(begun[1] - begun[0], abs=0.01)
    assert half[0] < begun[0]
    chart.show(chart_of(END + 3))
    assert chart.range() == whole


def test_who_watches_the_last_candle_goes_along_with_the_next(chart: BareChart) -> None:
    first, last = chart.range()
    chart.say(candles(END, END + 1)[0])
    assert chart.range() == (first + 1, last + 1)
    assert chart.told("ltp") == str(candles(END, END + 1)[0][4])


def test_a_range_is_kept_over_a_reload_and_each_time_frame_has_its_own(chart: BareChart) -> None:
    chart.page.mouse.move(*MIDDLE)
    chart.page.mouse.wheel(0, -400)
    chart.page.keyboard.press("Tab")
    for _ in range(3):
        chart.page.locator(".zonedesk-chart").press("ArrowLeft")
    kept = chart.range()
    chart.show(chart_of(END, title="NIFTY 5 min", minutes=5))
    assert chart.range() != kept
    chart.show(chart_of(END))
    assert chart.range() == pytest.approx(kept, abs=0.01)
    chart.load()
    chart.show(chart_of(END))
    assert chart.range() == pytest.approx(kept, abs=0.01)
    assert chart.told("live") == "no"


def test_the_chart_is_reached_by_tab_shows_it_and_obeys_keys(chart: BareChart) -> None:
    page, box = chart.page, chart.page.locator(".zonedesk-chart")
    page.locator("#before").focus()
    assert box.evaluate("box => getComputedStyle(box).outlineStyle") == "none"
    page.keyboard.press("Tab")
    assert box.evaluate("box => document.activeElement === box")
    assert box.evaluate("box => [getComputedStyle(box).outlineStyle, getComputedStyle(box).outlineWidth]") == [
        "solid",
        "2px",
    ]
    assert page.locator(".zonedesk-keys").is_visible()
    usual = chart.range()
    page.keyboard.press("ArrowLeft")
    left = chart.range()
    assert left[0] < usual[0]
    page.keyboard.press("ArrowRight")
    assert chart.range() == pytest.approx(usual, abs=0.01)
    page.keyboard.press("+")
    closer = chart.range()
    assert closer[1] - closer[0] < usual[1] - usual[0]
    page.keyboard.press("-")
    page.keyboard.press("-")
    assert chart.range()[0] < usual[0]
    for _ in range(4):
        page.keyboard.press("ArrowLeft")
    assert chart.told("live") == "no"
    page.keyboard.press("End")
    chart.range()
    assert chart.told("live") == "yes"
    page.keyboard.press("Alt+r")
    first, last = chart.range()
    assert last - first == pytest.approx(usual[1] - usual[0], abs=0.01)


def test_a_button_leads_back_to_the_last_candle(chart: BareChart) -> None:
    button, box = chart.page.locator(".zonedesk-live"), chart.page.locator(".zonedesk-chart")
    assert not button.is_visible()
    for _ in range(4):
        box.press("ArrowLeft")
    width = chart.range()[1] - chart.range()[0]
    button.click()
    first, last = chart.range()
    assert last > float(chart.told("loaded")) - 1
    assert last - first == pytest.approx(width, abs=0.01)
    assert not button.is_visible()


def test_older_candles_come_once_when_the_left_end_is_near(chart: BareChart) -> None:
    box = chart.page.locator(".zonedesk-chart")
    for _ in range(6):
        box.press("ArrowLeft")
    before = chart.range()
    expect(box).to_have_attribute("data-loaded", str(END + 300), timeout=PATIENCE)
    first = candles(0, 1)[0][0]
    assert chart.asked == [f"api/older?minutes=15&before={first:.0f}"]
    shown = chart.range()
    assert shown[1] - shown[0] == pytest.approx(before[1] - before[0], abs=0.01)
    assert shown[0] > 200  # where the same candles are now
    chart.show(chart_of(END + 1))
    assert chart.told("loaded") == str(END + 1 + 300)
    assert chart.range() == shown
    for _ in range(30):
        box.press("ArrowLeft")
    chart.range()
    assert len(chart.asked) == 1


def test_a_zone_says_what_it_is_when_hovered_and_stays_when_clicked(chart: BareChart) -> None:
    page, hint, pinned = chart.page, chart.page.locator(".zonedesk-hint"), chart.page.locator(".zonedesk-pinned")
    over = hovered(page.locator(".zonedesk-chart"), 820, step=6)
    for part in chart_of(END)["zones"][0]["detail"]:
        assert part in hint.inner_text()
    page.mouse.click(820, over)
    assert chart.told("pinned") == "zone-1"
    assert "made of gap" in pinned.inner_text()
    page.mouse.move(300, 5)
    grown = chart_of(END + 1)
    grown["zones"][0]["detail"] = ["<b>▲ demand</b>", "made of gap", "known 4 h ago"]
    chart.show(grown)
    assert "<b>▲ demand</b>" in pinned.inner_text()
    assert "known 4 h ago" in pinned.inner_text()
    chart.show(chart_of(END + 1, zones=[]))
    assert "no longer live" in pinned.inner_text()
    page.locator(".zonedesk-chart").press("Escape")
    assert not pinned.is_visible()


def test_a_tab_that_slept_fetches_what_it_missed(chart: BareChart) -> None:
    with chart.page.expect_response("**/api/candles*"):
        chart.page.evaluate("() => document.dispatchEvent(new Event('visibilitychange'))")
    chart.page.wait_for_function(
        "() => Number(document.querySelector('.zonedesk-chart').dataset.ticks) >= 4", timeout=PATIENCE
    )
    assert chart.told("ltp") == str(candles(END + 2, END + 3)[0][4])


def test_a_call_that_was_overtaken_ends_nothing_and_the_last_one_ends_all(chart: BareChart) -> None:
    chart.page.evaluate("() => { const overtaken = end; overtaken(); }")
    chart.show(chart_of(END + 1))
    assert chart.told("refreshes") == "2"
    closed = chart.page.evaluate("() => { document.getElementById('place').remove(); end(); return stream.closed; }")
    assert closed is True
