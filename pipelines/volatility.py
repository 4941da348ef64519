"""The day's constant-maturity volatility: taken once a session from 15:20 on, beside the chains that are recorded.

Imported when a run starts and not when the definitions load, because it brings DuckDB and the broker's client.
"""

import logging
from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta

from agents.data.contracts import expiry_at
from agents.data.iv_history import IvHistory
from agents.data.market import StoreMarket
from agents.domain.chain import DailyIv
from agents.domain.errors import TradingError
from agents.domain.values import IST
from agents.options.maturity import LEAST_MINUTES, MATURITY_DAYS, MEASURED_AT, TOLERANCE, daily_iv
from pipelines.resources import Workbench

_log = logging.getLogger(__name__)


def keep_daily_iv(bench: Workbench, underlying: str, fetched: Collection[date] = ()) -> DailyIv | None:
    """Take and store the session's volatility if it is time and it has none yet; None where there is nothing to keep.

    The expiries around seven days are asked for, except those `fetched` just now. What goes wrong is logged and tried
    again with the next chain: the chain that is traded must not wait for it.
    """
    now = bench.agent.clock.now()
    on = now.astimezone(IST).date()
    if now.astimezone(IST).time() < MEASURED_AT:
        return None
    history = IvHistory(bench.store)
    if any(day.session == on for day in history.days(underlying, on + timedelta(days=1), most=1)):
        return None
    try:
        for expiry_on in expiries_around(bench.agent.expiries(underlying), now):
            if expiry_on not in fetched:
                bench.agent.fetch_option_chain(underlying, expiry_on)
        at = bench.agent.clock.now()
        day = daily_iv(StoreMarket(bench.store), underlying, at, bench.settings.risk_free_rate)
    except TradingError as error:
        _log.warning("the volatility of %s on %s could not be taken: %s", underlying, on, error)
        return None
    if day is None:
        _log.warning("the chains of %s on %s give no honest volatility in %d days", underlying, on, MATURITY_DAYS)
        return None
    history.keep(day, source=bench.agent.dhan.source)
    return day


def expiries_around(listed: Sequence[date], now: datetime) -> list[date]:
    """Return the first expiry past the maturity, and the one to read towards it unless it lies at the maturity."""
    maturity = now + timedelta(days=MATURITY_DAYS)
    far = next((on for on in listed if expiry_at(on) >= maturity - TOLERANCE), None)
    if far is None:
        return []
    if abs(expiry_at(far) - maturity) <= TOLERANCE:
        return [far]
    near = next(on for on in listed if expiry_at(on) >= min(now + timedelta(minutes=LEAST_MINUTES), expiry_at(far)))
    return list(dict.fromkeys((near, far)))
