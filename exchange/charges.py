"""What a trade costs, with the rates of its date: brokerage, transaction tax, exchange and SEBI fees, stamp duty, GST.

Components are whole ten-thousandths of a rupee, as the trade history prints them; the total is whole paise, as it is
taken from the account. Rates: the Finance Acts of 2023, 2024 (No. 2) and 2026 for the transaction tax, NSE's lists of
transaction charges with its protection fund, SEBI's fee of ten rupees in ten million, stamp duty on purchases. Those
before October 2024 are the best known from public lists.
"""

from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

BROKERAGE = 200_000  # twenty rupees an executed order
GST_PERCENT = 18
BILLION = 1_000_000_000


@dataclass(frozen=True)
class Rates:
    """Shares of turnover in parts per billion, for options and for futures, from a date on.

    `exercise` is the transaction tax on the intrinsic value of a long option that is exercised.
    """

    since: date
    option_sale_tax: int
    future_sale_tax: int
    exercise: int
    option_exchange: int
    future_exchange: int
    option_fund: int
    future_fund: int
    sebi: int = 1_000
    option_stamp: int = 30_000
    future_stamp: int = 20_000


TABLE = (
    Rates(date(2000, 1, 1), 500_000, 100_000, 1_250_000, 530_000, 20_000, 0, 0),
    Rates(date(2023, 4, 1), 625_000, 125_000, 1_250_000, 500_000, 19_000, 5_000, 1_000),
    Rates(date(2024, 10, 1), 1_000_000, 200_000, 1_250_000, 350_300, 17_300, 5_000, 1_000),
    Rates(date(2026, 4, 1), 1_500_000, 500_000, 1_500_000, 350_300, 17_300, 5_000, 1_000),
)


class Charges(NamedTuple):
    """What one trade costs, in ten-thousandths of a rupee."""

    brokerage: int
    tax: int
    exchange: int
    fund: int
    sebi: int
    stamp: int
    gst: int

    @property
    def paise(self) -> int:
        """The total in paise, halves up."""
        return (sum(self) + 50) // 100


NOTHING = Charges(0, 0, 0, 0, 0, 0, 0)


def rates_on(on: date) -> Rates:
    """Return the rates of a date."""
    return next(rates for rates in reversed(TABLE) if rates.since <= on)


def trade_charges(*, turnover: int, buys: bool, option: bool, on: date, first_of_order: bool) -> Charges:
    """Return what a trade costs.

    Parameters
    ----------
    turnover : int
        Price times quantity in paise.
    buys, option : bool
        Its side, and whether it is an option rather than a future.
    on : date
        Decides the rates.
    first_of_order : bool
        Brokerage is charged once an order, on its first trade.
    """
    rates = rates_on(on)
    brokerage = BROKERAGE if first_of_order else 0
    exchange = _share(turnover, rates.option_exchange if option else rates.future_exchange)
    fund = _share(turnover, rates.option_fund if option else rates.future_fund)
    sebi = _share(turnover, rates.sebi)
    tax = 0 if buys else _share(turnover, rates.option_sale_tax if option else rates.future_sale_tax)
    stamp = _share(turnover, rates.option_stamp if option else rates.future_stamp) if buys else 0
    gst = ((brokerage + exchange + fund + sebi) * GST_PERCENT + 50) // 100
    return Charges(brokerage, tax, exchange, fund, sebi, stamp, gst)


def exercise_tax(intrinsic_value: int, on: date) -> int:
    """Return the transaction tax in paise on exercising an option of that value in paise."""
    return (_share(intrinsic_value, rates_on(on).exercise) + 50) // 100


def _share(paise: int, per_billion: int) -> int:
    """Return a share of an amount of paise in ten-thousandths of a rupee, halves up."""
    return (paise * 100 * per_billion + BILLION // 2) // BILLION
