"""Leases, commands, messages and signs of life; the way from an id to its events; PostgreSQL guards its rows too."""

import json

import sqlalchemy as sa
from alembic import op

from agents.data.ledger.links import refs_of

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_MOMENT = sa.String(32)


def upgrade() -> None:
    """Create the tables of a desk with a guardian, and find the ids that events of older ledgers speak of."""
    _create_links()
    op.create_index("llm_call_subject", "llm_call", ["subject", "id"])
    op.create_table(
        "lease",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("holder", sa.String(128), nullable=False),
        sa.Column("token", sa.BigInteger(), nullable=False),
        sa.Column("until", _MOMENT, nullable=False),
    )
    _create_command()
    _create_outbox()
    op.create_table(
        "heartbeat",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
    )
    if op.get_bind().dialect.name == "postgresql":
        _forbid_changes()


def _create_links() -> None:
    link = op.create_table(
        "event_link",
        sa.Column("ref", sa.String(128), primary_key=True),
        sa.Column("seq", _BIG, sa.ForeignKey("event.seq"), primary_key=True),
    )
    connection = op.get_bind()
    for seq, key, payload in connection.execute(sa.text("select seq, key, payload from event order by seq")).all():
        found = [{"ref": ref, "seq": seq} for ref in refs_of(key, json.loads(payload))]
        if found:
            connection.execute(link.insert(), found)


def _create_command() -> None:
    op.create_table(
        "command",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("seq", sa.BigInteger(), nullable=False, unique=True),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.String(128), nullable=False),
        sa.Column("asked_at", _MOMENT, nullable=False),
        *(sa.Column(name, _MOMENT) for name in ("taken_at", "done_at")),
        sa.Column("outcome", sa.Text()),
    )
    op.create_index("command_open", "command", ["done_at", "seq"])


def _create_outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", _BIG, primary_key=True, autoincrement=True),
        sa.Column("dedupe_key", sa.String(128), nullable=False),
        sa.Column("severity", sa.String(16), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        *(sa.Column(name, _MOMENT) for name in ("sent_at", "tried_at")),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=False),
    )
    op.create_index("outbox_unsent", "outbox", ["sent_at", "id"])
    op.create_index("outbox_key", "outbox", ["dedupe_key", "id"])


def _forbid_changes() -> None:
    """Let PostgreSQL refuse to rewrite the past, as SQLite's triggers do."""
    op.execute(
        "create function ledger_rows_stay() returns trigger language plpgsql as $$ "
        "begin raise exception 'rows of % are never changed', tg_table_name using errcode = '23000'; end $$"
    )
    for table in ("event", "llm_prompt", "llm_call"):
        op.execute(
            f"create trigger {table}_stays before update or delete or truncate on {table} "
            "for each statement execute function ledger_rows_stay()"
        )
