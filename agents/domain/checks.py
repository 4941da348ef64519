"""What a risk rule found, whether it allowed the trade or not."""

from enum import StrEnum

from agents.domain.values import Frozen


class CheckWord(StrEnum):
    """What a rule says: PASS, SHRINK (the trade is made smaller), FORBID, or UNKNOWN: its number is not known here."""

    PASS = "pass"  # noqa: S105 - a word, not a password
    SHRINK = "shrink"
    FORBID = "forbid"
    UNKNOWN = "unknown"


class Check(Frozen):
    """One evaluation of a risk rule. `value` was held against `limit`; both are None where there was no number."""

    rule: str
    word: CheckWord
    limit: float | None
    value: float | None
    text: str
