import re
from typing import Literal

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.desks import LiveDesk
from tests.browser.pictures import keep
from ui.views import PAGES

pytestmark = [pytest.mark.browser, pytest.mark.process]


def watched(page: Page) -> list[str]:
    """Collect console errors, page errors and requests that leave this machine."""
    faults: list[str] = []
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("request", lambda ask: faults.append(ask.url) if _leaves(ask.url) else None)
    return faults


def _leaves(url: str) -> bool:
    return url.startswith(("http", "ws")) and "//127.0.0.1" not in url


def test_the_page_shows_zones_on_a_chart_and_asks_nobody_else(desk: LiveDesk, page: Page) -> None:
    faults = watched(page)
    page.goto(desk.dashboard)
    chart = page.locator(".zonedesk-chart")
    chart.wait_for(timeout=30_000)
    page.get_by_text("PAPER", exact=True).wait_for()
    page.get_by_text("SIMULATED MARKET").wait_for()
    page.wait_for_timeout(3_000)
    assert int(chart.get_attribute("data-zones") or 0) > 0
    assert int(chart.get_attribute("data-candles") or 0) > 150
    assert _colours(page) > 20
    keep(page, "cockpit", size=(1400, 900))
    assert faults == []


def _colours(page: Page) -> int:
    """Return how many colours the chart's canvases hold: a blank one has very few."""
    return int(
        page.evaluate(
            """() => {
                const seen = new Set();
                for (const canvas of document.querySelectorAll(".zonedesk-chart canvas")) {
                    const { width, height } = canvas;
                    if (!width || !height) continue;
                    const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
                    for (let i = 0; i < data.length; i += 4) {
                        seen.add((data[i] << 16) | (data[i + 1] << 8) | data[i + 2]);
                    }
                }
                return seen.size;
            }"""
        )
    )


def ready(page: Page, desk: LiveDesk, path: str = "") -> Locator:
    """Open a page and return its chart, drawn."""
    page.goto(f"{desk.dashboard}/{path}")
    chart = page.locator(".zonedesk-chart")
    chart.wait_for(timeout=30_000)
    expect(chart).to_have_attribute("data-ticks", re.compile(r"\d+"), timeout=20_000)
    return chart


def zoomed(page: Page, chart: Locator) -> tuple[float, ...]:
    """Zoom in and scroll back with the mouse, and return what is visible then."""
    box = chart.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    for _ in range(4):
        page.mouse.wheel(0, -240)
        page.wait_for_timeout(120)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2 + 160, box["y"] + box["height"] / 2, steps=6)
    page.mouse.up()
    page.wait_for_timeout(1_200)  # the movement rolls out
    page.keyboard.press("Shift")  # a gesture that changes nothing writes the range down
    chart.focus()
    page.keyboard.press("Shift")
    page.wait_for_timeout(300)
    return visible(chart)


def visible(chart: Locator) -> tuple[float, ...]:
    """Return the first and the last visible position, as the chart says after the last gesture."""
    chart.focus()
    chart.press("Shift")
    chart.page.wait_for_timeout(200)
    return tuple(float(part) for part in (chart.get_attribute("data-range") or "").split())


def test_ticks_move_the_chart_and_the_clock(desk: LiveDesk, page: Page) -> None:
    chart = ready(page, desk)
    strip = page.locator(".zd-strip")
    before, ticks = strip.inner_text(), int(chart.get_attribute("data-ticks") or 0)
    page.wait_for_timeout(14_000)  # more than a market minute
    assert strip.inner_text() != before
    assert int(chart.get_attribute("data-ticks") or 0) > ticks


def test_zoom_survives_refreshes_a_rerun_and_a_reload(desk: LiveDesk, page: Page) -> None:
    chart = ready(page, desk)
    kept = zoomed(page, chart)
    assert len(kept) == 2
    assert kept[1] - kept[0] < 150
    page.wait_for_timeout(8_000)
    assert visible(chart) == pytest.approx(kept, abs=0.02)
    page.get_by_role("button", name="Gaps").click()
    page.wait_for_timeout(3_000)
    assert visible(chart) == pytest.approx(kept, abs=0.02)
    page.reload()
    chart = ready(page, desk)
    assert visible(chart) == pytest.approx(kept, abs=0.02)


def test_keys_move_the_chart(desk: LiveDesk, page: Page) -> None:
    chart = ready(page, desk)
    before = visible(chart)
    chart.press("ArrowLeft")
    moved = visible(chart)
    assert moved[0] < before[0]
    chart.press("+")
    assert visible(chart)[1] - visible(chart)[0] < moved[1] - moved[0]


def test_no_page_scrolls_sideways_on_a_phone(desk: LiveDesk, page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    for path, _, _ in PAGES:
        page.goto(f"{desk.dashboard}/{path}")
        page.locator(".zd-strip").wait_for(timeout=30_000)
        page.wait_for_timeout(2_500)
        keep(page, f"phone-{path}")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_every_page_opens_without_an_error(desk: LiveDesk, browser: Browser, scheme: Literal["dark", "light"]) -> None:
    page = browser.new_page(viewport={"width": 1440, "height": 1000}, color_scheme=scheme)
    faults = watched(page)
    try:
        for path, _, _ in PAGES:
            page.goto(f"{desk.dashboard}/{'' if path == 'cockpit' else path}")
            page.locator(".zd-strip").wait_for(timeout=30_000)
            if path == "cockpit":
                page.locator(".zonedesk-chart canvas").first.wait_for(timeout=30_000)
            page.wait_for_timeout(2_500)
            keep(page, f"{path}-{scheme}")
            if scheme == "dark" and path != "cockpit":
                keep(page, f"tour_{path}", size=(1280, 860))
            assert page.locator("[data-testid=stException]").count() == 0, path
    finally:
        page.close()
    assert [fault for fault in faults if not _is_probe(fault)] == []


def _is_probe(fault: str) -> bool:
    """Whether this is the browser's word on Streamlit looking for its base path below a page."""
    return "404" in fault and "Failed to load resource" in fault


def test_a_pause_is_asked_once_and_shown(desk: LiveDesk, page: Page) -> None:
    page.goto(desk.dashboard)
    button = page.get_by_role("button", name="Pause entries")
    button.wait_for(timeout=30_000)
    button.dblclick()
    page.get_by_text("pause: asked").wait_for(timeout=10_000)
    page.wait_for_timeout(1_500)
    assert page.get_by_text("pause: asked").count() == 1
