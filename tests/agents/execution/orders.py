"""Orders, candles and a market for tests of the broker."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

import numpy as np

from agents.domain.candles import Candles, epoch
from agents.domain.errors import MissingDataError
from agents.domain.market import OptionChain, Quote
from agents.domain.orders import SuperOrder
from agents.domain.values import IST, OptionType

PLACED = datetime(2022, 11, 10, 9, 48, tzinfo=IST)
FLAT = datetime(2022, 11, 10, 15, 10, tzinfo=IST)
TICK = Decimal("0.05")
Prices = tuple[float, float, float, float]


def order(**update: object) -> SuperOrder:
    base = SuperOrder(
        correlation_id="A221110abcdef012301",
        setup_id="abcdef0123",
        zone_id="zone",
        underlying="NIFTY",
        contract="NIFTY22111018000CE",
        option_type=OptionType.CE,
        lots=2,
        lot_size=50,
        tick_size=TICK,
        entry_limit=Decimal("100.30"),
        stop_trigger=Decimal(90),
        target_limit=Decimal(120),
        half_spread=Decimal("0.25"),
        placed_at=PLACED,
        cancel_entry_at=PLACED + timedelta(minutes=3),
        flatten_at=FLAT,
    )
    return base.model_copy(update=update)


def candles(rows: Sequence[Prices], start: datetime = PLACED) -> Candles:
    """Return one candle a minute from `start` on; rows are open, high, low, close in rupees."""
    opened = epoch(start) + 60 * np.arange(len(rows), dtype=np.int64)
    ticks = np.rint(np.asarray(rows, dtype=float).reshape(len(rows), 4) * 20).astype(np.int64)
    return Candles(
        instrument="NIFTY22111018000CE",
        tick_size=TICK,
        minutes=1,
        opened_at=opened,
        closed_at=opened + 60,
        open=ticks[:, 0],
        high=ticks[:, 1],
        low=ticks[:, 2],
        close=ticks[:, 3],
        volume=np.full(len(rows), 500, dtype=np.int64),
        session=np.full(len(rows), 19_306, dtype=np.int64),
    )


class CandleMarket:
    """Implements `ports.MarketData` for one contract."""

    def __init__(self, known: Candles) -> None:
        self.known = known

    def quote(self, instrument: str, now: datetime) -> Quote:
        seen = self.known.until(now)
        if not len(seen):
            raise MissingDataError(f"no price of {instrument}")
        return Quote(instrument=instrument, at=now, ltp=int(seen.close[-1]) * TICK)

    def minutes(self, instrument: str, after: datetime, until: datetime) -> Candles:
        assert instrument == self.known.instrument
        return self.known.until(until).after(after)

    def chain(self, underlying: str, now: datetime, *, min_minutes: int) -> OptionChain:
        raise MissingDataError(f"no chain of {underlying} at {now} beyond {min_minutes} minutes")
