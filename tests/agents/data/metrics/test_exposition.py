"""Prometheus reads what we write."""

from datetime import UTC, datetime

from prometheus_client.parser import text_string_to_metric_families

from agents.data.dhan.attempts import OK, UNANSWERED, CallReport
from agents.data.dhan.limiter import CallKind
from agents.data.metrics import Series, exposition, watch_calls
from agents.data.metrics.calls import endpoint_of

AT = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)


class Kept:
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, dict[str, str]]] = []

    def record(self, name: str, value: float = 1.0, /, **labels: str) -> None:  # noqa: ARG002 - the port's signature
        self.seen.append((name, labels))


def test_every_kind_reads_back_in_the_official_parser() -> None:
    text = exposition(
        [
            Series("order_unknown_total", (), 2, 2.0, 1.0, AT),
            Series("feed_age_seconds", (("stream", 'a "b"\\\nc'),), 1, 1.5, 1.5, AT),
            Series("llm_seconds", (), 3, 61.009, 61.0, AT, (2, *[0] * 12, 1)),
        ]
    )
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert families["order_unknown"].samples[0].value == 2.0
    [age] = families["feed_age_seconds"].samples
    assert age.labels == {"stream": 'a "b"\\\nc'}
    assert float(age.timestamp or 0) == AT.timestamp()
    buckets = {each.labels.get("le"): each.value for each in families["llm_seconds"].samples if "le" in each.labels}
    assert (buckets["0.005"], buckets["60.0"], buckets["+Inf"]) == (2.0, 2.0, 3.0)
    assert families["llm_seconds"].type == "histogram"


def test_no_series_is_no_text_and_an_undeclared_one_is_left_out() -> None:
    assert exposition([]) == ""
    assert exposition([Series("gone_total", (), 1, 1.0, 1.0, AT)]) == ""


def test_requests_are_timed_by_endpoint_and_failures_counted_by_kind() -> None:
    kept = Kept()
    seen = watch_calls(kept)
    what = "the option chain of NIFTY 2026-11-24"
    seen(CallReport(what, CallKind.DATA, OK, 200, 0.1, 1))
    seen(CallReport(what, CallKind.DATA, "no data", 200, 0.1, 1))
    seen(CallReport(what, CallKind.DATA, UNANSWERED, 0, 0.0, 1))
    latency = ("api_latency_seconds", {"api": "dhan_data", "endpoint": "option chain"})
    assert kept.seen == [latency, latency, ("api_errors_total", {"api": "dhan_data", "kind": UNANSWERED})]


def test_an_endpoint_has_no_names_or_dates_in_it() -> None:
    assert endpoint_of("candles of NIFTY-ATM+1-CE from 2026-11-16 to 2026-11-18") == "candles"
    assert endpoint_of("the instrument master of NSE_FNO") == "instrument master"
    assert endpoint_of("quotes") == "quotes"
    assert endpoint_of("super order A2610070088c4636001") == "super order"
