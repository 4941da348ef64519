"""What the account holds and may do: funds, positions, orders, trades, registered addresses."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Any, TypeVar

from dhanhq import dhanhq
from pydantic import AwareDatetime

from agents.data.dhan.errors import DhanError
from agents.data.dhan.limiter import CallKind
from agents.data.dhan.reader import Reader
from agents.domain.values import IST, Frozen, Rupees

T = TypeVar("T")

MOST_PAGES = 1_000
_CHARGES = ("sebiTax", "stt", "brokerageCharges", "serviceTax", "exchangeTransactionCharges", "stampDuty")
_NOTHING = frozenset({"", "NA", "NR", "0001-01-01", "0001-01-01 00:00:00"})


class Funds(Frozen):
    """Money of the account, in rupees."""

    available: Rupees
    start_of_day: Rupees
    used: Rupees
    withdrawable: Rupees


class Position(Frozen):
    """One position of today, closed ones included (`net_quantity` 0); quantities in contracts, money in rupees."""

    segment: str
    security_id: int
    symbol: str
    product: str
    net_quantity: int
    bought_quantity: int
    bought_average: Rupees
    sold_quantity: int
    sold_average: Rupees
    realised: Rupees
    unrealised: Rupees


class BrokerTrade(Frozen):
    """One fill as the trade book has it."""

    order_id: str
    trade_id: str
    segment: str
    security_id: int
    symbol: str
    side: str
    product: str
    quantity: int
    price: Rupees
    at: AwareDatetime


class SettledTrade(BrokerTrade):
    """One fill as the history has it, the day after: with what it cost. The history gives it no trade id."""

    charges: Rupees


class Addresses(Frozen):
    """Which IP addresses may send orders; `orders_allowed` is None where Dhan does not say."""

    primary: str | None
    secondary: str | None
    detected: str | None
    orders_allowed: bool | None


def fetch_funds(reader: Reader) -> Funds:
    """Return the money of the account. Raises as `Reader.reply`, and `DhanError` if the answer cannot be read."""
    row = reader.read("the funds", CallKind.OTHER, lambda client: client.get_fund_limits())
    return _read("the funds", lambda: _funds(row))


def fetch_positions(reader: Reader) -> Sequence[Position]:
    """Return today's positions; empty where there are none. Raises as `fetch_funds`."""
    rows = reader.read("the positions", CallKind.OTHER, lambda client: client.get_positions())
    return _read("the positions", lambda: tuple(_position(row) for row in rows))


def fetch_trades(reader: Reader) -> Sequence[BrokerTrade]:
    """Return today's fills, oldest first. Raises as `fetch_funds`."""
    rows = reader.read("the trade book", CallKind.OTHER, lambda client: client.get_trade_book())
    found = _read("the trade book", lambda: tuple(_trade(row) for row in rows))
    return sorted(found, key=lambda trade: (trade.at, trade.trade_id))


def fetch_trade_history(reader: Reader, first: date, last: date) -> Sequence[SettledTrade]:
    """Return the fills of past dates with their charges, oldest first; all pages of them. Raises as `fetch_funds`."""
    what, found = f"the trade history from {first} to {last}", list[SettledTrade]()
    for page in range(MOST_PAGES):
        rows = reader.read(what, CallKind.OTHER, partial(_history_page, str(first), str(last), page))
        if not rows:
            return sorted(found, key=lambda trade: (trade.at, trade.order_id))
        found += _read(what, partial(_settled, rows))
    raise DhanError(f"{what} has more than {MOST_PAGES} pages; ask for fewer dates")


def _history_page(first: str, last: str, page: int, client: dhanhq) -> object:
    return client.get_trade_history(first, last, page)


def fetch_orders(reader: Reader) -> Sequence[Mapping[str, Any]]:  # Any: JSON
    """Return today's orders with Dhan's own keys, without what stands for nothing ("NA", the year 1)."""
    rows = reader.read("the order book", CallKind.OTHER, lambda client: client.get_order_list())
    return _read("the order book", lambda: tuple(plain_row(row) for row in rows))


def fetch_addresses(reader: Reader) -> Addresses:
    """Return the registered IP addresses. Raises `DhanUnavailableError` where none is set: Dhan answers an error."""
    reply = reader.reply(
        "the IP addresses", CallKind.OTHER, lambda: reader.wire.fetch_as_client("the IP addresses", "GET", "/ip/getIP")
    )
    return addresses_of(reply.json())


def addresses_of(row: Mapping[str, Any]) -> Addresses:  # Any: JSON
    """Return the addresses that an answer names."""
    allowed = row.get("ordersAllowed")
    return Addresses(
        primary=row.get("primaryIP") or None,
        secondary=row.get("secondaryIP") or None,
        detected=row.get("detectedIP") or None,
        orders_allowed=bool(allowed) if allowed is not None else None,
    )


def plain_row(row: Mapping[str, Any]) -> Mapping[str, Any]:  # Any: JSON
    """Return a row without the words that Dhan writes for nothing: they become None."""
    return {key: None if _is_nothing(value) else value for key, value in row.items()}


def _said(row: Mapping[str, Any], key: str) -> Any:  # Any: JSON
    value = row.get(key)
    return None if _is_nothing(value) else value


def _is_nothing(value: object) -> bool:
    return isinstance(value, str) and value in _NOTHING


def _read(what: str, parse: Callable[[], T]) -> T:
    """Return what `parse` makes of an answer. Raises `DhanError` if fields are missing or odd."""
    try:
        return parse()
    except (AttributeError, InvalidOperation, KeyError, TypeError, ValueError) as error:
        raise DhanError(
            f"{what} read differently than we know ({type(error).__name__}: {error}); see agents/data/dhan/account.py"
        ) from error


def _funds(row: Mapping[str, Any]) -> Funds:  # Any: JSON
    available = row["availabelBalance"] if "availabelBalance" in row else row["availableBalance"]  # the typo is Dhan's
    return Funds(
        available=_money(available),
        start_of_day=_money(row["sodLimit"]),
        used=_money(row["utilizedAmount"]),
        withdrawable=_money(row["withdrawableBalance"]),
    )


def _position(row: Mapping[str, Any]) -> Position:  # Any: JSON
    return Position(
        segment=str(row["exchangeSegment"]),
        security_id=int(row["securityId"]),
        symbol=str(row["tradingSymbol"]),
        product=str(row["productType"]),
        net_quantity=int(row["netQty"]),
        bought_quantity=int(row["buyQty"]),
        bought_average=_money(row["buyAvg"]),
        sold_quantity=int(row["sellQty"]),
        sold_average=_money(row["sellAvg"]),
        realised=_money(row["realizedProfit"]),
        unrealised=_money(row["unrealizedProfit"]),
    )


def _trade(row: Mapping[str, Any]) -> BrokerTrade:  # Any: JSON
    at = _said(row, "exchangeTime") or _said(row, "createTime")
    return BrokerTrade(
        order_id=str(row["orderId"]),
        trade_id=str(row["exchangeTradeId"]),
        segment=str(row["exchangeSegment"]),
        security_id=int(row["securityId"]),
        symbol=str(row.get("tradingSymbol") or row.get("customSymbol") or ""),
        side=str(row["transactionType"]),
        product=str(row["productType"]),
        quantity=int(row["tradedQuantity"]),
        price=_money(row["tradedPrice"]),
        at=datetime.fromisoformat(str(at)).replace(tzinfo=IST),
    )


def _settled(rows: Any) -> list[SettledTrade]:  # Any: JSON
    charges = [sum((_money(row[name]) for name in _CHARGES), Decimal(0)) for row in rows]
    return [SettledTrade(**_trade(row).model_dump(), charges=cost) for row, cost in zip(rows, charges, strict=True)]


def _money(value: Any) -> Decimal:  # Any: JSON
    """Return rupees. Raises `ValueError` where Dhan gives none."""
    if value is None:
        raise ValueError("an amount is missing")
    return Decimal(str(value))
