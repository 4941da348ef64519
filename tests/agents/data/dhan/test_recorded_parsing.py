"""Replies that Dhan really sent, as the data agent reads them: every key is used, or known and left aside."""

import csv
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from agents.data.dhan import account
from agents.data.dhan.chains import fetch_chain, fetch_expiries
from agents.data.dhan.charts import Page, Question, fetch_candles
from agents.data.dhan.credentials import profile_of
from agents.data.dhan.http import Wire
from agents.data.dhan.limiter import CallKind
from agents.data.dhan.master import InstrumentMaster, Listing
from agents.data.dhan.quotes import fetch_quotes
from agents.data.dhan.reader import Reader
from agents.data.dhan.reply import Reply
from agents.data.hours import DAILY
from agents.domain.values import IST, OptionType
from tests.agents.data.dhan.readers import NIFTY, option_listing, reader_on

pytestmark = pytest.mark.data

EXPIRY = date(2025, 1, 30)
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=IST)
QUOTED = Listing("NSE_FNO", 49081, "future", "NIFTY", "NIFTY-Jan2025-FUT", 75, Decimal("0.05"))

# What the desk has no use for, by the path of the request; a key beside these and those that are used is news.
LEFT_ASIDE: Mapping[str, set[str]] = {
    "/v2/fundlimit": {"dhanClientId", "collateralAmount", "receiveableAmount", "blockedPayoutAmount"},
    "/v2/profile": {"ddpi", "mtf"},
    "/v2/marketfeed/quote": {
        *("average_price", "buy_quantity", "sell_quantity", "last_quantity", "net_change", "volume", "status"),
        *("lower_circuit_limit", "upper_circuit_limit", "oi", "oi_day_high", "oi_day_low", "orders", "quantity"),
        *("ohlc", "open", "high", "low", "close"),
    },
    "/v2/optionchain": {
        *("greeks", "delta", "theta", "gamma", "vega", "previous_volume", "status"),
    },
    "/v2/optionchain/expirylist": {"status"},
    "/v2/trades": {
        *("dhanClientId", "exchangeOrderId", "orderType", "customSymbol", "createTime", "updateTime"),
        *("drvExpiryDate", "drvOptionType", "drvStrikePrice"),
    },
    "/v2/trades/{from}/{to}/{page}": {
        *("dhanClientId", "exchangeOrderId", "orderType", "isin", "instrument", "createTime", "updateTime"),
        *("drvExpiryDate", "drvOptionType", "drvStrikePrice"),
    },
}
# Requests that the data agent never makes.
NEVER_ASKED = {
    *("/v2/marketfeed/ltp", "/v2/marketfeed/ohlc", "/v2/holdings", "/v2/ledger", "/v2/margincalculator"),
    *("POST /v2/orders", "/v2/orders/{id}"),
}


@dataclass
class Noticed:
    """Which keys were there and which were looked at."""

    there: set[str] = field(default_factory=set)
    used: set[str] = field(default_factory=set)


class Watched(dict[str, Any]):
    """An object of JSON that notices which of its keys are looked at; to go through all of them is to use them."""

    notice: Noticed

    def __getitem__(self, key: str) -> Any:
        self.notice.used.add(key)
        return super().__getitem__(key)

    def get(self, key: str, default: Any = None) -> Any:
        self.notice.used.add(key)
        return super().get(key, default)

    def items(self) -> Any:
        self.notice.used |= self.keys()
        return super().items()


def watched(value: Any, notice: Noticed) -> Any:
    if isinstance(value, list):
        return [watched(one, notice) for one in value]
    if not isinstance(value, dict):
        return value
    notice.there |= {key for key in value if not key.replace(".", "").isdigit()}
    found = Watched({key: watched(one, notice) for key, one in value.items()})
    found.notice = notice
    return found


def path_of(row: Mapping[str, str]) -> str:
    """Return the path of a request, its ids and dates by their names."""
    path = "/" + row["uri"].partition("?")[0].partition("/")[2]
    if path.startswith("/v2/trades/2"):
        return "/v2/trades/{from}/{to}/{page}"
    if path.startswith("/v2/orders/"):
        return "/v2/orders/{id}"
    return "POST /v2/orders" if (row["method"], path) == ("POST", "/v2/orders") else path.replace("/v2/v2", "/v2")


def successes(shared: Path) -> Iterator[tuple[str, str, Any]]:
    """Yield name, path and body of every recorded success."""
    folder = shared / "data" / "dhan_api"
    with (folder / "INDEX.csv").open() as lines:
        for row in csv.DictReader(lines):
            said = json.loads((folder / f"{row['file']}.json").read_text())["response"]
            refused = isinstance(said["body"], dict) and "errorCode" in said["body"]
            if row["kind"] == "recorded" and said["status"] == 200 and not refused:
                yield row["file"], path_of(row), said["body"]


def candles(reader: Reader, body: Any, minutes: int) -> None:
    """Read a chart; every number of it comes back."""
    days = sorted({datetime.fromtimestamp(stamp, IST).date() for stamp in body["timestamp"]})
    found = fetch_candles(reader, NIFTY, Question("NIFTY", minutes, Page(days[0], days[-1]), NOW))
    assert found.opened.tolist() == body["timestamp"]
    for place, name in enumerate(("open", "high", "low", "close")):
        assert found.prices[:, place].tolist() == body[name]
    assert found.volume.tolist() == body["volume"]


def chain(reader: Reader, body: Any) -> None:
    """Read a chain; every option of it comes back with its numbers."""
    strikes = body["data"]["oc"]
    sides = [(Decimal(text), right) for text in strikes for right in OptionType if right.value.lower() in strikes[text]]
    listings = [
        option_listing(Decimal(f"{strike.normalize():f}"), right, EXPIRY, number)
        for number, (strike, right) in enumerate(sides, start=40_000)
    ]
    found = fetch_chain(reader, InstrumentMaster(NOW.date(), (NIFTY, *listings)), NIFTY, EXPIRY, NOW)
    assert len(found.rows) == len(sides)
    for row in found.rows:
        assert row.listing.option_type is not None
        side = strikes[f"{row.listing.strike:.6f}"][row.listing.option_type.value.lower()]
        assert row.open_interest == side["oi"]
        assert row.previous_open_interest == side["previous_oi"]
        assert row.volume == side["volume"]
        assert float(row.ltp or 0) == pytest.approx(side["last_price"], abs=0.03)


def trades(reader: Reader, body: Any) -> None:
    """Read the trade book; quantities, prices and ids come back."""
    found = account.fetch_trades(reader)
    assert sorted((one.trade_id, one.quantity, float(one.price)) for one in found) == sorted(
        (row["exchangeTradeId"], row["tradedQuantity"], row["tradedPrice"]) for row in body
    )


def orders(reader: Reader, body: Any) -> None:
    """Read the order book; a row is passed on whole."""
    for ours, theirs in zip(account.fetch_orders(reader), body, strict=True):
        assert {key: value for key, value in ours.items() if value is not None}.items() <= theirs.items()
        assert ours.keys() == theirs.keys()


def funds(reader: Reader, body: Any) -> None:
    """Read the funds."""
    assert float(account.fetch_funds(reader).available) == body["availabelBalance"]


def profile(reader: Reader, body: Any) -> None:
    """Read the profile as the keeper of the token does."""
    read = reader.read("the profile", CallKind.OTHER, lambda client: client.dhan_http.get("/profile"))
    found = profile_of(read)
    assert found.client_id == body["dhanClientId"]
    assert found.data_plan_active == (body["dataPlan"] == "Active")
    assert len(found.segments) == 4


READS: Mapping[str, Callable[[Reader, Any], object]] = {
    "/v2/charts/historical": lambda reader, body: candles(reader, body, DAILY),
    "/v2/charts/intraday": lambda reader, body: candles(reader, body, 5),
    "/v2/optionchain": chain,
    "/v2/optionchain/expirylist": lambda reader, _: fetch_expiries(reader, NIFTY),
    "/v2/marketfeed/quote": lambda reader, _: fetch_quotes(reader, {"NIFTY-I": QUOTED}, NOW),
    "/v2/fundlimit": funds,
    "/v2/profile": profile,
    "/v2/positions": lambda reader, _: account.fetch_positions(reader),
    "/v2/orders": orders,
    "/orders": orders,
    "/v2/trades": trades,
    "/v2/trades/{from}/{to}/{page}": lambda reader, _: account.fetch_trade_history(reader, EXPIRY, EXPIRY),
}


def test_every_recorded_success_is_read_without_loss(
    shared: Path, answering: Any, wire: Wire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parse, noticed, read = Reply.json, dict[str, Noticed](), 0
    monkeypatch.setattr(Reply, "json", lambda reply: watched(parse(reply), noticed[reply.method]))
    for name, path, body in successes(shared):
        if path in NEVER_ASKED:
            continue
        if path == "/v2/marketfeed/quote":  # recorded before anything had traded, which ends the reading early
            body = json.loads(json.dumps(body).replace('"last_price": 0', '"last_price": 5.5'))  # noqa: PLW2901
        notice = Noticed()
        noticed = dict.fromkeys(("GET", "POST"), notice)
        pages = [body, []] if "{page}" in path and body else [body]
        answering.will(*((200, page) for page in pages))
        READS[path](reader_on(wire, tmp_path / name), body)
        news = notice.there - notice.used - LEFT_ASIDE.get(path, set())
        assert not news, f"{name}: nothing is known of {sorted(news)}"
        read += 1
    assert read > 30


def test_what_is_left_aside_is_still_sent_by_dhan(shared: Path) -> None:
    there: dict[str, Noticed] = {}
    for _, path, body in successes(shared):
        watched(body, there.setdefault(path, Noticed()))
    for path, keys in LEFT_ASIDE.items():
        assert keys <= there[path].there, f"{path}: {sorted(keys - there[path].there)} were never recorded"


def test_the_recorded_history_has_its_charges(shared: Path, answering: Any, wire: Wire, tmp_path: Path) -> None:
    said = json.loads((shared / "data/dhan_api/models__trade.json").read_text())["response"]["body"]
    answering.will((200, said), (200, []))
    found = account.fetch_trade_history(reader_on(wire, tmp_path), date(2024, 12, 1), date(2024, 12, 31))
    assert len(found) == len(said)
    names = ("sebiTax", "stt", "brokerageCharges", "serviceTax", "exchangeTransactionCharges", "stampDuty")
    assert sum(trade.charges for trade in found) == sum(Decimal(str(row[name])) for row in said for name in names)
    assert [trade.at for trade in found] == sorted(trade.at for trade in found)
    assert found[0].at.astimezone(UTC) > datetime(2024, 12, 1, tzinfo=UTC) - timedelta(days=1)
    assert [path.rpartition("/")[2] for _, path, _ in answering.asked] == ["0", "1"]
