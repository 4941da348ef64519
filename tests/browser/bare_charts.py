"""The chart's own scripts on a bare page, with data and a stream that a test makes up: quick, and always the same."""

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from playwright.sync_api import Browser, Page, Route

from tests.browser.desks import ROOT
from tests.browser.watch import FRAMES, visible
from ui.palette import COLOUR_BLIND, DARK, palette

ADDRESS = "http://127.0.0.1:9/"  # nobody listens there: what the page asks for is answered here
OPENS = 1_795_017_600 // 86_400 * 86_400 + 33_300 - 19_800
SESSION = 25
Json = dict[str, Any]  # Any: JSON
_DOCUMENT = """<!doctype html><meta charset="utf-8"><body style="margin:0;--st-background-color:#131722">
<button id="before">before</button><div id="place" style="width:1000px"></div>
<script>
window.EventSource = class { static CLOSED = 2; constructor(url) { this.url = url; window.stream = this; }
  close() { this.closed = true; } say(candle) { this.onmessage({ data: JSON.stringify({ candle }) }); } };
</script>
<script type="module">
import render from "./chart.js";
const place = document.getElementById("place");
window.show = (data) => { window.end = render({ data, parentElement: place }); };
window.isReady = true;
</script>"""


def candles(first: int, end: int) -> list[list[float]]:
    """Return the candles of these numbers as the server sends them: 25 of 15 minutes a session."""

    def price(number: int) -> float:
        return round(24_000 + 200 * math.sin(number / 17) + 80 * math.sin(number / 3), 2)

    rows: list[list[float]] = []
    for number in range(first, end):
        session, place = divmod(number, SESSION)
        o, c = price(number - 1), price(number)
        high, low = max(o, c) + 12, min(o, c) - 12
        rows.append([OPENS + 86_400 * session + 900 * place, o, high, low, c, 100_000 + 1_000 * (number % 13)])
    return rows


def chart_of(end: int, **changes: Any) -> Json:  # Any: JSON
    """Return the data of a chart of candles up to a number, with one zone around 24,000 from candle 100 on."""
    rows = candles(0, end)
    zone = {
        "id": "zone-1", "side": "demand", "low": 23_950.0, "high": 24_050.0, "from": rows[100][0], "confidence": 0.7,
        "confirmed": True, "label": "▲ demand 0.70 · confirm",
        "detail": ["▲ demand · confidence 0.70 · confirm", "made of gap", "known 3 h ago"],
    }  # fmt: skip
    colors = asdict(palette(COLOUR_BLIND, DARK))
    return {
        "title": "NIFTY 15 min", "minutes": 15, "live": True, "height": 560, "colors": colors, "candles": rows,
        "zones": [zone], "bands": [], "profile": None, "ltp": rows[-1][4], "marks": [], "lines": [], "swings": [],
        "breaks": [], "replay": "", **changes,
    }  # fmt: skip


class BareChart:
    """A page with nothing but a chart; `asked` collects what it asks the server for."""

    def __init__(self, browser: Browser, answers: Mapping[str, Json]) -> None:
        self.page: Page = browser.new_page(viewport={"width": 1000, "height": 700})
        self.asked: list[str] = []
        self.faults: list[str] = []
        self._answers = answers
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("console", lambda said: self.faults.append(said.text) if said.type == "error" else None)
        self.page.route(f"{ADDRESS}**", self._serve)
        self.load()

    def load(self) -> None:
        """Open the page, or open it again."""
        self.page.goto(ADDRESS)
        self.page.wait_for_function("window.isReady")

    def show(self, data: Json) -> None:
        """Hand data to the chart, as a refresh does."""
        self.page.evaluate("(data) => show(data)", data)

    def say(self, candle: list[float]) -> None:
        """Have the stream say a candle."""
        self.page.evaluate("(candle) => stream.say(candle)", candle)

    def range(self) -> tuple[float, float]:
        return visible(self.page.locator(".zonedesk-chart"))

    def told(self, name: str) -> str:
        """Return what the chart tells of itself, once it has drawn what it was told."""
        self.page.evaluate(FRAMES)
        return self.page.locator(".zonedesk-chart").get_attribute(f"data-{name}") or ""

    def _serve(self, route: Route) -> None:
        path = route.request.url.removeprefix(ADDRESS)
        name = path.partition("?")[0]
        script = ROOT / "ui" / "chart_assets" / name
        if not name:
            route.fulfill(content_type="text/html", body=_DOCUMENT)
        elif name in self._answers:
            self.asked.append(path)
            route.fulfill(json=self._answers[name])
        elif script.is_file():
            route.fulfill(content_type="text/javascript", body=script.read_text())
        else:
            route.fulfill(status=204)
