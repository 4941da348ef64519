"""Signing in with a provider: the whole way over real HTTP, and every way in which it must not work."""

import logging
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from pydantic import ValidationError
from starlette.testclient import TestClient

from agents.domain.errors import ConfigError
from agents.settings import Settings
from tests.ui.gates import BASE, Time, client, entrance
from tests.ui.oidc_server import CLIENT, SECRET, Provider, other_key, rsa_key
from ui.entrance import BACK, FLOW_COOKIE
from ui.oidc import FLOW_SECONDS, MOST_FLOWS, Oidc, admitted
from ui.oidc_provider import Provider as Known
from ui.oidc_provider import SignInError, provider_in

PEOPLE = ("Owner@Example.com", "person-9")
SECRET_SETTINGS = {"oidc_client_id": CLIENT, "oidc_client_secret": SECRET, "oidc_people": PEOPLE}


@pytest.fixture
def time() -> Time:
    """The desk's clock."""
    return Time()


@pytest.fixture
def provider(time: Time) -> Iterator[Provider]:
    """A running provider."""
    running = Provider(time.now)
    yield running
    running.close()


@pytest.fixture
def visitor(provider: Provider, time: Time) -> TestClient:
    """A stranger in front of a desk that knows the provider and no password."""
    return client(entrance(time, None, oidc=signing_in(provider, time)))


def signing_in(provider: Provider, time: Time, secret: str = SECRET) -> Oidc:
    return Oidc(Known(provider.issuer, CLIENT, secret, PEOPLE), f"{BASE}{BACK}", time)


def led_back(visitor: TestClient, to: str = "/") -> str:
    """Go to the provider and return the address that it sends the browser back to."""
    there = visitor.get("/login/start", params={"to": to})
    assert there.status_code == 303
    back = requests.get(there.headers["location"], allow_redirects=False, timeout=10)
    return back.headers["location"]


def came_in(visitor: TestClient) -> int:
    return visitor.get(led_back(visitor)).status_code


def refused(visitor: TestClient, word: str) -> None:
    visitor.cookies.clear()
    reply = visitor.get(led_back(visitor))
    assert reply.status_code == 403, reply.text
    assert word in reply.text
    assert "zonedesk_gate" not in reply.headers.get("set-cookie", "")
    assert visitor.get("/api/candles").status_code == 401


def test_whom_the_provider_knows_comes_in_under_their_name(visitor: TestClient) -> None:
    assert visitor.get("/").headers["location"] == "/login"
    assert 'href="/login/start?to=%2F"' in visitor.get("/login").text
    reply = visitor.get(led_back(visitor, "/why?asked=1"))
    assert reply.status_code == 200
    assert 'content="0;url=/why?asked=1"' in reply.text
    assert visitor.get("/").text == "inside owner@example.com"
    flags = next(each for each in reply.headers.get_list("set-cookie") if each.startswith("zonedesk_gate"))
    assert {"httponly", "samesite=strict"} <= set(flags.lower().split("; "))


def test_the_way_there_carries_what_the_way_back_is_checked_by(visitor: TestClient) -> None:
    there = visitor.get("/login/start")
    query = {name: values[0] for name, values in parse_qs(urlsplit(there.headers["location"]).query).items()}
    assert query["code_challenge_method"] == "S256"
    assert min(len(query[name]) for name in ("state", "nonce", "code_challenge")) >= 43
    assert SECRET not in there.headers["location"]
    flags = there.headers["set-cookie"].lower().split("; ")
    assert {"httponly", "samesite=lax", "path=/login", f"max-age={FLOW_SECONDS}"} <= set(flags)
    again = visitor.get("/login/start").headers["location"]
    assert query["state"] not in again
    assert query["nonce"] not in again


CLAIMS: dict[str, dict[str, Any]] = {  # Any: JSON
    "another sign-in": {"nonce": "another"},
    "another sign-in ": {"nonce": None},
    "another client": {"aud": "another"},
    "another client ": {"aud": ["another", CLIENT]},
    "another client  ": {"aud": [CLIENT, "another"], "azp": "another"},
    "another client   ": {"aud": None},
    "expired": {"exp": 100},
    "expired ": {"exp": None},
    "another provider": {"iss": "http://127.0.0.1:1"},
    "another provider ": {"iss": None},
    "not valid": {"sub": None},
    "clock": {"iat": 10_000},
    "does not hold yet": {"nbf": 10_000},
    "has not verified owner@example.com": {"email_verified": False},
    "has not verified": {"email_verified": None},
    "has not verified ": {"email_verified": "true"},
    "eve@example.com is not let in": {"email": "eve@example.com"},
    "person-1 is not let in": {"email": None},
    "has not verified owner": {"email": "owner@example.com", "email_verified": 1},
}


@pytest.mark.parametrize("word", list(CLAIMS))
def test_a_token_that_says_the_wrong_thing_lets_nobody_in(provider: Provider, visitor: TestClient, word: str) -> None:
    provider.claims = CLAIMS[word]
    refused(visitor, word.strip())


def test_a_token_without_a_signature_lets_nobody_in(provider: Provider, visitor: TestClient) -> None:
    provider.header = {"alg": "none"}
    refused(visitor, "not signed by the provider")


def test_a_token_of_another_signer_lets_nobody_in(provider: Provider, visitor: TestClient) -> None:
    provider.signer = other_key()
    refused(visitor, "not signed by the provider")


def test_a_public_key_is_not_taken_for_a_shared_secret(provider: Provider, visitor: TestClient) -> None:
    provider.header = {"alg": "HS256", "kid": "one"}
    refused(visitor, "not signed by the provider")


def test_a_key_that_the_provider_began_to_use_is_asked_for(provider: Provider, visitor: TestClient, time: Time) -> None:
    assert came_in(visitor) == 200
    key = rsa_key()
    provider.published, provider.signer, provider.header = [key], key, {"alg": "RS256", "kid": "two"}
    refused(visitor, "not signed by the provider")  # asked a moment ago: not again for every wrong token
    time.now += 31
    assert came_in(visitor) == 200
    assert provider.asked.count("/jwks") == 2


def test_a_state_is_good_for_one_return(visitor: TestClient) -> None:
    back = led_back(visitor)
    assert visitor.get(back).status_code == 200
    again = visitor.get(back)
    assert again.status_code == 403
    assert "begin again" in again.text


def test_a_return_in_another_browser_lets_nobody_in(provider: Provider, time: Time) -> None:
    within = entrance(time, None, oidc=signing_in(provider, time))
    victim = client(within)
    back = led_back(client(within))
    assert victim.get(back).status_code == 403
    victim.cookies.set(FLOW_COOKIE, "made up")
    assert victim.get(back).status_code == 403


@pytest.mark.parametrize("query", ["", "?code=x", "?state=x", "?code=x&state=x", "?error=access_denied"])
def test_a_return_that_was_never_begun_lets_nobody_in(visitor: TestClient, query: str) -> None:
    visitor.get("/login/start")
    assert visitor.get(f"{BACK}{query}").status_code == 403


def test_a_return_that_took_too_long_lets_nobody_in(visitor: TestClient, time: Time) -> None:
    back = led_back(visitor)
    time.now += FLOW_SECONDS
    assert visitor.get(back).status_code == 403


def test_an_answer_of_another_provider_lets_nobody_in(provider: Provider, visitor: TestClient) -> None:
    provider.redirected = {"iss": "https://evil.example"}
    refused(visitor, "another provider")


def test_what_the_provider_says_is_shown_as_text(provider: Provider, visitor: TestClient) -> None:
    provider.refuses = True
    refused(visitor, "&lt;b&gt;no&lt;/b&gt;")
    provider.refuses, provider.claims = False, {"email": "<script>x</script>@x"}
    refused(visitor, "&lt;script&gt;")


def test_a_code_for_another_client_is_told_in_words(provider: Provider, time: Time) -> None:
    visitor = client(entrance(time, None, oidc=signing_in(provider, time, secret="wrong")))
    refused(visitor, "ZONEDESK_OIDC_CLIENT_SECRET")


WRONG: list[tuple[dict[str, str | None], str]] = [
    ({"issuer": "https://evil.example"}, "calls itself"),
    ({"token_endpoint": "http://evil.example/t"}, "does not answer"),
    ({"jwks_uri": None}, "does not answer"),
    ({"authorization_endpoint": "javascript:alert(1)"}, "does not answer"),
]


@pytest.mark.parametrize(("facts", "word"), WRONG)
def test_a_provider_that_is_not_what_was_set_is_not_asked(
    provider: Provider, visitor: TestClient, facts: dict[str, str | None], word: str
) -> None:
    provider.facts = facts
    reply = visitor.get("/login/start")
    assert reply.status_code == 403
    assert word in reply.text


def test_a_provider_that_is_away_is_told_in_words(time: Time) -> None:
    away = Oidc(Known("http://127.0.0.1:9", CLIENT, "", PEOPLE), f"{BASE}{BACK}", time)
    reply = client(entrance(time, None, oidc=away)).get("/login/start")
    assert reply.status_code == 403
    assert "check ZONEDESK_OIDC_ISSUER" in reply.text


def test_the_provider_leads_back_to_one_name_so_that_the_way_begins_there(visitor: TestClient) -> None:
    there = visitor.get("/login/start?to=/why", headers={"host": "localhost:8501"})
    assert there.headers["location"] == f"{BASE}/login/start?to=%2Fwhy"
    assert "set-cookie" not in there.headers


@pytest.mark.parametrize("to", ["//evil.example", "https://evil.example", "/\\evil"])
def test_coming_in_leads_nowhere_else(visitor: TestClient, to: str) -> None:
    assert 'content="0;url=/"' in visitor.get(led_back(visitor, to)).text


def test_sign_ins_that_never_end_are_not_kept(provider: Provider, time: Time) -> None:
    oidc = signing_in(provider, time)
    for _ in range(MOST_FLOWS + 20):
        oidc.start("/")
    assert len(oidc._flows) == MOST_FLOWS
    time.now += FLOW_SECONDS
    oidc.start("/")
    assert len(oidc._flows) == 1


def test_nothing_secret_is_written_down(
    visitor: TestClient, provider: Provider, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        back = led_back(visitor)
        assert visitor.get(back).status_code == 200
        provider.claims = {"exp": 1}
        refused(visitor, "expired")
    ours = "\n".join(one.getMessage() for one in caplog.records if not one.name.startswith(("httpx", "httpcore")))
    own = ours.replace(back, "")  # the test's own browser
    assert SECRET not in own
    assert "eyJ" not in own
    assert "code_verifier" not in own


def test_a_provider_and_a_password_may_both_be_set(provider: Provider, time: Time) -> None:
    both = client(entrance(time, oidc=signing_in(provider, time)))
    shown = both.get("/login").text
    assert "Sign in with 127.0.0.1" in shown
    assert 'type="password"' in shown
    assert client(entrance(time, None, oidc=signing_in(provider, time))).post("/login").status_code == 404


def test_subjects_and_addresses_are_not_mistaken_for_each_other() -> None:
    verified = {"email": "a@b.c", "email_verified": True}
    assert admitted({"sub": "person-9"}, PEOPLE) == "person-9"
    assert admitted({"sub": "person-9", **verified}, PEOPLE) == "a@b.c"
    assert admitted({"sub": "x", "email": "OWNER@example.com", "email_verified": True}, PEOPLE) == "OWNER@example.com"
    for claims in (
        {"sub": "Owner@Example.com"},
        {"sub": "x", "email": "person-9", "email_verified": True},
        {"sub": "PERSON-9"},
        {"sub": "x", "email": "", "email_verified": True},
    ):
        with pytest.raises(SignInError):
            admitted(claims, PEOPLE)


def set_by(**given: Any) -> Settings:  # Any: as the model reads
    return Settings(_env_file=None, **given)


def test_a_provider_is_set_wholly_and_encrypted() -> None:
    found = provider_in(set_by(oidc_issuer="https://id.example/", **SECRET_SETTINGS))
    assert found == ("https://id.example", CLIENT, SECRET, PEOPLE)
    assert provider_in(set_by()) is None
    for missing in SECRET_SETTINGS:
        if missing == "oidc_client_secret":
            continue
        given = {name: value for name, value in SECRET_SETTINGS.items() if name != missing}
        with pytest.raises(ConfigError, match=f"ZONEDESK_{missing.upper()}"):
            provider_in(set_by(oidc_issuer="https://id.example", **given))
    for plain in ({"oidc_issuer": "http://id.example"},
                  {"oidc_issuer": "https://id.example", "dashboard_url": "http://desk.example"}):  # fmt: skip
        with pytest.raises(ConfigError, match="unencrypted"):
            provider_in(set_by(**plain, **SECRET_SETTINGS))
    for wrong in ("desk.example", "https://desk.example/x", "https://a@b", "javascript:x"):
        with pytest.raises(ValidationError):
            set_by(dashboard_url=wrong)
    assert SECRET not in repr(set_by(oidc_issuer="https://id.example", **SECRET_SETTINGS))
