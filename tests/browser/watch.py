"""What tests see of a page: its faults, its colours, and whether it has come to rest."""

import re

from playwright.sync_api import Locator, Page, expect

PATIENCE = 60_000  # milliseconds: two cores carry the desk, the browser and other tests
_COLOURS = """() => {
    const seen = new Set();
    for (const canvas of document.querySelectorAll(".zonedesk-chart canvas")) {
        const { width, height } = canvas;
        if (!width || !height) continue;
        const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
        for (let i = 0; i < data.length; i += 4) seen.add((data[i] << 16) | (data[i + 1] << 8) | data[i + 2]);
    }
    return seen.size;
}"""
FRAMES = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


def watched(page: Page) -> list[str]:
    """Collect console errors, page errors and requests that leave this machine."""
    faults: list[str] = []
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("request", lambda ask: faults.append(ask.url) if _leaves(ask.url) else None)
    return faults


def _leaves(url: str) -> bool:
    return url.startswith(("http", "ws")) and "//127.0.0.1" not in url


def colours(page: Page) -> int:
    """Return how many colours the chart's canvases hold: a blank one has very few."""
    return int(page.evaluate(_COLOURS))


def rested(page: Page, name: str) -> None:
    """Wait until a page of this name was drawn to its end."""
    expect(page).to_have_title(re.compile(f"^{re.escape(name)} · "), timeout=PATIENCE)
    page.locator(".zd-strip").wait_for(timeout=PATIENCE)
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for(timeout=PATIENCE)


def drawn(page: Page) -> Locator:
    """Return the page's chart once it shows candles."""
    chart = page.locator(".zonedesk-chart")
    expect(chart).to_have_attribute("data-range", re.compile(r"\d"), timeout=PATIENCE)
    return chart


def number_of(chart: Locator, name: str) -> float:
    """Return a number that the chart tells of itself, 0 before it does."""
    return float(chart.get_attribute(f"data-{name}") or 0)


def grows(chart: Locator, name: str, by: int = 1) -> None:
    """Wait until a number that the chart tells of itself has grown."""
    wanted = number_of(chart, name) + by
    chart.page.wait_for_function(
        "([name, wanted]) => Number(document.querySelector('.zonedesk-chart')?.dataset[name] ?? 0) >= wanted",
        arg=[name, wanted],
        timeout=PATIENCE,
    )


def visible(chart: Locator) -> tuple[float, float]:
    """Return the first and the last position that the chart shows, once it has drawn what it was told."""
    chart.page.evaluate(FRAMES)
    first, last = (chart.get_attribute("data-range") or "").split()
    return float(first), float(last)


def middle(chart: Locator) -> tuple[float, float]:
    """Return the middle of the chart on the page."""
    box = chart.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def hovered(chart: Locator, x: float, *, step: int = 3) -> float:
    """Move down the chart until it tells of a zone, and return how far down the page that is."""
    box = chart.bounding_box()
    assert box is not None
    hint = chart.locator(".zonedesk-hint")
    for y in range(int(box["y"]) + 50, int(box["y"]) + 430, step):
        chart.page.mouse.move(x, y)
        if hint.is_visible():
            return float(y)
    raise AssertionError("the pointer met no zone")


def zoomed(chart: Locator) -> tuple[float, float]:
    """Zoom in and scroll back with the mouse, and return what is visible then."""
    page, (x, y) = chart.page, middle(chart)
    page.mouse.move(x, y)
    for _ in range(4):
        page.mouse.wheel(0, -240)
        visible(chart)
    page.mouse.down()
    page.mouse.move(x + 160, y, steps=6)
    page.mouse.up()
    return visible(chart)
