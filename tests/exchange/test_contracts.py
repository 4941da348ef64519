"""Which methods of the official client the exchange serves, where each arrives, and which test holds it to that."""

import ast
import csv
import inspect
import re
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from dhanhq import DhanLogin, dhanhq
from starlette.routing import Route

from exchange.clock import MarketClock
from exchange.server import ServerConfig, assemble
from exchange.simulated import simulated_market

TESTS = Path(__file__).with_name("test_dhanhq_rest.py")

# Method of the client: where it arrives, and the tests that call it.
SERVED: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "place_order": ("POST /v2/orders", ("test_an_acknowledgement", "test_an_order_through_its_life")),
    "place_slice_order": ("POST /v2/orders/slicing", ("test_slices_answer_with_an_array",)),
    "modify_order": ("PUT /v2/orders/{order_id}", ("test_an_order_through_its_life",)),
    "cancel_order": ("DELETE /v2/orders/{order_id}", ("test_an_order_through_its_life",)),
    "get_order_list": ("GET /v2/orders", ("test_the_list_of_orders",)),
    "get_order_by_id": ("GET /v2/orders/{order_id}", ("test_an_order_through_its_life",)),
    "get_order_by_correlationID": (
        "GET /v2/orders/external/{correlation_id}",
        ("test_an_order_through_its_life",),
    ),
    "get_trade_book": ("GET /v2/trades/ GET /v2/trades GET /v2/trades/{order_id}", ("test_trades_and_positions",)),
    "get_trade_history": ("GET /v2/trades/{first}/{last}/{page}", ("test_a_trade_history",)),
    "place_super_order": ("POST /v2/super/orders", ("test_a_super_order_through_its_life",)),
    "modify_super_order": ("PUT /v2/super/orders/{order_id}", ("test_a_super_order_through_its_life",)),
    "cancel_super_order": ("DELETE /v2/super/orders/{order_id}/{leg}", ("test_a_super_order_through_its_life",)),
    "get_super_order_list": ("GET /v2/super/orders", ("test_a_super_order_through_its_life",)),
    "get_positions": ("GET /v2/positions", ("test_trades_and_positions",)),
    "exit_all_positions": ("DELETE /v2/positions", ("test_exit_all_then_kill_switch",)),
    "convert_position": (
        "POST /v2/positions/convert",
        ("test_converting_a_position_has_no_body_and_so_looks_failed",),
    ),
    "get_holdings": ("GET /v2/holdings", ("test_no_holdings_is_an_error_500",)),
    "get_fund_limits": ("GET /v2/fundlimit", ("test_funds",)),
    "margin_calculator": ("POST /v2/margincalculator", ("test_margins",)),
    "margin_calculator_multi": ("POST /v2/margincalculator/multi", ("test_margins_of_several",)),
    "kill_switch": ("POST /v2/killswitch", ("test_exit_all_then_kill_switch",)),
    "status_kill_switch": ("GET /v2/killswitch", ("test_exit_all_then_kill_switch",)),
    "set_pnl_exit": ("POST /v2/pnlExit", ("test_pnl_exit",)),
    "get_pnl_exit": ("GET /v2/pnlExit", ("test_pnl_exit",)),
    "stop_pnl_exit": ("DELETE /v2/pnlExit", ("test_pnl_exit",)),
    "ticker_data": ("POST /v2/marketfeed/ltp", ("test_last_prices",)),
    "ohlc_data": ("POST /v2/marketfeed/ohlc", ("test_day_prices",)),
    "quote_data": ("POST /v2/marketfeed/quote", ("test_quotes",)),
    "intraday_minute_data": ("POST /v2/charts/intraday", ("test_intraday_candles",)),
    "historical_daily_data": ("POST /v2/charts/historical", ("test_daily_candles",)),
    "expired_options_data": ("POST /v2/charts/rollingoption", ("test_rolling_options",)),
    "option_chain": ("POST /v2/optionchain", ("test_a_chain",)),
    "expiry_list": ("POST /v2/optionchain/expirylist", ("test_expiries",)),
    "ledger_report": ("GET /v2/ledger", ("test_a_statement",)),
    "user_profile": ("GET /v2/profile", ("test_profile",)),
    "renew_token": ("GET /v2/RenewToken", ("test_a_renewed_token_ends_the_one_before",)),
    "generate_token": ("POST /app/generateAccessToken", ("test_a_token_for_pin_and_password",)),
    "set_ip": ("POST /v2/ip/setIP", ("test_addresses",)),
    "modify_ip": ("PUT /v2/ip/modifyIP", ("test_addresses",)),
    "get_ip": ("GET /v2/ip/getIP", ("test_addresses",)),
    "fetch_security_list": (
        "GET /api-data/api-scrip-master.csv GET /api-data/api-scrip-master-detailed.csv",
        ("test_the_instrument_master",),
    ),
}

# What a desk for index options does not use; the exchange answers as the gateway does to an unknown path.
NOT_SERVED = {
    **dict.fromkeys(("place_forever", "modify_forever", "cancel_forever", "get_forever"), "orders that outlive a day"),
    **dict.fromkeys(
        (
            *("place_conditional_order", "modify_conditional_order", "cancel_conditional_order"),
            *("get_conditional_order", "get_conditional_orders"),
        ),
        "orders on a price alert",
    ),
    **dict.fromkeys(("generate_tpin", "open_browser_for_tpin", "edis_inquiry"), "delivery of shares"),
    **dict.fromkeys(
        (
            *("place_global_order", "modify_global_order", "cancel_global_order", "get_global_order_by_id"),
            *("get_global_order_list", "get_global_trades", "get_global_trades_by_security", "get_global_holdings"),
            *("global_margin_calculator", "global_trans_estimate", "get_global_market_status"),
            *("get_global_fund_limit", "fetch_global_security_list"),
        ),
        "shares of other countries",
    ),
    **dict.fromkeys(("generate_login_session", "consume_token_id"), "a login in a browser"),
    "convert_to_date_time": "sends nothing",
}

# Routes that answer something else than a method of the client.
BESIDE = {"GET /v2/instrument/{segment}": "the client has no method", "POST /v2/RenewToken": "refused, as live"}
# Recorded replies that nothing here can be compared with.
INCOMPARABLE = {"GET /v2/holdings": "this exchange has no delivery, so nobody holds shares"}


def public(one: type) -> set[str]:
    return {name for name, _ in inspect.getmembers(one, callable) if not name.startswith("_")}


def functions() -> dict[str, ast.FunctionDef]:
    tree = ast.parse(TESTS.read_text())
    return {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}


def reached(name: str, known: Mapping[str, ast.FunctionDef]) -> Iterator[ast.AST]:
    """Yield the nodes of a test and of the helpers that it calls."""
    waiting, seen = [name], set()
    while waiting:
        current = waiting.pop()
        if current in seen or current not in known:
            continue
        seen.add(current)
        for node in ast.walk(known[current]):
            yield node
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                waiting.append(node.func.id)


@pytest.fixture(scope="module")
def routes() -> set[str]:
    market = simulated_market(7, date(2026, 11, 1))
    served = assemble(ServerConfig("control"), market, MarketClock()).public.routes
    found = {f"{method} {route.path}" for route in served if isinstance(route, Route) for method in route.methods or ()}
    return {name for name in found if not name.startswith("HEAD")}


def wires(words: str) -> set[str]:
    return set(re.findall(r"[A-Z]+ /\S+", words))


def test_every_method_of_the_client_is_served_or_left_out_for_a_reason() -> None:
    assert not SERVED.keys() & NOT_SERVED.keys()
    assert SERVED.keys() | NOT_SERVED.keys() == public(dhanhq) | public(DhanLogin)


def test_every_route_is_reached_by_a_method_and_every_method_reaches_a_route(routes: set[str]) -> None:
    reaching = {wire for words, _ in SERVED.values() for wire in wires(words)}
    assert reaching | BESIDE.keys() == routes


@pytest.mark.parametrize("method", sorted(SERVED))
def test_every_served_method_is_called_by_its_contract_test(method: str) -> None:
    known = functions()
    for test in SERVED[method][1]:
        assert test in known, f"{TESTS.name} has no {test}"
        called = {node.attr for node in reached(test, known) if isinstance(node, ast.Attribute)}
        called |= {node.id for node in reached(test, known) if isinstance(node, ast.Name)}
        assert method in called, f"{test} does not call {method}"


@pytest.mark.data
def test_every_recorded_success_is_compared_with_ours(shared: Path) -> None:
    known = functions()
    with (shared / "data" / "dhan_api" / "INDEX.csv").open() as lines:
        rows: list[dict[str, Any]] = list(csv.DictReader(lines))  # Any: csv's own type
    recorded = {row["file"]: row for row in rows if row["kind"] == "recorded" and row["status"] in {"200", "201"}}
    compared: dict[str, set[str]] = {}
    for words, tests in SERVED.values():
        for test in tests:
            constants = {str(node.value) for node in ast.walk(known[test]) if isinstance(node, ast.Constant)}
            for wire in wires(words):
                compared.setdefault(wire, set()).update(constants & recorded.keys())
    for name, row in recorded.items():
        wire = next((one for one in compared if matches(one, row["method"], row["uri"])), "")
        if wire and wire not in INCOMPARABLE and int(row["body_bytes"]) > 2:
            assert compared[wire], f"nothing is compared with the recorded replies of {wire}, such as {name}"


def matches(wire: str, method: str, uri: str) -> bool:
    """Return whether a recorded request arrived at a route."""
    pattern = re.sub(r"\{\w+\}", r"[^/?]+", wire)
    path = "/" + uri.partition("?")[0].partition("/")[2]
    return re.fullmatch(pattern, f"{method} {path}") is not None
