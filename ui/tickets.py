"""The signed cookie of whoever was let in: who it is, until when it holds, and how it is struck off by signing out."""

import binascii
import hashlib
import hmac
import json
import logging
import os
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from starlette.responses import Response

COOKIE = "zonedesk_gate"
COOKIE_SECONDS = 12 * 60 * 60
LONGEST_NAME = 120
_LONGEST_TICKET = 1024
_log = logging.getLogger(__name__)


class _Said(NamedTuple):
    """What a ticket says."""

    until: int
    serial: str
    user: str


class Tickets:
    """Makes cookies, and knows again those that were made here.

    Parameters
    ----------
    key : bytes
        Signs; whoever has it needs no password.
    now : callable
        Returns seconds since 1970.
    struck : Path or None
        Where tickets that were given back are kept, so that they stay worthless after a restart.
    encrypted : bool
        Whether browsers reach the dashboard by https only; its cookies then travel in no other way.
    """

    def __init__(
        self, key: bytes, now: Callable[[], float], *, struck: Path | None = None, encrypted: bool = False
    ) -> None:
        self._key = key
        self._now = now
        self._path = struck
        self._struck = _read(struck)
        self.encrypted = encrypted
        # Cookies know no ports: two desks on one machine would overwrite each other's.
        name = f"{COOKIE}_{hashlib.sha256(b'name' + key).hexdigest()[:8]}"
        self.cookie = f"__Host-{name}" if encrypted else name

    def issue(self, user: str) -> str:
        """Return a ticket of a user that no other equals."""
        name = (
            urlsafe_b64encode(user[:LONGEST_NAME].encode()).decode().rstrip("=")
        )  # which a cookie would put in quotes
        said = f"{int(self._now()) + COOKIE_SECONDS}.{secrets.token_hex(16)}.{name}"
        return f"{said}.{self._signature(said)}"

    def user_of(self, ticket: str) -> str | None:
        """Return whose ticket this is, None where it was not made here, has ended, or was given back."""
        said = self._said(ticket)
        return said.user if said is not None and said.until > self._now() and said.serial not in self._struck else None

    def in_cookies(self, header: str) -> Iterator[str]:
        """Yield the tickets in a Cookie header; somebody else on this machine may have added one of the same name."""
        for part in header.split(";"):
            name, _, value = part.strip().partition("=")
            if name == self.cookie:
                yield value

    def strike(self, ticket: str) -> None:
        """Take a ticket back: whoever has a copy of it is not let in any more."""
        said = self._said(ticket)
        if said is None:
            return
        kept = {serial: until for serial, until in self._struck.items() if until > self._now()}
        self._struck = {**kept, said.serial: said.until}
        if self._path is not None:
            draft = self._path.with_suffix(f".{os.getpid()}.tmp")
            try:
                draft.write_text(json.dumps(self._struck), encoding="utf-8")
                draft.replace(self._path)
            except OSError:
                _log.exception("a sign-out could not be written to %s; it holds until the next start", self._path)

    def put(self, answer: Response, user: str, *, scheme: str) -> None:
        """Give a new ticket along with an answer."""
        secure = self.encrypted or scheme == "https"
        answer.set_cookie(
            self.cookie, self.issue(user), max_age=COOKIE_SECONDS, path="/", httponly=True, samesite="strict",
            secure=secure,
        )  # fmt: skip

    def remove(self, answer: Response) -> None:
        """Have the browser forget its ticket."""
        answer.delete_cookie(self.cookie, path="/", httponly=True, samesite="strict", secure=self.encrypted)

    def _said(self, ticket: str) -> _Said | None:
        """Return what a ticket says, None where it was not made here."""
        said, _, signature = ticket.rpartition(".")
        if len(ticket) > _LONGEST_TICKET or not hmac.compare_digest(
            signature.encode(errors="replace"), self._signature(said).encode()
        ):
            return None
        until, serial, name = said.split(".")
        try:
            return _Said(int(until), serial, urlsafe_b64decode(name + "=" * (-len(name) % 4)).decode())
        except (binascii.Error, ValueError):
            return None

    def _signature(self, said: str) -> str:
        return hmac.new(self._key, said.encode(errors="replace"), "sha256").hexdigest()


def _read(path: Path | None) -> dict[str, int]:
    """Return the tickets that were given back with when they end; none where nothing was kept."""
    if path is None or not path.exists():
        return {}
    try:
        return {str(serial): int(until) for serial, until in json.loads(path.read_bytes()).items()}
    except (OSError, ValueError, AttributeError, TypeError):
        _log.exception("%s cannot be read; who signed out before this start is known no more", path)
        return {}
