"""One attempt at a request to Dhan: sent unless the breaker is open, judged, reported, and told to the breaker."""

import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

from agents.data.dhan.errors import (
    DhanThrottledError,
    DhanUnavailableError,
    Fault,
    Trouble,
    UnansweredError,
    error_of,
)
from agents.data.dhan.limiter import CallKind
from agents.data.dhan.reply import Reply
from agents.domain.calls import Permit
from agents.domain.errors import TradingError
from agents.ports import Breaker

OK, UNANSWERED = "ok", "unanswered"

_log = logging.getLogger(__name__)
Send = Callable[[], Reply]
Judge = Callable[[Reply], Fault | None]


@dataclass(frozen=True)
class CallReport:
    """One request as a metric: what was asked, how it ended ("ok", a `Trouble`, "unanswered"), which attempt.

    Attempt 0 tells of a reply that has been reported as a success and turned out to be unusable; see `Attempts.spoilt`.
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


class Attempts:
    """Attempts at requests of one account.

    Parameters
    ----------
    observe : callable
        Told of every request.
    breaker : Breaker, optional
        Keeps every process away while Dhan does not answer.
    """

    def __init__(self, observe: Callable[[CallReport], None], breaker: Breaker | None = None) -> None:
        self._observe = observe
        self._breaker = breaker

    def permit(self, what: str) -> Permit | None:
        """Return leave to ask, None where there is no breaker. Raises `DhanUnavailableError` while it is open."""
        if self._breaker is None:
            return None
        permit = self._breaker.enter()
        if permit is None:
            raise DhanUnavailableError(f"Dhan was not asked for {what}: it keeps failing and is asked once a minute")
        return permit

    def told(self, permit: Permit | None, blank: CallReport, send: Send, judge: Judge) -> Reply:
        """Send once, and tell the breaker whether an answer came: a refusal is one too. Takes and raises as `once`."""
        if self._breaker is None or permit is None:
            return self.once(blank, send, judge)
        try:
            reply = self.once(blank, send, judge)
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

    def once(self, blank: CallReport, send: Send, judge: Judge) -> Reply:
        """Send once, report it and return the reply, or raise what is wrong with it.

        Parameters
        ----------
        blank : CallReport
            The report of a request that got no answer.
        send : callable
            Sends the request.
        judge : callable
            Says what is wrong with a reply.

        Raises
        ------
        TradingError
            A `DhanError` or a `ConfigError`, of the kind that fits the fault.
        """
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

    def spoilt(self, what: str, kind: CallKind, outcome: str, detail: str) -> None:
        """Count and log a reply that came as a success and cannot be used, or not all of it.

        Parameters
        ----------
        what, kind : str, CallKind
            As for a request.
        outcome : str
            What is the matter, in two words at most; `Trouble.NO_DATA` where the answer is rightly nothing.
        detail : str
            The sentence for the log.
        """
        self._observe(CallReport(what, kind, outcome, 0, 0.0, 0))
        _log.log(logging.INFO if outcome == Trouble.NO_DATA else logging.WARNING, "%s: %s", what, detail)

    def _report(self, report: CallReport, error: TradingError | None) -> None:
        self._observe(report)
        if error is not None and report.outcome != Trouble.NO_DATA:
            _log.warning("attempt %d: %s", report.attempt, error)
