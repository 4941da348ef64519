"""How one comes in by the password, stays in, and goes out: form, attempts, cookie, and what becomes of it."""

import hashlib
import logging
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from agents.domain.errors import ConfigError
from tests.ui.gates import BASE, KEY, OWN, PASSWORD, QUICK, STREAM, Time, client, entrance, signed_in
from ui.attempts import HELD_SECONDS, MOST_ATTEMPTS, MOST_OF_ALL
from ui.entrance import Entrance, own_path
from ui.passwords import SCRYPT, Password, key_in, signing_key
from ui.tickets import COOKIE_SECONDS, LONGEST_NAME, Tickets

FOREIGN = (
    "//evil.example", "https://evil.example", "/\\evil.example", "\\\\evil.example", "javascript:alert(1)", "evil",
    "/x\r\nset-cookie: a=b", "/\t/evil.example", "/é", "/" + "a" * 600, "", "/login", "/logout?x", "/login/start",
)  # fmt: skip


def attempt(visitor: TestClient, password: str = "wrong", **more: str) -> int:
    return visitor.post("/login", data={"password": password, **more}).status_code


def test_the_password_opens_pages_and_sockets() -> None:
    visitor = client(entrance(Time()))
    assert attempt(visitor, PASSWORD) == 303
    assert visitor.get("/").text == "inside dashboard"
    with visitor.websocket_connect(STREAM, headers=OWN) as socket:
        socket.send_text("x")
        assert socket.receive_text() == "inside dashboard"


def test_a_wrong_password_gets_no_cookie() -> None:
    for given in ("wrong", "", PASSWORD + " ", PASSWORD.upper(), "\x00", "é"):
        reply = client(entrance(Time())).post("/login", data={"password": given})
        assert reply.status_code == 401
        assert "set-cookie" not in reply.headers


def cookie_of(within: Entrance, base: str = BASE, public: str | None = None) -> tuple[str, set[str]]:
    reply = client(within, base=base, public=public).post("/login", data={"password": PASSWORD})
    first, *flags = reply.headers["set-cookie"].split("; ")
    return first, {flag.lower() for flag in flags}


def test_the_cookie_is_for_this_server_alone_and_for_no_script() -> None:
    name, flags = cookie_of(entrance(Time()))
    assert flags == {"httponly", "samesite=strict", "path=/", f"max-age={COOKIE_SECONDS}"}
    assert name.startswith("zonedesk_gate_")


def test_behind_tls_the_cookie_never_travels_unencrypted() -> None:
    _, flags = cookie_of(entrance(Time()), base="https://127.0.0.1:8501")
    assert "secure" in flags
    name, flags = cookie_of(entrance(Time(), encrypted=True), public="https://desk.example")
    assert "secure" in flags
    assert not any(flag.startswith("domain") for flag in flags)
    assert name.startswith("__Host-")


def test_two_desks_on_one_machine_have_two_cookies_and_neither_opens_the_other() -> None:
    one, other = entrance(Time()), entrance(Time(), key=b"o" * 32)
    assert one.tickets.cookie != other.tickets.cookie
    ticket = one.tickets.issue("dashboard")
    assert client(other).get("/api/candles", headers={"cookie": f"{other.tickets.cookie}={ticket}"}).status_code == 401


def test_a_cookie_ends_and_does_not_outlive_its_password() -> None:
    time = Time()
    within = entrance(time)
    ticket = within.tickets.issue("dashboard")
    assert within.tickets.user_of(ticket) == "dashboard"
    assert entrance(time, "another").tickets.user_of(ticket) is None
    time.now += COOKIE_SECONDS
    assert within.tickets.user_of(ticket) is None


def test_an_open_socket_ends_with_its_cookie() -> None:
    time = Time()
    visitor = signed_in(entrance(time))
    with visitor.websocket_connect(STREAM, headers=OWN) as socket:
        socket.send_text("x")
        assert socket.receive_text() == "inside dashboard"
        time.now += COOKIE_SECONDS
        socket.send_text("x")
        with pytest.raises(WebSocketDisconnect):
            socket.receive_text()


def test_an_open_stream_ends_with_its_cookie(monkeypatch: pytest.MonkeyPatch) -> None:
    within = entrance(Time())
    visitor, before = signed_in(within), within.user_of
    looks = iter([True, True, True, True])
    assert visitor.get("/api/stream").text.count("inside") == 3
    monkeypatch.setattr(within, "user_of", lambda said: before(said) if next(looks, False) else None)
    assert 0 < visitor.get("/api/stream").text.count("inside") < 3


@pytest.mark.parametrize("change", ["flip", "cut", "longer", "renamed", "later", "empty"])
def test_a_cookie_that_was_tampered_with_is_worth_nothing(change: str) -> None:
    tickets = entrance(Time()).tickets
    until, serial, name, signature = tickets.issue("dashboard").split(".")
    made = {
        "flip": f"{until}.{serial}.{name}.{'0' if signature[0] != '0' else '1'}{signature[1:]}",
        "cut": f"{until}.{serial}.{name}.{signature[:-1]}",
        "longer": f"{until}.{serial}.{name}.{signature}0",
        "renamed": f"{until}.{serial}.{name[::-1]}.{signature}",
        "later": f"{int(until) + 1}.{serial}.{name}.{signature}",
        "empty": f"{until}.{serial}.{name}.",
    }[change]
    assert tickets.user_of(made) is None


@pytest.mark.parametrize(
    "ticket", ["", ".", "...", "9999999999.aa", "9999999999.aa..00", "x.y.z.w", "ü.ü.ü", "\ud800", "a" * 5000]
)
def test_a_made_up_cookie_is_worth_nothing(ticket: str) -> None:
    assert entrance(Time()).tickets.user_of(ticket) is None


def test_a_cookie_that_somebody_else_added_does_not_hide_the_right_one() -> None:
    within = entrance(Time())
    name, right = within.tickets.cookie, within.tickets.issue("dashboard")
    for header in (f"{name}=x; {name}={right}", f"{name}={right}; {name}=x", f'=;";; a=b; {name}={right}'):
        assert client(within).get("/", headers={"cookie": header}).text == "inside dashboard"


def test_signing_in_gives_a_new_cookie_whatever_the_browser_brought() -> None:
    within = entrance(Time())
    planted = "planted"
    visitor = client(within)
    visitor.cookies.set(within.tickets.cookie, planted)
    reply = visitor.post("/login", data={"password": PASSWORD})
    assert planted not in reply.headers["set-cookie"]
    assert within.tickets.user_of(planted) is None
    assert within.tickets.issue("a") != within.tickets.issue("a")


def test_signing_out_makes_every_copy_of_the_cookie_worthless_for_good(tmp_path: Path) -> None:
    path = tmp_path / "signed-out"
    time = Time()
    within = entrance(time, struck=path)
    visitor, ticket = client(within), within.tickets.issue("dashboard")
    other = within.tickets.issue("dashboard")
    headers = {"cookie": f"{within.tickets.cookie}={ticket}"}
    assert "Sign out" in visitor.get("/logout", headers=headers).text
    assert within.tickets.user_of(ticket) is not None  # to look at the page is no sign-out
    reply = visitor.post("/logout", headers=headers)
    assert reply.status_code == 303
    assert "max-age=0" in reply.headers["set-cookie"].lower()
    assert visitor.get("/api/candles", headers=headers).status_code == 401
    assert entrance(time, struck=path).tickets.user_of(ticket) is None
    assert within.tickets.user_of(other) == "dashboard"


def test_a_damaged_list_of_sign_outs_is_told_in_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "signed-out"
    for damage in (b"{", b"[1]", b'{"a": "b"}'):
        path.write_bytes(damage)
        with caplog.at_level(logging.ERROR):
            assert entrance(Time(), struck=path).tickets.user_of("x") is None
        assert "signed-out" in caplog.text


def test_attempts_are_limited_from_one_address_until_time_has_passed() -> None:
    time = Time()
    visitor = client(entrance(time))
    for _ in range(MOST_ATTEMPTS):
        assert attempt(visitor) == 401
    late = visitor.post("/login", data={"password": PASSWORD})
    assert late.status_code == 429
    assert "set-cookie" not in late.headers
    assert int(late.headers["retry-after"]) == HELD_SECONDS + 1
    assert "wait 61 seconds" in late.text
    time.now += HELD_SECONDS - 1
    assert attempt(visitor, PASSWORD) == 429
    time.now += 1
    assert attempt(visitor, PASSWORD) == 303


def test_somebody_elses_attempts_do_not_lock_out_the_owner() -> None:
    within = entrance(Time())
    attacker, owner = client(within, sender="203.0.113.5"), client(within, sender="198.51.100.7")
    for _ in range(MOST_ATTEMPTS + 1):
        attempt(attacker)
    assert attempt(attacker, PASSWORD) == 429
    assert attempt(owner, PASSWORD) == 303


def test_attempts_from_everywhere_are_limited_together() -> None:
    within = entrance(Time())
    told = [attempt(client(within, sender=f"203.0.113.{number}")) for number in range(MOST_OF_ALL + 3)]
    assert told == [401] * MOST_OF_ALL + [429] * 3


def test_the_addresses_of_one_network_of_ipv6_are_one() -> None:
    within = entrance(Time())
    told = [attempt(client(within, sender=f"2001:db8::{number}")) for number in range(1, MOST_ATTEMPTS + 2)]
    assert told[-1] == 429
    assert attempt(client(within, sender="2001:db8:0:1::1")) == 401


def test_behind_a_proxy_each_visitor_counts_and_a_made_up_address_does_not_help() -> None:
    within = entrance(Time())
    through = client(within, proxied=True)
    for _ in range(MOST_ATTEMPTS):
        through.post("/login", data={"password": "wrong"}, headers={"x-forwarded-for": "203.0.113.5"})
    far, near = {"x-forwarded-for": "203.0.113.5"}, {"x-forwarded-for": "198.51.100.7"}
    # What the visitor wrote stands before what the proxy adds; the last one counts.
    forged = {"x-forwarded-for": "10.1.1.1, 203.0.113.5"}
    assert through.post("/login", data={"password": PASSWORD}, headers=far).status_code == 429
    assert through.post("/login", data={"password": PASSWORD}, headers=forged).status_code == 429
    assert through.post("/login", data={"password": PASSWORD}, headers=near).status_code == 303
    direct = client(within, sender="203.0.113.5", proxied=True)  # no proxy of ours: its word counts for nothing
    assert direct.post("/login", data={"password": PASSWORD}, headers=near).status_code == 429


def test_right_passwords_do_not_count_as_attempts() -> None:
    within = entrance(Time())
    assert {attempt(client(within), PASSWORD) for _ in range(MOST_OF_ALL + 5)} == {303}


def test_an_attempt_costs_what_it_must(monkeypatch: pytest.MonkeyPatch) -> None:
    assert SCRYPT["n"] * SCRYPT["r"] * SCRYPT["p"] * 128 >= 96 * 2**20
    assert SCRYPT["n"] >= 2**15
    seen: list[dict[str, int]] = []
    real = hashlib.scrypt

    def watched(password: bytes, *, salt: bytes, **work: int) -> bytes:
        seen.append(work)
        return real(password, salt=salt, **QUICK)

    monkeypatch.setattr(hashlib, "scrypt", watched)
    Password(PASSWORD, KEY)
    assert seen == [SCRYPT]


def test_passwords_are_compared_in_a_time_that_tells_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[int, int]] = []

    def watched(one: bytes, other: bytes) -> bool:
        compared.append((len(one), len(other)))
        return one == other

    monkeypatch.setattr("ui.passwords.hmac.compare_digest", watched)
    assert attempt(client(entrance(Time())), PASSWORD) == 303
    assert (64, 64) in compared  # hashes, whatever the length of what was typed


def test_a_form_without_end_is_not_read() -> None:
    visitor = client(entrance(Time()))
    assert visitor.post("/login", content=b"password=" + b"a" * 100_000).status_code == 401
    assert visitor.post("/login", content=f"{'a=b&' * 500}password={PASSWORD}".encode()).status_code == 401


def test_one_goes_on_to_the_page_that_one_asked_for() -> None:
    visitor = client(entrance(Time()))
    asked = visitor.get("/why?asked=abc", headers={"accept": "text/html"})
    assert asked.headers["location"] == "/login?to=%2Fwhy%3Fasked%3Dabc"
    assert 'name="to" value="/why?asked=abc"' in visitor.get(asked.headers["location"]).text
    reply = visitor.post("/login", data={"password": PASSWORD, "to": "/why?asked=abc"})
    assert reply.headers["location"] == "/why?asked=abc"


@pytest.mark.parametrize("to", FOREIGN)
def test_signing_in_leads_nowhere_else(to: str) -> None:
    assert own_path(to) == "/"
    reply = client(entrance(Time())).post("/login", data={"password": PASSWORD, "to": to})
    assert reply.headers["location"] == "/"
    assert len(reply.headers.get_list("set-cookie")) == 1


def test_what_is_asked_for_is_text_on_the_form() -> None:
    evil = '/x"><script>alert(1)</script>'
    shown = client(entrance(Time())).get("/login", params={"to": evil}).text
    assert "<script" not in shown
    assert "&lt;script&gt;" in shown


def test_the_form_loads_and_runs_nothing() -> None:
    for path in ("/login", "/logout"):
        reply = signed_in(entrance(Time())).get(path)
        assert reply.headers["content-security-policy"].startswith("default-src 'none'")
        assert reply.headers["cache-control"] == "no-store"
        assert "<script" not in reply.text
        assert "src=" not in reply.text


def test_only_looking_is_possible_where_nothing_is_changed() -> None:
    visitor = client(entrance(Time()))
    for path in ("/login/start", "/login/back"):
        assert visitor.post(path).status_code == 405
        assert visitor.get(path).status_code == 404  # no provider is set
    assert visitor.put("/login").status_code == 405
    assert visitor.delete("/logout").status_code == 405


def test_the_name_of_a_user_travels_whole_and_not_too_long() -> None:
    for user in ("owner@example.com", "Zoë \u2603 %41\n", "x" * 500):
        within = entrance(Time())
        assert within.tickets.user_of(within.tickets.issue(user)) == user[:LONGEST_NAME]
    assert signed_in(entrance(Time()), "Zoë").get("/").text == "inside Zo%C3%AB"


def test_a_key_signs_for_its_settings_only() -> None:
    assert signing_key(KEY, b"a", b"b") != signing_key(KEY, b"ab", b"")
    made = Tickets(signing_key(KEY, b"a"), Time()).issue("x")
    assert Tickets(signing_key(KEY, b"b"), Time()).user_of(made) is None


def test_the_key_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "run" / "dashboard.key"
    key = key_in(path)
    assert key_in(path) == key
    assert path.stat().st_mode & 0o077 == 0
    path.write_bytes(b"short")
    with pytest.raises(ConfigError, match="remove it"):
        key_in(path)
