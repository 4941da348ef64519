"""The ledger as the guardian's journal: every event it writes is fenced by its lease, and every fill is kept."""

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from agents.data.ledger import Lease, Ledger, LedgerEvent
from agents.domain.errors import TradingError
from agents.domain.orders import SuperOrder
from agents.domain.values import IST
from agents.execution.gateway import (
    Ack,
    FillRow,
    Funds,
    Leg,
    OrderGateway,
    OrderRow,
    PositionRow,
    SuperRow,
)

FILL: Final = "fill"
_log = logging.getLogger(__name__)


class FencedJournal:
    """Implements `agents.execution.guardian.ports.Journal`.

    Parameters
    ----------
    ledger : Ledger
        Where events go.
    lease : callable
        Returns the lease that is held; raises `LeaseLostError` when none is.
    heard : callable
        Is told kind and payload of each event that was written; never raises.
    """

    def __init__(
        self,
        ledger: Ledger,
        lease: Callable[[], Lease],
        heard: Callable[[str, Mapping[str, Any]], None] = lambda _kind, _payload: None,  # Any: as below
    ) -> None:
        self._ledger = ledger
        self._lease = lease
        self._heard = heard

    def append(
        self, kind: str, payload: Mapping[str, Any], *, key: str | None = None, at: datetime | None = None
    ) -> LedgerEvent:  # Any: whatever JSON can hold
        """Add an event, unless somebody else has become the guardian; see the protocol."""
        event = self._ledger.append(kind, payload, key=key, at=at, fence=self._lease())
        self._heard(kind, event.payload)
        return event

    def events(self, kind: str | None = None, *, after: int = 0) -> Sequence[LedgerEvent]:
        """Return the events of a kind with ``seq > after``, in order."""
        return self._ledger.events(kind, after=after)


class FillKeeper:
    """An `OrderGateway` that writes every execution it sees into the journal, once.

    The day's result is reckoned from these, each with its own price, as the broker charges each by itself.

    Parameters
    ----------
    gateway : OrderGateway
        Does the work.
    journal : FencedJournal
        Gets an event `FILL` for each execution, its key the date and the broker's trade id.
    """

    def __init__(self, gateway: OrderGateway, journal: FencedJournal) -> None:
        self._gateway = gateway
        self._journal = journal
        self._kept: set[str] = set()

    def trades(self) -> Sequence[FillRow]:
        """Return today's executions, each kept; one that could not be written is written the next time."""
        rows = self._gateway.trades()
        for row in rows:
            key = f"{row.at.astimezone(IST):%Y-%m-%d}:{row.trade_id}"
            if key in self._kept:
                continue
            try:
                self._journal.append(FILL, row.model_dump(mode="json"), key=key, at=row.at)
            except TradingError as error:
                _log.warning("execution %s could not be written: %s", row.trade_id, error)
                break
            self._kept.add(key)
        return rows

    def place_super(self, order: SuperOrder) -> Ack:
        """As the gateway."""
        return self._gateway.place_super(order)

    def place_exit(self, correlation_id: str, contract: str, quantity: int, limit: Decimal) -> Ack:
        """As the gateway."""
        return self._gateway.place_exit(correlation_id, contract, quantity, limit)

    def modify_leg(
        self,
        order_id: str,
        leg: Leg,
        *,
        price: Decimal | None = None,
        trigger: Decimal | None = None,
        quantity: int | None = None,
    ) -> None:
        """As the gateway."""
        self._gateway.modify_leg(order_id, leg, price=price, trigger=trigger, quantity=quantity)

    def modify_exit(self, order_id: str, limit: Decimal) -> None:
        """As the gateway."""
        self._gateway.modify_exit(order_id, limit)

    def cancel_entry(self, order_id: str) -> None:
        """As the gateway."""
        self._gateway.cancel_entry(order_id)

    def cancel_order(self, order_id: str) -> None:
        """As the gateway."""
        self._gateway.cancel_order(order_id)

    def super_orders(self) -> Sequence[SuperRow]:
        """As the gateway."""
        return self._gateway.super_orders()

    def orders(self) -> Sequence[OrderRow]:
        """As the gateway."""
        return self._gateway.orders()

    def positions(self) -> Sequence[PositionRow]:
        """As the gateway."""
        return self._gateway.positions()

    def funds(self) -> Funds:
        """As the gateway."""
        return self._gateway.funds()

    def find(self, correlation_id: str) -> SuperRow | OrderRow | None:
        """As the gateway."""
        return self._gateway.find(correlation_id)

    def arm_loss_exit(self, loss: Decimal) -> None:
        """As the gateway."""
        self._gateway.arm_loss_exit(loss)

    def loss_exit(self) -> Decimal | None:
        """As the gateway."""
        return self._gateway.loss_exit()

    def exit_all(self) -> None:
        """As the gateway."""
        self._gateway.exit_all()
