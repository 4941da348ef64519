"""What became of the setups that a judge spoke on, as `calibration` reads it."""

import json
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from agents.data.contracts import OPTION_TICK
from agents.data.ledger import Ledger
from agents.data.ledger.ledger import CYCLE
from agents.domain.cycle import CycleRecord
from agents.domain.orders import TradeSetup
from agents.domain.values import IST
from agents.domain.zones import Outcome
from agents.execution.outcomes import Ending, ending_of, label, outcomes
from agents.execution.record import as_judged
from agents.llm.calibration import Judged
from agents.ports import Calendar, MarketData


@dataclass(frozen=True)
class Resolved:
    """How many setups were given their outcome now, and of how many the contract's candles are not stored."""

    fresh: int
    without_candles: int


def resolve(log: Ledger, market: MarketData, calendar: Calendar, now: datetime, brokerage: Decimal) -> Resolved:
    """Keep in the ledger what became of every judged setup whose session is over and that has no outcome yet."""
    missing: set[str] = set()

    def ending(setup: TradeSetup) -> tuple[Ending, float] | None:
        session = calendar.session(setup.decided_at.astimezone(IST).date())
        if session is None or session.derivatives_close_at > now:
            return None
        found = ending_of(setup, market, session, tick_size=OPTION_TICK, brokerage=brokerage, now=now)
        if found is None:
            missing.add(setup.setup_id)
        return found

    written = label(_judged(log), log, ending)
    return Resolved(len(written), len(missing))


def judged(log: Ledger) -> list[Judged]:
    """Return the outcomes of all setups that a judge spoke on, oldest first."""
    return [found for one in outcomes(log) if (found := as_judged(one)) is not None]


def _judged(log: Ledger) -> list[CycleRecord]:
    payloads = [event.payload for event in log.events(CYCLE)]
    spoken = [said for said in payloads if said.get("setup") and said.get("verdict")]
    records = [CycleRecord.model_validate_json(json.dumps(dict(said))) for said in spoken]
    return [record for record in records if record.verdict and record.verdict.outcome == Outcome.OK.value]
