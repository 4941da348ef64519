"""Sessions, candles, instruments, contracts, quotes and chains."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Self

from pydantic import AwareDatetime, model_validator

from agents.domain.values import Frozen, OptionType, Rupees

ANALYSIS_MINUTES = 15
TRADE_MINUTES = 3


class InstrumentKind(StrEnum):
    """What a name stands for."""

    INDEX = "index"
    FUTURE = "future"
    OPTION = "option"
    ROLLING_OPTION = "rolling_option"
    STOCK = "stock"
    BASKET = "basket"


class Instrument(Frozen):
    """Something with candles. `tick_size` is in rupees and never changes once candles are stored."""

    name: str
    kind: InstrumentKind
    tick_size: Decimal
    underlying: str | None = None
    expiry_on: date | None = None
    strike: Rupees | None = None
    option_type: OptionType | None = None


class Segment(Frozen):
    """One unbroken stretch of trading."""

    open_at: AwareDatetime
    close_at: AwareDatetime

    @model_validator(mode="after")
    def _opens_before_it_closes(self) -> Self:
        if self.open_at >= self.close_at:
            raise ValueError(f"segment is empty: {self.open_at} to {self.close_at}")
        return self


class Session(Frozen):
    """One trading day as the calendar knows it: usually one segment, two on disaster-recovery Saturdays.

    `segments` are the hours of the cash market (what an index follows continuously); `derivatives_close_at` is when
    futures and options stop; `index_frozen_from` is when the closing auction takes over and the index stops moving,
    None before August 2026.
    """

    on: date
    segments: tuple[Segment, ...]
    derivatives_close_at: AwareDatetime
    index_frozen_from: AwareDatetime | None = None
    note: str = ""

    @property
    def open_at(self) -> datetime:
        """When the first segment opens."""
        return self.segments[0].open_at

    @property
    def close_at(self) -> datetime:
        """When the last segment closes."""
        return self.segments[-1].close_at

    def is_open(self, now: datetime) -> bool:
        """Whether `now` lies inside a segment (its close excluded)."""
        return any(s.open_at <= now < s.close_at for s in self.segments)

    def windows(self, minutes: int) -> Iterator[tuple[datetime, datetime]]:
        """Yield (opens, closes) of each candle of `minutes`; the last one of a segment may be shorter."""
        step = timedelta(minutes=minutes)
        for segment in self.segments:
            opens = segment.open_at
            while opens < segment.close_at:
                closes = min(opens + step, segment.close_at)
                yield opens, closes
                opens = closes

    def closes(self, minutes: int = ANALYSIS_MINUTES) -> list[datetime]:
        """When each candle of `minutes` may first be used, in order."""
        return [closes for _, closes in self.windows(minutes)]


class Quote(Frozen):
    """The last price seen, with its age. Bid and ask are None where the source has none (an index, a recording).

    `offered` are the units on sale in the visible book, None where the source shows none.
    """

    instrument: str
    at: AwareDatetime
    ltp: Rupees
    bid: Rupees | None = None
    ask: Rupees | None = None
    offered: int | None = None


class OptionContract(Frozen):
    """One option: what is bought, and in what units."""

    instrument: str
    underlying: str
    expiry_at: AwareDatetime
    strike: Rupees
    option_type: OptionType
    lot_size: int
    tick_size: Decimal = Decimal("0.05")


class OptionQuote(Frozen):
    """One row of a chain. `at` is when it last traded or was quoted; open interest, volume and quantities in contracts.

    `previous_close` and `previous_open_interest` are those of the session before. `vendor_iv` is the volatility that
    the source itself names, a decimal a year, of a model nobody knows. None where the source does not say.
    """

    contract: OptionContract
    at: AwareDatetime
    ltp: Rupees
    bid: Rupees | None = None
    ask: Rupees | None = None
    open_interest: int = 0
    volume: int = 0
    bid_quantity: int | None = None
    ask_quantity: int | None = None
    previous_close: Rupees | None = None
    previous_open_interest: int | None = None
    vendor_iv: float | None = None


class OptionChain(Frozen):
    """All quotes of one expiry as known at `at`; `spot` is the index then. `synthetic` marks a simulated market."""

    underlying: str
    at: AwareDatetime
    expiry_at: AwareDatetime
    spot: Rupees
    quotes: tuple[OptionQuote, ...]
    synthetic: bool = False
