"""What anybody may ask of a desk's limits: to make one tighter. Both who asks and who carries it out check by this.

A tightening holds from then on, over sessions and restarts, until somebody on the command line takes it back.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Self

from pydantic import Field, model_validator

from agents.domain.values import Frozen

TIGHTEN = "tighten_limit"
"""The kind of the command that asks for it."""

TIGHTENED, TAKEN_BACK, IN_FORCE = "limit_tightened", "limits_taken_back", "limits_in_force"
"""Events: one limit made tighter; all of that taken back; the limits as they hold, whenever they change."""


class LimitName(StrEnum):
    """The limits that are tighter when they are smaller and may be changed while the desk runs."""

    RISK_PER_TRADE = "risk_per_trade"
    PREMIUM_SHARE = "premium_share"
    OPEN_PREMIUM_SHARE = "open_premium_share"
    DAILY_LOSS_SHARE = "daily_loss_share"
    MAX_TRADES = "max_trades"
    SPREAD_SHARE = "spread_share"


COUNTS = frozenset({LimitName.MAX_TRADES})
"""Limits that are whole numbers; the others are shares."""

MEANING: Mapping[LimitName, str] = MappingProxyType(
    {
        LimitName.RISK_PER_TRADE: "share of equity that one trade may lose at its stop",
        LimitName.PREMIUM_SHARE: "share of equity that one trade may pay in premium",
        LimitName.OPEN_PREMIUM_SHARE: "share of equity that all premium together may be",
        LimitName.DAILY_LOSS_SHARE: "share of equity that a session may lose before nothing new is bought",
        LimitName.MAX_TRADES: "entries of a session",
        LimitName.SPREAD_SHARE: "widest spread of a contract, as a share of its premium",
    }
)


class LimitWish(Frozen):
    """One limit at a value: the payload of a command `TIGHTEN`. Shares lie between 0 and 1, counts are whole."""

    limit: LimitName
    value: float = Field(ge=0, allow_inf_nan=False)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.limit in COUNTS:
            if self.value != int(self.value):
                raise ValueError(f"{self.limit} is a number of trades and must be whole, not {self.value:g}")
        elif self.value > 1:
            raise ValueError(f"{self.limit} is a share between 0 and 1, not {self.value:g}")
        return self

    def tightens(self, now: float) -> bool:
        """Return whether this is tighter than what holds now."""
        return self.value < now
