"""The access token: how long it lives, who may make a new one, and how.

An account has one token; making one kills the one before. So all processes of a desk share a file, one of them at a
time may make a token while it holds the file's lock, and whoever finds its token refused looks into the file first.
"""

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from agents.data.dhan.credentials import Credentials, Profile, TokenClaims, claims_of, one_time_password, profile_of
from agents.data.dhan.errors import TokenRefusedError, Trouble, classify, error_of
from agents.data.dhan.http import Wire
from agents.data.dhan.redaction import hide
from agents.data.dhan.reply import Reply
from agents.domain.errors import ConfigError
from agents.domain.values import IST

MINTS_A_DAY = 4
MINT_EVERY = timedelta(minutes=2)
NEW_TOKEN = "a new token for the account"  # noqa: S105 - words; what follows "token:" would be taken for one and hidden


class TokenFile:
    """The token that the processes of a desk share, readable by its owner only.

    Beside the token it remembers when tokens were made, so that two programs that kill each other's tokens stop.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> SecretStr | None:
        """Return the token, None where there is none."""
        found = self._facts().get("token")
        if not found:
            return None
        hide(found)
        return SecretStr(found)

    def minted(self) -> list[datetime]:
        """Return when tokens were made, oldest first."""
        return [datetime.fromisoformat(text) for text in self._facts().get("minted", [])]

    def write(self, token: SecretStr, at: datetime) -> None:
        """Keep a token made at a moment, in one step."""
        recent = [each for each in self.minted() if at - each < timedelta(days=1)]
        facts = {"token": token.get_secret_value(), "minted": [each.isoformat() for each in (*recent, at)]}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        draft = self.path.with_name(self.path.name + ".new")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            json.dump(facts, file)
        draft.replace(self.path)

    def refuse_war(self, now: datetime) -> None:
        """Raise `TokenRefusedError` where another program seems to make tokens for this account too."""
        minted = [each for each in self.minted() if each.astimezone(IST).date() == now.astimezone(IST).date()]
        if minted and now - minted[-1] < MINT_EVERY:
            wait = (MINT_EVERY - (now - minted[-1])).total_seconds()
            raise TokenRefusedError(
                f"an access token was made {(now - minted[-1]).total_seconds():.0f} s ago and does not serve; "
                f"another one can be made in {wait:.0f} s"
            )
        if len(minted) >= MINTS_A_DAY:
            raise TokenRefusedError(
                f"{len(minted)} access tokens were made today and all died early: another program makes tokens "
                f"for this account and kills ours; stop it, then delete {self.path}"
            )

    @contextmanager
    def owned(self) -> Iterator[None]:
        """Be the only one who may make a token; waits for whoever is."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.with_name(self.path.name + ".lock").open("a", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _facts(self) -> dict[str, Any]:  # Any: JSON
        try:
            facts: dict[str, Any] = json.loads(self.path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except ValueError:
            facts = {}
            damaged = True
        else:
            damaged = not isinstance(facts, dict)
        if damaged:
            raise ConfigError(f"{self.path} is damaged; delete it, and a new token will be made")
        return facts


class TokenKeeper:
    """Keeps a wire's token alive.

    Parameters
    ----------
    wire : Wire
        Which connection.
    credentials : Credentials
        What opens the account.
    file : TokenFile
        What the processes share.
    now : callable
        Returns the machine's present, aware: tokens live in real time, whatever the market's clock shows.
    is_paper : bool
        Whether a paper exchange makes the tokens: it forgets them when it restarts, so they may be made at any time.
    """

    def __init__(
        self,
        wire: Wire,
        credentials: Credentials,
        file: TokenFile,
        now: Callable[[], datetime],
        *,
        is_paper: bool = False,
    ) -> None:
        self._wire = wire
        self._credentials = credentials
        self._file = file
        self._now = now
        self._is_paper = is_paper
        secrets = (credentials.token, credentials.pin, credentials.totp_secret)
        hide(*(secret.get_secret_value() for secret in secrets if secret is not None))

    def ensure(self, until: datetime) -> TokenClaims:
        """Use a token that lives until a moment, and make one if none does.

        The candidates are the shared file's and the one set by hand, the longer-lived first.

        Raises
        ------
        ConfigError
            If no token lives that long and none can be made.
        """
        if (found := self._best()) and self._lives(found, until):
            return self._use(found)
        with self._file.owned():
            if (found := self._best()) and self._lives(found, until):  # made by another process meanwhile
                return self._use(found)
            return self._use(self._mint(found))

    def replace_refused(self) -> bool:
        """Take another token than the refused one: the file's if it differs, else a new one. Return whether there is.

        Raises
        ------
        ConfigError
            If tokens die as fast as they are made, because another program makes them for this account too.
        """
        refused = self._wire.token.get_secret_value()
        with self._file.owned():
            found = self._file.read()
            if found is not None and found.get_secret_value() != refused:
                self._use(found)
                return True
            if not self._credentials.can_mint:
                return False
            self._use(self._mint(None))
            return True

    def probe(self) -> Profile:
        """Ask Dhan whether the token works, and return what it says of the account.

        Raises
        ------
        ConfigError
            If the token is refused, or is of another account.
        DhanUnavailableError
            If no usable answer came.
        """
        reply = self._wire.fetch_as_client("the profile", "GET", "/profile")
        profile = profile_of(_success(reply, "the profile"), reply.served_at)
        if profile.client_id != self._credentials.client_id:
            raise ConfigError("the access token is of another account than DHAN_CLIENT_ID; set both from one account")
        return profile

    def _best(self) -> SecretStr | None:
        found = [token for token in (self._file.read(), self._credentials.token) if token is not None]
        return max(found, key=lambda token: claims_of(token).expires_at, default=None)

    def _lives(self, token: SecretStr, until: datetime) -> bool:
        return claims_of(token).expires_at >= until

    def _use(self, token: SecretStr) -> TokenClaims:
        claims = claims_of(token)
        if claims.client_id != self._credentials.client_id:
            raise ConfigError("the access token is of another account than DHAN_CLIENT_ID; set both from one account")
        self._wire.use_token(token)
        return claims

    def _mint(self, old: SecretStr | None) -> SecretStr:
        """Make a token, by PIN and one-time password or by renewing the old one, and keep it."""
        now = self._now()
        if not self._is_paper:
            self._file.refuse_war(now)
        if self._credentials.can_mint:
            reply = self._wire.fetch(
                NEW_TOKEN,
                "POST",
                f"{self._wire.address.auth}/app/generateAccessToken",
                query=_login(self._credentials, now),
            )
        elif old is not None and self._lives(old, now):
            self._wire.use_token(old)
            reply = self._wire.fetch_as_client(NEW_TOKEN, "GET", "/RenewToken")
        else:
            raise ConfigError(
                "there is no access token that lives; set DHAN_ACCESS_TOKEN to a new one from web.dhan.co, or set "
                "DHAN_PIN and DHAN_TOTP_SECRET, and tokens will be made from them"
            )
        fault = classify(reply)
        if fault is not None and fault.trouble in {Trouble.REQUEST, Trouble.TOKEN}:
            raise ConfigError(
                f"Dhan did not give {NEW_TOKEN}: {fault}; check DHAN_CLIENT_ID, DHAN_PIN, DHAN_TOTP_SECRET and "
                "this machine's clock"
            )
        facts = _success(reply, NEW_TOKEN)
        text = facts.get("accessToken") or facts.get("token") if isinstance(facts, dict) else None
        if not isinstance(text, str):
            raise TokenRefusedError("Dhan's answer holds no access token; make one on web.dhan.co by hand")
        hide(text)
        token = SecretStr(text)
        self._file.write(token, now)
        return token


def _login(credentials: Credentials, now: datetime) -> dict[str, str]:
    pin, secret = credentials.pin, credentials.totp_secret
    assert pin is not None
    assert secret is not None
    password = one_time_password(secret, now).get_secret_value()
    hide(password)
    return {"dhanClientId": credentials.client_id, "pin": pin.get_secret_value(), "totp": password}


def _success(reply: Reply, what: str) -> Any:  # Any: JSON
    """Return the body of a success. Raises the error that fits."""
    fault = classify(reply)
    if fault is not None:
        raise error_of(fault, what)
    return reply.json()
