"""The whole server in this process: each of its routes and sockets, as they are registered, is behind the gate."""

import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect
from streamlit import config
from streamlit.runtime import Runtime

from agents.settings import Settings
from tests.ui.gates import BASE, OWN, PASSWORD
from ui.gate import OPEN_PATHS
from ui.visitor import HEADER

SERVER = Path(__file__).resolve().parents[2] / "ui" / "server.py"
KNOWN = {
    "/api/stream", "/api/candles", "/healthz", "/", "/_stcore/health", "/_stcore/metrics", "/_stcore/host-config",
    "/_stcore/upload_file/x/x", "/_stcore/bidi-components/x", "/component/x", "/media/x", "/_stcore/stream",
    "/_stcore/agent/interact", "/_stcore/agent/mcp", "/auth/login", "/oauth2callback",
}  # fmt: skip
SECRETS = {
    "DHAN_CLIENT_ID": "planted-client", "DHAN_ACCESS_TOKEN": "planted-token", "DHAN_PIN": "planted-pin",
    "DHAN_TOTP_SECRET": "planted-totp", "OPENAI_API_KEY": "planted-openai",
    "ZONEDESK_ALERT_URLS": "tgram://planted-alert/1", "ZONEDESK_DEAD_MAN_URL": "https://planted-watchman",
    "ZONEDESK_OIDC_CLIENT_SECRET": "planted-oidc",
}  # fmt: skip


def loaded() -> Any:  # Any: the module, under another name
    """Return the server's module as `streamlit run` would load it."""
    spec = importlib.util.spec_from_file_location("served_dashboard", SERVER)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[pytest.MonkeyPatch]:
    """An environment and a Streamlit of this module's own."""
    patch = pytest.MonkeyPatch()
    patch.setenv("ZONEDESK_DATA_DIR", str(tmp_path_factory.mktemp("served")))
    patch.setenv("ZONEDESK_MODE", "paper")
    before = {name: config.get_option(name) for name in ("server.address", "server.allowedHosts")}
    main_script, instance = config._main_script_path, Runtime._instance
    Runtime._instance = None
    try:
        yield patch
    finally:
        for name, value in before.items():
            config.set_option(name, value)
        config._main_script_path, Runtime._instance = main_script, instance
        patch.undo()


@pytest.fixture(scope="module")
def served(environment: pytest.MonkeyPatch) -> Any:  # Any: the server's module
    """The server with a password set."""
    environment.setenv("ZONEDESK_DASHBOARD_PASSWORD", PASSWORD)
    environment.setenv("ZONEDESK_DASHBOARD_HOSTS", '["desk.lan"]')
    config.set_option("server.address", "127.0.0.1")
    return loaded()


@pytest.fixture(scope="module")
def stranger(served: Any) -> Iterator[TestClient]:  # Any: as above
    """Somebody who did not sign in."""
    with TestClient(served.app, base_url=BASE, follow_redirects=False, client=("127.0.0.1", 50_000)) as visitor:
        yield visitor


def routes_of(served: Any, stranger: TestClient) -> list[BaseRoute]:  # Any: as above
    assert stranger.get("/healthz").status_code == 200  # it is built with its first request
    found: list[BaseRoute] = []
    waiting = list(served.app._starlette_app.routes)
    while waiting:
        route = waiting.pop()
        inner = list(getattr(route, "routes", None) or ())
        waiting += inner if isinstance(route, Mount) else []
        found.append(route)
    return found


def address_of(route: Any) -> str:  # Any: routes and mounts have their path in common, not a class
    return re.sub(r"\{[^}]*\}", "x", route.path) or "/"


def test_every_route_is_behind_the_gate(served: Any, stranger: TestClient) -> None:  # Any: as above
    routes = routes_of(served, stranger)
    assert {address_of(route) for route in routes} >= KNOWN
    for route in routes:
        path = address_of(route)
        if isinstance(route, WebSocketRoute):
            with (
                pytest.raises(WebSocketDisconnect),
                stranger.websocket_connect(f"ws://127.0.0.1:8501{path}", headers=OWN),
            ):
                pass
            continue
        assert isinstance(route, Route | Mount), f"{path} is of a kind that this test does not know"
        if path in OPEN_PATHS:
            continue
        for method in {*(getattr(route, "methods", None) or ()), "GET", "POST"}:
            reply = stranger.request(method, path)
            assert reply.status_code in {303, 401, 405}, (method, path, reply.status_code)
            assert "streamlit" not in reply.text.lower(), path


def test_whoever_signed_in_gets_pages_files_and_candles(served: Any) -> None:  # Any: as above
    visitor = TestClient(served.app, base_url=BASE, follow_redirects=False, client=("127.0.0.1", 50_000))
    tickets = served._entrance.tickets
    visitor.cookies.set(tickets.cookie, tickets.issue("dashboard"))
    page = visitor.get("/")
    assert page.status_code == 200
    scripts = re.findall(r'src="\./(static/js/[^"]+)"', page.text)
    assert scripts
    assert all(visitor.get(f"/{script}").status_code == 200 for script in scripts)
    assert visitor.get("/api/candles").json()["candles"] == []
    assert visitor.get("/api/candles?minutes=7").status_code == 400
    assert visitor.get("/api/candles?since=x").status_code == 400
    assert visitor.get("/_stcore/health").status_code == 200
    assert visitor.get("/_stcore/agent/interact").status_code == 405
    assert visitor.get("/", headers={"host": "desk.lan:8501"}).status_code == 200


def test_streamlit_lets_itself_be_asked_under_the_names_that_the_gate_allows(served: Any) -> None:  # Any: as above
    assert served is not None
    assert set(config.get_option("server.allowedHosts")) == {"desk.lan", "localhost", "127.0.0.1", "::1"}


def test_nothing_that_is_served_holds_a_secret(
    served: Any,  # Any: as above
    stranger: TestClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    tickets = served._entrance.tickets
    headers = {"cookie": f"{tickets.cookie}={tickets.issue('dashboard')}"}
    for route in routes_of(served, stranger):
        path = address_of(route)
        if isinstance(route, WebSocketRoute) or path == "/api/stream":
            continue
        said = stranger.get(path, headers=headers)
        text = f"{said.text}{said.headers}"
        assert not [value for value in ("planted", PASSWORD, HEADER.lower()) if value in text.lower()], path


def test_every_secret_of_the_settings_is_among_those_that_are_looked_for() -> None:
    named = {
        str(field.validation_alias or f"ZONEDESK_{name.upper()}")
        for name, field in Settings.model_fields.items()
        if "SecretStr" in str(field.annotation)
    }
    assert named - set(SECRETS) == {"ZONEDESK_LEDGER_URL", "ZONEDESK_DASHBOARD_PASSWORD"}


@pytest.mark.parametrize("address", [None, "", "0.0.0.0", "::", "192.0.2.1"])
def test_the_server_does_not_start_beyond_loopback_without_a_password(
    environment: pytest.MonkeyPatch, monkeypatch: pytest.MonkeyPatch, address: str | None
) -> None:
    assert environment is not None
    monkeypatch.delenv("ZONEDESK_DASHBOARD_PASSWORD", raising=False)
    before = config.get_option("server.address")
    config.set_option("server.address", address)
    try:
        with pytest.raises(SystemExit, match="ZONEDESK_DASHBOARD_PASSWORD"):
            loaded()
    finally:
        config.set_option("server.address", before)


def test_a_provider_that_is_set_in_part_keeps_the_server_from_starting(
    environment: pytest.MonkeyPatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert environment is not None
    monkeypatch.setenv("ZONEDESK_OIDC_ISSUER", "https://id.example")
    with pytest.raises(SystemExit, match="ZONEDESK_OIDC_PEOPLE"):
        loaded()
