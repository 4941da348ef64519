"""One question to a model with everything that came of it, as the ledger keeps it."""

from decimal import Decimal

from pydantic import AwareDatetime

from agents.domain.values import Frozen
from agents.domain.zones import Outcome


class Usage(Frozen):
    """Tokens that a call was billed for, as the server reported them; cached and reasoning tokens are parts."""

    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        """Return the tokens of two attempts together."""
        return Usage(
            input_tokens=self.input_tokens + other.input_tokens,
            cached_tokens=self.cached_tokens + other.cached_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            reasoning_tokens=self.reasoning_tokens + other.reasoning_tokens,
        )


class LlmCall(Frozen):
    """A call and its reply.

    `key` is the content hash of facts, model, prompt, parameters and sample. `asked_at` is market time, `subject` the
    zone or setup. `body` is the reply's text where one came, `detail` says in one line how the call ended, `trace`
    holds one JSON object for each attempt. `cost` is in US dollars, `latency` in seconds.
    """

    key: str
    subject: str
    asked_at: AwareDatetime
    model: str
    served_model: str | None = None
    system_fingerprint: str | None = None
    prompt_id: str
    prompt_version: int
    prompt_sha: str
    system: str
    reply_schema: str
    facts: str
    params: str
    sample: int
    status: Outcome
    body: str = ""
    detail: str = ""
    attempts: int = 0
    trace: str = "[]"
    usage: Usage = Usage()
    cost: Decimal = Decimal(0)
    latency: float = 0.0
    request_id: str | None = None


class Permit(Frozen):
    """Leave to try a dependency once. `generation` is the breaker's count of state changes when it was given."""

    name: str
    generation: int
    probe: bool = False
