from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from agents.data.store import Store
from agents.domain.chain import ChainAnalysis
from agents.settings import Settings
from tests.ui.pages import opened, texts
from ui.chains import analyses
from ui.queries import snapshot
from ui.views.options import ladder
from zonedesk.market import simulate_history
from zonedesk.shell import wall_now


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Three simulated sessions with their chains."""
    settings = Settings(mode="replay", data_dir=tmp_path_factory.mktemp("chains"))
    store = Store(settings.store_path, "replay", now=wall_now)
    simulate_history(store, "NIFTY", sessions=3, seed=7, future="NIFTY-I")
    return settings


def chains(home: Settings) -> tuple[tuple[ChainAnalysis, ...], datetime]:
    store = Store(home.store_path, "replay", now=wall_now)
    ((last,),) = store.rows("select max(quoted_at) from option_quotes")
    shown = snapshot(home, "NIFTY", at=last)
    assert shown.last_price is not None
    return analyses(home, "NIFTY", last, shown.last_price), last


def test_the_newest_chain_of_each_expiry_is_analysed(home: Settings) -> None:
    found, last = chains(home)
    assert found
    assert [chain.expiry_at for chain in found] == sorted({chain.expiry_at for chain in found})
    assert all(chain.at <= last < chain.expiry_at for chain in found)
    assert all(chain.options for chain in found)


def test_the_ladder_marks_the_money_and_what_is_held(home: Settings) -> None:
    chain = chains(home)[0][0]
    near = next(option for option in chain.options if option.strike == chain.atm_strike)
    shown = ladder(chain, 8, {near.contract})
    assert f"{chain.atm_strike:,.0f} ATM" in shown
    assert f"held {near.option_type.value}" in shown
    assert shown.count("<tr>") <= 1 + 17
    assert shown.count('scope="col"') == 13


def test_greeks_take_the_place_of_open_interest(home: Settings) -> None:
    shown = ladder(chains(home)[0][0], 8, set(), greeks=True)
    assert "Theta" in shown
    assert "OI change" not in shown


def test_nothing_after_the_asked_moment_is_read(home: Settings) -> None:
    store = Store(home.store_path, "replay", now=wall_now)
    ((middle,),) = store.rows("select median(quoted_at) from option_quotes")
    found = analyses(home, "NIFTY", middle.astimezone(UTC), Decimal(24000))
    assert all(chain.at <= middle for chain in found)


def test_a_day_without_a_chain_says_when_one_comes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = opened(monkeypatch, tmp_path, mode="paper", view="chain")
    assert not shown.exception
    assert "No chain yet" in texts(shown)
