"""Writes what has changed before anyone is told of it.

The event loop does one step at a time: time is let pass, or a request is answered. At the end of each step, before a
reply, an order update or a packet of that step can leave, all parts are compared with what was written last, and the
difference goes into the file in one transaction. So the file holds the book as it stood between two steps, never half
of a fill, and no part can forget to say that it has changed.
"""

from collections.abc import Iterator

from exchange import staterecords
from exchange.clock import Millis
from exchange.core import Core
from exchange.orders import Order
from exchange.services import Event
from exchange.state import Drop, Put, StateFile
from exchange.staterecords import CLOCK, ClockBody, Record
from exchange.superorders import SuperOrder

AHEAD = 2.0  # real seconds for which the clock is written ahead

KINDS = ("client", "count", "ledger", "position", "guard", "task", "order", "super")
Found = list[tuple[str, Record]]


class Journal:
    """The journal of one exchange in one file. Its first commit replaces what the file holds, so restore that before.

    Parameters
    ----------
    core : Core
        Whose parts are written.
    file : StateFile
        Where to.
    """

    def __init__(self, core: Core, file: StateFile) -> None:
        self._core = core
        self._file = file
        self._marks: dict[str, dict[str, object]] = {}
        self._lines: dict[tuple[str, str], int] = {}
        self._moving: dict[str, Order] = {}
        self._turns = 0
        self._clock_due_at: Millis = 0
        self._afresh = True
        core.orders.watchers.append(self._follow)
        core.subscribe("restarted", self._restarted)
        self._begin()

    def commit(self) -> None:
        """Write everything that has changed since the last commit.

        Raises
        ------
        StateError
            If it cannot be written; the next commit tries everything again.
        """
        if self._afresh:
            self._begin()
        whole = self._whole()
        found = [*self._changed(whole), *self._moved(), *self._lines_added()]
        gone = [] if self._afresh else [*self._missing(whole), *self._filed()]
        if not found and not gone and not self._clock_is_due():
            return
        puts = [Put(kind, record.key, record.place, record.body()) for kind, record in found]
        self._write(puts, gone)
        self._note(found, gone)

    def settled(self) -> None:
        """Write how far the clock has come, before it comes further than the file says."""
        if self._afresh:
            self.commit()
        elif self._clock_is_due():
            self._write([], [])

    def _begin(self) -> None:
        """Forget what has been written, so that everything is written again."""
        self._marks = {kind: {} for kind in KINDS}
        self._lines.clear()
        self._moving = {order.order_id: order for order in self._core.orders.all()}

    def _whole(self) -> dict[str, list[Record]]:
        """Return the records of the kinds that are small enough to be looked at one by one each time."""
        core = self._core
        return {
            "client": list(staterecords.clients(core.accounts)),
            "count": list(staterecords.counts(core.orders)),
            "ledger": list(staterecords.ledgers(core.ledgers)),
            "position": list(staterecords.positions(core.ledgers)),
            "guard": list(staterecords.guards(core.safeguards)),
            "task": list(staterecords.tasks(core.timeline)),
        }

    def _changed(self, whole: dict[str, list[Record]]) -> Found:
        marks = self._marks
        return [
            (kind, one) for kind, records in whole.items() for one in records if marks[kind].get(one.key) != one.mark
        ]

    def _missing(self, whole: dict[str, list[Record]]) -> list[Drop]:
        kept = {(kind, one.key) for kind, records in whole.items() for one in records}
        return [Drop(kind, key) for kind in whole for key in self._marks[kind] if (kind, key) not in kept]

    def _moved(self) -> Iterator[tuple[str, Record]]:
        """Yield the orders, and the super orders with an order, that may have changed and have."""
        supers: dict[str, SuperOrder] = {}
        for order in self._moving.values():
            if self._core.orders.named(order.order_id) is not order:
                continue
            if self._marks["order"].get(order.order_id) != staterecords.order_mark(order):
                yield "order", staterecords.order(order)
            whole = self._core.supers.named(order.origin.parent or order.order_id)
            if whole is not None:
                supers[whole.entry.order_id] = whole
        for key, whole in supers.items():
            if self._marks["super"].get(key) != staterecords.super_mark(whole):
                yield "super", staterecords.super_order(whole)

    def _filed(self) -> Iterator[Drop]:
        """Yield the orders and super orders of days that are over."""
        orders, supers = self._core.orders, self._core.supers
        if orders.turns != self._turns:
            yield from (Drop("order", key) for key in self._marks["order"] if orders.named(key) is None)
            yield from (Drop("super", key) for key in self._marks["super"] if supers.named(key) is None)

    def _lines_added(self) -> Iterator[tuple[str, Record]]:
        for ledger in self._core.ledgers:
            for kind, lines in (("trade", staterecords.trades), ("adjustment", staterecords.adjustments)):
                known = self._lines.get((kind, ledger.client_id), 0)
                yield from ((kind, one) for one in lines(ledger, known))

    def _note(self, found: Found, gone: list[Drop]) -> None:
        """Remember what has been written; an order that is over is not looked at again until it is spoken of."""
        self._afresh = False
        self._turns = self._core.orders.turns
        for kind, record in found:
            if kind in self._marks:
                self._marks[kind][record.key] = record.mark
        for drop in gone:
            del self._marks[drop.kind][drop.key]
        for ledger in self._core.ledgers:
            self._lines["trade", ledger.client_id] = len(ledger.history) + len(ledger.trades)
            self._lines["adjustment", ledger.client_id] = len(ledger.adjustments)
        self._moving = {name: order for name, order in self._moving.items() if order.is_open}

    def _clock_is_due(self) -> bool:
        return self._core.now > self._clock_due_at

    def _write(self, puts: list[Put], gone: list[Drop]) -> None:
        """Write records together with the clock, and how far it may come before it is written again."""
        now = self._core.now
        ahead = round(AHEAD * 1000 * self._core.clock.speed) + 1
        clock = CLOCK.dump_json(ClockBody(now, now + ahead, self._core.chance.seed))
        self._file.write([*puts, Put("clock", "", 0, clock)], gone, afresh=self._afresh)
        self._clock_due_at = now + ahead // 2

    def _follow(self, order: Order) -> None:
        self._moving[order.order_id] = order

    def _restarted(self, _: Event) -> None:
        self._afresh = True
