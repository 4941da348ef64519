"""Every method of the official client that the exchange serves, at a real process, beside recorded answers."""

import csv
import json
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from dhanhq import DhanLogin, dhanhq
from dhanhq._security import Security

from exchange.accounts import SAMPLE_SECRET
from exchange.clock import real_now
from exchange.tokens import totp

pytestmark = pytest.mark.process

Answer = dict[str, Any]  # Any: JSON

# As documented; nobody has published a recorded row.
POSITION = {
    **dict.fromkeys(("dhanClientId", "tradingSymbol", "securityId", "positionType", "exchangeSegment"), str),
    **dict.fromkeys(("productType", "drvExpiryDate", "drvOptionType"), str),
    **dict.fromkeys(("buyQty", "sellQty", "netQty", "multiplier", "dayBuyQty", "daySellQty"), int),
    **dict.fromkeys(("carryForwardBuyQty", "carryForwardSellQty"), int),
    **dict.fromkeys(
        ("buyAvg", "costPrice", "sellAvg", "realizedProfit", "unrealizedProfit", "rbiReferenceRate"), float
    ),
    **dict.fromkeys(("carryForwardBuyValue", "carryForwardSellValue", "dayBuyValue", "daySellValue"), float),
    **dict.fromkeys(("drvStrikePrice",), float),
    **dict.fromkeys(("crossCurrency",), bool),
}


@pytest.fixture(scope="module")
def client(venue: Any) -> dhanhq:  # Any: conftest cannot be imported
    return venue.client()


@pytest.fixture(scope="module")
def option(client: dhanhq) -> Answer:
    """The row of the nearest call at the money, once it has traded."""
    for _ in range(100):
        chain = data(client.option_chain(13, "IDX_I", expiry(client)))["data"]
        strike = min(chain["oc"], key=lambda one: abs(float(one) - chain["last_price"]))
        row: Answer = chain["oc"][strike]["ce"]
        if row["volume"]:
            return row
        time.sleep(0.1)
    pytest.fail("the call at the money did not trade within ten seconds")


def expiry(client: dhanhq) -> str:
    return str(data(client.expiry_list(13, "IDX_I"))["data"][0])


def data(answer: Answer) -> Any:
    assert answer["status"] == "success", answer
    return answer["data"]


def recorded(shared: Path, name: str) -> Any:
    return json.loads((shared / "data" / "dhan_api" / f"{name}.json").read_text())["response"]["body"]


def kind(value: object) -> str:
    if isinstance(value, bool) or value is None:
        return str(type(value).__name__)
    return "number" if isinstance(value, int | float) else type(value).__name__


def assert_alike(ours: Any, theirs: Any, *, exact: bool = True, at: str = "") -> None:
    """Keys are the same, types are the same; with `exact`, whole numbers and fractions are told apart."""
    if ours is None or theirs is None:
        return
    if not exact or isinstance(ours, list | dict):
        assert kind(ours) == kind(theirs), f"{at}: {ours!r} beside {theirs!r}"
    else:
        assert type(ours) is type(theirs), f"{at}: {ours!r} beside {theirs!r}"
    if isinstance(ours, Mapping):
        keyed = not any(key.replace(".", "").isdigit() for key in theirs)
        if keyed:
            assert set(ours) >= set(theirs), f"{at}: {sorted(set(theirs) - set(ours))} missing"
            for key in theirs:
                assert_alike(ours[key], theirs[key], exact=exact, at=f"{at}/{key}")
        elif ours and theirs:
            assert_alike(next(iter(ours.values())), next(iter(theirs.values())), exact=exact, at=f"{at}/*")
    elif isinstance(ours, list) and ours and theirs:
        assert_alike(ours[0], theirs[0], exact=exact, at=f"{at}/0")


def placed(client: dhanhq, option: Answer, price: float, tag: str) -> str:
    answer = client.place_order(str(option["security_id"]), "NSE_FNO", "BUY", 65, "LIMIT", "INTRADAY", price, tag=tag)
    return str(data(answer)["orderId"])


def until(client: dhanhq, order_id: str, *statuses: str) -> Answer:
    row: Answer = {}
    for _ in range(100):
        rows = data(client.get_order_by_id(order_id))
        row = rows[0] if rows else {}
        if row.get("orderStatus") in statuses:
            return row
        time.sleep(0.05)
    pytest.fail(f"order {order_id} did not become one of {statuses}: {row}")


def bought(client: dhanhq, option: Answer, tag: str) -> str:
    order_id = placed(client, option, round(option["top_ask_price"] * 1.2, 1), tag)
    until(client, order_id, "TRADED")
    return order_id


def test_funds(client: dhanhq, shared: Path) -> None:
    assert_alike(data(client.get_fund_limits()), recorded(shared, "models__funds"))


def test_last_prices(client: dhanhq, shared: Path) -> None:
    ours = data(client.ticker_data({"IDX_I": [13], "NSE_FNO": [53230]}))
    assert list(ours["data"]["IDX_I"]) == ["13"]
    assert_alike(ours, {"data": {"IDX_I": {"13": {"last_price": 1.5}}}, "status": "success"}, exact=False)
    assert_alike(ours, recorded(shared, "base_api__marketfeed_ltp"), exact=False)


def test_an_unknown_instrument_is_left_out_of_a_success(client: dhanhq) -> None:
    assert data(client.ticker_data({"IDX_I": [999_999]})) == {"data": {"IDX_I": {}}, "status": "success"}


def test_day_prices(client: dhanhq, shared: Path) -> None:
    ours = data(client.ohlc_data({"NSE_FNO": [53230]}))
    assert_alike(ours["data"], recorded(shared, "base_api__marketfeed_ohlc")["data"], exact=False)
    assert set(ours["data"]["NSE_FNO"]["53230"]) == {"last_price", "ohlc"}


def test_quotes(client: dhanhq, option: Answer, shared: Path) -> None:
    ours = data(client.quote_data({"NSE_FNO": [option["security_id"]]}))
    theirs = recorded(shared, "base_api__marketfeed_quote")
    assert_alike(ours, theirs, exact=False)
    row = ours["data"]["NSE_FNO"][str(option["security_id"])]
    assert set(row) == set(next(iter(next(iter(theirs["data"].values())).values())))
    assert len(row["depth"]["buy"]) == len(row["depth"]["sell"]) == 5


def test_expiries(client: dhanhq, shared: Path) -> None:
    ours = data(client.expiry_list(13, "IDX_I"))
    assert ours["data"] == sorted(ours["data"])
    assert_alike(ours, recorded(shared, "resources__expiry_list"))


def test_a_chain(client: dhanhq, shared: Path) -> None:
    ours = data(client.option_chain(13, "IDX_I", expiry(client)))
    assert_alike(ours, recorded(shared, "resources__option_chain"), exact=False)
    assert all(len(strike.partition(".")[2]) == 6 for strike in ours["data"]["oc"])
    assert {"security_id", "average_price"} <= set(next(iter(ours["data"]["oc"].values()))["ce"])


def test_intraday_candles(client: dhanhq, shared: Path) -> None:
    time.sleep(1)
    ours = data(client.intraday_minute_data("13", "IDX_I", "INDEX", "2026-11-18", "2026-11-18", interval=5))
    assert set(map(len, ours.values())) == {len(ours["timestamp"])}
    assert ours["volume"][0] == 0.0
    assert_alike(ours, recorded(shared, "models__historical_data__1"))


def test_intraday_candles_with_open_interest(client: dhanhq) -> None:
    ours = data(client.intraday_minute_data("53230", "NSE_FNO", "FUTIDX", "2026-11-18", "2026-11-18", oi=True))
    assert len(ours["open_interest"]) == len(ours["open"]) > 300


def test_more_than_ninety_days_are_refused(client: dhanhq) -> None:
    answer = client.intraday_minute_data("13", "IDX_I", "INDEX", "2026-05-01", "2026-11-18")
    assert answer["remarks"] == {
        "error_code": "DH-905",
        "error_type": "Input_Exception",
        "error_message": "Data for Intraday Charts can be fetched for 90 days at a time",
    }


def test_daily_candles(client: dhanhq, shared: Path) -> None:
    ours = data(client.historical_daily_data("13", "IDX_I", "INDEX", "2026-11-02", "2026-11-19"))
    assert len(ours["open"]) > 8
    assert_alike(ours, recorded(shared, "models__historical_data__0"))


def test_rolling_options(client: dhanhq) -> None:
    fields = ["open", "high", "low", "close", "iv", "volume", "strike", "oi", "spot"]
    ours = data(
        client.expired_options_data(
            13, "NSE_FNO", "OPTIDX", "WEEK", 1, "ATM", "CALL", fields, "2026-11-17", "2026-11-19"
        )
    )
    assert set(ours["data"]) == {"ce", "pe"}
    assert ours["data"]["pe"] is None
    assert set(ours["data"]["ce"]) >= {*fields, "timestamp"} - {"iv"}


def test_an_order_through_its_life(client: dhanhq, option: Answer, shared: Path) -> None:
    order_id = placed(client, option, 0.5, "life-1")
    row = until(client, order_id, "PENDING", "REJECTED")
    assert row["orderStatus"] == "PENDING", row
    assert_alike([row], recorded(shared, "models__orders__order"))
    assert data(client.get_order_by_correlationID("life-1"))["orderId"] == order_id
    assert order_id in {one["orderId"] for one in data(client.get_order_list())}
    assert data(client.modify_order(order_id, "LIMIT", None, 130, 0.55, 0.0, 0, "DAY"))["orderId"] == order_id
    time.sleep(0.5)
    assert until(client, order_id, "PENDING")["quantity"] == 130
    assert data(client.cancel_order(order_id)) == {"orderId": order_id, "orderStatus": "CANCELLED"}
    assert until(client, order_id, "CANCELLED")["remainingQuantity"] == 0


def test_an_acknowledgement(client: dhanhq, option: Answer, shared: Path) -> None:
    answer = client.place_order(
        str(option["security_id"]), "NSE_FNO", "BUY", 65, "LIMIT", "INTRADAY", 0.5, tag="acknowledged-1"
    )
    assert_alike(data(answer), recorded(shared, "models__orders__create"))
    assert data(answer)["orderStatus"] == "TRANSIT"


def test_the_list_of_orders(client: dhanhq, option: Answer, shared: Path) -> None:
    placed(client, option, 0.5, "listed-1")
    assert_alike(data(client.get_order_list()), recorded(shared, "models__orders__all"))


def test_an_unknown_order_is_an_empty_success_by_id_and_a_404_by_correlation(client: dhanhq) -> None:
    assert data(client.get_order_by_id("112111182198")) == []
    assert client.get_order_by_correlationID("nobody")["remarks"]["error_code"] == "DH-906"


def test_trades_and_positions(client: dhanhq, option: Answer, shared: Path) -> None:
    order_id = bought(client, option, "trade-1")
    trades = data(client.get_trade_book())
    assert_alike(trades, recorded(shared, "models__trade_today"))
    of_order = data(client.get_trade_book(order_id))
    assert order_id in json.dumps(of_order)
    held = [one for one in data(client.get_positions()) if one["securityId"] == str(option["security_id"])]
    assert held[0]["netQty"] >= 65
    assert held[0]["positionType"] == "LONG"
    assert {key: type(value) for key, value in held[0].items()} == POSITION


def test_a_trade_history(client: dhanhq, option: Answer, shared: Path) -> None:
    bought(client, option, "history-1")
    assert_alike(data(client.get_trade_history("2026-11-01", "2026-12-31", 0)), recorded(shared, "models__trade"))
    assert data(client.get_trade_history("2026-11-01", "2026-11-18", 0)) == []


def test_a_statement(client: dhanhq, shared: Path) -> None:
    assert_alike(data(client.ledger_report("2026-11-01", "2026-11-30")), recorded(shared, "models__ledger_entry"))


def test_slices_answer_with_an_array(client: dhanhq, option: Answer) -> None:
    answer = client.place_slice_order(
        str(option["security_id"]), "NSE_FNO", "BUY", 65 * 30, "LIMIT", "INTRADAY", 0.5, tag="slice-1"
    )
    rows = data(answer)
    assert len(rows) == 2
    for row in rows:
        until(client, row["orderId"], "PENDING")
        data(client.cancel_order(row["orderId"]))


def test_a_super_order_through_its_life(client: dhanhq, option: Answer) -> None:
    price = round(option["top_ask_price"] * 1.2, 1)
    answer = client.place_super_order(
        str(option["security_id"]), "NSE_FNO", "BUY", 65, "LIMIT", "INTRADAY", price, price * 3, 1.0, 0.0, tag="super-1"
    )
    order_id = data(answer)["orderId"]
    until(client, order_id, "TRADED")
    target = client.modify_super_order(order_id, "LIMIT", "TARGET_LEG", targetPrice=price * 2)
    assert data(target)["orderId"] == order_id
    row = next(one for one in data(client.get_super_order_list()) if one["orderId"] == order_id)
    assert {leg["legName"] for leg in row["legDetails"]} == {"TARGET_LEG", "STOP_LOSS_LEG"}
    assert data(client.cancel_super_order(order_id, "TARGET_LEG"))["orderStatus"] == "CANCELLED"
    assert data(client.cancel_super_order(order_id, "STOP_LOSS_LEG"))["orderStatus"] == "CANCELLED"


def test_margins(client: dhanhq, option: Answer, shared: Path) -> None:
    ours = data(
        client.margin_calculator(str(option["security_id"]), "NSE_FNO", "BUY", 65, "INTRADAY", option["last_price"])
    )
    assert_alike(ours, recorded(shared, "models__margin"))


def test_margins_of_several(client: dhanhq, option: Answer) -> None:
    scrip = {
        "securityId": str(option["security_id"]),
        "exchangeSegment": "NSE_FNO",
        "transactionType": "SELL",
        "quantity": 65,
        "productType": "MARGIN",
        "price": option["last_price"],
        "triggerPrice": 0.0,
    }
    ours = data(client.margin_calculator_multi([scrip]))
    assert {"total_margin", "span_margin", "exposure_margin", "currency"} <= set(ours)
    assert all(isinstance(value, str) for value in ours.values())


def test_pnl_exit(client: dhanhq) -> None:
    assert data(client.set_pnl_exit(500_000.0, 500_000.0, ["INTRADAY"]))["pnlExitStatus"] == "ACTIVE"
    assert data(client.get_pnl_exit())["profit"] == "500000.00"
    assert data(client.stop_pnl_exit())["pnlExitStatus"] == "DISABLED"


def test_exit_all_then_kill_switch(client: dhanhq, option: Answer) -> None:
    bought(client, option, "exit-1")
    assert data(client.exit_all_positions())["status"] == "SUCCESS"
    for _ in range(100):
        if not any(one["netQty"] for one in data(client.get_positions())):
            break
        time.sleep(0.05)
    assert not any(one["netQty"] for one in data(client.get_positions()))
    assert "activated" in data(client.kill_switch("ACTIVATE"))["killSwitchStatus"]
    assert data(client.status_kill_switch())["killSwitchStatus"] == "ACTIVATE"
    assert "deactivated" in data(client.kill_switch("DEACTIVATE"))["killSwitchStatus"]


def test_converting_a_position_has_no_body_and_so_looks_failed(client: dhanhq, option: Answer) -> None:
    bought(client, option, "convert-1")
    answer = client.convert_position("INTRADAY", "NSE_FNO", "LONG", str(option["security_id"]), 65, "MARGIN")
    assert answer["remarks"] == "Expecting value: line 1 column 1 (char 0)"
    kinds = {one["productType"]: one["netQty"] for one in data(client.get_positions())}
    assert kinds["MARGIN"] == 65


def test_no_holdings_is_an_error_500(client: dhanhq) -> None:
    assert client.get_holdings()["remarks"]["error_code"] == "DH-1111"


@pytest.mark.parametrize(
    "ask",
    [
        lambda client: client.get_forever(),
        lambda client: client.cancel_forever("1"),
        lambda client: client.get_conditional_orders(),
        lambda client: client.get_global_order_list(),
        lambda client: client.edis_inquiry("ALL"),
    ],
)
def test_what_is_not_served_is_told_as_the_gateway_tells_it(
    venue: Any, client: dhanhq, ask: Callable[[dhanhq], Answer], monkeypatch: pytest.MonkeyPatch
) -> None:
    replies: list[Any] = []
    send = client.dhan_http.session.send

    def noting(*args: Any, **said: Any) -> Any:
        replies.append(send(*args, **said))
        return replies[-1]

    monkeypatch.setattr(client.dhan_http.session, "send", noting)
    assert ask(client)["status"] == "failure"
    assert replies[0].status_code == 404
    assert set(replies[0].json()) == {"timestamp", "status", "error", "path"}
    assert replies[0].url.startswith(venue.url)


@pytest.fixture
def login(venue: Any) -> tuple[DhanLogin, str]:  # Any: conftest cannot be imported
    context = venue.context()
    return context.dhan_login, context.get_access_token()


def test_profile(login: tuple[DhanLogin, str], shared: Path) -> None:
    ours = login[0].user_profile(login[1])
    assert {"dhanClientId", "tokenValidity", "activeSegment", "ddpi", "mtf", "dataPlan", "dataValidity"} <= set(ours)
    assert_alike(ours, recorded(shared, "resources__profile"))


def test_a_renewed_token_ends_the_one_before(login: tuple[DhanLogin, str]) -> None:
    renewed = login[0].renew_token(login[1])["accessToken"]
    assert login[0].user_profile(renewed)["dhanClientId"]
    with pytest.raises(Exception, match="Invalid Token"):
        login[0].user_profile(login[1])


def test_a_token_for_pin_and_password(login: tuple[DhanLogin, str]) -> None:
    made = login[0].generate_token("123456", totp(SAMPLE_SECRET, real_now()))
    assert made["accessToken"].startswith("paper.")
    assert datetime.fromisoformat(made["expiryTime"]).replace(tzinfo=UTC)


def test_addresses(login: tuple[DhanLogin, str]) -> None:
    assert login[0].set_ip(login[1], "10.1.1.1", "PRIMARY")["data"]["status"] == "SUCCESS"
    assert login[0].get_ip(login[1])["data"]["primaryIP"] == "10.1.1.1"
    again = login[0].modify_ip(login[1], "10.1.1.2", "PRIMARY")
    assert "7 days" in str(again["remarks"])


@pytest.mark.parametrize(("mode", "column"), [("compact", "SEM_SMST_SECURITY_ID"), ("detailed", "SECURITY_ID")])
def test_the_instrument_master(
    venue: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, mode: str, column: str
) -> None:
    base = f"http://127.0.0.1:{venue.port}/api-data/api-scrip-master"
    monkeypatch.setattr(Security, "COMPACT_CSV_URL", f"{base}.csv")
    monkeypatch.setattr(Security, "DETAILED_CSV_URL", f"{base}-detailed.csv")
    fetch: Callable[..., Any] = Security.fetch_security_list
    fetch(mode, str(tmp_path / "list.csv"))
    with (tmp_path / "list.csv").open() as lines:
        rows = list(csv.DictReader(lines))
    assert "13" in {row[column] for row in rows}
    assert len(rows) > 200
