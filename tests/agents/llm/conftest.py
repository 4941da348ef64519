"""A faulty server, a ledger in memory, and a judge between them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from agents.data.ledger import Ledger
from agents.llm import OpenAIJudge
from agents.llm.verdicts import Panel
from tests.agents.llm.fault_server import FaultServer
from tests.agents.llm.samples import Watch, settings


@pytest.fixture(scope="session")
def server() -> Iterator[FaultServer]:
    running = FaultServer().start()
    yield running
    running.stop()


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def ledger(watch: Watch) -> Iterator[Ledger]:
    opened = Ledger.in_memory("paper", now=watch)
    yield opened
    opened.close()


@dataclass
class Waits:
    """Stands in for sleeping and remembers for how long."""

    seconds: list[float] = field(default_factory=list)

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


@pytest.fixture
def waits() -> Waits:
    return Waits()


MakeJudge = Callable[..., OpenAIJudge]


@pytest.fixture
def judge_for(server: FaultServer, ledger: Ledger, watch: Watch, waits: Waits) -> Iterator[MakeJudge]:
    """Return a function that builds a judge against one scenario."""
    made: list[OpenAIJudge] = []
    server.seen.clear()
    server._counts.clear()

    def make(scenario: str, *, panel: Panel | None = None, batch_seconds: float = 45.0, **changes: Any) -> OpenAIJudge:
        judge = OpenAIJudge(
            settings(**({"openai_base_url": server.url(scenario)} | changes)),
            calls=ledger.calls,
            breaker=ledger.breaker("openai"),
            clock=watch,
            panel=panel or Panel(),
            batch_seconds=batch_seconds,
            sleep=waits,
        )
        made.append(judge)
        return judge

    yield make
    for judge in made:
        judge.close()
