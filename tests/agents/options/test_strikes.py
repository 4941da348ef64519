from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.domain.market import OptionChain
from agents.domain.values import OptionType, Side
from agents.options import Choice, ContractRules, Levels, OptionsAnalysisAgent
from tests.agents.options.chains import LOT, NOW, RATE, chain_of

LEVELS = {
    Side.DEMAND: Levels(spot=22_636.0, stop=22_610.0, target=22_690.0, probability=0.6),
    Side.SUPPLY: Levels(spot=22_636.0, stop=22_662.0, target=22_582.0, probability=0.6),
}


def chosen(chain: OptionChain, side: Side = Side.DEMAND) -> Choice:
    return OptionsAnalysisAgent(RATE).select_best_strike(chain, side, LEVELS[side], NOW)


def with_quotes(chain: OptionChain, **update: object) -> OptionChain:
    return chain.model_copy(update={"quotes": tuple(q.model_copy(update=update) for q in chain.quotes)})


@pytest.mark.parametrize(("side", "kind"), [(Side.DEMAND, OptionType.CE), (Side.SUPPLY, OptionType.PE)])
def test_demand_buys_calls_and_supply_buys_puts(side: Side, kind: OptionType) -> None:
    best = chosen(chain_of(), side).best
    assert best is not None
    assert best.quote.contract.option_type is kind
    assert best.at_target > best.middle > best.at_stop


@given(forward=st.floats(22_300, 22_900), iv=st.floats(0.06, 0.6), side=st.sampled_from(Side))
def test_the_chosen_contract_obeys_every_rule(forward: float, iv: float, side: Side) -> None:
    best = chosen(chain_of(forward, iv), side).best
    if best is not None:
        assert 0.35 <= abs(best.delta) <= 0.60
        assert 30 <= best.middle <= 300


def test_every_refused_contract_has_a_reason_and_the_chosen_one_has_none() -> None:
    choice = chosen(chain_of())
    assert choice.best is not None
    eligible = [c.contract for c in choice.candidates if not c.rejected]
    assert choice.best.quote.contract.instrument in eligible
    assert any(c.rejected.startswith("delta below") for c in choice.candidates)
    assert any(c.rejected.startswith("delta above") for c in choice.candidates)


@pytest.mark.parametrize(
    ("update", "reason"),
    [
        ({"open_interest": LOT * 499}, "open interest below 500 lots"),
        ({"volume": LOT * 1_999}, "volume below 2000 lots"),
        ({"at": NOW - timedelta(minutes=5, seconds=1)}, "last seen more than 300 s ago"),
        ({"ltp": Decimal("0.05")}, "no honest implied volatility: no time value"),
    ],
)
def test_a_poor_contract_is_refused_for_its_reason(update: dict[str, object], reason: str) -> None:
    choice = chosen(with_quotes(chain_of(), **update))
    assert choice.best is None
    assert reason in {c.rejected for c in choice.candidates}


def test_a_wide_spread_is_refused() -> None:
    choice = chosen(chain_of(half=1.5))
    assert choice.best is None
    assert "spread above 1%" in {c.rejected for c in choice.candidates}


def test_the_same_chain_in_another_order_gives_the_same_choice() -> None:
    chain = chain_of()
    assert chosen(chain) == chosen(chain.model_copy(update={"quotes": chain.quotes[::-1]}))


def test_rules_are_settings() -> None:
    strict = OptionsAnalysisAgent(RATE, ContractRules(least_premium=299.0))
    choice = strict.select_best_strike(chain_of(), Side.DEMAND, LEVELS[Side.DEMAND], NOW)
    assert "premium below 299" in {c.rejected for c in choice.candidates}
