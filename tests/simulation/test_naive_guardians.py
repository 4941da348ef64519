"""The test of the tests: designs that lose orders must be seen to lose them, about as often as is known of them."""

import pytest

from tests.simulation.sweep import Tally, tally

SEEDS = range(200)


@pytest.fixture(scope="module")
def tallies() -> dict[str, Tally]:
    return {name: tally(SEEDS, variant=name) for name in ("resend", "query-once", "never-resend", "careful")}


def test_resending_until_answered_doubles_orders(tallies: dict[str, Tally]) -> None:
    seen = tallies["resend"]
    assert 0.40 <= seen.share <= 0.70
    assert {"I1", "I2", "I3", "I7"} <= set(seen.by_invariant)
    assert seen.by_invariant["I1"] >= 0.5 * len(seen.failed)


def test_asking_once_before_resending_still_doubles_orders(tallies: dict[str, Tally]) -> None:
    seen = tallies["query-once"]
    assert 0.20 <= seen.share <= 0.45
    assert {"I1", "I3", "I7"} <= set(seen.by_invariant)


def test_selling_what_the_account_holds_ends_short(tallies: dict[str, Tally]) -> None:
    seen = tallies["never-resend"]
    assert 0.04 <= seen.share <= 0.16
    assert seen.by_invariant["I2"] >= 0.5 * len(seen.failed)
    assert "I1" not in seen.by_invariant


def test_exits_counted_for_each_setup_hold(tallies: dict[str, Tally]) -> None:
    seen = tallies["careful"]
    assert seen.share <= 0.01, [outcome.violations for outcome in seen.failed]
    assert set(seen.by_invariant) <= {"I4"}
    assert seen.orders > len(SEEDS)
