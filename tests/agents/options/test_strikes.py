from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.domain.cycle import Candidate
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
        ({"ltp": Decimal("0.05")}, "no honest implied volatility: no forward by parity"),
        ({"bid_quantity": LOT * 2, "ask_quantity": LOT * 90}, "fewer than 3 lots at the best price"),
        ({"bid": Decimal(100)}, "no honest implied volatility: no forward by parity"),
    ],
)
def test_a_poor_contract_is_refused_for_its_reason(update: dict[str, object], reason: str) -> None:
    choice = chosen(with_quotes(chain_of(), **update))
    assert choice.best is None
    assert all(c.rejected == c.refusals[0] for c in choice.candidates)
    assert reason in {refusal for c in choice.candidates for refusal in c.refusals}


def test_the_parts_of_a_score_add_up_to_it() -> None:
    scored = [c for c in chosen(chain_of()).candidates if c.score is not None]
    assert scored
    for each in scored:
        assert each.score_parts is not None
        assert sum(each.score_parts) == pytest.approx(each.score, abs=3e-6)
        assert each.risk is not None
        assert each.expected_value == pytest.approx(each.score_parts[0] * each.risk, abs=1e-3)
        assert each.theta is not None
        assert each.theta < 0


def test_a_larger_order_needs_more_at_the_best_price() -> None:
    chain = with_quotes(chain_of(half=0.05), bid_quantity=LOT * 8, ask_quantity=LOT * 8)
    agent, levels = OptionsAnalysisAgent(RATE), LEVELS[Side.DEMAND]
    assert agent.select_best_strike(chain, Side.DEMAND, levels, NOW, lots=2).best is not None
    refused = agent.select_best_strike(chain, Side.DEMAND, levels, NOW, lots=3)
    assert refused.best is None
    assert "fewer than 9 lots at the best price" in {reason for c in refused.candidates for reason in c.refusals}


def test_an_option_without_bid_and_ask_is_not_bought_where_others_have_them() -> None:
    chain = chain_of(half=0.05)
    best = chosen(chain).best
    assert best is not None
    quotes = tuple(q.model_copy(update={"bid": None, "ask": None}) if q == best.quote else q for q in chain.quotes)
    choice = chosen(chain.model_copy(update={"quotes": quotes}))
    said = {c.contract: c.rejected for c in choice.candidates}
    assert said[best.quote.contract.instrument] == "no honest implied volatility: nobody bids or asks"


def test_a_contract_that_expires_too_soon_is_refused() -> None:
    expiry_at = NOW + timedelta(minutes=119)
    choice = chosen(chain_of(expiry_at=expiry_at))
    assert choice.best is None
    assert all("expires in less than 120 minutes" in c.refusals for c in choice.candidates)


def test_an_old_record_of_a_candidate_is_still_read() -> None:
    old = '{"contract": "X", "strike": "22600", "premium": "90.5", "delta": 0.5, "score": 0.1, "rejected": ""}'
    assert Candidate.model_validate_json(old).refusals == ()


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
