"""What forbids a trade, and how large it may be."""

from agents.execution.risk.account import Account
from agents.execution.risk.conditions import Conditions, Track
from agents.execution.risk.limits import Freshness, Limits
from agents.execution.risk.question import Question
from agents.execution.risk.rules import UNSOUND, check, vetoes, vetoes_of
from agents.execution.risk.sizing import affordable_lots, size

__all__ = [
    "UNSOUND",
    "Account",
    "Conditions",
    "Freshness",
    "Limits",
    "Question",
    "Track",
    "affordable_lots",
    "check",
    "size",
    "vetoes",
    "vetoes_of",
]
