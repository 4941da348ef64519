"""A market for `exchange_load`: every instrument trades at every quarter of a second, and its books tell when."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date

from exchange.clock import Millis, at_ist
from exchange.contracts import IDX_I, NIFTY, NSE_FNO, Contract, OptionTerms, index_contract, option_contract
from exchange.market import (
    Book,
    Candle,
    Chain,
    Level,
    Options,
    Print,
    TradingHours,
    UnknownInstrumentError,
)
from exchange.sessions import Calendar

ON = date(2026, 11, 19)
OPENED = at_ist(ON, 9, 15)
START = at_ist(ON, 11, 0)
INSTRUMENTS = 1_000
EVERY: Millis = 250
FIRST_ID = 900_000
PRICE = 10_000
SPOT = 2_430_000

_DEPTHS = {
    price: tuple(Level(90_000, 90_000, 9, 9, price - 5 * n, price + 5 + 5 * n) for n in range(5))
    for base in (PRICE, SPOT)
    for price in (base, base + 5)
}


class Metronome:
    """A market in which every instrument trades at every quarter of a second, one lot, about one price.

    The volume counts trades; the quantity on offer tells when the trade was made.
    """

    def __init__(self) -> None:
        terms = OptionTerms(date(2026, 11, 24), 24_300, "CE", monthly=False)
        row = replace(option_contract(NIFTY, terms, PRICE, SPOT), lot_size=1)
        ids = range(FIRST_ID, FIRST_ID + INSTRUMENTS)
        self._contracts = {(NSE_FNO, number): replace(row, security_id=number) for number in ids}
        self._contracts[IDX_I, NIFTY.security_id] = index_contract(NIFTY, SPOT)
        self._calendar = Calendar()

    def hours(self, on: date) -> TradingHours | None:
        """Return NSE's hours."""
        return self._calendar.hours(on)

    def contracts(self, on: date) -> Sequence[Contract]:  # noqa: ARG002 - the protocol's shape
        """Return the instruments."""
        return list(self._contracts.values())

    def contract(self, security_id: int, segment: str, on: date) -> Contract:  # noqa: ARG002 - the protocol's shape
        """Return one instrument."""
        if (segment, security_id) not in self._contracts:
            raise UnknownInstrumentError(f"{segment} {security_id} is not part of the benchmark")
        return self._contracts[segment, security_id]

    def opening(self, on: date) -> Iterator[None]:  # noqa: ARG002  (the protocol's)
        """Have everything ready."""
        return iter(())

    def top_of_book(self, security_id: int, segment: str, now: Millis) -> Book:
        """Return a book whose numbers tell trade and time."""
        base = self.contract(security_id, segment, ON).previous_close
        count = (now - OPENED) // EVERY
        at = OPENED + count * EVERY
        price = base + count % 2 * 5
        session = (base, base + 5, base, base)
        quantities = (90_000, at - OPENED)
        return Book(
            price,
            price + 5,
            *(90_000, 90_000),
            price,
            1,
            at,
            count,
            PRICE,
            *(9, 9, 9),
            *session,
            *quantities,
            _DEPTHS[price],
        )

    def prints(self, security_id: int, segment: str, after: Millis, until: Millis) -> Sequence[Print]:
        """Return a trade for every quarter of a second."""
        self.contract(security_id, segment, ON)
        counts = range((after - OPENED) // EVERY + 1, (until - OPENED) // EVERY + 1)
        return [Print(OPENED + count * EVERY, PRICE + count % 2 * 5, 1, count) for count in counts]

    def candles(self, *_: object) -> Sequence[Candle]:
        """Return none; the benchmark asks for none."""
        return []

    def options(self, *_: object) -> Options | None:
        """Return none; the benchmark asks for none."""
        return None

    def expiries(self, *_: object) -> Sequence[date]:
        """Return the one expiry."""
        return [date(2026, 11, 24)]

    def chain(self, *_: object) -> Chain:
        """Return an empty chain; the benchmark asks for none."""
        return Chain(START, SPOT, {})
