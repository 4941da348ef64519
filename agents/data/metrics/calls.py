"""Requests to the broker as measurements: how long each endpoint takes, and how requests fail."""

from collections.abc import Callable

from agents.data.dhan.attempts import OK, UNANSWERED, CallReport
from agents.data.dhan.errors import Trouble
from agents.ports import Metrics

DHAN_DATA = "dhan_data"
_CANDLES = "candles"


def watch_calls(metrics: Metrics, api: str = DHAN_DATA) -> Callable[[CallReport], None]:
    """Return what `open_dhan` may tell of each request, as its `observe`.

    A question that is right and has nothing for an answer is no error.

    Parameters
    ----------
    metrics : Metrics
        Where measurements go.
    api : str
        The label that tells this use of the broker from others.
    """

    def seen(report: CallReport) -> None:
        if report.outcome != UNANSWERED and report.attempt:
            metrics.record("api_latency_seconds", report.seconds, api=api, endpoint=endpoint_of(report.what))
        if report.outcome not in {OK, Trouble.NO_DATA.value}:
            metrics.record("api_errors_total", api=api, kind=report.outcome)

    return seen


def endpoint_of(what: str) -> str:
    """Return what was asked for without of what, of when, and which one: as a label it must be one of few words."""
    words = what.removeprefix("the ").partition(" of ")[0]
    unnamed = " ".join(word for word in words.split() if word.isalpha())
    return _CANDLES if _CANDLES in words else unnamed or words
