"""Runs many seeds in several processes and counts what did not hold."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial

from tests.simulation.faults import PUBLISHED
from tests.simulation.naive import VARIANTS, naive_session
from tests.simulation.naked import Naked
from tests.simulation.session import Result
from tests.simulation.world import Violation

CHUNK = 20
ALLOWED_LATE = 0.0002
"""The share of sessions in which I4 may fail, each explained: enough faults in a row can keep any exit away."""


@dataclass(frozen=True)
class Outcome:
    """What is kept of a session: all but its trace."""

    seed: int
    violations: tuple[Violation, ...]
    orders: int
    deaths: int
    sales: int
    longest_naked: int
    naked: tuple[Naked, ...]

    @classmethod
    def of(cls, result: Result) -> "Outcome":
        """Keep the outcome of a session."""
        return cls(
            result.seed,
            tuple(result.violations),
            result.orders,
            result.deaths,
            result.trades,
            result.longest_naked,
            tuple(result.naked),
        )


@dataclass
class Tally:
    """The sum of many outcomes."""

    seeds: int = 0
    orders: int = 0
    deaths: int = 0
    sales: int = 0
    longest_naked: int = 0
    longest_in: int = 0
    failed: list[Outcome] = field(default_factory=list)
    by_invariant: Counter[str] = field(default_factory=Counter)

    def add(self, outcome: Outcome) -> None:
        """Count one more session."""
        self.seeds += 1
        self.orders += outcome.orders
        self.deaths += outcome.deaths
        self.sales += outcome.sales
        if outcome.longest_naked > self.longest_naked:
            self.longest_naked, self.longest_in = outcome.longest_naked, outcome.seed
        if outcome.violations:
            self.failed.append(outcome)
            self.by_invariant.update(violation.invariant for violation in outcome.violations)

    @property
    def late(self) -> list[Outcome]:
        """Return the sessions of which nothing can be said but that a stop was missing for longer than the bound."""
        return [one for one in self.failed if {violation.invariant for violation in one.violations} == {"I4"}]

    @property
    def holds(self) -> bool:
        """Whether nothing failed but I4, and that in no more than the allowed share of sessions."""
        late = len(self.late)
        return len(self.failed) == late and late <= ALLOWED_LATE * self.seeds

    @property
    def share(self) -> float:
        """Return the share of sessions in which something did not hold."""
        return len(self.failed) / self.seeds if self.seeds else 0.0

    def __str__(self) -> str:
        counts = ", ".join(f"{name} {count}" for name, count in sorted(self.by_invariant.items())) or "none"
        return (
            f"{self.seeds} seeds, {self.orders} orders, {self.sales} sales, {self.deaths} deaths, longest without a "
            f"stop {self.longest_naked} s (seed {self.longest_in}); "
            f"{len(self.failed)} seeds ({self.share:.2%}) violate: {counts}"
        )


def run_one(variant: str, seed: int) -> Result:
    """Run a seed of the real guardian, or of a naive variant by its name."""
    if variant:
        return naive_session(seed, VARIANTS[variant], PUBLISHED).run()
    from tests.simulation.guarded import run_seed  # noqa: PLC0415 - the naive variants run without the guardian

    return run_seed(seed)


def swept(seeds: Iterable[int], *, variant: str = "", processes: int = 1) -> Iterator[Outcome]:
    """Yield the outcome of each seed, in order."""
    run: Callable[[int], Outcome] = partial(_outcome, variant)
    if processes == 1:
        yield from map(run, seeds)
        return
    with ProcessPoolExecutor(processes) as pool:
        yield from pool.map(run, seeds, chunksize=CHUNK)


def tally(seeds: Iterable[int], *, variant: str = "", processes: int = 1) -> Tally:
    """Return the sum over seeds."""
    total = Tally()
    for outcome in swept(seeds, variant=variant, processes=processes):
        total.add(outcome)
    return total


def _outcome(variant: str, seed: int) -> Outcome:
    return Outcome.of(run_one(variant, seed))
