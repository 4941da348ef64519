"""Who is served: addresses, names, origins, machines, methods, and what every answer tells the browser."""

import anyio
import pytest
from starlette.testclient import TestClient
from starlette.types import Message, Receive, Scope, Send
from starlette.websockets import WebSocketDisconnect

from agents.domain.errors import ConfigError
from tests.ui.gates import OWN, PASSWORD, STREAM, Time, client, entrance, signed_in
from ui.gate import Gate, check_address
from ui.headers import policy

PATHS = ("/", "/cockpit", "/_stcore/health", "/_stcore/host-config", "/api/stream", "/api/candles", "/static/x.js")
NAMES = {"desk": ["127.0.0.1"], "both": ["127.0.0.1", "10.0.0.5"], "localhost": ["::1", "127.0.0.1"]}
EVIL = ("http://evil.example", "null", "http://127.0.0.1:9999", "http://[bad", "ws://127.0.0.1:8501", "")


def resolve(name: str) -> list[str]:
    return NAMES.get(name, [])


@pytest.fixture(params=[None, PASSWORD], ids=["open", "locked"])
def visitor(request: pytest.FixtureRequest) -> TestClient:
    """Somebody who may come in, at a desk with and without a password."""
    return client(None) if request.param is None else signed_in(entrance(Time()))


@pytest.mark.parametrize("address", [None, "", "0.0.0.0", "::", "192.168.1.4", "127.1", "nowhere", "both", "unix:///x"])
def test_an_address_beyond_this_machine_needs_a_password(address: str | None) -> None:
    with pytest.raises(ConfigError, match="ZONEDESK_DASHBOARD_PASSWORD"):
        check_address(address, is_guarded=False, resolve=resolve)
    check_address(address, is_guarded=True, resolve=resolve)


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.9.1", "::1", "localhost", "desk"])
def test_loopback_needs_none(address: str) -> None:
    check_address(address, is_guarded=False, resolve=resolve)


def test_localhost_that_leads_elsewhere_needs_a_password() -> None:
    with pytest.raises(ConfigError):
        check_address("localhost", is_guarded=False, resolve=lambda _: ["10.0.0.5"])


@pytest.mark.parametrize("path", PATHS)
def test_nobody_sees_anything_before_the_password(path: str) -> None:
    reply = client(entrance(Time())).get(path)
    assert reply.status_code in {303, 401}
    assert "inside" not in reply.text


def test_only_whether_the_server_lives_is_told_to_anyone() -> None:
    assert client(entrance(Time())).get("/healthz").status_code == 200


def test_an_anonymous_socket_is_refused() -> None:
    with pytest.raises(WebSocketDisconnect), client(entrance(Time())).websocket_connect(STREAM, headers=OWN):
        pass


def test_the_desks_own_page_opens_its_socket(visitor: TestClient) -> None:
    with visitor.websocket_connect(STREAM, headers=OWN) as socket:
        socket.send_text("x")
        assert socket.receive_text().startswith("inside")


def test_a_socket_without_an_origin_is_no_browsers_and_is_refused(visitor: TestClient) -> None:
    with pytest.raises(WebSocketDisconnect), visitor.websocket_connect(STREAM):
        pass


@pytest.mark.parametrize("origin", EVIL)
def test_a_page_of_another_site_opens_no_socket_and_reads_nothing(visitor: TestClient, origin: str) -> None:
    with pytest.raises(WebSocketDisconnect), visitor.websocket_connect(STREAM, headers={"origin": origin}):
        pass
    for path in PATHS:
        assert visitor.get(path, headers={"origin": origin}).status_code == 403
    assert visitor.post("/login", headers={"origin": origin}, data={"password": PASSWORD}).status_code == 403
    assert visitor.post("/logout", headers={"origin": origin}).status_code == 403


@pytest.mark.parametrize("path", [*PATHS, "/healthz", "/login", "/login/back", "/logout"])
def test_a_name_that_was_made_to_point_here_is_refused(visitor: TestClient, path: str) -> None:
    for evil in ({"host": "evil.example", "origin": "http://evil.example"}, {"host": "evil.example"}):
        assert visitor.get(path, headers=evil).status_code == 400
        assert visitor.post(path, headers=evil, data={"password": PASSWORD}).status_code == 400


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8501", "user@127.0.0.1", "127.0.0.1;x", "127.0.0.1, evil", "localhost.evil.example",
     "", "127.0.0.1/", "2130706433", "desk.lan@evil.example", "[::1"],
)  # fmt: skip
def test_a_strange_name_opens_no_socket(visitor: TestClient, host: str) -> None:
    evil = {"host": host, "origin": f"http://{host}"}
    with pytest.raises(WebSocketDisconnect), visitor.websocket_connect(STREAM, headers=evil):
        pass
    assert visitor.get("/", headers={"host": host}).status_code == 400


@pytest.mark.parametrize("host", ["desk.lan:8501", "DESK.lan", "localhost:8501", "[::1]:8501", "127.0.0.1"])
def test_a_name_that_was_allowed_is_served(host: str) -> None:
    visitor = client(None)
    assert visitor.get("/", headers={"host": host}).text == "inside nobody"
    with visitor.websocket_connect(STREAM, headers={"host": host, "origin": f"http://{host}"}) as socket:
        socket.send_text("x")
        assert socket.receive_text() == "inside nobody"


def test_behind_a_proxy_the_public_address_is_an_origin_and_a_name() -> None:
    visitor = client(entrance(Time(), encrypted=True), public="https://desk.example", base="https://desk.example")
    assert visitor.post("/login", data={"password": PASSWORD}).status_code == 303
    for host in ("desk.example", "127.0.0.1:8501"):  # a proxy may keep the name or use its own
        public = {"host": host, "origin": "https://desk.example"}
        with visitor.websocket_connect("wss://desk.example/_stcore/stream", headers=public) as socket:
            socket.send_text("x")
            assert socket.receive_text() == "inside dashboard"
        with pytest.raises(WebSocketDisconnect), visitor.websocket_connect(
            "wss://desk.example/_stcore/stream", headers={**public, "origin": "https://desk.example.evil"}
        ):  # fmt: skip
            pass


def test_without_a_password_other_machines_are_refused_whatever_the_server_listens_to() -> None:
    for sender in ("192.168.1.9", "10.0.0.1", "fe80::1", "nonsense"):
        stranger = client(None, sender=sender)
        assert all(stranger.get(path).status_code == 403 for path in (*PATHS, "/healthz"))
        with pytest.raises(WebSocketDisconnect), stranger.websocket_connect(STREAM, headers=OWN):
            pass
    assert client(None, sender="::ffff:127.0.0.1").get("/").status_code == 200


def test_without_a_password_nobody_comes_through_a_proxy_on_this_machine() -> None:
    through = client(None, proxied=True)
    assert through.get("/").status_code == 200
    assert through.get("/", headers={"x-forwarded-for": "203.0.113.5"}).status_code == 403


def test_a_page_of_another_site_embeds_nothing_and_may_link(visitor: TestClient) -> None:
    for site in ("cross-site", "same-site"):
        for mode, kind in (("no-cors", "script"), ("no-cors", "image"), ("cors", "empty"), ("navigate", "iframe")):
            fetched = {"sec-fetch-site": site, "sec-fetch-mode": mode, "sec-fetch-dest": kind}
            assert visitor.get("/api/stream", headers=fetched).status_code == 403
        linked = {"sec-fetch-site": site, "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
        assert visitor.get("/why?asked=1", headers=linked).status_code == 200
    assert visitor.get("/", headers={"sec-fetch-site": "same-origin", "sec-fetch-mode": "cors"}).status_code == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_no_route_changes_anything(visitor: TestClient, method: str) -> None:
    for path in (*PATHS, "/_stcore/upload_file/a/b", "/_stcore/agent/interact", "/healthz"):
        reply = visitor.request(method, path, content=b"x" * 10_000)
        assert reply.status_code == 405
        assert "inside" not in reply.text


def test_a_request_cannot_say_who_it_comes_from() -> None:
    claimed = {"x-zonedesk-user": "owner", "X-ZONEDESK-USER": "owner"}
    assert client(None).get("/", headers=claimed).text == "inside nobody"
    assert signed_in(entrance(Time())).get("/", headers=claimed).text == "inside dashboard"
    with client(None).websocket_connect(STREAM, headers={**OWN, **claimed}) as socket:
        socket.send_text("x")
        assert socket.receive_text() == "inside nobody"


def test_every_answer_keeps_the_browser_from_what_the_dashboard_never_asks_for(visitor: TestClient) -> None:
    replies = [
        *(visitor.get(path) for path in PATHS),
        visitor.get("/", headers={"host": "evil.example"}),
        visitor.get("/", headers={"origin": "http://evil.example"}),
        client(entrance(Time())).get("/login"),
        client(entrance(Time())).get("/"),
    ]
    for reply in replies:
        assert reply.headers["x-frame-options"] == "DENY"
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert reply.headers["referrer-policy"] == "no-referrer"
        assert reply.headers["cross-origin-opener-policy"] == "same-origin"
        assert reply.headers["cross-origin-resource-policy"] == "same-origin"
        assert "frame-ancestors 'none'" in reply.headers["content-security-policy"]
        assert "access-control-allow-origin" not in reply.headers
        assert len(reply.headers.get_list("content-security-policy")) == 1


def test_what_is_the_desks_own_is_kept_by_nobody(visitor: TestClient) -> None:
    for path in ("/", "/cockpit", "/api/candles", "/media/x.csv", "/_stcore/host-config"):
        assert visitor.get(path).headers["cache-control"] == "no-store"
    assert "cache-control" not in visitor.get("/static/js/x.js").headers


def test_a_page_runs_scripts_of_this_server_only() -> None:
    said = dict(part.split(" ", 1) for part in policy("127.0.0.1:8501").split("; "))
    assert said["default-src"] == "'none'"
    assert "'unsafe-inline'" not in said["script-src"]
    assert "http" not in said["script-src"]
    assert said["connect-src"] == "'self' ws://127.0.0.1:8501 wss://127.0.0.1:8501"
    assert "evil" not in policy("x; script-src evil")


def test_a_request_without_a_name_is_refused() -> None:
    sent: list[Message] = []

    async def inside(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise AssertionError("it was passed on")

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": []}
    anyio.run(Gate(inside, entrance=None, hosts=frozenset()), scope, receive, send)
    assert sent[0]["status"] == 400
