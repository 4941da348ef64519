"""Candles as Dhan's charts give them: columns of numbers, a page of dates at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np

from agents.data.dhan.errors import DhanError, Trouble
from agents.data.dhan.limiter import CallKind
from agents.data.dhan.master import DERIVATIVES, Listing
from agents.data.dhan.reader import Reader
from agents.data.grid import DAY_SECONDS, IST_SECONDS, as_day, ist_day
from agents.data.hours import DAILY
from agents.data.reading import Float64s, RawCandles
from agents.domain.candles import Int64s, epoch
from agents.domain.values import IST, OptionType

INTRADAY_DAYS, DAILY_DAYS, ROLLING_DAYS = 90, 3650, 30
INTRADAY_MINUTES = (1, 5, 15)
_COLUMNS = ("open", "high", "low", "close", "volume")
_MILLISECONDS = 1e11
_ROLLING_FIELDS = ["open", "high", "low", "close", "volume", "oi", "strike", "spot", "iv"]
_SIDES = {OptionType.CE: ("CALL", "ce"), OptionType.PE: ("PUT", "pe")}


@dataclass(frozen=True)
class Page:
    """Dates of one request, both included."""

    first: date
    last: date


@dataclass(frozen=True)
class Question:
    """Which candles are wanted: what the desk calls the instrument, the interval, the dates, the market's present."""

    name: str
    minutes: int
    page: Page
    now: datetime

    def __str__(self) -> str:
        return f"candles of {self.name} from {self.page.first} to {self.page.last}"


@dataclass(frozen=True)
class RollingOption:
    """The option that is always `offset` strikes from the money, of the nearest weekly or monthly expiry.

    Its name is the desk's: ``NIFTY-ATM-CE``, ``NIFTY-ATM+1-PE``.
    """

    underlying: Listing
    offset: int
    right: OptionType
    monthly: bool = False

    @property
    def strike(self) -> str:
        """What Dhan calls the distance."""
        return f"ATM{self.offset:+d}" if self.offset else "ATM"

    @property
    def name(self) -> str:
        """What the desk calls it."""
        return f"{self.underlying.underlying}-{self.strike}-{self.right.value}"


def page_days(minutes: int) -> int:
    """Return how many days Dhan gives at once."""
    return DAILY_DAYS if minutes == DAILY else INTRADAY_DAYS


def fetch_candles(reader: Reader, listing: Listing, question: Question) -> RawCandles:
    """Return the candles of an instrument on some dates, without any that is still forming.

    Parameters
    ----------
    reader : Reader
        How to ask.
    listing : Listing
        What Dhan calls the instrument.
    question : Question
        Candles of 1, 5, 15 or 1440 minutes, on as many dates as Dhan gives at once.

    Raises
    ------
    DhanError
        If the answer cannot be read, and as `Reader.reply`.
    MissingDataError
        If Dhan says that there are none.
    """
    page, what = question.page, str(question)
    about = (str(listing.security_id), listing.segment, listing.chart_kind, str(page.first))
    if question.minutes == DAILY:
        after = str(page.last + timedelta(days=1))  # the end is left out there
        body = reader.read(what, CallKind.DATA, lambda client: client.historical_daily_data(*about, after, oi=True))
    else:
        until = str(page.last)
        body = reader.read(
            what,
            CallKind.DATA,
            lambda client: client.intraday_minute_data(*about, until, interval=question.minutes, oi=True),
        )
    found = _raw(body, question)
    if not body["timestamp"]:
        reader.spoilt(what, CallKind.DATA, Trouble.NO_DATA, "a chart without a candle, which Dhan calls a success")
    return found


def fetch_rolling(reader: Reader, option: RollingOption, question: Question) -> RawCandles:
    """Return the candles of an option that keeps its distance from the money; see `fetch_candles`."""
    page = question.page
    word, side = _SIDES[option.right]
    body = reader.read(
        str(question),
        CallKind.DATA,
        lambda client: client.expired_options_data(
            option.underlying.security_id,
            DERIVATIVES,
            "OPTIDX",
            "MONTH" if option.monthly else "WEEK",
            1,
            option.strike,
            word,
            list(_ROLLING_FIELDS),
            str(page.first),
            str(page.last + timedelta(days=1)),
            question.minutes,
        ),
    )
    data = body.get("data") if isinstance(body, dict) else None
    columns = data.get(side) if isinstance(data, dict) else None
    return _raw(columns or {name: [] for name in (*_COLUMNS, "timestamp")}, question)


def _raw(body: Any, question: Question) -> RawCandles:  # Any: JSON
    opened, columns = _columns(body, str(question))
    page, now = question.page, question.now
    if question.minutes == DAILY:
        opened_before = as_day(now.astimezone(IST).date()) * DAY_SECONDS - IST_SECONDS  # stamped with midnight
        ready = opened < opened_before
    else:
        ready = opened + question.minutes * 60 <= epoch(now)
    days = ist_day(opened)
    kept = ready & (days >= as_day(page.first)) & (days <= as_day(page.last))
    count = int(kept.sum())
    return RawCandles(
        names=(question.name,),
        code=np.zeros(count, dtype=np.int64),
        opened=opened[kept],
        prices=np.column_stack([columns[each][kept] for each in _COLUMNS[:4]]),
        volume=columns["volume"][kept],
        open_interest=columns["open_interest"][kept],
        facts={},
        priced=True,
    )


def _columns(body: Any, what: str) -> tuple[Int64s, dict[str, Float64s]]:  # Any: JSON
    """Return the times in seconds since 1970 UTC and the columns; Java prints all of them as floats."""
    if not isinstance(body, Mapping) or not isinstance(body.get("timestamp"), list):
        raise DhanError(
            f"{what}: the answer has no timestamps; Dhan changed its charts, see agents/data/dhan/charts.py"
        )
    stamps = _numbers(body["timestamp"])
    interest = body.get("open_interest") or body.get("oi")
    columns = {each: _numbers(body.get(each) or []) for each in _COLUMNS}
    columns["open_interest"] = _numbers(interest) if interest else np.full(len(stamps), np.nan)
    short = {each: len(column) for each, column in columns.items() if len(column) != len(stamps)}
    if short:
        raise DhanError(f"{what}: {len(stamps)} timestamps with columns of other lengths {short}; ask again")
    if not np.isfinite(stamps).all() or (stamps > _MILLISECONDS).any():
        raise DhanError(f"{what}: timestamps are no seconds since 1970; Dhan changed its charts")
    return stamps.astype(np.int64), columns


def _numbers(values: Sequence[Any]) -> Float64s:  # Any: JSON
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
