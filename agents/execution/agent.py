"""The public face of execution: what is asked here is written into the ledger, and the guardian answers there.

Nothing here talks to the broker. Asking twice for the same setup is asking once: the answer that is there is returned,
so a run that is repeated never trades twice.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Final, TypeVar

from agents.data.ledger import Ledger
from agents.data.ledger.commands import Command
from agents.domain.errors import MissingDataError, OrderUnknownError
from agents.domain.evidence import SetupVerdict
from agents.domain.orders import SuperOrder, TradeSetup
from agents.domain.profit import DayResult, day_result
from agents.domain.values import IST, content_id
from agents.execution.gateway import FillRow
from agents.execution.guardian.case import Case
from agents.execution.guardian.ports import TradeAnswer, TradeRequest
from agents.execution.request import answer_to, ask_once, cases_since
from agents.execution.service.changes import CANCEL, MODIFY
from agents.execution.service.journal import FILL

T = TypeVar("T")

LOOK_EVERY: Final = 0.01
PATIENCE: Final = 45.0
"""Real seconds: longer than a request is good for and than one request to the broker may take."""


@dataclass(frozen=True)
class Waiting:
    """How to wait: a stopwatch in real seconds, a way to sleep, and when to give up."""

    monotonic: Callable[[], float]
    sleep: Callable[[float], None]
    patience: float = PATIENCE


class ExecutionAgent:
    """Asks the guardian for trades and waits for its word.

    Parameters
    ----------
    ledger : Ledger
        The ledger that the guardian reads.
    now : callable
        Returns the market's present, aware: it stamps requests, which are good for some seconds only.
    waiting : Waiting
        How to wait for an answer.
    """

    def __init__(self, ledger: Ledger, now: Callable[[], datetime], waiting: Waiting) -> None:
        self._ledger = ledger
        self._now = now
        self._waiting = waiting

    def place_order(
        self, setup: TradeSetup, order: SuperOrder, verdict: SetupVerdict, *, cycle_id: str, equity: Decimal
    ) -> TradeAnswer:
        """Ask for one order and return the guardian's answer. It goes out with target and stop: none goes without.

        Parameters
        ----------
        setup, order, verdict : TradeSetup, SuperOrder, SetupVerdict
            What is to be traded, how it was planned, and the judge's word on it.
        cycle_id : str
            The cycle that asks.
        equity : Decimal
            Rupees that its size was measured against.

        Raises
        ------
        OrderUnknownError
            If the guardian did not answer in time; it may still do so, ask `answer` later.
        """
        request = TradeRequest(
            setup=setup, order=order, verdict=verdict, cycle_id=cycle_id, equity=equity, asked_at=self._now()
        )
        return self.place_bracket_order(request)

    def place_bracket_order(self, request: TradeRequest) -> TradeAnswer:
        """Ask for a super order of entry, target and stop, and return the guardian's answer; see `place_order`.

        A request for a setup that was asked for before is not written again: its answer is returned.
        """
        setup_id = request.setup.setup_id
        ask_once(self._ledger, request)
        return self._wait(
            lambda: self.answer(setup_id),
            f"the guardian has not answered the request for setup {setup_id}",
        )

    def modify_order(
        self, setup_id: str, *, stop: Decimal | None = None, target: Decimal | None = None, by: str
    ) -> str:
        """Ask to raise the stop or to move the target of a position, one of them, and return what became of it.

        Returns
        -------
        str
            Begins with "done" or "refused".

        Raises
        ------
        OrderUnknownError
            If the guardian did not answer in time; the request stays.
        """
        wanted = {"stop": stop, "target": target}
        payload = {name: str(price) for name, price in wanted.items() if price is not None}
        return self._command(MODIFY, {"setup_id": setup_id, **payload}, by)

    def cancel_order(self, setup_id: str, *, close: bool = False, by: str) -> str:
        """Ask to take an order back, with `close` also to sell what it bought; see `modify_order`."""
        return self._command(CANCEL, {"setup_id": setup_id, "close": close}, by)

    def answer(self, setup_id: str) -> TradeAnswer | None:
        """Return the guardian's answer to the request for a setup, None before there is one."""
        return answer_to(self._ledger, setup_id)

    def cases(self, on: date) -> Sequence[Case]:
        """Return the orders of a date, and older ones that are not over, as the journal has them, oldest first."""
        return sorted(cases_since(self._ledger, on), key=lambda case: (case.opened_at, case.setup_id))

    def fills(self, on: date) -> Sequence[FillRow]:
        """Return the executions of a date that the guardian has kept, in order."""
        events = self._ledger.events(FILL, since=datetime.combine(on, time.min, IST))
        rows = (FillRow.model_validate_json(json.dumps(dict(event.payload))) for event in events)
        return sorted((row for row in rows if row.at.astimezone(IST).date() == on), key=lambda row: row.at)

    def result(self, on: date, brokerage: Decimal) -> DayResult:
        """Return what a date has brought, as the broker's account has it: to the paisa, charges included."""
        return day_result(self.fills(on), brokerage)

    def _command(self, kind: str, payload: dict[str, object], by: str) -> str:
        identity = {**payload, "kind": kind, "at": self._now().isoformat()}
        asked = self._ledger.commands.ask(content_id(kind, identity), kind, payload, by=by)
        done = self._wait(lambda: self._done(asked.id), f"the guardian has not carried out {kind} {payload}")
        assert done.outcome is not None  # a command that is done has an outcome
        return done.outcome

    def _done(self, command_id: str) -> Command | None:
        found = self._ledger.commands.find(command_id)
        if found is None:
            raise MissingDataError(
                f"command {command_id} is gone from the ledger {self._ledger.name}; verify the ledger"
            )
        return found if found.done_at is not None else None

    def _wait(self, look: Callable[[], T | None], what: str) -> T:
        """Return what `look` finds. Raises `OrderUnknownError` if that takes too long."""
        began = self._waiting.monotonic()
        while (found := look()) is None:
            if self._waiting.monotonic() - began > self._waiting.patience:
                raise OrderUnknownError(f"{what} after {self._waiting.patience:.0f} s; see `zonedesk status`")
            self._waiting.sleep(LOOK_EVERY)
        return found
