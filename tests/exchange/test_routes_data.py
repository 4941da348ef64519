"""Quotes, chains, charts and account questions over HTTP, and how each refuses."""

import csv
import io
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from exchange.accounts import SAMPLE_SECRET, Account, Accounts
from exchange.app import create_app
from exchange.clock import MarketClock, at_ist
from exchange.contracts import IDX_I
from exchange.core import Core
from exchange.simulated import simulated_market
from exchange.tape_market import TapeMarket
from exchange.tokens import totp

FRIDAY = date(2026, 11, 20)
NOON = at_ist(FRIDAY, 12, 0)
NOW = NOON + 1_000
CLIENT = "1000000001"
NIFTY_CHAIN = {"UnderlyingScrip": 13, "UnderlyingSeg": "IDX_I", "Expiry": "2026-11-23"}
INTRADAY = {"securityId": "13", "exchangeSegment": "IDX_I", "instrument": "INDEX", "interval": 5, "oi": False}
Body = dict[str, Any]  # Any: JSON


class Desk:
    """A client with a token, and a machine whose time moves three seconds with every request."""

    def __init__(self, market: TapeMarket) -> None:
        self.real = at_ist(FRIDAY, 8, 0)
        clock = MarketClock(lambda: self.real)
        clock.set(NOW, speed=0.0)
        self.account = Account(CLIENT)
        self.accounts = Accounts(1, [self.account])
        self.token = self.accounts.issue(CLIENT, self.real)
        self.core = Core(market, self.accounts, clock, seed=1)
        self.http = TestClient(create_app(self.core), client=("127.0.0.1", 5))

    def ask(self, method: str, path: str, body: Body | None = None, *, wait: int = 3_000) -> tuple[int, Any]:
        self.real += wait
        headers = {"access-token": self.token, "client-id": CLIENT}
        reply = self.http.request(method, path, json=body, headers=headers)
        assert reply.headers["content-type"] == "application/json"
        return reply.status_code, json.loads(reply.content)


@pytest.fixture(scope="module")
def market() -> TapeMarket:
    return simulated_market(7, date(2026, 11, 2))


@pytest.fixture
def desk(market: TapeMarket) -> Desk:
    return Desk(market)


def recorded(shared: Path, name: str) -> Body:
    reply: Body = json.loads((shared / "data" / "dhan_api" / f"{name}.json").read_text())["response"]
    return reply


def shape(value: Any) -> Any:  # Any: JSON
    """Return keys and types; numbers are one type, since Go prints a whole double without a point."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return "number" if isinstance(value, int | float) else type(value).__name__


def test_last_prices_come_by_segment_and_leave_out_the_unknown(desk: Desk, market: TapeMarket) -> None:
    price = market.top_of_book(13, IDX_I, NOW).ltp / 100
    asked = {"NSE_FNO": [1], "IDX_I": [13, 99], "dhanClientId": CLIENT}
    assert desk.ask("POST", "/v2/marketfeed/ltp", asked) == (
        200,
        {"data": {"IDX_I": {"13": {"last_price": price}}, "NSE_FNO": {}}, "status": "success"},
    )


def test_words_that_are_no_segment_get_an_empty_answer(desk: Desk) -> None:
    asked = {"instruments": ["NSE:INFY"], "fields": ["lastPrice"]}
    assert desk.ask("POST", "/v2/marketfeed/ltp", asked) == (200, {"data": {}, "status": "success"})


@pytest.mark.parametrize(
    ("asked", "code"), [({"NSE_FNO": ["x"]}, "814"), ({"NSE_FNO": 5}, "814"), ({"NSE_FNO": list(range(1001))}, "804")]
)
def test_impossible_lists_of_instruments_are_refused(desk: Desk, asked: Body, code: str) -> None:
    status, body = desk.ask("POST", "/v2/marketfeed/quote", asked)
    assert (status, list(body["data"]), body["status"]) == (400, [code], "failed")


@pytest.mark.data
@pytest.mark.parametrize("path", ["ohlc", "quote"])
def test_quotes_have_the_shape_of_the_recorded_ones(desk: Desk, shared: Path, path: str) -> None:
    _, body = desk.ask("POST", f"/v2/marketfeed/{path}", {"NSE_FNO": [53230]})
    old = recorded(shared, f"base_api__marketfeed_{path}")["body"]["data"]["NSE_FNO"]["49081"]
    new = body["data"]["NSE_FNO"]["53230"]
    assert shape(new) == shape(old)
    assert list(new) == list(old)


def test_a_second_quote_within_a_second_is_refused_without_a_hint_when_to_return(desk: Desk) -> None:
    desk.ask("POST", "/v2/marketfeed/ltp", {"IDX_I": [13]})
    status, body = desk.ask("POST", "/v2/marketfeed/ltp", {"IDX_I": [13]}, wait=0)
    assert (status, list(body["data"])) == (429, ["805"])
    assert desk.ask("POST", "/v2/marketfeed/ltp", {"IDX_I": [13]}, wait=1000)[0] == 200


@pytest.mark.data
def test_a_chain_has_the_shape_of_the_recorded_one_and_two_newer_fields(desk: Desk, shared: Path) -> None:
    status, body = desk.ask("POST", "/v2/optionchain", NIFTY_CHAIN)
    old = recorded(shared, "resources__option_chain")["body"]["data"]["oc"]["17600.000000"]["ce"]
    strikes = body["data"]["oc"]
    assert (status, body["status"]) == (200, "success")
    assert all(key.endswith("0.000000") for key in strikes)
    legs = [leg for strike in strikes.values() for leg in (strike["ce"], strike["pe"])]
    assert all(shape(leg) == shape(old | {"average_price": 0, "security_id": 0}) for leg in legs)


def test_the_same_chain_waits_three_seconds_and_another_does_not(desk: Desk) -> None:
    asked = [("2026-11-23", 0), ("2026-12-01", 300), ("2026-11-23", 300), ("2026-11-23", 2400)]
    statuses = [desk.ask("POST", "/v2/optionchain", NIFTY_CHAIN | {"Expiry": on}, wait=wait)[0] for on, wait in asked]
    assert statuses == [200, 200, 429, 200]


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"UnderlyingScrip": 14}, {"813": "Invalid SecurityId"}),
        ({"UnderlyingScrip": None}, {"813": "Invalid SecurityId"}),
        ({"UnderlyingScrip": "x"}, {"813": "Invalid SecurityId"}),
        ({"UnderlyingSeg": "NSE_FNO"}, {"813": "Invalid SecurityId"}),
        ({"Expiry": "2026-11-25"}, {"811": "Invalid Expiry Date"}),
        ({"Expiry": "soon"}, {"811": "Invalid Expiry Date"}),
    ],
)
def test_mistakes_about_a_chain_have_two_answers(desk: Desk, change: Body, refusal: Body) -> None:
    assert desk.ask("POST", "/v2/optionchain", NIFTY_CHAIN | change) == (400, {"data": refusal, "status": "failed"})


def test_expiries_are_sorted_dates(desk: Desk) -> None:
    _, body = desk.ask("POST", "/v2/optionchain/expirylist", {"UnderlyingScrip": 13, "UnderlyingSeg": "IDX_I"})
    assert body == {"data": ["2026-11-23", "2026-12-01", "2026-12-29"], "status": "success"}


def test_five_minute_candles_end_with_the_forming_one(desk: Desk) -> None:
    _, body = desk.ask("POST", "/v2/charts/intraday", INTRADAY | {"fromDate": "2026-11-19", "toDate": "2026-11-20"})
    assert list(body) == ["open", "high", "low", "close", "volume", "timestamp"]
    assert len(body["timestamp"]) == 72 + 34  # the index stands still from 15:15; at noon a candle has just begun
    assert body["timestamp"][0] == at_ist(date(2026, 11, 19), 9, 15) / 1000
    assert body["timestamp"][-1] == NOON / 1000
    assert set(body["volume"]) == {0.0}
    assert all(isinstance(number, float) for column in body.values() for number in column)


def test_the_end_of_today_is_ignored(desk: Desk) -> None:
    asked = {"fromDate": "2026-11-20 10:00:00", "toDate": "2026-11-20 10:30:00"}
    _, body = desk.ask("POST", "/v2/charts/intraday", INTRADAY | asked)
    assert (body["timestamp"][0], body["timestamp"][-1]) == (at_ist(FRIDAY, 10, 0) / 1000, NOON / 1000)


def test_the_end_of_an_earlier_day_is_kept(desk: Desk) -> None:
    asked = {"fromDate": "2026-11-19 10:00:00", "toDate": "2026-11-19 10:30:00"}
    _, body = desk.ask("POST", "/v2/charts/intraday", INTRADAY | asked)
    assert len(body["timestamp"]) == 6


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({"fromDate": "2026-08-01"}, 400, "Data for Intraday Charts can be fetched for 90 days at a time"),
        ({"fromDate": "2026-11-21", "toDate": "2026-11-20"}, 400, "unable to fetch data"),
        ({"fromDate": "2026-12-01", "toDate": "2026-12-02"}, 400, "unable to fetch data"),
        ({"interval": 3}, 400, "Missing required fields"),
        ({"fromDate": "yesterday"}, 400, "Missing required fields"),
        ({"securityId": None}, 400, "Missing required fields"),
    ],
)
def test_impossible_charts_are_refused(desk: Desk, change: Body, status: int, words: str) -> None:
    asked = INTRADAY | {"fromDate": "2026-11-19", "toDate": "2026-11-20"} | change
    found, body = desk.ask("POST", "/v2/charts/intraday", asked)
    assert found == status
    assert words in body["errorMessage"]


@pytest.mark.data
def test_an_id_that_is_no_number_breaks_the_service_as_recorded(desk: Desk, shared: Path) -> None:
    asked = INTRADAY | {"fromDate": "2026-11-19", "toDate": "2026-11-20", "securityId": "invalid_id"}
    old = recorded(shared, "base_model__error_handling")
    assert desk.ask("POST", "/v2/charts/intraday", asked) == (old["status"], old["body"])


def test_an_unknown_id_and_a_holiday_look_like_success(desk: Desk) -> None:
    empty: Body = {name: [] for name in ("open", "high", "low", "close", "volume", "timestamp")}
    unknown = INTRADAY | {"securityId": "99", "fromDate": "2026-11-19", "toDate": "2026-11-20"}
    sunday = INTRADAY | {"fromDate": "2026-11-15", "toDate": "2026-11-15"}
    assert [desk.ask("POST", "/v2/charts/intraday", one) for one in (unknown, sunday)] == [(200, empty)] * 2


def test_daily_candles_are_named_by_midnight_and_leave_out_the_last_date(desk: Desk) -> None:
    asked = {"securityId": "53230", "exchangeSegment": "NSE_FNO", "instrument": "FUTIDX", "expiryCode": 0, "oi": True}
    _, body = desk.ask("POST", "/v2/charts/historical", asked | {"fromDate": "2026-11-17", "toDate": "2026-11-19"})
    assert body["timestamp"] == [at_ist(date(2026, 11, day), 0, 0) / 1000 for day in (17, 18)]
    assert len(body["open_interest"]) == 2
    assert all(high >= low for high, low in zip(body["high"], body["low"], strict=True))


def test_daily_candles_add_up_the_minutes(desk: Desk) -> None:
    span = {"securityId": "53230", "exchangeSegment": "NSE_FNO", "instrument": "FUTIDX", "fromDate": "2026-11-18"}
    _, day = desk.ask("POST", "/v2/charts/historical", span | {"toDate": "2026-11-19"})
    _, minutes = desk.ask("POST", "/v2/charts/intraday", span | {"toDate": "2026-11-18", "interval": "1"})
    assert len(minutes["open"]) == 385
    found = (
        minutes["open"][0],
        max(minutes["high"]),
        min(minutes["low"]),
        minutes["close"][-1],
        sum(minutes["volume"]),
    )
    assert found == tuple(day[name][0] for name in ("open", "high", "low", "close", "volume"))


def test_rolling_options_follow_the_money(desk: Desk) -> None:
    asked = {
        "securityId": 13,
        "exchangeSegment": "NSE_FNO",
        "instrument": "OPTIDX",
        "expiryFlag": "WEEK",
        "expiryCode": 1,
        "strike": "ATM-2",
        "drvOptionType": "PUT",
        "interval": 15,
        "requiredData": ["strike", "spot", "iv", "open"],
        "fromDate": "2026-11-18",
        "toDate": "2026-11-20",
    }
    status, body = desk.ask("POST", "/v2/charts/rollingoption", asked)
    found = body["data"]["pe"]
    assert (status, body["data"]["ce"]) == (200, None)
    assert list(found) == ["open", "iv", "strike", "spot", "timestamp"]
    assert len(found["timestamp"]) == 48
    assert all(abs(strike + 100 - spot) <= 25 for strike, spot in zip(found["strike"], found["spot"], strict=True))


@pytest.mark.parametrize(
    "change", [{"drvOptionType": "X"}, {"expiryFlag": "DAY"}, {"requiredData": ["delta"]}, {"strike": "x"}]
)
def test_impossible_rolling_options_are_refused(desk: Desk, change: Body) -> None:
    asked = {
        "securityId": 13,
        "exchangeSegment": "NSE_FNO",
        "instrument": "OPTIDX",
        "expiryFlag": "WEEK",
        "expiryCode": 1,
        "strike": "ATM",
        "drvOptionType": "PUT",
        "interval": 15,
        "requiredData": ["open"],
        "fromDate": "2026-11-18",
        "toDate": "2026-11-20",
    }
    status, body = desk.ask("POST", "/v2/charts/rollingoption", asked | change)
    assert (status, body["errorCode"]) == (400, "DH-905")


@pytest.mark.data
def test_a_profile_has_the_shape_of_the_recorded_one(desk: Desk, shared: Path) -> None:
    status, body = desk.ask("GET", "/v2/profile")
    assert (status, shape(body)) == (200, shape(recorded(shared, "models__profile")["body"]))
    assert body["tokenValidity"] == "21/11/2026 08:00"


def test_a_bad_token_is_told_in_two_ways(desk: Desk) -> None:
    desk.accounts.revoke(CLIENT)
    _, body = desk.ask("GET", "/v2/profile")
    assert body == {"errorType": "Order_Error", "errorCode": "DH-906", "errorMessage": "Invalid Token"}
    status, body = desk.ask("POST", "/v2/marketfeed/ltp", {"IDX_I": [13]})
    assert (status, body["data"]) == (401, {"808": "Authentication Failed - Client ID or Token invalid"})


def test_a_client_without_data_is_told_so(desk: Desk) -> None:
    desk.account.data_plan = False
    refusal = {"errorCode": 806, "errorMessage": "Data APIs not subscribed"}
    assert desk.ask("POST", "/v2/marketfeed/ltp", {"IDX_I": [13]}) == (200, refusal)
    assert desk.ask("POST", "/v2/optionchain", NIFTY_CHAIN) == (200, refusal)


def test_renewing_kills_the_old_token(desk: Desk) -> None:
    status, body = desk.ask("GET", "/v2/RenewToken")
    assert (status, list(body)) == (200, ["dhanClientId", "accessToken", "expiryTime"])
    assert desk.ask("GET", "/v2/profile")[1]["errorMessage"] == "Invalid Token"
    desk.token = body["accessToken"]
    assert desk.ask("GET", "/v2/profile")[0] == 200
    assert desk.ask("POST", "/v2/RenewToken")[1]["errorCode"] == "DH-905"


def test_a_pin_and_a_password_make_a_token(desk: Desk) -> None:
    query = f"dhanClientId={CLIENT}&pin=123456&totp={totp(SAMPLE_SECRET, desk.real + 3000)}"
    status, body = desk.ask("POST", f"/app/generateAccessToken?{query}")
    assert (status, body["accessToken"]) == (200, desk.account.token)
    status, body = desk.ask("POST", f"/app/generateAccessToken?dhanClientId={CLIENT}&pin=0&totp=0")
    assert (status, body) == (400, {"status": "error", "message": "Invalid Pin"})


def test_addresses_are_an_error_that_calls_itself_success_until_one_is_set(desk: Desk) -> None:
    assert desk.ask("GET", "/v2/ip/getIP") == (200, [{"message": "Something went wrong", "status": "ERROR"}])
    assert desk.ask("POST", "/v2/ip/setIP", {"ip": "127.0.0.1", "ipFlag": "PRIMARY"})[1]["status"] == "SUCCESS"
    found = desk.ask("GET", "/v2/ip/getIP")[1]
    assert (found["primaryIP"], found["ipMatchStatus"], found["ordersAllowed"]) == ("127.0.0.1", "MATCH", True)
    assert desk.ask("PUT", "/v2/ip/modifyIP", {"ip": "127.0.0.2", "ipFlag": "PRIMARY"})[0] == 400
    assert desk.ask("POST", "/v2/ip/setIP", {"ip": "127.0.0.1", "ipFlag": "THIRD"})[0] == 400


def test_an_unknown_path_is_told_by_the_gateway(desk: Desk) -> None:
    status, body = desk.ask("GET", "/v2/nothing")
    assert (status, list(body)) == (404, ["timestamp", "status", "error", "path"])
    assert (body["error"], body["path"]) == ("Not Found", "/v2/nothing")


def test_a_body_that_is_no_object_is_refused(desk: Desk) -> None:
    headers = {"access-token": desk.token, "client-id": CLIENT}
    for body in (b"[1]", b"{", b"\xff"):
        desk.real += 1000
        reply = desk.http.post("/v2/charts/intraday", content=body, headers=headers)
        assert (reply.status_code, reply.json()["errorCode"]) == (400, "DH-905")


def test_the_instrument_master_has_its_oddities(desk: Desk, market: TapeMarket) -> None:
    compact = list(csv.DictReader(io.StringIO(desk.http.get("/api-data/api-scrip-master.csv").text)))
    detailed = list(csv.DictReader(io.StringIO(desk.http.get("/api-data/api-scrip-master-detailed.csv").text)))
    assert len(compact) == len(detailed) == len(market.contracts(FRIDAY))
    index, future, option = (next(x for x in compact if x["SEM_INSTRUMENT_NAME"] == kind) for kind in KINDS)
    assert (index["SEM_SEGMENT"], index["SEM_TICK_SIZE"], index["SEM_EXPIRY_DATE"]) == ("I", "0.0500", "0001-01-01")
    assert (future["SEM_STRIKE_PRICE"], future["SEM_TICK_SIZE"], future["SM_SYMBOL_NAME"]) == (
        "-0.01000",
        "10.0000",
        "",
    )
    assert (option["SEM_EXPIRY_DATE"], option["SEM_LOT_UNITS"]) == ("2026-11-23 14:30:00", "65.0")
    index, future, option = (next(x for x in detailed if x["INSTRUMENT"] == kind) for kind in KINDS)
    assert [one["UNDERLYING_SECURITY_ID"] for one in (index, future, option)] == ["13", "26000", "26000"]
    assert [one["SM_FREEZE_QTY"] for one in (index, future, option)] == ["0", "1800", "1756"]
    assert list(option)[-1] == ""


def test_a_segment_has_its_own_master(desk: Desk) -> None:
    rows = list(csv.DictReader(io.StringIO(desk.http.get("/v2/instrument/IDX_I").text)))
    assert [row["SECURITY_ID"] for row in rows] == ["13"]
    assert desk.http.get("/v2/instrument/MARS").status_code == 400


KINDS = ("INDEX", "FUTIDX", "OPTIDX")


def test_a_range_that_ends_yesterday_does_not_show_todays_candles(desk: Desk) -> None:
    _, body = desk.ask("POST", "/v2/charts/intraday", INTRADAY | {"fromDate": "2026-11-18", "toDate": "2026-11-19"})
    assert body["timestamp"][-1] == at_ist(date(2026, 11, 19), 15, 10) / 1000
