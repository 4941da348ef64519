"""When to read the broker's book, and what does not match ours.

The rules: nothing is done before the first complete look; a complete look follows every minute, every request that
lost its answer, every position that was left, and every difference until it is explained; a difference closes the
entries at once and is told when a second look shows it again, because two lists that are read one after the other may
part for a moment.
"""

from collections.abc import Sequence

from agents.domain.errors import BrokerError
from agents.execution.guardian.attribute import attributed
from agents.execution.guardian.case import Case
from agents.execution.guardian.kit import Kit
from agents.execution.guardian.ports import Severity
from agents.execution.guardian.reconcile import Finding, findings, oversold
from agents.execution.guardian.view import View, glance, survey
from agents.execution.guardian.words import spoken

OWNER = "broker"
SILENT = "silent"
"""Name of the timer that counts while nobody answers."""
LEFT = "left"
"""Name of the timer that counts from the last position that was left: its other exit may sell once more."""
WATCH_IT = "stop and target rest at the broker, so watch its own app, and see to network and token"


class Lookout:
    """Reads the broker and compares.

    Parameters
    ----------
    kit : Kit
        Shared with the other parts.
    """

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        self._wanted = True
        self.view: View | None = None
        self.survey: View | None = None
        self.found: tuple[Finding, ...] = ()
        self.silence = ""

    @property
    def reconciled(self) -> bool:
        """Whether there was a complete look."""
        return self.survey is not None

    @property
    def age(self) -> float:
        """Seconds since the last complete look, infinite before the first."""
        return float("inf") if self.survey is None else self._kit.clock.elapsed - self.survey.taken

    def want_survey(self) -> None:
        """Ask for a complete look in the next step."""
        self._wanted = True

    def glance(self, *, alive: bool, watching: bool, orders: bool, hinted: bool) -> View | None:
        """Look at the super orders if that is due, or because of a hint; None when it was not, or nobody answered."""
        every = self._kit.settings.look_every if alive else self._kit.settings.watch_every
        if not (alive or watching):
            return None
        due = self._kit.timers.is_due(OWNER, "glance", self._kit.clock.elapsed, every)
        if not due and not hinted:
            return None
        try:
            self.view = glance(self._kit.ports.gateway, self._kit.clock.elapsed, orders=orders)
        except BrokerError as error:
            self._silent(error)
            return None
        self._heard()
        return self.view

    def complete(self, *, open_questions: bool) -> View | None:
        """Read everything if that is due; None when it was not, or nobody answered.

        `open_questions` says that a case needs the trade book or the positions to go on.
        """
        soon = self._wanted or open_questions or bool(self.found) or not self.reconciled or self._left_lately()
        every = self._kit.settings.query_every if soon else self._kit.settings.reconcile_every
        if not self._kit.timers.is_due(OWNER, "survey", self._kit.clock.elapsed, every):
            return None
        return self.now()

    def _left_lately(self) -> bool:
        """Whether a position was left so long ago that a late sale would show, and nobody has looked since."""
        since = self._kit.timers.passed(OWNER, LEFT, self._kit.clock.elapsed) - self._kit.settings.grace / 2
        return 0 <= since < self.age

    def now(self) -> View | None:
        """Read everything now; None when nobody answered."""
        try:
            self.view = self.survey = survey(self._kit.ports.gateway, self._kit.clock.elapsed)
        except BrokerError as error:
            self._silent(error)
            return None
        self._wanted = False
        self._heard()
        return self.survey

    def price(self, view: View) -> None:
        """Give the executions of a complete look to the setups that they belong to."""
        if view.fills is None:
            return
        for setup_id, changes in attributed(self._kit.records.cases.values(), view.fills, view.orders).items():
            case = self._kit.records.cases[setup_id]
            self._kit.records.record(case, self._kit.clock.now, "seen in the trade book", **changes)

    def compare(self, cases: Sequence[Case], view: View) -> None:
        """Note what does not match, and tell what did not match the last time either."""
        before = {finding.key for finding in self.found}
        self.found = findings(cases, view)
        for finding in self.found:
            if finding.critical or finding.key in before:
                self._tell(finding)
        if view.funds is not None and (not before) == bool(self.found):
            facts = {"orders": len(view.supers) + len(view.orders), "differences": [one.text for one in self.found]}
            self._kit.records.note("reconciled", facts, self._kit.clock.now)

    def notice(self, case: Case) -> None:
        """Tell at once what a case's own orders show, also while the rest of the book cannot be read."""
        for finding in oversold((case,)):
            self._tell(finding)

    def _tell(self, finding: Finding) -> None:
        severity = Severity.CRITICAL if finding.critical else Severity.WARN
        self._kit.ports.notifier.alert(severity, finding.key, f"{finding.text}; entries are closed until it fits")

    def _silent(self, error: BrokerError) -> None:
        self.silence = spoken(error)
        held = self._kit.timers.held(OWNER, SILENT, self._kit.clock.elapsed)
        if held > self._kit.settings.silent_broker_alert:
            least = self._kit.settings.silent_broker_alert
            text = f"the broker's book could not be read for more than {least:.0f} s: {self.silence}; {WATCH_IT}"
            self._kit.ports.notifier.alert(Severity.CRITICAL, "broker silent", text)

    def _heard(self) -> None:
        self.silence = ""
        self._kit.timers.held(OWNER, SILENT, self._kit.clock.elapsed, true=False)
