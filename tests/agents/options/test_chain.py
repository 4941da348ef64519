import math
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.domain.values import OptionType
from agents.options import Market, analyse, market_of, summarise
from agents.options.premiums import half_spread
from agents.options.totals import max_pain
from agents.options.volatility import volatility
from tests.agents.options.chains import EXPIRY, NOW, RATE, chain_of, quote_of


def test_the_forward_is_found_by_parity_from_last_trades() -> None:
    market = market_of(chain_of(forward=22_640.0), NOW, RATE)
    assert market.forward == pytest.approx(22_640.0, abs=0.1)
    assert market.forward_source == "parity of 11 strikes"


def test_too_few_strikes_carry_spot_and_say_so() -> None:
    chain = chain_of()
    few = chain.model_copy(update={"quotes": chain.quotes[:6]})
    market = market_of(few, NOW, RATE)
    assert market.forward_source == "spot carried at 5.50%"
    assert market.forward == pytest.approx(float(chain.spot) * math.exp(RATE * market.years))


def test_quotes_that_disagree_carry_spot() -> None:
    chain = chain_of()
    broken = [q.model_copy(update={"ltp": q.ltp + (40 * i % 70)}) for i, q in enumerate(chain.quotes)]
    assert market_of(chain.model_copy(update={"quotes": tuple(broken)}), NOW, RATE).forward_source.startswith("spot")


def test_an_expired_chain_names_the_cure() -> None:
    with pytest.raises(ValueError, match="ask for the next expiry"):
        market_of(chain_of(), EXPIRY, RATE)


def test_the_flat_volatility_comes_back() -> None:
    summary = summarise(chain_of(iv=0.16), NOW, RATE)
    assert summary.atm_iv == pytest.approx(0.16, abs=1e-3)
    assert summary.expected_move == pytest.approx(22_640 * 0.16 * math.sqrt(1680 / 525_600), rel=1e-2)


def test_a_chain_without_calls_has_no_ratios() -> None:
    chain = chain_of()
    puts = tuple(q for q in chain.quotes if q.contract.option_type is OptionType.PE)
    summary = summarise(chain.model_copy(update={"quotes": puts}), NOW, RATE)
    assert summary.pcr_oi is None
    assert summary.pcr_volume is None
    assert summary.atm_iv is None
    assert summary.expected_move is None


def test_no_volatility_within_a_tick_of_intrinsic_value() -> None:
    market = Market(22_640.0, 0.003, 1.0, "")
    assert volatility(quote_of(22_600, OptionType.CE, 40.05), market) is None
    assert volatility(quote_of(22_600, OptionType.CE, 45.0), market) is not None


def test_no_volatility_from_a_wide_or_one_sided_quote() -> None:
    market = Market(22_640.0, 0.003, 1.0, "")
    wide = quote_of(22_600, OptionType.CE, 100.0, half=6.0)
    assert volatility(wide, market) is None
    assert volatility(wide.model_copy(update={"bid": None}), market) is None


def test_no_volatility_without_a_forward_by_parity() -> None:
    chain = chain_of()
    few = chain.model_copy(update={"quotes": chain.quotes[:6]})
    found = analyse(few, NOW, RATE)
    assert found.atm_iv is None
    assert found.expected_move is None
    assert {option.no_iv for option in found.options} == {"no forward by parity"}
    assert "no forward by parity" in found.warnings[0]


def test_an_unknown_spread_is_modelled_and_marked() -> None:
    assert half_spread(quote_of(22_600, OptionType.CE, 100.0)) == (Decimal("0.25"), True)
    assert half_spread(quote_of(22_600, OptionType.CE, 10.0)) == (Decimal("0.05"), True)
    assert half_spread(quote_of(22_600, OptionType.CE, 100.0, half=0.1)) == (Decimal("0.1"), False)


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), min_size=1, max_size=25))
def test_max_pain_equals_brute_force(rows: list[tuple[int, int]]) -> None:
    quotes, pain = [], {}
    strikes = [22_000 + 50 * i for i in range(len(rows))]
    for strike, (calls, puts) in zip(strikes, rows, strict=True):
        for kind, interest in ((OptionType.CE, calls), (OptionType.PE, puts)):
            quotes.append(quote_of(strike, kind, 10.0).model_copy(update={"open_interest": interest}))
    for at in strikes:
        pain[at] = sum(c * max(at - k, 0) + p * max(k - at, 0) for k, (c, p) in zip(strikes, rows, strict=True))
    found = max_pain(quotes, 22_300.0)
    if not any(c or p for c, p in rows):
        assert found is None
    else:
        assert found is not None
        assert pain[int(found)] == min(pain.values())


def test_a_stale_quote_does_not_move_the_forward() -> None:
    chain = chain_of()
    stale = chain.quotes[20].model_copy(update={"ltp": Decimal(900), "at": NOW - timedelta(minutes=30)})
    quotes = (*chain.quotes[:20], stale, *chain.quotes[21:])
    market = market_of(chain.model_copy(update={"quotes": quotes}), NOW, RATE)
    assert market.forward == pytest.approx(22_640.0, abs=0.1)
