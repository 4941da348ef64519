"""Where a row leads: to the chart as it was known at its moment, and to Dagster."""

from datetime import datetime, timedelta
from urllib.parse import quote

from agents.domain.market import TRADE_MINUTES
from agents.domain.values import IST
from ui.markup import Cell, escape

SESSION, AT = "session", "at"
_SLOT_TAG = "zonedesk/slot"


def replay_address(at: datetime) -> str:
    """Return the address of the replay page at a moment, relative to the dashboard."""
    local = at.astimezone(IST)
    return f"/replay?{SESSION}={local:%Y-%m-%d}&{AT}={local:%H:%M:%S}"


def why_address(asked: str) -> str:
    """Return the address of the page that says why, for an order, setup, cycle or zone, relative to the dashboard."""
    return f"why?asked={quote(asked, safe='')}"


def run_address(dagster: str, run: str) -> str:
    """Return the address of a run in Dagster."""
    return f"{dagster}/runs/{quote(run, safe='')}"


def cycle_run_address(dagster: str, decided_at: datetime) -> str:
    """Return the address of the Dagster runs that made a decision: those of its three minutes."""
    local = decided_at.astimezone(IST)
    began = local - timedelta(minutes=local.minute % TRADE_MINUTES)
    return f"{dagster}/runs?q%5B%5D={quote(f'tag:{_SLOT_TAG}={began:%Y-%m-%dT%H%M}', safe='')}"


def verdict_run_address(dagster: str, at: datetime) -> str:
    """Return the address of the verdicts' asset in Dagster, at the partition of a moment."""
    return f"{dagster}/assets/llm_validation?view=partitions&partition={at.astimezone(IST):%Y-%m-%d}"


def link(text: str, address: str, told: str) -> Cell:
    """Return a cell that leads to an address; `told` is what it leads to, for those who hear it."""
    return Cell(text, "", f'<a href="{escape(address)}" aria-label="{escape(told)}">{escape(text)}</a>')
