"""One session's recordings in memory, so that a replay does not open the store for every question.

A day is loaded whole and asked "as of": nothing later than the moment asked for leaves it. It is good for a moment
that it reaches beyond; at the live edge it does not, and is loaded again.
"""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from agents.data.names import contract_name
from agents.data.store import Store
from agents.data.writing import SIMULATED
from agents.domain.candles import Int64s, epoch
from agents.domain.values import IST, OptionType

if TYPE_CHECKING:
    import pyarrow as pa

UNKNOWN = -1
_DAYS_KEPT = 8
_CANDLES = """
    with day as (
        select *, min(minutes) over (partition by instrument) as finest from candles
        where session = $on and minutes <= 15 and ({who}) and ($by is null or ingested_at <= $by)
    )
    select instrument, minutes::bigint as minutes, source,
        (epoch_us(opened_at) // 1000000)::bigint as opened, (epoch_us(closed_at) // 1000000)::bigint as closed,
        open, high, low, close, volume, coalesce(open_interest, -1) as open_interest
    from day where minutes = finest order by instrument, closed_at
"""
_ITSELF = "instrument = $name"
_OPTIONS_OF = "instrument in (select instrument from instruments where kind = 'option' and underlying = $name)"
_QUOTES = """
    select expiry_on, strike, option_type, source, (epoch_us(quoted_at) // 1000000)::bigint as quoted,
        coalesce(bid, -1) as bid, coalesce(ask, -1) as ask, coalesce(ltp, -1) as ltp,
        coalesce(open_interest, 0) as open_interest, coalesce(volume, 0) as volume,
        coalesce(bid_quantity, -1) as bid_quantity, coalesce(ask_quantity, -1) as ask_quantity,
        coalesce(open_interest - open_interest_change, -1) as previous_open_interest,
        coalesce(iv, 'nan'::double) as vendor_iv
    from option_quotes
    where underlying = $name and quoted_at >= $on::timestamp at time zone 'Asia/Kolkata'
        and quoted_at < ($on::timestamp + interval 1 day) at time zone 'Asia/Kolkata'
    order by expiry_on, strike, option_type, quoted_at
"""


@dataclass(frozen=True, eq=False)
class Series:
    """One instrument's candles of a session, oldest first: seconds since 1970 UTC, ticks, contracts."""

    minutes: int
    source: str
    opened: Int64s
    closed: Int64s
    open: Int64s
    high: Int64s
    low: Int64s
    close: Int64s
    volume: Int64s
    open_interest: Int64s


@dataclass(frozen=True, eq=False)
class QuoteSeries:
    """One option's quotes of a session, oldest first; ticks and contracts, `UNKNOWN` where there is no such number.

    `vendor_iv` is the source's own volatility in percent, NaN where it names none.
    """

    source: str
    quoted: Int64s
    bid: Int64s
    ask: Int64s
    ltp: Int64s
    open_interest: Int64s
    volume: Int64s
    bid_quantity: Int64s
    ask_quantity: Int64s
    previous_open_interest: Int64s
    vendor_iv: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Day:
    """A session of one instrument, or of all options on it; `reach` is the last moment that it knows of."""

    reach: int
    series: dict[str, Series]
    quotes: dict[str, QuoteSeries]

    @property
    def synthetic(self) -> bool:
        """Whether a simulator made it."""
        sources = [each.source for each in self.series.values()] or [each.source for each in self.quotes.values()]
        return any(source.startswith(SIMULATED) for source in sources)


class DayCache:
    """The last few days that were asked for, without the candles that were stored after `known_by` if that is given."""

    def __init__(self, store: Store, known_by: datetime | None = None) -> None:
        self._store = store
        self._known_by = known_by
        self._days: OrderedDict[tuple[str, date, bool], tuple[Day, datetime]] = OrderedDict()

    def day(self, name: str, now: datetime, *, options: bool) -> Day:
        """Return the session of `now`, loaded again if it may have grown before `now` since."""
        key = (name, now.astimezone(IST).date(), options)
        kept = self._days.get(key)
        if kept and (kept[0].reach > epoch(now) or kept[1] == now):
            return kept[0]
        fresh = load_day(self._store, name, key[1], options=options, known_by=self._known_by)
        self._days[key] = fresh, now
        self._days.move_to_end(key)
        if len(self._days) > _DAYS_KEPT:
            self._days.popitem(last=False)
        return fresh


def load_day(store: Store, name: str, on: date, *, options: bool, known_by: datetime | None = None) -> Day:
    """Return what is recorded of a session: of the instrument itself, or of the options on it; see `DayCache`."""
    import pyarrow as pa  # noqa: PLC0415, F401  (loaded before the file is open, not while it is)

    asked = {"name": name, "on": on}
    by = {**asked, "by": known_by}
    with store.read() as connection:
        candles = connection.execute(_CANDLES.format(who=_OPTIONS_OF if options else _ITSELF), by).to_arrow_table()
        quotes = connection.execute(_QUOTES, asked).to_arrow_table() if options else None
    series = _series(candles)
    quoted = _quotes(name, quotes) if quotes is not None else {}
    lasts = [int(each.closed[-1]) for each in series.values()] + [int(each.quoted[-1]) for each in quoted.values()]
    return Day(reach=max(lasts, default=0), series=series, quotes=quoted)


def _series(table: "pa.Table") -> dict[str, Series]:
    names = table["instrument"].combine_chunks().dictionary_encode()
    codes = names.indices.to_numpy()
    starts = np.flatnonzero(np.diff(codes, prepend=-1))
    bounds = pairwise([*starts.tolist(), table.num_rows])
    column = {name: table[name].to_numpy() for name in table.column_names if name not in {"instrument", "source"}}
    return {
        names.dictionary[int(codes[first])].as_py(): Series(
            minutes=int(column["minutes"][first]),
            source=table["source"][first].as_py(),
            **{name: values[first:end] for name, values in column.items() if name != "minutes"},
        )
        for first, end in bounds
        if end > first
    }


def _quotes(underlying: str, table: "pa.Table") -> dict[str, QuoteSeries]:
    rows = zip(*(table[name].to_pylist() for name in ("expiry_on", "strike", "option_type")), strict=True)
    labels = {"expiry_on", "strike", "option_type", "source"}
    column = {name: table[name].to_numpy() for name in table.column_names if name not in labels}
    found: dict[str, QuoteSeries] = {}
    start = 0
    for end, (key, following) in enumerate(pairwise([*rows, None]), start=1):
        if key is not None and key != following:
            expiry, strike, right = key
            part = {name: values[start:end] for name, values in column.items()}
            name = contract_name(underlying, expiry, strike, OptionType(right))
            found[name] = QuoteSeries(source=table["source"][start].as_py(), **part)
            start = end
    return found
