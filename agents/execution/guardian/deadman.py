"""What a silent price feed means for what is held: pure.

The table: older than 10 s, no entries; 30 s with a position, poll over REST; 60 s, the stop goes to break-even where
that is below the price; 120 s, flatten. Ages are those of the freshest price from any source, so that polling that
works keeps the later steps away. An option that has no price anywhere is left to its legs at the broker.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_CEILING, Decimal

from agents.domain.errors import DataError
from agents.domain.market import Quote
from agents.execution.gateway import Leg
from agents.execution.guardian.case import Case
from agents.execution.guardian.ports import Quotes, TopOfBook
from agents.execution.guardian.settings import GuardianSettings
from agents.execution.guardian.timing import Timers


@dataclass(frozen=True)
class Prices:
    """The freshest prices of one case, with their ages in seconds, infinite where there is none."""

    index: Quote | None
    index_age: float
    book: TopOfBook | None
    book_age: float


def prices_of(quotes: Quotes, index: str, contract: str, now: datetime) -> Prices:
    """Return what is known of an index and a contract."""
    quote, book = _index(quotes, index), _book(quotes, contract)
    infinite = float("inf")
    return Prices(
        quote,
        infinite if quote is None else (now - quote.at).total_seconds(),
        book,
        infinite if book is None else (now - book.at).total_seconds(),
    )


def silence(timers: Timers, owner: str, age: float, elapsed: float, settings: GuardianSettings) -> float:
    """Return for how many seconds a price has been silent, by the stopwatch once it is too old for an entry.

    An age alone would jump when the clock is set, and would be infinite in the first moment after a start.
    """
    held = timers.held(owner, "silent", elapsed, true=age > settings.index_entry_age)
    return settings.index_entry_age + held if held else 0.0


def break_even(case: Case, book: TopOfBook | None) -> Decimal | None:
    """Return the trigger at which a stop breaks even, None where it may stay or would fire at once."""
    stop = case.leg(Leg.STOP)
    if stop is None or book is None:
        return None
    tick = case.order.tick_size
    trigger = (case.average / tick).to_integral_value(ROUND_CEILING) * tick
    best = book.bid if book.bid is not None else book.ltp
    known = stop.trigger if stop.trigger is not None else case.order.stop_trigger
    return trigger if known < trigger < best - tick else None


def _index(quotes: Quotes, name: str) -> Quote | None:
    try:
        return quotes.underlying(name)
    except DataError:
        return None


def _book(quotes: Quotes, contract: str) -> TopOfBook | None:
    try:
        return quotes.book(contract)
    except DataError:
        return None
