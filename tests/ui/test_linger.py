"""A socket that closes is served for a moment longer, so that a click just before is not lost."""

import asyncio
from collections.abc import Iterator

import pytest
from starlette.types import Message, Receive, Scope, Send

from ui.linger import Lingering

SECONDS = 0.05


class Socket:
    """A socket whose other end says some words and closes; from then on nothing can be sent."""

    def __init__(self, code: int = 1001) -> None:
        heard = {"type": "websocket.receive", "bytes": b"halt"}
        self._said: Iterator[Message] = iter([heard, {"type": "websocket.disconnect", "code": code}])
        self.told: list[Message] = []
        self.is_open = True

    async def receive(self) -> Message:
        message = next(self._said)
        self.is_open = message["type"] != "websocket.disconnect"
        return message

    async def send(self, message: Message) -> None:
        if not self.is_open:
            raise OSError("nobody listens")
        self.told.append(message)


def served(socket: Socket, seconds: float = SECONDS) -> list[str]:
    """Return what an application came to that obeys each click once it has answered the one before."""
    done: list[str] = []

    async def application(_scope: Scope, receive: Receive, send: Send) -> None:
        click = await receive()

        async def obey() -> None:
            await asyncio.sleep(SECONDS / 5)
            await send({"type": "websocket.send", "bytes": b"a refresh"})
            done.append(str(click["bytes"]))

        waiting = asyncio.create_task(obey())
        assert (await receive())["type"] == "websocket.disconnect"
        waiting.cancel()

    asyncio.run(Lingering(application, seconds)({"type": "websocket"}, socket.receive, socket.send))
    return done


def test_what_was_clicked_before_the_page_closed_is_still_done() -> None:
    socket = Socket()
    assert served(socket) == ["b'halt'"]
    assert socket.told == []
    assert served(Socket(), seconds=0.0) == []


@pytest.mark.parametrize("code", [1008, 1012])
def test_nobody_is_heard_longer_whom_the_gate_shut_out_or_whose_server_ends(code: int) -> None:
    assert served(Socket(code)) == []


def test_a_send_that_finds_nobody_is_let_fall() -> None:
    async def refused(_message: Message) -> None:
        raise OSError("nobody listens")

    async def never() -> Message:
        raise AssertionError

    async def application(_scope: Scope, _receive: Receive, send: Send) -> None:
        for _ in range(2):
            await send({"type": "websocket.send", "bytes": b""})

    asyncio.run(Lingering(application)({"type": "websocket"}, never, refused))
    with pytest.raises(OSError, match="nobody"):
        asyncio.run(application({"type": "http"}, never, refused))
