"""A chain's analysis against numbers that others worked out."""

import csv
import json
from collections import defaultdict
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from agents.domain.chain import ChainAnalysis
from agents.domain.market import OptionChain, OptionContract, OptionQuote
from agents.domain.values import OptionType
from agents.options import analyse, summarise
from agents.options.forward import Market
from agents.options.volatility import volatilities

pytestmark = [pytest.mark.oracle, pytest.mark.data]

Row = dict[str, Any]  # an oracle's row of JSON
SAME = (
    ("atm_iv", "atm_iv"),
    ("straddle", "straddle_mid"),
    ("expected_move", "exp_move_1sd_to_expiry"),
    ("expected_size", "exp_abs_move"),
    ("years", "T_years_act365_minutes"),
    ("discount", "df"),
)


@pytest.fixture(scope="module")
def snapshots(shared: Path) -> list[tuple[Row, list[dict[str, str]]]]:
    folder = shared / "oracle" / "options"
    rows = defaultdict(list)
    with (folder / "nifty_chain_oracle.csv").open() as file:
        for row in csv.DictReader(file):
            rows[row["snapshot"]].append(row)
    known = json.loads((folder / "nifty_chain_aggregates.json").read_text())
    assert len(known) == 3
    return [(each, rows[each["snapshot"]]) for each in known]


@pytest.fixture
def exact(monkeypatch: pytest.MonkeyPatch) -> list[Market]:
    """The market to analyse on: the oracle's forward is rounded to four digits, which shows in the ninth of others."""
    given: list[Market] = []
    monkeypatch.setattr("agents.options.analysis.market_of", lambda *_: given[-1])
    return given


def chain_from(known: Row, rows: list[dict[str, str]]) -> OptionChain:
    now, expiry_at = datetime.fromisoformat(known["now"]), datetime.fromisoformat(known["expiry"])
    return OptionChain(
        underlying="NIFTY",
        at=now,
        expiry_at=expiry_at,
        spot=Decimal(str(known["spot"])),
        quotes=tuple(quote_from(row, now, expiry_at) for row in rows),
    )


def quote_from(row: dict[str, str], now: datetime, expiry_at: datetime) -> OptionQuote:
    contract = OptionContract(
        instrument=row["strike"] + row["opt"],
        underlying="NIFTY",
        expiry_at=expiry_at,
        strike=Decimal(row["strike"]),
        option_type=OptionType(row["opt"]),
        lot_size=65,
    )
    return OptionQuote(
        contract=contract,
        at=now,
        ltp=Decimal(row["ltp"]),
        bid=Decimal(row["bid"]),
        ask=Decimal(row["ask"]),
        open_interest=int(row["oi"]),
        volume=int(row["volume"]),
        previous_close=Decimal(row["prev_close"]),
        previous_open_interest=int(row["prev_oi"]),
    )


def analysed(known: Row, rows: list[dict[str, str]], exact: list[Market]) -> ChainAnalysis:
    exact.append(Market(known["implied_forward"], known["T_years_act365_minutes"], known["df"], "parity of 11 strikes"))
    chain = chain_from(known, rows)
    return analyse(chain, chain.at, known["r"])


def test_the_forward_and_what_a_cycle_keeps_agree(snapshots: list[tuple[Row, list[dict[str, str]]]]) -> None:
    for known, rows in snapshots:
        chain = chain_from(known, rows)
        found = summarise(chain, chain.at, known["r"])
        assert found.forward == pytest.approx(known["implied_forward"], abs=1e-4)
        assert found.pcr_oi == pytest.approx(known["pcr_oi"], abs=1e-6)
        assert found.pcr_volume == pytest.approx(known["pcr_volume"], abs=1e-6)
        assert found.pcr_oi_change == pytest.approx(known["pcr_oi_change"], abs=1e-6)
        assert found.max_pain == known["max_pain"]
        assert found.atm_iv == pytest.approx(known["atm_iv"], abs=1e-6)


def test_every_aggregate_agrees(snapshots: list[tuple[Row, list[dict[str, str]]]], exact: list[Market]) -> None:
    for known, rows in snapshots:
        found = analysed(known, rows, exact)
        for ours, theirs in SAME:
            assert getattr(found, ours) == pytest.approx(known[theirs], rel=1e-9), ours
        assert found.whole.oi == pytest.approx(known["pcr_oi"], abs=1e-9)
        assert found.whole.volume == pytest.approx(known["pcr_volume"], abs=1e-9)
        assert found.whole.oi_change == pytest.approx(known["pcr_oi_change"], abs=1e-9)
        assert found.skew.call_strike == pytest.approx(known["k25c"], abs=1e-6)
        assert found.skew.put_strike == pytest.approx(known["k25p"], abs=1e-6)
        assert found.skew.risk_reversal == pytest.approx(known["risk_reversal_25d"], abs=1e-9)
        assert found.skew.butterfly == pytest.approx(known["butterfly_25d"], abs=1e-9)
        assert found.gamma_exposure == pytest.approx(known["gex_rupees_per_1pct_naive"], rel=1e-7)
        assert (found.call_wall, found.put_wall) == (known["max_ce_oi_strike"], known["max_pe_oi_strike"])
        assert (found.atm_strike, found.max_pain) == (known["atm_strike"], known["max_pain"])


def test_every_option_agrees(snapshots: list[tuple[Row, list[dict[str, str]]]], exact: list[Market]) -> None:
    count = 0
    for known, rows in snapshots:
        found = {option.contract: option for option in analysed(known, rows, exact).options}
        for row in rows:
            option = found[row["strike"] + row["opt"]]
            assert option.build_up == row["buildup"]
            if row["iv_status"] == "no_time_value":
                assert (option.iv, option.no_iv) == (None, "no time value")
                continue
            count += 1
            assert option.iv == pytest.approx(float(row["iv_mpmath"]), abs=1e-9)
            assert option.delta == pytest.approx(float(row["delta_ql"]), abs=1e-9)
            assert option.gamma == pytest.approx(float(row["gamma_ql"]), abs=1e-12)
            assert option.vega == pytest.approx(float(row["vega_ql_per_volpt"]), abs=1e-9)
            assert option.theta == pytest.approx(float(row["theta_ql_fd_per_day"]), abs=1e-4)
    assert count == 183


def test_exactly_the_options_without_time_value_have_no_volatility(
    snapshots: list[tuple[Row, list[dict[str, str]]]],
) -> None:
    for known, rows in snapshots:
        chain = chain_from(known, rows)
        market = Market(known["implied_forward"], known["T_years_act365_minutes"], known["df"], "")
        found = volatilities(chain.quotes, market, booked=True, seen=chain.at)
        without = [row["iv_status"] == "no_time_value" for row in rows]
        assert [bool(why) for why in found.why] == without
