from datetime import UTC, datetime, timedelta

import pytest

from agents.data.ledger import Command
from agents.domain.cycle import DeskState
from ui.banners import Banner, banners
from ui.snapshot import DeskView, Feed, Picture, Snapshot

NOW = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)


def told(desk: DeskView, *, is_open: bool = True, problem: str = "", after: float = 0.0) -> list[Banner]:
    opens = NOW + timedelta(hours=20)
    market = Snapshot("NIFTY", "paper", is_simulated=False, now=NOW, is_open=is_open, next_open=opens, problem=problem)
    return banners(Picture(market, desk, NOW, 1), NOW + timedelta(seconds=after))


def feed(silent: float, *, connected: bool = True) -> Feed:
    return Feed(connected=connected, expected=True, silent=silent, trouble="")


def test_a_desk_that_is_well_says_nothing() -> None:
    assert told(DeskView(state=DeskState.ACTIVE, feed=feed(0.3), guardian_age=1.0)) == []


@pytest.mark.parametrize("silent", [feed(5.1), feed(0.1, connected=False)])
def test_a_silent_feed_is_stale_only_while_the_market_is_open(silent: Feed) -> None:
    desk = DeskView(state=DeskState.ACTIVE, feed=silent)
    assert [banner.level for banner in told(desk) if "STALE" in banner.text] == ["error"]
    assert not [banner for banner in told(desk, is_open=False) if "STALE" in banner.text]


def test_a_guardian_without_a_sign_of_life_is_named() -> None:
    (banner,) = told(DeskView(state=DeskState.ACTIVE, guardian_age=6.5))
    assert "NO GUARDIAN" in banner.text


def test_halted_and_paused_say_what_becomes_of_open_positions() -> None:
    (halted,) = told(DeskView(state=DeskState.HALTED, reason="asked by dashboard"))
    assert halted.level == "error"
    assert "asked by dashboard" in halted.text
    (paused,) = told(DeskView(state=DeskState.REDUCING))
    assert "keep their stops" in paused.text


def test_a_closed_market_says_when_it_opens() -> None:
    (banner,) = told(DeskView(state=DeskState.ACTIVE), is_open=False)
    assert "24 Nov 2026" in banner.text


def test_a_command_that_nobody_hears_is_told_and_one_that_is_done_is_not() -> None:
    asked = Command(
        id="halt-1", seq=1, kind="halt", payload={}, asked_by="dashboard", asked_at=NOW - timedelta(seconds=9)
    )
    (banner,) = told(DeskView(state=DeskState.ACTIVE, commands=(asked,)))
    assert "not acknowledged" in banner.text
    done = asked.model_copy(update={"done_at": NOW, "outcome": "done"})
    assert told(DeskView(state=DeskState.ACTIVE, commands=(done,))) == []


def test_a_picture_that_is_not_renewed_says_its_age() -> None:
    (banner,) = told(DeskView(state=DeskState.ACTIVE), after=6.0)
    assert "6 s ago" in banner.text


def test_the_gravest_comes_first() -> None:
    found = told(DeskView(state=DeskState.REDUCING, feed=feed(30.0)), problem="the store is damaged")
    assert [banner.level for banner in found] == ["error", "warning", "warning"]
