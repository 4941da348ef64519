from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.domain.market import OptionChain
from agents.domain.values import Side
from agents.execution.plan import Ground, Money, Proposal, propose, setup_id, stop_of, targets_of
from agents.options import ContractRules, market_of
from tests.agents.execution.setups import MONEY, ground_of, zone_of
from tests.agents.options.chains import EXPIRY, NOW, RATE, chain_of

FAR = tuple(Decimal(price) for price in (22_500, 22_780))


def proposed(ground: Ground, money: Money = MONEY, chain: OptionChain | None = None) -> Proposal:
    chain = chain or chain_of()
    return propose(ground, chain, market_of(chain, NOW, RATE), money, now=NOW, rules=ContractRules())


def test_the_stop_lies_a_tenth_of_the_range_beyond_the_far_edge() -> None:
    assert stop_of(ground_of(Side.DEMAND)) == Decimal("22611.00")
    assert stop_of(ground_of(Side.SUPPLY)) == Decimal("22661.00")


def test_targets_run_from_the_nearest_to_the_opposite_zone() -> None:
    ground = ground_of(
        marks=(Decimal(22_670), Decimal(22_600), Decimal(22_750)), opposite=(Decimal(22_700), Decimal(22_900))
    )
    assert targets_of(ground) == (Decimal(22_670), Decimal(22_686), Decimal(22_700))


def test_supply_targets_lie_below() -> None:
    ground = ground_of(Side.SUPPLY, marks=(Decimal(22_610), Decimal(22_700)))
    assert targets_of(ground) == (Decimal(22_610), Decimal(22_586))


@pytest.mark.parametrize("side", Side)
def test_a_setup_brackets_its_entry_on_whole_ticks(side: Side) -> None:
    setup = proposed(ground_of(side)).setup
    assert setup is not None
    assert setup.premium_stop < setup.premium_entry < setup.premium_target
    for price in (setup.premium_stop, setup.premium_entry, setup.premium_target):
        assert price % Decimal("0.05") == 0
    assert setup.risk_reward >= 1.2
    assert setup.spread_modelled


def test_levels_are_repriced_and_not_moved_by_delta() -> None:
    setup = proposed(ground_of()).setup
    assert setup is not None
    up, down = setup.premium_target - setup.premium_entry, setup.premium_entry - setup.premium_stop
    slopes = float(up / (setup.spot_target - setup.spot)), float(down / (setup.spot - setup.spot_stop))
    assert slopes[0] != pytest.approx(slopes[1], rel=0.05)


def test_a_wall_too_near_does_not_pay() -> None:
    proposal = proposed(ground_of(opposite=(Decimal(22_645),)))
    assert not proposal.pays
    assert proposal.setup is not None
    assert proposal.setup.risk_reward < 1.2


def test_costs_lower_the_reward() -> None:
    cheap, dear = (proposed(ground_of(), Money(Decimal(10_000), Decimal(fee), 0.5)).setup for fee in (0, 200))
    assert cheap is not None
    assert dear is not None
    assert cheap.risk_reward > dear.risk_reward
    assert cheap.setup_id == dear.setup_id


def test_without_a_contract_there_is_no_setup_and_every_refusal_is_told() -> None:
    chain = chain_of()
    idle = tuple(quote.model_copy(update={"volume": 0}) for quote in chain.quotes)
    proposal = proposed(ground_of(), chain=chain.model_copy(update={"quotes": idle}))
    assert proposal.setup is None
    assert all(candidate.rejected for candidate in proposal.candidates)


def test_the_same_signal_has_one_id_and_another_candle_another() -> None:
    ground = ground_of()
    again = ground_of(price=22_634.0)
    assert setup_id(ground, Decimal(22_650), EXPIRY) == setup_id(again, Decimal("22650.00"), EXPIRY)
    later = Ground(ground.zone, ground.price, ground.atr, NOW, (), ())
    assert setup_id(ground, Decimal(22_650), EXPIRY) != setup_id(later, Decimal(22_650), EXPIRY)
    assert len(setup_id(ground, Decimal(22_650), EXPIRY)) == 10


def test_the_touched_zone_is_the_one_that_is_traded() -> None:
    zone = zone_of(22_600, 22_630, name="touched")
    setup = proposed(ground_of(zone=zone)).setup
    assert setup is not None
    assert setup.zone_id == "touched"


@given(price=st.floats(22_616, 22_640), low=st.floats(22_580, 22_615), side=st.sampled_from(Side))
def test_stop_and_target_lie_on_their_sides(price: float, low: float, side: Side) -> None:
    mirrored = (2 * 22_636 - price, 2 * 22_636 - low)
    at, edge = (price, low) if side is Side.DEMAND else mirrored
    zone = zone_of(min(edge, at), max(edge, at), side)
    setup = proposed(ground_of(side, zone=zone, price=round(at, 2), marks=FAR)).setup
    if setup is not None:
        assert (setup.spot_target - setup.spot) * side.sign > 0
        assert (setup.spot - setup.spot_stop) * side.sign > 0
        assert 0 <= setup.baseline_probability <= 1
