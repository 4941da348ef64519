"""Every fault that the exchange can inject, and the tests that show what the data agent does about it.

Each of those tests says what is read or told under the fault, within how many attempts and how many seconds it is whole
again, which count and which log line show it, and that neither holds a secret. Where nothing has to be done about a
fault, the test shows that nothing changes.
"""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from exchange.faults import CATALOGUE

ROOT = Path(__file__).resolve().parents[3]
REST = "tests/agents/data/dhan/test_http_faults.py"
FEED = "tests/agents/data/feed/test_live.py"
UPDATES = "tests/agents/data/feed/test_updates.py"
ORDERS = "tests/agents/data/feed/test_order_faults.py"

_SURVIVED = "test_a_fault_is_survived_counted_and_said"
_CANDLES = "test_no_fault_of_the_feed_costs_or_spoils_a_candle"
_HIDDEN = "test_no_fault_of_the_updates_hides_an_order_for_good"
_BOOK = "test_a_fault_of_an_order_is_told_and_what_is_told_is_the_book"


def rest(fault: str, *variants: str) -> tuple[str, ...]:
    return tuple(f"{REST}::{_SURVIVED}[{fault}-{variant}]" for variant in variants)


def feed(fault: str, number: str = "") -> tuple[str, ...]:
    return (f"{FEED}::{_CANDLES}[{fault}-{number}",)


# A name that ends in "[" and the beginning of the parameters stands for all tests that begin so.
TESTS: Mapping[str, tuple[str, ...]] = {
    "rate_limited": rest("rate_limited", "once-funds", "once-quotes", "always-funds"),
    "server_error": rest("server_error", "once-funds", "always-chain"),
    "gateway_error": rest("gateway_error", "once-funds", "once-candles", "always-candles"),
    "lost_in_gateway": rest("lost_in_gateway", "once-funds"),
    "slow": rest("slow", "once-funds", "always-funds"),
    "dropped": rest("dropped", "once-funds", "once-chain", "always-funds"),
    "empty_202": rest("empty_202", "once-funds"),
    "html_200": rest("html_200", "once-candles", "always-funds"),
    "duplicated_request": rest("duplicated_request", "once-funds"),
    "invalid_ip": (*rest("invalid_ip", "once-funds"), f"{REST}::test_a_dead_address_stops_no_read_of_another_kind"),
    "invalid_token": (
        *rest("invalid_token", "once-funds"),
        f"{REST}::test_a_token_that_stays_refused_is_not_asked_for_again_and_again",
    ),
    "clock_skew": (*rest("clock_skew", "once-funds"), f"{REST}::test_a_skewed_clock_shows_in_the_probe"),
    "nan_quotes": rest("nan_quotes", "once-quotes", "once-chain"),
    "zero_quotes": rest("zero_quotes", "once-quotes", "once-chain"),
    "empty_candles": rest("empty_candles", "once-candles"),
    "missing_last_candle": (
        *rest("missing_last_candle", "once-candles"),
        f"{REST}::test_candles_that_were_missing_come_with_the_next_download",
    ),
    "late_index_candle": (f"{REST}::test_a_candle_after_the_close_is_left_out_and_noted",),
    "stale_chain": (f"{REST}::test_a_chain_that_stands_still_is_refused_counted_and_taken_again",),
    "missing_side": rest("missing_side", "once-chain"),
    "feed_disconnect": (
        *feed("feed_disconnect"),
        f"{FEED}::test_a_disconnect_that_names_the_credentials_waits_for_others[",
    ),
    **{
        name: feed(name)
        for name in (
            *("feed_refused", "feed_reset", "feed_deaf", "feed_silent", "feed_lag", "feed_stale", "feed_disordered"),
            *("feed_together", "feed_truncated", "feed_unknown", "feed_zero_code"),
            *("feed_zero_prices", "feed_nan_prices"),
        )
    },
    **{
        name: (f"{UPDATES}::{_HIDDEN}[{name}-",)
        for name in (
            *("updates_refused", "updates_reset", "updates_duplicated", "updates_reordered", "updates_delayed"),
            *("updates_dropped", "updates_case", "updates_foreign"),
        )
    },
    **{
        name: (f"{ORDERS}::{_BOOK}[{name}]",)
        for name in (
            *("leg_rejected", "stop_unfilled", "oco_race", "partial_fill", "entry_part_cancelled"),
            *("reject_after_pending", "square_off"),
        )
    },
}


def test_the_table_has_every_fault_of_the_catalogue() -> None:
    assert TESTS.keys() == CATALOGUE.keys()
    assert all(TESTS.values())


@pytest.mark.process
def test_every_test_of_the_table_exists() -> None:
    files = sorted({test.partition("::")[0] for tests in TESTS.values() for test in tests})
    listed = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", *files],
        capture_output=True, text=True, check=True, cwd=ROOT, timeout=120,
    ).stdout.splitlines()  # fmt: skip
    absent = [test for tests in TESTS.values() for test in tests if not any(line.startswith(test) for line in listed)]
    assert absent == []
