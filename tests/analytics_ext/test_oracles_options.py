"""The option kernels against QuantLib, vollib and a 40-digit referee, recorded and run here."""

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analytics_ext import black76, implied_volatility, max_pain

pytestmark = pytest.mark.oracle


@pytest.fixture(scope="module")
def chains(shared: Path) -> pd.DataFrame:
    rows = pd.read_csv(shared / "oracle" / "options" / "nifty_chain_oracle.csv")
    text = (shared / "oracle" / "options" / "nifty_chain_aggregates.json").read_text()
    totals = pd.DataFrame(json.loads(text)).set_index("snapshot")
    totals = totals.rename(columns={"implied_forward": "F", "T_years_act365_minutes": "T"})
    return rows.join(totals[["F", "T", "df", "max_pain"]], on="snapshot")


def test_implied_volatilities_agree_with_the_referee(chains: pd.DataFrame) -> None:
    rows = chains[chains["iv_status"] == "ok"]
    found = implied_volatility(rows["mid"], rows["F"], rows["strike"], rows["T"], discount=rows["df"], sign=rows["cp"])
    assert len(rows) == 183
    for column in ("iv_mpmath", "iv_quantlib", "iv_vollib"):
        assert np.nanmax(np.abs(found - rows[column].to_numpy())) < 1e-9, column


def test_greeks_agree_with_quantlib(chains: pd.DataFrame) -> None:
    rows = chains[chains["iv_status"] == "ok"]
    values = black76(rows["F"], rows["strike"], rows["T"], rows["iv_mpmath"], discount=rows["df"], sign=rows["cp"])
    for ours, column, tolerance in (
        (values.delta, "delta_ql", 1e-9),
        (values.gamma, "gamma_ql", 1e-12),
        (values.vega, "vega_ql_per_volpt", 1e-9),
        (values.theta, "theta_own_per_day", 1e-9),
        (values.theta, "theta_ql_fd_per_day", 1e-4),
    ):
        assert np.max(np.abs(ours - rows[column].to_numpy())) < tolerance, column


def test_max_pain_is_exact(chains: pd.DataFrame) -> None:
    for _, rows in chains.groupby("snapshot"):
        interest = rows.pivot_table(index="strike", columns="opt", values="oi", aggfunc="sum")
        found = max_pain(
            interest.index, interest["CE"].astype(int), interest["PE"].astype(int), forward=rows["F"].iloc[0]
        )
        assert found is not None
        assert found.strike == rows["max_pain"].iloc[0]


def test_vollib_finds_the_same_volatilities() -> None:
    theirs = pytest.importorskip("vollib.black.implied_volatility", reason="vollib is a development dependency")
    rng = np.random.default_rng(3)
    strike = np.round(rng.uniform(22_000, 28_000, 300) / 50) * 50
    sigma, years = rng.uniform(0.08, 0.6, 300), rng.uniform(1 / 365, 60 / 365, 300)
    sign = np.where(strike >= 25_000, 1, -1)
    discount = np.exp(-0.055 * years)
    price = black76(25_000.0, strike, years, sigma, discount=discount, sign=sign).price
    ours = implied_volatility(price, 25_000.0, strike, years, discount=discount, sign=sign)
    worth_asking = price > 0.05
    assert worth_asking.sum() > 200
    for i in np.flatnonzero(worth_asking):
        kind = "c" if sign[i] > 0 else "p"
        other = theirs.implied_volatility(price[i], 25_000.0, strike[i], 0.055, years[i], kind)
        assert math.isclose(ours[i], other, abs_tol=1e-9)
