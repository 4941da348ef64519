"""How anything is read from Dhan: a slot of the limiter, one request, and a repeat only where repeating can help."""

import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from dhanhq import dhanhq

from agents.data.dhan.errors import (
    DhanThrottledError,
    DhanUnavailableError,
    Fault,
    TokenRefusedError,
    Trouble,
    UnansweredError,
    classify,
    classify_file,
    error_of,
)
from agents.data.dhan.http import Wire
from agents.data.dhan.limiter import WINDOW_SECONDS, CallKind, Limiter
from agents.data.dhan.reply import Reply
from agents.domain.calls import Permit
from agents.domain.errors import TradingError
from agents.ports import Breaker

PAUSES = (1.0, 2.0, 4.0)
OK, UNANSWERED = "ok", "unanswered"

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CallReport:
    """One request as a metric: what was asked, how it ended ("ok", a `Trouble`, "unanswered"), which attempt.

    Attempt 0 tells of a reply that has been reported as a success and turned out to be unusable; see `Reader.spoilt`.
    """

    what: str
    kind: CallKind
    outcome: str
    status: int
    seconds: float
    attempt: int


class CallCounts:
    """Counts requests by what was asked and how they ended: the metric of this process."""

    def __init__(self) -> None:
        self.by_outcome: Counter[tuple[str, str]] = Counter()

    def __call__(self, report: CallReport) -> None:
        """Count one request."""
        self.by_outcome[report.what, report.outcome] += 1


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
        self._observe = observe or CallCounts()
        self._renew = renew
        self._breaker = breaker

    def read(self, what: str, kind: CallKind, ask: Callable[[dhanhq], object], *, chain: str = "") -> Any:  # Any: JSON
        """Return the parsed body of a read by the client; see `reply` for the rest."""
        return self.reply(what, kind, lambda: self.wire.call(what, ask), chain=chain).json()

    def file(self, what: str, kind: CallKind, send: Callable[[], Reply]) -> Reply:
        """Return the reply to a request for a file of text, which is no JSON where it succeeds; see `reply`."""
        return self.reply(what, kind, send, judge=classify_file)

    def reply(
        self,
        what: str,
        kind: CallKind,
        send: Callable[[], Reply],
        *,
        chain: str = "",
        judge: Callable[[Reply], Fault | None] = classify,
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
            permit = self._permit(what)
            try:
                return self._told(permit, CallReport(what, kind, UNANSWERED, 0, 0.0, attempt), send, judge)
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
        """Count and log a reply that came as a success and cannot be used, or not all of it.

        Parameters
        ----------
        what, kind : str, CallKind
            As for `reply`.
        outcome : str
            What is the matter, in two words at most; `Trouble.NO_DATA` where the answer is rightly nothing.
        detail : str
            The sentence for the log.
        """
        self._observe(CallReport(what, kind, outcome, 0, 0.0, 0))
        _log.log(logging.INFO if outcome == Trouble.NO_DATA else logging.WARNING, "%s: %s", what, detail)

    def _spaced(self, send: Callable[[], Reply], chain: str) -> Callable[[], Reply]:
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

    def _permit(self, what: str) -> Permit | None:
        """Return leave to ask, None where there is no breaker. Raises `DhanUnavailableError` while it is open."""
        if self._breaker is None:
            return None
        permit = self._breaker.enter()
        if permit is None:
            raise DhanUnavailableError(f"Dhan was not asked for {what}: it keeps failing and is asked once a minute")
        return permit

    def _told(
        self,
        permit: Permit | None,
        blank: CallReport,
        send: Callable[[], Reply],
        judge: Callable[[Reply], Fault | None],
    ) -> Reply:
        """Send once, and tell the breaker whether an answer came: a refusal is one too."""
        if self._breaker is None or permit is None:
            return self._once(blank, send, judge)
        try:
            reply = self._once(blank, send, judge)
        except DhanUnavailableError as error:
            if isinstance(error, DhanThrottledError):
                self._breaker.succeeded(permit)
            else:
                self._breaker.failed(permit)
            raise
        except TradingError:
            self._breaker.succeeded(permit)
            raise
        self._breaker.succeeded(permit)
        return reply

    def _once(self, blank: CallReport, send: Callable[[], Reply], judge: Callable[[Reply], Fault | None]) -> Reply:
        """Send once, report it and return the reply, or raise what is wrong with it."""
        try:
            reply = send()
        except UnansweredError as error:
            self._report(blank, error)
            raise
        fault = judge(reply)
        failure = None if fault is None else error_of(fault, blank.what)
        outcome = OK if fault is None else str(fault.trouble)
        self._report(replace(blank, outcome=outcome, status=reply.status, seconds=reply.seconds), failure)
        if failure is not None:
            raise failure
        return reply

    def _report(self, report: CallReport, error: TradingError | None) -> None:
        self._observe(report)
        if error is not None and report.outcome != Trouble.NO_DATA:
            _log.warning("attempt %d: %s", report.attempt, error)
