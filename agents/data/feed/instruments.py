"""What is subscribed: the broker's key beside the desk's instrument."""

from dataclasses import dataclass
from enum import IntEnum

from agents.data.feed.packets import FeedKey
from agents.domain.market import Instrument


class Mode(IntEnum):
    """How much the feed says of an instrument; the number is the request's code, the next one ends it."""

    TICKER = 15
    QUOTE = 17
    FULL = 21

    @property
    def ending(self) -> int:
        """The code of the request that ends the subscription."""
        return self.value + 1


@dataclass(frozen=True)
class FeedInstrument:
    """One subscription.

    Attributes
    ----------
    key : FeedKey
        The broker's segment and id.
    instrument : Instrument
        The desk's name, kind and tick.
    mode : Mode
        `QUOTE` is the least that carries volume; `FULL` adds bid, ask and open interest.
    """

    key: FeedKey
    instrument: Instrument
    mode: Mode = Mode.FULL

    @property
    def name(self) -> str:
        """The desk's name of it."""
        return self.instrument.name
