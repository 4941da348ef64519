"""A market made of sessions whose candles are known beforehand, shown print by print as time passes."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

import numpy as np

from exchange.books import quiet_book
from exchange.clock import Millis, at_ist, ist
from exchange.contracts import IDX_I, NSE_FNO, Contract
from exchange.greeks import greeks
from exchange.listings import Key, Listed, Source
from exchange.market import Book, Candle, Chain, ChainRow, Options, OptionSide, Print, UnknownInstrumentError
from exchange.opened import OpenedSessions
from exchange.sessions import TradingHours
from exchange.sides import candles_shown, past_options, present_options

_SETTLES = (15, 30)


class TapeMarket:
    """The `Market` of a source: recorded or simulated.

    Parameters
    ----------
    source : Source
        Gives the sessions.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._opened = OpenedSessions(source)
        self._day: tuple[Millis, Millis, date] = (0, 0, date.min)

    def hours(self, on: date) -> TradingHours | None:
        """Return the hours of a date, or None when there is no session."""
        return self._source.calendar.hours(on)

    def contracts(self, on: date) -> Sequence[Contract]:
        """Return the instrument table of the session of a date or of the next one, by segment and id."""
        listing = self._opened.listing(self._source.calendar.next(on).on)
        listed = listing.listed if listing else {}
        return [listed[key].contract for key in sorted(listed)]

    def contract(self, security_id: int, segment: str, on: date) -> Contract:
        """Return one row of the instrument table.

        Raises
        ------
        UnknownInstrumentError
            If it is not listed on that date.
        """
        return self._opened.listed((segment, security_id), self._source.calendar.next(on).on).contract

    def opening(self, on: date) -> Iterator[None]:
        """Make what the session of a date needs, step by step; whatever is asked before its turn is made at once."""
        return self._opened.opening(on)

    def top_of_book(self, security_id: int, segment: str, now: Millis) -> Book:
        """Return what the instrument shows at a moment; outside the hours, as the last session left it.

        Raises
        ------
        UnknownInstrumentError
            If it is not listed.
        """
        key = (segment, security_id)
        on = self._session(now)
        listing = self._opened.listing(on)
        if listing is not None and key in listing.listed:
            return self._opened.books(key, on).at(now)
        listed = self._opened.listed(key, self._source.calendar.next(ist(now).date()).on)
        return quiet_book(listed.contract, listed.previous_open_interest)

    def prints(self, security_id: int, segment: str, after: Millis, until: Millis) -> Sequence[Print]:
        """Return the trades with ``after < at <= until``, oldest first, none before the session of `until`.

        Raises
        ------
        UnknownInstrumentError
            If it is not listed.
        """
        key = (segment, security_id)
        on = self._session(until)
        self._opened.listed(key, on)
        return self._opened.tape(key, on).prints(after, until)

    def candles(self, security_id: int, segment: str, start: Millis, end: Millis, now: Millis) -> Sequence[Candle]:
        """Return one-minute candles that open in ``[start, end)``, the forming one as it stands at `now`."""
        key = (segment, security_id)
        today = ist(now).date()
        day, last = ist(start).date(), min(ist(end - 1).date(), today)
        found: list[Candle] = []
        while day <= last:
            if day == today:
                listing = self._opened.listing(day)
                if listing is not None and key in listing.listed:
                    found += self._opened.tape(key, day).candles(start, end, now)
            elif self.hours(day) is not None:
                found += self._past(key, day, start, end)
            day += timedelta(days=1)
        return found

    def options(self, side: OptionSide, now: Millis) -> Options | None:
        """Return the options that a side means as of `now`, None where there are none."""
        today = ist(now).date()
        if side.on < today:
            series = self._source.options(side)
            return past_options(series) if series else None
        listing = self._opened.listing(today) if side.on == today else None
        return present_options(listing, side, lambda key: self._opened.tape(key, today), now) if listing else None

    def expiries(self, underlying_id: int, now: Millis) -> Sequence[date]:
        """Return the expiry dates of an index that are not past, nearest first; none for an index without options."""
        today = ist(now).date()
        listing = self._opened.listing(self._source.calendar.next(today).on)
        return [on for on in listing.expiries.get(underlying_id, ()) if on >= today] if listing else []

    def chain(self, underlying_id: int, expiry_on: date, now: Millis) -> Chain:
        """Return the option chain of one expiry as of `now`.

        Raises
        ------
        UnknownInstrumentError
            If there is no such index or expiry.
        """
        listing = self._opened.listing(self._source.calendar.next(ist(now).date()).on)
        members = [one for one in listing.listed.values() if _belongs(one, underlying_id, expiry_on)] if listing else []
        if not members:
            raise UnknownInstrumentError(f"no options of {underlying_id} expire on {expiry_on}; ask for the expiries")
        members.sort(key=lambda one: (one.contract.strike, one.contract.option_type))
        spot = self.top_of_book(underlying_id, IDX_I, now).ltp
        books = [self.top_of_book(one.contract.security_id, NSE_FNO, now) for one in members]
        columns = greeks(
            np.array([(shown.bid + shown.ask) / 200.0 if shown.bid else shown.ltp / 100.0 for shown in books]),
            np.array([float(one.contract.strike) for one in members]),
            np.array([one.contract.option_type == "CE" for one in members]),
            spot / 100.0,
            (at_ist(expiry_on, *_SETTLES) - now) / 1000.0,
        )
        rows = {}
        for place, (one, shown) in enumerate(zip(members, books, strict=True)):
            iv, delta, theta, gamma, vega = (float(column[place]) for column in columns)
            before = (one.previous_open_interest, one.previous_volume)
            row = ChainRow(one.contract, shown, iv, delta, theta, gamma, vega, *before)
            rows[one.contract.strike, one.contract.option_type] = row
        return Chain(now, spot, rows)

    def _session(self, now: Millis) -> date:
        """Return the date of the session that a moment belongs to, from its opening until the next one's."""
        start, end, on = self._day
        if not start <= now < end:
            calendar, today = self._source.calendar, ist(now).date()
            hours = calendar.hours(today)
            if hours is None or now < hours.open_at:
                hours = calendar.previous(today - timedelta(days=1))
            start, on = hours.open_at, hours.on
            self._day = (start, calendar.next(on + timedelta(days=1)).open_at, on)
        return on

    def _past(self, key: Key, on: date, start: Millis, end: Millis) -> Sequence[Candle]:
        """Return the candles of a session that is over."""
        found = self._source.history(key, on)
        if found is None:
            return ()
        opened = found.opened_at * 1000
        return candles_shown(found, (opened >= start) & (opened < end))


def _belongs(listed: Listed, underlying_id: int, expiry_on: date) -> bool:
    contract = listed.contract
    return contract.kind == "OPTIDX" and contract.underlying_id == underlying_id and contract.expiry_on == expiry_on
