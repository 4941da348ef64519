"""Sessions that were recorded: frames of one-minute candles of indices, futures and options, listed as contracts.

Frames have the columns `instrument`, `ts` (aware, the candle's opening), `open`, `high`, `low`, `close`, `volume`;
those of futures and options also `oi` and `expiry`, those of options `underlying`, `strike` and `option_type`. A
future's instrument begins with its index and a dash. Prices are rupees. Dates without any row have no session.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from exchange.columns import TICKS_PER_POINT, MinuteCandles
from exchange.contracts import (
    UNDERLYINGS,
    Contract,
    OptionTerms,
    Underlying,
    future_contract,
    index_contract,
    option_contract,
)
from exchange.listings import PAISE_A_TICK, Key, Listed, Listing, OptionSeries
from exchange.market import OptionSide, RecordingError
from exchange.sessions import Calendar, TradingHours
from exchange.sides import series_in
from exchange.tape_market import TapeMarket

CANDLE_COLUMNS = ("instrument", "ts", "open", "high", "low", "close", "volume")
DERIVATIVE_COLUMNS = (*CANDLE_COLUMNS, "oi", "expiry")
OPTION_COLUMNS = (*DERIVATIVE_COLUMNS, "underlying", "strike", "option_type")
LOOKS_BACK = 5


@dataclass(frozen=True)
class Recording:
    """What was recorded; see the module for the columns."""

    index: pd.DataFrame
    futures: pd.DataFrame
    options: pd.DataFrame

    @classmethod
    def from_parquet(cls, index: Path, futures: Path, options: Path) -> "Recording":
        """Read three Parquet files."""
        return cls(pd.read_parquet(index), pd.read_parquet(futures), pd.read_parquet(options))


def recorded_market(recording: Recording, seed: int, first: date | None = None, last: date | None = None) -> TapeMarket:
    """Return the market that a recording shows, from one date to another.

    Parameters
    ----------
    recording : Recording
        Candles of indices, futures and options.
    seed : int
        Which path prices take within their candles.
    first, last : date, optional
        Leave out everything else; all dates unless given.

    Raises
    ------
    RecordingError
        If a column is missing, a time has no zone, or no index candle is left.
    """
    return TapeMarket(RecordedSource(recording, seed, first, last))


class RecordedSource:
    """The sessions of a recording; see `recorded_market`."""

    def __init__(self, recording: Recording, seed: int, first: date | None = None, last: date | None = None) -> None:
        self.seed = seed
        known = set(UNDERLYINGS)
        index = _by_date(recording.index, CANDLE_COLUMNS, "index", first, last)
        futures = _by_date(recording.futures, DERIVATIVE_COLUMNS, "futures", first, last)
        options = _by_date(recording.options, OPTION_COLUMNS, "options", first, last)
        if not index:
            raise RecordingError("the recording has no candle of an index in these dates; choose other dates or files")
        self._frames = {on: (index[on], futures.get(on), options.get(on)) for on in index}
        names = {name for frame in index.values() for name in frame["instrument"].unique()} & known
        self.underlyings: Sequence[Underlying] = [UNDERLYINGS[name] for name in sorted(names)]
        self._dates = sorted(index)
        self.calendar = _calendar(self._dates, index, futures)
        self._listings: dict[date, Listing] = {}

    def listing(self, on: date) -> Listing | None:
        """Return a session with all its contracts, or None when nothing was recorded on that date."""
        if on not in self._frames:
            return None
        if on not in self._listings:
            listed = {(one.contract.segment, one.contract.security_id): one for one in self._listed(on)}
            ends: dict[int, set[date]] = {}
            for one in listed.values():
                if one.contract.kind == "OPTIDX" and one.contract.expiry_on is not None:
                    ends.setdefault(one.contract.underlying_id, set()).add(one.contract.expiry_on)
            self._listings[on] = Listing(on, listed, {key: sorted(days) for key, days in ends.items()})
        return self._listings[on]

    def options(self, side: OptionSide) -> OptionSeries | None:
        """Return the contracts of one expiry and right, None where none was recorded."""
        listing = self.listing(side.on)
        return series_in(listing, side) if listing else None

    def history(self, key: Key, on: date) -> MinuteCandles | None:
        """Return the candles of one contract on one date."""
        listing = self.listing(on)
        found = listing.listed.get(key) if listing else None
        return found.candles if found else None

    def _listed(self, on: date) -> Iterator[Listed]:
        index, futures, options = self._frames[on]
        before = self._last_rows(on)
        spots: dict[str, int] = {}
        for name, rows in index.groupby("instrument", sort=True):
            underlying = UNDERLYINGS.get(str(name))
            if underlying is not None:
                candles = _candles(rows)
                close = before.close(str(name), candles)
                spots[underlying.name] = close
                yield Listed(index_contract(underlying, close), candles, 0, 0)
        if futures is not None:
            yield from _futures(on, futures, before)
        if options is not None:
            yield from _options(options, before, spots)

    def _last_rows(self, on: date) -> "_LastRows":
        place = bisect_left(self._dates, on)
        frames = [
            frame
            for day in self._dates[max(place - LOOKS_BACK, 0) : place]
            for frame in self._frames[day]
            if frame is not None
        ]
        return _LastRows(frames)


class _LastRows:
    """How instruments stood when their last session ended."""

    def __init__(self, frames: Sequence[pd.DataFrame]) -> None:
        self._rows: dict[str, tuple[float, int, int]] = {}
        for frame in frames:
            interest = frame["oi"] if "oi" in frame else pd.Series(0, index=frame.index)
            columns = pd.DataFrame({"close": frame["close"], "oi": interest, "volume": frame["volume"]})
            totals = columns.groupby(frame["instrument"]).agg({"close": "last", "oi": "last", "volume": "sum"})
            for name, close, oi, volume in totals.itertuples():
                self._rows[str(name)] = (float(close), int(oi), int(volume))

    def close(self, name: str, candles: MinuteCandles) -> int:
        """Return the last close in paise; without one, the first price of today's candles."""
        found = self._rows.get(name)
        return (
            int(candles.open[0]) * PAISE_A_TICK if found is None else round(found[0] * TICKS_PER_POINT) * PAISE_A_TICK
        )

    def interest(self, name: str, candles: MinuteCandles) -> int:
        """Return the last open interest; without one, the first of today's."""
        found = self._rows.get(name)
        return int(candles.open_interest[0]) if found is None else found[1]

    def volume(self, name: str) -> int:
        """Return the last session's volume, 0 without one."""
        return self._rows.get(name, (0.0, 0, 0))[2]


def _futures(on: date, futures: pd.DataFrame, before: _LastRows) -> Iterator[Listed]:
    for name, rows in futures.groupby("instrument", sort=True):
        underlying = UNDERLYINGS.get(str(name).split("-")[0])
        if underlying is None:
            continue
        candles = _candles(rows)
        contract = future_contract(underlying, _date(rows["expiry"].iloc[0]), on, before.close(str(name), candles))
        yield _listed(contract, candles, str(name), before)


def _options(options: pd.DataFrame, before: _LastRows, spots: dict[str, int]) -> Iterator[Listed]:
    last_of_month = _last_of_month({_date(end) for end in options["expiry"].unique()})
    for name, rows in options.groupby("instrument", sort=True):
        first = rows.iloc[0]
        underlying = UNDERLYINGS.get(str(first["underlying"]))
        if underlying is None or underlying.name not in spots:
            continue
        end = _date(first["expiry"])
        terms = OptionTerms(end, int(first["strike"]), str(first["option_type"]), monthly=end in last_of_month)
        candles = _candles(rows)
        close = before.close(str(name), candles)
        yield _listed(option_contract(underlying, terms, close, spots[underlying.name]), candles, str(name), before)


def _listed(contract: Contract, candles: MinuteCandles, name: str, before: _LastRows) -> Listed:
    return Listed(contract, candles, before.interest(name, candles), before.volume(name))


def _last_of_month(ends: set[date]) -> set[date]:
    """Return the expiries after which their month has no such weekday left."""
    return {end for end in ends if (end + timedelta(days=7)).month != end.month}


def _candles(rows: pd.DataFrame) -> MinuteCandles:
    def ticks(column: str) -> "np.ndarray[tuple[int, ...], np.dtype[np.int64]]":
        return np.asarray(np.rint(rows[column].to_numpy(dtype=np.float64) * TICKS_PER_POINT), dtype=np.int64)

    interest = rows["oi"].to_numpy(dtype=np.int64) if "oi" in rows else np.zeros(len(rows), dtype=np.int64)
    return MinuteCandles(
        rows["opened_at"].to_numpy(dtype=np.int64),
        ticks("open"),
        ticks("high"),
        ticks("low"),
        ticks("close"),
        rows["volume"].to_numpy(dtype=np.int64),
        interest,
    )


def _by_date(
    frame: pd.DataFrame, columns: Sequence[str], what: str, first: date | None, last: date | None
) -> dict[date, pd.DataFrame]:
    """Return the rows of each date in order of instrument and time, with the opening in seconds since 1970 UTC."""
    missing = [name for name in columns if name not in frame]
    if missing:
        raise RecordingError(f"the {what} frame lacks {', '.join(missing)}; it needs {', '.join(columns)}")
    if frame.empty:
        return {}
    if getattr(frame["ts"].dt, "tz", None) is None:
        raise RecordingError(f"the times of the {what} frame have no zone; localise ts, for instance to Asia/Kolkata")
    local = frame["ts"].dt.tz_convert("Asia/Kolkata")
    keep = pd.Series(data=True, index=frame.index)
    if first is not None:
        keep &= local.dt.date >= first
    if last is not None:
        keep &= local.dt.date <= last
    rows = frame[keep].assign(opened_at=_seconds(frame["ts"][keep]), on=local[keep].dt.date)
    ordered = rows.sort_values(["instrument", "opened_at"], kind="stable")
    return {_date(on): part for on, part in ordered.groupby("on", sort=True)}


def _seconds(moments: "pd.Series[pd.Timestamp]") -> "pd.Series[int]":
    return (moments - pd.Timestamp(0, tz="UTC")) // pd.Timedelta(seconds=1)


def _date(value: object) -> date:
    """Return what a frame calls a date, whatever its type."""
    return pd.Timestamp(str(value)).date()


def _calendar(dates: Sequence[date], index: dict[date, pd.DataFrame], futures: dict[date, pd.DataFrame]) -> Calendar:
    """Return sessions on the recorded dates alone, from the first candle to the end of the last."""
    special = {}
    for on in dates:
        frames = [index[on], *([futures[on]] if on in futures else [])]
        opened = min(int(frame["opened_at"].min()) for frame in frames) * 1000
        ended = max(int(frame["opened_at"].max()) for frame in frames) * 1000 + 60_000
        special[on] = TradingHours(on, opened, ended, int(index[on]["opened_at"].max()) * 1000 + 60_000)
    span = (dates[-1] - dates[0]).days
    quiet = [dates[0] + timedelta(days=step) for step in range(span)]
    return Calendar([on for on in quiet if on not in special], special)
