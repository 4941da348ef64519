"""What the ledger keeps of a question: everything, with bounded lengths."""

import json
from datetime import datetime

from agents.domain.calls import LlmCall
from agents.domain.values import canonical_json
from agents.llm.attempts import Attempts, Ending
from agents.llm.question import R, subject_of

NAME_LENGTH = 128
BODY_LENGTH = 20_000
DETAIL_LENGTH = 300


def call_of(attempts: Attempts[R], ending: Ending[R], sample: int, asked_at: datetime) -> LlmCall:
    """Return a question and how it ended as a row of the ledger, its cost and latency still open."""
    last, question = attempts.last, attempts.question
    return LlmCall(
        key=attempts.key,
        subject=subject_of(attempts.facts),
        asked_at=asked_at,
        model=question.model,
        served_model=None if last is None else _name(last.served_model),
        system_fingerprint=None if last is None else _name(last.system_fingerprint),
        prompt_id=question.prompt.id,
        prompt_version=question.prompt.version,
        prompt_sha=question.prompt_sha,
        system=question.prompt.system,
        reply_schema=canonical_json(question.schema),
        facts=question.facts_text(attempts.facts),
        params=canonical_json(question.params),
        sample=sample,
        status=ending.status,
        body=_clean(ending.body, BODY_LENGTH),
        detail=_clean(ending.detail, DETAIL_LENGTH),
        attempts=attempts.made,
        trace=trace_text(attempts.trace),
        usage=attempts.usage,
        request_id=_name(attempts.request_id),
    )


def trace_text(trace: list[dict[str, object]]) -> str:
    """Return the attempts as JSON, each text cleaned by itself, so that cutting never breaks the JSON."""
    cleaned = [
        {name: _clean(value, BODY_LENGTH) if isinstance(value, str) else value for name, value in one.items()}
        for one in trace
    ]
    return json.dumps(cleaned, sort_keys=True, separators=(",", ":"))


def _name(text: str | None) -> str | None:
    return None if text is None else _clean(text, NAME_LENGTH)


def _clean(text: str, length: int) -> str:
    """Return text from outside as it may be stored: without what a database cannot hold, and bounded."""
    storable = text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")
    return storable[:length]
