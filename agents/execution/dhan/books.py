"""What Dhan lists of an account, in the guardian's words: orders, executions, positions, money, the armed loss exit."""

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from agents.domain.errors import BrokerUnavailableError, DataError
from agents.execution.dhan.contracts import Contracts
from agents.execution.dhan.line import Line
from agents.execution.dhan.rows import (
    Row,
    fill_rows,
    funds_of,
    is_exit_leg,
    listed,
    order_rows,
    position_rows,
    super_rows,
)
from agents.execution.gateway import FillRow, Funds, OrderRow, PositionRow, SuperRow


class DhanBooks:
    """The reads of `agents.execution.gateway.OrderGateway`; they change nothing, and raise `BrokerUnavailableError`.

    Parameters
    ----------
    line : Line
        Reads.
    contracts : Contracts
        Names and ids.
    """

    def __init__(self, line: Line, contracts: Contracts) -> None:
        self._line = line
        self._contracts = contracts
        self._parents: dict[str, str] = {}

    def super_orders(self) -> Sequence[SuperRow]:
        """Return today's super orders; see the protocol."""
        body = self._line.read("the super orders", lambda client: client.get_super_order_list())
        rows = super_rows(body, self._name)
        self._parents.update({leg.order_id: row.order_id for row in rows for leg in row.legs})
        return rows

    def orders(self) -> Sequence[OrderRow]:
        """Return today's orders; see the protocol."""
        body = self._line.read("the orders", lambda client: client.get_order_list())
        return order_rows(body, self._name, self._legs())

    def trades(self) -> Sequence[FillRow]:
        """Return today's executions; see the protocol."""
        return fill_rows(self._line.read("the trades", lambda client: client.get_trade_book()), self._name)

    def positions(self) -> Sequence[PositionRow]:
        """Return today's positions; see the protocol."""
        return position_rows(self._line.read("the positions", lambda client: client.get_positions()), self._name)

    def funds(self) -> Funds:
        """Return the account's money; see the protocol."""
        return funds_of(self._line.read("the funds", lambda client: client.get_fund_limits()))

    def find(self, correlation_id: str) -> SuperRow | OrderRow | None:
        """Return an order by our name of it, looked for in all three places where Dhan may show it."""
        for row in self.super_orders():
            if row.correlation_id == correlation_id:
                return row
        for order in self.orders():
            if order.correlation_id == correlation_id and order.parent_id is None:
                return order
        what = f"the order {correlation_id}"
        body = self._line.find(what, lambda client: client.get_order_by_correlationID(correlation_id))
        rows = [] if body is None else rows_of(what, body)
        found = order_rows([row for row in rows if not is_exit_leg(row)], self._name, self._legs())
        return next((row for row in found if row.correlation_id == correlation_id), None)

    def loss_exit(self) -> Decimal | None:
        """Return the loss at which Dhan leaves by itself, None when that is not armed; see the protocol."""
        body = self._line.read("the loss exit", lambda client: client.get_pnl_exit())
        if not isinstance(body, Mapping) or str(body.get("pnlExitStatus", "")).upper() != "ACTIVE":
            return None
        try:
            return Decimal(str(body.get("loss") or body.get("lossValue")))
        except InvalidOperation as error:
            raise BrokerUnavailableError(
                "Dhan's loss exit names no loss; see agents/execution/dhan/books.py"
            ) from error

    def _name(self, segment: str, security_id: int) -> str:
        try:
            return self._contracts.name(segment, security_id)
        except DataError as error:
            raise BrokerUnavailableError(f"the instrument master cannot be read: {error}") from error

    def _legs(self) -> Mapping[str, str]:
        """Return the super orders of legs that have an id of their own."""
        return {leg: parent for leg, parent in self._parents.items() if leg != parent}


def rows_of(what: str, body: Any) -> Sequence[Row]:  # Any: JSON
    """Return the rows of an answer. Raises `BrokerUnavailableError` where it is no list of rows."""
    try:
        return listed(body)
    except TypeError as error:
        raise BrokerUnavailableError(f"Dhan's answer to {what} is no list of rows") from error
