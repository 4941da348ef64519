"""The test of the tests: designs that lose orders must be seen to lose them, about as often as is known of them."""

from tests.simulation.sweep import tally

SEEDS = range(120)


def test_resending_until_answered_doubles_orders() -> None:
    seen = tally(SEEDS, variant="resend")
    assert 0.40 <= seen.share <= 0.70
    assert {"I1", "I2", "I3", "I7"} <= set(seen.by_invariant)
    assert seen.by_invariant["I1"] >= 0.5 * len(seen.failed)


def test_asking_once_before_resending_still_doubles_orders() -> None:
    seen = tally(SEEDS, variant="query-once")
    assert 0.20 <= seen.share <= 0.45
    assert {"I1", "I3", "I7"} <= set(seen.by_invariant)


def test_selling_what_the_account_holds_ends_short() -> None:
    seen = tally(SEEDS, variant="never-resend")
    assert 0.04 <= seen.share <= 0.16
    assert seen.by_invariant["I2"] >= 0.5 * len(seen.failed)
    assert "I1" not in seen.by_invariant


def test_exits_counted_for_each_setup_hold() -> None:
    seen = tally(SEEDS, variant="careful")
    assert seen.share <= 0.01, [outcome.violations for outcome in seen.failed]
    assert set(seen.by_invariant) <= {"I4"}
    assert seen.orders > len(SEEDS)
