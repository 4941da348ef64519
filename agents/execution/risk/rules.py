"""The rules in order, and what comes of asking all of them. Pure: every number they look at is an argument.

R0 sound numbers, R1 risk of one trade, R2 premium paid, R3 freeze quantity and depth, R4 the judge's record, R5 loss of
the session, R6 counts, pauses and protections, R7 freshness, R8 fair prices, R9 price bands, R10 hours, R11 kill, R12
rate of requests, R13 special days. A rule can only forbid or shrink; none adds size.
"""

from collections.abc import Iterable
from datetime import datetime

from agents.domain.checks import Check, CheckWord
from agents.domain.cycle import Veto
from agents.domain.market import Session
from agents.domain.orders import TradeSetup
from agents.execution.risk.account import Account
from agents.execution.risk.conditions import Conditions
from agents.execution.risk.limits import Limits
from agents.execution.risk.market_rules import (
    band_rules,
    day_rules,
    expectancy_rule,
    fairness_rules,
    freshness_rules,
    kill_rules,
    proof_rule,
    rate_rules,
)
from agents.execution.risk.question import Question, Rule, forbidden
from agents.execution.risk.session_rules import count_rules, loss_rules, pause_rules, protection_rules, time_rules
from agents.execution.risk.sizing import size_rules

UNSOUND = "R0.number"
EXPECTANCY = "R4.expectancy"
RULES: tuple[Rule, ...] = (
    size_rules,
    proof_rule,
    expectancy_rule,
    loss_rules,
    count_rules,
    pause_rules,
    protection_rules,
    freshness_rules,
    fairness_rules,
    band_rules,
    time_rules,
    kill_rules,
    rate_rules,
    day_rules,
)


def check(question: Question) -> tuple[Check, ...]:
    """Ask every rule and return all that they found, also where they allow the trade.

    A figure that is not a number ends the asking: the answer is the one check `UNSOUND`, which forbids, and whoever
    asked must halt the desk.
    """
    wrong = question.conditions.unsound()
    if not question.account.is_sound:
        wrong.append("equity or a round trip")
    if wrong:
        return (forbidden(UNSOUND, f"not a number: {', '.join(wrong)}; the desk halts until a person has looked"),)
    return tuple(found for rule in RULES for found in rule(question))


def vetoes_of(checks: Iterable[Check]) -> tuple[Veto, ...]:
    """Return the checks that forbid, as vetoes."""
    return tuple(
        Veto(rule=each.rule, limit=each.limit or 0.0, value=1.0 if each.value is None else each.value, text=each.text)
        for each in checks
        if each.word is CheckWord.FORBID
    )


def vetoes(
    setup: TradeSetup,
    lots: int,
    account: Account,
    limits: Limits,
    *,
    now: datetime,
    session: Session,
    conditions: Conditions | None = None,
) -> tuple[Veto, ...]:
    """Return every rule that forbids the trade, empty when none does.

    Parameters
    ----------
    setup : TradeSetup
        What is about to be bought.
    lots : int
        Its size, from `size`.
    account, limits : Account, Limits
        As they stand.
    now : datetime
        Aware.
    session : Session
        Today's session.
    conditions : Conditions, optional
        What else is known.
    """
    return vetoes_of(check(Question(setup, lots, account, limits, now, session, conditions or Conditions())))
