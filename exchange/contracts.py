"""The instrument table of a date: ids, lots, ticks, freeze quantities and expiries of index derivatives.

Ids are ours, made so that a contract keeps its id for life and that an id comes back, as NSE's do, long after expiry.
"""

from bisect import bisect_right
from dataclasses import dataclass
from datetime import date

IDX_I = "IDX_I"
NSE_FNO = "NSE_FNO"

OPTION_TICK = 5
INDEX_TICK = 5
_FUTURE_TICK_CHANGED = date(2025, 4, 15)
_WEEKS = 100
_OPTION_IDS, _IDS_A_WEEK, _IDS_AN_INDEX = 100_000, 10_000, 5_000
_FUTURE_IDS = 50_000


@dataclass(frozen=True, slots=True)
class Contract:
    """One instrument as the exchange lists it on one date; prices in paise, quantities in contracts.

    `kind` is INDEX, FUTIDX or OPTIDX; `option_type` CE, PE or XX; `strike` whole rupees, 0 unless an option.
    `freeze` is the largest quantity one order may have. Limits of 0 mean no circuit.
    """

    security_id: int
    segment: str
    kind: str
    underlying: str
    underlying_id: int
    symbol: str
    display: str
    lot_size: int
    tick: int
    freeze: int
    expiry_on: date | None
    strike: int
    option_type: str
    expiry_flag: str
    lower_limit: int
    upper_limit: int
    previous_close: int


@dataclass(frozen=True)
class Underlying:
    """An index: Dhan's id, NSE's token for its derivatives, its freeze quantity, lots by the contract's expiry."""

    name: str
    display: str
    security_id: int
    token: int
    number: int
    strike_step: int
    freeze: int
    lots: tuple[tuple[date, int], ...]


# Lots are by expiry date, since a contract keeps its lot. Dhan's instrument master; NSE/FAOP/70616 of 3 October 2025
# and the circulars before it.
NIFTY = Underlying(
    "NIFTY",
    "Nifty 50",
    13,
    26_000,
    0,
    50,
    1_800,
    (
        (date(2015, 11, 1), 75),
        (date(2021, 7, 1), 50),
        (date(2024, 5, 2), 25),
        (date(2025, 1, 1), 75),
        (date(2025, 12, 31), 65),
    ),
)
BANKNIFTY = Underlying(
    "BANKNIFTY",
    "Nifty Bank",
    25,
    26_009,
    1,
    100,
    600,
    (
        (date(2021, 1, 1), 25),
        (date(2023, 7, 1), 15),
        (date(2025, 1, 1), 30),
        (date(2025, 7, 1), 35),
        (date(2025, 12, 31), 30),
    ),
)
UNDERLYINGS = {one.name: one for one in (NIFTY, BANKNIFTY)}


def lot_size(underlying: Underlying, expiry_on: date) -> int:
    """Return how many contracts make a lot of what expires on a date.

    Raises
    ------
    ValueError
        If the expiry lies before the first lot size known.
    """
    place = bisect_right(underlying.lots, expiry_on, key=lambda row: row[0])
    if not place:
        raise ValueError(f"the lot of {underlying.name} expiring {expiry_on} is not known; add it to its lots")
    return underlying.lots[place - 1][1]


def largest_order(underlying: Underlying, lot: int) -> int:
    """Return the largest quantity of one order: whole lots within the freeze quantity."""
    return underlying.freeze // lot * lot


def future_tick(on: date) -> int:
    """Return the tick of an index future on a date, in paise."""
    return 10 if on >= _FUTURE_TICK_CHANGED else 5


def future_step(on: date) -> int:
    """Return the tick of an index future on a date in ticks of an option."""
    return future_tick(on) // OPTION_TICK


def index_contract(underlying: Underlying, previous_close: int) -> Contract:
    """Return the row of the index itself, which cannot be traded."""
    return Contract(
        security_id=underlying.security_id,
        segment=IDX_I,
        kind="INDEX",
        underlying=underlying.name,
        underlying_id=underlying.security_id,
        symbol=underlying.name,
        display=underlying.display,
        lot_size=1,
        tick=INDEX_TICK,
        freeze=0,
        expiry_on=None,
        strike=0,
        option_type="XX",
        expiry_flag="N",
        lower_limit=0,
        upper_limit=0,
        previous_close=previous_close,
    )


def future_id(underlying: Underlying, expiry_on: date) -> int:
    """Return the id of a monthly future."""
    return _FUTURE_IDS + (expiry_on.year * 12 + expiry_on.month) % 1_000 * 10 + underlying.number


def future_contract(underlying: Underlying, expiry_on: date, on: date, previous_close: int) -> Contract:
    """Return the row of a monthly future, whose circuit lies a tenth about the previous close."""
    tick = future_tick(on)
    lot = lot_size(underlying, expiry_on)
    band = previous_close // 10 // tick * tick
    return Contract(
        security_id=future_id(underlying, expiry_on),
        segment=NSE_FNO,
        kind="FUTIDX",
        underlying=underlying.name,
        underlying_id=underlying.security_id,
        symbol=f"{underlying.name}-{expiry_on:%b%Y}-FUT",
        display=f"{underlying.name} {expiry_on:%b} FUT".upper(),
        lot_size=lot,
        tick=tick,
        freeze=largest_order(underlying, lot),
        expiry_on=expiry_on,
        strike=0,
        option_type="XX",
        expiry_flag="M",
        lower_limit=previous_close - band,
        upper_limit=previous_close + band,
        previous_close=previous_close,
    )


@dataclass(frozen=True)
class OptionTerms:
    """What tells one option from another."""

    expiry_on: date
    strike: int
    option_type: str
    monthly: bool


def option_id(underlying: Underlying, terms: OptionTerms) -> int:
    """Return the id of an option, unique among the contracts that live at the same time."""
    week = (terms.expiry_on.toordinal() - 1) // 7 % _WEEKS
    within = terms.strike // underlying.strike_step * 2 + (terms.option_type == "PE")
    return _OPTION_IDS + week * _IDS_A_WEEK + underlying.number * _IDS_AN_INDEX + within


def option_contract(underlying: Underlying, terms: OptionTerms, previous_close: int, spot: int) -> Contract:
    """Return the row of an option; its circuit lies a twentieth of the index about the previous close.

    Parameters
    ----------
    underlying : Underlying
        The index.
    terms : OptionTerms
        Expiry, strike, right.
    previous_close, spot : int
        Of the option and of the index, in paise.
    """
    lot = lot_size(underlying, terms.expiry_on)
    band = spot // 20 // OPTION_TICK * OPTION_TICK
    name = "CALL" if terms.option_type == "CE" else "PUT"
    end = terms.expiry_on
    return Contract(
        security_id=option_id(underlying, terms),
        segment=NSE_FNO,
        kind="OPTIDX",
        underlying=underlying.name,
        underlying_id=underlying.security_id,
        symbol=f"{underlying.name}-{end:%b%Y}-{terms.strike}-{terms.option_type}",
        display=f"{underlying.name} {end:%d} {end:%b} {terms.strike} {name}".upper(),
        lot_size=lot,
        tick=OPTION_TICK,
        freeze=largest_order(underlying, lot),
        expiry_on=end,
        strike=terms.strike,
        option_type=terms.option_type,
        expiry_flag="M" if terms.monthly else "W",
        lower_limit=max(previous_close - band, OPTION_TICK),
        upper_limit=previous_close + band,
        previous_close=previous_close,
    )
