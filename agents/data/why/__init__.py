"""Why the desk did what it did: from any order, cycle or zone back to the candles, each step by its id or hash."""

from agents.data.why.answer import why
from agents.data.why.links import Chain, Link, RunOf, chain_text
from agents.data.why.runs import DagsterRuns

__all__ = ["Chain", "DagsterRuns", "Link", "RunOf", "chain_text", "why"]
