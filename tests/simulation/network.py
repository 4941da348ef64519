"""What lies between the agent and the broker: requests and replies get lost, come late, or are refused."""

from collections.abc import Callable
from contextlib import suppress
from random import Random
from typing import TypeVar

from tests.simulation.venue import RefusedError
from tests.simulation.world import Life, World

T = TypeVar("T")

ORDER_TIMEOUT = 10
READ_TIMEOUT = 3
LATEST_ARRIVAL = 15
VERY_LATE, VERY_LATE_SHARE = 150, 0.2
"""Some super orders arrive when nobody expects them any more; exits do not, since no guardian could survive that."""
ORDER_WEIGHT = 80.0
"""How much likelier a process dies around an order request than around a read: that is where it hurts."""


class LostError(Exception):
    """No reply came; the request may have arrived, may still arrive, or is gone."""


class UnreadableError(Exception):
    """A read got no answer."""


class Network:
    """Carries one incarnation's calls."""

    def __init__(self, life: Life) -> None:
        self._life = life
        self._world: World = life.world
        self._rng: Random = life.world.network_rng

    def send(self, what: str, act: Callable[[], T], *, counted: bool = True) -> T:
        """Carry an order request, or another that changes something and is not `counted` as one.

        Raises
        ------
        LostError
            If no reply came.
        RefusedError
            If the broker said no.
        """
        world = self._world
        self._life.point(ORDER_WEIGHT)
        if counted:
            world.requests_sent.append((world.second, what))
        world.say(f"agent   sends {what}")
        if world.troubled("token_expiry"):
            raise LostError(f"401 token {world.secret} expired")
        self._lose(what, act)
        if world.chance(self._rng, world.faults.reject / 2):
            raise RefusedError("DH-906 refused for no reason")
        answer = act()
        if world.chance(self._rng, world.faults.lost_reply):
            self._give_up(self._rng.randint(0, ORDER_TIMEOUT), f"the reply to {what} is lost")
        self._life.point(ORDER_WEIGHT)
        return answer

    def read(self, what: str, act: Callable[[], T]) -> T:
        """Carry a read.

        Raises
        ------
        UnreadableError
            If no answer came.
        """
        world = self._world
        self._life.point()
        if world.troubled("token_expiry"):
            raise UnreadableError(f"{what}: 401 token {world.secret} expired")
        if world.troubled("outage") or world.chance(self._rng, world.faults.read_failure):
            world.wait(self._rng.randint(0, READ_TIMEOUT))
            raise UnreadableError(f"{what} timed out")
        return act()

    def _lose(self, what: str, act: Callable[[], object]) -> None:
        world, faults = self._world, self._world.faults
        if world.troubled("outage") or world.chance(self._rng, faults.lost_request):
            self._give_up(self._rng.randint(0, ORDER_TIMEOUT), f"{what} is lost")
        if world.chance(self._rng, faults.late_request):
            patience = self._rng.randint(0, ORDER_TIMEOUT)
            latest = (
                VERY_LATE if what.startswith("super order") and self._rng.random() < VERY_LATE_SHARE else LATEST_ARRIVAL
            )
            delay = patience + self._rng.randint(1, latest)

            selling = what.startswith("exit ")
            world.venue.incoming += selling

            def arrive() -> None:
                world.venue.incoming -= selling
                world.say(f"network delivers {what} late")
                with suppress(RefusedError):  # nobody is left to hear the refusal
                    act()

            world.later(delay, arrive)
            self._give_up(patience, f"{what} is late by {delay} s")

    def _give_up(self, patience: int, why: str) -> None:
        self._world.say(f"network {why}")
        self._life.point(ORDER_WEIGHT)
        self._world.wait(patience)
        self._life.point(ORDER_WEIGHT)
        raise LostError("no reply")
