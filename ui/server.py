"""The dashboard's server. Started with ``streamlit run ui/server.py``: pages, a stream for the chart, and the gate."""

import signal
import sys
import threading
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import FrameType

# Streamlit puts this folder first on the path; ours is the one above it.
_ROOT = str(Path(__file__).resolve().parents[1])
if _ROOT not in sys.path:
    sys.path.insert(0, _ROOT)

import streamlit as st  # noqa: E402  (after the path above is right)
from starlette.middleware import Middleware  # noqa: E402  (as above)
from streamlit import config  # noqa: E402  (as above)

from agents.domain.errors import ConfigError  # noqa: E402  (as above)
from agents.settings import Settings  # noqa: E402  (as above)
from ui.api import routes  # noqa: E402  (as above)
from ui.document import page_routes  # noqa: E402  (as above)
from ui.gate import Gate, check_address  # noqa: E402  (as above)
from ui.hub import hub_of  # noqa: E402  (as above)
from ui.passwords import Locker, key_in  # noqa: E402  (as above)

KEY_FILE = "dashboard.key"


def locker_of(settings: Settings) -> Locker | None:
    """Return who knows the password, None where none is set. Raises `ConfigError` if its key cannot be kept."""
    if settings.dashboard_password is None or not settings.dashboard_password.get_secret_value():
        return None
    key = key_in(settings.home / "run" / KEY_FILE)
    return Locker(settings.dashboard_password.get_secret_value(), key, time.time)


def _end_streams(closing: threading.Event) -> None:
    """Have SIGTERM and SIGINT end the streams too: the server waits for open replies before it ends."""
    for number in (signal.SIGTERM, signal.SIGINT):
        before = signal.getsignal(number)

        def ended(received: int, frame: FrameType | None, before: object = before) -> None:
            closing.set()
            if callable(before):
                before(received, frame)

        signal.signal(number, ended)


_settings = Settings()
_closing = threading.Event()
_hub = hub_of(_settings)
try:
    _locker = locker_of(_settings)
    check_address(config.get_option("server.address"), has_password=_locker is not None)
except ConfigError as error:
    sys.exit(str(error))


@asynccontextmanager
async def _lifespan(_app: st.App) -> AsyncIterator[Mapping[str, object]]:
    if threading.current_thread() is threading.main_thread():
        _end_streams(_closing)
    _hub.start()
    try:
        yield {}
    finally:
        _closing.set()
        _hub.stop()


app = st.App(
    str(Path(__file__).with_name("app.py")),
    lifespan=_lifespan,  # type: ignore[arg-type]  # a mapping is what it yields on, and a dict is one
    routes=[*page_routes(), *routes(_hub, _closing)],
    middleware=[Middleware(Gate, locker=_locker, hosts=frozenset(_settings.dashboard_hosts), elapsed=time.monotonic)],
)
