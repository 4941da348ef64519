"""What a day has brought, to the paisa: from the executions that the guardian keeps in the ledger. Pure.

Every execution is charged by itself, as the broker does, so the sum is the account's own.
"""

from collections.abc import Iterable
from decimal import Decimal

from agents.domain.values import IST, Frozen, Rupees
from agents.execution.costs import of_execution
from agents.execution.gateway import FillRow, TradeSide

ZERO = Decimal(0)


class DayResult(Frozen):
    """Rupees of one or more days: what sales brought less what purchases cost, and what both were charged.

    `held` are the units of each contract that were bought and not sold; with any left, `gross` holds their price.
    """

    gross: Rupees
    charges: Rupees
    executions: int
    held: dict[str, int]

    @property
    def net(self) -> Decimal:
        """What is left of it."""
        return self.gross - self.charges


def day_result(fills: Iterable[FillRow], brokerage: Decimal) -> DayResult:
    """Return what executions have brought.

    Parameters
    ----------
    fills : iterable of FillRow
        In any order, each once.
    brokerage : Decimal
        Rupees for each order that traded.

    Raises
    ------
    ConfigError
        If no rates are known for a date.
    """
    gross, charges, held, seen = ZERO, ZERO, dict[str, int](), set[str]()
    rows = sorted(fills, key=lambda fill: (fill.at, fill.trade_id))
    for fill in rows:
        buys = fill.side is TradeSide.BUY
        first = fill.order_id not in seen
        seen.add(fill.order_id)
        gross += fill.price * fill.quantity * (-1 if buys else 1)
        held[fill.contract] = held.get(fill.contract, 0) + fill.quantity * (1 if buys else -1)
        charges += of_execution(
            price=fill.price,
            quantity=fill.quantity,
            buys=buys,
            on=fill.at.astimezone(IST).date(),
            brokerage=brokerage if first else ZERO,
        )
    left = {contract: units for contract, units in held.items() if units}
    return DayResult(gross=gross, charges=charges, executions=len(rows), held=left)
