"""Simulated sessions as rows of the store."""

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from agents.data.names import contract_name
from agents.domain.market import Instrument, InstrumentKind
from agents.domain.values import OptionType
from exchange.simulation import MinuteCandles, OptionCandles, SimulatedSession

TICK_SIZE = Decimal("0.05")
_EPOCH = date(1970, 1, 1)
_OHLC = ("open", "high", "low", "close")


def instruments_of(made: SimulatedSession, underlying: str, future: str) -> list[Instrument]:
    """Return every instrument that has candles in the session."""
    index = Instrument(name=underlying, kind=InstrumentKind.INDEX, tick_size=TICK_SIZE)
    near = Instrument(name=future, kind=InstrumentKind.FUTURE, tick_size=TICK_SIZE, underlying=underlying)
    return [index, near, *[_option(contract, underlying) for contract in made.options]]


def _option(contract: OptionCandles, underlying: str) -> Instrument:
    return Instrument(
        name=_name(contract, underlying),
        kind=InstrumentKind.OPTION,
        tick_size=TICK_SIZE,
        underlying=underlying,
        expiry_on=contract.expiry_on,
        strike=Decimal(contract.strike),
        option_type=OptionType(contract.option_type),
    )


def _name(contract: OptionCandles, underlying: str) -> str:
    return contract_name(underlying, contract.expiry_on, Decimal(contract.strike), OptionType(contract.option_type))


def candle_rows(
    made: SimulatedSession, underlying: str, future: str, *, after: int = 0, until: int = 2**62
) -> pa.Table:
    """Return the session's one-minute candles that closed in (after, until] as `store_candles` takes them.

    Parameters
    ----------
    made : SimulatedSession
        The session.
    underlying, future : str
        Names of the index and of its near future.
    after, until : int
        Seconds since 1970 UTC.
    """
    named = [(underlying, made.index), (future, made.future)]
    named += [(_name(contract, underlying), contract.candles) for contract in made.options]
    parts = [(name, candles, _between(candles.opened_at + 60, after, until)) for name, candles in named]
    names = _labels([name for name, _, _ in parts], [int(rows.sum()) for _, _, rows in parts])
    opened = _joined((candles.opened_at[rows] for _, candles, rows in parts))
    columns = {name: _joined(getattr(candles, name)[rows] for _, candles, rows in parts) for name in _OHLC}
    return pa.table(
        {
            "instrument": names,
            "minutes": pa.array(np.ones(len(opened), dtype=np.int32)),
            "opened_at": _times(opened),
            "closed_at": _times(opened + 60),
            "session": _days(made.on, len(opened)),
            **columns,
            "volume": _joined(candles.volume[rows] for _, candles, rows in parts),
            "open_interest": _joined(candles.open_interest[rows] for _, candles, rows in parts),
        }
    )


def quote_rows(made: SimulatedSession, underlying: str, *, after: int = 0, until: int = 2**62) -> pa.Table:
    """Return the session's chain snapshots in (after, until] as `store_option_quotes` takes them."""
    chain = made.chain
    rows = _between(chain.at, after, until)
    n_rows = int(rows.sum())
    expiries = pa.array([expiry.on for expiry in made.expiries], pa.date32())
    bid = chain.bid[rows]
    return pa.table(
        {
            "underlying": _labels([underlying], [n_rows]),
            "quoted_at": _times(chain.at[rows]),
            "expiry_on": expiries.take(pa.array(chain.expiry[rows])),
            "strike": pa.array(chain.strike[rows].astype(np.float64)),
            "option_type": pa.array(["PE", "CE"], pa.string()).take(pa.array(chain.call[rows])),
            "bid": pa.array(bid, mask=bid == 0),  # nobody bids
            "ask": pa.array(chain.ask[rows]),
            "bid_quantity": pa.array(chain.bid_quantity[rows], mask=bid == 0),
            "ask_quantity": pa.array(chain.ask_quantity[rows]),
            "ltp": pa.array(chain.ltp[rows]),
            "open_interest": pa.array(chain.open_interest[rows]),
            "open_interest_change": pa.array(chain.open_interest_change[rows]),
            "volume": pa.array(chain.volume[rows]),
            "iv": pa.array(chain.iv[rows] * 100.0),
        }
    )


def last_minute(candles: MinuteCandles) -> int:
    """Return when the last candle closes."""
    return int(candles.opened_at[-1]) + 60


def _between(at: NDArray[np.int64], after: int, until: int) -> NDArray[np.bool_]:
    return (at > after) & (at <= until)


def _joined(parts: Iterable[NDArray[np.int64]]) -> NDArray[np.int64]:
    return np.concatenate(list(parts))


def _labels(names: Sequence[str], counts: Sequence[int]) -> pa.Array:
    """Return each name as often as its count says."""
    which = np.repeat(np.arange(len(names)), counts)
    return pa.array(list(names), pa.string()).take(pa.array(which))


def _times(seconds: NDArray[np.int64]) -> pa.Array:
    return pa.array(seconds * 1_000_000, pa.int64()).cast(pa.timestamp("us", tz="UTC"))


def _days(on: date, n_rows: int) -> pa.Array:
    return pa.array(np.full(n_rows, (on - _EPOCH).days, dtype=np.int32)).cast(pa.date32())
