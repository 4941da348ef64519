"""The told stories. Each is a function of a story; its name is the name of its trace in the folder `traces`.

``python -m tests.agents.execution.guardian.stories`` writes the traces anew: read the difference before it is kept.
"""

import sys
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from agents.execution.gateway import Leg, OrderUpdate
from agents.execution.guardian.ports import REQUEST, CommandKind
from tests.agents.execution.guardian.story import Story, request_of

TRACES = Path(__file__).parent / "traces"


def held(story: Story) -> None:
    """Buy 130 at 100 and hold them."""
    story.run(2)
    story.ask()
    story.run(3)


def target_reached(story: Story) -> None:
    held(story)
    story.run(3, bid="121")


def stop_reached(story: Story) -> None:
    held(story)
    story.run(3, bid="89")


def stop_gapped_through(story: Story) -> None:
    """The stop's limit is jumped, and the price comes back before anybody has to chase it."""
    held(story)
    story.run(2, bid="80")
    story.run(3, bid="88")


def stop_jumped_and_chased(story: Story) -> None:
    held(story)
    story.run(12, bid="80")


def chase_reprices_while_price_falls(story: Story) -> None:
    held(story)
    for bid in ("80", "70", "62", "55", "50"):
        story.run(3, bid=bid)
    story.run(4)


def stop_leg_refused(story: Story) -> None:
    story.broker.birth = Leg.STOP
    held(story)
    story.run(4)


def both_legs_refused(story: Story) -> None:
    story.broker.birth = f"{Leg.STOP} {Leg.TARGET}"
    held(story)
    story.run(8)


def without_legs(story: Story, fate: str) -> None:
    """Hold a position whose legs were both refused, and let the one exit that is sent for it be lost or unheard."""
    story.broker.birth = f"{Leg.STOP} {Leg.TARGET}"
    story.broker.faults["place_exit"] = [fate]
    held(story)


def both_legs_gone_exit_unheard(story: Story) -> None:
    """The one exit is done and its reply lost: it is found by query, and nothing is sold twice."""
    without_legs(story, "unheard")
    story.run(10)


def both_legs_gone_exit_lost(story: Story) -> None:
    """The exit never arrives: a second one goes out after the grace, no sooner."""
    without_legs(story, "lost")
    story.run(45)


def exit_lost_and_process_started_anew(story: Story) -> None:
    """The grace counts on across a start of the process: the second exit goes out as soon as without one."""
    without_legs(story, "lost")
    story.run(20)
    story.start()
    story.run(25)


def exit_lost_and_machine_started_anew(story: Story) -> None:
    """Nobody counted while the machine was off: the grace begins again."""
    without_legs(story, "lost")
    story.run(20)
    story.boot = "second boot"
    story.start()
    story.run(45)


def entry_never_fills(story: Story) -> None:
    story.broker.bid = Decimal(105)
    held(story)
    story.run(180)


def partial_fill_is_shrunk(story: Story) -> None:
    story.broker.partial = 65
    held(story)
    story.run(180)
    story.run(3, bid="121")


def partial_fill_cannot_be_shrunk(story: Story) -> None:
    """The broker refuses to shrink the entry: it is moved down to the stop, and taken back when it is time to leave."""
    story.broker.partial = 65
    story.broker.faults["modify_entry"] = ["refused", "refused"]
    held(story)
    story.run(190)
    story.jump(15, 9)
    story.run(70)


def fill_crosses_the_cancellation(story: Story) -> None:
    story.broker.bid = Decimal(105)
    held(story)
    story.broker.faults["cancel_entry"] = ["lost"]
    story.run(176)
    story.run(6, bid="99")
    story.run(3, bid="121")


def late_order_is_cancelled(story: Story) -> None:
    """The request arrives after it was given up and has bought nothing: it is taken back."""
    story.broker.bid = Decimal(105)
    story.broker.faults["place_super"] = ["late"]
    held(story)
    story.run(35)
    story.broker.deliver()
    story.run(12)


def late_order_is_managed(story: Story) -> None:
    """The request arrives after it was given up and is filled: it is held and left like any other."""
    story.broker.faults["place_super"] = ["late"]
    held(story)
    story.run(35)
    story.broker.deliver()
    story.run(12)
    story.run(3, bid="121")


def unheard_order_is_adopted(story: Story) -> None:
    story.broker.faults["place_super"] = ["unheard"]
    held(story)
    story.run(3)


def crash_before_the_request(story: Story) -> None:
    """The process ends with the intent durable and nothing sent: it is looked for, given up, never sent."""
    story.broker.faults["place_super"] = ["cut before"]
    held(story)
    story.run(40)


def crash_after_the_request(story: Story) -> None:
    story.broker.faults["place_super"] = ["cut after"]
    held(story)
    story.run(5)
    story.run(3, bid="121")


def crash_between_intent_and_request(story: Story) -> None:
    """The journal fails right after the intent: the request is kept back and answered."""
    story.run(2)
    story.journal.full_after = 1
    story.ask()
    story.run(3)
    story.journal.full = False
    story.run(3)


def token_expires_while_holding(story: Story) -> None:
    held(story)
    story.broker.down = True
    story.run(40)
    story.broker.down = False
    story.run(3, bid="89")


def square_off_at_the_flat_time(story: Story) -> None:
    held(story)
    story.jump(15, 9)
    story.run(65)


def the_same_request_twice(story: Story) -> None:
    """The run that asked is repeated: the journal has its request and its answer, under any other key it is refused."""
    held(story)
    story.start()
    story.run(3)
    again = request_of(1, story.now).model_dump(mode="json")
    story.journal.append(REQUEST, again, key="again")
    story.run(2)


def halted_with_a_position(story: Story) -> None:
    held(story)
    story.command(CommandKind.HALT)
    story.run(2)
    story.ask(2)
    story.run(2)
    story.run(3, bid="121")


def halted_with_an_entry(story: Story) -> None:
    story.broker.bid = Decimal(105)
    held(story)
    story.halt_text = "the file HALT is there"
    story.run(5)


def controls_cannot_be_read(story: Story) -> None:
    """A moment without the controls forbids new orders; only a long one takes an entry back."""
    story.broker.bid = Decimal(105)
    held(story)
    story.controls_down = True
    story.run(3)
    story.ask(2)
    story.run(35)


def flattened_by_a_person(story: Story) -> None:
    held(story)
    story.command(CommandKind.FLATTEN)
    story.run(4)


def unknown_position_blocks(story: Story) -> None:
    story.broker.others["NIFTY26NOV24500PE"] = 65
    story.run(5)
    story.ask()
    story.run(2)
    story.broker.others.clear()
    story.run(3)
    story.ask(2)
    story.run(2)


def lost_lease(story: Story) -> None:
    """A guardian without the lease does nothing at all; with it again it begins with a recovery."""
    held(story)
    story.lease_lost = True
    story.run(8, bid="80")
    story.lease_lost = False
    story.run(8)


def another_guardian_took_over(story: Story) -> None:
    """This one was frozen while another ordered and ended; it reads the journal anew and protects what it finds."""
    story.run(2)
    frozen = story.guardian
    story.ask()
    story.start()
    story.run(3)
    story.say("world: the other guardian ends, the frozen one goes on")
    story.guardian = frozen
    story.run(3)
    story.run(12, bid="80")


def disk_full_while_holding(story: Story) -> None:
    """Nothing new is opened; the position is still left through its legs; the journal catches up."""
    held(story)
    story.journal.full = True
    story.run(9, bid="80")
    story.journal.full = False
    story.run(2)
    assert story.guardian.records.is_sound


def updates_doubled_and_reordered(story: Story) -> None:
    held(story)
    story.hints = [OrderUpdate(order_id="101"), OrderUpdate(order_id="999"), OrderUpdate(order_id="101")] * 3
    story.run(2)
    story.hints = [OrderUpdate(order_id="101s"), OrderUpdate(order_id="101")]
    story.run(2, bid="121")


def feed_dead_rest_works(story: Story) -> None:
    held(story)
    story.feed_dead = True
    story.run(130)


def feed_dead_stop_to_break_even(story: Story) -> None:
    """No price by feed or REST: after a minute the stop goes to break-even, after two the position is sold."""
    held(story)
    story.run(1, bid="110")
    story.feed_dead = story.rest_dead = True
    story.run(125)


def loss_exit_is_armed_again(story: Story) -> None:
    story.run(3)
    story.broker.loss = None
    story.run(300)


def clock_steps_back(story: Story) -> None:
    story.run(2)
    story.now -= timedelta(seconds=90)
    story.run(1)
    story.ask()
    story.run(2)


def sold_by_the_broker(story: Story) -> None:
    """The broker's own loss exit sells everything: the legs are gone, the account is flat, the case is closed."""
    held(story)
    story.broker.bid = Decimal(85)
    story.broker.exit_all()
    story.run(70)


def refused_by_the_broker(story: Story) -> None:
    story.broker.faults["place_super"] = ["refused"]
    held(story)


def too_old_a_request(story: Story) -> None:
    story.run(2)
    story.ask(asked_at=story.now - timedelta(seconds=21))
    story.run(2)


def orphan_before_the_close(story: Story) -> None:
    """Everything of ours is refused until shortly before the close: the broker is asked to leave everything."""
    held(story)
    story.jump(15, 9)
    story.broker.faults |= {"modify_target": ["refused"] * 9, "cancel_entry": ["refused"] * 999}
    story.run(75)
    story.jump(15, 26)
    story.run(100)


def exit_leg_cancelled_from_outside(story: Story) -> None:
    held(story)
    story.broker.end_leg(Leg.STOP)
    story.run(4)


def left_over_from_yesterday(story: Story) -> None:
    """The machine was off from noon on: the broker sold at the end of the day, the next morning closes the case."""
    held(story)
    story.now = story.now.replace(hour=9, minute=20, second=0) + timedelta(days=1)
    story.broker.supers.clear()
    story.broker.fills.clear()
    story.start()
    story.run(70)


def clock_jumps_a_day_ahead(story: Story) -> None:
    """A wrong date never makes a resting leg look expired: nothing is sold twice."""
    held(story)
    story.now += timedelta(days=1)
    story.run(5)
    story.now -= timedelta(days=1)
    story.run(5)
    story.run(3, bid="121")


STORIES: tuple[Callable[[Story], None], ...] = (
    target_reached,
    stop_reached,
    stop_gapped_through,
    stop_jumped_and_chased,
    chase_reprices_while_price_falls,
    stop_leg_refused,
    both_legs_refused,
    both_legs_gone_exit_unheard,
    both_legs_gone_exit_lost,
    exit_lost_and_process_started_anew,
    exit_lost_and_machine_started_anew,
    entry_never_fills,
    partial_fill_is_shrunk,
    partial_fill_cannot_be_shrunk,
    fill_crosses_the_cancellation,
    late_order_is_cancelled,
    late_order_is_managed,
    unheard_order_is_adopted,
    crash_before_the_request,
    crash_after_the_request,
    crash_between_intent_and_request,
    token_expires_while_holding,
    square_off_at_the_flat_time,
    the_same_request_twice,
    halted_with_a_position,
    halted_with_an_entry,
    controls_cannot_be_read,
    flattened_by_a_person,
    unknown_position_blocks,
    lost_lease,
    another_guardian_took_over,
    disk_full_while_holding,
    updates_doubled_and_reordered,
    feed_dead_rest_works,
    feed_dead_stop_to_break_even,
    loss_exit_is_armed_again,
    clock_steps_back,
    sold_by_the_broker,
    refused_by_the_broker,
    too_old_a_request,
    orphan_before_the_close,
    exit_leg_cancelled_from_outside,
    left_over_from_yesterday,
    clock_jumps_a_day_ahead,
)


def told(tell: Callable[[Story], None]) -> str:
    """Return the trace of a story."""
    story = Story()
    tell(story)
    return story.text()


if __name__ == "__main__":
    TRACES.mkdir(exist_ok=True)
    for tell in STORIES:
        (TRACES / f"{tell.__name__}.txt").write_text(told(tell))
    sys.stdout.write(f"{len(STORIES)} traces written to {TRACES}; read what changed\n")
