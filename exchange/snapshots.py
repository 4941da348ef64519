"""Everything the exchange knows at one moment, as the control API shows it: without token, PIN or secret."""

from collections.abc import Mapping, Sequence
from typing import Any

from exchange.accounts import Account
from exchange.channels import Channel
from exchange.clock import ist
from exchange.core import Core
from exchange.ledgerbook import Ledger
from exchange.orders import Order

Shown = Mapping[str, Any]  # Any: JSON


def exchange_shown(core: Core, channels: Sequence[Channel]) -> Shown:
    """Return clock, clients, orders, ledgers and feed connections."""
    return {
        "clock": clock_shown(core),
        "clients": [account_shown(account) for account in core.accounts.all()],
        "limits": {"enforced": core.limits.enforced},
        "orders": [_order(order) for order in core.orders.all()],
        "ledgers": [_ledger(ledger) for ledger in core.ledgers],
        "feed": [_channel(channel) for channel in channels],
        "events": len(core.events),
        "next_due": core.next_due,
    }


def clock_shown(core: Core) -> Shown:
    """Return what the market's clock shows, and how far everything has been settled."""
    now = core.clock.now()
    return {"now": now, "text": ist(now).isoformat(), "speed": core.clock.speed, "settled": core.now}


def account_shown(account: Account) -> Shown:
    """Return a client."""
    return {
        "client_id": account.client_id,
        "name": account.name,
        "opening_balance": account.opening_balance,
        "data_plan": account.data_plan,
        "needs_ip": account.needs_ip,
        "token_ends": account.token_ends,
        "tokens_minted": account.tokens_minted,
    }


def _order(order: Order) -> Shown:
    return {
        "order_id": order.order_id,
        "client_id": order.origin.client_id,
        "leg": order.origin.leg,
        "side": order.ticket.side,
        "security_id": order.contract.security_id,
        "status": order.status,
        "quantity": order.quantity,
        "filled": order.filled,
        "price": order.price,
        "trigger": order.trigger,
    }


def _ledger(ledger: Ledger) -> Shown:
    held = ledger.positions.values()
    return {
        "client_id": ledger.client_id,
        "cash": ledger.cash,
        "positions": [
            {"security_id": one.contract.security_id, "product": one.product, "net": one.net, "realised": one.realised}
            for one in held
        ],
        "trades": len(ledger.trades),
    }


def _channel(channel: Channel) -> Shown:
    return {
        "number": channel.number,
        "client_id": channel.client_id,
        "instruments": len(channel.modes),
        "waiting": channel.waiting,
    }
