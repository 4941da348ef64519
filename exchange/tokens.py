"""Access tokens that look like Dhan's and one-time passwords; nothing here that a live server would accept."""

import base64
import hashlib
import hmac
import json
import struct
from collections.abc import Mapping
from typing import NamedTuple

from exchange.clock import Millis

PREFIX = "paper."
LIFE = 24 * 3_600_000
TOTP_STEP_SECONDS = 30
TOTP_DIGITS = 6


class Claims(NamedTuple):
    """What a token says: whose it is, and its life in whole seconds since 1970 UTC."""

    client_id: str
    issued_at: int
    expires_at: int
    number: int


class TokenMalformedError(ValueError):
    """Not a token of this exchange; the message never repeats it."""


def mint(key: bytes, claims: Claims) -> str:
    """Return a signed token: ``paper.`` and a JWT whose payload carries `exp` and `dhanClientId`."""
    header = {"typ": "JWT", "alg": "HS256"}
    payload: dict[str, str | int] = {
        "iss": "dhan",
        "partnerId": "",
        "exp": claims.expires_at,
        "iat": claims.issued_at,
        "tokenConsumerType": "SELF",
        "webhookUrl": "",
        "dhanClientId": claims.client_id,
        "jti": claims.number,
    }
    signed = f"{_packed(header)}.{_packed(payload)}"
    return f"{PREFIX}{signed}.{_encoded(_signature(key, signed))}"


def read(key: bytes, token: str) -> Claims:
    """Return what a token says after checking who signed it; whether it is still alive is the caller's question.

    Raises
    ------
    TokenMalformedError
        If it was not minted with this key.
    """
    signed, _, signature = token.removeprefix(PREFIX).rpartition(".")
    if not token.startswith(PREFIX) or not hmac.compare_digest(
        _encoded(_signature(key, signed)).encode(), signature.encode()
    ):
        raise TokenMalformedError("the token was not minted by this exchange; generate one here")
    payload = json.loads(base64.urlsafe_b64decode(_padded(signed.partition(".")[2])))
    return Claims(payload["dhanClientId"], payload["iat"], payload["exp"], payload["jti"])


def totp(secret: str, at: Millis) -> str:
    """Return the one-time password of RFC 6238 (SHA-1, 30 s, 6 digits) for a base32 secret at a moment.

    Raises
    ------
    ValueError
        If the secret is not base32.
    """
    key = base64.b32decode(secret.upper() + "=" * (-len(secret) % 8))
    digest = hmac.new(key, struct.pack(">Q", at // 1000 // TOTP_STEP_SECONDS), hashlib.sha1).digest()
    offset = digest[-1] & 0x0F
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFFFFFF
    return str(number % 10**TOTP_DIGITS).zfill(TOTP_DIGITS)


def totp_holds(secret: str, password: str, at: Millis) -> bool:
    """Return whether a one-time password is right now, or was or will be one step away."""
    step = TOTP_STEP_SECONDS * 1000
    return any(hmac.compare_digest(totp(secret, at + shift).encode(), password.encode()) for shift in (0, -step, step))


def _signature(key: bytes, signed: str) -> bytes:
    return hmac.new(key, signed.encode(), hashlib.sha256).digest()


def _packed(value: Mapping[str, str | int]) -> str:
    return _encoded(json.dumps(value, separators=(",", ":")).encode())


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _padded(text: str) -> str:
    return text + "=" * (-len(text) % 4)
