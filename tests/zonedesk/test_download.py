"""The command download against a paper exchange."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from agents.data.store import Store
from agents.settings import Settings
from tests.agents.data.dhan.venues import Venue, running_venue
from zonedesk.cli import app
from zonedesk.shell import wall_now

pytestmark = pytest.mark.process
WEEK = ("--from", "2026-11-16", "--to", "2026-11-18")


@pytest.fixture(scope="module")
def venue() -> Iterator[Venue]:
    with running_venue() as made:
        yield made


@pytest.fixture
def download(venue: Venue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run the command with the exchange in Dhan's place; its clock is the exchange's."""
    monkeypatch.setenv("ZONEDESK_DHAN_URL", f"http://127.0.0.1:{venue.port}/v2")
    monkeypatch.setenv("ZONEDESK_DHAN_AUTH_URL", f"http://127.0.0.1:{venue.port}")
    monkeypatch.setattr("agents.data.clock.market_clock", lambda *_: venue)
    venue.control("PUT", "/limits", {"enforced": False})
    venue.seed_token(Settings(mode="replay", data_dir=tmp_path))

    def run(*words: str) -> Result:
        return CliRunner().invoke(app, ["download", *words, "--data-dir", str(tmp_path)])

    return run


def test_candles_of_the_usual_instruments_come_once(download: Any, tmp_path: Path) -> None:
    first = download(*WEEK, "--json")
    assert first.exit_code == 0, first.output
    reports = json.loads(first.stdout)["downloads"]
    assert [report["instrument"] for report in reports] == ["NIFTY", "NIFTY-I"]
    assert [report["added"] for report in reports] == [1080, 1155]
    again = download(*WEEK)
    assert again.exit_code == 0
    assert "3 of 3 sessions were complete before" in again.stdout
    store = Store(tmp_path / "replay" / "market.duckdb", "replay", now=wall_now)
    assert store.rows("select count(*) from candles") == [(2235,)]


def test_the_chain_and_the_master_are_fetched(download: Any) -> None:
    master = download("--master")
    assert master.exit_code == 0
    assert master.stdout.startswith("instrument master of 2026-11-19")
    chains = download("NIFTY", "--chains", "--json")
    assert chains.exit_code == 0, chains.output
    [chain] = json.loads(chains.stdout)["chains"]
    assert chain["underlying"] == "NIFTY"
    assert chain["options"] > 40


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("RELIANCE", *WEEK), "is a stock"),
        (("NIFTY", "--from", "2026-11-21", "--to", "2026-11-22"), "no session"),
        (("NIFTY-III", *WEEK), "lists 2 futures"),
    ],
)
def test_what_cannot_be_had_is_one_sentence(words: tuple[str, ...], said: str, download: Any) -> None:
    result = download(*words)
    assert result.exit_code == 1
    assert said in result.output
    assert "Traceback" not in result.output


def test_no_account_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DHAN_CLIENT_ID", "ZONEDESK_DHAN_URL", "ZONEDESK_DHAN_AUTH_URL"):
        monkeypatch.delenv(name, raising=False)
    result = CliRunner().invoke(app, ["download", "NIFTY", "--data-dir", str(tmp_path)])
    assert result.exit_code == 1
    assert "DHAN_CLIENT_ID" in result.output
