"""How arrays of findings become rows: the columns that every table shares."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from agents.domain.candles import Candles, Int64s
from agents.domain.values import Side

Positions = NDArray[np.intp]
Int8s = NDArray[np.int8]
Float64s = NDArray[np.float64]
Bools = NDArray[np.bool_]

SIDE_NAMES = np.array([Side.SUPPLY.value, "", Side.DEMAND.value], dtype=object)
_DAY_SECONDS = 86_400


def stamps(seconds: Int64s) -> pd.DatetimeIndex:
    """Return whole seconds since 1970 as times in UTC."""
    return pd.DatetimeIndex(seconds.astype("datetime64[s]")).as_unit("us").tz_localize("UTC")


def dates(days: Int64s) -> NDArray[np.object_]:
    """Return whole days since 1970 as dates."""
    found: NDArray[np.object_] = days.astype("datetime64[D]").astype(object)
    return found


def sides(direction: Int8s) -> NDArray[np.object_]:
    """Return +1 as demand and -1 as supply."""
    names: NDArray[np.object_] = SIDE_NAMES[direction.astype(np.int64) + 1]
    return names


def rows_known_at(candles: Candles, at: Int64s | Positions, columns: Mapping[str, Any]) -> pd.DataFrame:
    """Return rows stamped with the candles at whose close they became known.

    Parameters
    ----------
    candles : Candles
        The history.
    at : ndarray of int, shape (n_rows,)
        Position of the candle of each row.
    columns : mapping
        The table's own columns, each of `n_rows` (Any: whatever a column can be made of).

    Returns
    -------
    pandas.DataFrame
        Columns instrument, session, known_at, and `columns`.
    """
    return pd.DataFrame(
        {
            "instrument": np.full(len(at), candles.instrument, dtype=object),
            "session": dates(candles.session[at]),
            "known_at": stamps(candles.closed_at[at]),
            **columns,
        }
    )
