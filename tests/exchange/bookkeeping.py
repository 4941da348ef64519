"""What must hold of any snapshot of a book of options, and of two snapshots of the same book, one later."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from exchange.clock import ist

Shown = Mapping[str, Any]  # Any: JSON

OVER = {"TRADED", "CANCELLED", "REJECTED", "EXPIRED"}


def adds_up(book: Shown) -> None:
    """Every paisa, every contract and every fill has a line that it came from."""
    for client in book["clients"].values():
        _money(client)
        _positions(client, ist(book["settled"]).date().isoformat())
        _orders(client)
        _exits(client)


def follows(later: Shown, earlier: Shown) -> None:
    """Nothing that was told is taken back: trades stand, orders that were over stay as they were, ids are new."""
    for client_id, before in earlier["clients"].items():
        after = later["clients"][client_id]
        assert after["trades"][: len(before["trades"])] == before["trades"]
        assert after["adjustments"][: len(before["adjustments"])] == before["adjustments"]
        assert after["tokens_minted"] >= before["tokens_minted"]
        now = {order["order_id"]: order for order in after["orders"]}
        for order in before["orders"]:
            found = now.get(order["order_id"])
            if found is None:
                assert later["settled"] // 86_400_000 > earlier["settled"] // 86_400_000
            elif order["status"] in OVER:
                assert found == order
            else:
                assert found["filled"] >= order["filled"]


def _money(client: Shown) -> None:
    signed = sum(_sign(trade) * trade["price"] * trade["quantity"] for trade in client["trades"])
    charges = sum(trade["charges"]["paise"] for trade in client["trades"])
    moved = sum(adjustment["amount"] for adjustment in client["adjustments"])
    assert client["funds"]["cash"] == client["opening_balance"] - signed - charges + moved
    assert client["funds"]["charges"] == charges


def _positions(client: Shown, today: str) -> None:
    held: Counter[int] = Counter()
    alive = [trade for trade in client["trades"] if trade["expiry_on"] > today]
    for trade in alive:
        held[trade["security_id"]] += _sign(trade) * trade["quantity"]
    shown: Counter[int] = Counter()
    for position in client["positions"]:
        shown[position["security_id"]] += position["net"]
    for security_id in {trade["security_id"] for trade in alive}:
        assert held[security_id] == shown[security_id]


def _orders(client: Shown) -> None:
    ids = [order["order_id"] for order in client["orders"]]
    assert len(ids) == len(set(ids))
    for order in client["orders"]:
        fills = [trade for trade in client["trades"] if trade["order_id"] == order["order_id"]]
        assert [trade["trade_id"] for trade in fills] == order["trades"]
        assert sum(trade["quantity"] for trade in fills) == order["filled"]
        assert sum(trade["quantity"] * trade["price"] for trade in fills) == order["value"]


def _exits(client: Shown) -> None:
    orders = {order["order_id"]: order for order in client["orders"]}
    for whole in client["super_orders"]:
        entry = orders[whole["order_id"]]
        assert sum(leg["filled"] for leg in whole["legs"].values()) <= entry["filled"]
        for leg in whole["legs"].values():
            assert not leg["order_id"] or orders[leg["order_id"]]["parent"] == whole["order_id"]


def _sign(trade: Shown) -> int:
    return 1 if trade["side"] == "BUY" else -1
