"""The dashboard's password as a scrypt hash, and the key in a file that signs what the gate hands out."""

import asyncio
import hashlib
import hmac
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from agents.domain.errors import ConfigError

# 32 MiB and three passes for each attempt: as dear as OWASP's first choice (2**17, one pass) in a fourth of its memory.
SCRYPT = {"n": 2**15, "r": 8, "p": 3, "maxmem": 64 * 1024 * 1024}
_KEY_BYTES = 32
_MODE = 0o600


class Password:
    """Knows one password.

    Parameters
    ----------
    password : str
        Kept as its hash only.
    key : bytes
        Makes the salt, so that two desks with one password have two hashes.
    work : mapping
        How dear an attempt is, as scrypt says it.
    """

    def __init__(self, password: str, key: bytes, work: Mapping[str, int] = SCRYPT) -> None:
        self._work = dict(work)
        self._salt = hashlib.sha256(b"zonedesk dashboard" + key).digest()
        self.hash = self._hashed(password)

    async def opens(self, password: str) -> bool:
        """Whether this is the password; the work is done beside the server's loop."""
        found = await asyncio.to_thread(self._hashed, password)
        return hmac.compare_digest(found, self.hash)

    def _hashed(self, password: str) -> bytes:
        return hashlib.scrypt(password.encode(), salt=self._salt, **self._work)


def signing_key(key: bytes, *settings: bytes) -> bytes:
    """Return a key for signatures that hold only while these settings do: another password makes old cookies worthless.

    Parameters
    ----------
    key : bytes
        Of the file.
    settings : bytes
        Whatever decides who may come in.
    """
    told = b"".join(len(each).to_bytes(4, "big") + each for each in settings)
    return hmac.digest(key, told, "sha256")


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
