"""What opens an account, what a token says of itself, and what Dhan says of an account."""

import base64
import binascii
import hashlib
import hmac
import json
import struct
from datetime import UTC, date, datetime
from typing import Any

from pydantic import AwareDatetime, SecretStr

from agents.domain.errors import ConfigError
from agents.domain.values import IST, Frozen

_STEP_SECONDS, _DIGITS = 30, 6
_CLAIMS_PART = -2


class Credentials(Frozen):
    """What opens an account: a token made by hand, or what makes tokens; secrets are never shown."""

    client_id: str
    token: SecretStr | None = None
    pin: SecretStr | None = None
    totp_secret: SecretStr | None = None

    @property
    def can_mint(self) -> bool:
        """Whether tokens can be made without a person."""
        return self.pin is not None and self.totp_secret is not None


class TokenClaims(Frozen):
    """What a token says of itself."""

    client_id: str
    expires_at: AwareDatetime


class Profile(Frozen):
    """What Dhan says of an account; times are IST. `served_at` is the server's clock, if it told it."""

    client_id: str
    token_valid_until: AwareDatetime
    data_plan_active: bool
    data_valid_until: date | None
    segments: tuple[str, ...]
    served_at: AwareDatetime | None = None


def claims_of(token: SecretStr) -> TokenClaims:
    """Return whose a token is and when it ends, read from the token itself, unverified.

    Raises
    ------
    ConfigError
        If it is no JWT with `exp` and `dhanClientId`. The message does not repeat it.
    """
    claims = None
    try:
        part = token.get_secret_value().split(".")[_CLAIMS_PART]
        facts = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
        ends = datetime.fromtimestamp(int(facts["exp"]), UTC)
        claims = TokenClaims(client_id=str(facts["dhanClientId"]), expires_at=ends)
    except (IndexError, KeyError, OverflowError, TypeError, ValueError):
        facts = None
    if claims is None:  # raised outside of the handler, because the error there shows parts of the token
        raise ConfigError("the access token is not one of Dhan's: its end cannot be read; copy it again, whole")
    return claims


def one_time_password(secret: SecretStr, at: datetime) -> SecretStr:
    """Return the password of RFC 6238 (SHA-1, 30 seconds, 6 digits) for a base32 secret at a moment.

    Raises
    ------
    ConfigError
        If the secret is not base32. The message does not repeat it.
    """
    text = secret.get_secret_value().replace(" ", "").upper()
    try:
        key = base64.b32decode(text + "=" * (-len(text) % 8))
    except binascii.Error:
        key = b""
    if not key:
        raise ConfigError("DHAN_TOTP_SECRET is not base32; copy the secret that Dhan showed beside the QR code")
    digest = hmac.new(key, struct.pack(">Q", int(at.timestamp()) // _STEP_SECONDS), hashlib.sha1).digest()
    start = digest[-1] & 0x0F
    number = int.from_bytes(digest[start : start + 4], "big") & 0x7FFFFFFF
    return SecretStr(str(number % 10**_DIGITS).zfill(_DIGITS))


def profile_of(facts: Any, served_at: datetime | None = None) -> Profile:  # Any: JSON
    """Return a profile from Dhan's words. Raises `ConfigError` if its fields are not there."""
    try:
        until = datetime.strptime(str(facts["tokenValidity"]), "%d/%m/%Y %H:%M").replace(tzinfo=IST)
        data_until = str(facts.get("dataValidity") or "")[:10]
        return Profile(
            client_id=str(facts["dhanClientId"]),
            token_valid_until=until,
            data_plan_active=str(facts["dataPlan"]).strip().lower() == "active",
            data_valid_until=date.fromisoformat(data_until) if data_until[:1].isdigit() else None,
            served_at=served_at,
            segments=tuple(word.strip() for word in str(facts["activeSegment"]).split(",") if word.strip()),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigError(
            f"Dhan's profile reads differently than we know ({error}); see agents/data/dhan/credentials.py"
        ) from error
