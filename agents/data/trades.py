"""Files of single trades, added up to one-minute candles before anything else looks at them."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

TRADE_COLUMNS = frozenset({"price", "volume"})
_CANDLE_COLUMNS = frozenset({"open", "high", "low", "close"})


def holds_trades(frame: "pd.DataFrame") -> bool:
    """Whether the rows are single trades: a price and a volume each, and no candle."""
    have = set(frame.columns)
    return have >= TRADE_COLUMNS and not have & _CANDLE_COLUMNS


def minute_candles(frame: "pd.DataFrame", time: str, instrument: str | None) -> "pd.DataFrame":
    """Return trades as one-minute candles, one row per instrument and minute with trades.

    Parameters
    ----------
    frame : DataFrame
        One row per trade, in the order of trading: `time` (a time column), price in rupees, volume in contracts or
        shares, and perhaps `instrument` and oi.
    time, instrument : str
        Names of the columns; `instrument` is None where the file has a single one.

    Returns
    -------
    DataFrame
        Columns `time` (start of the minute), open, high, low, close, volume, and `instrument` and oi where given.
        Within a second the file's order counts.
    """
    import pandas as pd  # noqa: PLC0415  (a third of a second that not every process needs)

    keys = [frame[instrument]] if instrument else []
    keys.append(pd.to_datetime(frame[time]).dt.floor("min"))
    price = {name: ("price", how) for name, how in zip(("open", "high", "low", "close"), _HOW, strict=True)}
    rest = {"volume": ("volume", "sum")} | ({"oi": ("oi", "last")} if "oi" in frame.columns else {})
    return frame.groupby(keys, sort=True).agg(**price, **rest).reset_index()


_HOW = ("first", "max", "min", "last")
