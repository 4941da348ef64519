"""What must hold of the guardian besides the broker's book.

P0 only what was asked and approved is ordered. P1 one super order for a setup, ever. P2 no entry after the last entry
time. P3 no order request without the lease. P4 no entry without a passed check list. P5 no entry while the desk is
halted or paused. P6 no entry while an earlier request has no answer. P7 no entry while something is held or works.
P8 the journal's cases equal the broker's book at the end, and each fill belongs to one setup. P9 nothing escapes the
guardian's step. P10 no secret in journal, alerts or logs. P11 flat soon after a person says so. P12 a request is
answered once, and truly. P13 no exit leg is cancelled alone. P14 the cases' profit is the account's. P15 units that the
broker sold twice are told at once, and nothing is opened afterwards. P16 no entry beyond the number of trades or within
the cool-down.
"""

import logging
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal

from agents.domain.cycle import DeskState
from agents.domain.lifecycle import OVER
from agents.domain.orders import SuperOrder
from agents.execution.guardian.case import Case
from agents.execution.guardian.fold import fold
from agents.execution.guardian.ports import ANSWER, GUARDIAN_EVENT, ORDER_EVENT, REQUEST, AnswerKind, CommandKind
from tests.simulation.book import Race
from tests.simulation.desk import SimulatedChecks, halt_file, stored_state
from tests.simulation.disk import Disk
from tests.simulation.network import LATEST_ARRIVAL
from tests.simulation.rows import rupees
from tests.simulation.world import Approved, World

NOTICE = 3
"""Seconds after which a change outside must have been noticed."""
ENTRY_SLACK = 120
KNOWN_WITHIN = 25
FLATTEN_WITHIN = 150
TOLD_WITHIN = 60
WRITES = (ORDER_EVENT, ANSWER, GUARDIAN_EVENT)


@dataclass
class EntryGuard:
    """Checks P1 to P7 at the moment in which a super order is sent."""

    world: World
    disk: Disk
    checks: SimulatedChecks

    def __call__(self, order: SuperOrder) -> None:
        """Check one super order."""
        self._may_be_sent(order)
        self._nothing_unresolved(order)
        self._nothing_open(order)
        self._within_the_rules(order)
        self.world.entries.append((self.world.second, order.setup_id, order.correlation_id))

    def _may_be_sent(self, order: SuperOrder) -> None:
        world = self.world
        if any(setup_id == order.setup_id for _, setup_id, _ in world.entries):
            world.violate("P1", f"setup {order.setup_id} is sent a second time")
        if world.second > world.plan.requests_end + ENTRY_SLACK:
            world.violate("P2", f"entry {order.correlation_id} after the last entry time")
        lost = -rupees(world.venue.cash - world.venue.foreign_cash)
        if lost >= world.loss_limit and not any(world.venue.net.values()) and self._quiet():
            world.violate("P2", f"entry {order.correlation_id} after {lost} were lost of {world.loss_limit} allowed")
        if order.setup_id not in self.checks.passed:
            world.violate("P4", f"setup {order.setup_id} did not pass the checks")
        if halt_file(world) and self._since_command() >= NOTICE:
            world.violate("P5", f"entry {order.correlation_id} with a HALT file")
        if stored_state(self.disk) is not DeskState.ACTIVE:
            world.violate("P5", f"entry {order.correlation_id} while the desk is {stored_state(self.disk)}")

    def _quiet(self) -> bool:
        """Whether the last sale is old enough to be known."""
        return all(deal.at < self.world.second - KNOWN_WITHIN for deal in self.world.venue.deals)

    def _since_command(self) -> int:
        begins = [begin for begin, end, _ in self.world.troubles["command"] if begin <= self.world.second < end]
        return self.world.second - max(begins, default=0)

    def _nothing_unresolved(self, order: SuperOrder) -> None:
        venue, second = self.world.venue, self.world.second
        seen = {b.correlation_id for b in venue.brackets.values() if b.visible_at <= second}
        for sent, _, correlation_id in self.world.entries:
            waits = correlation_id in self.world.unanswered and correlation_id not in seen
            if waits and second - sent < LATEST_ARRIVAL:
                self.world.violate("P6", f"{order.correlation_id} while {correlation_id} has no answer")

    def _nothing_open(self, order: SuperOrder) -> None:
        venue, second = self.world.venue, self.world.second
        recent = {deal.contract for deal in venue.deals if deal.at > second - NOTICE}
        held = [name for name, net in venue.net.items() if net and name not in recent]
        live = [b for b in venue.brackets.values() if b.live and not b.racing]
        works = [b.order_id for b in live if b.visible_at < second - NOTICE]
        if held or works:
            self.world.violate("P7", f"{order.correlation_id} while {held} is held and {works} work")

    def _within_the_rules(self, order: SuperOrder) -> None:
        """Count the trades and the seconds since the last sale, by the broker's book alone."""
        world, venue = self.world, self.world.venue
        known = {deal.order_id for deal in venue.deals if deal.at < world.second - KNOWN_WITHIN}
        opened = [b.order_id for b in venue.brackets.values() if b.order_id in known]
        if len(opened) >= world.most_trades:
            world.violate("P16", f"{order.correlation_id} after {len(opened)} trades of {world.most_trades}")
        unseen = venue.hidden(world.second - NOTICE)
        sales = [deal.at for deal in venue.deals if deal.side < 0 and deal.own and deal.order_id not in unseen]
        sold_at = max(sales, default=-world.plan.end)
        if world.second - sold_at < world.cool_down - NOTICE and not world.faults.clock_step:
            world.violate("P16", f"{order.correlation_id} {world.second - sold_at} s after a sale")


@dataclass
class CommandWatch:
    """Checks P11: after a person's order to flatten nothing is held for long while the guardian can act."""

    world: World
    waited: int = 0

    def __post_init__(self) -> None:
        given = self.world.commands_given
        self._asked = [second for second, command in given if command.kind is CommandKind.FLATTEN]

    def look(self) -> None:
        """Count the seconds in which something is held after the order."""
        world = self.world
        if not self._asked:
            return
        due = any(second < world.second and self._lasts(second) for second in self._asked)
        if not due or not any(world.venue.owed(name) > 0 for name in world.venue.net):
            self.waited = 0
        elif world.calm():
            self.waited += 1
            if self.waited > FLATTEN_WITHIN:
                world.violate("P11", f"held {self.waited} s after the order to flatten")

    def _lasts(self, begin: int) -> bool:
        return any(a == begin and self.world.second < b for a, b, _ in self.world.troubles["command"])


@dataclass
class RaceWatch:
    """Checks P15: after both exits have filled, a critical alert, and no more entries."""

    world: World
    told: int = 0
    waited: int = 0

    def look(self) -> None:
        """Count the seconds in which a race is not told, and see that nothing was sent since."""
        races = self.world.venue.races
        if not races:
            return
        late = [name for second, _, name in self.world.entries if second > races[0].at + NOTICE]
        if late:
            self.world.violate("P15", f"{late[0]} was sent after {races[0].quantity} were sold twice")
        race = races[min(self.told, len(races) - 1)]
        keys = tuple(f"oversold:{approved.setup_id}" for approved in self._asked(race))
        if self.told == len(races) or any(second >= race.at and key in keys for second, key in self.world.alerts):
            self.told, self.waited = min(self.told + 1, len(races)), 0
        elif self.world.calm():
            self.waited += 1
            if self.waited > TOLD_WITHIN:
                self.world.violate("P15", f"nobody told in {self.waited} s that {race.quantity} were sold twice")

    def _asked(self, race: Race) -> list[Approved]:
        approved = self.world.approved.get(race.correlation_id)
        return [] if approved is None else [approved]


@dataclass
class JournalWatch:
    """Checks P8, P10 and P12 at the end."""

    world: World
    disk: Disk
    logs: "LogKeeper"
    _cases: dict[str, Case] = field(default_factory=dict)

    def look(self) -> None:
        """Compare the journal with the broker's book."""
        if self.world.second != self.world.plan.end:
            return
        rows = self.disk.by_kind.get(ORDER_EVENT, [])
        self._cases = fold((row.payload for row in rows), self.world.plan.opens_at.date())
        self._compare_cases()
        self._look_for_owners()
        self._look_at_money()
        self._look_for_secrets()
        self._look_at_answers()

    def _compare_cases(self) -> None:
        known = {case.correlation_id: case for case in self._cases.values()}
        for bracket in self.world.venue.brackets.values():
            case = known.get(bracket.correlation_id)
            if case is None:
                self.world.violate("P8", f"no case for {bracket.order_id} {bracket.correlation_id}")
                continue
            twice = sum(race.quantity for race in self.world.venue.races if race.correlation_id == case.correlation_id)
            if case.bought != bracket.filled or case.remaining != -twice or case.state not in OVER:
                facts = f"bought {case.bought} of {bracket.filled}, remaining {case.remaining}"
                self.world.violate("P8", f"case {case.setup_id} {case.state.value}: {facts}")

    def _look_for_owners(self) -> None:
        claims = Counter(trade_id for case in self._cases.values() for trade_id in case.trade_ids)
        twice = [trade_id for trade_id, count in claims.items() if count > 1]
        if twice:
            self.world.violate("P8", f"fills {twice} belong to two setups")
        owned = sum(case.sold for case in self._cases.values())
        sold = sum(deal.own for deal in self.world.venue.deals if deal.side < 0)
        if owned != sold:
            self.world.violate("P8", f"{sold} sold, {owned} of them belong to a setup")

    def _look_at_money(self) -> None:
        """Compare profits, unless one sale by others covered two setups: it belongs to none and is then estimated."""
        claimed = {trade_id for case in self._cases.values() for trade_id in case.trade_ids}
        by_others = {order.order_id for order in self.world.venue.plains.values() if order.correlation_id == "NA"}
        loose = [deal for deal in self.world.venue.deals if deal.trade_id not in claimed and deal.own]
        if loose and all(deal.order_id in by_others for deal in loose):
            return
        ours = sum((case.earned - case.spent for case in self._cases.values()), Decimal(0))
        theirs = rupees(self.world.venue.cash - self.world.venue.foreign_cash)
        if ours != theirs:
            self.world.violate("P14", f"the cases earned {ours}, the account {theirs}")

    def _look_for_secrets(self) -> None:
        secret = self.world.secret
        told = [f"{row.kind} {row.key}" for row in self.disk.rows if row.kind in WRITES and secret in str(row.payload)]
        told += [line for line in self.world.trace if "alert" in line and secret in line]
        told += [line for line in self.logs.lines if secret in line]
        if told:
            self.world.violate("P10", f"a secret stands in {told[0][:120].replace(secret, '[hidden]')}")

    def _look_at_answers(self) -> None:
        answered = {row.key for row in self.disk.by_kind.get(ANSWER, [])}
        waiting = [row.key for row in self.disk.by_kind.get(REQUEST, []) if row.key not in answered]
        if waiting:
            self.world.violate("P12", f"requests without an answer: {waiting}")
        sent = {correlation_id for _, _, correlation_id in self.world.entries}
        for row in self.disk.by_kind.get(ANSWER, []):
            placed = row.payload["outcome"] == AnswerKind.PLACED.value
            correlation_id = row.payload.get("correlation_id", "")
            if placed and correlation_id not in {b.correlation_id for b in self.world.venue.brackets.values()}:
                self.world.violate("P12", f"{row.key} is said to be placed and is not at the broker")
            if row.payload["outcome"] == AnswerKind.REFUSED.value and correlation_id in sent and correlation_id:
                self.world.violate("P12", f"{row.key} is said to be refused and was sent")


class LogKeeper(logging.Handler):
    """Keeps the lines that the agents log, as the desk's redaction leaves them."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line."""
        self.lines.append(self.format(record))
