"""The desk's clock as the paper exchange's: one file, the same moment in every process."""

from collections.abc import Callable
from typing import Any

from agents.data.clock import SimulatedMarketClock
from exchange.clock import ClockState, MarketClock, Millis, real_now, to_millis


class DeskTime(MarketClock):
    """Market time as the desk's clock file has it; nothing in the exchange can set it.

    Parameters
    ----------
    clock : SimulatedMarketClock
        The desk's clock.
    real : callable, optional
        Where real time comes from, in milliseconds.
    """

    def __init__(self, clock: SimulatedMarketClock, real: Callable[[], Millis] = real_now) -> None:
        super().__init__(real)
        self._clock = clock

    @property
    def state(self) -> ClockState:
        """What the clock shows now."""
        return ClockState(self.now(), self.real(), self.speed)

    @property
    def speed(self) -> float:
        """Market seconds in a real second; 0 while the desk stands still."""
        file = self._clock.file
        return float(file.speed) if file.running else 0.0

    def now(self) -> Millis:
        """Return the market's time."""
        return to_millis(self._clock.now())

    def set(self, market_at: Millis, *, speed: float = 1.0) -> None:  # noqa: ARG002  (the base class's shape)
        """Refuse. Raises `ValueError`: the desk's other processes would not follow."""
        raise ValueError("this exchange keeps the desk's time; stop the desk and start `zonedesk exchange` by itself")

    def keep_open(self, *_how: Any, **_named: Any) -> None:  # Any: the base class's, of which none is used
        """Refuse, as `set` does."""
        self.set(0)

    def use_real(self) -> None:
        """Keep the desk's time: to this exchange that is the real one."""

    def real_delay(self, market_millis: int) -> float:
        """Return the real seconds in which that much market time passes; infinite while the desk stands still."""
        speed = self.speed
        return float("inf") if speed == 0.0 else market_millis / 1000.0 / speed
