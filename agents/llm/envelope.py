"""Reading a chat completion: only what is used, and strictly, since the client's own types accept anything."""

from pydantic import BaseModel

from agents.domain.calls import Usage
from agents.llm.server import Answer


class _Message(BaseModel):
    content: str | None = None
    refusal: str | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None


class _Details(BaseModel):
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None


class _Usage(BaseModel):
    prompt_tokens: int
    completion_tokens: int
    prompt_tokens_details: _Details | None = None
    completion_tokens_details: _Details | None = None


class _Envelope(BaseModel):
    choices: list[_Choice]
    model: str | None = None
    system_fingerprint: str | None = None
    usage: _Usage | None = None


def read_completion(body: bytes, request_id: str | None) -> Answer:
    """Return the reply that the bytes of a response hold.

    Raises
    ------
    ValueError
        If they are not a chat completion with at least one choice.
    """
    envelope = _Envelope.model_validate_json(body)
    if not envelope.choices:
        raise ValueError("no choices")
    choice = envelope.choices[0]
    return Answer(
        content=choice.message.content or "",
        refusal=choice.message.refusal or "",
        finish_reason=choice.finish_reason or "",
        served_model=envelope.model,
        system_fingerprint=envelope.system_fingerprint,
        usage=None if envelope.usage is None else _tokens(envelope.usage),
        request_id=request_id,
    )


def _tokens(usage: _Usage) -> Usage:
    sent, written = usage.prompt_tokens_details or _Details(), usage.completion_tokens_details or _Details()
    return Usage(
        input_tokens=max(0, usage.prompt_tokens),
        cached_tokens=max(0, sent.cached_tokens or 0),
        output_tokens=max(0, usage.completion_tokens),
        reasoning_tokens=max(0, written.reasoning_tokens or 0),
    )
