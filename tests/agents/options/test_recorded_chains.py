"""Chains that Dhan and NSE really showed: each is analysed, and its sums are those of a plain count."""

import json
import math
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest

from agents.data.calendar import NseCalendar
from agents.data.contracts import OPTION_TICK, expiry_at, lot_size
from agents.data.dhan.chains import fetch_chain
from agents.data.dhan.master import InstrumentMaster
from agents.data.dhan.reader import Reader
from agents.data.names import contract_name
from agents.data.quotes import quotes_from_chain
from agents.domain.chain import ChainAnalysis
from agents.domain.market import OptionChain, OptionContract, OptionQuote
from agents.domain.values import IST, OptionType, Side, to_rupees
from agents.options import Levels, OptionsAnalysisAgent
from tests.agents.data.dhan.readers import NIFTY, option_listing
from tests.agents.options.chains import RATE

pytestmark = pytest.mark.data

AGENT = OptionsAnalysisAgent(RATE)
DHAN = ("base_api__optionchain", "client__optionchain", "models__option_chain", "resources__option_chain")


class Recording:
    """A reader that has one reply."""

    def __init__(self, body: Any) -> None:  # Any: JSON
        self.body = json.dumps(body).encode()

    def reply(self, *_: object, **__: object) -> "Recording":
        return self

    def json(self) -> Any:  # Any: JSON
        return json.loads(self.body)

    def spoilt(self, *_: object) -> None:
        """Nobody counts here."""


def dhan_chain(shared: Path, name: str) -> OptionChain:
    said = json.loads((shared / "data" / "dhan_api" / f"{name}.json").read_text())
    at = parsedate_to_datetime(said["recorded_at"]).astimezone(IST)
    expiry_on = date.fromisoformat(said["request"]["body"]["Expiry"])
    strikes = said["response"]["body"]["data"]["oc"]
    listings = [
        option_listing(Decimal(f"{Decimal(text).normalize():f}"), right, expiry_on, number)
        for number, (text, right) in enumerate((text, right) for text in strikes for right in OptionType)
    ]
    master = InstrumentMaster(at.date(), (NIFTY, *listings))
    reader = cast("Reader", Recording(said["response"]["body"]))
    return fetch_chain(reader, master, NIFTY, expiry_on, at).chain()


def nse_chains(shared: Path) -> Iterator[OptionChain]:
    """Yield each poll of the recorded morning; its spot is left at the strike where call and put cost the same."""
    path = shared / "data" / "dev_option_chain_snapshots.parquet"
    table, _ = quotes_from_chain(pd.read_parquet(path), path, NseCalendar())
    for (name, at, expiry_on), rows in table.to_pandas().groupby(["underlying", "quoted_at", "expiry_on"]):
        quotes = [quote_of(row, name, at.to_pydatetime(), expiry_on) for row in rows.to_dict("records")]
        priced = tuple(quote for quote in quotes if quote is not None)
        yield OptionChain(
            underlying=name,
            at=at.to_pydatetime(),
            expiry_at=expiry_at(expiry_on),
            spot=level_strike(priced),
            quotes=priced,
        )


def quote_of(row: dict[Any, Any], name: str, at: datetime, expiry_on: date) -> OptionQuote | None:
    def rupees(column: str) -> Decimal | None:
        return None if pd.isna(row[column]) else to_rupees(int(row[column]), OPTION_TICK)

    ltp = rupees("ltp")
    if ltp is None:
        return None
    right = OptionType(row["option_type"])
    contract = OptionContract(
        instrument=contract_name(name, expiry_on, row["strike"], right),
        underlying=name,
        expiry_at=expiry_at(expiry_on),
        strike=row["strike"],
        option_type=right,
        lot_size=lot_size(name, expiry_on),
    )
    held = int(row["open_interest"])
    return OptionQuote(
        contract=contract,
        at=at,
        ltp=ltp,
        bid=rupees("bid"),
        ask=rupees("ask"),
        open_interest=held,
        volume=int(row["volume"]),
        previous_open_interest=held - int(row["open_interest_change"]),
        vendor_iv=None if pd.isna(row["iv"]) else row["iv"] / 100.0,
    )


def level_strike(quotes: tuple[OptionQuote, ...]) -> Decimal:
    prices: defaultdict[Decimal, dict[OptionType, Decimal]] = defaultdict(dict)
    for quote in quotes:
        prices[quote.contract.strike][quote.contract.option_type] = quote.ltp
    both = {strike: abs(pair[OptionType.CE] - pair[OptionType.PE]) for strike, pair in prices.items() if len(pair) == 2}
    return min(both, key=lambda strike: both[strike])


def compare(chain: OptionChain, found: ChainAnalysis) -> None:
    """Hold ratios, max pain and the volatilities against a plain count over the quotes."""
    totals = dict.fromkeys(OptionType, 0)
    for quote in chain.quotes:
        totals[quote.contract.option_type] += quote.open_interest
    strike = np.array([int(quote.contract.strike) for quote in chain.quotes])
    sign = np.array([1 if quote.contract.option_type is OptionType.CE else -1 for quote in chain.quotes])
    interest = np.array([quote.open_interest for quote in chain.quotes])
    strikes = np.unique(strike)
    paid = np.maximum(sign * (strikes[:, None] - strike), 0) * interest
    pain = dict(zip(strikes.tolist(), paid.sum(axis=1).tolist(), strict=True))
    assert found.whole.oi == totals[OptionType.PE] / totals[OptionType.CE]
    assert found.whole.strikes == len(strikes)
    assert found.max_pain is not None
    assert pain[int(found.max_pain)] == min(pain.values())
    for option in found.options:
        assert (option.iv is None) == bool(option.no_iv)
        assert option.iv is None or (math.isfinite(option.iv) and option.iv > 0)


def levels_of(chain: OptionChain, side: Side) -> Levels:
    spot, points = float(chain.spot), 40.0 * side.sign
    return Levels(spot=spot, stop=spot - points, target=spot + 2 * points, probability=0.6)


@pytest.mark.parametrize("name", DHAN)
def test_each_chain_of_dhan_is_analysed(shared: Path, name: str) -> None:
    chain = dhan_chain(shared, name)
    found = AGENT.analyze_option_chain(chain, chain.at)
    assert found.whole.strikes > 90
    compare(chain, found)
    for side in Side:
        choice = AGENT.select_best_strike(chain, side, levels_of(chain, side), chain.at)
        assert len(choice.candidates) > 40
        assert (choice.best is None) == all(candidate.refusals for candidate in choice.candidates)
    if name == "resources__option_chain":  # the one taken while the market was open
        assert found.forward_source == "parity of 11 strikes"
        assert found.atm_iv is not None
        assert 0.05 < found.atm_iv < 0.5
        assert found.vendor_gap is not None
        assert any(option.build_up is not None for option in found.options)


def test_every_poll_of_a_morning_is_analysed(shared: Path) -> None:
    polls, by_parity = 0, 0
    earlier: dict[tuple[str, datetime], OptionChain] = {}
    for chain in nse_chains(shared):
        key = chain.underlying, chain.expiry_at
        found = AGENT.analyze_option_chain(chain, chain.at, earlier=earlier.get(key))
        compare(chain, found)
        polls += 1
        by_parity += found.forward_source.startswith("parity")
        if key in earlier:
            assert any(option.build_up_since is not None for option in found.options)
        earlier[key] = chain
    assert polls >= 214
    assert by_parity / polls > 0.9
