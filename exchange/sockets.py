"""Uvicorn's connections, able to misbehave as the live servers do: reset without a word, ignore pings.

A request's scope carries its connection under `WIRE`; under another server the key is absent and nothing misbehaves.
"""

import contextlib
import logging
import os
import socket
import struct
from collections.abc import Sequence
from typing import Any, Final, Protocol

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

WIRE: Final = "zonedesk.wire"
PING_EVERY: Final = 10.0
PONG_WITHIN: Final = 30.0  # after the ping: a client that went silent is let go 40 s after its last pong

FRAMES_A_WRITE: Final = 32
_BINARY, _SHORT, _MEDIUM = 0x82, 125, 0xFFFF

_NO_LINGER = struct.pack("ii", 1, 0)

# At DEBUG the library writes addresses and messages, which hold tokens, into any logger it is given.
_SILENT = logging.Logger("silent")  # noqa: LOG001  (outside the tree no configuration reaches it)
_SILENT.disabled = True
_log = logging.getLogger(__name__)


def _without_queries(record: logging.LogRecord) -> bool:
    """Cut the query, where tokens are, off every address that a record names."""
    if isinstance(record.args, tuple):
        record.args = tuple(one.partition("?")[0] if isinstance(one, str) else one for one in record.args)
    return True


_log.addFilter(_without_queries)


class Wire(Protocol):
    """A connection that can misbehave."""

    deaf: bool

    def reset(self) -> None:
        """End the connection with a TCP reset."""
        ...

    def hang_up(self) -> None:
        """End the connection in mid-answer, or without one."""
        ...


class FrameWire(Wire, Protocol):
    """A WebSocket that can misbehave, and takes many frames at once."""

    async def write_frames(self, frames: Sequence[bytes]) -> bool:
        """Send binary messages; False once the connection is closed or closing."""
        ...


class HttpWire(HttpToolsProtocol):
    """An HTTP connection that can be reset, and that tells no log which addresses are asked for."""

    deaf = False

    def __init__(self, *args: Any, **options: Any) -> None:  # Any: uvicorn's own
        super().__init__(*args, **options)
        self.access_log = False

    def on_message_begin(self) -> None:
        """Let the request know its connection."""
        super().on_message_begin()
        self.scope[WIRE] = self  # type: ignore[typeddict-unknown-key]  # ASGI lets servers add keys

    def reset(self) -> None:
        """End the connection with a TCP reset."""
        _reset(self.transport)

    def hang_up(self) -> None:
        """Close the connection at once."""
        self.transport.abort()


class SocketWire(WebSocketsSansIOProtocol):
    """A WebSocket that can be reset, or stop answering pings, and that tells no log what is said on it."""

    deaf = False

    def __init__(self, *args: Any, **options: Any) -> None:  # Any: uvicorn's own
        super().__init__(*args, **options)
        self.logger = _log
        self.conn.logger, self.conn.debug = _SILENT, False

    def handle_connect(self, event: Request) -> None:
        """Let the request know its connection; the application starts after this returns."""
        super().handle_connect(event)
        if hasattr(self, "scope"):  # absent when the handshake itself was malformed
            self.scope[WIRE] = self  # type: ignore[typeddict-unknown-key]  # ASGI lets servers add keys

    def handle_ping(self) -> None:
        """Answer a ping, unless the connection plays deaf."""
        if self.deaf:
            self.conn.data_to_send()  # the pong is made already; it goes nowhere
            return
        super().handle_ping()

    def reset(self) -> None:
        """End the connection with a TCP reset."""
        _reset(self.transport)

    def hang_up(self) -> None:
        """Close the connection without a close frame."""
        self.transport.abort()

    async def write_frames(self, frames: Sequence[bytes]) -> bool:
        """Send binary messages, each a frame of its own, in as few writes as the client's pace allows.

        Returns
        -------
        bool
            False once the connection is closed or closing; what was not sent is lost then.
        """
        for first in range(0, len(frames), FRAMES_A_WRITE):
            await self.writable.wait()
            if self.disconnected or self.close_sent or self.transport.is_closing():
                return False
            some = frames[first : first + FRAMES_A_WRITE]
            self.transport.write(b"".join([part for frame in some for part in (_frame_head(len(frame)), frame)]))
        return True


def _frame_head(size: int) -> bytes:
    """Return what stands before a binary message that a server sends whole (RFC 6455, section 5.2)."""
    if size <= _SHORT:
        return bytes((_BINARY, size))
    return struct.pack("!BBH", _BINARY, 126, size) if size <= _MEDIUM else struct.pack("!BBQ", _BINARY, 127, size)


def _reset(transport: Any) -> None:  # Any: asyncio's and uvloop's transports share no type
    handle = transport.get_extra_info("socket")
    if handle is not None:
        with contextlib.suppress(OSError), socket.socket(fileno=os.dup(handle.fileno())) as twin:
            twin.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    transport.abort()
