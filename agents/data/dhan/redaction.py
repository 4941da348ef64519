"""Keeps secrets out of logs and messages: known values wherever they stand, and what looks like a secret.

Dhan's client and the libraries below it write addresses, headers and exceptions into their logs, and on Dhan some of
those hold a token, a PIN or a one-time password. So a record is cleaned when it is made, whoever makes it and wherever
it goes.
"""

import logging
import re
import traceback
from collections.abc import Callable
from functools import lru_cache

HIDDEN = "[hidden]"
_SHORTEST = 4
_TOKEN = re.compile(
    r"(?:paper\.)?eyJ[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*){0,2}"
    r"|\bsk-[A-Za-z0-9_-]{16,}"  # a key of a model's server
    r"|\b\d{8,10}:[A-Za-z0-9_-]{35}\b"  # a bot of a messenger
)
_PAIR = re.compile(
    r"(?P<name>\b(?:access[-_]?token|token|pin|totp|password|secret|app[-_]secret|api[-_]?key|authorization)\b)"
    r"(?P<middle>[\"']?\s?[:=]\s?[\"']?(?:Bearer )?)(?!\[hidden)(?P<value>[^\s\"'&,;)}\]]+)",
    re.IGNORECASE,
)


class Redactor:
    """Knows the secrets of this process."""

    def __init__(self) -> None:
        self._known: set[str] = set()
        self._exact: re.Pattern[str] | None = None

    def hide(self, *secrets: str) -> None:
        """Remember values that must never be seen. A number is hidden only where it is no part of a longer one.

        Raises
        ------
        ValueError
            If a secret is shorter than four characters: hiding it would blank out ordinary text.
        """
        if any(len(secret) < _SHORTEST for secret in secrets):
            raise ValueError(f"a secret has at least {_SHORTEST} characters; check the PIN, password or token")
        if set(secrets) <= self._known:
            return
        self._known |= set(secrets)
        longest_first = sorted(self._known, key=len, reverse=True)
        self._exact = re.compile("|".join(_alone(secret) for secret in longest_first))

    def clean(self, text: str) -> str:
        """Return `text` without secrets."""
        if self._exact is not None:
            text = self._exact.sub(HIDDEN, text)
        return _PAIR.sub(rf"\g<name>\g<middle>{HIDDEN}", _TOKEN.sub(HIDDEN, text))

    def clean_record(self, record: logging.LogRecord) -> logging.LogRecord:
        """Return a log record whose message, traceback and stack hold no secret; a clean one is left as it is."""
        try:
            message = record.getMessage()
        except (TypeError, ValueError):  # arguments that do not fit would be printed raw, to standard error
            message = f"{record.msg!r} with {record.args!r}"
            record.msg, record.args = message, ()
        if (cleaned := self.clean(message)) != message:
            record.msg, record.args = cleaned, ()
        if record.exc_info:
            text = "".join(traceback.format_exception(*record.exc_info)).rstrip("\n")
            if (cleaned := self.clean(text)) != text:
                record.exc_text, record.exc_info = cleaned, None
        if record.stack_info:
            record.stack_info = self.clean(record.stack_info)
        return record


@lru_cache(maxsize=1)
def process_redactor() -> Redactor:
    """Return the redactor of this process; the first call makes every later log record pass through it."""
    redactor = Redactor()
    make: Callable[..., logging.LogRecord] = logging.getLogRecordFactory()

    def make_clean(*arguments: object, **named: object) -> logging.LogRecord:
        return redactor.clean_record(make(*arguments, **named))

    logging.setLogRecordFactory(make_clean)
    return redactor


def hide(*secrets: str) -> None:
    """Keep values out of every log record and every message of this process from now on; see `Redactor.hide`."""
    process_redactor().hide(*secrets)


def cleaned(text: str) -> str:
    """Return `text` without the secrets of this process."""
    return process_redactor().clean(text)


def _alone(secret: str) -> str:
    return rf"(?<!\d){secret}(?!\d)" if secret.isdigit() else re.escape(secret)
