"""Chains for tests: priced by Black-76 at a flat volatility, so that every answer is known."""

import math
from datetime import datetime, timedelta
from decimal import Decimal

from agents.domain.market import OptionChain, OptionContract, OptionQuote
from agents.domain.values import IST, OptionType, round_to_tick
from agents.options.pricing import price, years_between

NOW = datetime(2024, 6, 5, 11, 30, tzinfo=IST)
EXPIRY = datetime(2024, 6, 6, 15, 30, tzinfo=IST)
TICK = Decimal("0.05")
RATE = 0.055
LOT = 25


def quote_of(
    strike: int,
    kind: OptionType,
    premium: float,
    *,
    at: datetime = NOW,
    expiry_at: datetime = EXPIRY,
    half: float | None = None,
) -> OptionQuote:
    ltp = round_to_tick(max(premium, 0.05), TICK)
    return OptionQuote(
        contract=OptionContract(
            instrument=f"NIFTY24606{strike}{kind}",
            underlying="NIFTY",
            expiry_at=expiry_at,
            strike=Decimal(strike),
            option_type=kind,
            lot_size=LOT,
        ),
        at=at,
        ltp=ltp,
        bid=None if half is None else ltp - Decimal(str(half)),
        ask=None if half is None else ltp + Decimal(str(half)),
        open_interest=LOT * 10_000,
        volume=LOT * 50_000,
    )


def chain_of(
    forward: float = 22_640.0,
    iv: float = 0.16,
    *,
    now: datetime = NOW,
    expiry_at: datetime = EXPIRY,
    half: float | None = None,
) -> OptionChain:
    years = years_between(now, expiry_at)
    discount = math.exp(-RATE * years)
    around = int(round(forward / 50) * 50)
    quotes = [
        quote_of(
            strike,
            kind,
            price(forward, strike, years, iv, discount=discount, option_type=kind),
            at=now,
            expiry_at=expiry_at,
            half=half,
        )
        for strike in range(around - 500, around + 501, 50)
        for kind in OptionType
    ]
    spot = round_to_tick(forward * discount, TICK)
    return OptionChain(underlying="NIFTY", at=now, expiry_at=expiry_at, spot=spot, quotes=tuple(quotes))


def later(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)
