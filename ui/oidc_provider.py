"""A provider of OpenID Connect: its settings, and what it says of itself, asked over HTTP and kept for an hour."""

import logging
import threading
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import requests
from authlib.integrations.requests_client import OAuth2Session

from agents.domain.errors import ConfigError, TradingError
from agents.settings import Settings

_KNOWN_SECONDS = 3600.0
_AGAIN_SECONDS = 30.0
_TIMEOUT_SECONDS = 10.0
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")
_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})
_log = logging.getLogger(__name__)
Json = dict[str, Any]  # Any: whatever JSON can hold


class SignInError(TradingError):
    """Nobody was let in; the message says why and what may be done."""


class Provider(NamedTuple):
    """Whom to ask, as whom, and whom to let in: addresses of e-mail are the words with an @, others are subjects."""

    issuer: str
    client_id: str
    secret: str
    people: tuple[str, ...]


class Known(NamedTuple):
    """What a provider said of itself, and the keys that it signs with."""

    facts: Json
    keys: list[Json]
    asked_at: float


def provider_in(settings: Settings) -> Provider | None:
    """Return the provider of the settings, None where none is set.

    Raises
    ------
    ConfigError
        If something is missing, or would travel unencrypted beyond this machine.
    """
    if settings.oidc_issuer is None:
        return None
    if not settings.oidc_client_id or not settings.oidc_people:
        raise ConfigError(
            "ZONEDESK_OIDC_ISSUER alone lets nobody in: set ZONEDESK_OIDC_CLIENT_ID and ZONEDESK_OIDC_PEOPLE too"
        )
    _check_encrypted(settings.oidc_issuer, "ZONEDESK_OIDC_ISSUER")
    if settings.dashboard_url is not None:
        _check_encrypted(settings.dashboard_url, "ZONEDESK_DASHBOARD_URL")
    secret = settings.oidc_client_secret.get_secret_value() if settings.oidc_client_secret else ""
    return Provider(settings.oidc_issuer.rstrip("/"), settings.oidc_client_id, secret, settings.oidc_people)


class Inquiry:
    """Asks a provider about itself.

    Parameters
    ----------
    provider : Provider
        Whom to ask.
    redirect : str
        Where it leads people back to.
    now : callable
        Returns seconds since 1970.
    """

    def __init__(self, provider: Provider, redirect: str, now: Callable[[], float]) -> None:
        self._provider = provider
        self._redirect = redirect
        self._now = now
        self._known: Known | None = None
        self._lock = threading.Lock()

    def about(self, *, anew: bool = False) -> Known:
        """Return what the provider says of itself; `anew`, asked again if that was half a minute ago.

        Raises
        ------
        SignInError
            If it does not answer, or not as a provider must.
        """
        with self._lock:
            known, now = self._known, self._now()
            if known is None or now - known.asked_at >= (_AGAIN_SECONDS if anew else _KNOWN_SECONDS):
                known = self._known = self._asked(now)
            return known

    def session(self) -> OAuth2Session:
        """Return what requests are made with; the client's secret goes to the provider's token endpoint only."""
        taken = self._known.facts.get("token_endpoint_auth_methods_supported") if self._known else None
        method = (
            "client_secret_basic"
            if "client_secret_basic" in (taken or ["client_secret_basic"])
            else "client_secret_post"
        )
        session = OAuth2Session(
            self._provider.client_id, self._provider.secret or None, scope="openid email", redirect_uri=self._redirect,
            code_challenge_method="S256", default_timeout=_TIMEOUT_SECONDS,
            token_endpoint_auth_method=method if self._provider.secret else "none",
        )  # fmt: skip
        session.trust_env = urlsplit(self._provider.issuer).hostname not in _LOCAL
        return session

    def _asked(self, now: float) -> Known:
        issuer = self._provider.issuer
        try:
            with self.session() as session:
                facts = _json(session, f"{issuer}/.well-known/openid-configuration")
                if str(facts.get("issuer", "")).rstrip("/") != issuer:
                    raise SignInError(
                        f"The provider calls itself {facts.get('issuer')}, not {issuer}; check ZONEDESK_OIDC_ISSUER."
                    )
                for name in _ENDPOINTS:
                    _check_encrypted(str(facts.get(name, "")), f"the provider's {name}")
                found = _json(session, facts["jwks_uri"]).get("keys", [])
            keys = [key for key in found if key.get("kty") in {"RSA", "EC"} and key.get("use", "sig") == "sig"]
        except (requests.RequestException, ValueError, AttributeError, TypeError, ConfigError) as error:
            _log.warning("the provider %s cannot be asked: %s", issuer, type(error).__name__)
            raise SignInError(
                f"The provider {issuer} does not answer as it should; try again, or check ZONEDESK_OIDC_ISSUER."
            ) from None
        return Known(facts, keys, now)


def _check_encrypted(address: str, setting: str) -> None:
    parts = urlsplit(address)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOCAL):
        raise ConfigError(f"{setting} is {address}: a sign-in must not travel unencrypted; use https")


def _json(session: OAuth2Session, address: str) -> Json:
    answer = session.get(address, withhold_token=True)
    answer.raise_for_status()
    found = answer.json()
    if not isinstance(found, dict):
        raise ValueError(f"{address} is no object")  # noqa: TRY004 - the answer is wrong, not its use here
    return found
