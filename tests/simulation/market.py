"""Prices of a session: a walk with jumps, one step a second, in ticks of five paise. Fixed by the seed alone."""

from random import Random

LOWEST = 60
SPREAD = 1


class Price:
    """The price of one contract through a session.

    Parameters
    ----------
    rng : Random
        Used up at construction; whatever the guardian does cannot move a price.
    seconds : int
        Length of the session.
    jumps : float
        Chance of a jump in a second.
    """

    def __init__(self, rng: Random, seconds: int, jumps: float) -> None:
        level = float(rng.randint(1_600, 3_600))
        drift = rng.uniform(-0.25, 0.25)
        gauss, chance = rng.gauss, rng.random
        steps = []
        for _ in range(seconds + 1):
            level += drift + gauss(0.0, 4.0)
            if jumps and chance() < jumps:
                level *= 1.0 + rng.choice((-1, -1, 1)) * rng.uniform(0.02, 0.14)
            level = max(level, float(LOWEST))
            steps.append(int(level))
        self._steps = steps
        self._end = seconds
        self.last = steps[0]

    def move(self, second: int) -> None:
        """Go to the price of `second`; the last price stays once the session is over."""
        self.last = self._steps[min(second, self._end)]

    @property
    def bid(self) -> int:
        """What a seller gets."""
        return self.last - SPREAD

    @property
    def ask(self) -> int:
        """What a buyer pays."""
        return self.last + SPREAD
