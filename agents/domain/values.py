"""The smallest words: money, ticks, sides, time, and identity by content."""

import hashlib
import json
from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field

IST = ZoneInfo("Asia/Kolkata")

Rupees = Annotated[Decimal, Field(allow_inf_nan=False)]
Probability = Annotated[float, Field(ge=0.0, le=1.0, allow_inf_nan=False)]
Lots = Annotated[int, Field(ge=0)]

ID_LENGTH = 16
_LAST_GROUP = 3


class Frozen(BaseModel):
    """A value: immutable, closed to unknown fields, compared by content."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)


class Side(StrEnum):
    """Which way a zone pushes price: demand holds it up, supply holds it down."""

    DEMAND = "demand"
    SUPPLY = "supply"

    @property
    def sign(self) -> int:
        """+1 for demand, -1 for supply: the kernels' direction."""
        return 1 if self is Side.DEMAND else -1

    @classmethod
    def of(cls, direction: int) -> "Side":
        """Return the side of a kernel's direction (+1 or -1)."""
        return cls.DEMAND if direction > 0 else cls.SUPPLY


class OptionType(StrEnum):
    """The right that an option gives: CE to buy, PE to sell."""

    CE = "CE"
    PE = "PE"


def to_ticks(price: Decimal, tick_size: Decimal) -> int:
    """Return `price` in whole ticks.

    Raises
    ------
    ValueError
        If `price` is not a multiple of `tick_size`.
    """
    whole, rest = divmod(price, tick_size)
    if rest:
        raise ValueError(f"{price} is not a multiple of the tick size {tick_size}; round it first")
    return int(whole)


def to_rupees(ticks: int, tick_size: Decimal) -> Decimal:
    """Return `ticks` in rupees, exactly."""
    return Decimal(int(ticks)) * tick_size


def round_to_tick(price: float | Decimal, tick_size: Decimal) -> Decimal:
    """Return the multiple of `tick_size` nearest to `price`, ties to even."""
    return Decimal(round(Decimal(str(price)) / tick_size)) * tick_size


def canonical_json(facts: Mapping[str, Any]) -> str:  # Any: whatever JSON can hold
    """Return the one spelling of `facts` that hashes are taken of: sorted keys, no blanks, no NaN."""
    return json.dumps(facts, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=True, default=str)


def content_hash(facts: Mapping[str, Any]) -> str:  # Any: whatever JSON can hold
    """Return the sha256 of the canonical JSON of `facts`, as 64 hex digits."""
    return hashlib.sha256(canonical_json(facts).encode()).hexdigest()


def content_id(kind: str, facts: Mapping[str, Any]) -> str:  # Any: whatever JSON can hold
    """Return a short id that depends on nothing but `kind` and `facts`."""
    return content_hash({"kind": kind, **facts})[:ID_LENGTH]


def grouped(amount: Decimal | float) -> str:
    """Return an amount as it is written in India, in lakhs and crores: -24,31,450.50; 0.00 has no sign."""
    text = f"{amount:.2f}"
    whole, _, paise = text.removeprefix("-").partition(".")
    head, tail = whole[:-_LAST_GROUP], whole[-_LAST_GROUP:]
    pairs = [head[max(0, end - 2) : end] for end in range(len(head), 0, -2)][::-1]
    return f"{'-' if amount < 0 and float(text) else ''}{','.join([*pairs, tail])}.{paise}"
