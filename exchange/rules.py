"""What the broker decides about orders and does not publish, or may change: kept in one place, with the source."""

from dataclasses import dataclass
from datetime import time
from typing import Literal

from exchange.clock import Millis

# Market price protection, percent of the last price by its size in paise. Dhan publishes no band; this is the table
# other Indian brokers publish for options.
PROTECTION: tuple[tuple[int, int], ...] = ((1_000, 5), (10_000, 3), (50_000, 2))
PROTECTION_ABOVE = 1


@dataclass(frozen=True)
class Rules:
    """How the order side behaves where documents leave it open.

    `transit` and `queue` are the least and most milliseconds until the broker has checked an order and until the
    exchange has it; `match_every` is how often resting orders meet the book. `leg_ids` says whether the legs of a super
    order are listed under the entry's id, as documented, or under their own.
    """

    transit: tuple[Millis, Millis] = (40, 140)
    queue: tuple[Millis, Millis] = (5, 25)
    match_every: Millis = 250
    correlation_length: int = 25  # measured on the sandbox; 30 is documented
    modifications: int = 25
    square_off_at: time = time(15, 20)
    leg_ids: Literal["entry", "own"] = "entry"
    protection: tuple[tuple[int, int], ...] = PROTECTION
    protection_above: int = PROTECTION_ABOVE

    def protection_percent(self, price: int) -> int:
        """Return how far from a price in paise a market order may trade."""
        return next((percent for below, percent in self.protection if price < below), self.protection_above)
