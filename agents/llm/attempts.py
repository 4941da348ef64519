"""The attempts at one question: which failures are tried again, after how long, and what each one leaves behind."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Generic

from agents.domain.calls import Permit, Usage
from agents.domain.errors import JudgeMalformedError
from agents.domain.zones import Outcome
from agents.llm.question import CHARS_PER_TOKEN, Facts, Question, R
from agents.llm.server import Answer, Failure, FailureKind, Request, Server
from agents.ports import Breaker

WAITS = (1.0, 2.0, 4.0)
RETRY_AFTER_CAP = 30.0
JITTER_SECONDS = 0.25

# Only these say that the service is down; any other answer proves that it is up.
_COUNTED = {FailureKind.TIMEOUT, FailureKind.CONNECTION, FailureKind.SERVER, FailureKind.RATE_LIMIT}
_FINAL = {FailureKind.QUOTA: Outcome.QUOTA, FailureKind.PERMANENT: Outcome.PERMANENT}
_CUT = {
    "length": (Outcome.TRUNCATED, "the answer was cut off"),
    "content_filter": (Outcome.FILTERED, "the answer was filtered"),
}

Sleep = Callable[[float], Awaitable[None]]


def jitter(key: str, attempt: int) -> float:
    """Return seconds in [0, 0.25) that differ by question and attempt, and are the same every time."""
    digest = hashlib.sha256(f"{key}:{attempt}".encode()).digest()
    return int.from_bytes(digest[:4]) / 2**32 * JITTER_SECONDS


@dataclass
class Ending(Generic[R]):
    """How a question ended. `value` is there exactly when `status` is ok."""

    status: Outcome
    value: R | None = None
    body: str = ""
    detail: str = ""


@dataclass
class Attempts(Generic[R]):
    """The attempts at one question, and what is known of them should they be cut short.

    `usage` is what the server billed, `presumed` what it may have billed without saying so. `in_flight` is the
    breaker's permit of the attempt that is under way.
    """

    question: Question[R]
    facts: Facts
    key: str
    server: Server
    breaker: Breaker
    sleep: Sleep
    plain_models: set[str]
    ends_at: float
    made: int = 0
    usage: Usage = field(default_factory=Usage)
    presumed: Usage = field(default_factory=Usage)
    trace: list[dict[str, Any]] = field(default_factory=list)  # Any: whatever JSON can hold
    in_flight: Permit | None = None
    last: Answer | None = None
    request_id: str | None = None

    async def run(self) -> Ending[R]:
        """Ask until there is an answer or no use in asking again."""
        waits = iter(WAITS)
        asked_again = False
        while True:
            permit = await asyncio.to_thread(self.breaker.enter)
            if permit is None:
                return Ending(Outcome.BREAKER_OPEN, detail=f"{self.made} attempts, then the breaker was open")
            answer = await self._ask(permit)
            if isinstance(answer, Failure) and answer.kind is FailureKind.TEMPERATURE:
                if self.question.model in self.plain_models:
                    return Ending(Outcome.PERMANENT, detail=answer.detail)
                self.plain_models.add(self.question.model)
                continue
            ending = self._ending(answer)
            if ending is not None and (ending.status is not Outcome.INVALID or asked_again):
                return ending
            if ending is not None:
                asked_again = True
                continue
            ending = await self._pause(answer, next(waits, None))
            if ending is not None:
                return ending

    async def _ask(self, permit: Permit) -> Answer | Failure:
        self.made += 1
        self.in_flight = permit
        answer = await self.server.ask(self._request())
        self.in_flight = None
        self._note(answer)
        down = isinstance(answer, Failure) and answer.kind in _COUNTED
        await asyncio.to_thread(self.breaker.failed if down else self.breaker.succeeded, permit)
        return answer

    async def _pause(self, answer: Answer | Failure, wait: float | None) -> Ending[R] | None:
        """Wait before the next attempt, or return how the question ends because there is none."""
        failure = answer if isinstance(answer, Failure) else Failure(FailureKind.UNREADABLE)
        if wait is None:
            return Ending(Outcome.EXHAUSTED, detail=failure.detail)
        if failure.retry_after is None:
            seconds = wait + jitter(self.key, self.made)
        else:
            seconds = min(failure.retry_after, RETRY_AFTER_CAP)
        if asyncio.get_running_loop().time() + seconds >= self.ends_at:
            return Ending(Outcome.DEADLINE, detail=f"no time left to wait {seconds:.2f} s; {failure.detail}")
        self.trace[-1]["waited"] = round(seconds, 3)
        await self.sleep(seconds)
        return None

    def _ending(self, answer: Answer | Failure) -> Ending[R] | None:
        """Return how the question ends with this answer, None where trying again later may help."""
        if isinstance(answer, Answer):
            return read_answer(self.question, self.facts, answer)
        if answer.kind is FailureKind.TOO_LONG:
            return Ending(Outcome.INVALID, detail=answer.detail)
        final = _FINAL.get(answer.kind)
        return None if final is None else Ending(final, detail=answer.detail)

    def _request(self) -> Request:
        params = dict(self.question.params)
        if self.question.model in self.plain_models:
            params.pop("temperature", None)
        return Request(
            model=self.question.model,
            system=self.question.prompt.system,
            user=self.question.facts_text(self.facts),
            schema_name=self.question.prompt.id,
            schema=self.question.schema,
            params=params,
        )

    def _note(self, answer: Answer | Failure) -> None:
        self.request_id = answer.request_id or self.request_id
        if isinstance(answer, Failure):
            if answer.kind in {FailureKind.TIMEOUT, FailureKind.TOO_LONG, FailureKind.UNREADABLE}:
                self.presume()
            told = {"kind": answer.kind.value, "status_code": answer.status_code, "detail": answer.detail}
            self.trace.append(told | {"request_id": answer.request_id})
            return
        self.last = answer
        if answer.usage is None:
            self.presume(len(answer.content))
        else:
            self.usage += answer.usage
        told = {"kind": "reply", "finish_reason": answer.finish_reason, "content": answer.content}
        self.trace.append(told | {"request_id": answer.request_id})

    def presume(self, written: int = 0) -> None:
        """Count an attempt whose bill is not known as one that was billed."""
        sent = self.question.input_tokens(self.facts)
        self.presumed += Usage(input_tokens=sent, output_tokens=-(-written // CHARS_PER_TOKEN))


def read_answer(question: Question[R], facts: Facts, answer: Answer) -> Ending[R]:
    """Return what an answer comes to: refusal first, then why it ended, then what it says."""
    if answer.refusal:
        return Ending(Outcome.REFUSAL, body=answer.refusal, detail="the model refused")
    if answer.finish_reason != "stop":
        status, detail = _CUT.get(answer.finish_reason, (Outcome.INVALID, "the answer ended for an unknown reason"))
        return Ending(status, body=answer.content, detail=detail)
    if not answer.content.strip():
        return Ending(Outcome.INVALID, detail="the answer is empty")
    try:
        return Ending(Outcome.OK, question.read(answer.content, facts), answer.content)
    except JudgeMalformedError as error:
        return Ending(Outcome.INVALID, body=answer.content, detail=str(error))
