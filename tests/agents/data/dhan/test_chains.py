"""Chains from recorded and made answers."""

import json
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from agents.data.dhan.chains import ChainSnapshot, ChainWatch, fetch_chain, fetch_expiries
from agents.data.dhan.errors import DhanError
from agents.data.dhan.http import Wire
from agents.data.dhan.master import InstrumentMaster, Listing
from agents.data.dhan.quotes import fetch_quotes
from agents.data.store import Store
from agents.data.writing import store_option_quotes
from agents.domain.errors import MissingDataError, StaleDataError
from agents.domain.values import IST, OptionType
from tests.agents.data.dhan.readers import NIFTY, option_listing, reader_on

EXPIRY = date(2026, 11, 24)
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=IST)
CALL = option_listing(Decimal(25650), OptionType.CE, EXPIRY, 42528)
PUT = option_listing(Decimal(25650), OptionType.PE, EXPIRY, 42529)
MASTER = InstrumentMaster(NOON.date(), (NIFTY, CALL, PUT))
SIDE = {
    "greeks": {"delta": 0.5},
    "implied_volatility": 9.789193798280868,
    "last_price": 134,
    "oi": 3786445,
    "previous_oi": 402220,
    "security_id": 42528,
    "top_ask_price": 134,
    "top_ask_quantity": 1365,
    "top_bid_price": 133.55,
    "top_bid_quantity": 1625,
    "volume": 117567970,
}


def body(**change: Any) -> dict[str, Any]:
    sides = {"ce": SIDE, "pe": {**SIDE, "security_id": 42529}} | change
    return {"data": {"last_price": 25642.80078125, "oc": {"25650.000000": sides}}, "status": "success"}


def fetched(answering: Any, wire: Wire, folder: Path, said: Any) -> ChainSnapshot:
    answering.will((200, said))
    return fetch_chain(reader_on(wire, folder), MASTER, NIFTY, EXPIRY, NOON)


def test_a_chain_has_bid_ask_and_open_interest(answering: Any, wire: Wire, tmp_path: Path) -> None:
    snapshot = fetched(answering, wire, tmp_path, body())
    chain = snapshot.chain()
    assert (chain.spot, len(chain.quotes), snapshot.gaps) == (Decimal("25642.80"), 2, ())
    call = chain.quotes[0]
    assert (call.contract.instrument, call.contract.lot_size) == ("NIFTY26112425650CE", 65)
    assert (call.ltp, call.bid, call.ask) == (Decimal("134.00"), Decimal("133.55"), Decimal("134.00"))
    assert (call.open_interest, call.volume) == (3786445, 117567970)
    said = json.loads(answering.asked[0][2])
    assert {name: said[name] for name in ("UnderlyingScrip", "UnderlyingSeg", "Expiry")} == {
        "UnderlyingScrip": 13,
        "UnderlyingSeg": "IDX_I",
        "Expiry": "2026-11-24",
    }


def test_rows_of_the_store_say_the_same(answering: Any, wire: Wire, tmp_path: Path) -> None:
    store = Store(tmp_path / "market.duckdb", "replay", now=lambda: NOON)
    table = fetched(answering, wire, tmp_path, body()).table()
    assert store_option_quotes(store, table, source="dhan").added == 2
    [row] = store.rows(
        "select bid, ask, ltp, open_interest, open_interest_change, bid_quantity, iv from option_quotes "
        "where option_type = 'CE'"
    )
    assert row == (2671, 2680, 2680, 3786445, 3384225, 1625, 9.789193798280868)


def test_a_recorded_chain_is_read_whole(shared: Path, answering: Any, wire: Wire, tmp_path: Path) -> None:
    said = json.loads((shared / "data/dhan_api/base_api__optionchain.json").read_text())["response"]["body"]
    strikes, expiry = said["data"]["oc"], date(2025, 1, 30)
    listed: list[Listing] = [NIFTY]
    for number, text in enumerate(strikes):
        strike = Decimal(f"{Decimal(text).normalize():f}")
        listed += [option_listing(strike, right, expiry, 10 * number + k) for k, right in enumerate(OptionType)]
    answering.will((200, said))
    master = InstrumentMaster(date(2025, 1, 25), tuple(listed))
    snapshot = fetch_chain(reader_on(wire, tmp_path), master, NIFTY, expiry, NOON)
    assert snapshot.gaps == ()
    assert len(snapshot.rows) == 2 * len(strikes)
    assert sum(row.open_interest for row in snapshot.rows) == sum(
        side["oi"] for sides in strikes.values() for side in sides.values()
    )
    assert {row.listing.strike for row in snapshot.rows if row.ltp is None} == {
        Decimal(f"{Decimal(text).normalize():f}")
        for text, sides in strikes.items()
        if any(side["last_price"] <= 0 for side in sides.values())
    }


def test_what_is_missing_or_no_price_is_a_gap_and_never_a_number(answering: Any, wire: Wire, tmp_path: Path) -> None:
    odd = {**SIDE, "last_price": None, "top_bid_price": 0, "top_ask_price": -0.0, "implied_volatility": None}
    snapshot = fetched(answering, wire, tmp_path, body(ce=odd))
    row = snapshot.rows[0]
    assert (row.ltp, row.bid, row.ask, row.iv) == (None, None, None, None)
    assert [quote.contract.option_type for quote in snapshot.chain().quotes] == [OptionType.PE]
    assert fetched(answering, wire, tmp_path, body(pe=None)).gaps == ("25650 has no PE",)
    with pytest.raises(DhanError, match="no price of any option"):
        fetched(answering, wire, tmp_path, body(ce=odd, pe=None))


def test_crossed_quotes_are_left_out(answering: Any, wire: Wire, tmp_path: Path) -> None:
    [row, _] = fetched(answering, wire, tmp_path, body(ce={**SIDE, "top_bid_price": 135})).rows
    assert (row.ltp, row.bid, row.ask) == (Decimal("134.00"), None, None)


def test_what_is_no_strike_no_side_or_no_count_is_a_gap_and_the_rest_is_read(
    answering: Any, wire: Wire, tmp_path: Path
) -> None:
    said = body(ce={**SIDE, "oi": "3786445", "volume": "many"}, pe=["no", "side"])
    said["data"]["oc"] |= {"at the money": {"ce": SIDE}, "NaN": {}}
    snapshot = fetched(answering, wire, tmp_path, said)
    assert [(row.open_interest, row.volume) for row in snapshot.rows] == [(3786445, 0)]
    assert snapshot.gaps == (
        "'at the money' is no strike",
        "'NaN' is no strike",
        "25650 CE has 'many' for volume",
        "25650 has no PE",
    )
    with pytest.raises(DhanError, match=r"calls .* x1 and the master"):
        fetched(answering, wire, tmp_path, body(ce={**SIDE, "security_id": "x1"}))


def test_an_id_that_the_master_gives_to_another_is_refused(answering: Any, wire: Wire, tmp_path: Path) -> None:
    with pytest.raises(DhanError, match="7 and the master of 2026-11-20 calls it 42528"):
        fetched(answering, wire, tmp_path, body(ce={**SIDE, "security_id": 7}))


def test_a_chain_without_its_index_or_without_strikes_is_refused(answering: Any, wire: Wire, tmp_path: Path) -> None:
    with pytest.raises(DhanError, match="no price of NIFTY"):
        fetched(answering, wire, tmp_path, {"data": {**body()["data"], "last_price": 0}, "status": "success"})
    with pytest.raises(MissingDataError, match="empty"):
        fetched(answering, wire, tmp_path, {"data": {"last_price": 1, "oc": {}}, "status": "success"})


def test_a_chain_that_stands_still_is_refused_until_it_moves() -> None:
    watch = ChainWatch(timedelta(minutes=6))

    def shown(minutes: int, digest: str) -> ChainSnapshot:
        return ChainSnapshot("NIFTY", EXPIRY, NOON + timedelta(minutes=minutes), Decimal(1), (), (), digest)

    for minutes in (0, 3, 6):
        watch.refuse_stale(shown(minutes, "a"))
    with pytest.raises(StaleDataError, match="has not changed"):
        watch.refuse_stale(shown(9, "a"))
    watch.refuse_stale(shown(12, "b"))


def test_expiries_are_dates_in_order(answering: Any, wire: Wire, tmp_path: Path) -> None:
    answering.will((200, {"data": ["2026-12-01", "2026-11-24"], "status": "success"}))
    assert fetch_expiries(reader_on(wire, tmp_path), NIFTY) == [EXPIRY, date(2026, 12, 1)]
    answering.will((200, {"data": ["soon"], "status": "success"}))
    with pytest.raises(DhanError, match="expiries of NIFTY"):
        fetch_expiries(reader_on(wire, tmp_path), NIFTY)


def test_quotes_say_when_they_traded_and_leave_out_what_is_no_price(answering: Any, wire: Wire, tmp_path: Path) -> None:
    depth = {"buy": [{"price": 133.55}], "sell": [{"price": 134.0}]}
    traded = {"last_price": 134.0499, "last_trade_time": "20/11/2026 11:59:58", "depth": depth}
    index = {"last_price": 25642.8, "last_trade_time": "01/01/1980 00:00:00", "depth": {"buy": [], "sell": []}}
    answering.will((200, {"data": {"NSE_FNO": {"42528": traded, "42529": {"last_price": 0}}, "IDX_I": {"13": index}}}))
    found = fetch_quotes(reader_on(wire, tmp_path), {"C": CALL, "P": PUT, "NIFTY": NIFTY}, NOON)
    assert set(found) == {"C", "NIFTY"}
    assert (found["C"].ltp, found["C"].bid, found["C"].ask) == (Decimal("134.05"), Decimal("133.55"), Decimal("134.00"))
    assert found["C"].at == NOON - timedelta(seconds=2)
    assert (found["NIFTY"].at, found["NIFTY"].bid) == (NOON, None)
