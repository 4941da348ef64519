"""What the desk measures: every metric's name, kind, labels and meaning, declared once."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
POINTS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0)


class MetricKind(StrEnum):
    """How the values of a metric add up."""

    COUNTER = "counter"  # each value is added
    GAUGE = "gauge"  # the newest value counts
    HISTOGRAM = "histogram"  # each value is counted in a bucket


@dataclass(frozen=True)
class Metric:
    """One metric. `buckets` are the upper edges of a histogram's buckets, ascending; the last one is open."""

    name: str
    kind: MetricKind
    meaning: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


def declared(name: str, labels: Mapping[str, str]) -> Metric:
    """Return the metric of that name.

    Raises
    ------
    ValueError
        If there is none, or its labels are others.
    """
    metric = METRICS.get(name)
    if metric is None:
        raise ValueError(f"no metric is called {name}; declare it in agents/domain/metrics.py")
    if set(labels) != set(metric.labels):
        raise ValueError(f"{name} has the labels {sorted(metric.labels)}, not {sorted(labels)}")
    return metric


def _counter(name: str, meaning: str, *labels: str) -> Metric:
    return Metric(name, MetricKind.COUNTER, meaning, labels)


def _gauge(name: str, meaning: str, *labels: str) -> Metric:
    return Metric(name, MetricKind.GAUGE, meaning, labels)


def _histogram(name: str, meaning: str, *labels: str, buckets: tuple[float, ...] = SECONDS) -> Metric:
    return Metric(name, MetricKind.HISTOGRAM, meaning, labels, buckets)


_ALL = (
    _gauge("agent_up", "1 while a process does its work", "agent"),
    _histogram("cycle_seconds", "time that a stage of the trade cycle took", "stage"),
    _counter("cycle_skipped_total", "trade cycles that ended without an order", "reason"),
    _histogram("api_latency_seconds", "time from a request to its whole reply", "api", "endpoint"),
    _counter("api_errors_total", "requests that failed", "api", "kind"),
    _gauge("breaker_state", "0 closed, 1 open", "name"),
    _histogram("order_ack_seconds", "time from sending an order to the broker's acknowledgement"),
    _counter("order_unknown_total", "orders of which no reply came"),
    _histogram("fill_slippage_points", "fill price against the price planned, in points", buckets=POINTS),
    _gauge("naked_position_seconds", "how long a position has had no stop at the broker"),
    _gauge("stop_triggered_unfilled_seconds", "how long a triggered stop has waited for its fill"),
    _gauge("feed_age_seconds", "time since the last packet", "stream"),
    _gauge("zone_age_seconds", "market time since the analysis that the last cycle used"),
    _gauge("chain_age_seconds", "market time since the option chain that the last cycle used"),
    _histogram("llm_seconds", "time that the judge took to answer"),
    _counter("llm_cost", "US dollars that calls to the model have cost"),
    _counter("llm_status_total", "questions to the judge by how they ended", "status"),
    _gauge("risk_limit_utilisation", "used share of a risk limit", "limit"),
    _gauge("pnl_realised", "realised result of the session in rupees, costs included"),
    _counter("reconcile_mismatch_total", "differences found between our book and the broker's"),
    _counter("metrics_dropped_total", "measurements that were not kept", "reason"),
)
METRICS: Mapping[str, Metric] = MappingProxyType({metric.name: metric for metric in _ALL})
