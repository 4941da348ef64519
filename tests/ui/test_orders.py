"""Orders as the pages have them, from what the real guardian wrote: in told stories and in simulated sessions."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from agents.data.ledger import Heartbeat
from agents.domain.cycle import Veto
from agents.execution.gateway import Leg
from agents.execution.guardian.fold import fold
from agents.execution.guardian.ports import GUARDIAN_EVENT, ORDER_EVENT
from agents.execution.guardian.standing import result_of
from tests.agents.execution.guardian import stories
from tests.agents.execution.guardian.story import CONTRACT, Row, Story
from tests.simulation.asks import RequestDesk
from tests.simulation.guarded import Fitting
from tests.simulation.session import Session, world_of
from ui.curve import curve, deepest_fall
from ui.desk import compared, said_by
from ui.news import News, chime, news, told_of
from ui.orders import KINDS, folded
from ui.trading import Agreement, Order
from ui.views.positions import badge
from ui.words import order_in_words, sums_in_rupees

BROKERAGE = Decimal(20)


def told(story: Story) -> list[Any]:
    """The rows of a story's journal as a ledger gives them back. Any: rows with JSON in them."""
    rows: list[Row] = story.journal.events()
    return [Row(row.seq, row.at, row.kind, row.key, json.loads(json.dumps(row.payload, default=str))) for row in rows]


def only(story: Story) -> Order:
    (order,) = folded(told(story), BROKERAGE).orders()
    return order


def test_an_order_has_its_moments_in_their_order_and_its_legs() -> None:
    story = Story()
    stories.target_reached(story)
    story.run(3)
    order = only(story)
    moments = [order.asked_at, order.sent_at, order.acked_at, order.filled_at, order.closed_at]
    known = [at for at in moments if at is not None]
    assert len(known) == 5
    assert known == sorted(known)
    legs = {leg.name: leg for leg in order.legs}
    assert set(legs) == {"entry", Leg.TARGET.value, Leg.STOP.value}
    assert (legs["entry"].filled, legs["target"].filled, legs["stop"].filled) == (130, 130, 0)
    assert legs["target"].filled_at is not None
    assert legs["stop"].filled_at is None
    assert legs["stop"].price == Decimal("90.00")
    assert order.result is not None
    assert order.result.gross == Decimal(130 * 21)
    assert order_in_words(order) == "closed: 130 bought, 130 sold, ₹2,730.00 before charges"
    assert sums_in_rupees("1 bought, gross -317200.50") == "1 bought, \u2212₹3,17,200.50 before charges"


def test_an_exit_of_the_guardian_is_a_leg_too() -> None:
    story = Story()
    stories.both_legs_gone_exit_lost(story)
    story.run(3)
    assert any(leg.name == "exit" and leg.filled == 130 and leg.filled_at for leg in only(story).legs)


def test_a_refused_request_says_every_rule_in_words() -> None:
    story = Story()
    story.forbidden = (Veto(rule="R5", limit=5, value=6, text="5 entries were made today"),)
    story.run(2)
    story.ask()
    story.run(3)
    fold_now = folded(told(story), BROKERAGE)
    assert not fold_now.orders()
    (refused,) = fold_now.refusals()
    assert refused.reasons == ("5 entries were made today",)
    assert refused.contract == CONTRACT


def test_what_was_written_up_to_a_moment_tells_nothing_of_what_came_after() -> None:
    story = Story()
    stories.target_reached(story)
    rows = told(story)
    for count in range(len(rows)):
        until = rows[count].at
        for order in folded([row for row in rows if row.at <= until], BROKERAGE).orders():
            moments = [order.asked_at, order.sent_at, order.acked_at, order.filled_at, order.closed_at]
            assert all(at <= until for at in moments if at is not None)
            assert all(step.at <= until for step in order.steps)


@pytest.mark.parametrize("seed", range(1, 9))
def test_pages_and_guardian_read_the_same_orders_from_a_session_with_faults(seed: int) -> None:
    fitting = Fitting()
    session = Session(world_of(seed), fitting.build, RequestDesk, fitting.watchers)
    session.run()
    rows = session.disk.rows
    cases = fold([row.payload for row in rows if row.kind == ORDER_EVENT], session.world.now().date())
    shown = {order.setup_id: order for order in folded([row for row in rows if row.kind in KINDS], BROKERAGE).orders()}
    assert shown.keys() >= cases.keys()
    for setup_id, case in cases.items():
        order = shown[setup_id]
        assert (order.state, order.bought, order.held) == (case.state.value, case.bought, max(case.remaining, 0))
        assert (order.spent, order.earned) == (case.spent, case.earned)
        if order.result is not None:
            assert order.result == result_of(case, BROKERAGE)


def noted(what: str, *differences: str) -> Row:
    return Row(
        1, datetime(2026, 11, 23, 5, tzinfo=UTC), GUARDIAN_EVENT, None, {"what": what, "differences": differences}
    )


def test_the_badge_says_what_the_guardian_last_found() -> None:
    differs = compared(Agreement(), noted("reconciled", "the account holds 130 of X, our setups 65"))  # type: ignore[arg-type]  # a row has what is read of an event
    beat = Heartbeat(name="guardian", at=datetime(2026, 11, 23, 5, 1, tzinfo=UTC), facts={"reconciled": True})
    assert "▲ ledger and broker differ" in badge(said_by(beat, differs))
    assert "the account holds 130" in badge(said_by(beat, differs))
    again = compared(differs, noted("reconciled"))  # type: ignore[arg-type]  # as above
    assert "● ledger and broker agree" in badge(said_by(beat, again))
    fresh = compared(differs, noted("started"))  # type: ignore[arg-type]  # as above
    assert "○" in badge(said_by(beat.model_copy(update={"facts": {"reconciled": False}}), fresh))


def closed(number: int, spent: str, earned: str) -> Order:
    at = datetime(2026, 11, 23, 5, tzinfo=UTC) + timedelta(minutes=number)
    return Order(
        setup_id=f"s{number}",
        contract="C",
        state="closed",
        bought=75,
        held=0,
        spent=Decimal(spent),
        earned=Decimal(earned),
        limit=Decimal(1),
        stop=Decimal(1),
        target=Decimal(1),
        placed_at=at,
        filled_at=at,
        closed_at=at,
        why="",
    )


def test_the_curve_falls_from_its_highest_and_begins_at_nothing() -> None:
    points = curve([closed(3, "100", "140"), closed(1, "100", "150"), closed(2, "100", "20")])
    assert [point.net for point in points] == [50, -30, 10]
    assert deepest_fall(points) == 80
    assert deepest_fall(curve([closed(1, "100", "90")])) == 10
    assert deepest_fall([]) == 0


def test_each_fill_and_refusal_is_told_once_and_refusals_stay() -> None:
    story = Story()
    stories.target_reached(story)
    story.run(3)
    done = only(story)
    bought = [News("Bought 130 NIFTY26NOV24000CE at 100.00 on average")]
    held = closed(1, "13000", "0")
    open_one = Order(**{**held.__dict__, "setup_id": done.setup_id, "contract": CONTRACT, "bought": 130, "held": 130})
    assert news({}, [open_one]) == bought
    assert [one.text[:6] for one in news(told_of([open_one]), [done])] == ["Sold N"]
    assert news(told_of([done]), [done]) == []
    refused = Order(**{**held.__dict__, "state": "rejected", "bought": 0, "why": "insufficient margin"})
    (said,) = news({}, [refused])
    assert said.stays
    assert "too little money" in said.text


def test_the_sound_is_a_short_wav() -> None:
    assert chime()[:4] == b"RIFF"
    assert len(chime()) < 10_000
