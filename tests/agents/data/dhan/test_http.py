"""The client's calls as the recorder sees them."""

import logging
import socket
from typing import Any

import pytest
from pydantic import SecretStr

from agents.data.dhan.address import Address
from agents.data.dhan.errors import UnansweredError
from agents.data.dhan.http import Wire
from agents.domain.errors import ConfigError
from tests.agents.data.dhan.conftest import CLIENT, make_token


def test_status_headers_and_body_survive_where_the_client_loses_them(answering: Any, wire: Wire) -> None:
    answering.will((429, {"data": {"805": "Too many requests."}, "status": "failed"}))
    reply = wire.call("a chain", lambda client: client.option_chain(13, "IDX_I", "2026-11-24"))
    assert (reply.status, reply.method, reply.path) == (429, "POST", "/v2/optionchain")
    assert reply.json()["data"] == {"805": "Too many requests."}
    assert reply.headers["content-length"] == str(len(reply.body))


def test_a_broken_connection_is_no_reply_and_may_have_been_sent(answering: Any, wire: Wire) -> None:
    answering.will((0, b""))
    with pytest.raises(UnansweredError, match="funds") as caught:
        wire.call("the funds", lambda client: client.get_fund_limits())
    assert caught.value.sent
    assert caught.value.retryable
    assert caught.value.__context__ is None


def test_an_answer_that_comes_too_late_is_no_reply(answering: Any, wire: Wire) -> None:
    answering.delay = 2.5
    with pytest.raises(UnansweredError, match="ReadTimeout") as caught:
        wire.call("the funds", lambda client: client.get_fund_limits())
    assert caught.value.sent
    answering.delay = 0.0
    assert wire.call("the funds", lambda client: client.get_fund_limits()).status == 200


def test_a_refused_connection_was_never_sent() -> None:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        port = door.getsockname()[1]
    wire = Wire(Address.on_loopback(port), CLIENT, SecretStr(make_token()))
    with pytest.raises(UnansweredError) as caught:
        wire.call("the funds", lambda client: client.get_fund_limits())
    assert not caught.value.sent


def test_a_call_the_client_does_not_send_is_not_the_servers_fault(wire: Wire) -> None:
    with pytest.raises(ConfigError, match="expiry_code"):
        wire.call("days", lambda client: client.historical_daily_data("13", "IDX_I", "INDEX", "a", "b", expiry_code=9))


def test_a_redirect_is_not_followed_with_the_token(answering: Any, wire: Wire) -> None:
    answering.will((302, {}))
    assert wire.call("the funds", lambda client: client.get_fund_limits()).status == 302
    assert len(answering.asked) == 1


def test_another_token_is_used_everywhere_at_once(answering: Any, wire: Wire) -> None:
    fresh = make_token(number=1)
    wire.use_token(SecretStr(fresh))
    wire.call("the funds", lambda client: client.get_fund_limits())
    wire.fetch_as_client("the profile", "GET", "/profile")
    assert [headers["access-token"] for headers in answering.headers] == [fresh, fresh]
    assert wire.token.get_secret_value() == fresh


def test_a_twin_waits_for_no_other_call_and_takes_on_new_tokens(answering: Any, wire: Wire) -> None:
    twin = wire.twin()
    with wire._lock:  # as while a read waits for its answer
        assert twin.call("the funds", lambda client: client.get_fund_limits()).status == 200
    fresh = make_token(number=2)
    wire.use_token(SecretStr(fresh))
    twin.call("the funds", lambda client: client.get_fund_limits())
    assert answering.headers[-1]["access-token"] == fresh
    twin.close()


def test_no_token_is_said_before_anything_is_sent(answering: Any) -> None:
    with pytest.raises(ConfigError, match="DHAN_ACCESS_TOKEN"):
        Wire(answering.address, CLIENT).call("the funds", lambda client: client.get_fund_limits())
    assert answering.asked == []


@pytest.mark.parametrize("token", ["", "two words", "line\nend", "\u0663"])
def test_a_token_that_cannot_be_a_header_is_refused_and_not_repeated(token: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Wire(Address.on_loopback(1), CLIENT, SecretStr(token))
    assert not token or token not in str(caught.value)


def test_paper_and_live_tokens_never_meet_the_wrong_server() -> None:
    with pytest.raises(ConfigError, match="paper exchange"):
        Wire(Address.on_loopback(1), CLIENT, SecretStr("eyJ.live.token"))
    with pytest.raises(ConfigError, match="paper token"):
        Wire(Address(), CLIENT, SecretStr(make_token()))


def test_login_secrets_are_in_no_error_and_no_record(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    wire = Wire(Address.on_loopback(1), CLIENT)
    with pytest.raises(UnansweredError) as caught:
        wire.fetch("a token", "POST", "http://127.0.0.1:1/app/x", query={"pin": "918273", "totp": "645342"})
    seen = f"{caught.value!r} {caught.value.__context__!r} {caplog.text}"
    assert "918273" not in seen
    assert "645342" not in seen
