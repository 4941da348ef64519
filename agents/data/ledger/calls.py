"""Every question to a model and its reply: the cache, the audit trail, and what a replay answers from."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Engine, Row, func, insert, select

from agents.data.ledger.chain import append_event
from agents.data.ledger.engine import reading, writing
from agents.data.ledger.tables import calls, prompts
from agents.domain.calls import LlmCall, Usage
from agents.domain.values import IST, content_hash
from agents.domain.zones import Outcome

EVENT_KIND = "llm_call"
_NANO = Decimal(1_000_000_000)
_AS_IS = (
    "key", "subject", "asked_at", "model", "served_model", "system_fingerprint", "prompt_sha", "params", "facts",
    "sample", "body", "detail", "attempts", "trace", "latency", "request_id",
)  # fmt: skip
_DIGESTED = (*_AS_IS, *Usage.model_fields, "status", "cost_nanodollars")


class LedgerCallLog:
    """`ports.CallLog` over the ledger.

    Parameters
    ----------
    engine : Engine
        The ledger's database.
    now : callable
        Returns the present for `recorded_at` and for where a day of spending begins.
    """

    def __init__(self, engine: Engine, now: Callable[[], datetime]) -> None:
        self._engine = engine
        self._now = now

    def record_call(self, call: LlmCall) -> None:
        """Keep a call, and an event in the chain with the hash of it, in one transaction."""
        now = self._now()
        row = {name: getattr(call, name) for name in _AS_IS} | call.usage.model_dump()
        row |= {"status": call.status.value, "cost_nanodollars": int(call.cost * _NANO)}
        with writing(self._engine) as connection:
            _remember_prompt(connection, call)
            made = connection.execute(insert(calls).values(**row, recorded_at=now))
            payload = {"call": made.inserted_primary_key[0], "digest": call_digest(row)}  # type: ignore[index]  # one key
            append_event(connection, EVENT_KIND, payload, key=None, at=call.asked_at, recorded_at=now)

    def find_call(
        self, key: str, at: datetime, *, max_age: timedelta | None = None, only_ok: bool = True
    ) -> LlmCall | None:
        """Return the call with that key asked nearest to `at`, the later one on a tie.

        Parameters
        ----------
        key : str
            Content hash of the question.
        at : datetime
            The moment of asking.
        max_age : timedelta, optional
            Only calls asked in ``[at - max_age, at]``.
        only_ok : bool
            Leave out the calls that failed.
        """
        query = (
            select(calls, prompts).join(prompts, calls.c.prompt_sha == prompts.c.prompt_sha).where(calls.c.key == key)
        )
        if only_ok:
            query = query.where(calls.c.status == Outcome.OK.value)
        if max_age is not None:
            query = query.where(calls.c.asked_at >= at - max_age, calls.c.asked_at <= at)
        with reading(self._engine) as connection:
            rows = connection.execute(query.order_by(calls.c.id)).all()
        best = min(reversed(rows), key=lambda row: abs(row.asked_at - at), default=None)
        return None if best is None else _as_call(best)

    def call(self, call_id: int) -> LlmCall | None:
        """Return the call that an event of the chain names, None if it is gone."""
        query = select(calls, prompts).join(prompts, calls.c.prompt_sha == prompts.c.prompt_sha)
        with reading(self._engine) as connection:
            row = connection.execute(query.where(calls.c.id == call_id)).first()
        return None if row is None else _as_call(row)

    def spent_today(self) -> Decimal:
        """Return the US dollars of all calls recorded since midnight in India."""
        midnight = self._now().astimezone(IST).replace(hour=0, minute=0, second=0, microsecond=0)
        query = select(func.coalesce(func.sum(calls.c.cost_nanodollars), 0)).where(calls.c.recorded_at >= midnight)
        with reading(self._engine) as connection:
            return Decimal(connection.execute(query).scalar_one()) / _NANO

    def recent(self, limit: int) -> list[LlmCall]:
        """Return the last calls, newest first, at most `limit`."""
        query = select(calls, prompts).join(prompts, calls.c.prompt_sha == prompts.c.prompt_sha)
        with reading(self._engine) as connection:
            rows = connection.execute(query.order_by(calls.c.id.desc()).limit(limit)).all()
        return [_as_call(row) for row in rows]

    def calls_of(self, subject: str) -> list[LlmCall]:
        """Return all calls about one zone or setup, oldest first."""
        query = select(calls, prompts).join(prompts, calls.c.prompt_sha == prompts.c.prompt_sha)
        with reading(self._engine) as connection:
            rows = connection.execute(query.where(calls.c.subject == subject).order_by(calls.c.id)).all()
        return [_as_call(row) for row in rows]


def call_digest(row: dict[str, Any]) -> str:
    """Return the hash that the chain keeps of a call: all it says except when it was recorded. Any: column values."""
    facts = {name: row[name] for name in _DIGESTED}
    return content_hash(facts | {"asked_at": row["asked_at"].timestamp()})


def call_row(connection: Connection, call_id: int) -> dict[str, Any] | None:
    """Return a call as an audit file keeps it: what its digest is taken of. Any: column values."""
    row = connection.execute(select(calls).where(calls.c.id == call_id)).first()
    return None if row is None else {name: getattr(row, name) for name in _DIGESTED}


def changed_call(connection: Connection, call_id: int, digest: str) -> str:
    """Return what is wrong with the call that an event names, empty when it is as it was written."""
    try:
        row = connection.execute(select(calls).where(calls.c.id == call_id)).first()
    except ValueError:  # The text of its time no longer reads as one.
        return f"call {call_id} was changed"
    if row is None:
        return f"call {call_id} is missing"
    return "" if call_digest(row._asdict()) == digest else f"call {call_id} was changed"


def _remember_prompt(connection: Connection, call: LlmCall) -> None:
    if connection.execute(select(prompts.c.prompt_id).where(prompts.c.prompt_sha == call.prompt_sha)).first() is None:
        columns = ("prompt_sha", "prompt_id", "prompt_version", "system", "reply_schema")
        connection.execute(insert(prompts).values({name: getattr(call, name) for name in columns}))


def _as_call(row: Row[Any]) -> LlmCall:  # Any: SQLAlchemy's word for a row of unknown columns
    columns = row._mapping  # noqa: SLF001 - SQLAlchemy's public name for a row as a mapping
    facts = {name: columns[name] for name in (*_AS_IS, "prompt_id", "prompt_version", "system", "reply_schema")}
    return LlmCall(
        **facts,
        status=Outcome(row.status),
        usage=Usage(**{name: columns[name] for name in Usage.model_fields}),
        cost=Decimal(row.cost_nanodollars) / _NANO,
    )
