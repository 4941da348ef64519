"""A told session: the real guardian on a fake broker, clock and journal, and everything that happened as text."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from agents.domain.cycle import DeskState, Veto
from agents.domain.errors import BrokerUnavailableError, ConfigError, InvariantViolationError, StoreBusyError
from agents.domain.market import Quote, Segment, Session
from agents.domain.orders import SuperOrder, TradeSetup
from agents.domain.values import IST, OptionType, Side, canonical_json
from agents.execution.gateway import OrderUpdate
from agents.execution.guardian.guardian import Guardian
from agents.execution.guardian.ports import (
    ANSWER,
    GUARDIAN_EVENT,
    ORDER_EVENT,
    REQUEST,
    Command,
    CommandKind,
    GuardianPorts,
    Severity,
    Standing,
    TopOfBook,
    TradeRequest,
)
from agents.execution.guardian.settings import GuardianSettings
from tests.agents.execution.guardian.fakebroker import FakeBroker, PowerCut
from tests.agents.execution.verdicts import yes_to

OPENS = datetime(2026, 11, 24, 9, 15, tzinfo=IST)
CONTRACT = "NIFTY26NOV24000CE"
SETTINGS = GuardianSettings(index="NIFTY", start_block=0.0)
TICK = Decimal("0.05")


@dataclass(frozen=True)
class Row:
    seq: int
    at: datetime
    kind: str
    key: str | None
    payload: Mapping[str, Any]


@dataclass
class FakeJournal:
    """What survives. While it is `full` nothing can be appended, which begins after `full_after` order events; each
    new row is `heard` at once.
    """

    heard: Callable[[Row], None]
    rows: list[Row] = field(default_factory=list)
    full: bool = False
    full_after: int = -1

    def append(
        self, kind: str, payload: Mapping[str, Any], *, key: str | None = None, at: datetime | None = None
    ) -> Row:
        if self.full_after == 0:
            self.full, self.full_after = True, -1
        if self.full:
            raise ConfigError("the disk is full; free space")
        known = next((row for row in self.rows if key is not None and (row.kind, row.key) == (kind, key)), None)
        if known is not None:
            if canonical_json(known.payload) != canonical_json(payload):
                raise InvariantViolationError(f"event {kind} {key} is there with other contents")
            return known
        if kind == ORDER_EVENT:
            self.full_after = max(self.full_after - 1, -1)
        row = Row(len(self.rows) + 1, at or OPENS, kind, key, dict(payload))
        self.rows.append(row)
        self.heard(row)
        return row

    def events(self, kind: str | None = None, *, after: int = 0) -> list[Row]:
        return [row for row in self.rows if row.seq > after and kind in {None, row.kind}]


@dataclass
class Story:
    """Everything outside the guardian, told second by second from 10:00:00."""

    now: datetime = field(default_factory=lambda: OPENS.replace(hour=10, minute=0))
    seconds: float = 0.0
    lines: list[str] = field(default_factory=list)
    settings: GuardianSettings = SETTINGS
    feed_dead: bool = False
    rest_dead: bool = False
    lease_lost: bool = False
    controls_down: bool = False
    halt_text: str = ""
    state: DeskState = DeskState.ACTIVE
    asked: list[Command] = field(default_factory=list)
    hints: list[OrderUpdate] = field(default_factory=list)
    forbidden: tuple[Veto, ...] = ()
    told: set[str] = field(default_factory=set)
    quoted_at: datetime | None = None
    boot: str = "first boot"

    def __post_init__(self) -> None:
        self.journal = FakeJournal(self._write)
        self.broker = FakeBroker(now=lambda: self.now, say=self.say)
        self.guardian = self.start()

    # telling

    def say(self, text: str) -> None:
        self.lines.append(f"{self.now:%H:%M:%S} {text}")

    def start(self) -> Guardian:
        """Start a guardian, as a new process."""
        self.guardian = Guardian(
            GuardianPorts(
                gateway=self.broker,
                journal=self.journal,
                updates=self,
                quotes=self,
                controls=_Controls(self),
                lease=_Lease(self),
                notifier=self,
                clock=_Clock(self),
                calendar=_Calendar(),
                checks=self,
            ),
            self.settings,
        )
        return self.guardian

    def run(self, seconds: int = 1, *, bid: str | None = None) -> None:
        """Let seconds pass, each with one match of the market and one step."""
        if bid is not None:
            self.broker.bid = Decimal(bid)
            self.say(f"market: bid {bid}")
        for _ in range(seconds):
            self.now += timedelta(seconds=1)
            self.seconds += 1
            self.broker.trade()
            self.step()

    def jump(self, hour: int, minute: int) -> None:
        """Let the time pass until then with nobody at work."""
        until = self.now.replace(hour=hour, minute=minute, second=0)
        self.seconds += (until - self.now).total_seconds()
        self.now = until

    def step(self) -> None:
        try:
            self.guardian.step(self.now)
        except PowerCut:
            self.say("guardian: dies")
            self.start()

    def text(self) -> str:
        return "\n".join(self.lines) + "\n"

    def _write(self, row: Row) -> None:
        said = row.payload
        if row.kind == ORDER_EVENT:
            moved = "" if said["was"] == said["state"] else f" {said['was']} -> {said['state']}"
            self.say(f"journal: {row.key}{moved}: {said['why']}")
        elif row.kind == ANSWER:
            self.say(f"answer: {row.key} {said['outcome']}: {said['detail']}")
        elif row.kind == GUARDIAN_EVENT:
            self.say(f"journal: {said['what']}")

    # asking

    def ask(self, number: int = 1, **update: object) -> TradeRequest:
        """Ask for a trade and return the request."""
        request = request_of(number, self.now)
        request = request.model_copy(update=update)
        self.say(f"desk: asks for {request.setup.setup_id}")
        self.journal.append(REQUEST, request.model_dump(mode="json"), key=request.setup.setup_id, at=self.now)
        return request

    def command(self, kind: CommandKind) -> None:
        """Have a person ask for something."""
        self.say(f"person: {kind}")
        self.asked.append(Command(id=f"c{len(self.asked)}", kind=kind, by="a person", asked_at=self.now))

    # ports

    def drain(self) -> Sequence[OrderUpdate]:
        heard, self.hints = self.hints, []
        return heard

    def book(self, contract: str) -> TopOfBook:
        bid = self.broker.bid
        return TopOfBook(contract=contract, at=self._heard(), ltp=bid, bid=bid, ask=bid + TICK)

    def underlying(self, name: str) -> Quote:
        return Quote(instrument=name, at=self._heard(), ltp=Decimal(24_000))

    def refresh(self, names: Sequence[str]) -> None:
        if self.rest_dead:
            raise BrokerUnavailableError("quotes timed out")
        self.say(f"guardian: reads {', '.join(names)} over REST")
        self.quoted_at = self.now

    def alert(self, severity: Severity, dedupe_key: str, text: str) -> None:
        known = f"{dedupe_key} {text}"
        if known not in self.told:
            self.told.add(known)
            self.say(f"alert: {severity} {text}")

    def vetoes(self, request: TradeRequest, standing: Standing, now: datetime) -> Sequence[Veto]:
        assert standing.equity == request.equity
        assert now == self.now
        return self.forbidden

    def _heard(self) -> datetime:
        if not self.feed_dead or self.quoted_at is None:
            self.quoted_at = self.now
        return self.quoted_at


@dataclass
class _Clock:
    story: Story

    def now(self) -> datetime:
        return self.story.now

    def elapsed(self) -> float:
        return self.story.seconds

    def counter(self) -> str:
        return self.story.boot


@dataclass
class _Lease:
    story: Story

    def valid(self) -> bool:
        return not self.story.lease_lost


@dataclass
class _Controls:
    story: Story

    def halted(self) -> str:
        return self.story.halt_text

    def desk_state(self) -> DeskState:
        if self.story.controls_down:
            raise StoreBusyError("the ledger stayed locked; try again")
        return self.story.state

    def set_desk_state(self, state: DeskState, reason: str) -> None:
        self.story.say(f"guardian: the desk is {state}: {reason}")
        self.story.state = state

    def commands(self) -> Sequence[Command]:
        return list(self.story.asked)

    def acknowledge(self, command_id: str, outcome: str) -> None:
        self.story.asked = [one for one in self.story.asked if one.id != command_id]
        self.story.say(f"guardian: command {command_id} {outcome}")


class _Calendar:
    def session(self, on: date) -> Session | None:
        opens = OPENS.replace(year=on.year, month=on.month, day=on.day)
        closes = opens.replace(hour=15, minute=40)
        return Session(on=on, segments=(Segment(open_at=opens, close_at=closes),), derivatives_close_at=closes)

    def sessions(self, first: date, last: date) -> Sequence[Session]:
        raise AssertionError(f"nobody asks for the sessions from {first} to {last}")


def order_of(number: int, now: datetime) -> SuperOrder:
    """Return the order of a setup: 130 units at 100.00, stop 90.00, target 120.00."""
    return SuperOrder(
        correlation_id=f"A261124setup{number:05d}01",
        setup_id=f"setup{number:05d}",
        zone_id=f"zone{number}",
        underlying="NIFTY",
        contract=CONTRACT,
        option_type=OptionType.CE,
        lots=2,
        lot_size=65,
        tick_size=TICK,
        entry_limit=Decimal("100.00"),
        stop_trigger=Decimal("90.00"),
        target_limit=Decimal("120.00"),
        half_spread=Decimal("0.05"),
        placed_at=now,
        cancel_entry_at=now + timedelta(minutes=3),
        flatten_at=now.replace(hour=15, minute=10, second=0),
    )


def request_of(number: int, now: datetime) -> TradeRequest:
    """Return a request that passes every check."""
    order = order_of(number, now)
    setup = TradeSetup(
        setup_id=order.setup_id,
        zone_id=order.zone_id,
        instrument="NIFTY",
        side=Side.DEMAND,
        decided_at=now,
        contract=order.contract,
        option_type=order.option_type,
        strike=Decimal(24_000),
        expiry_at=now + timedelta(days=7),
        lot_size=order.lot_size,
        spot=Decimal(24_000),
        spot_stop=Decimal(23_980),
        spot_target=Decimal(24_040),
        premium_entry=order.entry_limit,
        premium_stop=order.stop_trigger,
        premium_target=order.target_limit,
        half_spread=order.half_spread,
        costs_per_unit=Decimal("0.5"),
        risk_reward=1.8,
        baseline_probability=0.35,
    )
    return TradeRequest(
        setup=setup,
        order=order,
        verdict=yes_to(order.setup_id),
        cycle_id="cycle",
        equity=Decimal(500_000),
        asked_at=now,
    )


def with_settings(**update: object) -> GuardianSettings:
    """Return the settings of stories with changes."""
    return replace(SETTINGS, **update)  # type: ignore[arg-type]  # the names are those of the dataclass
