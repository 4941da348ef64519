"""The ledger's tables as SQLAlchemy sees them; the migrations create them."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)


class UtcText(TypeDecorator[datetime]):
    """A moment as text in UTC with microseconds: sorts as time does, reads well, hashes the same everywhere."""

    impl = String(32)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - its API
        """Return the text that is stored."""
        return None if value is None else utc_text(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - its API
        """Return the moment that the text stands for. `value` is Any because the base class says so."""
        return None if value is None else datetime.fromisoformat(value)


def utc_text(at: datetime) -> str:
    """Return an aware moment as text in UTC with microseconds.

    Raises
    ------
    ValueError
        If `at` has no time zone.
    """
    if at.tzinfo is None:
        raise ValueError(f"{at} has no time zone; the ledger keeps aware times only")
    return at.astimezone(UTC).isoformat(timespec="microseconds")


metadata = MetaData()

meta = Table("meta", metadata, Column("key", String(64), primary_key=True), Column("value", Text, nullable=False))

# What happened, in order. `hash` covers the row and the hash before it, so that a changed row is found.
events = Table(
    "event",
    metadata,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("at", UtcText, nullable=False),
    Column("recorded_at", UtcText, nullable=False),
    Column("kind", String(64), nullable=False),
    Column("key", String(128)),
    Column("payload", Text, nullable=False),
    Column("prev_hash", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    UniqueConstraint("kind", "key", name="event_once"),
    Index("event_kind_seq", "kind", "seq"),
)

# What a model was told and in which shape it had to answer, once for each hash.
prompts = Table(
    "llm_prompt",
    metadata,
    Column("prompt_sha", String(64), primary_key=True),
    Column("prompt_id", String(64), nullable=False),
    Column("prompt_version", Integer, nullable=False),
    Column("system", Text, nullable=False),
    Column("reply_schema", Text, nullable=False),
)

# One row for each question, failed ones too. Costs in 10^-9 US dollars, latency in seconds.
calls = Table(
    "llm_call",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("key", String(64), nullable=False),
    Column("subject", String(64), nullable=False),
    Column("asked_at", UtcText, nullable=False),
    Column("recorded_at", UtcText, nullable=False),
    Column("model", String(128), nullable=False),
    Column("served_model", String(128)),
    Column("system_fingerprint", String(128)),
    Column("prompt_sha", String(64), ForeignKey("llm_prompt.prompt_sha"), nullable=False),
    Column("params", Text, nullable=False),
    Column("facts", Text, nullable=False),
    Column("sample", Integer, nullable=False),
    Column("status", String(32), nullable=False),
    Column("body", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("trace", Text, nullable=False),
    Column("input_tokens", Integer, nullable=False),
    Column("cached_tokens", Integer, nullable=False),
    Column("output_tokens", Integer, nullable=False),
    Column("reasoning_tokens", Integer, nullable=False),
    Column("cost_nanodollars", BigInteger, nullable=False),
    Column("latency", Float, nullable=False),
    Column("request_id", String(128)),
    Index("llm_call_key", "key", "asked_at"),
    Index("llm_call_recorded", "recorded_at"),
    Index("llm_call_subject", "subject", "id"),
)

# One row for each dependency. `generation` counts the changes of state, so that a late answer cannot flip a newer one.
breakers = Table(
    "breaker",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("is_open", Boolean, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("generation", BigInteger, nullable=False),
    Column("opened_at", UtcText),
    Column("probe_until", UtcText),
)

# Which events speak of an id: the way from a zone, setup, cycle or order to its events. Derived from `event` when a
# row is appended, so that it can always be made again.
links = Table(
    "event_link",
    metadata,
    Column("ref", String(128), primary_key=True),
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), ForeignKey("event.seq"), primary_key=True),
)

# Who may act, until when. `token` counts the holders, so that a late write of an earlier one is told from a good one.
leases = Table(
    "lease",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("holder", String(128), nullable=False),
    Column("token", BigInteger, nullable=False),
    Column("until", UtcText, nullable=False),
)

# What a person asked of a process. `seq` is the event of the asking, and so the order in which they are served.
commands = Table(
    "command",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("seq", BigInteger, nullable=False, unique=True),
    Column("kind", String(64), nullable=False),
    Column("payload", Text, nullable=False),
    Column("asked_by", String(128), nullable=False),
    Column("asked_at", UtcText, nullable=False),
    Column("taken_at", UtcText),
    Column("done_at", UtcText),
    Column("outcome", Text),
    Index("command_open", "done_at", "seq"),
)

# Messages that a person must see, kept until a channel has taken them.
outbox = Table(
    "outbox",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("dedupe_key", String(128), nullable=False),
    Column("severity", String(16), nullable=False),
    Column("text", Text, nullable=False),
    Column("created_at", UtcText, nullable=False),
    Column("sent_at", UtcText),
    Column("tried_at", UtcText),
    Column("attempts", Integer, nullable=False),
    Column("last_error", Text, nullable=False),
    Index("outbox_unsent", "sent_at", "id"),
    Index("outbox_key", "dedupe_key", "id"),
)

# The last sign of life of each process, with what it said of itself as JSON.
heartbeats = Table(
    "heartbeat",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("at", UtcText, nullable=False),
    Column("facts", Text, nullable=False),
)
