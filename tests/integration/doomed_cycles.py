"""Dagster's code location of a desk whose runs can be doomed; everything is the desk's own but what a cycle decides.

A cycle trades what a driver has written down (`wish`), if anything; then the run asks the guardian as every run does.
A run's moments are ``before request`` and ``after request`` (the row in the ledger), ``before record`` (the answer is
there) and ``before output``.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import agents.cycle.run
import pipelines.trade
from agents.cycle.desk import Desk, SkipError, cycle_name
from agents.cycle.look import gate
from agents.domain.cycle import Approval, Reason
from agents.domain.errors import OrderRejectedError, OrderUnknownError
from agents.execution.guardian.ports import REQUEST
from agents.settings import settings
from pipelines.definitions import defs
from tests.integration.doom import Doom, wished

__all__ = ["defs"]


class DoomedLog:
    """The ledger as a run asks through it."""

    def __init__(self, log: Any) -> None:
        self._log = log

    def append(
        self, kind: str, payload: Mapping[str, Any], *, key: str | None = None, at: datetime | None = None
    ) -> object:
        write = doom.around("request", self._log.append) if kind == REQUEST else self._log.append
        return write(kind, payload, key=key, at=at)

    def events(self, kind: str | None = None, *, key: str | None = None, after: int = 0) -> Sequence[Any]:
        found: Sequence[Any] = self._log.events(kind, key=key, after=after)
        return found


def decide(desk: Desk, now: datetime, instrument: str, facts: dict[str, Any]) -> None:
    """Trade what is wished for, or decide as the desk does."""
    asked = wished(folder)
    if asked is None:
        really_decide(desk, now, instrument, facts)
        return
    gate(desk, now)
    approval = Approval(
        setup=asked.setup, verdict=asked.verdict, cycle_id=cycle_name(instrument, now), equity=asked.equity
    )
    facts.update(setup=asked.setup, verdict=asked.verdict, order=asked.order)
    broker: Any = desk.broker
    broker._log = DoomedLog(broker._log)
    try:
        facts.update(order=broker.place(asked.order, approval))
    except OrderRejectedError as refused:
        raise SkipError(Reason.ORDER_REJECTED, str(refused)) from refused
    except OrderUnknownError as lost:
        raise SkipError(Reason.ORDER_UNKNOWN, str(lost)) from lost
    finally:
        doom.at("before record")


def output(done: Any) -> dict[str, Any]:
    doom.at("before output")
    shown: dict[str, Any] = really_output(done)
    return shown


folder = settings().data_dir
doom = Doom(folder, "run")
really_decide, really_output = agents.cycle.run._decide, pipelines.trade._output
agents.cycle.run._decide = decide
pipelines.trade._output = output
