from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.browser.desks import LiveDesk

pytestmark = [pytest.mark.browser, pytest.mark.process]

ARTIFACTS = Path(__file__).resolve().parents[2] / "test-artifacts"


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
    ARTIFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTIFACTS / "dashboard.png")
    assert _colours(page) > 20
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


def test_the_market_clock_goes_on_and_new_minutes_arrive(desk: LiveDesk, page: Page) -> None:
    page.goto(desk.dashboard)
    strip = page.get_by_text(" IST", exact=False).first
    strip.wait_for(timeout=30_000)
    before = strip.inner_text()
    page.wait_for_timeout(14_000)  # more than a market minute
    assert strip.inner_text() != before
    assert "min old" not in strip.inner_text().split("price")[-1].split("zones")[0]


def test_dagster_shows_the_asset_graph(desk: LiveDesk, page: Page) -> None:
    faults = watched(page)
    page.goto(f"{desk.dagster}/asset-groups/?expanded=zones,structure,market,trading")
    page.get_by_text("zones", exact=True).first.wait_for(timeout=30_000)
    page.wait_for_timeout(2_000)
    ARTIFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTIFACTS / "lineage.png")
    for group in ("market", "structure", "trading"):
        assert page.get_by_text(group, exact=True).count() > 0
    assert [fault for fault in faults if fault.startswith("http")] == []
