from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.domain.chain import BuildUp, DailyIv
from agents.domain.market import OptionChain, OptionQuote
from agents.domain.values import IST, OptionType
from agents.options import OptionsAnalysisAgent, analyse
from agents.options.maturity import constant_maturity, standing
from agents.options.totals import build_up, put_call_ratios
from agents.options.volatility import QUOTE_AGE
from tests.agents.options.chains import NOW, RATE, chain_of

TICK = Decimal("0.05")


def changed(chain: OptionChain, row: int, **update: object) -> OptionChain:
    quotes = list(chain.quotes)
    quotes[row] = quotes[row].model_copy(update=update)
    return chain.model_copy(update={"quotes": tuple(quotes)})


def day(number: int, iv: float) -> DailyIv:
    at = datetime(2024, 1, 1, 15, 20, tzinfo=IST) + timedelta(days=number)
    return DailyIv(
        underlying="NIFTY",
        session=at.date(),
        measured_at=at,
        maturity_days=7,
        iv=iv,
        near_expiry_on=date(2024, 1, 4),
        far_expiry_on=date(2024, 1, 11),
    )


def test_a_flat_smile_has_no_skew_and_its_greeks_are_at_every_strike() -> None:
    found = analyse(chain_of(iv=0.16, half=0.05), NOW, RATE)
    assert found.skew.risk_reversal == pytest.approx(0.0, abs=2e-3)
    assert found.skew.butterfly == pytest.approx(0.0, abs=2e-3)
    for option in found.options:
        assert (option.iv is None) == bool(option.no_iv) == (option.delta is None)
    assert [point.strike for point in found.smile] == sorted(point.strike for point in found.smile)
    outside = [point.option_type is OptionType.CE for point in found.smile if point.option_type]
    assert outside == sorted(outside)


def test_both_sets_of_strikes_are_stated() -> None:
    found = analyse(chain_of(), NOW, RATE)
    assert (found.whole.strikes, found.near.strikes) == (21, 21)
    ends = chain_of().quotes
    wide = chain_of().model_copy(
        update={"quotes": (*ends, *(q.model_copy(update={"contract": moved(q)}) for q in ends))}
    )
    found = analyse(wide, NOW, RATE)
    assert (found.whole.strikes, found.near.strikes) == (42, 21)
    assert found.near.lowest == min(q.contract.strike for q in ends)


def moved(quote: OptionQuote) -> object:
    update = {"strike": quote.contract.strike + 2000, "instrument": quote.contract.instrument + "far"}
    return quote.contract.model_copy(update=update)


def test_a_one_sided_quote_has_its_reason_and_no_volatility() -> None:
    chain = changed(chain_of(half=0.05), 20, bid=None)
    option = next(o for o in analyse(chain, NOW, RATE).options if o.contract == chain.quotes[20].contract.instrument)
    assert (option.iv, option.delta, option.no_iv) == (None, None, "only one side is quoted")


def test_an_old_quote_has_no_volatility() -> None:
    chain = changed(chain_of(half=0.05), 20, at=NOW - QUOTE_AGE - timedelta(seconds=1))
    option = next(o for o in analyse(chain, NOW, RATE).options if o.contract == chain.quotes[20].contract.instrument)
    assert option.no_iv == "the quote is old"


def test_the_straddle_needs_both_prices() -> None:
    chain = chain_of(forward=22_650.0, half=0.05)
    whole = analyse(chain, NOW, RATE)
    assert whole.straddle == pytest.approx(whole.expected_size, rel=1e-2)
    row = next(row for row, q in enumerate(chain.quotes) if q.contract.strike == whole.atm_strike)
    assert analyse(changed(chain, row, ask=None), NOW, RATE).straddle is None


@pytest.mark.parametrize(
    ("change", "before", "now", "word"),
    [
        ("1", 1000, 1100, BuildUp.LONG_BUILD_UP),
        ("-1", 1000, 1100, BuildUp.SHORT_BUILD_UP),
        ("1", 1000, 900, BuildUp.SHORT_COVERING),
        ("-1", 1000, 900, BuildUp.LONG_UNWINDING),
        ("0", 1000, 900, BuildUp.FLAT),
        ("1", 1000, 1004, BuildUp.FLAT),
        ("1", 0, 0, BuildUp.FLAT),
        ("1", 0, 10, BuildUp.LONG_BUILD_UP),
    ],
)
def test_price_and_open_interest_say_what_built_up(change: str, before: int, now: int, word: BuildUp) -> None:
    assert build_up(Decimal(change), before, now, TICK) is word


def test_nothing_built_up_where_the_day_before_is_not_known() -> None:
    assert build_up(None, 1, 2, TICK) is None
    assert build_up(Decimal(1), None, 2, TICK) is None
    assert {option.build_up for option in analyse(chain_of(), NOW, RATE).options} == {None}


def test_build_up_since_the_cycle_before_is_told_apart() -> None:
    before = chain_of()
    row = before.quotes[4]
    now = changed(before, 4, ltp=row.ltp + 2, open_interest=row.open_interest * 2)
    found = OptionsAnalysisAgent(RATE).analyze_option_chain(now, NOW, earlier=before)
    said = {option.contract: option.build_up_since for option in found.options}
    assert said.pop(row.contract.instrument) is BuildUp.LONG_BUILD_UP
    assert set(said.values()) == {BuildUp.FLAT}


def test_a_ratio_of_changes_needs_growth_on_both_sides() -> None:
    chain = chain_of()
    grown = [q.model_copy(update={"previous_open_interest": q.open_interest - 10}) for q in chain.quotes]
    assert put_call_ratios(grown).oi_change == 1.0
    shrunk = [q.model_copy(update={"previous_open_interest": q.open_interest + 10}) for q in chain.quotes]
    assert put_call_ratios(shrunk).oi_change is None
    assert put_call_ratios([*grown[1:], chain.quotes[0]]).oi_change is None


def test_a_vendor_two_points_away_is_warned_of() -> None:
    chain = chain_of(iv=0.16)
    near = chain.model_copy(update={"quotes": tuple(q.model_copy(update={"vendor_iv": 0.165}) for q in chain.quotes)})
    assert not analyse(near, NOW, RATE).warnings
    off = chain.model_copy(update={"quotes": tuple(q.model_copy(update={"vendor_iv": 0.19}) for q in chain.quotes)})
    found = analyse(off, NOW, RATE)
    assert found.vendor_gap == pytest.approx(-0.03, abs=2e-3)
    assert found.warnings[0].startswith("the vendor's volatility at the money is +3.0")


def test_an_empty_chain_names_the_cure() -> None:
    with pytest.raises(ValueError, match="ask for it again"):
        analyse(chain_of().model_copy(update={"quotes": ()}), NOW, RATE)


@given(near=st.floats(0.08, 0.4), far=st.floats(0.08, 0.4))
def test_a_constant_maturity_lies_between_the_two_expiries(near: float, far: float) -> None:
    chains = [chain_of(iv=iv, expiry_at=NOW + timedelta(days=days), half=0.05) for iv, days in ((near, 3), (far, 10))]
    found = constant_maturity(chains[0], chains[1], NOW, RATE)
    if far**2 * 10 > near**2 * 3 + 1e-3:
        assert found is not None
        assert min(near, far) - 2e-3 <= found <= max(near, far) + 2e-3


def test_variance_is_read_in_a_straight_line_over_time() -> None:
    near, far = (chain_of(iv=iv, expiry_at=NOW + timedelta(days=d), half=0.05) for iv, d in ((0.12, 4), (0.18, 11)))
    wanted = ((0.12**2 * 4 + (0.18**2 * 11 - 0.12**2 * 4) * 3 / 7) / 7) ** 0.5
    assert constant_maturity(near, far, NOW, RATE) == pytest.approx(wanted, abs=5e-4)
    assert constant_maturity(far, far, NOW, RATE) is None


def test_an_expiry_at_the_maturity_speaks_alone() -> None:
    chain = chain_of(iv=0.15, expiry_at=NOW + timedelta(days=7, minutes=10), half=0.05)
    assert constant_maturity(chain, chain, NOW, RATE) == pytest.approx(0.15, abs=5e-4)


def test_there_is_no_rank_before_sixty_days() -> None:
    days = [day(number, 0.10 + number / 1000) for number in range(59)]
    assert standing(0.12, days).rank is None
    full = standing(0.12, [*days, day(59, 0.2)])
    assert full.rank == pytest.approx(0.2)
    assert full.percentile == pytest.approx(20 / 60)
    assert standing(None, [*days, day(59, 0.2)]).percentile is None
    assert standing(0.5, [*days, day(59, 0.2)]).rank == 1.0


def test_only_a_year_of_days_counts() -> None:
    days = [day(number, 9.0 if number < 10 else 0.1 + number / 10_000) for number in range(262)]
    found = standing(0.12, days)
    assert found.days == 252
    assert found.rank is not None
    assert found.rank > 0.5


def test_the_analysis_survives_json() -> None:
    found = analyse(chain_of(half=0.05), NOW, RATE)
    assert type(found).model_validate_json(found.model_dump_json()) == found
