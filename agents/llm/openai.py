"""The official client behind one call, so that its errors and types end here."""

import logging
import math
from collections.abc import AsyncIterator
from dataclasses import fields
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

import httpx2
import openai
from openai import AsyncOpenAI, DefaultAsyncHttpxClient
from pydantic import SecretStr

from agents.domain.errors import JudgeUnavailableError
from agents.llm.envelope import read_completion
from agents.llm.server import Answer, Failure, FailureKind, Request

A = TypeVar("A", bound=Answer | Failure)

REPLY_BYTES = 1_000_000
CONNECT_SECONDS = 5.0
_NO_KEY = "no-key"
"""What local servers are sent, which ask for no key; the client insists on one."""

_TALKATIVE = ("openai", "httpx2", "httpcore2")
"""Their loggers write headers and addresses at lower levels, and either may hold a key."""

_SECRET_LENGTH = 8
"""A shorter key is none, and taking it out would tear words apart."""


class OpenAIServer:
    """Any server that speaks the chat-completions protocol, through the official client.

    Parameters
    ----------
    api_key : SecretStr, optional
        Left out for local servers that want none.
    base_url : str, optional
        Where the server is; the vendor's own if not given.
    seconds : float
        Longest wait for any single read. The whole question is bounded by the gateway.
    """

    def __init__(self, api_key: SecretStr | None, base_url: str | None, seconds: float) -> None:
        for name in _TALKATIVE:
            logging.getLogger(name).setLevel(logging.WARNING)
        self._secret = "" if api_key is None else api_key.get_secret_value()
        self._client = AsyncOpenAI(
            api_key=self._secret or _NO_KEY,
            base_url=base_url,
            max_retries=0,
            timeout=httpx2.Timeout(seconds, connect=min(CONNECT_SECONDS, seconds)),
            http_client=DefaultAsyncHttpxClient(event_hooks={"response": [_bound]}),
        )

    async def ask(self, request: Request) -> Answer | Failure:
        """Send one request and wait for its reply. Should the server repeat the key, it is taken out here."""
        return self._without_key(await self._ask(request))

    def _without_key(self, answer: A) -> A:
        if len(self._secret) < _SECRET_LENGTH:
            return answer
        texts = {field.name: getattr(answer, field.name) for field in fields(answer)}
        told = {name: text.replace(self._secret, "[key]") for name, text in texts.items() if type(text) is str}
        return type(answer)(**(texts | told))

    async def _ask(self, request: Request) -> Answer | Failure:
        messages: Any = [  # Any: the client's own types for messages are unions of dictionaries
            {"role": "system", "content": request.system},
            {"role": "user", "content": request.user},
        ]
        shape: Any = {"name": request.schema_name, "schema": request.schema, "strict": True}  # Any: as above
        params: Any = request.params  # Any: as above
        try:
            raw = await self._client.chat.completions.with_raw_response.create(
                model=request.model,
                messages=messages,
                response_format={"type": "json_schema", "json_schema": shape},
                **params,
            )
            return read_completion(raw.http_response.content, raw.request_id)
        except openai.APIStatusError as error:
            return _status_failure(error)
        except openai.APITimeoutError:
            return Failure(FailureKind.TIMEOUT, detail="no answer in time")
        except openai.APIConnectionError as error:
            return Failure(FailureKind.CONNECTION, detail=type(error.__cause__ or error).__name__)
        except _ReplyTooLongError:
            return Failure(FailureKind.TOO_LONG, detail=f"the reply has more than {REPLY_BYTES} bytes")
        except (ValueError, RecursionError, openai.OpenAIError) as error:
            return Failure(FailureKind.UNREADABLE, detail=f"the reply is not one: {type(error).__name__}")

    async def models(self) -> frozenset[str] | None:
        """Return the ids that the server knows, None where it keeps no list.

        Raises
        ------
        JudgeUnavailableError
            If it does not answer or refuses the key.
        """
        try:
            return frozenset([model.id async for model in self._client.models.list()])
        except openai.NotFoundError:
            return None
        except (openai.OpenAIError, ValueError) as error:
            # Not `from error`: its text repeats what the server said, which may hold the key.
            raise JudgeUnavailableError(
                f"the model server does not list its models ({type(error).__name__}); check the key, the address and "
                "the network, or set ZONEDESK_JUDGE=rules"
            ) from None

    async def close(self) -> None:
        """Close all connections."""
        await self._client.close()


class _ReplyTooLongError(ValueError):
    """The server sends more than any answer can have."""


class _BoundedStream(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        seen = 0
        async for part in self._stream:
            seen += len(part)
            if seen > REPLY_BYTES:
                raise _ReplyTooLongError
            yield part

    async def aclose(self) -> None:
        await self._stream.aclose()


async def _bound(response: httpx2.Response) -> None:
    if isinstance(response.stream, httpx2.AsyncByteStream):
        response.stream = _BoundedStream(response.stream)


def _status_failure(error: openai.APIStatusError) -> Failure:
    """Sort an HTTP error by what may be done about it."""
    status = error.status_code
    kind = FailureKind.PERMANENT
    if status == 429:  # noqa: PLR2004 - HTTP's own numbers
        kind = FailureKind.QUOTA if _QUOTA & {error.code, error.type} else FailureKind.RATE_LIMIT
    elif status == 400 and error.param == "temperature":  # noqa: PLR2004
        kind = FailureKind.TEMPERATURE
    elif status >= 500:  # noqa: PLR2004
        kind = FailureKind.SERVER
    else:
        kind = {408: FailureKind.TIMEOUT, 409: FailureKind.CONFLICT}.get(status, FailureKind.PERMANENT)
    return Failure(
        kind,
        status_code=status,
        retry_after=_retry_after(error.response.headers),
        request_id=error.request_id,
        detail=f"HTTP {status}: {error.message}",
    )


_QUOTA = {"insufficient_quota"}


def _retry_after(headers: httpx2.Headers) -> float | None:
    """Return the seconds that a server asks to wait: in milliseconds, in seconds, or until a date by its own clock."""
    try:
        if "retry-after-ms" in headers:
            seconds = float(headers["retry-after-ms"]) / 1000
        else:
            seconds = float(headers["retry-after"])
    except KeyError:
        return None
    except ValueError:
        try:
            then, now = (parsedate_to_datetime(headers.get(name, "")) for name in ("retry-after", "date"))
            seconds = (then - now).total_seconds()
        except (TypeError, ValueError):
            return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None
