"""The result that a replay comes to, against the account of the broker that the real guardian traded with."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agents.domain.market import Segment, Session
from tests.ui.test_one_profit import BROKERAGE, ON, TOLD, Day
from ui.desk import DeskReader
from ui.profit import of_day
from ui.replay import Chapter, Past, known
from ui.replay_reader import told
from ui.snapshot import Picture, Snapshot


def wall() -> datetime:
    return datetime.now(UTC)


class Replayed:
    """The replay of a told day: its orders as they were known at any moment."""

    def __init__(self, day: Day) -> None:
        now = day.story.now
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        self.events = told(day.settings, midnight, now, wall)
        opens = min(event.at for event in self.events)
        session = Session(
            on=ON, segments=(Segment(open_at=opens, close_at=now),), derivatives_close_at=now, index_frozen_from=None
        )
        self.past = Past(session, now, (opens,), (), {}, tuple(self.events), BROKERAGE)
        blank = Snapshot("NIFTY", "paper", is_simulated=False, now=opens)
        self._chapter = Chapter(opens, now, blank, ())

    def at(self, moment: datetime) -> Picture:
        return known(self.past, self._chapter, moment)


@pytest.fixture(params=list(TOLD.values()), ids=list(TOLD))
def day(tmp_path: Path, request: pytest.FixtureRequest) -> Day:
    return Day(tmp_path, request.param)


def test_a_replay_ends_at_the_result_of_the_positions_page_and_of_the_account(day: Day) -> None:
    replayed = Replayed(day)
    end = replayed.at(replayed.past.ends_at)
    shown = of_day(end.desk.orders, ON, {})
    assert shown.final
    assert shown.value == day.account()
    view = DeskReader(day.settings, wall).read()
    assert shown == of_day(view.orders, ON, {})
    assert end.desk.orders == view.orders


def test_no_order_of_a_replay_knows_what_came_later(day: Day) -> None:
    replayed = Replayed(day)
    for event in replayed.events:
        for moment in (event.at, event.at - timedelta(seconds=1)):
            orders = replayed.at(max(moment, replayed.past.session.open_at)).desk.orders
            said = [at for o in orders for at in (o.placed_at, o.filled_at, o.closed_at, o.asked_at, o.sent_at) if at]
            said += [at for o in orders for leg in o.legs for at in (leg.listed_at, leg.filled_at) if at]
            said += [step.at for order in orders for step in order.steps]
            assert all(at <= max(moment, replayed.past.session.open_at) for at in said)
