"""Measurements in Prometheus' text format, version 0.0.4."""

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, groupby

from agents.data.metrics.reader import Series
from agents.domain.metrics import METRICS, Metric, MetricKind

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_MILLIS = 1000


def exposition(series: Iterable[Series]) -> str:
    """Return series as text.

    Gauges carry the moment they were measured at, so that the last word of a process that died grows old instead of
    passing for the present.

    Parameters
    ----------
    series : iterable of Series
        In any order; metrics that are no longer declared are left out.
    """
    known = sorted((each for each in series if each.name in METRICS), key=lambda each: (each.name, each.labels))
    lines: list[str] = []
    for name, group in groupby(known, key=lambda each: each.name):
        metric = METRICS[name]
        lines += [f"# HELP {name} {_escaped(metric.meaning)}", f"# TYPE {name} {metric.kind.value}"]
        for each in group:
            lines += _samples(metric, each)
    return "".join(f"{line}\n" for line in lines)


def _samples(metric: Metric, series: Series) -> Iterator[str]:
    name, labels = metric.name, series.labels
    if metric.kind is MetricKind.COUNTER:
        yield f"{name}{_braces(labels)} {_number(series.total)}"
    elif metric.kind is MetricKind.GAUGE:
        yield f"{name}{_braces(labels)} {_number(series.last)} {round(series.last_at.timestamp() * _MILLIS)}"
    else:
        counts = series.buckets or (0,) * (len(metric.buckets) + 1)
        for edge, count in zip((*metric.buckets, math.inf), accumulate(counts), strict=True):
            yield f"{name}_bucket{_braces((*labels, ('le', _number(edge))))} {count}"
        yield f"{name}_sum{_braces(labels)} {_number(series.total)}"
        yield f"{name}_count{_braces(labels)} {sum(counts)}"


def _braces(labels: Sequence[tuple[str, str]]) -> str:
    inside = ",".join(f'{name}="{_escaped(text, quotes=True)}"' for name, text in labels)
    return f"{{{inside}}}" if inside else ""


def _escaped(text: str, *, quotes: bool = False) -> str:
    plain = text.replace("\\", "\\\\").replace("\n", "\\n")
    return plain.replace('"', '\\"') if quotes else plain


def _number(value: float) -> str:
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return "NaN" if math.isnan(value) else repr(float(value))
