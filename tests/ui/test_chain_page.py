from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from agents.data.store import Store
from agents.domain.chain import ChainAnalysis
from agents.settings import Settings
from tests.ui.pages import opened, texts
from ui.chain_lines import EACH_LOOK, MOST_POINTS, ChainLines, thinned
from ui.chains import analyses
from ui.queries import MarketReader, snapshot
from ui.views.options import candidate_row, ladder
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
    assert shown.count('scope="col"') == 15


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


def test_lines_through_the_day_are_read_a_few_at_a_look_and_end_at_the_moment(home: Settings) -> None:
    found, last = chains(home)
    seen = MarketReader(home, "NIFTY").read(at=last)
    lines, on = ChainLines(), found[0].expiry_at.date()
    first, waiting = lines.points(home, "NIFTY", on, last, seen.minutes)
    assert 0 < len(first) <= EACH_LOOK
    while waiting:
        points, waiting = lines.points(home, "NIFTY", on, last, seen.minutes)
    points, _ = lines.points(home, "NIFTY", on, last, seen.minutes)
    assert points[-1].at == found[0].at
    assert points[-1].pcr == pytest.approx(found[0].whole.oi)
    assert points[-1].max_pain == found[0].max_pain
    middle = points[len(points) // 2].at
    assert all(point.at <= middle for point in lines.points(home, "NIFTY", on, middle, seen.minutes)[0])


def test_a_growing_day_keeps_its_points_and_its_last() -> None:
    assert thinned([]) == []
    assert thinned([1, 2, 3]) == [1, 2, 3]
    many = thinned(list(range(1000)))
    assert len(many) <= MOST_POINTS + 1
    assert many[-1] == 999
    assert set(thinned(list(range(1001)))[:-1]) == set(many[:-1]) | ({999} & set(many[:-1]))


def test_a_contract_says_why_it_was_chosen_or_refused() -> None:
    facts = {"contract": "NIFTY26NOV23800CE", "premium": "133.35", "delta": 0.51, "score": 0.4, "rejected": ""}
    refused = {**facts, "rejected": "spread", "refusals": ["the spread is 3 %", "open interest is 12"]}
    assert "the best score" in str(candidate_row(facts, "NIFTY26NOV23800CE")[-1])
    assert "another scored better" in str(candidate_row(facts, "other")[-1])
    assert "the spread is 3 %; open interest is 12" in str(candidate_row(refused, "other")[-1])
