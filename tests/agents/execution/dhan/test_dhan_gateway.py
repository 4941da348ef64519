"""The gateway against the paper exchange: what it sends, what it makes of every answer, and what it never does."""

import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from agents.data.dhan.limiter import CallKind
from agents.domain.errors import BrokerUnavailableError, DataError, OrderRejectedError, OrderUnknownError
from agents.domain.orders import SuperOrder
from agents.execution.dhan.connect import gateway_parts
from agents.execution.gateway import BrokerState, Leg, SuperRow, TradeSide
from agents.execution.risk import Outside
from agents.execution.service.checks import INDIA_VIX
from agents.execution.service.outside import Insider
from tests.agents.data.dhan.venues import Venue, running_venue
from tests.agents.execution.dhan.gateways import Account, eventually, on_tick, wall

pytestmark = pytest.mark.process


@pytest.fixture(scope="module")
def venue() -> Iterator[Venue]:
    with running_venue() as made:
        made.control("PUT", "/limits", {"enforced": False})
        yield made


@pytest.fixture(scope="module")
def opened(venue: Venue, tmp_path_factory: pytest.TempPathFactory) -> Account:
    return Account.open(venue, tmp_path_factory.mktemp("desk"))


@pytest.fixture
def account(opened: Account) -> Account:
    opened.venue.control("DELETE", "/faults")
    return opened


def row_of(account: Account, order: SuperOrder) -> SuperRow:
    [row] = [row for row in account.gateway.super_orders() if row.correlation_id == order.correlation_id]
    return row


def leg(account: Account, order: SuperOrder, name: Leg) -> Any:
    return next(each for each in row_of(account, order).legs if each.leg is name)


def bought(account: Account, **update: Any) -> tuple[SuperOrder, str]:
    order = account.order(**update)
    ack = account.gateway.place_super(order)
    eventually(lambda: row_of(account, order).filled == order.quantity)
    return order, ack.order_id


def test_a_super_order_goes_from_transit_to_protection_and_out(account: Account) -> None:
    order, order_id = bought(account)
    row = row_of(account, order)
    assert (row.order_id, row.contract, row.quantity) == (order_id, order.contract, 65)
    assert row.average <= order.entry_limit
    assert {each.leg: each.state for each in row.legs} == {
        Leg.TARGET: BrokerState.PENDING,
        Leg.STOP: BrokerState.PENDING,
    }
    assert leg(account, order, Leg.STOP).trigger == order.stop_trigger
    assert leg(account, order, Leg.TARGET).price == order.target_limit
    assert [p.net_quantity for p in account.gateway.positions() if p.contract == order.contract] == [65]
    bid = account.quote(order.contract).bid
    assert bid is not None
    account.gateway.modify_leg(order_id, Leg.TARGET, price=on_tick(bid * Decimal("0.95")))
    eventually(lambda: row_of(account, order).state is BrokerState.CLOSED)
    fills = [fill for fill in account.gateway.trades() if fill.contract == order.contract]
    assert {fill.side for fill in fills} == {TradeSide.BUY, TradeSide.SELL}
    assert sum(fill.quantity for fill in fills if fill.side is TradeSide.SELL) == 65


def test_a_change_of_one_leg_leaves_the_rest_as_it_was(account: Account) -> None:
    order = account.order(passive=True)
    order_id = account.gateway.place_super(order).order_id
    eventually(lambda: row_of(account, order).state is BrokerState.PENDING)
    higher = order.stop_trigger + 1
    for _ in range(2):
        account.gateway.modify_leg(order_id, Leg.STOP, trigger=higher)
    assert leg(account, order, Leg.STOP).trigger == higher
    account.gateway.modify_leg(order_id, Leg.ENTRY, quantity=130)
    eventually(lambda: row_of(account, order).quantity == 130)
    assert row_of(account, order).entry_price == order.entry_limit
    assert leg(account, order, Leg.STOP).trigger == higher
    assert leg(account, order, Leg.TARGET).price == order.target_limit
    account.gateway.cancel_entry(order_id)
    eventually(lambda: row_of(account, order).state is BrokerState.CANCELLED)
    assert all(each.state is BrokerState.CANCELLED for each in row_of(account, order).legs)


def test_a_plain_exit_sells_and_may_be_moved(account: Account) -> None:
    order, order_id = bought(account)
    account.gateway.cancel_entry(order_id)
    eventually(lambda: all(each.state is BrokerState.CANCELLED for each in row_of(account, order).legs))
    bid = account.quote(order.contract).bid
    assert bid is not None
    high = min(on_tick(bid * 2), order.target_limit)
    name = f"X01{order.correlation_id[-20:]}"
    exit_id = account.gateway.place_exit(name, order.contract, 65, high).order_id
    eventually(lambda: (found := account.gateway.find(name)) is not None and found.state is BrokerState.PENDING)
    account.gateway.modify_exit(exit_id, order.stop_trigger)
    eventually(lambda: (found := account.gateway.find(name)) is not None and found.state is BrokerState.TRADED)
    assert [p.net_quantity for p in account.gateway.positions() if p.contract == order.contract] == [0]


def test_an_order_is_found_by_our_name_and_a_stranger_is_not(account: Account) -> None:
    order = account.order(passive=True)
    order_id = account.gateway.place_super(order).order_id
    found = account.gateway.find(order.correlation_id)
    assert found is not None
    assert found.order_id == order_id
    assert account.gateway.find("A261119nobody0000001") is None
    account.gateway.cancel_entry(order_id) if row_of(account, order).state is not BrokerState.TRANSIT else None


@pytest.mark.parametrize(
    "fault", ["dropped", "empty_202", "html_200", "lost_in_gateway", "server_error", "gateway_error"]
)
def test_what_is_no_certain_refusal_is_unknown_and_sent_once(account: Account, fault: str) -> None:
    order = account.order(passive=True)
    account.venue.fault(fault, "POST /v2/super/orders", times=1)
    with pytest.raises(OrderUnknownError, match="look"):
        account.gateway.place_super(order)
    arrived = fault not in {"server_error", "gateway_error"}
    rows = [row for row in account.gateway.super_orders() if row.correlation_id == order.correlation_id]
    assert len(rows) == arrived
    assert (account.gateway.find(order.correlation_id) is not None) is arrived
    [script] = account.venue.control("GET", "/faults")
    assert script["occasions"] == 1


@pytest.mark.parametrize(
    ("fault", "said"), [("rate_limited", "DH-904"), ("invalid_ip", "Invalid IP"), ("invalid_token", "Invalid Token")]
)
def test_a_refusal_in_dhans_own_words_is_a_refusal(account: Account, fault: str, said: str) -> None:
    order = account.order(passive=True)
    account.venue.fault(fault, "POST /v2/super/orders", times=1)
    with pytest.raises(OrderRejectedError, match=said):
        account.gateway.place_super(order)
    assert account.gateway.find(order.correlation_id) is None


def test_a_rule_of_the_market_is_a_refusal(account: Account) -> None:
    with pytest.raises(OrderRejectedError, match="was not sent: For BUY"):
        account.gateway.place_super(account.order(target_limit=Decimal("0.05")))
    with pytest.raises(OrderRejectedError, match="DH-906"):
        account.gateway.cancel_order("1126111999999")
    with pytest.raises(OrderRejectedError, match="not listed"):
        account.gateway.modify_leg("1126111999999", Leg.STOP, trigger=Decimal(1))


def test_what_the_master_does_not_say_is_never_sent(account: Account) -> None:
    before = len(account.gateway.super_orders())
    wrong = (
        account.order(lot_size=75),
        account.order(tick_size=Decimal("0.10")),
        account.order(lots=28),
        account.order(correlation_id="A" * 26),
        account.order(correlation_id="A 1"),
        account.order().model_copy(update={"contract": "NIFTY26112499999CE"}),
    )
    for order in wrong:
        with pytest.raises(OrderRejectedError, match="nothing was sent"):
            account.gateway.place_super(order)
    other = account.with_chain(lambda _contract: 4242)
    with pytest.raises(OrderRejectedError, match="option chain 4242"):
        other.place_super(account.order())
    assert len(account.gateway.super_orders()) == before


@pytest.mark.parametrize("fault", ["server_error", "gateway_error", "html_200", "dropped", "rate_limited"])
def test_a_read_that_fails_is_asked_once_and_says_so(account: Account, fault: str) -> None:
    account.venue.fault(fault, "GET /v2/super/orders", times=5)
    with pytest.raises(BrokerUnavailableError):
        account.gateway.super_orders()
    [script] = account.venue.control("GET", "/faults")
    assert script["occasions"] == 1


def test_a_dead_token_is_replaced_for_a_read(account: Account) -> None:
    account.venue.seed_token(account.settings)  # another program has made a token, which ends ours
    assert account.gateway.funds().available > 0
    assert account.gateway.positions() is not None


def test_the_loss_exit_is_armed_and_read_back(account: Account) -> None:
    account.gateway.arm_loss_exit(Decimal(30_000))
    assert account.gateway.loss_exit() == Decimal(30_000)


def test_a_change_whose_answer_is_lost_has_the_effect_of_one(account: Account) -> None:
    order = account.order(passive=True)
    order_id = account.gateway.place_super(order).order_id
    eventually(lambda: row_of(account, order).state is BrokerState.PENDING)
    account.venue.fault("empty_202", f"PUT /v2/super/orders/{order_id}", times=1)
    with pytest.raises(OrderUnknownError):
        account.gateway.modify_leg(order_id, Leg.STOP, trigger=order.stop_trigger + 1)
    account.gateway.modify_leg(order_id, Leg.STOP, trigger=order.stop_trigger + 1)
    assert leg(account, order, Leg.STOP).trigger == order.stop_trigger + 1
    account.gateway.cancel_entry(order_id)


def test_the_brokers_answers_tell_of_our_clock_our_address_and_our_requests(account: Account) -> None:
    parts = gateway_parts(account.settings, account.dhan, account.venue, wall=wall, sleep=time.sleep)
    parts.gateway.funds()
    assert parts.witness.clock_skew == pytest.approx(0.0, abs=1.0)
    assert parts.witness.address() == ""
    account.venue.fault("clock_skew", "GET /v2/super/orders", times=1)
    parts.gateway.super_orders()
    assert parts.witness.clock_skew == pytest.approx(-90.0, abs=5.0)
    account.venue.fault("invalid_ip", "POST /v2/super/orders", times=1)
    order, before = account.order(passive=True), parts.limiter.taken(CallKind.ORDER, 3600.0)
    with pytest.raises(OrderRejectedError, match="Invalid IP"):
        parts.gateway.place_super(order)
    assert "Invalid IP" in parts.witness.address()
    assert parts.limiter.taken(CallKind.ORDER, 3600.0) == before + 1


def test_a_quote_shows_what_is_on_offer(account: Account) -> None:
    offered = account.quote(account.contract()).offered
    assert offered is not None
    assert offered % 65 == 0
    assert offered >= 5 * 65


def test_the_guardians_process_knows_its_account_and_its_requests(account: Account) -> None:
    parts = gateway_parts(account.settings, account.dhan, account.venue, wall=wall, sleep=time.sleep)
    parts.gateway.funds()
    look = Insider(account.settings, account.dhan.reader.wire, parts, 1.0, lambda _now: Outside(halted="a test"))
    found = look(account.venue.now())
    assert (found.account, found.address, found.mode) == (found.expected_account, "", "")
    assert found.account
    assert found.halted == "a test"
    assert found.clock_skew == pytest.approx(0.0, abs=1.0)
    assert found.requests_day is not None
    assert found.requests_second is not None
    assert found.requests_day >= found.requests_second


def test_a_volatility_index_that_is_not_listed_is_missing_data(account: Account) -> None:
    with pytest.raises(DataError):
        account.listing(INDIA_VIX)
