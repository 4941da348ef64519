"""Visitors of the dashboard without a browser: they speak Streamlit's protocol and refresh fragments as a browser does.

A browser opens a socket, asks for the page, and from then on asks for each fragment again at the pace that the server
named for it; beside that its chart listens to the stream. That is all a visitor here does, so twenty of them cost the
machine little and the server what twenty browsers would.
"""

import asyncio
import json
import statistics
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Delta_pb2 import Delta
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect

IST_SECONDS = 19_800
DAY_SECONDS = 86_400
PATIENCE_SECONDS = 60.0
PAUSE_SECONDS = 0.05
LARGEST_MESSAGE = 64 * 1024 * 1024
KEPT_MESSAGES = 16  # a browser keeps large messages for some refreshes, and the server sends their names instead

Json = dict[str, Any]  # Any: what the server sent


@dataclass
class Visit:
    """What one visitor saw: seconds of each refresh, bytes, and how the fragments are refreshed."""

    first_seconds: float = 0.0
    asked: int = 0
    seconds: list[float] = field(default_factory=list)
    page_bytes: int = 0
    stream_bytes: int = 0
    faults: list[str] = field(default_factory=list)


class Visitor:
    """One visitor of a page.

    Parameters
    ----------
    address : str
        Of the dashboard, such as ``http://127.0.0.1:8501``.
    """

    def __init__(self, address: str) -> None:
        self.visit = Visit()
        self.timers: dict[str, float] = {}
        self.elements: dict[str, list[str]] = defaultdict(list)
        self.chart: Json = {}
        self.tables: list[str] = []
        self._place = urlsplit(address).netloc
        self._socket: ClientConnection | None = None
        self._sent: dict[str, float] = {}
        self._running: list[str] = []
        self._done = asyncio.Event()
        self._kept: deque[str] = deque(maxlen=KEPT_MESSAGES)

    async def open(self) -> None:
        """Ask for the page and return when all of it has come."""
        origin: Any = f"http://{self._place}"  # Any: websockets has a type of its own for it
        self._socket = await connect(
            f"ws://{self._place}/_stcore/stream",
            origin=origin,
            subprotocols=["streamlit"],  # type: ignore[list-item]  # a plain string is what goes over the wire
            compression=None,
            max_size=LARGEST_MESSAGE,
        )
        began = time.perf_counter()
        await self._ask("")
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not self._done.is_set():
                self._take(await self._socket.recv())
        self.visit.first_seconds = time.perf_counter() - began

    async def close(self) -> None:
        """Leave."""
        if self._socket is not None:
            await self._socket.close()

    async def stay(self, seconds: float, *, late: float = 0.0) -> None:
        """Refresh each fragment at its pace and listen to the stream, for so long; begin so many seconds `late`."""
        self._done.clear()
        tasks = [asyncio.create_task(self._refresh(name, pace, late)) for name, pace in self.timers.items()]
        tasks += [asyncio.create_task(self._listen()), asyncio.create_task(self._stream())]
        await asyncio.sleep(seconds)
        for task in tasks:
            if task.done() and not task.cancelled() and (error := task.exception()) is not None:
                self.visit.faults.append(repr(error))
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def refresh_alone(self, fragment: str) -> float:
        """Ask for one fragment, and return the seconds until it was there."""
        assert self._socket is not None
        self._done.clear()
        began = time.perf_counter()
        await self._ask(fragment)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not self._done.is_set():
                self._take(await self._socket.recv())
        return time.perf_counter() - began

    async def _refresh(self, fragment: str, pace: float, late: float) -> None:
        await asyncio.sleep(late)
        while True:
            await asyncio.sleep(pace)
            await self._ask(fragment)

    async def _ask(self, fragment: str) -> None:
        assert self._socket is not None
        message = BackMsg()
        asked = message.rerun_script
        asked.fragment_id = fragment
        asked.is_auto_rerun = bool(fragment)
        asked.cached_message_hashes.extend(sorted(set(self._kept)))
        asked.context_info.timezone = "Asia/Kolkata"
        asked.context_info.url = f"http://{self._place}/"
        asked.context_info.color_scheme = "dark"
        self._sent.setdefault(fragment, time.perf_counter())
        self.visit.asked += bool(fragment)
        await self._socket.send(message.SerializeToString())

    async def _listen(self) -> None:
        assert self._socket is not None
        while True:
            self._take(await self._socket.recv())

    async def _stream(self) -> None:
        """Read the chart's stream, and count its bytes."""
        host, _, port = self._place.partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        try:
            head = f"GET /api/stream?minutes=15 HTTP/1.1\r\nHost: {self._place}\r\nAccept: text/event-stream\r\n\r\n"
            writer.write(head.encode())
            await reader.readuntil(b"\r\n\r\n")
            while piece := await reader.read(65_536):
                self.visit.stream_bytes += len(piece)
            self.visit.faults.append("the stream ended")
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    def _take(self, payload: str | bytes) -> None:
        assert isinstance(payload, bytes)
        self.visit.page_bytes += len(payload)
        message = ForwardMsg.FromString(payload)
        kind = message.WhichOneof("type")
        if message.metadata.cacheable and message.hash:
            self._kept.append(message.hash)
        if kind == "new_session":
            self._running = list(message.metadata.run.fragment_ids) or [""]
        elif kind == "auto_rerun":
            self.timers[message.auto_rerun.fragment_id] = message.auto_rerun.interval
        elif kind == "delta":
            self._take_delta(message.delta)
        elif kind == "script_finished":
            now = time.perf_counter()
            self.visit.seconds += [now - self._sent.pop(name) for name in self._running if name in self._sent and name]
            self._sent.pop("", None)
            self._done.set()

    def _take_delta(self, delta: Delta) -> None:
        if delta.WhichOneof("type") != "new_element":
            return
        element = delta.new_element
        kind = str(element.WhichOneof("type"))
        if kind not in self.elements[delta.fragment_id]:
            self.elements[delta.fragment_id].append(kind)
        if kind == "bidi_component" and element.bidi_component.json:
            found = json.loads(element.bidi_component.json)
            if "candles" in found:
                self.chart = found
        if kind == "html" and "<caption>" in element.html.body:
            self.tables.append(element.html.body)


@dataclass(frozen=True)
class Shown:
    """What a page that was just opened shows: sessions of candles and rows of what is drawn beside them."""

    seconds: float
    sessions: int
    candles: int
    zones: int
    profile_rows: int
    decisions: int
    trades_marked: int


async def first_look(address: str) -> Shown:
    """Open the cockpit once, and count what it shows."""
    visitor = Visitor(address)
    try:
        await visitor.open()
    finally:
        await visitor.close()
    chart = visitor.chart
    candles = chart.get("candles", [])
    decided = next((body for body in visitor.tables if "Last decisions" in body), "")
    return Shown(
        seconds=visitor.visit.first_seconds,
        sessions=len({(row[0] + IST_SECONDS) // DAY_SECONDS for row in candles}),
        candles=len(candles),
        zones=len(chart.get("zones", [])),
        profile_rows=sum(volume > 0 for volume in (chart.get("profile") or {}).get("volumes", [])),
        decisions=decided.partition("<tbody>")[2].count("<tr>"),
        trades_marked=sum(1 for mark in chart.get("marks", []) if mark["kind"] == "in"),
    )


async def fragments(address: str, repeats: int) -> list[tuple[str, float, list[float]]]:
    """Return each fragment's elements, pace, and seconds of refreshes that nothing else of its visitor delays."""
    visitor = Visitor(address)
    await visitor.open()
    try:
        found = []
        for name, pace in list(visitor.timers.items()):
            seconds = []
            for _ in range(repeats):
                seconds.append(await visitor.refresh_alone(name))
                await asyncio.sleep(PAUSE_SECONDS)
            found.append((", ".join(visitor.elements[name]) or "nothing", pace, seconds))
        return found
    finally:
        await visitor.close()


async def crowd(
    address: str, count: int, seconds: float, *, arrived: Callable[[], object] = lambda: None
) -> list[Visit]:
    """Let so many visitors stay on the cockpit for so long, once all have `arrived`, and return what they saw."""
    visitors = [Visitor(address) for _ in range(count)]
    try:
        for visitor in visitors:
            await visitor.open()
        for visitor in visitors:
            visitor.visit = Visit(first_seconds=visitor.visit.first_seconds)
        arrived()
        # People do not come at the same moment, so their browsers do not ask at the same moment either.
        await asyncio.gather(*(visitor.stay(seconds, late=n / count) for n, visitor in enumerate(visitors)))
    finally:
        for visitor in visitors:
            await visitor.close()
    return [visitor.visit for visitor in visitors]


def middle(visits: list[Visit]) -> float:
    """Return the middle refresh of all visitors, in seconds."""
    return statistics.median(list(_all(visits)))


def _all(visits: list[Visit]) -> Iterator[float]:
    for visit in visits:
        yield from visit.seconds
