from datetime import UTC, datetime, timedelta

from agents.domain.cycle import DeskState
from ui.banners import banners
from ui.kept import Kept
from ui.snapshot import DeskView, Picture, Snapshot

AT = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)


class Wall:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = AT

    def __call__(self) -> datetime:
        return self.now


def market(**facts: object) -> Snapshot:
    return Snapshot("NIFTY", "paper", is_simulated=False, **{"now": AT, **facts})  # type: ignore[arg-type]  # a test's own


def test_a_market_that_cannot_be_read_is_shown_as_it_last_was_and_of_when_it_is() -> None:
    wall = Wall()
    kept = Kept(wall)
    whole = market(previous_close=23_800, is_open=True)
    assert kept.market(whole) is whole
    wall.now += timedelta(seconds=42)
    shown = kept.market(market(now=wall.now, problem="the store is damaged; restore a copy"))
    assert shown.previous_close == 23_800
    assert (shown.now, shown.is_open) == (wall.now, False)
    assert shown.problem == "the store is damaged; restore a copy. What is shown was read at 10:30:00."
    assert kept.market(whole) is whole


def test_a_store_that_is_busy_for_moments_is_not_spoken_of() -> None:
    wall = Wall()
    kept = Kept(wall)
    kept.market(market(previous_close=23_800))
    wall.now += timedelta(seconds=2)
    shown = kept.market(market(now=wall.now, problem="the feed has kept the store", is_busy=True))
    assert (shown.now, shown.problem) == (wall.now, "")
    assert shown.previous_close == 23_800
    wall.now += timedelta(seconds=1)
    assert "was read at 10:30:00" in kept.market(market(problem="the feed has kept the store", is_busy=True)).problem


def test_a_ledger_that_cannot_be_read_leaves_the_desk_as_it_was_and_says_so() -> None:
    wall = Wall()
    kept = Kept(wall)
    kept.desk(DeskView(state=DeskState.HALTED, guardian_age=1.0))
    wall.now += timedelta(minutes=3)
    shown = kept.desk(DeskView(services=({"name": "feed"},), problem="it is not a ledger"))
    assert (shown.state, shown.guardian_age) == (DeskState.HALTED, None)
    assert [one["name"] for one in shown.services] == ["feed"]
    said = banners(Picture(market(), shown, wall.now, 1), wall.now)
    assert any("not a ledger" in one.text and "was read at 10:30:00" in one.text for one in said)
    assert any("HALTED" in one.text for one in said)


def test_before_anything_could_be_read_nothing_is_made_up() -> None:
    kept = Kept(Wall())
    assert kept.market(market(problem="no store")).problem == "no store"
    assert kept.desk(DeskView(problem="no ledger")) == DeskView(problem="no ledger")
