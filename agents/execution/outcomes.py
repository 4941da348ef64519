"""How setups ended, also those that nobody traded: without the skipped ones a judge's record would flatter him.

A setup's outcome is what its order would have become by the rules of recorded fills: the target first is a win, the
stop first a loss (also where one candle touches both), neither until the time to be flat a timeout, and an entry that
never filled is kept and counts for nothing. Outcomes are events of the ledger, one for each setup.
"""

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Protocol

from pydantic import AwareDatetime

from agents.domain.cycle import CycleRecord, Reason
from agents.domain.errors import MissingDataError
from agents.domain.evidence import SetupVerdict
from agents.domain.market import OptionContract, Session
from agents.domain.orders import OrderState, TradeSetup
from agents.domain.values import Frozen
from agents.domain.zones import Outcome as CallOutcome
from agents.execution.orders import super_order
from agents.execution.paper import MemoryBook, PaperBroker
from agents.execution.risk import Track
from agents.ports import MarketData

OUTCOME = "setup_outcome"
CAUTION = 0.8416  # a lower bound that the true share is above four times out of five
DIGITS = 4


class Ending(StrEnum):
    """How a setup ended."""

    WIN = "win"
    LOSS = "loss"
    TIMEOUT = "timeout"
    NOT_FILLED = "not_filled"


_ENDINGS = {
    OrderState.TARGET_DONE: Ending.WIN,
    OrderState.STOP_DONE: Ending.LOSS,
    OrderState.FLATTENED: Ending.TIMEOUT,
    OrderState.CANCELLED: Ending.NOT_FILLED,
}


_NOT_TAKEN = {Reason.VERDICT_SKIP, Reason.PROBABILITY_LOW}


class SetupOutcome(Frozen):
    """A setup's end: the payload of an event `OUTCOME` whose key is the setup.

    `result` is what a lot won or lost after charges over what it risked, 0 where nothing was bought. `judge`,
    `prompt_sha` and `probability` are those of the verdict, empty and None where none was given; `baseline` is the
    probability of somebody without skill. `taken` says that the judge let it pass, `traded` that the desk ordered it,
    `synthetic` that the market was a simulated one.
    """

    setup_id: str
    cycle_id: str
    ending: Ending
    result: float
    decided_at: AwareDatetime
    judge: str = ""
    prompt_sha: str = ""
    probability: float | None = None
    baseline: float | None = None
    taken: bool = False
    traded: bool = False
    synthetic: bool = False


class OutcomeLog(Protocol):
    """What is needed of the ledger."""

    def append(
        self, kind: str, payload: Mapping[str, Any], *, key: str | None = None, at: datetime | None = None
    ) -> object:  # Any: whatever JSON can hold
        """Add an event that survives before this returns."""
        ...

    def events(self, kind: str | None = None, *, key: str | None = None, after: int = 0) -> Sequence[Any]:
        """Return the events of a kind, in order. Any: events, of which only the payload is used."""
        ...


def ending_of(
    setup: TradeSetup, market: MarketData, session: Session, *, tick_size: Decimal, brokerage: Decimal, now: datetime
) -> tuple[Ending, float] | None:
    """Return how a setup ended and its result in units of its risk, None where that cannot be told (yet).

    Parameters
    ----------
    setup : TradeSetup
        As it was decided.
    market : MarketData
        With the contract's candles up to the session's end.
    session : Session
        The setup's.
    tick_size : Decimal
        Of the contract.
    brokerage : Decimal
        Rupees for each executed order.
    now : datetime
        How much of the market is known.
    """
    until = min(now, session.derivatives_close_at)
    try:
        if not len(market.minutes(setup.contract, setup.decided_at, until)):
            return None
    except MissingDataError:
        return None
    contract = OptionContract(
        instrument=setup.contract,
        underlying=setup.instrument,
        expiry_at=setup.expiry_at,
        strike=setup.strike,
        option_type=setup.option_type,
        lot_size=setup.lot_size,
        tick_size=tick_size,
    )
    broker = PaperBroker(market, MemoryBook(), brokerage)
    broker.place(super_order(setup, contract, 1, now=setup.decided_at, session=session, earlier=()))
    broker.settle(until)
    [order] = broker.orders(session.on)
    if order.state not in _ENDINGS:
        return None
    trades = broker.trades(session.on)
    risk = (setup.premium_entry - setup.premium_stop + setup.costs_per_unit) * setup.lot_size
    result = round(float(trades[0].net / risk), DIGITS) if trades and risk > 0 else 0.0
    return _ENDINGS[order.state], result


def label(
    records: Iterable[CycleRecord],
    log: OutcomeLog,
    ending: Callable[[TradeSetup], tuple[Ending, float] | None],
) -> list[SetupOutcome]:
    """Write the outcome of each setup that has none yet, and return those that were written.

    Parameters
    ----------
    records : iterable of CycleRecord
        Cycles of sessions that are over; the first one that saw a setup counts, and one that traded it before that.
    log : OutcomeLog
        The ledger.
    ending : callable
        Returns how a setup ended, None while nobody can tell.
    """
    seen: dict[str, CycleRecord] = {}
    for record in records:
        if record.setup is not None and (record.setup.setup_id not in seen or record.order is not None):
            seen[record.setup.setup_id] = record
    written = []
    for setup_id, record in seen.items():
        assert record.setup is not None  # seen to above
        if log.events(OUTCOME, key=setup_id):
            continue
        found = ending(record.setup)
        if found is not None:
            outcome = _outcome(record, record.setup, *found)
            log.append(OUTCOME, outcome.model_dump(mode="json"), key=setup_id, at=record.at)
            written.append(outcome)
    return written


def outcomes(log: OutcomeLog) -> list[SetupOutcome]:
    """Return all outcomes that the ledger has, oldest first."""
    return [SetupOutcome.model_validate_json(json.dumps(dict(event.payload))) for event in log.events(OUTCOME)]


def track_of(found: Sequence[SetupOutcome], verdict: SetupVerdict, threshold: float) -> Track:
    """Return the record of the judge and the prompt behind a verdict: outcomes that count, and a cautious hit rate.

    Counted are setups that the same judge with the same prompt would have taken, filled, in a market that is not
    simulated unless all of them are. The hit rate is the lower end of Wilson's interval; timeouts are not wins.
    """
    mine = [
        one
        for one in found
        if (one.judge, one.prompt_sha) == (verdict.judge, verdict.prompt_sha)
        and one.probability is not None
        and one.probability >= threshold
        and one.ending is not Ending.NOT_FILLED
    ]
    real = [one for one in mine if not one.synthetic]
    counted = real or mine
    wins = sum(one.ending is Ending.WIN for one in counted)
    return Track(len(counted), round(cautious_share(wins, len(counted)), DIGITS))


def cautious_share(hits: int, count: int) -> float:
    """Return the lower end of Wilson's interval of a share, 0 for nothing."""
    if not count:
        return 0.0
    share, square = hits / count, CAUTION * CAUTION
    middle = share + square / (2 * count)
    spread = CAUTION * math.sqrt(share * (1 - share) / count + square / (4 * count * count))
    return max(0.0, (middle - spread) / (1 + square / count))


def _outcome(record: CycleRecord, setup: TradeSetup, ending: Ending, result: float) -> SetupOutcome:
    verdict = record.verdict if record.verdict and record.verdict.outcome == CallOutcome.OK.value else None
    return SetupOutcome(
        setup_id=setup.setup_id,
        cycle_id=record.cycle_id,
        ending=ending,
        result=result,
        decided_at=setup.decided_at,
        judge=verdict.judge if verdict else "",
        prompt_sha=verdict.prompt_sha if verdict else "",
        probability=verdict.probability if verdict else None,
        baseline=setup.baseline_probability,
        taken=verdict is not None and record.reason not in _NOT_TAKEN,
        traded=record.order is not None,
        synthetic=setup.synthetic,
    )
