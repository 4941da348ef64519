"""What is asked again, when, and what is not."""

import logging
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from agents.data.dhan.attempts import CallCounts
from agents.data.dhan.errors import DhanError, DhanThrottledError, DhanUnavailableError, TokenRefusedError
from agents.data.dhan.http import Wire
from agents.data.dhan.limiter import CallKind
from agents.data.dhan.reader import Reader
from agents.domain.errors import MissingDataError
from tests.agents.data.dhan.conftest import make_token
from tests.agents.data.dhan.readers import Waits, reader_on

FUNDS = {"availabelBalance": 115.64}
DEAD = (400, {"errorType": "Order_Error", "errorCode": "DH-906", "errorMessage": "Invalid Token"})
BUSY = (429, {"errorType": "Rate_Limit", "errorCode": "DH-904", "errorMessage": "Too many requests on server"})


def funds(reader: Reader) -> Any:
    return reader.read("the funds", CallKind.OTHER, lambda client: client.get_fund_limits())


@pytest.mark.parametrize("broken", [(502, b"<html>"), (500, {"errorCode": "DH-908", "errorMessage": "x"}), (202, b"")])
def test_a_failing_server_is_asked_again_after_one_two_and_four_seconds(
    broken: tuple[int, Any], answering: Any, wire: Wire, tmp_path: Path
) -> None:
    answering.will(broken, broken, broken, (200, FUNDS))
    waits = Waits()
    assert funds(reader_on(wire, tmp_path, waits)) == FUNDS
    assert waits.slept == [1.0, 2.0, 4.0]


def test_a_lost_connection_is_asked_again(answering: Any, wire: Wire, tmp_path: Path) -> None:
    answering.will((0, b""), (200, FUNDS))
    assert funds(reader_on(wire, tmp_path)) == FUNDS


def test_after_four_attempts_the_last_error_is_raised_and_all_are_counted(
    answering: Any, wire: Wire, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    answering.will((503, b""))
    counts = CallCounts()
    with caplog.at_level(logging.WARNING), pytest.raises(DhanUnavailableError, match="the funds"):
        funds(reader_on(wire, tmp_path, observe=counts))
    assert counts.by_outcome == {("the funds", "server"): 4}
    assert len(answering.asked) == 4
    assert "attempt 4" in caplog.text


def test_a_refusal_for_too_many_requests_makes_every_process_wait(answering: Any, wire: Wire, tmp_path: Path) -> None:
    answering.will(BUSY, BUSY, (200, FUNDS))
    waits = Waits()
    assert funds(reader_on(wire, tmp_path, waits)) == FUNDS
    assert waits.slept == [1.0, 2.0]
    answering.will(BUSY)
    with pytest.raises(DhanThrottledError):
        funds(reader_on(wire, tmp_path, waits))


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ((400, {"errorCode": "DH-905", "errorMessage": "Missing required fields"}), DhanError),
        ((400, {"errorCode": "DH-907", "errorMessage": "no data present"}), MissingDataError),
        (DEAD, TokenRefusedError),
    ],
)
def test_what_asking_again_cannot_help_is_asked_once(
    answer: tuple[int, Any], kind: type[Exception], answering: Any, wire: Wire, tmp_path: Path
) -> None:
    answering.will(answer)
    with pytest.raises(kind):
        funds(reader_on(wire, tmp_path))
    assert len(answering.asked) == 1


def test_a_token_that_another_process_replaced_is_taken_up_once(answering: Any, wire: Wire, tmp_path: Path) -> None:
    fresh = make_token(number=1)

    def renew() -> bool:
        wire.use_token(SecretStr(fresh))
        return True

    answering.will(DEAD, (200, FUNDS))
    assert funds(reader_on(wire, tmp_path, renew=renew)) == FUNDS
    assert [headers["access-token"] == fresh for headers in answering.headers] == [False, True]
    answering.will(DEAD)
    with pytest.raises(TokenRefusedError):
        funds(reader_on(wire, tmp_path, renew=renew))
    assert len(answering.asked) == 4
