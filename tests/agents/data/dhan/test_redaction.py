"""Secrets stay out of log records and messages."""

import io
import logging

import pytest

from agents.data.dhan.redaction import HIDDEN, Redactor, cleaned, hide, process_redactor
from tests.agents.data.dhan.conftest import make_token

SECRET = "planted-secret-of-this-test"


@pytest.fixture
def written() -> io.StringIO:
    """What a handler of a library's logger writes, everything at DEBUG."""
    process_redactor()
    stream = io.StringIO()
    logger = logging.getLogger("some.library")
    logger.handlers = [logging.StreamHandler(stream)]
    logger.handlers[0].setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    return stream


def test_a_hidden_value_is_in_no_record_whoever_writes_it(written: io.StringIO) -> None:
    hide(SECRET)
    logger = logging.getLogger("some.library")
    logger.debug("GET /x?pin=%s", SECRET)
    logger.error("as %r", {"token": SECRET})
    try:
        int(SECRET)
    except ValueError:
        logger.exception("failed")
    logger.debug("%d and " + SECRET, "no number")  # noqa: G003 - arguments that do not fit
    text = written.getvalue()
    assert SECRET not in text
    assert HIDDEN in text
    assert "Traceback" in text


def test_what_looks_like_a_secret_is_hidden_unseen() -> None:
    token = make_token()
    line = f"> GET /feed?version=2&token={token}&clientId=1 access-token: abcdef pin=123456 totp='654321' {token}"
    text = cleaned(line)
    for secret in (token, "abcdef", "123456", "654321"):
        assert secret not in text
    assert "version=2" in text
    assert "clientId=1" in text


def test_half_a_token_is_hidden_too() -> None:
    assert make_token()[:40] not in cleaned(f"> TEXT '{make_token()[:40]}...")


def test_a_number_is_hidden_only_where_it_stands_alone() -> None:
    redactor = Redactor()
    redactor.hide("123456")
    assert redactor.clean("123456, 71234567, x123456y") == f"{HIDDEN}, 71234567, x{HIDDEN}y"


def test_a_clean_record_keeps_its_arguments() -> None:
    record = logging.LogRecord("a", logging.INFO, "f", 1, "%s of %d", ("one", 2), None)
    assert Redactor().clean_record(record).args == ("one", 2)


def test_a_secret_too_short_to_hide_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 4"):
        Redactor().hide("abc")
