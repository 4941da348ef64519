"""Prices as the simulated desk sees them: from a feed that may be dead, and over REST when asked for."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache

from agents.domain.errors import BrokerUnavailableError, MissingDataError
from agents.domain.market import Quote
from agents.execution.guardian.ports import TopOfBook
from tests.simulation.network import Network, UnreadableError
from tests.simulation.rows import rupees
from tests.simulation.world import Life

SPOT_TICKS = 480_000


@lru_cache(4_096)
def _moment(opens_at: datetime, second: int) -> datetime:
    return opens_at + timedelta(seconds=second)


@lru_cache(64)
def top_of_book(contract: str, at: datetime, last: int) -> TopOfBook:
    """Return the best prices around the last one, in ticks."""
    return TopOfBook.model_construct(
        contract=contract,
        at=at,
        ltp=rupees(last),
        bid=rupees(last - 1),
        ask=rupees(last + 1),
        lower_circuit=rupees(1),
        upper_circuit=rupees(last * 20),
    )


@lru_cache(4_096)
def index_quote(name: str, at: datetime) -> Quote:
    """Return the index as of a moment."""
    return Quote.model_construct(instrument=name, at=at, ltp=rupees(SPOT_TICKS), bid=None, ask=None)


class SimulatedQuotes:
    """Prices from a feed that may be dead, and over REST when asked for."""

    def __init__(self, life: Life) -> None:
        self._world, self._life = life.world, life
        self._network = Network(life)
        self._at: dict[str, int] = {}
        self._kept: dict[str, int] = {}

    def book(self, contract: str) -> TopOfBook:
        """Return the freshest prices; while the feed is dead those of its last second, or of the last refresh."""
        self._life.point()
        if contract not in self._world.prices:
            raise MissingDataError(f"no price of {contract}")
        self._hear(contract)
        if contract not in self._kept:
            raise MissingDataError(f"no price of {contract} yet")
        return top_of_book(contract, self._moment(contract), self._kept[contract])

    def underlying(self, name: str) -> Quote:
        """Return the index, which stands still here: only its age matters."""
        self._life.point()
        self._hear(name)
        if name not in self._at:
            raise MissingDataError(f"no price of {name} yet")
        return index_quote(name, self._moment(name))

    def refresh(self, names: Sequence[str]) -> None:
        """Read over REST."""
        try:
            self._network.read(f"quotes of {', '.join(names)}", lambda: self._take(*names))
        except UnreadableError as error:
            raise BrokerUnavailableError(str(error)) from error

    def _moment(self, name: str) -> datetime:
        return _moment(self._world.plan.opens_at, self._at[name])

    def _hear(self, name: str) -> None:
        if not self._world.troubled("feed_death"):
            self._take(name)

    def _take(self, *names: str) -> None:
        for name in names:
            self._at[name] = self._world.second
            if name in self._world.prices:
                self._kept[name] = self._world.prices[name].last
