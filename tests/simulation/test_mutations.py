"""A guardian with one rule taken out must be found out within three hundred sessions."""

import pytest

from tests.simulation.guarded import run_seed
from tests.simulation.mutations import MUTATIONS

SEEDS = 300
EXPECTED = {
    "intent-not-durable": {"I7", "P8", "P1", "I1"},
    "resent-on-timeout": {"P1", "I1"},
    "account-net-sold": {"I2", "P8"},
    "net-quantity-sold": {"I8"},
    "stop-leg-cancelled": {"I4"},
    "target-leg-cancelled": {"I2", "L1"},
    "reconciliation-skipped": {"P8"},
}


@pytest.mark.parametrize("name", sorted(MUTATIONS))
def test_a_guardian_without_the_rule_is_found_out(name: str) -> None:
    with MUTATIONS[name]():
        for seed in range(SEEDS):
            broken = {violation.invariant for violation in run_seed(seed).violations}
            if broken & EXPECTED[name]:
                return
    pytest.fail(f"{SEEDS} sessions did not notice the mutation {name}")


def test_a_mutation_ends_with_its_context() -> None:
    with MUTATIONS["resent-on-timeout"]():
        caught = next(seed for seed in range(SEEDS) if run_seed(seed).violations)
    assert not run_seed(caught).violations
