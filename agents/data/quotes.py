"""Files of option chain snapshots, one row a strike with both sides, as rows of `option_quotes`."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from agents.data.calendar import NseCalendar
from agents.data.contracts import OPTION_TICK, lot_size
from agents.data.grid import Bools, SessionGrid, as_date, ist_day
from agents.data.issues import DROPPED, REPAIRED, IssueLog
from agents.data.names import canonical_name
from agents.data.reading import Float64s, seconds_of
from agents.domain.candles import Int64s
from agents.domain.errors import ConfigError

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_NEEDED = ("instrument", "ts", "expiry", "strike")
_PRICES = ("bid", "ask", "ltp")
_COUNTS = {"bid_quantity": "bid_qty", "ask_quantity": "ask_qty", "volume": "volume"}
_LOT_COUNTS = {"open_interest": "oi", "open_interest_change": "oi_change"}


def is_chain(frame: "pd.DataFrame") -> bool:
    """Whether a file holds option chain snapshots."""
    return {"strike", "ce_ltp", "pe_ltp"} <= set(frame.columns)


def quotes_from_chain(frame: "pd.DataFrame", path: Path, calendar: NseCalendar) -> tuple["pa.Table", IssueLog]:
    """Return the quotes of a file of snapshots, and the log of what was dropped.

    Prices become ticks of 0.05 rupees, null where nobody bids, asks or traded. Open interest comes in lots and
    becomes contracts; volume, quantities and implied volatility (percent) are taken as they are. A snapshot is dated
    by the exchange's own time stamp, not by when somebody fetched it.

    Raises
    ------
    ConfigError
        If a column is missing, or the lot size of a contract is not known.
    """
    import pyarrow as pa  # noqa: PLC0415  (a third of a second that not every process needs)

    if missing := [name for name in _NEEDED if name not in frame.columns]:
        raise ConfigError(f"{path} looks like option chain snapshots and lacks the columns {missing}")
    names, code = np.unique([canonical_name(name) for name in frame["instrument"]], return_inverse=True)
    log = IssueLog([str(name) for name in names], np.zeros(len(names), dtype=np.int64))
    seconds = seconds_of(frame, "ts", path)
    live = _in_session(seconds, calendar)
    log.note("no_session", DROPPED, code[~live], seconds[~live], ["quoted outside trading hours"] * int((~live).sum()))
    frame, code, seconds = frame[live], code[live], seconds[live]
    who, first = np.unique(code, return_index=True)
    text = "open interest comes in lots: multiplied by the lot size"
    log.note("open_interest_in_lots", REPAIRED, who, seconds[first], [text] * len(who))
    expiries = [date.fromisoformat(str(value)[:10]) for value in frame["expiry"]]
    lots = _lots([str(name) for name in names[code]], expiries)
    keys = {
        "underlying": pa.array(names[code].tolist(), pa.string()),
        "quoted_at": pa.array(seconds * 1_000_000, pa.timestamp("us", tz="UTC")),
        "expiry_on": pa.array(expiries, pa.date32()),
        "strike": pa.array([Decimal(str(value)) for value in frame["strike"]], pa.decimal128(12, 2)),
    }
    return pa.concat_tables([pa.table({**keys, **_side(frame, right, lots)}) for right in ("CE", "PE")]), log


def _side(frame: "pd.DataFrame", right: str, lots: Int64s) -> dict[str, "pa.Array"]:
    """Return the columns of the calls (CE) or the puts (PE)."""
    import pyarrow as pa  # noqa: PLC0415  (a third of a second that not every process needs)

    def column(name: str) -> Float64s:
        found = f"{right.lower()}_{name}"
        empty = np.full(len(frame), np.nan)
        return frame[found].to_numpy(dtype=np.float64, na_value=np.nan) if found in frame.columns else empty

    def whole(values: Float64s) -> "pa.Array":
        return pa.array(np.rint(np.nan_to_num(values)).astype(np.int64), mask=np.isnan(values))

    side = {"option_type": pa.array([right] * len(frame), pa.string())}
    for name in _PRICES:
        price = column(name)
        side[name] = whole(np.where(price > 0, price / float(OPTION_TICK), np.nan))
    side |= {name: whole(column(found)) for name, found in _COUNTS.items()}
    side |= {name: whole(column(found) * lots) for name, found in _LOT_COUNTS.items()}
    iv = column("iv")
    side["iv"] = pa.array(np.where(iv > 0, iv, np.nan), from_pandas=True)
    return side


def _in_session(seconds: Int64s, calendar: NseCalendar) -> Bools:
    days = ist_day(seconds)
    grid = SessionGrid.of(calendar, as_date(days.min()), as_date(days.max()))
    segment = grid.segment_of(seconds)
    known = (segment >= 0) & grid.is_session_day(days)
    inside: Bools = known & (grid.day[segment] == days) & (seconds <= grid.late_close[segment])
    return inside


def _lots(names: Sequence[str], expiries: Sequence[date]) -> Int64s:
    pairs = list(zip(names, expiries, strict=True))
    sizes = {pair: lot_size(*pair) for pair in set(pairs)}
    return np.array([sizes[pair] for pair in pairs], dtype=np.int64)
