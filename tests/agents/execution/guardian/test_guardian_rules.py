"""The pure parts: what is observed, attributed, reconciled, priced and let through."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.domain.cycle import DeskState
from agents.domain.errors import BrokerUnavailableError
from agents.domain.evidence import SetupWord
from agents.domain.lifecycle import TradeState
from agents.domain.market import Segment, Session
from agents.execution.gateway import BrokerState, Leg, OrderRow, PositionRow, SuperRow, TradeSide
from agents.execution.guardian.attribute import attributed
from agents.execution.guardian.case import Exit, ExitState
from agents.execution.guardian.chase import band_edge, selling_price
from agents.execution.guardian.gates import Ground, vetoes
from agents.execution.guardian.observe import facts, later, next_state
from agents.execution.guardian.ports import TopOfBook
from agents.execution.guardian.protect import Sight, next_action
from agents.execution.guardian.reconcile import findings, shortfall
from agents.execution.guardian.settings import GuardianSettings
from agents.execution.guardian.timing import SteadyClock, Throttle, Timers
from agents.execution.guardian.view import heard
from agents.execution.guardian.wire import Wire
from agents.execution.guardian.words import spoken
from tests.agents.execution.guardian.cases import NOW, case_of, fill, leg_of, row_of, view_of
from tests.agents.execution.guardian.story import CONTRACT, OPENS, TICK, request_of

SETTINGS = GuardianSettings()
STATES = st.sampled_from(list(BrokerState))


rows = st.builds(
    lambda state, filled, target, stop, sold: row_of(
        state,
        filled,
        legs=(leg_of(Leg.TARGET, target, sold), leg_of(Leg.STOP, stop)),
    ),
    STATES,
    st.integers(0, 130),
    STATES,
    STATES,
    st.integers(0, 130),
)


@given(st.lists(rows, min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_old_repeated_and_reordered_rows_never_take_a_fact_back(seen: list[SuperRow], rng: object) -> None:
    case = case_of()
    for row in [*seen, *seen[::-1]]:
        after = case.model_copy(update=facts(case, view_of(row)))
        assert after.bought >= case.bought
        assert after.sold >= case.sold
        assert case.entry_is_open or not after.entry_is_open
        for leg in case.legs:
            assert after.leg_is_alive(leg.leg) <= case.leg_is_alive(leg.leg)
        case = after
    assert rng is not None


@given(STATES, STATES, STATES)
def test_the_order_of_two_states_does_not_matter_unless_both_are_ends(
    first: BrokerState, second: BrokerState, third: BrokerState
) -> None:
    one, other = later(later(first, second), third), later(later(first, third), second)
    if one is not other:
        assert second is not third
    assert later(one, BrokerState.UNKNOWN) is one


def test_an_unknown_word_changes_nothing() -> None:
    case = case_of(entry_state=BrokerState.PENDING)
    assert "entry_state" not in facts(case, view_of(row_of(BrokerState.UNKNOWN, 0)))


def test_the_state_of_the_whole_tells_nothing_of_an_entry_that_filled_in_part() -> None:
    case = case_of().model_copy(update=facts(case_of(), view_of(row_of(BrokerState.TRIGGERED, 65))))
    assert case.entry_state is BrokerState.PART_TRADED
    case = case_of().model_copy(update=facts(case_of(), view_of(row_of(BrokerState.TRIGGERED, 130))))
    assert case.entry_state is BrokerState.TRADED


@given(rows)
def test_a_case_closes_only_on_priced_sales(row: SuperRow) -> None:
    case = case_of(state=TradeState.FLATTENING)
    case = case.model_copy(update=facts(case, view_of(row)))
    found = next_state(case)
    if found is not None and found[0] is TradeState.CLOSED:
        assert case.remaining <= 0
        assert case.priced >= case.sold


def test_a_fill_belongs_to_one_setup_for_good() -> None:
    legs = (leg_of(Leg.TARGET, BrokerState.TRADED, 130),)
    first, second = case_of(1, bought=130, legs=legs), case_of(2, bought=65)
    fills = [fill("1", TradeSide.BUY, 130, "a"), fill("2", TradeSide.BUY, 65, "b"), fill("9", TradeSide.SELL, 130, "c")]
    found = attributed((second, first), fills)
    assert found["setup00001"]["trade_ids"] == ("a", "c")
    assert found["setup00001"]["priced"] == 130
    assert found["setup00002"]["trade_ids"] == ("b",)
    first = first.model_copy(update=found["setup00001"])
    second = second.model_copy(update=found["setup00002"] | {"sold_elsewhere": 65})
    assert attributed((first, second), fills) == {}


@given(
    st.lists(st.tuples(st.sampled_from(["1", "1target", "2", "9"]), st.booleans(), st.integers(1, 130)), max_size=8),
    st.integers(0, 260),
    st.integers(0, 260),
)
def test_no_fill_is_counted_twice(deals: list[tuple[str, bool, int]], one: int, other: int) -> None:
    fills = [
        fill(order_id, TradeSide.SELL if sells else TradeSide.BUY, units, f"t{number}")
        for number, (order_id, sells, units) in enumerate(deals)
    ]
    cases = (
        case_of(1, bought=260, legs=(leg_of(Leg.TARGET),), sold_elsewhere=one),
        case_of(2, bought=260, sold_elsewhere=other),
    )
    found = attributed(cases, fills)
    taken = [trade for changes in found.values() for trade in changes.get("trade_ids", ())]
    assert len(taken) == len(set(taken))


def test_what_is_not_explained_is_found() -> None:
    held = case_of(1, state=TradeState.PROTECTED, bought=130)
    fits = view_of(row_of(), positions=(PositionRow(contract=CONTRACT, net_quantity=130),))
    assert findings((held,), fits) == ()
    short = view_of(positions=(PositionRow(contract=CONTRACT, net_quantity=-65),))
    assert [one.critical for one in findings((), short)] == [True]
    foreign = view_of(row_of(BrokerState.PENDING, 0), positions=())
    assert [one.key for one in findings((), foreign)] == ["order:1"]
    buying = OrderRow(
        order_id="7",
        correlation_id="NA",
        contract=CONTRACT,
        side=TradeSide.BUY,
        state=BrokerState.PENDING,
        quantity=65,
        filled=0,
        price=Decimal(1),
        average=Decimal(0),
    )
    assert [one.key for one in findings((held,), replace(fits, orders=(buying,)))] == ["order:7"]
    oversold = case_of(1, state=TradeState.CLOSED, bought=65, sold_elsewhere=130)
    assert any(one.critical for one in findings((oversold,), view_of(positions=())))


def test_what_a_setup_lacks_is_never_more_than_it_holds() -> None:
    first, second = (case_of(number, state=TradeState.PROTECTED, bought=130) for number in (1, 2))
    view = view_of(positions=(PositionRow(contract=CONTRACT, net_quantity=65),))
    assert shortfall(first, (first,), view) == 65
    assert shortfall(first, (first, second), view) == 130
    assert shortfall(first, (first,), view_of()) == 0


prices = st.decimals(Decimal("0.05"), Decimal(900), places=2)


@given(prices, prices, st.integers(0, 9), st.one_of(st.none(), prices))
def test_a_selling_price_is_on_the_grid_and_inside_the_band(
    ltp: Decimal, bid: Decimal, tries: int, circuit: Decimal | None
) -> None:
    book = TopOfBook(contract=CONTRACT, at=NOW, ltp=ltp, bid=bid, lower_circuit=circuit)
    price = selling_price(book, tries, TICK, SETTINGS)
    assert price >= TICK
    assert price % TICK == 0 or price == bid
    assert price >= min(band_edge(book, SETTINGS.band_share), bid) or price == TICK


def test_each_try_goes_lower_until_the_edge_of_the_band() -> None:
    book = TopOfBook(contract=CONTRACT, at=NOW, ltp=Decimal(100), bid=Decimal(100))
    tries = [selling_price(book, number, TICK, SETTINGS) for number in range(5)]
    assert tries == [Decimal(95), Decimal(90), Decimal(80), Decimal(62), Decimal(62)]


def sight_of(**update: object) -> Sight:
    never = float("inf")
    base = Sight(now=NOW, book=None, acted=never, sold=never, lost=never, unlisted=0.0)
    return replace(base, **update)  # type: ignore[arg-type]  # the fields of a Sight


@given(
    state=st.sampled_from(list(TradeState)),
    bought=st.integers(0, 130),
    legs=st.lists(STATES, min_size=0, max_size=2),
    exit_state=st.sampled_from([None, *ExitState]),
    sold=st.floats(0, 100),
    acted=st.floats(3, 100),
)
def test_a_plain_sale_goes_out_only_with_both_legs_gone_and_nothing_on_its_way(
    *, state: TradeState, bought: int, legs: list[BrokerState], exit_state: ExitState | None, sold: float, acted: float
) -> None:
    exits = () if exit_state is None else (Exit(correlation_id="X", quantity=1, limit=Decimal(1), state=exit_state),)
    names = (Leg.TARGET, Leg.STOP)
    known = tuple(leg_of(name, leg) for name, leg in zip(names, legs, strict=False))
    case = case_of(state=state, bought=bought, legs=known, exits=exits, withdrawn=True)
    action = next_action(case, sight_of(sold=sold, acted=acted, unlisted=60.0), SETTINGS)
    if type(action).__name__ == "Sell":
        assert case.state in {TradeState.LEG_LOST, TradeState.FILLED}
        assert not any(case.leg_is_alive(name) for name in names)
        assert case.open_exit is None
        assert sold >= SETTINGS.grace or exit_state is ExitState.REJECTED
        assert action.quantity == case.remaining  # type: ignore[union-attr]  # it is a Sell


def ground_of(**update: object) -> Ground:
    segment = Segment(open_at=OPENS, close_at=OPENS + timedelta(hours=6))
    base = Ground(
        now=NOW,
        session=Session(on=OPENS.date(), segments=(segment,), derivatives_close_at=segment.close_at),
        desk=DeskState.ACTIVE,
        halted="",
        unread=False,
        cases=(),
        ordered=frozenset(),
        unresolved=0,
        alive=0,
        sent_today=0,
        realised=Decimal(0),
        blocks=(),
        trouble="",
        clock_stepped=False,
        started=1000.0,
        looked=0.0,
        armed=True,
        index_age=1.0,
        book_age=1.0,
    )
    return replace(base, **update)  # type: ignore[arg-type]  # the fields of a Ground


def test_a_whole_request_on_good_ground_passes() -> None:
    assert vetoes(request_of(1, NOW), ground_of(), SETTINGS) == ()


@pytest.mark.parametrize(
    ("rule", "update"),
    [
        ("G.halt", {"halted": "the file HALT is there"}),
        ("G.controls", {"unread": True, "halted": "the controls cannot be read"}),
        ("G.desk", {"desk": DeskState.REDUCING}),
        ("G.journal", {"trouble": "disk full"}),
        ("G.clock", {"clock_stepped": True}),
        ("G.start", {"started": 10.0}),
        ("G.reconcile", {"blocks": ("a position is not ours",)}),
        ("G.broker", {"looked": 9.0}),
        ("G.unresolved", {"unresolved": 1}),
        ("G.open", {"alive": 1}),
        ("G.once", {"ordered": frozenset({"setup00001"})}),
        ("G.once", {"cases": (case_of(1, setup_id="another"),)}),
        ("G.rate", {"sent_today": 60}),
        ("G.loss", {"realised": Decimal(-15_000)}),
        ("G.loss_exit", {"armed": False}),
        ("G.session", {"session": None}),
        ("G.hours", {"now": NOW.replace(hour=14, minute=50)}),
        ("G.expired", {"now": NOW + timedelta(seconds=21)}),
        ("G.expired", {"now": NOW - timedelta(seconds=2)}),
        ("G.index", {"index_age": float("inf")}),
        ("G.quote", {"book_age": 11.0}),
    ],
)
def test_each_condition_forbids_by_itself(rule: str, update: dict[str, object]) -> None:
    assert rule in {veto.rule for veto in vetoes(request_of(1, NOW), ground_of(**update), SETTINGS)}


def test_a_request_that_is_not_whole_is_named() -> None:
    request = request_of(1, NOW)
    order, verdict = request.order, request.verdict
    wrong: dict[str, dict[str, object]] = {
        "G.setup": {"verdict": verdict.model_copy(update={"setup_id": "another"})},
        "G.verdict": {"verdict": verdict.model_copy(update={"verdict": SetupWord.SKIP})},
        "G.order": {"order": order.model_copy(update={"contract": "NIFTY26NOV30000CE"})},
        "G.size": {"order": order.model_copy(update={"lots": 0})},
        "G.prices": {"order": order.model_copy(update={"stop_trigger": Decimal("100.01")})},
        "G.name": {"order": order.model_copy(update={"correlation_id": "A" * 26})},
        "G.flat": {"order": order.model_copy(update={"flatten_at": NOW})},
        "G.day": {"order": order.model_copy(update={"placed_at": NOW - timedelta(days=1)})},
    }
    for rule, update in wrong.items():
        found = vetoes(request.model_copy(update=update), ground_of(), SETTINGS)
        assert rule in {veto.rule for veto in found}, rule


def test_a_second_exit_that_only_the_trade_book_shows_is_critical() -> None:
    legs = (leg_of(Leg.TARGET, BrokerState.TRADED, 130), leg_of(Leg.STOP, BrokerState.CANCELLED))
    closed = case_of(1, state=TradeState.CLOSED, bought=130, legs=legs)
    bought, target = fill("1", TradeSide.BUY, 130, "t1"), fill(legs[0].order_id, TradeSide.SELL, 130, "t2")
    stop = fill(legs[1].order_id, TradeSide.SELL, 130, "t3")
    assert findings((closed,), view_of(fills=(bought, target, target), positions=())) == ()
    (found,) = findings((closed,), view_of(fills=(bought, target, stop), positions=()))
    assert (found.key, found.critical) == ("oversold:setup00001", True)
    # The trade book may know more of a purchase than the case does.
    late = case_of(1, state=TradeState.CLOSED, bought=65, legs=(legs[0].model_copy(update={"filled": 65}),))
    assert findings((late,), view_of(fills=(bought, target), positions=())) == ()


class Watches:
    def __init__(self) -> None:
        self.at, self.seconds = NOW, 0.0

    def now(self) -> object:
        return self.at

    def elapsed(self) -> float:
        return self.seconds

    def counter(self) -> str:
        return "boot"


def test_what_an_earlier_process_waited_counts_as_far_as_both_clocks_agree() -> None:
    watches = Watches()
    clock = SteadyClock(watches, 1.0)  # type: ignore[arg-type]  # it has what is used
    sent = clock.reading
    watches.at, watches.seconds = NOW + timedelta(seconds=20), 25.0
    clock.read()
    assert clock.since(sent) == 20.0
    assert clock.since(sent.model_copy(update={"seconds": 15.0})) == 10.0
    assert clock.since(sent.model_copy(update={"at": NOW + timedelta(hours=1)})) == 0.0  # the clock was set back
    assert clock.since(sent.model_copy(update={"counter": "another boot"})) == 0.0
    assert clock.since(sent.model_copy(update={"counter": ""})) == 0.0
    assert clock.since(None) == 0.0


def test_a_read_that_fails_is_asked_once_more_and_no_oftener() -> None:
    answers: list[object] = []

    def read() -> tuple[str, ...]:
        answers.append(None)
        if len(answers) % 3:
            raise BrokerUnavailableError("no answer")
        return ("row",)

    with pytest.raises(BrokerUnavailableError):
        heard(read)
    assert len(answers) == 2
    assert heard(read) == ("row",)


def test_a_clock_that_is_set_back_never_delays_the_time_to_be_flat() -> None:
    watches = Watches()
    clock = SteadyClock(watches, 1.0)  # type: ignore[arg-type]  # it has what is used
    watches.at, watches.seconds = NOW - timedelta(hours=1), 60.0
    clock.read()
    assert clock.late == NOW + timedelta(seconds=60)
    assert clock.has_stepped_within(30)
    watches.at, watches.seconds = NOW + timedelta(seconds=100), 100.0
    clock.read()
    assert clock.late == NOW + timedelta(seconds=100)


def test_requests_are_rationed_to_so_many_in_any_second() -> None:
    throttle = Throttle(2, 0.0)
    assert not throttle.is_free(1.0)
    assert throttle.is_free(1.1, 2)
    throttle.count(1.1)
    assert throttle.is_free(1.2)
    assert not throttle.is_free(1.2, 2)
    throttle.count(1.2)
    assert not throttle.is_free(2.05)
    assert throttle.is_free(2.15)


def test_nothing_is_asked_once_the_lease_is_lost_between_two_requests() -> None:
    held, asked = [True], []

    def slow() -> None:
        asked.append("slow")
        held[0] = False

    clock = SteadyClock(Watches(), 1.0)  # type: ignore[arg-type]  # it has what is used
    wire = Wire(lambda: held[0], clock, Timers(), 2)
    assert wire.ask("setup", slow) == ""
    assert wire.ask("setup", lambda: asked.append("second")).startswith("unknown")
    assert asked == ["slow"]
    assert wire.sent_today == 1


def test_a_condition_that_breaks_begins_anew() -> None:
    timers = Timers()
    timers.held("a", "x", 0.0)
    assert timers.held("a", "x", 5.0) == 5.0
    assert timers.held("a", "x", 6.0, true=False) == 0.0
    assert timers.held("a", "x", 7.0) == 0.0
    assert timers.passed("a", "never", 7.0) == float("inf")


@pytest.mark.parametrize(
    "text",
    [
        "401 token eyJhbGciOiJIUzUxMiJ9.planted.token expired",
        "access-token: abc123",
        'headers {"authorization": "Bearer abc123"}',
        "pin=1234 refused",
    ],
)
def test_an_error_is_spoken_of_without_its_secret(text: str) -> None:
    said = spoken(ValueError(text))
    assert not any(secret in said for secret in ("eyJ", "abc123", "1234"))
    assert said.startswith("ValueError: ")


def test_a_rounded_average_and_the_trade_book_do_not_take_turns() -> None:
    row = row_of(average=Decimal("100.03"))
    case = case_of()
    case = case.model_copy(update=facts(case, view_of(row)))
    fills = [fill("1", TradeSide.BUY, 130, "a", 100)]
    case = case.model_copy(update=attributed((case,), fills)[case.setup_id])
    assert case.spent == 13_000
    assert facts(case, view_of(row)) == {}
    assert attributed((case,), fills) == {}
