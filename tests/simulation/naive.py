"""Four small guardians. The first three are the designs one would write first, and each loses orders.

They are here to test the tests: a simulation that lets them pass proves nothing about the real guardian. The fourth
repairs the third in one place and holds, so the simulation does not simply fail everybody.
"""

from contextlib import suppress
from datetime import datetime
from typing import Any

from agents.domain.errors import TradingError
from tests.simulation.book import Bracket
from tests.simulation.disk import Disk, Journal
from tests.simulation.network import LostError, Network, UnreadableError
from tests.simulation.session import Session, world_of
from tests.simulation.venue import RefusedError
from tests.simulation.world import CONTRACTS, Approved, Life, Plan, World

GRACE = 30
ENTRY_PATIENCE = 60
FRESH = 20
TRIES = 3
NAIVE_PLAN = Plan(
    requests_end=1_900,
    heal=2_000,
    flat=2_100,
    square_off=2_700,
    end=2_800,
    every=(150, 900),
    pause=5,
    contracts=CONTRACTS[:1],
)


class ResendingGuardian:
    """Repeats the request until it is answered, and writes it down afterwards."""

    by_account = True

    def __init__(self, life: Life, disk: Disk) -> None:
        self.world: World = life.world
        self.network, self.journal = Network(life), Journal(life, disk)
        self.known: dict[str, dict[str, Any]] = {}  # Any: whatever the journal holds of a setup
        for row in self.journal.events("naive"):
            self.known.setdefault(row.payload["id"], {}).update(row.payload)
        self.exit_at: dict[str, int] = {}
        for row in self.journal.events("naive_exit"):
            self.exit_at[row.payload["id"]] = row.payload["at"]

    def step(self, now: datetime) -> None:  # noqa: ARG002 - the port's signature; these read the world's clock
        """Look at the book, then protect, then open."""
        with suppress(UnreadableError, LostError, RefusedError, TradingError):
            book = self.network.read("super orders", self._book)
            self.resolve(book)
            for known in list(self.known.values()):
                self._protect(known, book)
            self._open(book)

    def resolve(self, book: dict[str, Bracket]) -> None:
        """Find out what became of requests without an answer; this design believes that it has none."""

    def submit(self, approved: Approved) -> None:
        """Send again and again, then write."""
        for _ in range(TRIES):
            try:
                bracket = self.network.send(f"super order {approved.correlation_id}", lambda: self.post(approved))
            except LostError:
                self.world.wait(1)
                continue
            self.note(approved, state="acked", order=bracket.order_id)
            return

    def post(self, approved: Approved) -> Bracket:
        """Place it at the broker."""
        return self.world.venue.place_super(approved.correlation_id, approved.terms)

    def note(self, approved: Approved, **facts: object) -> None:
        """Write down what is known of a setup, then remember it."""
        payload = {"id": approved.correlation_id, **facts}
        self.journal.append("naive", payload)
        self.known.setdefault(approved.correlation_id, {}).update(payload)

    def _book(self) -> dict[str, Bracket]:
        second = self.world.second
        return {b.order_id: b for b in self.world.venue.brackets.values() if b.visible_at <= second}

    def _open(self, book: dict[str, Bracket]) -> None:
        for approved in self.world.approved.values():
            if approved.correlation_id in self.known or self.world.second - approved.asked > FRESH:
                continue
            if not self._busy(book) and self.world.second < self.world.plan.requests_end:
                self.submit(approved)

    def _busy(self, book: dict[str, Bracket]) -> bool:
        """Return whether a setup is open: it may buy, its legs work, or it has no answer yet."""
        if any(known["state"] == "unknown" for known in self.known.values()):
            return True
        mine = [book[k["order"]] for k in self.known.values() if k.get("order") in book]
        if any(k.get("order") and k["order"] not in book for k in self.known.values()):
            return True
        if any(bracket.live for bracket in mine):
            return True
        return any(self.network.read("positions", lambda: dict(self.world.venue.net)).values())

    def _protect(self, known: dict[str, Any], book: dict[str, Bracket]) -> None:  # Any: as `known`
        bracket = book.get(known.get("order", ""))
        if bracket is None:
            return
        late = self.world.second - self.world.approved[known["id"]].asked > ENTRY_PATIENCE
        over = self.world.second >= self.world.plan.flat
        if bracket.buying and (late or over or known["state"] == "abandoned"):
            self.network.send(f"cancel {bracket.order_id}", lambda: self.world.venue.cancel_super(bracket.order_id))
        elif bracket.filled > bracket.sold:
            self._exit(known, bracket, over=over)

    def _exit(self, known: dict[str, Any], bracket: Bracket, *, over: bool) -> None:  # Any: as `known`
        target, stop = bracket.target, bracket.stop
        price = self.world.prices[bracket.contract]
        chase = stop is None or stop.state != "PENDING"
        marketable = int(price.bid * 0.9)
        if target is not None and target.live:
            if over or chase:
                order_id = bracket.order_id
                self.network.send(
                    f"target of {order_id}", lambda: self.world.venue.modify(order_id, "TARGET", marketable, None)
                )
        elif stop is not None and stop.live:
            if over or chase:
                order_id = bracket.order_id
                self.network.send(f"cancel {order_id}", lambda: self.world.venue.cancel_super(order_id))
        else:
            self._sell(known, bracket, marketable)

    def _sell(self, known: dict[str, Any], bracket: Bracket, limit: int) -> None:  # Any: as `known`
        last = self.exit_at.get(known["id"], -GRACE)
        if self.world.second - last < GRACE:
            return
        left = self._left(known, bracket)
        if left <= 0:
            return
        self.journal.append("naive_exit", {"id": known["id"], "at": self.world.second})
        self.exit_at[known["id"]] = self.world.second
        name = f"{known['id'][:-2]}90"
        plain = self.network.send(
            f"exit of {bracket.order_id}",
            lambda: self.world.venue.place_plain(name, bracket.contract, left, limit),
        )
        self.journal.append("naive_exit_order", {"id": known["id"], "order": plain.order_id})

    def _left(self, known: dict[str, Any], bracket: Bracket) -> int:  # Any: as `known`
        net = self.network.read("positions", lambda: self.world.venue.net.get(bracket.contract, 0))
        if self.by_account:
            return net
        exits = self.network.read("orders", lambda: self._own_exits(known["id"]))
        left = bracket.filled - bracket.sold - exits
        return left if net >= left else 0

    def _own_exits(self, correlation_id: str) -> int:
        """Return what plain orders of this setup have sold, writing down those whose reply was lost."""
        second, sold = self.world.second, 0
        for plain in self.world.venue.plains.values():
            if plain.correlation_id[:-2] == correlation_id[:-2] and plain.visible_at <= second:
                self.journal.append("naive_exit_order", {"order": plain.order_id}, key=plain.order_id)
                sold += plain.filled
        return sold


class QueryOnceGuardian(ResendingGuardian):
    """Writes first; after a lost reply asks once and sends again if the order is not to be seen."""

    def resolve(self, book: dict[str, Bracket]) -> None:
        """Ask once, then send again."""
        for known in list(self.known.values()):
            if known["state"] != "unknown":
                continue
            approved = self.world.approved[known["id"]]
            found = next((b for b in book.values() if b.correlation_id == known["id"]), None)
            if found is not None:
                self.note(approved, state="acked", order=found.order_id)
            else:
                self._send(approved)

    def submit(self, approved: Approved) -> None:
        """Write, then send."""
        self.note(approved, state="unknown", since=self.world.second)
        self._send(approved)

    def _send(self, approved: Approved) -> None:
        try:
            bracket = self.network.send(f"super order {approved.correlation_id}", lambda: self.post(approved))
        except RefusedError:
            self.note(approved, state="rejected")
            return
        self.note(approved, state="acked", order=bracket.order_id)


class NeverResendingGuardian(QueryOnceGuardian):
    """Writes first and never sends again, but sells what the account holds, not what the setup holds."""

    def resolve(self, book: dict[str, Bracket]) -> None:
        """Look for what was sent; give it up after `GRACE` but go on looking."""
        for known in list(self.known.values()):
            if known["state"] not in {"unknown", "abandoned"} or known.get("order"):
                continue
            approved = self.world.approved[known["id"]]
            found = next((b for b in book.values() if b.correlation_id == known["id"]), None)
            if found is not None:
                state = "acked" if known["state"] == "unknown" else "abandoned"
                self.note(approved, state=state, order=found.order_id)
            elif known["state"] == "unknown" and self.world.second - known["since"] > GRACE:
                self.note(approved, state="abandoned")


class CarefulGuardian(NeverResendingGuardian):
    """The same with exits counted for each setup."""

    by_account = False


VARIANTS: dict[str, type[ResendingGuardian]] = {
    "resend": ResendingGuardian,
    "query-once": QueryOnceGuardian,
    "never-resend": NeverResendingGuardian,
    "careful": CarefulGuardian,
}


def naive_session(seed: int, variant: type[ResendingGuardian], kinds: frozenset[str]) -> Session:
    """Return a session of a small guardian on the published mixture of faults."""
    return Session(world_of(seed, kinds, NAIVE_PLAN), variant)
