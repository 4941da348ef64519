"""One paper day of the real guardian, its result to the paisa in every place that shows one."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from agents.data.clock import ReplayClock
from agents.data.ledger import Ledger
from agents.execution.agent import ExecutionAgent, Waiting
from agents.execution.guardian.standing import left_on, realised
from agents.settings import Settings
from exchange.charges import trade_charges
from tests.agents.execution.guardian import stories
from tests.agents.execution.guardian.story import Story
from tests.agents.execution.guardian.test_guardian_on_ledger import OnLedger
from tests.ui.pages import opened, texts
from ui.desk import DeskReader
from ui.format import change, inr
from ui.held import gained
from ui.profit import of_day
from ui.snapshot import DeskView, Picture, Snapshot
from ui.views.positions import as_csv
from zonedesk.status import desk_status, status_text

ON = date(2026, 11, 24)
BROKERAGE = Decimal(20)
TOLD = {
    "a target": stories.target_reached,
    "a stop that was chased": stories.chase_reprices_while_price_falls,
    "an exit sent by the guardian": stories.both_legs_gone_exit_lost,
    "an entry filled in part": stories.partial_fill_is_shrunk,
    "sold by the broker": stories.sold_by_the_broker,
}


class Day:
    """A told day on the ledger of a desk."""

    def __init__(self, folder: Path, tell: Callable[[Story], None]) -> None:
        self.settings = Settings(mode="paper", data_dir=folder)
        self.story = Story()
        self.settings.ledger_path.parent.mkdir(parents=True, exist_ok=True)
        self.story.journal = OnLedger(self.settings.ledger_path, self.story.journal.heard)
        self.story.start()
        tell(self.story)
        self.story.run(5)

    def ledger(self) -> Ledger:
        return Ledger.open(self.settings.ledger_path, "paper", now=lambda: datetime.now(UTC))

    def account(self) -> Decimal:
        """What the broker's account gained, with the charges that the exchange reckons by itself."""
        paise, seen = 0, set[str]()
        for row in self.story.broker.trades():
            turnover, buys = int(row.price * row.quantity * 100), row.side.value == "buy"
            first = row.order_id not in seen
            seen.add(row.order_id)
            charged = trade_charges(turnover=turnover, buys=buys, option=True, on=ON, first_of_order=first)
            paise += (-turnover if buys else turnover) - charged.paise
        return Decimal(paise) / 100


@pytest.fixture(params=list(TOLD.values()), ids=list(TOLD))
def day(tmp_path: Path, request: pytest.FixtureRequest) -> Day:
    """A day that one story fills."""
    return Day(tmp_path, request.param)


def test_pages_ledger_guardian_and_account_show_the_same(day: Day) -> None:
    view = DeskReader(day.settings, lambda: datetime.now(UTC)).read()
    shown = of_day(view.orders, ON, {})
    assert shown.final
    assert shown.value == day.account()
    cases = tuple(day.story.guardian.records.cases.values())
    assert realised(left_on(cases, ON, BROKERAGE)) == day.account()
    ledger = day.ledger()
    agent = ExecutionAgent(ledger, lambda: day.story.now, Waiting(lambda: 0.0, lambda _: None))
    again = agent.cases(ON)
    assert realised(left_on(again, ON, BROKERAGE)) == day.account()
    market = Snapshot("NIFTY", "paper", is_simulated=False, now=day.story.now)
    rows = as_csv(Picture(market, view, day.story.now, 1)).splitlines()
    at = rows[0].split(",").index("result")
    assert sum(Decimal(row.split(",")[at]) for row in rows[1:]) == day.account()


def test_strip_cockpit_positions_and_status_show_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    day = Day(tmp_path, stories.target_reached)
    # The day that the stories are told of is a holiday: no simulated market would stop its clock there.
    monkeypatch.setattr("ui.queries.SystemClock", lambda: ReplayClock(day.story.now))
    facts = desk_status(day.settings)
    assert Decimal(facts["result"]["net"]) == day.account()
    assert f"result         {change(day.account())}" in status_text(facts)
    view = DeskReader(day.settings, lambda: datetime.now(UTC)).read()
    assert isinstance(view, DeskView)
    words = texts(opened(monkeypatch, tmp_path, mode="paper"))
    assert inr(day.account()) in words
    assert gained(day.account()) in texts(opened(monkeypatch, tmp_path, mode="paper", view="positions"))
