"""A question as it is put to a model: its text, its key, and how an answer is read."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, TypeVar

from pydantic import ValidationError

from agents.domain.errors import JudgeMalformedError
from agents.domain.evidence import SetupEvidence, ZoneEvidence
from agents.domain.values import canonical_json, content_hash
from agents.llm.models import answer_tokens, is_reasoning
from agents.llm.prompts import Prompt, load_prompt
from agents.llm.replies import Reply, SetupReply, ZoneReply, strict_schema

Facts = ZoneEvidence | SetupEvidence
R = TypeVar("R", bound=Reply)

DECIMALS = 4
CHARS_PER_TOKEN = 3


@dataclass(frozen=True)
class Question(Generic[R]):
    """One kind of question to one model.

    Parameters
    ----------
    prompt : Prompt
        What the model is told.
    reply : type
        What it may answer.
    model : str
        The id under which the server knows the model.
    temperature : float
        Sent to models that take one.
    """

    prompt: Prompt
    reply: type[R]
    model: str
    temperature: float

    @cached_property
    def schema(self) -> dict[str, Any]:
        """The JSON schema of the answer. Any: a JSON schema."""
        return strict_schema(self.reply)

    @cached_property
    def prompt_sha(self) -> str:
        """The hash that calls, caches and statistics are keyed by, together with the model."""
        return self.prompt.sha(canonical_json(self.schema))

    @cached_property
    def params(self) -> dict[str, float]:
        """What is asked of the model besides the words. A temperature that a server refuses stays part of the key."""
        params: dict[str, float] = {"max_completion_tokens": answer_tokens(self.model)}
        if not is_reasoning(self.model):
            params["temperature"] = self.temperature
        return params

    def key(self, facts: Facts, sample: int) -> str:
        """Return the content hash of the whole question."""
        asked = {"facts": rounded(facts), "model": self.model, "prompt_sha": self.prompt_sha}
        return content_hash(asked | {"params": self.params, "sample": sample})

    def facts_text(self, facts: Facts) -> str:
        """Return the user message: the canonical JSON of the facts."""
        return canonical_json(rounded(facts))

    def input_tokens(self, facts: Facts) -> int:
        """Return how many tokens the question has at most: a third of its characters, rounded up."""
        chars = len(self.prompt.system) + len(canonical_json(self.schema)) + len(self.facts_text(facts))
        return -(-chars // CHARS_PER_TOKEN)

    def read(self, content: str, facts: Facts) -> R:
        """Return the answer that `content` holds.

        Raises
        ------
        JudgeMalformedError
            If it breaks the schema or a bound, or names ids that were not sent. It is never repaired.
        """
        try:
            reply = self.reply.model_validate_json(content)
        except ValidationError as error:
            raise JudgeMalformedError(f"the answer of {self.model} breaks the schema: {_where(error)}") from None
        if reply.foreign_ids(allowed_ids(facts)):
            raise JudgeMalformedError(f"the answer of {self.model} names evidence that it was not shown")
        return reply


def zone_question(model: str, temperature: float) -> Question[ZoneReply]:
    """Return the question that zones are judged with."""
    return Question(load_prompt("zone_verdict", 1), ZoneReply, model, temperature)


def setup_question(model: str, temperature: float) -> Question[SetupReply]:
    """Return the question that setups are judged with."""
    return Question(load_prompt("setup_verdict", 1), SetupReply, model, temperature)


def subject_of(facts: Facts) -> str:
    """Return the id of the zone or setup that a question is about."""
    return facts.setup_id if isinstance(facts, SetupEvidence) else facts.zone_id


def allowed_ids(facts: Facts) -> frozenset[str]:
    """Return the ids that an answer may name."""
    if isinstance(facts, SetupEvidence):
        return frozenset({facts.setup_id, facts.zone_id})
    return frozenset({facts.zone_id, *facts.component_ids})


def rounded(facts: Facts) -> dict[str, Any]:  # Any: whatever JSON can hold
    """Return the facts as JSON values with four decimals and no negative zero, so that noise does not change a key."""
    return {name: _round(value) for name, value in facts.model_dump(mode="json").items()}


def _round(value: Any) -> Any:  # Any: whatever JSON can hold
    if isinstance(value, float):
        return round(value, DECIMALS) + 0.0
    if isinstance(value, dict):
        return {name: _round(inner) for name, inner in value.items()}
    return value


def _where(error: ValidationError) -> str:
    """Return which fields are wrong and how, without a word of what the model wrote."""
    problems = error.errors(include_input=False, include_url=False, include_context=False)
    # The place may be a key that the model made up, so only the names of our own fields are repeated.
    return "; ".join(sorted({str(problem["type"]) for problem in problems}))[:200]
