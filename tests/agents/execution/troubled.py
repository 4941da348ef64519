"""A desk for told troubles: the real guardian, risk rules, ledger and alerts; broker, market and clock are told."""

from collections import deque
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from agents.data.dhan.reply import Reply
from agents.data.ledger import Ledger, LedgerEvent, Severity
from agents.data.ledger.outbox import Message
from agents.data.preflight.findings import Finding, fine
from agents.domain.errors import MissingDataError
from agents.domain.evidence import SetupVerdict
from agents.domain.market import Quote
from agents.domain.values import IST
from agents.execution.dhan.witness import Witness
from agents.execution.guardian.guardian import Guardian
from agents.execution.guardian.ports import REQUEST, GuardianPorts, TradeAnswer, TradeRequest
from agents.execution.request import RequestBroker, answer_to
from agents.execution.risk import Limits, Outside, SpecialDays
from agents.execution.risk.limits import changed
from agents.execution.service.checks import INDIA_VIX, RiskChecks, RuleBook
from agents.execution.service.journal import FencedJournal
from agents.execution.service.outlets import LedgerControls, OutboxNotifier
from agents.execution.service.outside import of_ledger, why_not_live
from agents.ops.loop import AlertLoop, GuardianFacts
from agents.ops.server import Health
from agents.ops.unkept import Unkept
from agents.ports import NullMetrics
from agents.settings import Settings
from tests.agents.execution.guardian.story import Row, Story, _Calendar, _Clock, _Lease, request_of

ACCOUNT = "1000000001"
LIMITS = changed(Limits(), cool_down=timedelta(0), pause=timedelta(0))


class HeardJournal(FencedJournal):
    """The ledger as journal, told to the story."""

    def __init__(self, story: "TroubledDesk") -> None:
        lease = story.ledger.leases.acquire("guardian", "test", timedelta(hours=9))
        assert lease is not None
        super().__init__(story.ledger, lambda: lease)
        self._story = story

    def append(
        self, kind: str, payload: Mapping[str, Any], *, key: str | None = None, at: datetime | None = None
    ) -> LedgerEvent:  # Any: as the parent
        """As the parent."""
        found = super().append(kind, payload, key=key, at=at)
        self._story._write(Row(found.seq, found.at, kind, key, found.payload))
        return found


class TroubledDesk(Story):
    """One session from 10:00:00, in seconds. `settings` are those of the desk, `seen` is what the broker says of us."""

    def __init__(self, folder: Path) -> None:
        self.now = datetime(2026, 11, 24, 10, tzinfo=IST)
        self.mode = Settings(mode="paper", data_dir=folder)
        self.home = self.mode.home
        self.home.mkdir(parents=True)
        self.path = self.home / "ledger.sqlite"
        self.ledger = Ledger.open(self.path, "paper", now=lambda: self.now, equity=Decimal(500_000))
        self.seen: Finding = fine("address", "orders are taken")
        self.unkept: deque[Unkept] = deque()
        self.seconds = 0.0
        self.witness = Witness(lambda: self.now.astimezone(UTC), lambda: self.seconds, lambda: self.seen)
        self.alerts = AlertLoop(
            self.mode,
            self.ledger,
            _Clock(self),
            _Calendar(),
            GuardianFacts(lambda: Health(problems=(), facts={}), self.holding, lambda _on: (), self.unkept),
            metrics=NullMetrics(),
            wall=lambda: self.now,
            monotonic=lambda: self.seconds,
        )
        super().__init__()

    def start(self) -> Guardian:
        """Start a guardian with the desk's own adapters."""
        if not hasattr(self, "kept"):
            self.kept = HeardJournal(self)
        controls = LedgerControls(self.ledger, self.home)
        notifier = OutboxNotifier(self.ledger, lambda: self.seconds, self.unkept)
        book = RequestBroker(self.ledger, _Clock(self), lambda _seconds: None, Decimal(20))
        checks = RiskChecks(
            RuleBook(LIMITS, SpecialDays((), beyond=1.0), 1),
            _Calendar(),
            self.ledger,
            lambda: self,
            outside=self.outside,
            earlier=lambda first, last: book.trades(last, since=first),
        )
        ports = GuardianPorts(
            gateway=self.broker,
            journal=self.kept,
            updates=self,
            quotes=self,
            controls=controls,
            lease=_Lease(self),
            notifier=notifier,
            clock=_Clock(self),
            calendar=_Calendar(),
            checks=checks,
        )
        self.guardian = Guardian(ports, self.settings)
        return self.guardian

    def step(self) -> None:
        """One step of the guardian, and one of the thread beside it."""
        super().step()
        self.alerts.step()

    def outside(self, now: datetime) -> Outside:
        """Return what the guardian's process would know of itself."""
        desk = of_ledger(self.ledger, self.home)(now)
        return Outside(
            state=desk.state,
            halted=desk.halted,
            clock_skew=self.witness.clock_skew,
            account=ACCOUNT,
            expected_account=ACCOUNT,
            address=self.witness.address(),
            mode=why_not_live(self.mode, now.astimezone(IST).date()),
            requests_second=0,
            requests_day=self.guardian.sender.sent_today,
        )

    def underlying(self, name: str) -> Quote:
        """Return the index; nobody lists a volatility index here."""
        if name == INDIA_VIX:
            raise MissingDataError("nobody lists it")
        return super().underlying(name)

    def ask(self, number: int = 1, **update: object) -> TradeRequest:
        """Ask for a trade as a cycle does, on zones of the last minute."""
        request = request_of(number, self.now)
        request = request.model_copy(update={"zones_at": self.now - timedelta(minutes=1), **update})
        self.say(f"desk: asks for {request.setup.setup_id}")
        payload = request.model_dump(mode="json")
        self.ledger.append(REQUEST, payload, key=request.setup.setup_id, at=self.now)
        return request

    def verdict(self, number: int, outcome: str) -> SetupVerdict:
        """Return what a judge that gives no answer says."""
        return request_of(number, self.now).verdict.model_copy(update={"outcome": outcome})

    def hear(self, seconds_ahead: float) -> None:
        """Let the broker answer, by its own clock that is so far ahead."""
        served = self.now.astimezone(UTC) + timedelta(seconds=seconds_ahead)
        header = {"date": served.strftime("%a, %d %b %Y %H:%M:%S GMT")}
        self.witness.heard(Reply("GET", "/super/orders", 200, header, b"[]"), self.now.astimezone(UTC))

    def answer(self, number: int) -> TradeAnswer | None:
        """Return the guardian's answer to a request."""
        return answer_to(self.ledger, f"setup{number:05d}")

    def holding(self) -> bool:
        """Whether the guardian holds a position."""
        return any(case.remaining > 0 for case in self.guardian.records.cases.values())

    def held(self) -> int:
        """Return the units that the broker's executions leave."""
        return sum(fill.quantity if fill.side == "buy" else -fill.quantity for fill in self.broker.fills)

    def entries(self) -> int:
        """Return how many super orders were sent."""
        return sum("guardian: POST super order" in line for line in self.lines)

    def rows(self) -> Sequence[Message]:
        """Return the alerts that do not speak of how an order goes, oldest first."""
        found = [row for row in self.ledger.outbox.recent(500) if row.severity is not Severity.INFO]
        return [row for row in reversed(found) if "setup0000" not in row.dedupe_key]
