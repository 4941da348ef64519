from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from agents.domain.errors import ConfigError
from ui.gate import MOST_ATTEMPTS, Gate, check_address
from ui.passwords import COOKIE, COOKIE_SECONDS, Locker, key_in

PASSWORD = "correct horse"
STREAM = "ws://127.0.0.1:8501/_stcore/stream"
PATHS = ("/", "/cockpit", "/_stcore/health", "/_stcore/host-config", "/api/stream", "/api/candles", "/static/x.js")


class Time:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


async def _page(_request: object) -> PlainTextResponse:
    return PlainTextResponse("inside")


async def _socket(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_text("inside")
    await socket.close()


def client(password: str | None, time: Time | None = None) -> TestClient:
    clock = time or Time()
    locker = Locker(password, b"k" * 32, clock) if password else None
    app = Starlette(
        routes=[Route("/{path:path}", _page, methods=["GET", "POST"]), WebSocketRoute("/_stcore/stream", _socket)],
        middleware=[Middleware(Gate, locker=locker, hosts=frozenset({"desk.lan"}), elapsed=clock)],
    )
    return TestClient(app, base_url="http://127.0.0.1:8501", follow_redirects=False)


@pytest.mark.parametrize("address", [None, "0.0.0.0", "::", "192.168.1.4", "desk.lan"])
def test_an_address_beyond_this_machine_needs_a_password(address: str | None) -> None:
    with pytest.raises(ConfigError, match="ZONEDESK_DASHBOARD_PASSWORD"):
        check_address(address, has_password=False)
    check_address(address, has_password=True)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "localhost"])
def test_loopback_needs_none(address: str) -> None:
    check_address(address, has_password=False)


@pytest.mark.parametrize("path", PATHS)
def test_nobody_sees_anything_before_the_password(path: str) -> None:
    reply = client(PASSWORD).get(path)
    assert reply.status_code in {303, 401}
    assert "inside" not in reply.text


def test_only_whether_the_server_lives_is_told_to_anyone() -> None:
    assert client(PASSWORD).get("/healthz").status_code == 200


def test_an_anonymous_socket_is_refused() -> None:
    with pytest.raises(WebSocketDisconnect), client(PASSWORD).websocket_connect(STREAM):
        pass


def test_the_password_opens_pages_and_sockets() -> None:
    visitor = client(PASSWORD)
    reply = visitor.post("/login", data={"password": PASSWORD})
    assert reply.status_code == 303
    flags = reply.headers["set-cookie"].lower()
    assert "httponly" in flags
    assert "samesite=strict" in flags
    assert visitor.get("/").text == "inside"
    with visitor.websocket_connect(STREAM) as socket:
        assert socket.receive_text() == "inside"


def test_a_wrong_password_gets_no_cookie() -> None:
    reply = client(PASSWORD).post("/login", data={"password": "wrong"})
    assert reply.status_code == 401
    assert "set-cookie" not in reply.headers


def test_attempts_are_limited_until_time_has_passed() -> None:
    time = Time()
    visitor = client(PASSWORD, time)
    for _ in range(MOST_ATTEMPTS):
        assert visitor.post("/login", data={"password": "wrong"}).status_code == 401
    late = visitor.post("/login", data={"password": PASSWORD})
    assert late.status_code == 429
    assert int(late.headers["retry-after"]) > 0
    time.now += 61
    assert visitor.post("/login", data={"password": PASSWORD}).status_code == 303


def test_a_form_without_end_is_not_read() -> None:
    assert client(PASSWORD).post("/login", content=b"password=" + b"a" * 100_000).status_code == 401


@pytest.mark.parametrize("ticket", ["", ".", "9999999999.aa", "9999999999.aa.00", "x.y.z", "ü.ü.ü"])
def test_a_made_up_cookie_is_worth_nothing(ticket: str) -> None:
    assert not Locker(PASSWORD, b"k" * 32, Time()).knows(ticket)


def test_a_cookie_ends_and_does_not_outlive_its_password() -> None:
    time = Time()
    locker = Locker(PASSWORD, b"k" * 32, time)
    ticket = locker.ticket()
    assert locker.knows(ticket)
    assert not Locker("another", b"k" * 32, time).knows(ticket)
    time.now += COOKIE_SECONDS
    assert not locker.knows(ticket)


@pytest.mark.parametrize("password", [None, PASSWORD])
def test_a_foreign_name_is_refused_everywhere(password: str | None) -> None:
    visitor = client(password)
    evil = {"host": "evil.example", "origin": "http://evil.example"}
    for path in (*PATHS, "/healthz", "/login"):
        assert visitor.get(path, headers=evil).status_code == 400
    with pytest.raises(WebSocketDisconnect), visitor.websocket_connect(STREAM, headers=evil):
        pass


def test_a_name_that_was_allowed_is_served() -> None:
    assert client(None).get("/", headers={"host": "desk.lan:8501"}).text == "inside"


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:9999", "http://[bad"])
def test_a_page_of_another_site_opens_no_socket_and_posts_nothing(origin: str) -> None:
    visitor = client(None)
    with pytest.raises(WebSocketDisconnect), visitor.websocket_connect(STREAM, headers={"origin": origin}):
        pass
    assert visitor.post("/", headers={"origin": origin}).status_code == 403


def test_a_good_cookie_does_not_help_a_foreign_origin() -> None:
    visitor = client(PASSWORD)
    visitor.post("/login", data={"password": PASSWORD})
    assert COOKIE in visitor.cookies
    evil = {"origin": "http://evil.example"}
    with pytest.raises(WebSocketDisconnect), visitor.websocket_connect(STREAM, headers=evil):
        pass


def test_no_page_may_be_framed() -> None:
    assert client(None).get("/").headers["x-frame-options"] == "DENY"


def test_the_key_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "run" / "dashboard.key"
    key = key_in(path)
    assert key_in(path) == key
    assert path.stat().st_mode & 0o077 == 0
    path.write_bytes(b"short")
    with pytest.raises(ConfigError, match="remove it"):
        key_in(path)
