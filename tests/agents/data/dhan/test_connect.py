"""Which server and which account a mode talks to, and what an account holds."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from agents.data.dhan import account
from agents.data.dhan.connect import address_of, credentials_of, open_dhan
from agents.data.dhan.errors import DhanError, DhanUnavailableError
from agents.data.dhan.http import Wire
from agents.data.dhan.master_files import INDEX_IDS, MasterFiles
from agents.data.dhan.master_layouts import MasterChangedError
from agents.domain.errors import ConfigError, DataError
from agents.settings import Settings
from tests.agents.data.dhan.readers import reader_on
from tests.agents.data.dhan.test_master import DETAILED

ON = date(2026, 11, 20)
FUNDS = {
    "dhanClientId": "1000000001",
    "availabelBalance": 115.64,
    "sodLimit": 115.64,
    "utilizedAmount": 0.0,
    "withdrawableBalance": 115.64,
}


@pytest.fixture(autouse=True)
def no_account(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("CLIENT_ID", "ACCESS_TOKEN", "PIN", "TOTP_SECRET"):
        monkeypatch.delenv(f"DHAN_{name}", raising=False)
    monkeypatch.chdir(tmp_path)


def test_paper_stays_on_this_machine_whatever_keys_are_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DHAN_CLIENT_ID", "777")
    monkeypatch.setenv("DHAN_ACCESS_TOKEN", "live-token")
    settings = Settings(mode="paper", exchange_port=8123)
    address = address_of(settings)
    assert address.rest == "http://127.0.0.1:8123/v2"
    credentials = credentials_of(settings, address)
    assert credentials.client_id == "1000000001"
    assert credentials.token is None
    with pytest.raises(ConfigError, match="never leaves"):
        address_of(Settings(mode="paper", dhan_url="https://api.dhan.co/v2"))


def test_live_is_dhan_and_nothing_else() -> None:
    assert address_of(Settings(mode="live")).rest == "https://api.dhan.co/v2"
    with pytest.raises(ConfigError, match="live mode"):
        address_of(Settings(mode="live", dhan_url="http://127.0.0.1:1/v2", dhan_auth_url="http://127.0.0.1:1"))
    with pytest.raises(ConfigError, match="DHAN_CLIENT_ID"):
        credentials_of(Settings(mode="live"), address_of(Settings(mode="live")))


def test_an_account_without_a_token_is_for_a_person(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DHAN_CLIENT_ID", "777")
    with pytest.raises(ConfigError, match="DHAN_ACCESS_TOKEN"):
        open_dhan(
            Settings(mode="replay", data_dir=tmp_path),
            wall=lambda: datetime.now(UTC),
            sleep=lambda _: None,
            jitter=lambda: 0.0,
        )


def test_settings_show_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DHAN_PIN", "918273")
    monkeypatch.setenv("DHAN_TOTP_SECRET", "JBSWY3DPEHPK3PXQ")
    settings = Settings(mode="live")
    shown = f"{settings!r} {settings.model_dump()} {settings.model_dump_json()}"
    assert "918273" not in shown
    assert "JBSWY3DPEHPK3PXQ" not in shown


def test_a_master_is_asked_for_once_a_day_and_old_ones_go(answering: Any, wire: Wire, tmp_path: Path) -> None:
    answering.will((200, "\n".join(DETAILED).encode()))

    def files() -> MasterFiles:
        return MasterFiles(tmp_path / "masters", reader_on(wire, tmp_path), frozenset({"NIFTY"}))

    assert not files().has(ON)
    assert files().of(ON).index("NIFTY").security_id == 13
    assert [path for _, path, _ in answering.asked] == ["/v2/instrument/NSE_FNO", "/v2/instrument/IDX_I"]
    assert files().of(ON).on == ON
    assert files().has(ON)
    assert len(answering.asked) == 2
    for day in range(1, 8):
        files().of(ON + timedelta(days=day))
    assert len(list((tmp_path / "masters").glob("NSE_FNO-*"))) == 5


def test_indices_have_documented_ids_where_no_file_lists_them(answering: Any, wire: Wire, tmp_path: Path) -> None:
    refused = (400, {"errorType": "Input_Exception", "errorCode": "DH-905", "errorMessage": "Missing required fields"})
    answering.will((200, "\n".join(DETAILED).encode()), refused)
    master = MasterFiles(tmp_path / "m", reader_on(wire, tmp_path), frozenset({"NIFTY"})).of(ON)
    assert {name: master.index(name).security_id for name in INDEX_IDS} == INDEX_IDS


def test_a_master_without_our_derivatives_or_columns_is_refused(answering: Any, wire: Wire, tmp_path: Path) -> None:
    answering.will((200, "\n".join(DETAILED[:3]).encode()))
    files = MasterFiles(tmp_path / "m", reader_on(wire, tmp_path), frozenset({"NIFTY"}))
    with pytest.raises(DataError, match="no derivatives of NIFTY"):
        files.of(ON)
    answering.will((200, "\n".join(DETAILED).replace("LOT_SIZE", "LOTS").encode()))
    with pytest.raises(MasterChangedError, match="LOT_SIZE"):
        files.of(ON)


def test_a_damaged_file_of_a_master_is_removed_and_fetched_anew(answering: Any, wire: Wire, tmp_path: Path) -> None:
    answering.will((200, "\n".join(DETAILED).encode()))
    MasterFiles(tmp_path / "m", reader_on(wire, tmp_path), frozenset({"NIFTY"})).of(ON)
    kept = next((tmp_path / "m").glob("NSE_FNO-*"))
    kept.write_bytes(kept.read_bytes()[:100])
    files = MasterFiles(tmp_path / "m", reader_on(wire, tmp_path), frozenset({"NIFTY"}))
    with pytest.raises(MasterChangedError, match="was damaged"):
        files.of(ON)
    assert files.of(ON).listings


def test_a_page_instead_of_a_master_is_asked_for_again(answering: Any, wire: Wire, tmp_path: Path) -> None:
    answering.will((200, b"<html>wait</html>"), (200, "\n".join(DETAILED).encode()))
    assert MasterFiles(tmp_path / "m", reader_on(wire, tmp_path), frozenset({"NIFTY"})).of(ON).listings


def test_recorded_funds_and_trades_are_read(shared: Path, answering: Any, wire: Wire, tmp_path: Path) -> None:
    def body(name: str) -> Any:  # JSON
        return json.loads((shared / "data/dhan_api" / f"{name}.json").read_text())["response"]["body"]

    reader = reader_on(wire, tmp_path)
    answering.will((200, body("models__funds")))
    assert account.fetch_funds(reader).available == Decimal(str(body("models__funds")["availabelBalance"]))
    answering.will((200, body("models__trade_today")))
    trades = account.fetch_trades(reader)
    rows = body("models__trade_today")
    assert len(trades) == len(rows)
    assert sum(trade.quantity * trade.price for trade in trades) == sum(
        row["tradedQuantity"] * Decimal(str(row["tradedPrice"])) for row in rows
    )
    answering.will((200, body("models__orders__all")))
    [order] = account.fetch_orders(reader)
    assert (order["orderId"], order["exchangeTime"], order["correlationId"]) == ("952502167319", None, None)


@pytest.mark.parametrize("change", [{"sodLimit": None}, {"availabelBalance": "much"}])
def test_funds_in_other_words_are_refused(change: Any, answering: Any, wire: Wire, tmp_path: Path) -> None:
    answering.will((200, FUNDS | change))
    with pytest.raises(DhanError, match="the funds read differently"):
        account.fetch_funds(reader_on(wire, tmp_path))


def test_addresses_say_whether_orders_are_taken(answering: Any, wire: Wire, tmp_path: Path) -> None:
    answering.will((200, {"primaryIP": "1.2.3.4", "secondaryIP": "", "detectedIP": "1.2.3.4", "ordersAllowed": True}))
    found = account.fetch_addresses(reader_on(wire, tmp_path))
    assert (found.primary, found.secondary, found.orders_allowed) == ("1.2.3.4", None, True)
    answering.will((200, [{"message": "Something went wrong", "status": "ERROR"}]))
    with pytest.raises(DhanUnavailableError):
        account.fetch_addresses(reader_on(wire, tmp_path))
