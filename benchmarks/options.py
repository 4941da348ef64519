"""Measures implied volatilities side by side with vollib, and the analysis of a whole chain.

``python benchmarks/options.py`` takes half a minute, writes ``benchmarks/results/options.json`` and fails if a
volatility is wrong or the ratio to vollib is below half of its target.
"""

import argparse
import json
import os
import platform
import sys
import tracemalloc
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np

# Run as a file, Python looks for modules beside it and not in the project.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from numpy.typing import NDArray
from vollib.black.implied_volatility import (  # type: ignore[import-untyped]  # it has no types
    implied_volatility as vollib_volatility,
)

from agents.domain.market import OptionChain, OptionContract, OptionQuote
from agents.domain.values import IST, OptionType, Side, round_to_tick
from agents.options import Levels, OptionsAnalysisAgent
from agents.options.pricing import price, years_between
from analytics_ext import black76, implied_volatility
from benchmarks.measure import cpu_seconds

RESULTS = Path(__file__).parent / "results" / "options.json"
COUNT = 10_000
TARGET = 80.0
EXACT = 1e-9
RATE, FORWARD = 0.055, 25_000.0
TICK = Decimal("0.05")
NOW = datetime(2026, 11, 20, 11, 30, tzinfo=IST)
STRIKES_EACH_WAY = 53
# A premium below this says nothing of its volatility that nine digits could hold.
LEAST_PREMIUM = 0.05

Columns = dict[str, NDArray[Any]]  # Any: floats, and whole numbers for the signs


def options(count: int) -> Columns:
    """Return random options out of the money, 1 to 60 days from expiry, with their prices."""
    rng = np.random.default_rng(3)
    n = count * 3
    strike = np.round(rng.uniform(22_000, 28_000, n) / 50) * 50
    sigma, years = rng.uniform(0.08, 0.6, n), rng.uniform(1 / 365, 60 / 365, n)
    sign = np.where(strike >= FORWARD, 1, -1)
    discount = np.exp(-RATE * years)
    premium = black76(FORWARD, strike, years, sigma, discount=discount, sign=sign).price
    kept = np.flatnonzero(premium > LEAST_PREMIUM)[:count]
    names = ("strike", "sigma", "years", "sign", "discount", "premium")
    columns = (strike, sigma, years, sign, discount, premium)
    return {name: column[kept] for name, column in zip(names, columns, strict=True)}


def volatilities(given: Columns) -> dict[str, float]:
    """Return how long ten thousand volatilities take here and in vollib, how exact they are, and the memory."""

    def ours() -> NDArray[np.float64]:
        terms = (given["premium"], FORWARD, given["strike"], given["years"])
        return implied_volatility(*terms, discount=given["discount"], sign=given["sign"])

    rows = [
        (float(premium), FORWARD, float(strike), RATE, float(years), "c" if sign > 0 else "p")
        for premium, strike, years, sign in zip(
            *(given[n] for n in ("premium", "strike", "years", "sign")), strict=True
        )
    ]

    def theirs() -> list[float]:
        return [vollib_volatility(*row) for row in rows]

    found = ours()
    own, other = cpu_seconds(ours), cpu_seconds(theirs)
    tracemalloc.start()
    ours()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return {
        "options": float(len(rows)),
        "ours_ms": own * 1e3,
        "vollib_ms": other * 1e3,
        "ratio": other / own,
        "largest_error": float(np.max(np.abs(found - given["sigma"]))),
        "largest_difference_from_vollib": float(np.max(np.abs(found - np.array(theirs())))),
        "peak_bytes": float(peak),
    }


def chain_of(each_way: int) -> OptionChain:
    """Return a quoted chain a week from expiry with a smile, all prices on the tick."""
    expiry_at = NOW + timedelta(days=4, hours=4)
    years = years_between(NOW, expiry_at)
    discount = float(np.exp(-RATE * years))
    quotes = []
    for step in range(-each_way, each_way + 1):
        strike = int(FORWARD) + 50 * step
        iv = 0.12 + 2e-6 * step * step
        for right in OptionType:
            fair = price(FORWARD, strike, years, iv, discount=discount, option_type=right)
            ltp = max(round_to_tick(fair, TICK), 2 * TICK)
            contract = OptionContract(
                instrument=f"NIFTY{strike}{right}",
                underlying="NIFTY",
                expiry_at=expiry_at,
                strike=Decimal(strike),
                option_type=right,
                lot_size=65,
            )
            quotes.append(
                OptionQuote(
                    contract=contract,
                    at=NOW,
                    ltp=ltp,
                    bid=ltp - TICK,
                    ask=ltp + TICK,
                    open_interest=65_000 + 65 * abs(step),
                    volume=650_000,
                    previous_close=ltp + TICK,
                    previous_open_interest=60_000,
                )
            )
    spot = round_to_tick(FORWARD * discount, TICK)
    return OptionChain(underlying="NIFTY", at=NOW, expiry_at=expiry_at, spot=spot, quotes=tuple(quotes))


def analyses() -> dict[str, float]:
    """Return how long a whole chain takes to analyse, and to choose a contract from."""
    chain, agent = chain_of(STRIKES_EACH_WAY), OptionsAnalysisAgent(RATE)
    spot = float(chain.spot)
    levels = Levels(spot=spot, stop=spot - 40.0, target=spot + 80.0, probability=0.6)
    return {
        "contracts": float(len(chain.quotes)),
        "analysis_ms": cpu_seconds(lambda: agent.analyze_option_chain(chain, NOW)) * 1e3,
        "choice_ms": cpu_seconds(lambda: agent.select_best_strike(chain, Side.DEMAND, levels, NOW)) * 1e3,
    }


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, store; return 1 if a volatility is wrong or the ratio is below half of its target."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, default=RESULTS, help="where to write the results")
    given = parser.parse_args(arguments)
    found = volatilities(options(COUNT)) | analyses()
    for name, value in found.items():
        print(f"{name:<34}{value:>16,.4g}")
    held = found["ratio"] >= TARGET and found["largest_error"] <= EXACT
    print(f"{'held' if held else 'MISSED'}: at least {TARGET:.0f} times faster than vollib, exact to {EXACT:g}")
    machine = {"machine": platform.machine(), "cpus": os.cpu_count(), "python": platform.python_version()}
    given.json.parent.mkdir(parents=True, exist_ok=True)
    given.json.write_text(json.dumps({**machine, "numpy": np.__version__, **found}, indent=1) + "\n")
    return 1 if found["largest_error"] > EXACT or found["ratio"] < TARGET / 2 else 0


if __name__ == "__main__":
    sys.exit(main())
