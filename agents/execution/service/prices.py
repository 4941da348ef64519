"""Prices for the guardian: from its own feed, and over REST where the feed is silent or has not begun."""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime

from agents.data.dhan.attempts import UNANSWERED, CallReport, Judge, Send
from agents.data.dhan.errors import classify
from agents.data.dhan.limiter import CallKind
from agents.data.dhan.master import Listing
from agents.data.dhan.quotes import fetch_quotes
from agents.data.dhan.reader import Reader
from agents.data.dhan.reply import Reply
from agents.data.feed.instruments import FeedInstrument, Mode
from agents.data.feed.packets import FeedKey
from agents.data.names import canonical_name, instrument_from
from agents.domain.errors import BrokerUnavailableError, DataError, MissingDataError, TradingError
from agents.domain.market import InstrumentKind, Quote
from agents.domain.values import IST
from agents.execution.dhan.contracts import Contracts
from agents.execution.guardian.ports import TopOfBook
from agents.execution.service.ears import Ears
from agents.ports import Clock

ASK_AGAIN = 2.0
_log = logging.getLogger(__name__)


class OnceReader(Reader):
    """A reader that asks once: whoever guards a position does not wait for a third attempt."""

    def reply(
        self,
        what: str,
        kind: CallKind,
        send: Send,
        *,
        chain: str = "",
        judge: Judge = classify,
    ) -> Reply:
        """Return the reply to one request; see `Reader.reply` for what is raised."""
        self._limiter.wait(kind, chain=chain)
        return self._attempts.once(CallReport(what, kind, UNANSWERED, 0, 0.0, 1), send, judge)


class GuardianPrices:
    """Implements `agents.execution.guardian.ports.Quotes`.

    Parameters
    ----------
    reader : Reader
        Asks once; see `OnceReader`.
    contracts : Contracts
        Names and ids.
    ears : Ears
        The feed.
    clock : Clock
        The market's present.
    elapsed : callable
        Returns seconds that only grow.
    fresh : float
        Seconds of market time for which a price of the feed is good without asking over REST.
    """

    def __init__(
        self,
        reader: Reader,
        contracts: Contracts,
        ears: Ears,
        clock: Clock,
        *,
        elapsed: Callable[[], float],
        fresh: float,
    ) -> None:
        self._reader = reader
        self._contracts = contracts
        self._ears = ears
        self._clock = clock
        self._elapsed = elapsed
        self._fresh = fresh
        self._watched: dict[str, Listing] = {}
        self._read: dict[str, Quote] = {}
        self._asked: dict[str, float] = {}

    def watch(self, name: str) -> Listing:
        """Follow an instrument on the feed, and return what it is. Raises `DataError` if today does not list it."""
        name = canonical_name(name)
        known = self._watched.get(name)
        if known is not None and self._is_listed(known):
            return known
        listing = self._contracts.listing(name)
        instrument = instrument_from(name, listing.tick_size)
        mode = Mode.QUOTE if instrument.kind is InstrumentKind.INDEX else Mode.FULL
        self._watched[name] = listing
        try:
            self._ears.watch([FeedInstrument(FeedKey(listing.segment, listing.security_id), instrument, mode)])
        except DataError as error:
            _log.warning("%s", error)
        return listing

    def book(self, contract: str) -> TopOfBook:
        """Return the freshest known best prices; see the protocol."""
        listing, quote = self.watch(contract), self._quote(contract)
        return TopOfBook(
            contract=contract,
            at=quote.at,
            ltp=quote.ltp,
            bid=quote.bid,
            ask=quote.ask,
            lower_circuit=listing.lower_limit,
            upper_circuit=listing.upper_limit,
            offered=quote.offered,
        )

    def underlying(self, name: str) -> Quote:
        """Return the freshest known price of an index; see the protocol."""
        self.watch(name)
        return self._quote(name)

    def refresh(self, names: Sequence[str]) -> None:
        """Read these over REST once; see the protocol."""
        now = self._clock.now()
        try:
            wanted = {canonical_name(name): self.watch(name) for name in names}
            found = fetch_quotes(self._reader, wanted, now)
        except TradingError as error:
            raise BrokerUnavailableError(f"no prices over REST: {error}; they are asked for again") from error
        # The broker shows its book as it stands; only the last trade in it may be old.
        self._read |= {name: quote.model_copy(update={"at": now}) for name, quote in found.items()}

    def _quote(self, name: str) -> Quote:
        """Return what the feed knows, asking over REST, now and then, where that is nothing or old."""
        name, now = canonical_name(name), self._clock.now()
        found = self._newest(name, now)
        if found is None or (now - found.at).total_seconds() > self._fresh:
            elapsed = self._elapsed()
            if elapsed - self._asked.get(name, -ASK_AGAIN) >= ASK_AGAIN:
                self._asked[name] = elapsed
                try:
                    self.refresh([name])
                except BrokerUnavailableError as error:
                    _log.warning("%s", error)
                found = self._newest(name, now)
        if found is None:
            raise MissingDataError(f"neither the feed nor REST has a price of {name}; is a session open?")
        return found

    def _newest(self, name: str, now: datetime) -> Quote | None:
        read = self._read.get(name)
        try:
            heard = self._ears.latest.quote(name, now)
        except MissingDataError:
            return read
        return heard if read is None or heard.at >= read.at else read

    def _is_listed(self, listing: Listing) -> bool:
        """Whether an id still means today what it meant when it was looked up."""
        return listing.expiry_on is None or listing.expiry_on >= self._clock.now().astimezone(IST).date()
