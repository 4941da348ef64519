"""The price at which a position is surely sold: pure.

The rule: each try goes further below the best bid (5, 10, 20 %), then to the edge of what the exchange accepts; no try
goes beyond it, because an order outside the band is refused and sells nothing.
"""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from agents.execution.guardian.ports import TopOfBook
from agents.execution.guardian.settings import GuardianSettings

CHEAP = Decimal(50)
CHEAP_BAND = Decimal(20)


def selling_price(book: TopOfBook, tries: int, tick: Decimal, settings: GuardianSettings) -> Decimal:
    """Return the limit of the next try, a multiple of `tick` and at least one.

    Parameters
    ----------
    book : TopOfBook
        The best prices as last known.
    tries : int
        How many tries went before.
    tick : Decimal
        The contract's price step in rupees.
    settings : GuardianSettings
        Steps and the share of the last price at which the band ends.
    """
    edge = band_edge(book, settings.band_share)
    best = book.bid if book.bid is not None and book.bid > 0 else book.ltp
    if tries < len(settings.reprice_steps):
        wanted = max(best * (1 - settings.reprice_steps[tries]), edge)
    else:
        wanted = min(edge, best)
    limit = (wanted / tick).to_integral_value(ROUND_FLOOR) * tick
    floor = (edge / tick).to_integral_value(ROUND_CEILING) * tick
    return max(limit, min(floor, best), tick)


def band_edge(book: TopOfBook, share: Decimal) -> Decimal:
    """Return the lowest price that is safely accepted: of the price protection band and of the day's circuit."""
    by_last = book.ltp * share if book.ltp > CHEAP else book.ltp - CHEAP_BAND
    return max(by_last, book.lower_circuit or Decimal(0), Decimal(0))
