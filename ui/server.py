"""The dashboard's server. Started with ``streamlit run ui/server.py``: pages, a stream for the chart, and the gate."""

import signal
import sys
import threading
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import FrameType
from urllib.parse import urlsplit

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
from ui.assets import ChartFiles  # noqa: E402  (as above)
from ui.document import page_routes  # noqa: E402  (as above)
from ui.entrance import BACK, Entrance, Ways  # noqa: E402  (as above)
from ui.gate import LOCAL_NAMES, Gate, check_address  # noqa: E402  (as above)
from ui.hub import hub_of  # noqa: E402  (as above)
from ui.linger import Lingering  # noqa: E402  (as above)
from ui.oidc import Oidc  # noqa: E402  (as above)
from ui.oidc_provider import provider_in  # noqa: E402  (as above)
from ui.passwords import Password, key_in, signing_key  # noqa: E402  (as above)
from ui.tickets import Tickets  # noqa: E402  (as above)

KEY_FILE = "dashboard.key"
STRUCK_FILE = "dashboard.signed-out"


def entrance_of(settings: Settings) -> Entrance | None:
    """Return who lets people in, None where neither a password nor a provider is set.

    Raises
    ------
    ConfigError
        If the key of the cookies cannot be kept, or the provider's settings are not whole.
    """
    typed, provider = settings.dashboard_password, provider_in(settings)
    has_password = typed is not None and bool(typed.get_secret_value())
    if not has_password and provider is None:
        return None
    run = settings.home / "run"
    key = key_in(run / KEY_FILE)
    password = Password(typed.get_secret_value(), key) if typed is not None and has_password else None
    address = settings.dashboard_url or f"http://127.0.0.1:{settings.dashboard_port}"
    oidc = Oidc(provider, f"{address}{BACK}", time.time) if provider is not None else None
    decides = (password.hash if password is not None else b"", repr(provider).encode())
    tickets = Tickets(
        signing_key(key, *decides), time.time, struck=run / STRUCK_FILE, encrypted=address.startswith("https://")
    )
    return Entrance(tickets, Ways(password, oidc), time.monotonic)


def _allow(settings: Settings) -> None:
    """Tell Streamlit, which looks once more, under which names the gate lets the dashboard be asked."""
    names = set(settings.dashboard_hosts) | LOCAL_NAMES
    if settings.dashboard_url is not None:
        names.add(urlsplit(settings.dashboard_url).hostname or "")
        config.set_option("server.corsAllowedOrigins", [settings.dashboard_url])
    config.set_option("server.allowedHosts", sorted(names))


def _end_streams(closing: threading.Event) -> None:
    """Have SIGTERM and SIGINT end the streams too: the server waits for open replies before it ends."""
    for number in (signal.SIGTERM, signal.SIGINT):
        before = signal.getsignal(number)

        def ended(received: int, frame: FrameType | None, before: object = before) -> None:
            closing.set()
            if callable(before):
                before(received, frame)

        signal.signal(number, ended)


# The hub's thread reads the store while those who trade wait for it. Each time that it comes back from SQL it has to
# wait for a visitor's thread to pause, which by itself that does only every five thousandths of a second.
sys.setswitchinterval(0.001)
_settings = Settings()
_closing = threading.Event()
_hub = hub_of(_settings)
try:
    _entrance = entrance_of(_settings)
    check_address(config.get_option("server.address"), is_guarded=_entrance is not None)
    _allow(_settings)
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
    middleware=[
        Middleware(
            Gate, entrance=_entrance, hosts=frozenset(_settings.dashboard_hosts), public=_settings.dashboard_url
        ),
        Middleware(ChartFiles),
        Middleware(Lingering),
    ],
)
