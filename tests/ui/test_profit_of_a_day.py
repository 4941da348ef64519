"""One date with everything that can happen on it: the same result on every page, by the status and by the account.

The definition: a result belongs, whole and with its charges, to the date in India on which the position was left; until
then what it holds counts at its price on every date.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

import pytest

from agents.data.ledger import Ledger
from agents.domain.lifecycle import TradeState
from agents.domain.market import Segment, Session
from agents.domain.values import IST
from agents.execution.gateway import FillRow, Leg, TradeSide
from agents.execution.guardian.fold import opened, stepped
from agents.execution.guardian.ports import ORDER_EVENT
from agents.settings import Settings
from tests.agents.execution.guardian.cases import case_of, leg_of
from tests.ui.pages import opened as page_of
from tests.ui.pages import texts
from tests.ui.test_profit_generated import BROKERAGE, account
from ui.desk import DeskReader
from ui.format import change, inr
from ui.held import gained
from ui.profit import of_day
from ui.queries import MarketReader
from ui.replay import Chapter, Past, known
from ui.replay_reader import told
from ui.snapshot import Picture, Snapshot
from ui.views.positions import as_csv
from zonedesk.status import desk_status, status_text

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=IST)
MIDNIGHT = NOW.replace(hour=0)
PRICE = Decimal("123.45")
BUY, SELL = TradeSide.BUY, TradeSide.SELL
MARKET = Snapshot("NIFTY", "paper", is_simulated=False, now=NOW, is_open=True, prices={"C4": PRICE})


class Deal(NamedTuple):
    """An execution: hours after midnight, units and price; `leg` sold it, "" bought it, "settled" no order did."""

    hours: float
    units: int
    price: str
    leg: str = ""


SETUPS = {
    1: (Deal(-9, 130, "101.35"), Deal(9.4, 130, "96.10", "stop")),  # kept over midnight, in India and in UTC
    2: (Deal(9.5, 65, "88.05"), Deal(9.8, 40, "104.70", "target"), Deal(9.9, 25, "70.15", "stop")),
    3: (Deal(9.6, 25, "55.10"), Deal(9.7, 40, "55.35"), Deal(10.2, 65, "49.95", "stop")),
    4: (Deal(10.5, 65, "120.00"), Deal(10.9, 25, "131.05", "target")),  # 40 are held
    5: (Deal(-13, 65, "70.00"), Deal(-12, 65, "93.25", "target")),  # left on the day before
    6: (Deal(10.0, 65, "4.10"), Deal(11.9, 65, "0.05", "settled")),  # ran out: the broker closed it
}  # fmt: skip
TODAY = (1, 2, 3, 4, 6)


def fills_of(number: int) -> list[FillRow]:
    """The executions of a setup, as the account's book has them."""
    return [
        FillRow(
            order_id=f"{number}{deal.leg or 'entry'}", trade_id=f"{number}-{at}", contract=f"C{number}",
            side=SELL if deal.leg else BUY, quantity=deal.units, price=Decimal(deal.price),
            at=MIDNIGHT + timedelta(hours=deal.hours),
        )
        for at, deal in enumerate(SETUPS[number])
    ]  # fmt: skip


def journal(number: int) -> Iterator[tuple[datetime, dict[str, Any]]]:  # Any: JSON
    """Yield the steps that the guardian writes down of a setup."""
    began = MIDNIGHT + timedelta(hours=SETUPS[number][0].hours) - timedelta(minutes=1)
    base = case_of(number, setup_id=f"setup{number:05d}", opened_at=began, state=TradeState.PLANNED)
    order = base.order.model_copy(
        update={"setup_id": base.setup_id, "placed_at": began, "contract": f"C{number}", "lots": 2}
    )
    case, event = opened(base.model_copy(update={"order": order, "contract": order.contract}), began, "asked")
    yield began, json.loads(event.model_dump_json())
    known_fills: list[FillRow] = []
    sold = {"target": 0, "stop": 0, "settled": 0}
    for state in (TradeState.SENT, TradeState.ACKED, TradeState.ENTRY_PENDING):
        case, event = stepped(case, began, "", state)
        yield began, json.loads(event.model_dump_json())
    for deal, fill in zip(SETUPS[number], fills_of(number), strict=True):
        value = fill.price * fill.quantity
        if deal.leg != "settled":
            known_fills.append(fill)
        changes: dict[str, Any] = {"fills": tuple(known_fills)}  # Any: fields of a Case
        if not deal.leg:
            changes |= {"bought": case.bought + deal.units, "spent": case.spent + value, "filled_at": fill.at}
        else:
            sold[deal.leg] += deal.units
            legs = (leg_of(Leg.TARGET, filled=sold["target"]), leg_of(Leg.STOP, filled=sold["stop"]))
            changes |= {"legs": legs, "sold_elsewhere": sold["settled"]}
            changes |= {"priced": case.priced + deal.units, "earned": case.earned + value}
        case, event = stepped(case, fill.at, "told", None, **changes)
        yield fill.at, json.loads(event.model_dump_json())
    if case.bought == case.sold:
        for state in (TradeState.FILLED, TradeState.PROTECTED, TradeState.TARGET_DONE, TradeState.CLOSED):
            case, event = stepped(case, fill.at, "", state, closed_at=fill.at)
            yield fill.at, json.loads(event.model_dump_json())


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A desk whose ledger tells of all setups."""
    settings = Settings(mode="paper", data_dir=tmp_path_factory.mktemp("day"))
    settings.ledger_path.parent.mkdir(parents=True)
    ledger = Ledger.open(settings.ledger_path, "paper", now=wall)
    for at, said in sorted((step for number in SETUPS for step in journal(number)), key=lambda step: step[0]):
        ledger.append(ORDER_EVENT, said, at=at)
    ledger.close()
    return settings


@pytest.fixture
def market(monkeypatch: pytest.MonkeyPatch) -> None:
    """A market at noon that knows the price of what is held."""
    monkeypatch.setattr(MarketReader, "read", lambda *_, **__: MARKET)


def wall() -> datetime:
    return datetime.now(UTC)


def expected() -> Decimal:
    """What the account gains by all that counts today, what is held at its price."""
    return account(tuple(fill for number in TODAY for fill in fills_of(number))) + 40 * PRICE


@pytest.mark.usefixtures("market")
def test_pages_and_status_show_what_the_account_comes_to(desk: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    facts = desk_status(desk)
    assert Decimal(facts["result"]["net"]) == expected()
    assert (facts["result"]["final"], facts["result"]["priced"]) == (False, True)
    assert change(expected()) in status_text(facts)
    assert inr(expected()) in texts(page_of(monkeypatch, desk.data_dir, mode="paper"))
    words = texts(page_of(monkeypatch, desk.data_dir, mode="paper", view="positions"))
    assert inr(expected()) in words
    assert gained(expected()) in words


def test_ledger_replay_and_file_hold_the_same(desk: Settings) -> None:
    view = DeskReader(desk, wall).read()
    assert of_day(view.orders, NOW.date(), MARKET.prices).value == expected()
    day_before = (MIDNIGHT - timedelta(days=1)).date()
    kept = [order for order in view.orders if not order.held]
    assert of_day(kept, day_before, {}).value == account(tuple(fills_of(5)))
    session = Session(
        on=NOW.date(), segments=(Segment(open_at=MIDNIGHT, close_at=NOW),), derivatives_close_at=NOW,
        index_frozen_from=None,
    )  # fmt: skip
    past = Past(session, NOW, (MIDNIGHT,), (), {}, tuple(told(desk, MIDNIGHT, NOW, wall)), BROKERAGE)
    end = known(past, Chapter(MIDNIGHT, NOW, MARKET, ()), NOW)
    assert of_day(end.desk.orders, NOW.date(), MARKET.prices).value == expected()
    rows = [line.split(",") for line in as_csv(Picture(MARKET, view, NOW, 1)).splitlines()]
    at = rows[0].index("result")
    assert sum(Decimal(row[at]) for row in rows[1:]) == expected() + account(tuple(fills_of(5)))
