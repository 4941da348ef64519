"""What a source of prices must give of one session: the contracts listed and the minute candles of each."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from exchange.columns import MinuteCandles
from exchange.contracts import Contract, Underlying
from exchange.market import OptionSide
from exchange.sessions import Calendar

PAISE_A_TICK = 5  # columns count in ticks of 0.05 rupees

Key = tuple[str, int]


@dataclass(frozen=True, eq=False)
class Listed:
    """One contract of a session with its candles; the open interest and volume of the session before, in contracts."""

    contract: Contract
    candles: MinuteCandles
    previous_open_interest: int
    previous_volume: int


@dataclass(frozen=True, eq=False)
class Listing:
    """All contracts of one session by segment and id, and the expiries of their options, nearest first."""

    on: date
    listed: Mapping[Key, Listed]
    expiries: Mapping[int, Sequence[date]]


@dataclass(frozen=True)
class OptionSeries:
    """The contracts that an `OptionSide` means: their expiry, all strikes in rupees, ascending, and how to get candles.

    `candles` takes strikes and returns those that have candles.
    """

    expiry_on: date
    strikes: Sequence[int]
    candles: Callable[[Sequence[int]], Mapping[int, MinuteCandles]]


class Source(Protocol):
    """Where sessions come from. Asking twice gives the same."""

    @property
    def calendar(self) -> Calendar:
        """When there are sessions."""
        ...

    @property
    def seed(self) -> int:
        """What decides the path of prices within a minute."""
        ...

    @property
    def underlyings(self) -> Sequence[Underlying]:
        """The indices of this market."""
        ...

    def listing(self, on: date) -> Listing | None:
        """Return a session with all its contracts, or None when the source has nothing for that date."""
        ...

    def options(self, side: OptionSide) -> OptionSeries | None:
        """Return the contracts of one expiry and right, None where there are none; costs less than a whole listing."""
        ...

    def history(self, key: Key, on: date) -> MinuteCandles | None:
        """Return the candles of one contract on one date, or None; may cost less than a whole listing."""
        ...
