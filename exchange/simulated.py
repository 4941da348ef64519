"""Sessions of the seeded generator as the exchange lists them: index, two futures, weekly and monthly options."""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from functools import cached_property

import numpy as np

from exchange import premiums
from exchange.clock import at_ist
from exchange.columns import TICKS_PER_POINT, ChainColumns, Expiry, Hours, MinuteCandles
from exchange.contracts import (
    IDX_I,
    NIFTY,
    NSE_FNO,
    Contract,
    OptionTerms,
    Underlying,
    future_contract,
    future_id,
    index_contract,
    lot_size,
    option_contract,
)
from exchange.listings import PAISE_A_TICK, Key, Listed, Listing
from exchange.paths import Float64s, Int64s, MarketState
from exchange.sessions import Calendar, TradingHours
from exchange.simulation import SimulatedSession, first_state, next_state, simulate
from exchange.tape_market import TapeMarket

CHAINS = 3
HISTORY_KEPT = 400
NEXT_FUTURE_SHARE = 8  # the next month trades an eighth of the near one
TURNOVER_OF_INTEREST = 8  # yesterday's option volume, in open interest


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
        Weekdays at NSE's hours unless given.
    chains : int
        How many expiries are listed, at least two weekly and a monthly one.
    """
    return TapeMarket(SimulatedSource(seed, origin_on, calendar or Calendar(), chains=chains))


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
        self._history: OrderedDict[date, dict[Key, MinuteCandles]] = OrderedDict()
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
        self._latest = _Lister(self, on, before, self._simulated(hours, before, expiries)).listing()
        return self._latest

    def history(self, key: Key, on: date) -> MinuteCandles | None:
        """Return the candles of one contract on one date; those of the index and the futures are remembered."""
        if self._latest is not None and self._latest.on == on:
            listed = self._latest.listed.get(key)
            return listed.candles if listed else None
        if on not in self._history:
            hours = self.calendar.hours(on)
            if hours is None or on < self._origin_on:
                return None
            before = self._state_before(on)
            made = self._simulated(hours, before, self._expiries(on)[:1])
            lister = _Lister(self, on, before, made)
            self._history[on] = lister.linear_candles()
            while len(self._history) > HISTORY_KEPT:
                self._history.popitem(last=False)
        found = self._history[on].get(key)
        if found is None and key[0] == NSE_FNO:
            listing = self.listing(on)
            listed = listing.listed.get(key) if listing else None
            return listed.candles if listed else None
        return found

    def _simulated(self, hours: TradingHours, before: MarketState, expiries: Sequence[date]) -> SimulatedSession:
        minutes = np.arange(hours.open_at // 1000, hours.close_at // 1000, 60, dtype=np.int64)
        near = self.calendar.monthly_expiries(hours.on, 1)[0]
        return simulate(
            self.seed,
            hours.on,
            before,
            Hours(minutes, hours.index_until // 1000),
            future_expiry=_ends(near),
            expiries=[_ends(on) for on in expiries],
            lot_size=lot_size(NIFTY, expiries[0]),
        )

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


class _Lister:
    """Turns one simulated session into contracts and candles."""

    def __init__(self, source: SimulatedSource, on: date, before: MarketState, made: SimulatedSession) -> None:
        self._calendar = source.calendar
        self._on = on
        self._before = before
        self._made = made
        self._last = source.calendar.previous(on - timedelta(days=1))
        self._source = source

    def listing(self) -> Listing:
        """Return everything listed."""
        listed = {(one.contract.segment, one.contract.security_id): one for one in (*self._linear(), *self._options())}
        return Listing(self._on, listed, {NIFTY.security_id: [end.on for end in self._made.expiries]})

    def linear_candles(self) -> dict[Key, MinuteCandles]:
        """Return the candles of the index, the near and the next future."""
        near, following = self._calendar.monthly_expiries(self._on, 2)
        carry = float(np.exp(premiums.RATE * (following - near).days / 365.0))
        return {
            (IDX_I, NIFTY.security_id): self._made.index,
            (NSE_FNO, future_id(NIFTY, near)): self._made.future,
            (NSE_FNO, future_id(NIFTY, following)): _thinner(self._made.future, carry, lot_size(NIFTY, following)),
        }

    def _linear(self) -> Iterator[Listed]:
        """Return the index and the futures."""
        index, *futures = self.linear_candles().values()
        yield Listed(index_contract(NIFTY, self._index_close), index, 0, 0)
        for expiry_on, candles in zip(self._calendar.monthly_expiries(self._on, 2), futures, strict=True):
            yield self._future(expiry_on, candles)

    def _future(self, expiry_on: date, candles: MinuteCandles) -> Listed:
        carry = np.exp(premiums.RATE * (expiry_on - self._on).days / 365.0)
        previous = round((self._before.close * carry + self._before.basis_noise) * 10) * 10
        contract = future_contract(NIFTY, expiry_on, self._on, previous)
        return Listed(contract, candles, int(candles.open_interest[0]), int(candles.volume.sum()))

    def _options(self) -> Iterator[Listed]:
        monthly = set(self._calendar.monthly_expiries(self._on, CHAINS))
        traded = {(one.expiry_on, one.strike, one.option_type): one.candles for one in self._made.options}
        for number, end in enumerate(self._made.expiries):
            columns = _OfExpiry(self._made.chain, number)
            closes = self._closes(end, columns)
            for row, strike in enumerate(columns.strikes.tolist()):
                for right, name in enumerate(("PE", "CE")):
                    terms = OptionTerms(end.on, strike, name, monthly=end.on in monthly)
                    contract = option_contract(NIFTY, terms, int(closes[row, right]), self._spot)
                    own = traded.get((end.on, strike, name))
                    candles = columns.snapshots(row, right) if own is None else columns.with_interest(own, row, right)
                    yield _listed_option(contract, candles, columns.interest_before(row, right))

    @cached_property
    def _index_close(self) -> int:
        """The index as it last stood, in paise; derivatives trade on while it stands still."""
        before = self._source.history((IDX_I, NIFTY.security_id), self._last.on)
        return self._spot if before is None else int(before.close[-1]) * PAISE_A_TICK

    @cached_property
    def _spot(self) -> int:
        """Where the index stood, or would have stood, when derivatives closed, in paise."""
        return round(self._before.close * TICKS_PER_POINT) * PAISE_A_TICK

    def _closes(self, end: Expiry, columns: "_OfExpiry") -> Int64s:
        """Return what options were worth at the previous close, in paise, shape (n_strikes, 2)."""
        years = max(end.at - self._last.close_at // 1000, 60) / premiums.SECONDS_PER_YEAR
        forward = self._before.close * np.exp(premiums.RATE * years)
        strikes = columns.strikes.astype(np.float64)
        on = premiums.Surface(np.array([[forward]]), np.array([[years]]), strikes, columns.first_iv[None, :])
        calls = premiums.call_values(on)
        values = np.stack([premiums.put_values(on, calls)[0], calls[0]], axis=1)
        ticks = np.maximum(np.rint(values * TICKS_PER_POINT), 1)
        return np.asarray(ticks * PAISE_A_TICK, dtype=np.int64)


class _OfExpiry:
    """The chain columns of one expiry as blocks of shape (n_snapshots, n_strikes, 2), puts before calls."""

    def __init__(self, chain: ChainColumns, number: int) -> None:
        take = chain.expiry == number
        self.strikes: Int64s = np.unique(chain.strike[take])
        shape = (-1, len(self.strikes), 2)
        self._at = chain.at[take].reshape(shape)[:, 0, 0]
        self._ltp = chain.ltp[take].reshape(shape)
        self._volume = chain.volume[take].reshape(shape)
        self._interest = chain.open_interest[take].reshape(shape)
        self._change = chain.open_interest_change[take].reshape(shape)
        self.first_iv: Float64s = chain.iv[take].reshape(shape)[0, :, 0]

    def snapshots(self, row: int, right: int) -> MinuteCandles:
        """Return candles of the snapshots only, for a contract that trades now and then."""
        ltp = self._ltp[:, row, right]
        volume = np.maximum(np.diff(self._volume[:, row, right], prepend=0), 0)
        return MinuteCandles(self._at - 60, ltp, ltp, ltp, ltp, volume, self._interest[:, row, right])

    def with_interest(self, candles: MinuteCandles, row: int, right: int) -> MinuteCandles:
        """Return candles with the open interest of the latest snapshot before each of them ends."""
        place = np.searchsorted(self._at, candles.opened_at + 60, side="right") - 1
        return replace(candles, open_interest=self._interest[np.maximum(place, 0), row, right])

    def interest_before(self, row: int, right: int) -> int:
        """Return the open interest at the previous close."""
        return int(self._interest[0, row, right] - self._change[0, row, right])


def _listed_option(contract: Contract, candles: MinuteCandles, interest: int) -> Listed:
    return Listed(contract, candles, interest, interest * TURNOVER_OF_INTEREST)


def _thinner(near: MinuteCandles, carry: float, lot: int) -> MinuteCandles:
    """Return the next month's candles: carried on from the near month's, with less traded."""

    def carried(prices: Int64s) -> Int64s:
        return np.asarray(np.rint(prices * carry), dtype=np.int64)

    def share(quantity: Int64s) -> Int64s:
        return quantity // NEXT_FUTURE_SHARE // lot * lot

    return MinuteCandles(
        near.opened_at,
        carried(near.open),
        carried(near.high),
        carried(near.low),
        carried(near.close),
        share(near.volume),
        share(near.open_interest),
    )


def _ends(on: date) -> Expiry:
    return Expiry(on, at_ist(on, 15, 30) // 1000)
