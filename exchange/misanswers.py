"""Wrong answers over HTTP: an ASGI layer around all routes that lets faults strike before and after a request.

The place of a fault is ``METHOD /path``. Faults before the request leave no trace in the exchange; faults after it
leave the order placed and the client in the dark.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from exchange.core import Core
from exchange.envelopes import (
    ApiError,
    Reply,
    data_authentication_failed,
    data_rate_limited,
    gateway_error,
    input_error,
    invalid_token,
    rate_limited,
    server_error,
)
from exchange.sockets import WIRE, Wire
from exchange.spoiling import spoilt

GO_PATHS: Final = ("/v2/marketfeed", "/v2/optionchain")
CHAIN_PATH: Final = "/v2/optionchain"
CHAINS_REMEMBERED: Final = 100

Headers = list[tuple[bytes, bytes]]


@dataclass
class Answer:
    """A whole answer, held back so that it can be spoilt."""

    status: int = 200
    headers: Headers = field(default_factory=list)
    body: bytes = b""

    @staticmethod
    def of(reply: Reply) -> "Answer":
        """Return a reply of the exchange as an answer."""
        headers = [(b"content-type", reply.content_type.encode())] if reply.body else []
        return Answer(reply.status, headers, reply.body)

    async def collect(self, message: Message) -> None:
        """Take what the application sends."""
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], list(message["headers"])
        else:
            self.body += message.get("body", b"")

    async def send(self, send: Send) -> None:
        """Send it, with the length it has now."""
        kept = [(name, value) for name, value in self.headers if name.lower() != b"content-length"]
        length = (b"content-length", str(len(self.body)).encode())
        await send({"type": "http.response.start", "status": self.status, "headers": [*kept, length]})
        await send({"type": "http.response.body", "body": self.body})


class Misanswers:
    """The layer; pass it to Starlette as middleware, outermost.

    Parameters
    ----------
    app : ASGIApp
        What answers.
    core : Core
        Whose faults, and whose clock the Date header tells.
    sleep : callable, optional
        How to wait for a slow answer.
    """

    def __init__(self, app: ASGIApp, core: Core, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._app = app
        self._core = core
        self._sleep = sleep
        self._chains: OrderedDict[bytes, bytes] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, rightly or wrongly; other kinds of scope pass."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        where = f"{scope['method']} {scope['path']}"
        answer = self._before(where)
        if answer is None:
            answer = await self._answer(scope, receive, where)
            if self._dropped(scope, where):
                await asyncio.sleep(0)  # the server learns that the connection is gone before it misses the answer
                return
            answer = await self._after(answer, where)
        answer.headers.append((b"date", self._date(where)))
        await answer.send(send)

    def _before(self, where: str) -> Answer | None:
        """Return a refusal, if one strikes."""
        strike, is_go = self._core.faults.strike, where.split(" ")[1].startswith(GO_PATHS)
        refusals: tuple[tuple[str, Callable[[], ApiError]], ...] = (
            ("rate_limited", data_rate_limited if is_go else rate_limited),
            ("server_error", server_error),
            ("invalid_ip", lambda: input_error("Invalid IP")),
            ("invalid_token", data_authentication_failed if is_go else invalid_token),
        )
        for name, refusal in refusals:
            if strike(name, where) is not None:
                return Answer.of(refusal().reply)
        gateway = strike("gateway_error", where)
        return None if gateway is None else Answer.of(gateway_error(gateway["status"]))

    async def _answer(self, scope: Scope, receive: Receive, where: str) -> Answer:
        """Let the application answer, twice over if the request arrives twice."""
        answer, body = Answer(), await _whole(receive)
        if self._core.faults.strike("duplicated_request", where) is not None:
            await self._app(_copy(scope), _again(body), Answer().collect)
        await self._app(_copy(scope), _again(body), answer.collect)
        if scope["path"] == CHAIN_PATH and answer.status == 200:  # noqa: PLR2004 - HTTP's own number
            answer.body = self._chain(body, answer.body, where)
        return answer

    def _chain(self, asked: bytes, fresh: bytes, where: str) -> bytes:
        """Return the chain as it is, or as it was when the fault began."""
        if self._core.faults.strike("stale_chain", where) is None:
            self._chains[asked] = fresh
            if len(self._chains) > CHAINS_REMEMBERED:
                self._chains.popitem(last=False)
        return self._chains.setdefault(asked, fresh)

    def _dropped(self, scope: Scope, where: str) -> bool:
        dropped = self._core.faults.strike("dropped", where)
        wire: Wire | None = scope.get(WIRE)
        if dropped is None or wire is None:
            return False
        if dropped["reset"]:
            wire.reset()
        else:
            wire.hang_up()
        return True

    async def _after(self, answer: Answer, where: str) -> Answer:
        """Return the answer that reaches the client of a request that was accepted."""
        strike = self._core.faults.strike
        slow = strike("slow", where)
        if slow is not None:
            await self._sleep(float(slow["seconds"]))
        if strike("empty_202", where) is not None:
            return Answer(202)
        if strike("html_200", where) is not None:
            return Answer(200, [(b"content-type", b"text/html")], b"<html><body>Please wait.</body></html>")
        gateway = strike("lost_in_gateway", where)
        if gateway is not None:
            return Answer.of(gateway_error(gateway["status"]))
        if answer.status == 200:  # noqa: PLR2004 - HTTP's own number
            answer.body = spoilt(answer.body, where, strike)
        return answer

    def _date(self, where: str) -> bytes:
        skew = self._core.faults.strike("clock_skew", where)
        seconds = self._core.clock.real() / 1000 + (float(skew["seconds"]) if skew is not None else 0.0)
        return formatdate(seconds, usegmt=True).encode()


async def _whole(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


def _again(body: bytes) -> Receive:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


def _copy(scope: Scope) -> Scope:
    copy: MutableMapping[str, Any] = dict(scope)  # Any: ASGI scopes hold anything
    return copy
