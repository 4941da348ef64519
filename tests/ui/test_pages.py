import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from agents.data.ledger import Ledger, Severity
from agents.domain.cycle import DeskState
from agents.domain.profit import DayResult, day_result
from agents.execution.controls import write_halt
from agents.settings import Settings
from tests.ui.pages import opened, texts
from ui.judged import Said, of_zone
from ui.palette import COLOUR_BLIND, palette
from ui.profit import of_day, of_order
from ui.reliability import bins, diagram, reliability
from ui.snapshot import DeskView, Picture, Snapshot, VerdictRow
from ui.trading import Executed, Order
from ui.views import PAGES
from ui.views.positions import as_csv
from ui.views.preferences import settings_rows
from ui.words import order_in_words
from zonedesk.status import desk_status, status_text

AT = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)
PATHS = [path for path, _, _ in PAGES]


def order(**changes: object) -> Order:
    facts: dict[str, object] = {
        "setup_id": "s1",
        "contract": "NIFTY26NOV23800CE",
        "state": "protected",
        "bought": 75,
        "held": 75,
        "spent": Decimal("10000.00"),
        "earned": Decimal(0),
        "limit": Decimal("133.35"),
        "stop": Decimal(110),
        "target": Decimal(170),
        "placed_at": AT,
        "filled_at": AT,
        "closed_at": None,
        "why": "",
    }
    return Order(**{**facts, **changes})  # type: ignore[arg-type]  # a test's own facts


def picture(*orders: Order) -> Picture:
    market = Snapshot("NIFTY", "paper", is_simulated=False, now=AT, prices={"NIFTY26NOV23800CE": Decimal("140.05")})
    return Picture(market, DeskView(orders=orders), AT, 1)


def fills(*rows: tuple[str, str]) -> DayResult:
    """The result of purchases and sales of a lot, each an order of its own."""
    made = [
        Executed(f"o{number}", f"t{number}", "NIFTY26NOV23800CE", side, 75, Decimal(price), AT)
        for number, (side, price) in enumerate(rows)
    ]
    return day_result(made, Decimal(20))


def test_an_open_position_is_worth_its_price_less_what_it_cost_and_was_charged() -> None:
    bought = fills(("buy", "133.35"))
    profit = of_order(order(result=bought), {"NIFTY26NOV23800CE": Decimal("140.05")})
    assert profit.value == Decimal("502.50") - bought.charges
    assert not profit.final


def test_a_closed_one_is_worth_what_its_executions_brought() -> None:
    closed = order(held=0, state="closed", result=fills(("buy", "133.35"), ("sell", "140.00")))
    found = of_order(closed, {})
    assert found.value == Decimal("498.75") - found.charges
    assert found.final


def test_until_its_executions_are_known_the_legs_count() -> None:
    profit = of_order(order(), {"NIFTY26NOV23800CE": Decimal("140.05")})
    assert (profit.value, profit.final) == (Decimal("503.75"), False)


def test_a_position_without_a_price_is_said_and_not_counted() -> None:
    day = of_day([order(), order(setup_id="s2", contract="X", held=75)], date(2026, 11, 23), {"X": Decimal(134)})
    assert day.value == Decimal("50.00")
    assert not day.priced


def test_orders_of_other_days_do_not_count_unless_they_are_held() -> None:
    old = order(held=0, earned=Decimal(20000), placed_at=AT - timedelta(days=1))
    assert of_day([old], date(2026, 11, 23), {}).value == 0


def test_an_order_says_in_plain_words_what_became_of_it() -> None:
    assert order_in_words(order(state="rejected", why="margin is 4,310.00 short")) == (
        "the broker refused it, because the account has too little money for it: margin is 4,310.00 short"
    )


def test_a_saved_file_holds_no_formula() -> None:
    text = as_csv(picture(order(why="=HYPERLINK(1)")))
    assert "'=HYPERLINK" in text
    assert "503.75" in text


def test_reliability_counts_only_zones_that_price_has_reached() -> None:
    def verdict(probability: float, since: str) -> Said:
        return of_zone(VerdictRow("z", AT, "demand", 1.0, 2.0, "rules", "confirm", probability, "", "ok", since))

    words = [verdict(0.9, "touched"), verdict(0.9, "broken"), verdict(0.9, ""), verdict(1.0, "superseded")]
    last = bins(words)[-1]
    assert (last.words, last.ended, last.said, last.came) == (4, 2, 0.9, 0.5)
    shown = reliability(words, "said and seen", "Share that holds")
    assert "0.8 to 1.0<" in shown
    assert all(f">{text}<" in shown for text in ("4", "2", "0.90", "0.50", "Share that holds"))
    values = [layer["data"]["values"] for layer in diagram(words, palette("standard", "dark"), "Share")["layer"]]
    assert values[1] == [{"said": 0.9, "came": 0.5, "ended": 2, "text": "2"}]


@pytest.mark.parametrize("view", PATHS)
def test_every_page_of_an_empty_desk_says_what_will_come(
    view: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = opened(monkeypatch, tmp_path, mode="paper", view="" if view == "cockpit" else view)
    assert not shown.exception
    assert shown.info or shown.warning


def filled(folder: Path) -> Ledger:
    """A desk with one open order, an alert, a beat and a silent feed."""
    settings = Settings(mode="paper", data_dir=folder)
    ledger = Ledger.open(settings.ledger_path, "paper", now=lambda: datetime.now(UTC))
    ledger.outbox.put(Severity.CRITICAL, "k", "<b>naked</b> position")
    ledger.heartbeats.beat("guardian", {"state": "guarding"})
    ledger.append(
        "order",
        {
            "setup_id": "setup-1",
            "contract": "<img src=x onerror=alert(1)>",
            "state": "protected",
            "entry_limit": "133.35",
            "stop_trigger": "110",
            "target_limit": "170",
            "placed_at": AT.isoformat(),
            "entry": {"at": AT.isoformat(), "price": "133.35", "quantity": 75},
            "exit": None,
        },
    )
    run = settings.home / "run"
    run.mkdir(parents=True)
    written = (datetime.now(UTC) - timedelta(seconds=30)).isoformat()
    (run / "feed.json").write_text(json.dumps({"pid": 1, "written_at": written, "expected": True, "connected": True}))
    (run / "status.json").write_text(json.dumps({"services": [{"name": "feed", "state": "failed", "restarts": 3}]}))
    return ledger


@pytest.mark.parametrize("view", PATHS)
def test_every_page_of_a_halted_desk_says_so_and_shows_foreign_words_as_text(
    view: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(tmp_path).set_desk_state(DeskState.HALTED, "asked by a person", by="guardian")
    shown = opened(monkeypatch, tmp_path, mode="paper", view="" if view == "cockpit" else view)
    assert not shown.exception
    words = texts(shown)
    assert "HALTED" in words
    assert "<img" not in words
    assert "<b>" not in words
    assert shown.button(key="pause").disabled


def test_a_halt_file_is_shown_whatever_the_ledger_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(tmp_path)
    write_halt(tmp_path / "paper", "smoke in the room")
    words = texts(opened(monkeypatch, tmp_path, mode="paper", view="health"))
    assert "■ HALTED" in words
    assert "smoke in the room" in words
    assert "ACTIVE" not in words
    facts = desk_status(Settings(mode="paper", data_dir=tmp_path))
    assert facts["desk"] == "halted"
    assert "smoke in the room" in status_text(facts)


def test_health_names_what_failed_and_who_lives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(tmp_path)
    words = texts(opened(monkeypatch, tmp_path, mode="paper", view="health"))
    assert "■ keeps dying, left down" in words
    assert "state guarding" in words
    assert "&lt;b&gt;naked&lt;/b&gt; position" in words


def test_a_ledger_that_is_none_is_an_error_with_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "paper").mkdir()
    (tmp_path / "paper" / "ledger.sqlite").write_bytes(b"not a database" * 100)
    shown = opened(monkeypatch, tmp_path, mode="paper")
    assert not shown.exception
    assert "is not a ledger" in texts(shown)


def test_settings_never_show_a_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZONEDESK_DASHBOARD_PASSWORD", "s3cret-one")
    monkeypatch.setenv("DHAN_ACCESS_TOKEN", "s3cret-two")
    monkeypatch.setenv("ZONEDESK_LEDGER_URL", "postgresql://u:s3cret-three@nowhere.invalid/x")
    settings = Settings(mode="paper", data_dir=tmp_path)
    rows = [[cell if isinstance(cell, str) else cell.text for cell in row] for row in settings_rows(settings)]
    assert "s3cret" not in str(rows)
    assert next(row for row in rows if row[0] == "dhan access token")[1] == "● set"
    assert next(row for row in rows if row[0] == "dhan pin")[1] == "not set"


def test_the_chosen_colours_stay_on_other_pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = opened(monkeypatch, tmp_path, mode="paper", view="settings")
    shown.radio(key="palette_choice").set_value(COLOUR_BLIND).run()
    assert palette(COLOUR_BLIND, "dark").up in texts(shown)
    shown._page_hash = ""
    shown.run()
    assert palette(COLOUR_BLIND, "dark").up in texts(shown)


def test_why_of_an_order_shows_its_steps_and_of_nothing_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(tmp_path)
    shown = opened(monkeypatch, tmp_path, mode="paper", view="why")
    shown.text_input(key="asked").set_value("nothing-like-that").run()
    assert not shown.exception
    assert "there is no" in texts(shown)
