"""From a trade request to an answer: the only way to a new order.

The rules: a request is weighed against a book that was read just now; every condition is asked, and one that cannot be
asked forbids; the intent is durable before anything is sent; each request gets one answer.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from agents.domain.cycle import Veto
from agents.domain.errors import TradingError
from agents.domain.lifecycle import ALIVE, UNRESOLVED, TradeState
from agents.execution.guardian.case import Case
from agents.execution.guardian.deadman import prices_of
from agents.execution.guardian.gates import Ground, expired, vetoes
from agents.execution.guardian.hand import Hand
from agents.execution.guardian.lookout import Lookout
from agents.execution.guardian.lossexit import LossExit
from agents.execution.guardian.ports import GuardianPorts, TradeRequest
from agents.execution.guardian.records import JournalDownError, Records
from agents.execution.guardian.requests import Inbox, answer_of, parsed, refused
from agents.execution.guardian.sender import Sender
from agents.execution.guardian.settings import GuardianSettings
from agents.execution.guardian.standing import day_of, left_on, realised, standing_of
from agents.execution.guardian.timing import SteadyClock
from agents.execution.guardian.words import spoken
from agents.ops.about import about

PASSING = frozenset(
    {
        "G.controls",
        "G.broker",
        "G.journal",
        "G.index",
        "G.quote",
        "G.reconcile",
        "G.loss_exit",
        "R3.depth",
        "R7.index",
        "R7.quote",
    }
)
"""Conditions that may hold again in a moment: a request that only they forbid is asked again until it is too old."""


class Counter:
    """Takes requests one by one.

    Parameters
    ----------
    ports : GuardianPorts
        Journal, quotes, calendar and the pre-trade checks are used.
    settings : GuardianSettings
        Conditions.
    records : Records
        Memory and journal.
    clock : SteadyClock
        Time.
    sender : Sender
        Sends what passed.
    lookout : Lookout
        Reads the broker's book for each request.
    """

    def __init__(
        self,
        ports: GuardianPorts,
        settings: GuardianSettings,
        records: Records,
        clock: SteadyClock,
        *,
        sender: Sender,
        lookout: Lookout,
    ) -> None:
        self._ports = ports
        self._settings = settings
        self._records = records
        self._clock = clock
        self._sender = sender
        self._lookout = lookout
        self._inbox = Inbox(ports.journal)
        self._again_at = 0.0
        self._waited: tuple[Veto, ...] = ()
        self._held: tuple[str, Mapping[str, Any]] | None = None  # Any: whatever a request's JSON holds

    def serve(self, hand: Hand, loss_exit: LossExit, *, started: float, faults: tuple[str, ...]) -> bool:
        """Answer the oldest request, if there is one and the ration allows it; return whether an order was sent."""
        self._inbox.poll(lambda key: key in self._records.answered, self._records.begins_after)
        self._held = item = self._held or self._inbox.next()
        if item is None:
            return False
        key, payload = item
        if (known := self._records.cases.get(key)) is not None:
            self._done(answer_of(known, self._clock.now))
            return False
        if self._records.is_overtaken():
            return False  # another guardian may have ordered this very setup: the journal is read anew first
        request = parsed(key, payload)
        why = (request,) if isinstance(request, Veto) else tuple(expired(request, self._clock.now, self._settings))
        if isinstance(request, Veto) or why:  # set aside unweighed: to weigh it may be what ended the last process
            self._refuse(key, (*why, *self._waited))
            return False
        if not self._sender.is_free() or self._clock.elapsed < self._again_at:
            return False
        with about(cycle_id=request.cycle_id, setup_id=key, correlation_id=request.order.correlation_id):
            return self._decide(request, self._ground(request, hand, loss_exit, started=started, faults=faults))

    def _decide(self, request: TradeRequest, ground: Ground) -> bool:
        found = vetoes(request, ground, self._settings)
        if {veto.rule for veto in found} <= PASSING:
            found = (*found, *self._checked(request))
        if not found:
            return self._order(request)
        if {veto.rule for veto in found} <= PASSING:
            self._waited, self._again_at = found, self._clock.elapsed + self._settings.query_every
        else:
            self._refuse(request.setup.setup_id, found)
        return False

    def _order(self, request: TradeRequest) -> bool:
        now = self._clock.now
        case = Case(
            setup_id=request.setup.setup_id,
            order=request.order,
            cycle_id=request.cycle_id,
            equity=request.equity,
            opened_at=now,
        )
        try:
            case = self._records.open(case, now, f"asked by cycle {request.cycle_id}, every check passed")
        except JournalDownError as down:
            case = self._records.cases[case.setup_id]
            why = f"kept back, never sent: {spoken(down)}"
            case = self._records.record(case, now, why, TradeState.REJECTED)
            self._done(answer_of(case, self._clock.now))
            return False
        case = self._sender.place(case)
        self._done(answer_of(case, self._clock.now))
        return True

    def _checked(self, request: TradeRequest) -> tuple[Veto, ...]:
        """Run the desk's own risk rules on the reconciled book."""
        seen = self._lookout.survey
        if seen is None:
            return (_forbidden("G.reconcile", "the book was not reconciled yet"),)
        now, age = self._clock.now, timedelta(seconds=self._lookout.age)
        cases, brokerage = self._records.cases.values(), self._settings.brokerage
        standing = standing_of(cases, seen, request.equity, brokerage, now - age)
        try:
            return tuple(self._ports.checks.vetoes(request, standing, now))
        except (TradingError, ValueError, ArithmeticError) as error:  # numbers that no rule can be asked of
            return (_forbidden("G.checks", f"the risk rules could not be asked: {spoken(error)}"),)

    def _ground(
        self, request: TradeRequest, hand: Hand, loss_exit: LossExit, *, started: float, faults: tuple[str, ...]
    ) -> Ground:
        view = self._lookout.now()
        cases = tuple(self._records.cases.values())
        if view is not None:
            self._lookout.compare(cases, view)
        self._clock.read()
        hand.read(self._clock.elapsed)  # the book took its time: no order goes out under a HALT that came meanwhile
        now, settings = self._clock.now, self._settings
        prices = prices_of(self._ports.quotes, settings.index, request.order.contract, now)
        lost_exits = sum(one.may_sell for case in cases for one in case.exits)
        given_up = [case for case in cases if case.state is TradeState.ABANDONED]
        turned_up = sum(view is not None and view.row_of(case) is not None for case in given_up)
        return Ground(
            now=now,
            session=self._ports.calendar.session(day_of(now)),
            desk=hand.state,
            halted=hand.halted,
            unread=hand.unread,
            silence=self._lookout.silence,
            cases=cases,
            ordered=frozenset(self._records.ordered),
            unresolved=sum(case.state in UNRESOLVED for case in cases) + lost_exits + turned_up,
            alive=sum(case.state in ALIVE for case in cases),
            sent_today=self._sender.sent_today,
            realised=realised(left_on(cases, day_of(now), settings.brokerage)),
            blocks=(*faults, *(finding.text for finding in self._lookout.found)),
            trouble="" if self._records.is_sound else self._records.trouble or "events wait",
            clock_stepped=self._clock.has_stepped_within(settings.clock_block),
            started=started,
            looked=self._lookout.age,
            armed=loss_exit.armed,
            index_age=prices.index_age,
            book_age=prices.book_age,
        )

    def _refuse(self, key: str, found: tuple[Veto, ...]) -> None:
        self._done(refused(key, found, self._clock.now))

    def _done(self, answer: Any) -> None:
        self._records.answer(answer.setup_id, answer)
        self._held, self._waited = None, ()


def _forbidden(rule: str, text: str) -> Veto:
    return Veto(rule=rule, limit=0.0, value=1.0, text=text)
