"""The one caller of a language model: cache, budgets, deadline, attempts, and a record of all of it."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Generic

from agents.domain.calls import LlmCall, Usage
from agents.domain.errors import JudgeMalformedError
from agents.domain.values import IST
from agents.domain.zones import Outcome
from agents.llm.attempts import Attempts, Ending, Sleep
from agents.llm.budget import Budget
from agents.llm.models import answer_tokens, price_of
from agents.llm.question import Facts, Question, R
from agents.llm.records import call_of
from agents.llm.server import Server
from agents.ports import Breaker, CallLog, Clock

INPUT_TOKENS = 6_000
CACHE_AGE = timedelta(seconds=150)


@dataclass(frozen=True)
class Result(Generic[R]):
    """What came of a question. `value` is there exactly when `status` is ok; `cost` in US dollars, `latency` in s."""

    status: Outcome
    value: R | None
    attempts: int
    cached: bool
    usage: Usage
    cost: Decimal
    latency: float
    key: str
    request_id: str | None
    detail: str = ""


@dataclass(frozen=True)
class Rules:
    """The bounds that a gateway keeps.

    `deadline` is in seconds for one question with all its attempts, `daily_budget` in US dollars. `cache_age` is how
    old an answer may be that is given again, None for any age.
    """

    deadline: float
    daily_budget: Decimal
    cache_age: timedelta | None = CACHE_AGE
    input_tokens: int = INPUT_TOKENS


class Gateway(Generic[R]):
    """Puts one kind of question to one model.

    Parameters
    ----------
    question : Question
        What is asked and how the answer is read.
    server : Server
        Who answers.
    calls, breaker, clock
        Ports.
    rules : Rules
        The bounds.
    sleep : callable
        Waits between attempts.
    """

    def __init__(
        self,
        question: Question[R],
        server: Server,
        *,
        calls: CallLog,
        breaker: Breaker,
        clock: Clock,
        rules: Rules,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self.question = question
        self._server = server
        self._calls = calls
        self._breaker = breaker
        self._clock = clock
        self._rules = rules
        self._sleep = sleep
        self._plain_models: set[str] = set()
        self._budget = Budget(calls, rules.daily_budget)

    async def evaluate_all(
        self, facts: Facts, samples: int, *, at: datetime | None = None, seconds: float | None = None
    ) -> list[Result[R]]:
        """Return so many answers about the same `facts`, asked for at once, in the order of their numbers.

        They share the time and the money: unless the dearest outcome of all of them can be paid for, none is asked
        for. Takes and raises what `evaluate` does.
        """
        asked_at = at or self._clock.now()
        async with self._budget.set_aside(self._worst(facts) * samples) as purse:
            each = (
                self.evaluate(facts, sample, at=asked_at, seconds=seconds, funded=purse.enough)
                for sample in range(samples)
            )
            return await asyncio.gather(*each)

    async def evaluate(
        self,
        facts: Facts,
        sample: int = 0,
        *,
        at: datetime | None = None,
        seconds: float | None = None,
        funded: bool | None = None,
    ) -> Result[R]:
        """Return the model's answer about `facts`, or which of the known ways it failed in.

        Parameters
        ----------
        facts : ZoneEvidence or SetupEvidence
            All that the model sees.
        sample : int
            Number of the repetition; each has an answer of its own.
        at : datetime, optional
            Market time of asking; the clock's if not given.
        seconds : float, optional
            Less time than the rules give.
        funded : bool, optional
            Whether the money is set aside already or known to be short; found out here if not given.

        Returns
        -------
        Result
            Anything but `ok` means that nothing new may be traded.

        Raises
        ------
        StoreBusyError, ConfigError
            If the ledger cannot be read or written: what cannot be recorded must not count.
        """
        asked_at = at or self._clock.now()
        key = self.question.key(facts, sample)
        found = await asyncio.to_thread(self._calls.find_call, key, asked_at, max_age=self._rules.cache_age)
        known = None if found is None else self._from_cache(found, facts)
        if known is not None:
            return known
        loop = asyncio.get_running_loop()
        begun = loop.time()
        limit = self._rules.deadline if seconds is None else min(seconds, self._rules.deadline)
        attempts = Attempts(
            self.question, facts, key, self._server, self._breaker, self._sleep, self._plain_models, begun + limit
        )
        ending = await self._within_budget(attempts, limit, funded=funded)
        cost = self._cost(attempts.usage) + self._cost(attempts.presumed)
        call = call_of(attempts, ending, sample, asked_at)
        call = call.model_copy(update={"cost": cost, "latency": round(loop.time() - begun, 3)})
        await asyncio.to_thread(self._calls.record_call, call)
        return _result(call, ending.value)

    async def _within_budget(self, attempts: Attempts[R], limit: float, *, funded: bool | None) -> Ending[R]:
        """Ask if the question is small enough and its dearest outcome can be paid for."""
        tokens = self.question.input_tokens(attempts.facts)
        if tokens > self._rules.input_tokens:
            return Ending(Outcome.TOO_LARGE, detail=f"about {tokens} tokens of at most {self._rules.input_tokens}")
        if funded:
            return await self._within_time(attempts, limit)
        async with self._budget.set_aside(self._worst(attempts.facts)) as purse:
            if funded is False or not purse.enough:
                detail = f"{purse.spent} of {self._budget.daily} dollars are spent today"
                return Ending(Outcome.BUDGET_EXCEEDED, detail=detail)
            return await self._within_time(attempts, limit)

    def _worst(self, facts: Facts) -> Decimal:
        """Return what one answer about `facts` costs at most, asked for once."""
        usage = Usage(input_tokens=self.question.input_tokens(facts), output_tokens=answer_tokens(self.question.model))
        return self._cost(usage)

    async def _within_time(self, attempts: Attempts[R], limit: float) -> Ending[R]:
        try:
            async with asyncio.timeout(limit):
                return await attempts.run()
        except TimeoutError:
            if attempts.in_flight is not None:
                attempts.presume()
                attempts.trace.append({"kind": "cut off"})
                await asyncio.to_thread(self._breaker.failed, attempts.in_flight)
            return Ending(Outcome.DEADLINE, detail=f"no answer within {limit:g} s")

    def _cost(self, usage: Usage) -> Decimal:
        return price_of(self.question.model, self._clock.now().astimezone(IST).date()).cost(usage)

    def _from_cache(self, call: LlmCall, facts: Facts) -> Result[R] | None:
        try:
            value = self.question.read(call.body, facts)
        except JudgeMalformedError:  # A bound has become narrower since: ask again.
            return None
        return Result(
            Outcome.OK, value, 0, True, Usage(), Decimal(0), 0.0, call.key, call.request_id, "answered before"
        )


def _result(call: LlmCall, value: R | None) -> Result[R]:
    return Result(
        status=call.status,
        value=value,
        attempts=call.attempts,
        cached=False,
        usage=call.usage,
        cost=call.cost,
        latency=call.latency,
        key=call.key,
        request_id=call.request_id,
        detail=call.detail,
    )
