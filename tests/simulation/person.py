"""The account's owner with the broker's app: buys and sells besides the desk, leaves everything, covers a short."""

from collections.abc import Mapping, Sequence

from tests.simulation.venue import Venue

UNDISTURBED = 40
"""Seconds between leaving everything and buying anew; nobody could tell the two apart any faster."""
COVERS_AFTER = 60


class Person:
    """Acts once a second.

    Parameters
    ----------
    venue : Venue
        Where orders go.
    troubles : mapping of str to sequence of (begin, end, size)
        When everything is left (`person_exit`), and from when to when how many lots are held besides (`person_buy`).
    """

    def __init__(self, venue: Venue, troubles: Mapping[str, Sequence[tuple[int, int, int]]]) -> None:
        self._venue = venue
        self._exits = {second for begin, end, _ in troubles["person_exit"] for second in range(begin, end)}
        self._holdings = troubles["person_buy"]
        self._held: dict[int, str] = {}
        self._left_at = -UNDISTURBED
        self._short_since: dict[str, int] = {}

    def act(self, second: int) -> None:
        """Do what is due in a second; not while a sale of the guardian is on its way, which nobody could call back."""
        if second in self._exits and not self._venue.incoming:
            self._left_at = second
            self._venue.exit_all("a person in the broker's app")
        for begin, end, lots in self._holdings:
            self._hold(second, begin, end, lots)
        if self._venue.races:
            for contract, net in sorted(self._venue.net.items()):
                self._cover(second, contract, net)

    def _hold(self, second: int, begin: int, end: int, lots: int) -> None:
        venue, contract = self._venue, self._held.get(begin)
        if contract is None and begin <= second < end and second - self._left_at >= UNDISTURBED:
            contract = max(sorted(venue.prices), key=venue.owed)
            if venue.owed(contract) <= 0 and second < end - 30:
                return  # he adds to what the desk holds, unless it holds nothing for long
            self._held[begin] = contract
            units = lots * venue.lot
            venue.by_hand(contract, units, units, "a person buys")
        elif contract is not None and second == end:
            units = min(lots * venue.lot, max(venue.foreign.get(contract, 0), 0), max(venue.net[contract], 0))
            if units:
                venue.by_hand(contract, -units, units, "a person sells his own")

    def _cover(self, second: int, contract: str, net: int) -> None:
        if net >= 0:
            self._short_since.pop(contract, None)
        elif second - self._short_since.setdefault(contract, second) >= COVERS_AFTER:
            self._venue.by_hand(contract, -net, -net, "a person buys back")
