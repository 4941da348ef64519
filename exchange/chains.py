"""Chains and option candles of one simulated session, priced along the walk of its index."""

from collections.abc import Sequence

import numpy as np

from exchange import premiums
from exchange.columns import ChainColumns, Expiry, OptionCandles, Walk, candles, to_ticks
from exchange.paths import Float64s, Int64s

STRIKE_STEP = 50
CHAIN_STRIKES = 20
TRADED_STRIKES = 10
SNAPSHOT_MINUTES = 3
CANDLED_EXPIRIES = 2  # of these expiries, contracts near the money have a candle of every minute


def chain_columns(walk: Walk, seed: int, expiries: tuple[Expiry, ...], draw: np.random.Generator) -> ChainColumns:
    """Return the chains of all `expiries`, a snapshot every three minutes as the minute ends."""
    names = ChainColumns.__dataclass_fields__
    chains = [_chain(walk, seed, number, expiry, draw) for number, expiry in enumerate(expiries)]
    columns = {name: np.concatenate([getattr(chain, name) for chain in chains]) for name in names}
    order = np.lexsort((columns["call"], columns["strike"], columns["expiry"], columns["at"]))
    return ChainColumns(**{name: values[order] for name, values in columns.items()})


def option_candles(
    walk: Walk, seed: int, expiries: tuple[Expiry, ...], draw: np.random.Generator
) -> tuple[OptionCandles, ...]:
    """Return one-minute candles of the contracts of `expiries` whose strikes lie near the opening price."""
    return tuple(contract for expiry in expiries for contract in _contracts(walk, seed, expiry, draw))


def chain_strikes(walk: Walk) -> Int64s:
    """Return the strikes that are listed in every chain of a session, ascending."""
    return _strikes(walk, CHAIN_STRIKES)


def some_candles(  # noqa: PLR0917 - which session and market, which contracts, and chance
    walk: Walk, seed: int, expiries: Sequence[Expiry], number: int, strikes: Int64s, draw: np.random.Generator
) -> tuple[OptionCandles, ...]:
    """Return what `option_candles` makes of some strikes of one expiry.

    Parameters
    ----------
    walk, seed, expiries, draw
        Those of `option_candles`.
    number : int
        Which of the expiries.
    strikes : ndarray of int64, shape (n_strikes,)
        Index points; strikes that have no candles are left out.

    Raises
    ------
    IndexError
        If contracts of that expiry have no candles of every minute.
    """
    expiry = expiries[:CANDLED_EXPIRIES][number]
    lots = [_lots(walk, draw) for _ in range(number + 1)][number]  # each expiry draws after the one before
    return tuple(_candles(walk, seed, expiry, np.intersect1d(strikes, _strikes(walk, TRADED_STRIKES)), lots))


def _snapshots(walk: Walk, expiry: Expiry) -> Int64s:
    """Return the minutes at whose end the chain of an expiry is shown."""
    ends = walk.opened_at + 60
    return np.flatnonzero((ends // 60 % SNAPSHOT_MINUTES == 0) & (ends <= expiry.at))


def _strikes(walk: Walk, on_each_side: int) -> Int64s:
    """Return strikes about the opening price."""
    at_the_money = round(float(walk.prices[0]) / STRIKE_STEP) * STRIKE_STEP
    return np.arange(-on_each_side, on_each_side + 1, dtype=np.int64) * STRIKE_STEP + at_the_money


def _atm_iv(walk: Walk, seed: int) -> Float64s:
    """Return volatility at the money after each minute, a fraction a year; it rises when price falls."""
    draw = np.random.default_rng([seed, walk.on.toordinal(), 6])  # one stream, so that chain and candles agree
    moves = np.log(walk.prices[1:] / walk.close_before)
    noise = np.cumsum(draw.normal(0.0, 0.0006, len(moves)))
    base = walk.volatility * np.sqrt(252.0) * 1.08 + 0.012
    return np.asarray(np.clip(base - 1.1 * moves + noise, 0.06, 0.9), dtype=np.float64)


def _forward(walk: Walk, expiry: Expiry, prices: Float64s) -> Float64s:
    years = np.maximum(expiry.at - (walk.opened_at + 60), 0) / premiums.SECONDS_PER_YEAR
    return np.asarray(prices * np.exp(premiums.RATE * years), dtype=np.float64)


def _chain(walk: Walk, seed: int, number: int, expiry: Expiry, draw: np.random.Generator) -> ChainColumns:
    """Return the snapshots of one expiry."""
    ends = walk.opened_at + 60
    take = _snapshots(walk, expiry)
    strikes = chain_strikes(walk)
    left = (expiry.at - ends[take]).astype(np.float64)
    forward = _forward(walk, expiry, walk.prices[1:])[take]
    on = premiums.surface(forward, strikes.astype(np.float64), left, _atm_iv(walk, seed)[take])
    calls = premiums.call_values(on)
    value = np.stack([premiums.put_values(on, calls), calls], axis=2)
    distance = np.abs(on.strike / on.forward - 1.0)[:, :, None].repeat(2, axis=2)
    bid, ask = premiums.bid_and_ask(draw, value, distance)
    interest, change = _interest(walk, seed, expiry, strikes, take)
    quantity = draw.integers(1, 60, (2, *value.shape)) * walk.lot_size

    def flat(column: Int64s) -> Int64s:
        return np.ascontiguousarray(np.broadcast_to(column, value.shape), dtype=np.int64).ravel()

    return ChainColumns(
        at=flat(ends[take][:, None, None]),
        expiry=flat(np.array(number)),
        strike=flat(strikes[None, :, None]),
        call=flat(np.array([0, 1])),
        bid=flat(bid),
        ask=flat(ask),
        bid_quantity=flat(np.where(bid > 0, quantity[0], 0)),
        ask_quantity=flat(quantity[1]),
        ltp=flat(np.clip(to_ticks(value), np.maximum(bid, 1), ask)),
        open_interest=flat(interest),
        open_interest_change=flat(change),
        volume=flat(_volume(walk, distance, take, draw)),
        iv=on.iv[:, :, None].repeat(2, axis=2).ravel(),
    )


def _interest(walk: Walk, seed: int, expiry: Expiry, strikes: Int64s, take: Int64s) -> tuple[Int64s, Int64s]:
    """Return open interest at each snapshot, and its change since the previous session."""
    contracts, calls = strikes.repeat(2), np.tile(np.array([False, True]), len(strikes))
    passed = np.append(walk.passed(walk.opened_at[take] + 60), 0.0)
    spot = np.append(walk.prices[1:][take], walk.close_before)
    left = (expiry.on - walk.on).days + 1.0 - np.minimum(passed, 1.0)
    interest = premiums.open_interest(
        strikes=contracts,
        calls=calls,
        spot=spot,
        days_left=left,
        seed=seed + expiry.on.toordinal(),
        lot_size=walk.lot_size,
    )
    shape = (len(take), len(strikes), 2)
    return interest[:-1].reshape(shape), (interest[:-1] - interest[-1]).reshape(shape)


def _volume(walk: Walk, distance: Float64s, take: Int64s, draw: np.random.Generator) -> Int64s:
    """Return the session's volume so far in contracts; most trades are near the money."""
    pace = walk.lots_traded(draw, 900.0).cumsum()[take][:, None, None]
    taste = np.exp(-((distance[:1] / 0.012) ** 2) * 0.5) + 0.01  # from the first snapshot, so that it never falls
    return np.asarray(pace * taste, dtype=np.int64) * walk.lot_size


def _contracts(walk: Walk, seed: int, expiry: Expiry, draw: np.random.Generator) -> list[OptionCandles]:
    """Return the contracts of one expiry with their candles until they end."""
    return _candles(walk, seed, expiry, _strikes(walk, TRADED_STRIKES), _lots(walk, draw))


def _lots(walk: Walk, draw: np.random.Generator) -> Int64s:
    """Return the lots that a contract at the money trades in each minute."""
    return walk.lots_traded(draw, 300.0)


def _candles(walk: Walk, seed: int, expiry: Expiry, strikes: Int64s, lots: Int64s) -> list[OptionCandles]:
    """Return candles of some strikes of one expiry; a contract's do not depend on which others there are.

    Their open interest is that of the chain's latest snapshot before each of them ends.
    """
    values = _values(walk, expiry, strikes.astype(np.float64), _atm_iv(walk, seed))
    lives, take = walk.opened_at < expiry.at, _snapshots(walk, expiry)
    latest = np.maximum(np.searchsorted(take, np.flatnonzero(lives), side="right") - 1, 0)
    interest, _ = _interest(walk, seed, expiry, strikes, take)
    found = []
    for row, strike in enumerate(strikes.tolist()):
        taste = np.exp(-0.5 * ((strike / walk.prices[0] - 1.0) / 0.012) ** 2) + 0.02
        volume = np.maximum((lots * taste).astype(np.int64), 1) * walk.lot_size
        for right, name in enumerate(("PE", "CE")):
            ohlc = values[:, :, row, right].T.copy()
            ohlc[:, 1], ohlc[:, 2] = ohlc.max(axis=1), ohlc.min(axis=1)
            ours = candles(walk.opened_at[lives], ohlc[lives], volume[lives], interest[latest, row, right])
            found.append(OptionCandles(expiry.on, strike, name, ours))
    return found


def _values(walk: Walk, expiry: Expiry, strikes: Float64s, atm_iv: Float64s) -> Float64s:
    """Return puts and calls at each minute's open, high, low and close, shape (4, n_minutes, n_strikes, 2)."""
    left = (expiry.at - (walk.opened_at + 60)).astype(np.float64)
    before = np.concatenate([atm_iv[:1], atm_iv[:-1]])
    values = []
    for column, iv in zip(walk.ohlc.T, (before, atm_iv, atm_iv, atm_iv), strict=True):
        on = premiums.surface(_forward(walk, expiry, column), strikes, left, iv)
        calls = premiums.call_values(on)
        values.append(np.stack([premiums.put_values(on, calls), calls], axis=2))
    return np.stack(values)
