"""One session of the seeded generator as contracts with their candles: index, two futures, options."""

from collections.abc import Iterator
from datetime import date, timedelta
from functools import cached_property

import numpy as np

from exchange import premiums
from exchange.columns import TICKS_PER_POINT, ChainColumns, Expiry, MinuteCandles, on_grid
from exchange.contracts import (
    IDX_I,
    NIFTY,
    NSE_FNO,
    Contract,
    OptionTerms,
    future_contract,
    future_id,
    future_step,
    index_contract,
    lot_size,
    option_contract,
)
from exchange.listings import PAISE_A_TICK, Key, Listed, Listing
from exchange.paths import Float64s, Int64s, MarketState
from exchange.sessions import Calendar
from exchange.simulation import SimulatedPast, SimulatedSession

CHAINS = 3
NEXT_FUTURE_SHARE = 8  # the next month trades an eighth of the near one
TURNOVER_OF_INTEREST = 8  # yesterday's option volume, in open interest


class SessionLister:
    """Turns one simulated session into contracts and candles.

    Parameters
    ----------
    calendar : Calendar
        Knows the expiries.
    before : MarketState
        What the session before left.
    made : SimulatedSession
        The session.
    index_before : MinuteCandles, optional
        The index in the session before, which moves for a shorter time than derivatives trade.
    """

    def __init__(
        self, calendar: Calendar, before: MarketState, made: SimulatedSession, index_before: MinuteCandles | None
    ) -> None:
        self._calendar = calendar
        self._on = made.on
        self._before = before
        self._made = made
        self._last = calendar.previous(made.on - timedelta(days=1))
        self._index_before = index_before

    def listing(self) -> Listing:
        """Return everything listed."""
        listed = {(one.contract.segment, one.contract.security_id): one for one in (*self._linear(), *self._options())}
        return Listing(self._on, listed, {NIFTY.security_id: [end.on for end in self._made.expiries]})

    def _linear(self) -> Iterator[Listed]:
        """Return the index and the futures."""
        index, *futures = linear_candles(self._calendar, self._made).values()
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
                    candles = columns.snapshots(row, right) if own is None else own
                    yield _listed_option(contract, candles, columns.interest_before(row, right))

    @cached_property
    def _index_close(self) -> int:
        """The index as it last stood, in paise; derivatives trade on while it stands still."""
        before = self._index_before
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

    def interest_before(self, row: int, right: int) -> int:
        """Return the open interest at the previous close."""
        return int(self._interest[0, row, right] - self._change[0, row, right])


def linear_candles(calendar: Calendar, made: SimulatedPast | SimulatedSession) -> dict[Key, MinuteCandles]:
    """Return the candles of the index, the near and the next future of a session."""
    on = made.on
    near, following = calendar.monthly_expiries(on, 2)
    carry = float(np.exp(premiums.RATE * (following - near).days / 365.0))
    return {
        (IDX_I, NIFTY.security_id): made.index,
        (NSE_FNO, future_id(NIFTY, near)): made.future,
        (NSE_FNO, future_id(NIFTY, following)): _thinner(
            made.future, carry, lot_size(NIFTY, following), future_step(on)
        ),
    }


def _listed_option(contract: Contract, candles: MinuteCandles, interest: int) -> Listed:
    return Listed(contract, candles, interest, interest * TURNOVER_OF_INTEREST)


def _thinner(near: MinuteCandles, carry: float, lot: int, step: int) -> MinuteCandles:
    """Return the next month's candles: carried on from the near month's, with less traded."""

    def carried(prices: Int64s) -> Int64s:
        return on_grid(np.asarray(np.rint(prices * carry), dtype=np.int64), step)

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
