"""What a monitor may ask of the guardian's process: ``/metrics`` for Prometheus, ``/healthz`` for everyone."""

import json
import logging
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from pydantic import Field

from agents.data.metrics import CONTENT_TYPE, MetricReader, exposition
from agents.domain.errors import ConfigError, TradingError
from agents.domain.values import Frozen
from agents.settings import Settings

HOST: Final = "127.0.0.1"
_SLOW_CLIENT_SECONDS = 5.0
_POLL_SECONDS = 0.1  # how long closing it takes
_log = logging.getLogger(__name__)


class Health(Frozen):
    """How a process is. `problems` are sentences, none where all is well; `facts` is whatever else is worth knowing."""

    problems: tuple[str, ...] = ()
    facts: dict[str, Any] = Field(default_factory=dict)  # Any: what JSON can hold

    @property
    def ok(self) -> bool:
        """Whether there is no problem."""
        return not self.problems


class OpsServer:
    """A small server on this machine, in threads of its own. `port` is where it listens."""

    def __init__(self, server: ThreadingHTTPServer) -> None:
        self._server = server
        self.port: int = server.server_address[1]
        self._thread = threading.Thread(
            target=server.serve_forever, args=(_POLL_SECONDS,), name="ops-server", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop listening; may be called once or more often."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def serve_ops(settings: Settings, facts: Callable[[], Health], port: int | None = None) -> OpsServer:
    """Serve measurements and health until the result is closed.

    ``/metrics`` shows what all processes of this mode have measured. ``/healthz`` answers 200 where all is well and 503
    where it is not, with the reasons as JSON.

    Parameters
    ----------
    settings : Settings
        Names the file of measurements, and the port where none is given.
    facts : callable
        Returns the process's health; called from another thread for each request, so it must be quick.
    port : int, optional
        0 lets the system choose.

    Raises
    ------
    ConfigError
        If the port is taken.
    """
    reader = MetricReader(settings.ops_path)
    wanted = settings.ops_port if port is None else port

    class Handler(_Handler):
        pages = {"/metrics": lambda: _metrics(reader), "/healthz": lambda: _health(facts)}  # noqa: RUF012  (never changed)

    try:
        return OpsServer(_Server((HOST, wanted), Handler))
    except OSError as error:
        raise ConfigError(f"port {wanted} cannot be listened on: {error.strerror}; set ZONEDESK_OPS_PORT") from error


Page = tuple[HTTPStatus, str, str]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 16


class _Handler(BaseHTTPRequestHandler):
    timeout = _SLOW_CLIENT_SECONDS
    protocol_version = "HTTP/1.1"
    server_version = "zonedesk"
    sys_version = ""
    pages: dict[str, Callable[[], Page]]

    def do_GET(self) -> None:
        page = self.pages.get(self.path.partition("?")[0])
        if page is None:
            self._answer(HTTPStatus.NOT_FOUND, "text/plain; charset=utf-8", "ask for /metrics or /healthz\n")
            return
        try:
            self._answer(*page())
        except TradingError as error:
            self._answer(HTTPStatus.SERVICE_UNAVAILABLE, "text/plain; charset=utf-8", f"{error}\n")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the base class's name)
        _log.debug(format, *args)

    def _answer(self, status: HTTPStatus, kind: str, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)


def _metrics(reader: MetricReader) -> Page:
    return HTTPStatus.OK, CONTENT_TYPE, exposition(reader.series())


def _health(facts: Callable[[], Health]) -> Page:
    said = facts()
    status = HTTPStatus.OK if said.ok else HTTPStatus.SERVICE_UNAVAILABLE
    body = {"ok": said.ok, "problems": said.problems, **said.facts}
    return status, "application/json", json.dumps(body, default=str, ensure_ascii=False) + "\n"
