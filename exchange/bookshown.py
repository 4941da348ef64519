"""The whole book as the control API shows it, for comparisons: exact numbers, nothing that moves with the market.

Money is in paise, moments in milliseconds since 1970 UTC. Two snapshots are equal if and only if the books are.
"""

from collections.abc import Mapping
from typing import Any

from exchange.accounts import Account
from exchange.core import Core
from exchange.ledgerbook import Position, Trade
from exchange.orders import Order
from exchange.superorders import EXITS, SuperOrder

Shown = Mapping[str, Any]  # Any: JSON


def book_shown(core: Core) -> Shown:
    """Return by client: orders, super orders with legs, trades, positions, money, and switches."""
    return {"settled": core.now, "clients": {one.client_id: _client(core, one) for one in core.accounts.all()}}


def _client(core: Core, account: Account) -> Shown:
    client_id, ledger = account.client_id, core.ledgers.of(account.client_id)
    every = (*ledger.history, *ledger.trades)
    terms = core.safeguards.pnl_exit(client_id)
    return {
        "opening_balance": account.opening_balance,
        "tokens_minted": account.tokens_minted,
        "orders": [_order(order) for order in core.orders.of(client_id)],
        "super_orders": [_super_order(order) for order in core.supers.of(client_id)],
        "trades": [_trade(trade) for trade in every],
        "trades_filed": len(ledger.history),
        "positions": [_position(position) for position in ledger.positions.values()],
        "funds": {"cash": ledger.cash, "day_began_with": ledger.opening, "charges": _charges(every)},
        "adjustments": [adjustment._asdict() for adjustment in ledger.adjustments],
        "killed": core.safeguards.killed(client_id),
        "pnl_exit": None if terms is None else [terms.profit, terms.loss, *terms.products, terms.kill],
    }


def _order(order: Order) -> Shown:
    ticket = order.ticket
    return {
        "order_id": order.order_id,
        "exchange_order_id": order.exchange_order_id,
        "correlation_id": ticket.correlation_id,
        "leg": order.origin.leg,
        "parent": order.origin.parent,
        "platform": order.origin.platform,
        "security_id": ticket.security_id,
        "side": ticket.side,
        "product": ticket.product,
        "kind": order.kind,
        "status": order.status.value,
        "quantity": order.quantity,
        "filled": order.filled,
        "value": order.value,
        "price": order.price,
        "trigger": order.trigger,
        "triggered": order.triggered,
        "modifications": order.modifications,
        "error": order.error,
        "reason": order.reason,
        "created_at": order.created_at,
        "updated_at": order.updated_at,
        "exchange_at": order.exchange_at,
        "trades": list(order.trades),
    }


def _super_order(order: SuperOrder) -> Shown:
    legs = {
        leg: {
            "order_id": order.exits[leg].order_id if leg in order.exits else "",
            "status": order.leg_status(leg),
            "price": order.price(leg),
            "filled": order.filled(leg),
        }
        for leg in EXITS
    }
    return {
        "order_id": order.entry.order_id,
        "status": order.status,
        "jump": order.terms.jump,
        "reference": order.reference,
        "legs": legs,
    }


def _trade(trade: Trade) -> Shown:
    return {
        "trade_id": trade.trade_id,
        "order_id": trade.order.order_id,
        "security_id": trade.contract.security_id,
        "expiry_on": trade.contract.expiry_on.isoformat() if trade.contract.expiry_on else None,
        "side": trade.side,
        "product": trade.product,
        "price": trade.price,
        "quantity": trade.quantity,
        "at": trade.at,
        "charges": {**trade.charges._asdict(), "paise": trade.charges.paise},
    }


def _position(position: Position) -> Shown:
    return {
        "security_id": position.contract.security_id,
        "product": position.product,
        "net": position.net,
        "bought": list(position.total_bought),
        "sold": list(position.total_sold),
        "realised": position.realised,
    }


def _charges(trades: tuple[Trade, ...]) -> int:
    return sum(trade.charges.paise for trade in trades)
