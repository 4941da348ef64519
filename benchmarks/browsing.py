"""The dashboard in a real Chromium: when it is painted, how its fragments come, and what it keeps in memory."""

import base64
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import BrowserContext, CDPSession, Page, ViewportSize, sync_playwright
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
SIZE: ViewportSize = {"width": 1440, "height": 1000}
PATIENCE_MS = 60_000
CANDLE_COLOURS = 4
# Notes when the strip has words and the chart has candles, and the frame after it: the canvas has them by then.
_NOTES = """
(() => {
  const paint = (window.zonedeskPaint = { strip: 0, candles: 0, painted: 0, frames: 0 });
  const look = () => {
    const now = performance.now();
    if (!paint.strip && document.querySelector(".zd-strip")?.textContent) paint.strip = now;
    if (!paint.candles && Number(document.querySelector(".zonedesk-chart")?.dataset.candles) > 0) paint.candles = now;
    if (paint.strip && paint.candles && ++paint.frames > 1) {
      paint.painted = now;
      document.documentElement.dataset.painted = "";
      return;
    }
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})();
"""
_COLOURS = """() => {
  const seen = new Set();
  for (const canvas of document.querySelectorAll(".zonedesk-chart canvas")) {
    const { width, height } = canvas;
    if (!width || !height) continue;
    const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
    for (let i = 0; i < data.length; i += 64) seen.add((data[i] << 16) | (data[i + 1] << 8) | data[i + 2]);
  }
  return seen.size;
}"""
_ENTRIES = """() => {
  const [page] = performance.getEntriesByType("navigation");
  const rest = performance.getEntriesByType("resource").map((each) => ({
    name: new URL(each.name).pathname, start: each.startTime, end: each.responseEnd, bytes: each.transferSize,
  }));
  return { page: { end: page.responseEnd, interactive: page.domInteractive }, rest };
}"""

Json = dict[str, Any]  # Any: what the browser tells


@dataclass(frozen=True)
class Paint:
    """One visit: milliseconds from the navigation to the strip, to the candles' data, and to both painted.

    `busy` is the processor time of the page's main thread until then, which a busy machine lengthens least.
    """

    strip: float
    candles: float
    painted: float
    busy: float
    requests: int
    bytes: int
    entries: Json


@dataclass(frozen=True)
class Kept:
    """What a page keeps: heap in megabytes after a collection, nodes of the document, listeners."""

    heap: float
    nodes: int
    listeners: int


@contextmanager
def profile() -> Iterator[BrowserContext]:
    """Yield a browser with a profile of its own that has never seen anything."""
    found = shutil.which("chromium")
    if found is None:
        sys.exit("there is no Chromium: apt-get install chromium")
    with tempfile.TemporaryDirectory(prefix="zonedesk-browser-") as folder, sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            folder, executable_path=found, args=list(ARGUMENTS), viewport=SIZE, color_scheme="dark"
        )
        try:
            yield context
        finally:
            context.close()


def paint(context: BrowserContext, address: str) -> Paint:
    """Open the cockpit in a new tab and return when it was painted. Exits if the canvas stays empty."""
    page = context.new_page()
    talk = context.new_cdp_session(page)
    talk.send("Performance.enable")
    try:
        page.add_init_script(_NOTES)
        page.goto(address, wait_until="commit")
        page.locator("html[data-painted]").wait_for(state="attached", timeout=PATIENCE_MS)
        busy = _metrics(talk)["ThreadTime"] * 1000
        noted = page.evaluate("window.zonedeskPaint")
        if page.evaluate(_COLOURS) < CANDLE_COLOURS:
            sys.exit("the chart says that it has candles, and its canvas is empty")
        told = page.evaluate(_ENTRIES)
        return Paint(
            noted["strip"],
            noted["candles"],
            noted["painted"],
            busy,
            len(told["rest"]),
            sum(each["bytes"] for each in told["rest"]),
            told,
        )
    finally:
        page.close()


def fragments_seen(context: BrowserContext, address: str, seconds: float) -> list[float]:
    """Return the seconds between a fragment's request leaving the browser and its answer being whole there."""
    page, talk = _opened(context, address)
    sent: dict[str, float] = {}
    running: list[str] = []
    found: list[float] = []

    def asked(told: Json) -> None:
        message = BackMsg.FromString(_payload(told))
        if message.WhichOneof("type") == "rerun_script" and message.rerun_script.fragment_id:
            sent.setdefault(message.rerun_script.fragment_id, told["timestamp"])

    def answered(told: Json) -> None:
        message = ForwardMsg.FromString(_payload(told))
        if message.WhichOneof("type") == "new_session":
            running[:] = message.metadata.run.fragment_ids
        elif message.WhichOneof("type") == "script_finished":
            found.extend(told["timestamp"] - sent.pop(name) for name in running if name in sent)

    talk.on("Network.webSocketFrameSent", asked)
    talk.on("Network.webSocketFrameReceived", answered)
    talk.send("Network.enable")
    page.wait_for_timeout(seconds * 1000)
    page.close()
    return found


@contextmanager
def left_open(context: BrowserContext, address: str) -> Iterator[tuple[Page, CDPSession]]:
    """Yield the cockpit in a tab that stays open meanwhile."""
    page, talk = _opened(context, address)
    talk.send("Performance.enable")
    try:
        yield page, talk
    finally:
        page.close()


def kept(talk: CDPSession) -> Kept:
    """Return what a page keeps now, once what it no longer needs was thrown away."""
    talk.send("HeapProfiler.collectGarbage")
    told = _metrics(talk)
    return Kept(told["JSHeapUsedSize"] / 1e6, int(told["Nodes"]), int(told["JSEventListeners"]))


def wait(page: Page, seconds: float) -> None:
    """Let a page go on for so long."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        page.wait_for_timeout(min(left, 1.0) * 1000)


def median(paints: list[Paint]) -> Paint:
    """Return the visit in the middle."""
    middle = statistics.median_low([each.painted for each in paints])
    return next(each for each in paints if each.painted == middle)


def _opened(context: BrowserContext, address: str) -> tuple[Page, CDPSession]:
    page = context.new_page()
    page.goto(address)
    page.locator(".zonedesk-chart").wait_for(timeout=PATIENCE_MS)
    return page, context.new_cdp_session(page)


def _metrics(talk: CDPSession) -> dict[str, float]:
    return {each["name"]: each["value"] for each in talk.send("Performance.getMetrics")["metrics"]}


def _payload(told: Json) -> bytes:
    response = told["response"]
    return base64.b64decode(response["payloadData"]) if response["opcode"] == 2 else b""
