"""The guardian: one step at a time, it looks, remembers, protects, and only then takes requests.

It cannot lose an order because of five rules, each kept in one module:

* the intent is durable before the one POST (`sender`, `records`);
* what has no certain answer is looked for and never sent again (`resolve`);
* what is held is counted per setup and left by verbs that may be repeated (`protect`, `observe`, `attribute`);
* what is not explained closes the entries, never the exits (`reconcile`, `gates`);
* a start is a recovery from a crash: read the journal, read the broker, then act (`Guardian.step`).

A fault in one stage is told, closes the entries and leaves the other stages at work.
"""

import logging
from datetime import date, datetime
from functools import partial

from agents.domain.errors import TradingError
from agents.domain.lifecycle import ALIVE, HOLDING, TradeState
from agents.execution.guardian.counter import Counter
from agents.execution.guardian.hand import Hand
from agents.execution.guardian.kit import Kit
from agents.execution.guardian.lookout import Lookout
from agents.execution.guardian.lossexit import LossExit
from agents.execution.guardian.ports import GuardianPorts, Severity
from agents.execution.guardian.records import Records
from agents.execution.guardian.sender import Sender
from agents.execution.guardian.settings import GuardianSettings
from agents.execution.guardian.stages import Stages
from agents.execution.guardian.standing import day_of
from agents.execution.guardian.tending import Tender
from agents.execution.guardian.timing import SteadyClock, Timers
from agents.execution.guardian.watch import Watch
from agents.execution.guardian.words import spoken
from agents.ops.about import about

_log = logging.getLogger(__name__)


class Guardian:
    """Owns the account's orders; `step` is to be called again and again, by one thread.

    Parameters
    ----------
    ports : GuardianPorts
        Everything outside.
    settings : GuardianSettings
        Times and limits.
    """

    def __init__(self, ports: GuardianPorts, settings: GuardianSettings) -> None:
        self._ports = ports
        self._settings = settings
        self._clock = SteadyClock(ports.clock, settings.clock_step)
        self._began_at = self._clock.elapsed
        self._day: date | None = None
        self._stages = Stages(ports.notifier)
        self._assemble()

    def _assemble(self) -> None:
        """Forget everything, as a new process would."""
        ports, settings, clock = self._ports, self._settings, self._clock
        self._timers = Timers()
        self.records = Records(ports.journal)
        self.sender = Sender(ports, settings, self.records, clock, self._timers)
        kit = Kit(ports, settings, self.records, clock, self._timers)
        self._tender = Tender(kit, sender=self.sender)
        self.lookout = Lookout(kit)
        self._watch = Watch(
            kit,
            stages=self._stages,
            tender=self._tender,
            lookout=self.lookout,
            sender=self.sender,
        )
        self._counter = Counter(ports, settings, self.records, clock, sender=self.sender, lookout=self.lookout)
        self._loss_exit = LossExit(ports.gateway, settings, ports.notifier, self._timers)
        self._hand = Hand(ports.controls, self._flatten_all, settings.grace)

    @property
    def reconciled(self) -> bool:
        """Whether the journal and the broker's book were both read since the start, the lease or the day began."""
        return self._day is not None and self.lookout.reconciled

    def step(self, now: datetime | None = None) -> None:
        """Do what is due; raises nothing, whatever the ports do.

        Parameters
        ----------
        now : datetime, optional
            The market's present where the caller has just looked; the clock's if not given.
        """
        self._clock.read(now)
        if not self._may_act():
            return
        self._stages.run("journal", self._recover)
        if self._day is None:
            return
        self._stages.run("journal", self._flush)
        self._stages.run("controls", lambda: self._hand.read(self._clock.elapsed))
        self._stages.run("broker", self._watch.look)
        if self.records.superseded or not self.lookout.reconciled:
            return
        if self._market_is_open():
            self._protect_all()
        self._stages.run("loss exit", self._arm)
        self._stages.run("orphans", self._watch.find_orphans)
        self._stages.run("requests", self._serve)

    def _may_act(self) -> bool:
        """Whether this process is the guardian. One that was not for a moment begins anew: another may have acted."""
        held = False
        try:
            held = self._ports.lease.valid()
        except TradingError as error:
            _log.warning("the lease cannot be read: %s", spoken(error))
        if not held or self.records.superseded:
            if self._day is not None:
                self._stages.tell(
                    Severity.CRITICAL, "lease", "the lease is lost or taken over: nothing is done before a new recovery"
                )
                self._day = None
                self._assemble()
            return False
        return True

    def _recover(self) -> None:
        today = day_of(self._clock.now)
        if self._day == today:
            return
        if self._day is not None and not self.records.is_sound:
            return
        fresh = self._day is None
        if not fresh:
            self._assemble()
            self._day = None
        self.records.recover(today)
        for case in list(self.records.cases.values()):
            self._tender.inherit(case)
        self._day = today
        self.records.mark(today, self._clock.now)
        self.records.note("started" if fresh else "new day", {"cases": len(self.records.cases)}, self._clock.now)

    def _flush(self) -> None:
        if not self.records.flush():
            self._stages.tell(
                Severity.CRITICAL, "journal", f"the journal fails: {self.records.trouble}; entries are closed"
            )

    def _market_is_open(self) -> bool:
        """Whether the exchange takes orders; without a calendar it is asked all the same."""
        now, steady = self._clock.now, self._clock.steady  # one of them is right, whatever was done to the clock
        moments = (now,) if now == steady else (now, steady)
        try:
            sessions = [(self._ports.calendar.session(day_of(moment)), moment) for moment in moments]
        except TradingError as error:
            self._stages.tell(Severity.WARN, "calendar", f"the calendar cannot be read: {spoken(error)}")
            return True
        return any(one is not None and one.open_at <= at < one.derivatives_close_at for one, at in sessions)

    def _protect_all(self) -> None:
        for case in [case for case in self.records.cases.values() if case.state in ALIVE]:
            with about(cycle_id=case.cycle_id, setup_id=case.setup_id, correlation_id=case.correlation_id):
                self._stages.run(case.setup_id, partial(self._protect, case.setup_id))

    def _protect(self, setup_id: str) -> None:
        before = self.records.cases[setup_id]
        after = self._tender.protect(before, self._hand.entries_stopped)
        if after.state in HOLDING and before.exits != after.exits:
            self.lookout.want_survey()

    def _arm(self) -> None:
        done = self._loss_exit.tend(day_of(self._clock.now), self._clock.elapsed)
        if done:
            self.records.note("loss exit", {"text": done}, self._clock.now)

    def _serve(self) -> None:
        started = self._clock.elapsed - self._began_at
        faults = tuple(self._stages.faults.values())
        if self._counter.serve(self._hand, self._loss_exit, started=started, faults=faults):
            self.lookout.want_survey()

    def _flatten_all(self, why: str) -> None:
        for case in list(self.records.cases.values()):
            wanted = case.state in ALIVE or case.state is TradeState.ABANDONED
            if wanted and not case.flatten_why:
                self.records.record(case, self._clock.now, why, flatten_why=why)
