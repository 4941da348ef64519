"""Sessions of the seeded generator as the exchange lists them: index, two futures, weekly and monthly options."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import numpy as np

from exchange.chains import CANDLED_EXPIRIES, chain_strikes
from exchange.clock import at_ist
from exchange.columns import Expiry, Hours, MinuteCandles
from exchange.contracts import NIFTY, NSE_FNO, Underlying, lot_size
from exchange.listings import Key, Listing, OptionSeries
from exchange.market import OptionSide
from exchange.paths import MarketState
from exchange.sessions import Calendar, TradingHours
from exchange.sides import series_in
from exchange.simulated_listing import CHAINS, SessionLister, linear_candles
from exchange.simulation import (
    SimulatedPast,
    SimulatedSession,
    first_state,
    next_state,
    options_of,
    simulate,
    simulate_past,
)
from exchange.tape_market import TapeMarket

HISTORY_KEPT = 400


def simulated_market(
    seed: int, origin_on: date, calendar: Calendar | None = None, *, chains: int = CHAINS
) -> TapeMarket:
    """Return the market numbered `seed` that began on a date.

    Parameters
    ----------
    seed : int
        Which market, ``>= 0``.
    origin_on : date
        Its first day; sessions before it do not exist.
    calendar : Calendar, optional
        NSE's own unless given.
    chains : int
        How many expiries are listed, at least two weekly and a monthly one.
    """
    return TapeMarket(SimulatedSource(seed, origin_on, calendar or Calendar.nse(), chains=chains))


class SimulatedSource:
    """The generator's sessions, each following from the one before; see `simulated_market`."""

    def __init__(self, seed: int, origin_on: date, calendar: Calendar, *, chains: int = CHAINS) -> None:
        if chains < CHAINS:
            raise ValueError(f"{chains} chains are too few; list at least {CHAINS}: two weekly ones and a monthly one")
        self.seed = seed
        self.calendar = calendar
        self.underlyings: Sequence[Underlying] = (NIFTY,)
        self._origin_on = calendar.next(origin_on).on
        self._chains = chains
        self._states: dict[date, MarketState] = {self._origin_on: first_state(seed)}
        self._walked_to = self._origin_on
        self._history: OrderedDict[date, SimulatedPast] = OrderedDict()
        self._latest: Listing | None = None

    def listing(self, on: date) -> Listing | None:
        """Return a session with all its contracts, or None where there is no session."""
        if self._latest is not None and self._latest.on == on:
            return self._latest
        hours = self.calendar.hours(on)
        if hours is None or on < self._origin_on:
            return None
        before = self._state_before(on)
        expiries = self._expiries(on)
        yesterday = self._past(self.calendar.previous(on - timedelta(days=1)).on)
        made = self._simulated(hours, before, expiries)
        lister = SessionLister(self.calendar, before, made, yesterday.index if yesterday else None)
        self._latest = lister.listing()
        return self._latest

    def history(self, key: Key, on: date) -> MinuteCandles | None:
        """Return the candles of one contract on one date; those of the index and the futures are remembered."""
        if self._latest is not None and self._latest.on == on:
            listed = self._latest.listed.get(key)
            return listed.candles if listed else None
        past = self._past(on)
        if past is None:
            return None
        found = linear_candles(self.calendar, past).get(key)
        if found is None and key[0] == NSE_FNO:
            listing = self.listing(on)
            listed = listing.listed.get(key) if listing else None
            return listed.candles if listed else None
        return found

    def options(self, side: OptionSide) -> OptionSeries | None:
        """Return the contracts of one expiry and right; near the money they cost no listing."""
        past = self._past(side.on)
        if past is None or side.underlying_id != NIFTY.security_id:
            return None
        expiries = self._expiries(side.on)
        monthly = set(self.calendar.monthly_expiries(side.on, CHAINS))
        end = side.end({one: one in monthly for one in expiries})
        if end is None:
            return None
        listed = chain_strikes(past.walk).tolist()

        def candles(strikes: Sequence[int]) -> Mapping[int, MinuteCandles]:
            return self._asked(past, side, expiries, expiries.index(end), [one for one in strikes if one in listed])

        return OptionSeries(end, listed, candles)

    def _asked(
        self, past: SimulatedPast, side: OptionSide, expiries: Sequence[date], number: int, strikes: Sequence[int]
    ) -> Mapping[int, MinuteCandles]:
        """Return the candles of some strikes; those that have no candle of every minute come from the listing."""
        found: dict[int, MinuteCandles] = {}
        if number < CANDLED_EXPIRIES:
            ends = [_ends(on) for on in expiries]
            made = options_of(past, self.seed, ends, number, np.array(strikes, dtype=np.int64))
            found = {one.strike: one.candles for one in made if one.option_type == side.option_type}
        if found.keys() >= set(strikes):
            return found
        listing = self.listing(side.on)
        whole = series_in(listing, side) if listing else None
        return whole.candles(strikes) if whole else {}

    def _past(self, on: date) -> SimulatedPast | None:
        """Return what is kept of a session, None where there is none."""
        hours = self.calendar.hours(on)
        if hours is None or on < self._origin_on:
            return None
        if on not in self._history:
            minutes, near, lot = self._frame(hours)
            before = self._state_before(on)
            made = simulate_past(self.seed, on, before, minutes, future_expiry=near, lot_size=lot)
            self._history[on] = made
            while len(self._history) > HISTORY_KEPT:
                self._history.popitem(last=False)
        return self._history[on]

    def _frame(self, hours: TradingHours) -> tuple[Hours, Expiry, int]:
        """Return minutes, the near future's end and the lot size of a session."""
        minutes = np.arange(hours.open_at // 1000, hours.close_at // 1000, 60, dtype=np.int64)
        near = self.calendar.monthly_expiries(hours.on, 1)[0]
        lot = lot_size(NIFTY, self.calendar.weekly_expiries(hours.on, 1)[0])
        return Hours(minutes, hours.index_until // 1000), _ends(near), lot

    def _simulated(self, hours: TradingHours, before: MarketState, expiries: Sequence[date]) -> SimulatedSession:
        minutes, near, lot = self._frame(hours)
        ends = [_ends(on) for on in expiries]
        return simulate(self.seed, hours.on, before, minutes, future_expiry=near, expiries=ends, lot_size=lot)

    def _expiries(self, on: date) -> Sequence[date]:
        """Return weekly expiries and the nearest monthly one that is not among them."""
        weekly = list(self.calendar.weekly_expiries(on, self._chains - 1))
        monthly = next(end for end in self.calendar.monthly_expiries(on, self._chains) if end not in weekly)
        return sorted([*weekly, monthly])

    def _state_before(self, on: date) -> MarketState:
        while self._walked_to < on:
            hours = self.calendar.hours(self._walked_to)
            assert hours is not None, "only sessions are walked"
            minutes = np.arange(hours.open_at // 1000, hours.close_at // 1000, 60, dtype=np.int64)
            state = self._states[self._walked_to]
            after = next_state(self.seed, self._walked_to, state, Hours(minutes, hours.index_until // 1000))
            self._walked_to = self.calendar.next(self._walked_to + timedelta(days=1)).on
            self._states[self._walked_to] = after
        return self._states[on]


def _ends(on: date) -> Expiry:
    return Expiry(on, at_ist(on, 15, 30) // 1000)
