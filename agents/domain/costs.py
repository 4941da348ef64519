"""What a round trip in NSE index options costs: brokerage, taxes and charges, with the rates of its date.

Each row of `CHARGES` holds from its date on. Sources: securities transaction tax from the Finance Acts of 2016, 2023,
2024 (No. 2) and 2026; stamp duty from the Indian Stamp Act as amended from July 2020; exchange charges from NSE's
lists of transaction charges (raised in January 2021, lowered in April 2023, one rate for all since October 2024), with
the contribution to its investor protection fund; SEBI's turnover fee from its regulations, halved until March 2021.
Rates before October 2024 are the best known from public lists and are not checked against contract notes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from agents.domain.errors import ConfigError

PAISA = Decimal("0.01")
RUPEE = Decimal(1)


@dataclass(frozen=True)
class Charges:
    """Shares of premium turnover charged from `since` on; `gst` is a share of brokerage, exchange and SEBI charges."""

    since: date
    stt_on_sale: Decimal
    exchange: Decimal
    protection_fund: Decimal
    sebi: Decimal
    stamp_on_purchase: Decimal = Decimal("0.00003")
    gst: Decimal = Decimal("0.18")


def _row(since: str, stt: str, exchange: str, fund: str, sebi: str = "0.000001") -> Charges:
    return Charges(date.fromisoformat(since), Decimal(stt), Decimal(exchange), Decimal(fund), Decimal(sebi))


CHARGES: tuple[Charges, ...] = (
    _row("2020-07-01", stt="0.0005", exchange="0.0005", fund="0", sebi="0.0000005"),
    _row("2021-01-01", stt="0.0005", exchange="0.00053", fund="0", sebi="0.0000005"),
    _row("2021-04-01", stt="0.0005", exchange="0.00053", fund="0"),
    _row("2023-04-01", stt="0.000625", exchange="0.0005", fund="0.000005"),
    _row("2024-10-01", stt="0.001", exchange="0.0003503", fund="0.000005"),
    _row("2026-04-01", stt="0.0015", exchange="0.0003503", fund="0.000005"),
)


@dataclass(frozen=True)
class Costs:
    """One round trip's costs in rupees, each to the paisa or the rupee as charged; they add up to `total`."""

    brokerage: Decimal
    stt: Decimal
    exchange: Decimal
    sebi: Decimal
    stamp: Decimal
    gst: Decimal
    total: Decimal


def charges_on(on: date, table: Sequence[Charges] = CHARGES) -> Charges:
    """Return the rates of a date.

    Raises
    ------
    ConfigError
        If `on` is before the table begins.
    """
    valid = [row for row in table if row.since <= on]
    if not valid:
        raise ConfigError(
            f"no option charges are known for {on}; the table begins on {table[0].since}: add a row to CHARGES"
        )
    return valid[-1]


def round_trip(*, bought: Decimal, sold: Decimal, quantity: int, on: date, brokerage: Decimal) -> Costs:
    """Return what buying and selling `quantity` units costs in all.

    Parameters
    ----------
    bought, sold : Decimal
        Premium per unit in rupees, not negative.
    quantity : int
        Units, lots times the lot size.
    on : date
        Day of the trade; it decides the rates.
    brokerage : Decimal
        Rupees for each of the two executed orders.

    Returns
    -------
    Costs
        Transaction tax and stamp duty rounded to the rupee, the total to the paisa, halves up.

    Raises
    ------
    ConfigError
        If no rates are known for `on`.
    """
    rates = charges_on(on)
    purchase, sale = bought * quantity, sold * quantity
    turnover = purchase + sale
    brokerages = 2 * brokerage
    exchange = turnover * (rates.exchange + rates.protection_fund)
    sebi = turnover * rates.sebi
    gst = (brokerages + exchange + sebi) * rates.gst
    stt = (sale * rates.stt_on_sale).quantize(RUPEE, ROUND_HALF_UP)
    stamp = (purchase * rates.stamp_on_purchase).quantize(RUPEE, ROUND_HALF_UP)
    total = (brokerages + exchange + sebi + gst + stt + stamp).quantize(PAISA, ROUND_HALF_UP)
    return Costs(brokerages, stt, exchange, sebi, stamp, gst, total)


def of_execution(*, price: Decimal, quantity: int, buys: bool, on: date, brokerage: Decimal) -> Decimal:
    """Return what one execution costs, as the broker takes it from the account on the day.

    The contract note, a day later, rounds tax and stamp duty of a whole day to the rupee; see `round_trip`. The account
    is charged for each execution by itself, each part to the hundredth of a paisa and the sum to the paisa, halves up.

    Parameters
    ----------
    price : Decimal
        Premium per unit in rupees.
    quantity : int
        Units.
    buys : bool
        Whether it is a purchase: those pay stamp duty, sales pay the transaction tax.
    on : date
        Decides the rates.
    brokerage : Decimal
        Rupees for the order if this is its first execution, else nothing.

    Raises
    ------
    ConfigError
        If no rates are known for `on`.
    """
    rates, turnover = charges_on(on), price * quantity
    exchange, fund, sebi = (_fine(turnover * share) for share in (rates.exchange, rates.protection_fund, rates.sebi))
    tax = _fine(turnover * (rates.stamp_on_purchase if buys else rates.stt_on_sale))
    gst = _fine((brokerage + exchange + fund + sebi) * rates.gst)
    return (brokerage + exchange + fund + sebi + tax + gst).quantize(PAISA, ROUND_HALF_UP)


def _fine(rupees: Decimal) -> Decimal:
    return rupees.quantize(PAISA / 100, ROUND_HALF_UP)
