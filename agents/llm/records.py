"""What the ledger keeps of a question: everything, without secrets and with bounded lengths."""

import json
from collections.abc import Callable
from datetime import datetime

from agents.domain.calls import LlmCall
from agents.domain.values import canonical_json
from agents.llm.attempts import Attempts, Ending
from agents.llm.question import R, subject_of

NAME_LENGTH = 128
BODY_LENGTH = 20_000
DETAIL_LENGTH = 300

Redact = Callable[[str], str]


def call_of(attempts: Attempts[R], ending: Ending[R], sample: int, asked_at: datetime, redact: Redact) -> LlmCall:
    """Return a question and how it ended as a row of the ledger, its cost and latency still open."""
    last, question = attempts.last, attempts.question
    return LlmCall(
        key=attempts.key,
        subject=subject_of(attempts.facts),
        asked_at=asked_at,
        model=question.model,
        served_model=None if last is None else _name(last.served_model, redact),
        system_fingerprint=None if last is None else _name(last.system_fingerprint, redact),
        prompt_id=question.prompt.id,
        prompt_version=question.prompt.version,
        prompt_sha=question.prompt_sha,
        system=question.prompt.system,
        reply_schema=canonical_json(question.schema),
        facts=question.facts_text(attempts.facts),
        params=canonical_json(question.params),
        sample=sample,
        status=ending.status,
        body=_clean(ending.body, BODY_LENGTH, redact),
        detail=_clean(ending.detail, DETAIL_LENGTH, redact),
        attempts=attempts.made,
        trace=canonical_json_list(attempts.trace, redact),
        usage=attempts.usage,
        request_id=_name(attempts.request_id, redact),
    )


def canonical_json_list(trace: list[dict[str, object]], redact: Redact) -> str:
    """Return the attempts as JSON, each text cleaned by itself, so that cutting never breaks the JSON."""
    cleaned = [
        {name: _clean(value, BODY_LENGTH, redact) if isinstance(value, str) else value for name, value in one.items()}
        for one in trace
    ]
    return json.dumps(cleaned, sort_keys=True, separators=(",", ":"))


def _name(text: str | None, redact: Redact) -> str | None:
    return None if text is None else _clean(text, NAME_LENGTH, redact)


def _clean(text: str, length: int, redact: Redact) -> str:
    """Return text from outside as it may be stored: no secrets, nothing that a database cannot hold, bounded."""
    storable = text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")
    return redact(storable)[:length]
