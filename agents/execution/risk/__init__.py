"""What forbids a trade, and how large it may be."""

from agents.execution.risk.account import Account
from agents.execution.risk.conditions import Conditions, Outside, Track
from agents.execution.risk.file import load_limits, risk_file
from agents.execution.risk.limits import Freshness, Limits
from agents.execution.risk.moments import deciding, sending, weigh
from agents.execution.risk.question import Question
from agents.execution.risk.rules import EXPECTANCY, UNSOUND, check, vetoes, vetoes_of
from agents.execution.risk.sizing import affordable_lots, size
from agents.execution.risk.special_days import SpecialDays, load_special_days

__all__ = [
    "EXPECTANCY",
    "UNSOUND",
    "Account",
    "Conditions",
    "Freshness",
    "Limits",
    "Outside",
    "Question",
    "SpecialDays",
    "Track",
    "affordable_lots",
    "check",
    "deciding",
    "load_limits",
    "load_special_days",
    "risk_file",
    "sending",
    "size",
    "vetoes",
    "vetoes_of",
    "weigh",
]
