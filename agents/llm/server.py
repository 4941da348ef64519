"""What asking a model once means: a request in, a reply or a failure out."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from agents.domain.calls import Usage


class FailureKind(StrEnum):
    """Why there is no reply, by what may be done about it."""

    TIMEOUT = "timeout"
    CONNECTION = "connection"
    SERVER = "server"
    RATE_LIMIT = "rate_limit"
    CONFLICT = "conflict"
    UNREADABLE = "unreadable"
    TOO_LONG = "too_long"
    QUOTA = "quota"
    TEMPERATURE = "temperature"
    PERMANENT = "permanent"


@dataclass(frozen=True)
class Failure:
    """An attempt without a reply. `retry_after` is in seconds, `detail` may hold the server's own words."""

    kind: FailureKind
    status_code: int | None = None
    retry_after: float | None = None
    request_id: str | None = None
    detail: str = ""


@dataclass(frozen=True)
class Answer:
    """A reply as it came, not yet judged. `usage` is None where the server reports none."""

    content: str
    refusal: str
    finish_reason: str
    served_model: str | None
    system_fingerprint: str | None
    usage: Usage | None
    request_id: str | None


@dataclass(frozen=True)
class Request:
    """What is asked. `params` are numbers such as the temperature."""

    model: str
    system: str
    user: str
    schema_name: str
    schema: dict[str, Any]  # Any: a JSON schema
    params: dict[str, float]


class Server(Protocol):
    """Something that answers questions, once each: it never retries by itself."""

    async def ask(self, request: Request) -> Answer | Failure:
        """Return the reply, or why there is none."""
        ...
