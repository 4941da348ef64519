"""Parquet and CSV files of market data, in whatever columns they come, as one kind of frame."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from agents.data.names import canonical_name
from agents.data.trades import holds_trades, minute_candles
from agents.domain.errors import ConfigError

if TYPE_CHECKING:
    import pandas as pd

Float64s = NDArray[np.float64]
Int64s = NDArray[np.int64]

UNREADABLE = np.iinfo(np.int64).min
_ALIASES: Mapping[str, tuple[str, ...]] = {
    "opened": ("ts", "timestamp", "datetime", "date_time", "date", "time", "opened_at", "start", "epoch"),
    "instrument": ("instrument", "symbol", "tradingsymbol", "trading_symbol", "ticker", "name"),
    "open": ("open", "o"),
    "high": ("high", "h"),
    "low": ("low", "l"),
    "close": ("close", "c"),
    "volume": ("volume", "vol", "v"),
    "open_interest": ("oi", "open_interest", "openinterest"),
    "underlying": ("underlying", "underlying_symbol"),
    "expiry": ("expiry", "expiry_date", "expiry_on", "expiration"),
    "strike": ("strike", "strike_price"),
    "option_type": ("option_type", "right", "type"),
}
_FACTS = ("underlying", "expiry", "strike", "option_type")
_PRICES = ("open", "high", "low", "close")
_ZONE, _INDIA = r":\d{2}.*(?:Z|[+-]\d{2}:?\d{2})\s*$", "+05:30"
_GROUPED = r"\s*-?\d{1,3}(?:,\d{2,3})*,\d{3}(?:\.\d*)?\s*"  # 24,150.05, and 1,24,150.05 as India writes it
_MILLISECONDS, _MICROSECONDS, _NANOSECONDS = 1e11, 1e14, 1e17


@dataclass(frozen=True, eq=False)
class RawCandles:
    """Candles as a file has them, unchecked: rupees, one row each, in the file's order.

    `opened` is in seconds since 1970 UTC, `UNREADABLE` where the file's time means nothing. `prices` has the columns
    open, high, low, close; all four are 0 for a basket, which has volume and no price. `open_interest` is NaN where
    there is none.
    """

    names: tuple[str, ...]
    code: Int64s
    opened: Int64s
    prices: Float64s
    volume: Float64s
    open_interest: Float64s
    facts: Mapping[str, Mapping[str, object]]
    priced: bool


def read_file(path: Path) -> "pd.DataFrame":
    """Return the file's rows with its columns in lower case.

    Raises
    ------
    ConfigError
        If it is neither Parquet nor CSV, cannot be read, or has no rows.
    """
    import pandas as pd  # noqa: PLC0415  (a third of a second that not every process needs)
    import pyarrow as pa  # noqa: PLC0415  (as above)

    kinds = {".parquet": "parquet", ".pq": "parquet", ".csv": "csv", ".txt": "csv"}
    kind = kinds.get(path.suffix.lower())
    if kind is None:
        raise ConfigError(f"{path} is not a Parquet or CSV file; convert it, or give it that suffix")
    try:
        frame = pd.read_parquet(path) if kind == "parquet" else pd.read_csv(path)
    except FileNotFoundError as error:
        raise ConfigError(f"{path} does not exist; check the spelling") from error
    except (OSError, ValueError, pa.ArrowException) as error:
        raise ConfigError(f"cannot read {path}: {error}; is it a whole {kind} file?") from error
    if frame.empty:
        raise ConfigError(f"{path} has no rows; download it again")
    frame.columns = pd.Index([str(name).strip().lower() for name in frame.columns])
    if twice := sorted(set(frame.columns[frame.columns.duplicated()])):
        raise ConfigError(f"{path} has the columns {twice} more than once; keep one of each (case does not count)")
    return frame


def fingerprint(path: Path, *options: object) -> str:
    """Return the sha256 of a file's bytes and of the options it is imported with."""
    digest = hashlib.sha256(repr(options).encode())
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def raw_candles(frame: "pd.DataFrame", path: Path, instrument: str | None) -> RawCandles:
    """Return the candles of a file that `read_file` read.

    Raises
    ------
    ConfigError
        If columns are missing, or no instrument is named.
    """
    import pandas as pd  # noqa: PLC0415  (a third of a second that not every process needs)

    columns = _columns(frame, path)
    if holds_trades(frame):
        frame = minute_candles(frame, columns["opened"], columns.get("instrument"))
        columns = _columns(frame, path)
    if instrument is not None and not instrument.strip():
        raise ConfigError(f"{path}: the name of the instrument is empty; give one with --instrument NAME")
    if instrument is not None:
        code, labels = np.zeros(len(frame), dtype=np.int64), [instrument]
    elif "instrument" in columns:
        codes, found = pd.factorize(frame[columns["instrument"]].astype("string").fillna(""))
        code, labels = codes.astype(np.int64), [str(label) for label in found]
        if "" in labels:
            row = int(np.argmax(code == labels.index("")))
            raise ConfigError(f"{path}: row {row} names no instrument; fill its {columns['instrument']} column")
    else:
        raise ConfigError(f"{path} has no column that names the instrument; say which it is with --instrument NAME")
    priced = "open" in columns
    prices = [_numbers(frame, columns[name]) if priced else np.zeros(len(frame)) for name in _PRICES]
    names = tuple(canonical_name(label) for label in labels)
    return RawCandles(
        names=names,
        code=code,
        opened=seconds_of(frame, columns["opened"], path),
        prices=np.column_stack(prices),
        volume=_numbers(frame, columns["volume"]) if "volume" in columns else np.zeros(len(frame)),
        open_interest=_numbers(frame, columns.get("open_interest")),
        facts=_facts(frame, columns, names, code),
        priced=priced,
    )


def _columns(frame: "pd.DataFrame", path: Path) -> dict[str, str]:
    """Return which column of the file means what."""
    have = set(frame.columns)
    found = {meaning: next((name for name in names if name in have), "") for meaning, names in _ALIASES.items()}
    columns = {meaning: name for meaning, name in found.items() if name}
    if {"date", "time"} <= have and columns["opened"] in {"date", "time"}:
        frame["date and time"] = frame["date"].astype(str) + " " + frame["time"].astype(str)
        columns["opened"] = "date and time"
    if "opened" not in columns:
        raise ConfigError(f"{path} has no time column; name it ts, datetime or date (it has {sorted(have)})")
    prices = [name for name in _PRICES if name in columns]
    if prices and len(prices) < len(_PRICES):
        missing = sorted(set(_PRICES) - set(prices))
        raise ConfigError(f"{path} lacks the columns {missing}; a candle needs open, high, low and close")
    if not prices and "volume" not in columns:
        raise ConfigError(f"{path} has neither prices nor volume (it has {sorted(have)}); is it market data?")
    return columns


def _numbers(frame: "pd.DataFrame", column: str | None) -> Float64s:
    import pandas as pd  # noqa: PLC0415  (a third of a second that not every process needs)

    if column is None:
        return np.full(len(frame), np.nan)
    cells = frame[column]
    if not pd.api.types.is_numeric_dtype(cells):
        texts = cells.astype("string")
        grouped = texts.str.fullmatch(_GROUPED).fillna(value=False)
        cells = texts.where(~grouped, texts.str.replace(",", ""))
    values: Float64s = pd.to_numeric(cells, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    return np.where(np.isfinite(values), values, np.nan)


def seconds_of(frame: "pd.DataFrame", column: str, path: Path) -> Int64s:
    """Return a time column as seconds since 1970 UTC; times without a zone are IST."""
    import pandas as pd  # noqa: PLC0415  (a third of a second that not every process needs)

    values = frame[column]
    if pd.api.types.is_numeric_dtype(values):
        numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
        top = np.nanmax(np.abs(numbers), initial=0)
        sizes = ((_NANOSECONDS, 1e9), (_MICROSECONDS, 1e6), (_MILLISECONDS, 1e3))
        scale = next((unit for bound, unit in sizes if top >= bound), 1.0)
        return np.where(np.isfinite(numbers), np.floor(numbers / scale), UNREADABLE).astype(np.int64)
    if not pd.api.types.is_datetime64_any_dtype(values):
        values = _parsed(values.astype("string"), column, path)
    zoned = values if values.dt.tz is not None else values.dt.tz_localize("Asia/Kolkata")
    seconds = zoned.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy(dtype="datetime64[s]").astype(np.int64)
    return np.where(zoned.isna().to_numpy(), UNREADABLE, seconds)


def _parsed(values: "pd.Series[Any]", column: str, path: Path) -> "pd.Series[Any]":  # Any: strings in, times out
    """Return times from text: ISO 8601, or day first as Indian files write it."""
    import pandas as pd  # noqa: PLC0415  (a third of a second that not every process needs)

    day_first = bool(values.str.match(r"\s*\d{1,2}[-/.]\d{1,2}[-/.]\d{4}").fillna(value=False).any())
    zoned = values.str.contains(_ZONE, regex=True).fillna(value=False).astype(bool)
    if zoned.any():  # one that names no zone is Indian time, also among those that do
        values = values.where(zoned | values.isna(), values.str.rstrip() + _INDIA)
    times = pd.to_datetime(values, format="mixed", dayfirst=day_first, errors="coerce", utc=bool(zoned.any()))
    if times.isna().all():
        raise ConfigError(
            f"{path}: no time can be read from column {column} (first is {values.iloc[0]!r}); use ISO 8601"
        )
    return times


def _facts(
    frame: "pd.DataFrame", columns: Mapping[str, str], names: tuple[str, ...], code: Int64s
) -> dict[str, dict[str, object]]:
    """Return what the columns beside the candles say of each instrument, from its first row."""
    said = {meaning: frame[columns[meaning]] for meaning in _FACTS if meaning in columns}
    if not said:
        return {}
    _, first = np.unique(code, return_index=True)
    return {names[code[row]]: {meaning: column.iloc[row] for meaning, column in said.items()} for row in first}
