"""What happens by itself at fixed times of a day: square-off, the close with its settlements, the turn of the day."""

from datetime import date, timedelta

from exchange.checks import Checks
from exchange.clock import at_ist, ist
from exchange.contracts import Contract
from exchange.ledgers import Ledgers
from exchange.margins import intrinsic
from exchange.orderbook import OrderBook
from exchange.safeguards import Safeguards
from exchange.services import Services
from exchange.superorders import SuperOrders
from exchange.venue import Venue


class Days:
    """Plans each day when it begins.

    Parameters
    ----------
    services : Services
        What every part shares.
    book, supers, ledgers : OrderBook, SuperOrders, Ledgers
        What is turned over.
    venue : Venue
        Expires orders at the close.
    safeguards : Safeguards
        Squares off.
    checks : Checks
        Knows prices and when to square off.
    """

    def __init__(
        self,
        services: Services,
        *,
        book: OrderBook,
        supers: SuperOrders,
        ledgers: Ledgers,
        venue: Venue,
        safeguards: Safeguards,
        checks: Checks,
    ) -> None:
        self._services = services
        self._book = book
        self._supers = supers
        self._ledgers = ledgers
        self._venue = venue
        self._safeguards = safeguards
        self._checks = checks

    def begin(self) -> None:
        """Plan the rest of the present day."""
        timeline, now = self._services.timeline, self._services.now
        on = ist(now).date()
        hours = self._services.market.hours(on)
        if hours is not None and now < hours.close_at:
            square_off_at = min(self._checks.square_off_at(on), hours.close_at)
            if now < square_off_at:
                timeline.plan(square_off_at, self._safeguards.square_off_all)
            timeline.plan(hours.close_at, lambda: self._close(on))
        timeline.plan(at_ist(on + timedelta(days=1), 0, 0), self._turn)

    def _close(self, on: date) -> None:
        self._venue.end_session()
        for ledger in self._ledgers:
            ledger.close_session(self._services.now, on, lambda contract: self._final_price(contract, on))
        self._services.publish("session_closed", "", on)

    def _final_price(self, contract: Contract, on: date) -> int:
        prices = self._checks.prices_of(contract)
        expires = contract.expiry_on is not None and contract.expiry_on <= on
        if contract.kind == "OPTIDX":
            return intrinsic(contract, prices.underlying)
        return prices.underlying if expires else prices.own

    def _turn(self) -> None:
        for ledger in self._ledgers:
            ledger.open_session()
        self._supers.clear()
        self._book.clear(keep_open=True)
        self._safeguards.clear()
        self.begin()
