"""What became of every setup that was judged, taken or refused: found in the stored candles, kept in the ledger once.

A setup is followed as if one lot of it had been ordered when it was decided: the same fills, the same time to be flat
and the same costs as on paper. A candle that touches both ends counts as the stop.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from agents.data.contracts import OPTION_TICK
from agents.data.ledger import Ledger
from agents.data.ledger.ledger import CYCLE
from agents.domain.cycle import Reason
from agents.domain.errors import MissingDataError
from agents.domain.evidence import SetupVerdict
from agents.domain.market import OptionContract
from agents.domain.orders import OrderState, TradeSetup
from agents.domain.values import IST
from agents.domain.zones import Outcome
from agents.execution.orders import super_order
from agents.execution.paper import MemoryBook, PaperBroker
from agents.llm.calibration import Judged, SetupResult
from agents.ports import Calendar, MarketData

OUTCOME = "setup_outcome"
_REFUSED = {Reason.VERDICT_SKIP.value, Reason.PROBABILITY_LOW.value}
_RESULTS = {
    OrderState.TARGET_DONE: SetupResult.WIN,
    OrderState.STOP_DONE: SetupResult.LOSS,
    OrderState.FLATTENED: SetupResult.TIMEOUT,
}

Payload = Mapping[str, Any]  # Any: what JSON can hold


@dataclass(frozen=True)
class Resolved:
    """How many setups were given their outcome now, and of how many the contract's candles are not stored."""

    fresh: int
    without_candles: int


def resolve(log: Ledger, market: MarketData, calendar: Calendar, now: datetime, brokerage: Decimal) -> Resolved:
    """Keep in the ledger what became of every judged setup whose session is over and that has no outcome yet."""
    known = {event.key for event in log.events(OUTCOME)}
    fresh = missing = 0
    for payload in _judged(log):
        setup = TradeSetup.model_validate_json(json.dumps(payload["setup"]))
        verdict = SetupVerdict.model_validate_json(json.dumps(payload["verdict"]))
        session = calendar.session(setup.decided_at.astimezone(IST).date())
        if setup.setup_id in known or session is None or session.derivatives_close_at > now:
            continue
        if not _has_candles(market, setup, session.derivatives_close_at):
            missing += 1
            continue
        result, net = follow(setup, market, calendar, brokerage)
        said = {
            "setup_id": setup.setup_id,
            "cycle_id": payload["cycle_id"],
            "on": session.on.isoformat(),
            "judge": verdict.judge,
            "prompt_sha": verdict.prompt_sha,
            "probability": verdict.probability,
            "baseline": setup.baseline_probability,
            "taken": payload["reason"] not in _REFUSED,
            "outcome": result.value,
            "net": None if net is None else str(net),
        }
        log.append(OUTCOME, said, key=setup.setup_id, at=session.derivatives_close_at)
        fresh += 1
    return Resolved(fresh, missing)


def follow(
    setup: TradeSetup, market: MarketData, calendar: Calendar, brokerage: Decimal
) -> tuple[SetupResult, Decimal | None]:
    """Return what became of one lot of a setup and its rupees after costs, None where the entry was never filled.

    Raises
    ------
    MissingDataError
        If the exchange was closed on that day.
    """
    session = calendar.session(setup.decided_at.astimezone(IST).date())
    if session is None:
        raise MissingDataError(f"setup {setup.setup_id} was decided at {setup.decided_at}, on a day without a session")
    contract = OptionContract(
        instrument=setup.contract,
        underlying=setup.instrument,
        expiry_at=setup.expiry_at,
        strike=setup.strike,
        option_type=setup.option_type,
        lot_size=setup.lot_size,
        tick_size=OPTION_TICK,
    )
    broker = PaperBroker(market, MemoryBook(), brokerage)
    broker.place(super_order(setup, contract, 1, now=setup.decided_at, session=session, earlier=()))
    broker.settle(session.derivatives_close_at)
    trades = broker.trades(session.on)
    if not trades:
        return SetupResult.NOT_FILLED, None
    return _RESULTS[trades[0].exit_reason], trades[0].net


def outcomes(log: Ledger) -> list[Judged]:
    """Return all outcomes that the ledger has, oldest first."""
    return [_outcome(event.payload) for event in log.events(OUTCOME)]


def _judged(log: Ledger) -> Iterator[Payload]:
    """Yield the first record of each setup on which a judge gave a verdict."""
    seen: set[str] = set()
    for event in log.events(CYCLE):
        setup, verdict = event.payload.get("setup"), event.payload.get("verdict")
        if setup and verdict and verdict["outcome"] == Outcome.OK.value and setup["setup_id"] not in seen:
            seen.add(setup["setup_id"])
            yield event.payload


def _has_candles(market: MarketData, setup: TradeSetup, until: datetime) -> bool:
    try:
        return len(market.minutes(setup.contract, setup.decided_at, until)) > 0
    except MissingDataError:
        return False


def _outcome(said: Payload) -> Judged:
    result = SetupResult(said["outcome"])
    timed_out = None if said["net"] is None else Decimal(said["net"]) > 0
    won = {SetupResult.WIN: True, SetupResult.LOSS: False, SetupResult.TIMEOUT: timed_out}.get(result)
    return Judged(
        setup_id=said["setup_id"],
        on=date.fromisoformat(said["on"]),
        judge=said["judge"],
        prompt_sha=said["prompt_sha"],
        probability=said["probability"],
        baseline=said["baseline"],
        taken=said["taken"],
        result=result,
        won=won,
    )
