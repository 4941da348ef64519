"""Order blocks: the last candle against a move that breaks a swing, and what becomes of it."""

from typing import Literal, NamedTuple

from numpy.typing import ArrayLike

from analytics_ext import _blocks, _structure
from analytics_ext._inputs import Int8s, Int64s, at_least, candles, one_of

# A close this many ticks beyond the distal edge still holds it.
BREAK_TICKS = 1


class OrderBlocks(NamedTuple):
    """One entry per order block, ordered by `confirmed`; bars are positions in the candles, -1 where none has come.

    Attributes
    ----------
    direction : ndarray of int8
        +1 for a bullish block, from which price rose to break a swing high; -1 for a bearish one.
    bottom, top : ndarray of int64
        Edges in ticks, ``bottom <= top``.
    swing : ndarray of int64
        Bar of the swing that was broken.
    origin : ndarray of int64
        Bar whose range is the block, ``swing < origin < confirmed``.
    confirmed : ndarray of int64
        Bar whose close breaks the swing, at which the block is known.
    volume : ndarray of int64
        Contracts traded from `origin` to `confirmed`, both included.
    touched : ndarray of int64
        First bar after `confirmed`, and before `broken`, that trades inside the block, edges included.
    broken : ndarray of int64
        First bar after `confirmed` that closes more than one tick beyond the distal edge, the bottom of a bullish
        block. The bar that breaks an untouched block does not touch it.
    breaker : ndarray of int64
        First bar after `broken` that trades inside the block, edges included.
    """

    direction: Int8s
    bottom: Int64s
    top: Int64s
    swing: Int64s
    origin: Int64s
    confirmed: Int64s
    volume: Int64s
    touched: Int64s
    broken: Int64s
    breaker: Int64s


def order_blocks(
    open: ArrayLike,  # noqa: A002 - the field's word
    high: ArrayLike,
    low: ArrayLike,
    close: ArrayLike,
    volume: ArrayLike,
    *,
    half_length: int,
    boundary: Literal["wick", "split"] = "wick",
) -> OrderBlocks:
    """Find the candle from which each break of structure started, and the bars that touch and break its range.

    Swings are those of `swings` and breaks those of `structure_breaks`. Between the swing high and the bar that
    breaks it, the block is the candle with the lowest low, the last of them if several are equal; for a swing low,
    the candle with the highest high.

    Parameters
    ----------
    open, high, low, close : array_like of int, shape (n_candles,)
        Prices in ticks, open and close within ``[low, high]``.
    volume : array_like of int, shape (n_candles,)
        Contracts traded, ``>= 0``.
    half_length : int
        Bars on each side of a swing, at least 1.
    boundary : {"wick", "split"}
        The block's edges: the whole candle, or only as far as its body reaches on the side from which price returns.

    Returns
    -------
    OrderBlocks
        Known at `confirmed` and never rewritten; each event is known at its own bar, so more candles only replace -1.

    Raises
    ------
    ValueError
        If a column is empty, of another length, not whole numbers, has high < low, an open or close outside the
        candle or a negative volume, if `half_length` is below 1, or `boundary` is neither of the two.

    Notes
    -----
    The search for origins is linear: those of two successive breaks of one direction overlap by no more than
    `half_length` bars. An event is found in O(log n).
    """
    at_least("half_length", half_length, 1)
    split = one_of("boundary", boundary, ("wick", "split")) == "split"
    tops, bottoms, opens, closes, contracts = candles(high, low, open=open, close=close, volume=volume)
    assert opens is not None  # these three were passed
    assert closes is not None
    assert contracts is not None
    kind, (index, level, known) = _structure.find(tops, bottoms, min(int(half_length), tops.shape[0]))
    direction, _, (_, swing, at) = _structure.breaks(closes, kind, level, known)
    columns = _blocks.form(opens, tops, bottoms, closes, contracts, direction, index[swing], at, split, BREAK_TICKS)
    return OrderBlocks(direction, *columns)
