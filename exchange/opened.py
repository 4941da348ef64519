"""The sessions of a source that are being looked at, with the tapes and books made so far; old ones are let go."""

from collections import OrderedDict
from collections.abc import Iterator
from datetime import date

from exchange.books import Books
from exchange.listings import Key, Listed, Listing, Source
from exchange.market import UnknownInstrumentError
from exchange.tapes import Tape, tape

LISTINGS_KEPT = 6
TAPES_KEPT = 2  # sessions; a session's tapes take some 60 MB


class OpenedSessions:
    """Listings, tapes and books by session, made when first asked for.

    Parameters
    ----------
    source : Source
        Gives the sessions.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._listings: OrderedDict[date, Listing | None] = OrderedDict()
        self._tapes: OrderedDict[date, dict[Key, Tape]] = OrderedDict()
        self._books: dict[date, dict[Key, Books]] = {}

    def listing(self, on: date) -> Listing | None:
        """Return a session's listing, or None when the source has nothing for that date."""
        if on not in self._listings:
            self._listings[on] = self._source.listing(on)
            while len(self._listings) > LISTINGS_KEPT:
                self._listings.popitem(last=False)
        return self._listings[on]

    def listed(self, key: Key, on: date) -> Listed:
        """Return one contract of a session with its candles.

        Raises
        ------
        UnknownInstrumentError
            If it is not listed then.
        """
        listing = self.listing(on)
        found = listing.listed.get(key) if listing else None
        if found is None:
            raise UnknownInstrumentError(f"{key[1]} is not listed in {key[0]} on {on}; look in the instrument master")
        return found

    def tape(self, key: Key, on: date) -> Tape:
        """Return the prints of one contract in a session.

        Raises
        ------
        UnknownInstrumentError
            If it is not listed then.
        """
        tapes = self._tapes.get(on)
        if tapes is None or key not in tapes:
            listed = self.listed(key, on)
            tapes = self._of_session(on)
            tapes[key] = tape(listed.contract, listed.candles, self._source.seed)
        return tapes[key]

    def books(self, key: Key, on: date) -> Books:
        """Return the books of one contract through a session.

        Raises
        ------
        UnknownInstrumentError
            If it is not listed then.
        """
        found = self._books.get(on, {}).get(key)
        if found is None:
            found = Books(self.listed(key, on), self.tape(key, on))
            self._books.setdefault(on, {})[key] = found
        return found

    def opening(self, on: date) -> Iterator[None]:
        """Make what a session needs, step by step, for whoever has time for it before anybody asks."""
        listing = self.listing(on)
        yield
        for key in listing.listed if listing else ():
            if key not in self._books.get(on, {}):
                self.books(key, on)
                yield

    def _of_session(self, on: date) -> dict[Key, Tape]:
        """Return the tapes of a session, and let go of the session that was opened longest ago."""
        tapes = self._tapes.setdefault(on, {})
        if len(self._tapes) > TAPES_KEPT:
            oldest, _ = self._tapes.popitem(last=False)
            self._books.pop(oldest, None)
        return tapes
