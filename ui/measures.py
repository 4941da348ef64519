"""What the desk measured of late, as its health page shows it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from pathlib import Path

from agents.data.metrics import MetricEvent, MetricReader, Series
from agents.domain.metrics import METRICS

P95 = 0.95
ERRORS_WITHIN = timedelta(minutes=15)
_LATELY = timedelta(hours=6)
_VALUES = 240
_ALL_STAGES = ("stage", "all")


@dataclass(frozen=True)
class Requests:
    """Requests to one endpoint since the measurements began: answers, and how long 95 of 100 took at most."""

    api: str
    endpoint: str
    answered: int
    within: str
    newest: float


@dataclass(frozen=True)
class Measures:
    """The newest values in seconds, oldest first, and counts. `asked` and `failed` are of the last 15 minutes."""

    cycles: tuple[float, ...] = ()
    answers: tuple[float, ...] = ()
    judge: tuple[float, ...] = ()
    silences: tuple[float, ...] = ()
    asked: int = 0
    failed: int = 0
    endpoints: tuple[Requests, ...] = ()
    failures: tuple[tuple[str, str, int], ...] = ()


def measures(path: Path, now: datetime) -> Measures:
    """Return what a file of measurements holds; nothing where there is none yet.

    Parameters
    ----------
    path : Path
        The file that the desk's processes write.
    now : datetime
        This machine's present.

    Raises
    ------
    ConfigError
        If the file cannot be read.
    """
    reader = MetricReader(path)
    since = now - _LATELY
    answers = reader.events("api_latency_seconds", since, _VALUES * 10)
    lately = now - ERRORS_WITHIN
    failed = sum(int(each.value) for each in reader.events("api_errors_total", lately))
    series = reader.series()
    return Measures(
        cycles=_values(each for each in reader.events("cycle_seconds", since) if _ALL_STAGES in each.labels),
        answers=_values(answers),
        judge=_values(reader.events("llm_seconds", since, _VALUES)),
        silences=_values(reader.events("feed_age_seconds", since, _VALUES)),
        asked=len(reader.events("api_latency_seconds", lately)) + failed,
        failed=failed,
        endpoints=tuple(_requests(each) for each in series if each.name == "api_latency_seconds" and each.count),
        failures=tuple(_failure(each) for each in series if each.name == "api_errors_total"),
    )


def percentile(values: Sequence[float], share: float = P95) -> float | None:
    """Return the value that a share of all does not exceed, None where there are none."""
    return sorted(values)[max(ceil(share * len(values)) - 1, 0)] if values else None


def within(series: Series, share: float = P95) -> str:
    """Return the bound of the buckets below which a share of a histogram's values lie, in words."""
    bounds, reached = METRICS[series.name].buckets, 0
    for bound, count in zip(bounds, series.buckets, strict=False):
        reached += count
        if reached >= share * series.count:
            return in_words(bound)
    return f"over {in_words(bounds[-1])}"


def in_words(seconds: float) -> str:
    """Return a duration as "412 ms" or "2.9 s"."""
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def lasted(passed: timedelta) -> str:
    """Return how long something has lasted: "3 h 12 min", "4 min", "12 s"."""
    seconds = max(0, int(passed.total_seconds()))
    days, hours, minutes = seconds // 86_400, seconds // 3_600 % 24, seconds // 60 % 60
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min" if minutes else f"{seconds} s"


def _values(events: Iterable[MetricEvent]) -> tuple[float, ...]:
    return tuple(each.value for each in events)[-_VALUES:]


def _requests(series: Series) -> Requests:
    labels = dict(series.labels)
    return Requests(labels["api"], labels["endpoint"], series.count, within(series), series.last)


def _failure(series: Series) -> tuple[str, str, int]:
    labels = dict(series.labels)
    return labels["api"], labels["kind"], int(series.total)
