"""Settings and health ask: for tighter limits, for alerts that were seen; they show asked and done, and no secret."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from agents.data.ledger import Ledger, Severity
from agents.domain.limits import TIGHTEN
from agents.execution.risk import load_limits
from agents.execution.service.wishes import SEEN, Wishes
from agents.settings import Settings
from tests.ui.pages import opened, texts
from ui.choices import Choices, choices, choose
from ui.desk import SEEN as ASKED_AS
from ui.hub import hub_of
from ui.palette import COLOUR_BLIND
from ui.views.preferences import checked


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """The ledger of a desk that has nothing else."""
    settings = Settings(mode="paper", data_dir=tmp_path)
    return Ledger.open(settings.ledger_path, "paper", now=lambda: datetime.now(UTC))


def serve(ledger: Ledger, folder: Path) -> None:
    """Let the guardian carry out what was asked, and the pages look again."""
    settings = Settings(mode="paper", data_dir=folder)
    Wishes(ledger, load_limits(settings)).serve()
    hub_of(settings).forget()


def press(folder: Path, monkeypatch: pytest.MonkeyPatch, limit: str, value: str, times: int = 1) -> str:
    """Ask for a limit on the settings page and return what the page says."""
    shown = opened(monkeypatch, folder, mode="paper", view="settings")
    shown.selectbox(key="limit_name").set_value(limit)
    shown.text_input(key="limit_value").set_value(value)
    for _ in range(times):
        next(each for each in shown.button if each.label == "Tighten").click().run()
    assert not shown.exception
    return texts(shown)


def test_a_tighter_limit_is_asked_and_shown_in_force_once_the_guardian_says_so(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(ledger, tmp_path)
    press(tmp_path, monkeypatch, "max_trades", "2")
    (asked,) = ledger.commands.pending()
    assert (asked.kind, asked.payload, asked.asked_by) == (TIGHTEN, {"limit": "max_trades", "value": 2.0}, "dashboard")
    serve(ledger, tmp_path)
    words = texts(opened(monkeypatch, tmp_path, mode="paper", view="settings"))
    assert "▼ 2" in words
    assert "done: max_trades is 2 instead of 5" in words


@pytest.mark.parametrize(
    ("value", "why"),
    [("7", "would not be tighter"), ("many", "Give a number"), ("1.5", "whole"), ("nan", "finite"), ("-1", "greater")],
)
def test_what_is_not_tighter_is_never_asked(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str, why: str
) -> None:
    serve(ledger, tmp_path)
    words = press(tmp_path, monkeypatch, "max_trades", value)
    assert why in words
    assert "--take-back --confirm 'loosen paper'" in words
    assert not ledger.commands.pending()


def test_an_alert_is_seen_once_the_guardian_has_noted_it(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ASKED_AS == SEEN
    made = ledger.outbox.put(Severity.CRITICAL, "k", "naked position")
    assert made is not None
    shown = opened(monkeypatch, tmp_path, mode="paper", view="health")
    shown.button(key=f"seen-{made.id}").click().run()
    assert not shown.exception
    (asked,) = ledger.commands.pending()
    assert (asked.kind, asked.payload) == (SEEN, {"alert": made.id})
    serve(ledger, tmp_path)
    words = texts(opened(monkeypatch, tmp_path, mode="paper", view="health"))
    assert "0 of the last 1 wait to be seen" in words
    assert "by dashboard" in words


def test_choices_outlive_the_visit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = opened(monkeypatch, tmp_path, mode="paper", view="settings")
    shown.radio(key="palette_choice").set_value(COLOUR_BLIND).run()
    assert not shown.exception
    settings = Settings(mode="paper", data_dir=tmp_path)
    assert choices(settings) == Choices(COLOUR_BLIND, sound=False)
    again = opened(monkeypatch, tmp_path, mode="paper", view="settings")
    assert again.radio(key="palette_choice").value == COLOUR_BLIND
    (tmp_path / "dashboard.json").write_text("[]")
    assert choices(settings) == Choices()
    assert choose(settings, sound=True) == Choices(sound=True)


def test_addresses_of_alerts_are_never_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZONEDESK_ALERT_URLS", "tgram://secretbot/4711 warn,critical=mailto://me:hush@example.org")
    words = texts(opened(monkeypatch, tmp_path, mode="paper", view="settings"))
    assert "tgram" in words
    assert "for warn,critical alerts" in words
    assert not any(secret in words for secret in ("secretbot", "4711", "hush"))


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("max_trades", "3", "That will do: ZONEDESK_MAX_TRADES=3"),
        ("max_trades", "many", "max_trades cannot be that"),
        ("risk_per_trade", "0.5", "less than or equal to 0.05"),
        ("instruments", '["NIFTY"]', "That will do"),
        ("instruments", "[", "no JSON"),
        ("dhan_client_id", "1", "DHAN_CLIENT_ID=1"),
    ],
)
def test_a_setting_is_checked_by_its_own_model(name: str, text: str, said: str) -> None:
    assert said in checked(name, text)
