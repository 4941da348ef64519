"""Signing in with a provider of OpenID Connect: authorisation code, PKCE, state and nonce, and a token that is checked.

The provider says who somebody is; who may come in stands in the settings. What the browser gets in the end is the
gate's own cookie: nothing of the provider's is kept.
"""

import hmac
import logging
import secrets
import threading
from collections.abc import Callable, Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from ui.oidc_provider import Inquiry, Json, Provider, SignInError

FLOW_SECONDS = 600
MOST_FLOWS = 500
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
_LEEWAY_SECONDS = 60
_LONGEST_REASON = 200
_PROBLEMS = {
    "iss": "another provider made it",
    "aud": "it was made for another client",
    "azp": "it was made for another client",
    "nonce": "it belongs to another sign-in",
    "exp": "it has expired",
    "iat": "it was made in the future; set this machine's clock",
    "nbf": "it does not hold yet; set this machine's clock",
}
_log = logging.getLogger(__name__)


class _Flow(NamedTuple):
    """A sign-in on its way."""

    browser: str
    nonce: str
    verifier: str
    to: str
    until: float


class Oidc:
    """Leads people to a provider and takes them back. Calls wait for the provider: keep them off the server's loop.

    Parameters
    ----------
    provider : Provider
        Whom to ask.
    redirect : str
        Where the provider leads people back to.
    now : callable
        Returns seconds since 1970.
    """

    def __init__(self, provider: Provider, redirect: str, now: Callable[[], float]) -> None:
        self.redirect = redirect
        self._provider = provider
        self._inquiry = Inquiry(provider, redirect, now)
        self._now = now
        self._flows: dict[str, _Flow] = {}
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        """What people know the provider by."""
        return urlsplit(self._provider.issuer).hostname or self._provider.issuer

    def start(self, to: str) -> tuple[str, str]:
        """Return the provider's address to go to, and what the browser must bring back; `to` is where it goes then.

        Raises
        ------
        SignInError
            If the provider cannot be asked.
        """
        facts = self._inquiry.about().facts
        state, nonce, verifier, browser = (secrets.token_urlsafe(48) for _ in range(4))
        with self._inquiry.session() as session:
            address, _ = session.create_authorization_url(
                facts["authorization_endpoint"], state=state, code_verifier=verifier, nonce=nonce
            )
        now = self._now()
        flow = _Flow(browser, nonce, verifier, to, now + FLOW_SECONDS)
        with self._lock:
            kept = [(key, one) for key, one in self._flows.items() if one.until > now]
            self._flows = dict([*kept, (state, flow)][-MOST_FLOWS:])
        return str(address), browser

    def finish(self, query: Mapping[str, str], browser: str) -> tuple[str, str]:
        """Return who came back, and where to go on to. Each state is good for one return.

        Parameters
        ----------
        query : mapping
            What the provider sent along.
        browser : str
            What the browser was given at the start.

        Raises
        ------
        SignInError
            If anything is not as it must be.
        """
        with self._lock:
            flow = self._flows.pop(query.get("state", ""), None)
        mine = flow is not None and hmac.compare_digest(flow.browser.encode(), browser.encode(errors="replace"))
        if flow is None or not mine or flow.until <= self._now():
            raise SignInError("This sign-in was not begun in this browser, is over, or took too long; begin again.")
        facts = self._inquiry.about().facts
        if query.get("iss", facts["issuer"]) != facts["issuer"]:
            raise SignInError("This answer came from another provider; begin again.")
        if "code" not in query:
            reason = query.get("error_description") or query.get("error") or "no reason given"
            raise SignInError(f"The provider did not sign you in: {reason[:_LONGEST_REASON]}")
        claims = self._claims(self._token(facts, query["code"], flow), flow)
        return admitted(claims, self._provider.people), flow.to

    def _token(self, facts: Json, code: str, flow: _Flow) -> str:
        """Return the identity token that the provider gives for a code."""
        try:
            with self._inquiry.session() as session:
                given = session.fetch_token(
                    facts["token_endpoint"], grant_type="authorization_code", code=code, code_verifier=flow.verifier,
                    redirect_uri=self.redirect, allow_redirects=False,
                )  # fmt: skip
        except (AuthlibBaseError, requests.RequestException, ValueError) as error:
            _log.warning("the provider gave no token: %s", type(error).__name__)
            raise SignInError(
                "The provider did not accept the sign-in; begin again, or check ZONEDESK_OIDC_CLIENT_SECRET."
            ) from None
        token = given.get("id_token") if isinstance(given, Mapping) else None
        if not isinstance(token, str):
            raise SignInError("The provider gave no identity token; its client must allow the scope openid.")
        return token

    def _claims(self, token: str, flow: _Flow) -> CodeIDToken:
        """Return what a token says, after a look at who signed it, for whom, and when."""
        issuer, client_id = self._inquiry.about().facts["issuer"], self._provider.client_id
        wanted = {"iss": {"essential": True, "value": issuer}, "aud": {"essential": True, "value": client_id}}
        try:
            found = self._decoded(token)
            claims = CodeIDToken(found.claims, found.header, wanted, {"nonce": flow.nonce, "client_id": client_id})
            claims.validate(now=int(self._now()), leeway=_LEEWAY_SECONDS)
        except (AuthlibBaseError, JoseError, ValueError, TypeError) as error:
            _log.warning("an identity token was refused: %s", type(error).__name__)
            told = _PROBLEMS.get(str(getattr(error, "claim", "")), "it is not signed by the provider")
            raise SignInError(f"The provider's identity token is not valid: {told}. Begin again.") from None
        return claims

    def _decoded(self, token: str) -> jwt.Token:
        """Return a token whose signature holds; where no known key fits, the provider is asked for its keys again."""
        try:
            return _decoded(token, self._inquiry.about().keys)
        except JoseError:
            return _decoded(token, self._inquiry.about(anew=True).keys)


def _decoded(token: str, keys: list[Json]) -> jwt.Token:
    return jwt.decode(token, KeySet.import_key_set({"keys": keys}), algorithms=list(ALGORITHMS))


def admitted(claims: Mapping[str, object], people: tuple[str, ...]) -> str:
    """Return the name of somebody who may come in.

    Parameters
    ----------
    claims : mapping
        What a checked token says.
    people : tuple of str
        Who may come in: a word with an @ is a verified address of e-mail, any other a subject.

    Raises
    ------
    SignInError
        If that is nobody of these.
    """
    subject, email = str(claims["sub"]), str(claims.get("email") or "")
    verified = "@" in email and claims.get("email_verified") is True
    if verified and email.casefold() in {one.casefold() for one in people if "@" in one}:
        return email
    if subject in {one for one in people if "@" not in one}:
        return email if verified else subject
    if email and not verified:
        raise SignInError(f"The provider has not verified {email}, and your subject {subject} is not let in either.")
    raise SignInError(f"{email or subject} is not let in; add it to ZONEDESK_OIDC_PEOPLE if it should be.")
