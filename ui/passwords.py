"""The dashboard's password as a scrypt hash, and the signed cookie of whoever gave it."""

import asyncio
import hashlib
import hmac
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from agents.domain.errors import ConfigError

COOKIE = "zonedesk_gate"
COOKIE_SECONDS = 12 * 60 * 60
_SCRYPT = {"n": 2**14, "r": 8, "p": 1, "maxmem": 64 * 1024 * 1024}
_KEY_BYTES = 32
_MODE = 0o600


class Locker:
    """Knows one password.

    Parameters
    ----------
    password : str
        Kept as its hash only.
    key : bytes
        Signs cookies; whoever has it needs no password. Another password makes other signatures.
    now : callable
        Returns seconds since 1970.
    """

    def __init__(self, password: str, key: bytes, now: Callable[[], float]) -> None:
        self._salt = hashlib.sha256(b"zonedesk dashboard" + key).digest()
        self._hash = self._hashed(password)
        self._key = hmac.digest(key, self._hash, "sha256")
        self._now = now

    async def opens(self, password: str) -> bool:
        """Whether this is the password; the work is done beside the server's loop."""
        found = await asyncio.to_thread(self._hashed, password)
        return hmac.compare_digest(found, self._hash)

    def ticket(self) -> str:
        """Return a cookie's value: until when it holds, something that is never repeated, and the signature."""
        said = f"{int(self._now()) + COOKIE_SECONDS}.{secrets.token_hex(8)}"
        return f"{said}.{self._signature(said)}"

    def knows(self, ticket: str) -> bool:
        """Whether a cookie was made here and still holds."""
        said, _, signature = ticket.rpartition(".")
        if not hmac.compare_digest(signature.encode(), self._signature(said).encode()):
            return False
        return int(said.partition(".")[0]) > self._now()

    def _signature(self, said: str) -> str:
        return hmac.new(self._key, said.encode(), "sha256").hexdigest()

    def _hashed(self, password: str) -> bytes:
        return hashlib.scrypt(password.encode(), salt=self._salt, **_SCRYPT)


def key_in(path: Path) -> bytes:
    """Return the key in a file that only its owner may read; one is made where there is none.

    Raises
    ------
    ConfigError
        If it cannot be made or read.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE)
        except FileExistsError:
            key = path.read_bytes()
        else:
            key = secrets.token_bytes(_KEY_BYTES)
            with os.fdopen(handle, "wb") as file:
                file.write(key)
    except OSError as error:
        raise ConfigError(f"the dashboard's key {path} cannot be used: {error.strerror}; check the folder") from error
    if len(key) != _KEY_BYTES:
        raise ConfigError(f"the dashboard's key {path} is damaged; remove it, everybody then signs in again")
    return key
