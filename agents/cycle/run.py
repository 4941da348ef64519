"""The three minutes of the desk, told once: from the price at a zone to an order, or to the reason why not.

Dagster's job, a replay and a test call the same `run_cycle`; only the `Desk` differs.
"""

import logging
from datetime import datetime
from typing import Any

from agents.cycle.desk import Desk, SkipError, cycle_name
from agents.cycle.look import (
    analysis_at,
    chain_at,
    entered_on,
    fresh,
    gate,
    last_judged,
    live_at,
    price_at,
    young,
    zone_at,
)
from agents.cycle.order import Seen, ground_of, heed, paying, proposal_of, send
from agents.domain.cycle import CycleRecord, Decision, Reason
from agents.domain.errors import RecordedReplyMissingError
from agents.execution.approach import views
from agents.execution.evidence import Surroundings, setup_evidence
from agents.execution.orders import flat_at
from agents.ops.about import about
from agents.options import summarise

_log = logging.getLogger(__name__)


def run_cycle(desk: Desk, now: datetime, instrument: str) -> CycleRecord:
    """Decide whether to trade `instrument` at `now`, do it, and record everything that was seen and thought.

    Parameters
    ----------
    desk : Desk
        The ports.
    now : datetime
        Aware, the moment of the decision; nothing later is looked at.
    instrument : str
        An index.

    Returns
    -------
    CycleRecord
        TRADE with the order, SKIP with its reason, or FAULT: an unexpected error is recorded and logged and never
        trades.

    Raises
    ------
    RecordedReplyMissingError
        If the judge is a recording that has no reply for this setup; a replay must not go on without it.
    """
    facts: dict[str, Any] = {"known_by": desk.known_by}  # Any: the fields of a CycleRecord as they become known
    name = cycle_name(instrument, now)
    with about(cycle_id=name):
        decision, reason, detail = _outcome(desk, now, instrument, facts)
        record = CycleRecord(
            cycle_id=name, instrument=instrument, at=now, decision=decision, reason=reason, detail=detail, **facts
        )
        desk.ledger.record_cycle(record)
    return record


def _outcome(
    desk: Desk,
    now: datetime,
    instrument: str,
    facts: dict[str, Any],  # Any: as in run_cycle
) -> tuple[Decision, Reason, str]:
    """Decide, and return what came of it with its reason and detail."""
    try:
        _decide(desk, now, instrument, facts)
    except SkipError as skip:
        return Decision.SKIP, skip.reason, skip.detail
    except RecordedReplyMissingError:
        raise
    except Exception as error:  # noqa: BLE001 - the last line of defence: whatever broke, do not trade, and say so
        with about(setup_id=getattr(facts.get("setup"), "setup_id", None)):
            _log.exception("the cycle of %s at %s failed", instrument, now.isoformat())
        return Decision.FAULT, Reason.FAULT, f"{type(error).__name__}: {error}"
    return Decision.TRADE, Reason.ORDER_PLACED, ""


def _decide(desk: Desk, now: datetime, instrument: str, facts: dict[str, Any]) -> None:  # Any: as in run_cycle
    """Walk through the stages; return when an order was placed, raise `SkipError` otherwise."""
    session = gate(desk, now)
    quote = price_at(desk, now, instrument)
    facts.update(price=quote.ltp, price_at=quote.at)
    analysis = analysis_at(desk, now, instrument)
    facts.update(analysis_bar_at=analysis.bar_at)  # of one that is too old as well: a repeated cycle must find it
    facts.update(judged_at=last_judged(analysis))  # zones may be stored before the judge has spoken
    young(analysis, now)
    live = live_at(desk, analysis, session, now)
    facts.update(zones=views(live.zones, quote.ltp))
    facts.update(developing_poc=live.poc, developing_val=live.val, developing_vah=live.vah)
    atr, zone, passed_over = zone_at(desk, analysis, live, quote.ltp, entered_on(desk, session))
    facts.update(zone_id=zone.id, passed_over=passed_over)
    chain = chain_at(desk, now, instrument)
    facts.update(chain_at=chain.at)
    fresh(chain, desk, now)
    summary = summarise(chain, now, desk.settings.risk_free_rate)
    facts.update(chain=summary)
    proposal = proposal_of(desk, ground_of(desk, analysis, live, zone, quote.ltp), chain, now)
    facts.update(setup=proposal.setup, candidates=proposal.candidates)
    setup = paying(proposal, desk.settings.min_risk_reward)
    around = Surroundings(atr, analysis.trend, live.val, live.vah, summary, flat_at(session))
    with about(setup_id=setup.setup_id):
        evidence = setup_evidence(setup, zone, around, now)
        verdict = desk.judge.judge_setup(evidence)
        facts.update(verdict=verdict)
        heed(verdict, setup.setup_id, desk.settings.probability_threshold)
        seen = Seen(session, quote, chain, analysis.bar_at, evidence, verdict)
        send(desk, proposal, seen, now, facts)
