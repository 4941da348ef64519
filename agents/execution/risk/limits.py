"""How much may be risked, and the caps that no setting passes."""

import math
from dataclasses import dataclass, fields, replace
from datetime import date, time, timedelta
from types import MappingProxyType
from typing import Any

from agents.domain.errors import ConfigError

FREEZE_QUANTITY = 1_800
HOLIDAYS = 10
"""Days that a look back is longer than weekends alone make it."""


@dataclass(frozen=True)
class Freshness:
    """How old prices may be, in seconds of the market's time."""

    index: float
    quote: float
    chain: float
    zones: float = 900.0
    clock_skew: float = 1.0


@dataclass(frozen=True)
class Limits:
    """What one account may risk. Shares are of equity; times are of the clock in India.

    `deciding` holds for the data that a cycle reads from the store, `sending` for the live quotes that an order is held
    against before it is sent. Each field but those two is a line of the file of limits.
    """

    risk_per_trade: float = 0.01
    premium_share: float = 0.25
    open_premium_share: float = 0.40
    freeze_quantity: int = FREEZE_QUANTITY
    depth_share: float = 0.10
    kelly_fraction: float = 0.25
    kelly_outcomes: int = 200
    daily_loss_share: float = 0.03
    half_size_share: float = 0.02
    flatten_loss_share: float = 0.04
    max_trades: int = 5
    max_open: int = 1
    cool_down: timedelta = timedelta(minutes=15)
    pause_after_losses: int = 2
    pause: timedelta = timedelta(minutes=60)
    stop_after_losses: int = 3
    stop_guard_stops: int = 4
    stop_guard_sessions: int = 2
    drawdown_share: float = 0.08
    drawdown_sessions: int = 20
    low_profit_trades: int = 10
    low_profit_share: float = 0.05
    fair_share: float = 0.10
    spread_share: float = 0.02
    mark_share: float = 0.05
    index_move_share: float = 0.004
    band_share: float = 0.90
    first_entry: time = time(9, 30)
    last_entry: time = time(14, 45)
    last_entry_on_expiry: time = time(13, 30)
    requests_per_second: int = 2
    requests_per_day: int = 60
    vix: float = 25.0
    vix_factor: float = 0.5
    event_factor: float = 0.5
    least_expectancy: float = 0.05
    deciding: Freshness = Freshness(index=120.0, quote=120.0, chain=120.0)
    sending: Freshness = Freshness(index=3.0, quote=5.0, chain=120.0)

    @property
    def sessions_looked_back(self) -> int:
        """How many sessions before this one the protections look at."""
        return max(self.drawdown_sessions, self.stop_guard_sessions)

    def looked_back_from(self, on: date) -> date:
        """Return the first date whose round trips the protections may look at: sessions are five days of seven."""
        return on - timedelta(days=2 * self.sessions_looked_back + HOLIDAYS)


CAPS = MappingProxyType(
    {
        "risk_per_trade": 0.05,
        "premium_share": 1.0,
        "open_premium_share": 1.0,
        "freeze_quantity": FREEZE_QUANTITY,
        "depth_share": 0.5,
        "kelly_fraction": 0.5,
        "daily_loss_share": 0.20,
        "flatten_loss_share": 0.25,
        "max_trades": 20,
        "max_open": 1,
        "drawdown_share": 0.50,
        "low_profit_share": 0.50,
        "fair_share": 0.25,
        "spread_share": 0.05,
        "mark_share": 0.10,
        "index_move_share": 0.01,
        "band_share": 1.0,
        "requests_per_second": 5,
        "requests_per_day": 200,
        "vix_factor": 1.0,
        "event_factor": 1.0,
        "last_entry": time(15, 0),
        "last_entry_on_expiry": time(15, 0),
    }
)
"""The loosest value that each limit may ever have; a file of limits may lower these and never raises them."""

FLOORS = MappingProxyType({"first_entry": time(9, 16), "kelly_outcomes": 100})
"""The same for limits that are looser when they are smaller."""


def capped(limits: Limits, caps: dict[str, Any] | None = None) -> Limits:  # Any: the fields of Limits
    """Return `limits` if they keep to the caps.

    Parameters
    ----------
    limits : Limits
        As somebody wants them.
    caps : dict, optional
        Tighter caps, by the limit's name.

    Raises
    ------
    ConfigError
        If one is looser than its cap, is not a number, or contradicts another.
    """
    every = {**CAPS, **(caps or {})}
    for name, highest in every.items():
        value = getattr(limits, name)
        if value > highest:
            raise ConfigError(f"the limit {name} is {value}, and nothing may set it above {highest}; lower it")
    for name, lowest in FLOORS.items():
        if getattr(limits, name) < lowest:
            raise ConfigError(f"the limit {name} is {getattr(limits, name)}, and nothing may set it below {lowest}")
    for field in fields(limits):
        value = getattr(limits, field.name)
        if isinstance(value, int | float) and (not math.isfinite(value) or value < 0):
            raise ConfigError(f"the limit {field.name} is {value}; give a number that is not negative")
    if not limits.half_size_share <= limits.daily_loss_share <= limits.flatten_loss_share:
        raise ConfigError(
            f"half_size_share {limits.half_size_share}, daily_loss_share {limits.daily_loss_share} and "
            f"flatten_loss_share {limits.flatten_loss_share} must not fall: first smaller, then none, then flat"
        )
    return limits


def changed(limits: Limits, **values: Any) -> Limits:  # Any: the fields of Limits
    """Return the limits with other values, held against the caps."""
    return capped(replace(limits, **values))
