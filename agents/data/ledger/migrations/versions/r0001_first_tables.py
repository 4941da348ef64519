"""Events, calls to models, breakers, and the mode of the ledger."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_MOMENT = sa.String(32)


def upgrade() -> None:
    """Create the tables of the first ledger."""
    op.create_table(
        "meta", sa.Column("key", sa.String(64), primary_key=True), sa.Column("value", sa.Text(), nullable=False)
    )
    _create_event()
    _create_calls()
    op.create_table(
        "breaker",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("opened_at", _MOMENT),
        sa.Column("probe_until", _MOMENT),
    )
    if op.get_bind().dialect.name == "sqlite":
        for table in ("event", "llm_prompt", "llm_call"):
            _forbid_changes(table)


def _create_event() -> None:
    op.create_table(
        "event",
        sa.Column("seq", _BIG, primary_key=True, autoincrement=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("recorded_at", _MOMENT, nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("key", sa.String(128)),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("prev_hash", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.UniqueConstraint("kind", "key", name="event_once"),
    )
    op.create_index("event_kind_seq", "event", ["kind", "seq"])


def _create_calls() -> None:
    op.create_table(
        "llm_prompt",
        sa.Column("prompt_sha", sa.String(64), primary_key=True),
        sa.Column("prompt_id", sa.String(64), nullable=False),
        sa.Column("prompt_version", sa.Integer(), nullable=False),
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("reply_schema", sa.Text(), nullable=False),
    )
    op.create_table(
        "llm_call",
        sa.Column("id", _BIG, primary_key=True, autoincrement=True),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("subject", sa.String(64), nullable=False),
        sa.Column("asked_at", _MOMENT, nullable=False),
        sa.Column("recorded_at", _MOMENT, nullable=False),
        sa.Column("model", sa.String(128), nullable=False),
        sa.Column("served_model", sa.String(128)),
        sa.Column("system_fingerprint", sa.String(128)),
        sa.Column("prompt_sha", sa.String(64), sa.ForeignKey("llm_prompt.prompt_sha"), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("params", "facts")),
        sa.Column("sample", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("body", "detail")),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("trace", sa.Text(), nullable=False),
        *(
            sa.Column(f"{name}_tokens", sa.Integer(), nullable=False)
            for name in ("input", "cached", "output", "reasoning")
        ),
        sa.Column("cost_nanodollars", sa.BigInteger(), nullable=False),
        sa.Column("latency", sa.Float(), nullable=False),
        sa.Column("request_id", sa.String(128)),
    )
    op.create_index("llm_call_key", "llm_call", ["key", "asked_at"])
    op.create_index("llm_call_recorded", "llm_call", ["recorded_at"])


def _forbid_changes(table: str) -> None:
    """Let the database itself refuse to rewrite the past."""
    for change in ("update", "delete"):
        op.execute(
            f"create trigger {table}_no_{change} before {change} on {table} "
            f"begin select raise(abort, 'rows of {table} are never changed'); end"
        )
