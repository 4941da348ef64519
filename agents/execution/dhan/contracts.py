"""Our names of contracts and Dhan's ids, by the instrument master of the day.

Ids are used again after an expiry, so a name is looked up on the day of the order and never remembered over a night.
"""

from typing import Protocol

from agents.data.calendar import NseCalendar
from agents.data.dhan.master import InstrumentMaster, Listing
from agents.data.dhan.master_files import MasterFiles
from agents.data.dhan.resolve import resolve
from agents.data.names import contract_name
from agents.domain.errors import ConfigError, DataError, MissingDataError, OrderRejectedError
from agents.domain.orders import SuperOrder
from agents.domain.values import IST
from agents.ports import Clock


class ChainIds(Protocol):
    """Which id the option chain gives a contract: a second witness beside the master."""

    def __call__(self, contract: str) -> int | None:
        """Return the id, None where no chain has shown the contract today."""
        ...


class Contracts:
    """The day's contracts.

    Parameters
    ----------
    masters : MasterFiles
        The instrument masters.
    calendar : NseCalendar
        The sessions.
    clock : Clock
        The market's present.
    chain_id : callable, optional
        The second witness.
    """

    def __init__(
        self, masters: MasterFiles, calendar: NseCalendar, clock: Clock, chain_id: ChainIds | None = None
    ) -> None:
        self._masters = masters
        self._calendar = calendar
        self._clock = clock
        self._chain_id = chain_id

    def listing(self, contract: str) -> Listing:
        """Return what today's master lists under our name.

        Raises
        ------
        DataError
            If the master cannot be read or has no such contract.
        ConfigError
            If the name is no single contract.
        """
        now = self._clock.now()
        found = resolve(contract, self._master(), self._calendar, now).what
        if not isinstance(found, Listing):
            raise ConfigError(f"{contract} is not one contract; name the option itself")
        return found

    def name(self, segment: str, security_id: int) -> str:
        """Return our name of an option by its id; ``SEGMENT:id`` where it is none of ours, so that it stays strange.

        Raises
        ------
        DataError
            If the master cannot be read.
        """
        try:
            listing = self._master().by_id(segment, security_id)
        except MissingDataError:
            return f"{segment}:{security_id}"
        if listing.expiry_on is None or listing.strike is None or listing.option_type is None:
            return listing.symbol
        return contract_name(listing.underlying, listing.expiry_on, listing.strike, listing.option_type)

    def orderable(self, order: SuperOrder) -> Listing:
        """Return the listing that a super order may be sent for.

        Raises
        ------
        OrderRejectedError
            If today's master says anything else of the contract than the order, or the chain gives it another id.
            Nothing was sent then.
        """
        listing = self.sellable(order.contract)
        planned, listed = (order.lot_size, order.tick_size), (listing.lot_size, listing.tick_size)
        if planned != listed:
            raise _refusal(order.contract, f"its lot and tick are {listed}, the order says {planned}")
        if listing.freeze is not None and order.quantity > listing.freeze:
            raise _refusal(order.contract, f"{order.quantity} is more than the {listing.freeze} of one order")
        return listing

    def sellable(self, contract: str) -> Listing:
        """Return the listing of a contract whose id is certain. Raises `OrderRejectedError` as `orderable` does."""
        try:
            listing = self.listing(contract)
        except (DataError, ConfigError) as error:
            raise _refusal(contract, str(error)) from error
        other = self._chain_id(contract) if self._chain_id is not None else None
        if other is not None and other != listing.security_id:
            raise _refusal(contract, f"the master calls it {listing.security_id}, the option chain {other}")
        return listing

    def _master(self) -> InstrumentMaster:
        return self._masters.of(self._clock.now().astimezone(IST).date())


def _refusal(contract: str, why: str) -> OrderRejectedError:
    return OrderRejectedError(f"nothing was sent for {contract}: {why}; fetch today's master and plan it again")
