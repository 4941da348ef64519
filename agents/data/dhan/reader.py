"""How anything is read from Dhan: a slot of the limiter, one request, and a repeat only where repeating can help."""

from collections.abc import Callable
from typing import Any

from dhanhq import dhanhq

from agents.data.dhan.attempts import UNANSWERED, Attempts, CallCounts, CallReport, Judge, Send
from agents.data.dhan.errors import (
    DhanThrottledError,
    DhanUnavailableError,
    TokenRefusedError,
    classify,
    classify_file,
)
from agents.data.dhan.http import Wire
from agents.data.dhan.limiter import WINDOW_SECONDS, CallKind, Limiter
from agents.data.dhan.reply import Reply
from agents.ports import Breaker

PAUSES = (1.0, 2.0, 4.0)


class Reader:
    """Reads of one account.

    Parameters
    ----------
    wire : Wire
        The client.
    limiter : Limiter
        Shared with every process that uses the account.
    sleep : callable
        Waits that many seconds.
    jitter : callable
        Returns a random share of a pause to add to it, between 0 and 1.
    observe : callable, optional
        Told of every request.
    renew : callable, optional
        Called when the token is refused; returns whether another one is in use now.
    breaker : Breaker, optional
        Keeps every process away while Dhan does not answer. What protects a position is read without one.
    """

    def __init__(
        self,
        wire: Wire,
        limiter: Limiter,
        *,
        sleep: Callable[[float], None],
        jitter: Callable[[], float],
        observe: Callable[[CallReport], None] | None = None,
        renew: Callable[[], bool] | None = None,
        breaker: Breaker | None = None,
    ) -> None:
        self.wire = wire
        self._limiter = limiter
        self._sleep = sleep
        self._jitter = jitter
        self._renew = renew
        self._attempts = Attempts(observe or CallCounts(), breaker)

    def read(self, what: str, kind: CallKind, ask: Callable[[dhanhq], object], *, chain: str = "") -> Any:  # Any: JSON
        """Return the parsed body of a read by the client; see `reply` for the rest."""
        return self.reply(what, kind, lambda: self.wire.call(what, ask), chain=chain).json()

    def file(self, what: str, kind: CallKind, send: Send) -> Reply:
        """Return the reply to a request for a file of text, which is no JSON where it succeeds; see `reply`."""
        return self.reply(what, kind, send, judge=classify_file)

    def reply(
        self,
        what: str,
        kind: CallKind,
        send: Send,
        *,
        chain: str = "",
        judge: Judge = classify,
    ) -> Reply:
        """Return the reply to a read, repeated up to three times, after 1, 2 and 4 seconds and a little more.

        A refusal for too many requests makes all processes wait for the limit's window.

        Parameters
        ----------
        what : str
            What is asked, in words; no part of it may be secret.
        kind : CallKind
            Which limits hold.
        send : callable
            Sends the request once.
        chain : str, optional
            Underlying and expiry of an option chain, which may be asked for only every three seconds.
        judge : callable, optional
            Says what is wrong with a reply.

        Raises
        ------
        DhanUnavailableError
            If no attempt got an answer that can be used, or the breaker is open.
        MissingDataError
            If there is no data.
        DhanError
            If the request is wrong.
        ConfigError
            If the account or its token do not allow it.
        """
        renewed, send = False, self._spaced(send, chain) if chain else send
        for attempt, pause in enumerate((*PAUSES, None), start=1):
            self._limiter.wait(kind, chain=chain)
            permit = self._attempts.permit(what)
            try:
                return self._attempts.told(permit, CallReport(what, kind, UNANSWERED, 0, 0.0, attempt), send, judge)
            except TokenRefusedError:
                if renewed or self._renew is None or not self._renew():
                    raise
                renewed = True
            except DhanUnavailableError as error:
                if pause is None:
                    raise
                self._back_off(error, kind, pause * (1.0 + self._jitter()))
        raise DhanUnavailableError(f"Dhan did not give {what}, and the new access token came too late; ask again")

    def spoilt(self, what: str, kind: CallKind, outcome: str, detail: str) -> None:
        """Count and log a reply that came as a success and cannot be used; see `Attempts.spoilt`."""
        self._attempts.spoilt(what, kind, outcome, detail)

    def _spaced(self, send: Send, chain: str) -> Send:
        """Return `send` so that the next request for the chain waits from when this one is answered."""

        def sent() -> Reply:
            try:
                return send()
            finally:
                self._limiter.answered(chain)

        return sent

    def _back_off(self, error: DhanUnavailableError, kind: CallKind, seconds: float) -> None:
        if isinstance(error, DhanThrottledError):
            self._limiter.pause(kind, max(seconds, WINDOW_SECONDS[kind]))
        else:
            self._sleep(seconds)
