"""What the chart asks for itself: a stream of the last candle, and candles on demand; and whether the server lives."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Sequence

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from agents.domain.errors import TradingError
from ui.candles import TIMEFRAMES, shown
from ui.hub import Hub
from ui.older import older_candles
from ui.snapshot import ChartCandle, Picture

_LOOK_SECONDS = 0.2
_KEEP_ALIVE_SECONDS = 10.0
_MOST_CANDLES = 2_000
MOST_STREAMS = 100
_LONGEST_MOMENT = 10  # digits


def routes(hub: Hub, closing: threading.Event) -> list[Route]:
    """Return the routes; streams end when `closing` is set, so that the server can."""
    open_streams: set[object] = set()

    async def stream(request: Request) -> Response:
        minutes = _timeframe(request)
        if minutes is None:
            return _unknown_timeframe()
        if len(open_streams) >= MOST_STREAMS:
            return PlainTextResponse("too many streams are open", status_code=503)
        token = object()

        async def lines() -> AsyncIterator[str]:
            open_streams.add(token)
            try:
                async for line in _ticks(hub, closing, minutes):
                    yield line
            finally:
                open_streams.discard(token)

        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        return StreamingResponse(lines(), media_type="text/event-stream", headers=headers)

    async def healthz(_request: Request) -> Response:
        picture = hub.newest()
        return PlainTextResponse("ok" if picture is not None else "starting")

    return [Route("/api/stream", stream), *_candle_routes(hub), Route("/healthz", healthz)]


def _candle_routes(hub: Hub) -> list[Route]:
    """Return the routes of candles on demand: those since a moment, and those before one."""

    async def candles(request: Request) -> Response:
        minutes = _timeframe(request)
        if minutes is None:
            return _unknown_timeframe()
        try:
            since = int(request.query_params.get("since", "0"))
        except ValueError:
            return PlainTextResponse("since must be whole seconds since 1970", status_code=400)
        picture = await asyncio.to_thread(hub.look)
        rows = [row for row in chart_rows(_candles(picture, minutes)) if row[0] >= since]
        return JSONResponse({"candles": rows[-_MOST_CANDLES:], "as_of": picture.as_of.isoformat()})

    async def older(request: Request) -> Response:
        minutes, before = _timeframe(request), request.query_params.get("before", "")
        if minutes is None:
            return _unknown_timeframe()
        if not before.isdecimal() or len(before) > _LONGEST_MOMENT:
            return PlainTextResponse("before must be whole seconds since 1970", status_code=400)
        now = (await asyncio.to_thread(hub.look)).market.now
        try:
            found = await asyncio.to_thread(older_candles, hub.settings, minutes, int(before), now)
        except TradingError as error:
            return PlainTextResponse(str(error), status_code=503)
        return JSONResponse({"candles": chart_rows(found.candles), "more": found.more})

    return [Route("/api/candles", candles), Route("/api/older", older)]


def chart_rows(candles: Sequence[ChartCandle]) -> list[list[float]]:
    """Return candles as the chart reads them: opened (seconds since 1970 UTC), open, high, low, close, volume."""
    return [[c.opened_at, c.open, c.high, c.low, c.close, c.volume] for c in candles]


async def _ticks(hub: Hub, closing: threading.Event, minutes: int) -> AsyncIterator[str]:
    """Yield the last candle whenever it has changed, and a comment now and then so that both ends notice a loss."""
    told, quiet, number = "", 0.0, 0
    yield "retry: 1000\n\n"
    while not closing.is_set():
        picture = hub.newest()
        if picture is not None and picture.number != number:
            number = picture.number
            rows = chart_rows(_candles(picture, minutes)[-1:])
            text = json.dumps({"candle": rows[0] if rows else None})
            if text != told:
                told, quiet = text, 0.0
                yield f"data: {text}\n\n"
        if quiet >= _KEEP_ALIVE_SECONDS:
            quiet = 0.0
            yield ": still here\n\n"
        await asyncio.sleep(_LOOK_SECONDS)
        quiet += _LOOK_SECONDS


def _candles(picture: Picture, minutes: int) -> Sequence[ChartCandle]:
    return shown(picture.market.candles, picture.market.minutes, minutes)


def _timeframe(request: Request) -> int | None:
    """Return the asked time frame in minutes (0 is a day), None where there is no such."""
    text = request.query_params.get("minutes", "15")
    found = int(text) if text.isdigit() else None
    return found if found in TIMEFRAMES.values() else None


def _unknown_timeframe() -> Response:
    return PlainTextResponse(f"minutes must be one of {sorted(TIMEFRAMES.values())}", status_code=400)
