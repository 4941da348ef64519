"""A server that answers what a test tells it to, and a wire to it."""

import base64
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from pydantic import SecretStr

from agents.data.dhan.address import Address
from agents.data.dhan.http import Wire

CLIENT = "1000000001"


def make_token(client_id: str = CLIENT, expires_at: int = 4_000_000_000, number: int = 0) -> str:
    """A token as a paper exchange makes it, with a signature that nobody checks."""
    claims = json.dumps({"exp": expires_at, "dhanClientId": client_id, "jti": number}).encode()
    parts = (base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in (b'{"alg":"HS256"}', claims, b"signed"))
    return "paper." + ".".join(parts)


@dataclass
class Answering:
    """The server's script: answers in order, the last one for ever; and what it was asked."""

    port: int = 0
    answers: list[tuple[int, bytes]] = field(default_factory=lambda: [(200, b"{}")])
    asked: list[tuple[str, str, bytes]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    delay: float = 0.0

    def will(self, *answers: tuple[int, Any]) -> None:  # Any: JSON, or bytes as they are
        self.answers = [
            (status, body if isinstance(body, bytes) else json.dumps(body).encode()) for status, body in answers
        ]

    @property
    def address(self) -> Address:
        return Address.on_loopback(self.port)


@pytest.fixture
def answering() -> Iterator[Answering]:
    script = Answering()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # one segment an answer

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            script.asked.append((self.command, self.path, body))
            script.headers.append({name.lower(): value for name, value in self.headers.items()})
            status, answer = script.answers.pop(0) if len(script.answers) > 1 else script.answers[0]
            time.sleep(script.delay)
            if status == 0:  # the connection breaks
                self.close_connection = True
                self.connection.close()
                return
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            if status in {301, 302}:
                self.send_header("Location", "http://127.0.0.1:9/elsewhere")
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_POST = do_PUT = do_DELETE = _answer  # noqa: N815 - the names that http.server asks for

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    script.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield script
    server.shutdown()
    server.server_close()


@pytest.fixture
def wire(answering: Answering) -> Iterator[Wire]:
    made = Wire(answering.address, CLIENT, SecretStr(make_token()), timeout=(1.0, 2.0))
    yield made
    made.close()
