"""Dhan's order endpoints as the guardian's gateway.

Only LIMIT orders for the day go out, intraday, under a correlation id that Dhan takes. A leg is changed by reading the
super order first, because what a change does not name Dhan takes for zero; no leg is ever cancelled by itself.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

from dhanhq import dhanhq

from agents.data.dhan.limiter import CallKind
from agents.data.dhan.master import Listing
from agents.domain.errors import BrokerUnavailableError, OrderRejectedError, OrderUnknownError
from agents.domain.orders import SuperOrder
from agents.execution.dhan.books import DhanBooks, rows_of
from agents.execution.dhan.contracts import Contracts
from agents.execution.dhan.line import Line, ack_of
from agents.execution.dhan.rows import LEG_NAMES, Row, leg_of
from agents.execution.gateway import Ack, Leg
from agents.execution.guardian.gates import CORRELATION
from agents.ops.breakers import entry_through
from agents.ports import Breaker

LONGEST_NAME: Final = 25
NEVER_WON: Final = Decimal(9_999_999)  # rupees: the broker wants to know at which profit to leave, too
_PRODUCT: Final = "INTRADAY"


class DhanGateway(DhanBooks):
    """Implements `agents.execution.gateway.OrderGateway`.

    Parameters
    ----------
    line : Line
        Sends and reads.
    contracts : Contracts
        Names and ids.
    breaker : Breaker, optional
        Keeps entries away from a broker that keeps failing; nothing else asks it.
    """

    def __init__(self, line: Line, contracts: Contracts, breaker: Breaker | None = None) -> None:
        super().__init__(line, contracts)
        self._breaker = breaker

    def place_super(self, order: SuperOrder) -> Ack:
        """Buy with a target and a stop attached, unless orders keep failing; see the protocol."""
        _check_name(order.correlation_id)
        listing = self._contracts.orderable(order)
        if self._breaker is None:
            return self._buy(order, listing)
        with entry_through(self._breaker):
            return self._buy(order, listing)

    def _buy(self, order: SuperOrder, listing: Listing) -> Ack:
        what = f"super order {order.correlation_id}"
        reply = self._line.send(
            what,
            CallKind.ORDER,
            lambda client: client.place_super_order(
                security_id=str(listing.security_id),
                exchange_segment=listing.segment,
                transaction_type="BUY",
                quantity=order.quantity,
                order_type="LIMIT",
                product_type=_PRODUCT,
                price=float(order.entry_limit),
                targetPrice=float(order.target_limit),
                stopLossPrice=float(order.stop_trigger),
                trailingJump=0.0,
                tag=order.correlation_id,
            ),
        )
        return ack_of(reply, what)

    def place_exit(self, correlation_id: str, contract: str, quantity: int, limit: Decimal) -> Ack:
        """Sell intraday by a plain LIMIT order; see the protocol."""
        _check_name(correlation_id)
        listing = self._contracts.sellable(contract)
        what = f"exit {correlation_id}"
        reply = self._line.send(
            what, CallKind.ORDER, lambda client: _sell(client, listing, quantity, limit, correlation_id)
        )
        return ack_of(reply, what)

    def modify_leg(
        self,
        order_id: str,
        leg: Leg,
        *,
        price: Decimal | None = None,
        trigger: Decimal | None = None,
        quantity: int | None = None,
    ) -> None:
        """Change a leg, everything else of it as it stands at the broker; see the protocol."""
        what = f"the {leg} of super order {order_id}"
        row = self._standing(what, order_id, lambda client: client.get_super_order_list())
        stop = leg_of(row, Leg.STOP)
        fields = {
            "quantity": quantity or int(row["quantity"]),
            "price": _either(price, row.get("price")),
            "targetPrice": _either(price if leg is Leg.TARGET else None, leg_of(row, Leg.TARGET).get("price")),
            "stopLossPrice": _either(trigger, stop.get("price")),
            "trailingJump": _either(None, stop.get("trailingJump")),
        }
        self._line.send(
            f"a change of {what}",
            CallKind.ORDER,
            lambda client: client.modify_super_order(order_id, "LIMIT", LEG_NAMES[leg], **fields),
        )

    def modify_exit(self, order_id: str, limit: Decimal) -> None:
        """Move the limit of a plain exit order; see the protocol."""
        what = f"exit order {order_id}"
        row = self._standing(what, order_id, lambda client: client.get_order_list())
        self._line.send(
            f"a change of {what}",
            CallKind.ORDER,
            lambda client: client.modify_order(
                order_id, "LIMIT", None, int(row["quantity"]), float(limit), 0, 0, "DAY"
            ),
        )

    def cancel_entry(self, order_id: str) -> None:
        """Cancel the whole super order; see the protocol."""
        self._line.send(
            f"the cancellation of super order {order_id}",
            CallKind.ORDER,
            lambda client: client.cancel_super_order(order_id, LEG_NAMES[Leg.ENTRY]),
        )

    def cancel_order(self, order_id: str) -> None:
        """Cancel a plain order; see the protocol."""
        self._line.send(
            f"the cancellation of order {order_id}", CallKind.ORDER, lambda client: client.cancel_order(order_id)
        )

    def arm_loss_exit(self, loss: Decimal) -> None:
        """Have Dhan leave every intraday position by itself at that loss, and end its day; see the protocol.

        The client sends POST and the documentation says PUT: where the first does not exist the second is sent.
        """
        profit = float(max(NEVER_WON, 2 * loss))
        asked = {"profitValue": profit, "lossValue": float(loss), "productType": [_PRODUCT], "enableKillSwitch": True}
        what = "the loss exit"
        try:
            self._line.send(
                what, CallKind.OTHER, lambda client: client.set_pnl_exit(profit, float(loss), [_PRODUCT], True)
            )
        except OrderUnknownError as unknown:
            if "no such path" not in str(unknown) and "HTTP 405" not in str(unknown):
                raise
            self._line.send(what, CallKind.OTHER, lambda client: client.dhan_http.put("/pnlExit", dict(asked)))

    def exit_all(self) -> None:
        """Have Dhan cancel every order and leave every position; see the protocol."""
        self._line.send("the exit of all positions", CallKind.ORDER, lambda client: client.exit_all_positions())

    def _standing(self, what: str, order_id: str, ask: Callable[[dhanhq], object]) -> Row:
        """Return an order as it stands, to be changed. Raises `OrderUnknownError` where nobody could look."""
        try:
            rows = rows_of(what, self._line.read(what, ask))
        except BrokerUnavailableError as error:
            raise OrderUnknownError(f"{what} was not changed, because it could not be read: {error}") from error
        for row in rows:
            if str(row.get("orderId")) == order_id:
                return row
        raise OrderRejectedError(f"{what} is not listed; nothing was changed")


def _sell(client: dhanhq, listing: Listing, quantity: int, limit: Decimal, name: str) -> object:
    return client.place_order(
        security_id=str(listing.security_id),
        exchange_segment=listing.segment,
        transaction_type="SELL",
        quantity=quantity,
        order_type="LIMIT",
        product_type=_PRODUCT,
        price=float(limit),
        tag=name,
    )


def _check_name(correlation_id: str) -> None:
    if CORRELATION.fullmatch(correlation_id) is None:
        raise OrderRejectedError(
            f"the correlation id {correlation_id!r} is not 1 to {LONGEST_NAME} letters and digits; nothing was sent"
        )


def _either(wanted: Decimal | None, standing: Any) -> float:  # Any: JSON
    return float(wanted) if wanted is not None else float(standing or 0.0)
