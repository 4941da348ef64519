import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from agents.domain.errors import InvariantViolationError
from agents.domain.values import OptionType, Side
from agents.execution.evidence import Surroundings, same_trade, setup_evidence
from agents.options import summarise
from tests.agents.execution.orders import order
from tests.agents.execution.setups import ground_of, setup_of
from tests.agents.options.chains import NOW, RATE, chain_of

AROUND = Surroundings(
    atr=Decimal(40),
    trend=1,
    val=Decimal(22_616),
    vah=Decimal(22_700),
    chain=summarise(chain_of(), NOW, RATE),
    flat_at=NOW + timedelta(hours=3),
)


def test_distances_are_in_average_true_ranges_and_signed_by_the_trade() -> None:
    demand = setup_evidence(setup_of(), ground_of().zone, AROUND, NOW)
    assert demand.profile_edge_atr == 0.5
    assert demand.stop_atr == 0.62
    supply = setup_evidence(setup_of(Side.SUPPLY), ground_of(Side.SUPPLY).zone, AROUND, NOW)
    assert supply.profile_edge_atr == 1.6
    assert supply.minutes_to_flat == 180


def test_no_level_and_no_date_of_the_market_is_shown() -> None:
    shown = setup_evidence(setup_of(), ground_of().zone, AROUND, NOW).model_dump(mode="json")
    ids = {"setup_id", "zone_id", "contract"}
    numbers = [value for name, value in shown.items() if name not in ids and isinstance(value, int | float)]
    assert max(abs(number) for number in numbers) < 10_000
    assert "2024-06" not in json.dumps(shown)


def test_unknown_numbers_are_none() -> None:
    empty = AROUND.chain.model_copy(update={"pcr_oi": None, "max_pain": None, "atm_iv": None})
    shown = setup_evidence(setup_of(), ground_of().zone, replace(AROUND, chain=empty, val=None), NOW)
    assert (shown.pcr_oi, shown.max_pain_atr, shown.atm_iv, shown.profile_edge_atr) == (None, None, None, None)


def test_a_range_of_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="positive"):
        setup_evidence(setup_of(), ground_of().zone, replace(AROUND, atr=Decimal(0)), NOW)


@pytest.mark.parametrize(
    ("field", "other"),
    [("setup_id", "s2"), ("zone_id", "z2"), ("contract", "NIFTY-1"), ("option_type", OptionType.PE)],
)
def test_an_order_for_something_else_than_was_judged_is_not_sent(field: str, other: object) -> None:
    setup, zone = setup_of(), ground_of().zone
    evidence = setup_evidence(setup, zone, AROUND, NOW)
    same = {"setup_id": setup.setup_id, "zone_id": zone.id, "contract": setup.contract}
    sent = order(**same, option_type=setup.option_type)
    same_trade(evidence, sent)
    with pytest.raises(InvariantViolationError, match=f"asked about {field}"):
        same_trade(evidence, sent.model_copy(update={field: other}))
