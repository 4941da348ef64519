"""Dhan's official client, unmodified, with a recorder below it that keeps what the client throws away.

The client answers "failure" alike for a refused token, a page of HTML and a lost connection. The recorder sits where
the client's session meets the network, so that every call yields the status, the headers and the body as they came,
or the reason why nothing came.
"""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import requests
from dhanhq import DhanContext, dhanhq
from pydantic import SecretStr
from requests.adapters import HTTPAdapter

from agents.data.dhan.address import Address
from agents.data.dhan.errors import UnansweredError
from agents.data.dhan.redaction import cleaned, hide
from agents.data.dhan.reply import Reply
from agents.domain.errors import ConfigError

TIMEOUT = (3.05, 10.0)
_NEVER_SENT = (requests.exceptions.ConnectTimeout, requests.exceptions.InvalidURL, requests.exceptions.InvalidHeader)


class Recorder(HTTPAdapter):
    """Carries requests and keeps the last reply or error."""

    def __init__(self) -> None:
        super().__init__()
        self.reply: Reply | None = None
        self.error: requests.RequestException | None = None

    def clear(self) -> None:
        """Forget the last call."""
        self.reply = self.error = None

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:  # Any: requests'
        """Send a request as the parent does, and read the whole body so that a break in it is seen here."""
        started = time.perf_counter()
        try:
            response = super().send(request, *args, **kwargs)
            body = response.content
        except requests.RequestException as error:
            self.error = error
            raise
        self.reply = Reply(
            method=str(request.method),
            path=request.path_url.partition("?")[0],
            status=response.status_code,
            headers={name.lower(): value for name, value in response.headers.items()},
            body=body,
            seconds=time.perf_counter() - started,
        )
        return response


class Wire:
    """Calls to Dhan, one at a time.

    Parameters
    ----------
    address : Address
        Where Dhan answers.
    client_id : str
        The account.
    token : SecretStr, optional
        Its access token; `use_token` gives it one later or another one.
    timeout : (float, float)
        Seconds to connect and between two bytes of an answer.

    Raises
    ------
    ConfigError
        If the id or the token cannot be sent as a header.
    """

    def __init__(
        self,
        address: Address,
        client_id: str,
        token: SecretStr | None = None,
        timeout: tuple[float, float] = TIMEOUT,
    ) -> None:
        self.address = address
        self.client_id = _plain(client_id, "client id")
        self._timeout = timeout
        self._lock = threading.Lock()
        self._twins: list[Wire] = []
        self._recorder = Recorder()
        self._context = DhanContext(self.client_id, "")
        http = self._context.dhan_http
        http.base_url = address.rest
        http.timeout = timeout
        self._session: requests.Session = http.session
        self._session.trust_env = False  # a proxy would see the token
        self._session.max_redirects = 0  # a redirect would carry the token to another host
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, self._recorder)
        self._client = dhanhq(self._context)
        if token is not None:
            self.use_token(token)

    def use_token(self, token: SecretStr) -> None:
        """Send another token from now on, everywhere the client keeps one.

        Raises
        ------
        ConfigError
            If it cannot be sent as a header, or is for another kind of server than this address.
        """
        text = _plain(token.get_secret_value(), "access token")
        self.address.refuse_wrong_token(text)
        hide(text)
        for twin in self._twins:
            twin.use_token(token)
        with self._lock:
            http = self._context.dhan_http
            self._context.access_token = http.access_token = http.header["access-token"] = text

    @property
    def token(self) -> SecretStr:
        """The token in use, empty where there is none."""
        return SecretStr(self._context.access_token)

    def twin(self, timeout: tuple[float, float] | None = None) -> "Wire":
        """Return a wire to the same account whose calls do not wait for this one's; it takes on each new token.

        Orders go over a wire of their own: a read that waits ten seconds for its answer must not hold one up.
        """
        token = self.token if self._context.access_token else None
        twin = Wire(self.address, self.client_id, token, timeout or self._timeout)
        self._twins.append(twin)
        return twin

    def call(self, what: str, ask: Callable[[dhanhq], object]) -> Reply:
        """Let the client ask one thing and return what the server said, success or not.

        Parameters
        ----------
        what : str
            What is asked, for the error.
        ask : callable
            Takes the client, calls one of its methods.

        Raises
        ------
        UnansweredError
            If no reply came.
        ConfigError
            If there is no token yet, or the client refused to send its arguments.
        """
        if not self._context.access_token:
            raise ConfigError(
                f"there is no access token to ask for {what}; set DHAN_ACCESS_TOKEN, or PIN and TOTP secret"
            )
        with self._lock:
            self._recorder.clear()
            said = ask(self._client)
            reply, error = self._recorder.reply, self._recorder.error
        if reply is None and error is None:
            remarks = said.get("remarks") if isinstance(said, dict) else said
            raise ConfigError(f"Dhan's client did not send the request for {what}: {cleaned(str(remarks))}")
        return _answered(what, reply, error)

    def fetch(
        self,
        what: str,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] = {},
        query: Mapping[str, str] = {},
    ) -> Reply:
        """Ask for an address that the client serves without timeouts or not at all; see `call`.

        The values of `query` are secrets on the login host, so an error holds no part of them.
        """
        with self._lock:
            self._recorder.clear()
            try:
                self._session.request(
                    method, url, headers=dict(headers), params=dict(query), timeout=self._timeout, allow_redirects=False
                )
            except requests.RequestException as error:
                self._recorder.error = self._recorder.error or error
            reply, error_seen = self._recorder.reply, self._recorder.error
        return _answered(what, reply, error_seen)

    def fetch_as_client(self, what: str, method: str, path: str) -> Reply:
        """Ask for `path` with the token and the client's id, as Dhan's login pages want them."""
        headers = {"access-token": self._context.access_token, "dhanClientId": self.client_id}
        return self.fetch(what, method, f"{self.address.rest}{path}", headers=headers)

    def close(self) -> None:
        """Close idle connections."""
        self._session.close()


def _answered(what: str, reply: Reply | None, error: requests.RequestException | None) -> Reply:
    """Return the reply. Raised outside of any handler: the error of the library may hold secrets in its address."""
    if reply is not None:
        return reply
    sent = not isinstance(error, _NEVER_SENT) and "NewConnectionError" not in repr(error)
    kind = type(error).__name__
    raise UnansweredError(
        f"no reply to the request for {what}: {kind}; check the network, then whether Dhan answers", sent=sent
    )


def _plain(text: str, name: str) -> str:
    """Return `text` if it can stand in a header. Raises `ConfigError` without repeating it."""
    if not text or not text.isascii() or any(not char.isprintable() or char.isspace() for char in text):
        raise ConfigError(f"the {name} is empty or has blanks, line ends or odd characters; copy it again")
    return text
