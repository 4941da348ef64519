"""What people ask of a running desk besides orders: tighter limits, and that alerts were seen."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from agents.data.ledger import Ledger, Severity
from agents.domain.errors import ConfigError
from agents.domain.limits import IN_FORCE, TIGHTEN, TIGHTENED
from agents.execution.risk.limits import Limits
from agents.execution.risk.tightened import take_back, tightened
from agents.execution.service.wishes import SEEN, Wishes

NOW = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)
LIMITS = Limits()


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """An empty one."""
    return Ledger.open(tmp_path / "ledger.sqlite", "paper", now=lambda: NOW)


def asked(ledger: Ledger, kind: str, **payload: object) -> str:
    """Ask, have it served, and return what became of it."""
    number = len(ledger.commands.recent(100))
    ledger.commands.ask(f"c{number}", kind, payload, by="dashboard")
    Wishes(ledger, LIMITS).serve()
    found = ledger.commands.find(f"c{number}")
    assert found is not None
    return found.outcome or ""


def test_a_limit_is_tightened_at_once_and_holds_after_a_restart(ledger: Ledger) -> None:
    assert asked(ledger, TIGHTEN, limit="max_trades", value=2) == "done: max_trades is 2 instead of 5"
    assert tightened(LIMITS, ledger).max_trades == 2
    assert asked(ledger, TIGHTEN, limit="daily_loss_share", value=0.01).startswith("done")
    now = tightened(LIMITS, ledger)
    assert (now.max_trades, now.daily_loss_share, now.half_size_share) == (2, 0.01, 0.01)
    last = ledger.latest(IN_FORCE)
    assert last is not None
    assert last.payload["limits"]["max_trades"] == 2
    assert last.payload["of_settings"]["max_trades"] == 5


@pytest.mark.parametrize(
    ("limit", "value", "why"),
    [
        ("max_trades", 6, "refused: max_trades is 5 and could only be made smaller here"),
        ("max_trades", 5, "refused: max_trades is 5"),
        ("max_trades", 1.5, "whole"),
        ("risk_per_trade", 0.02, "refused: risk_per_trade is 0.01"),
        ("risk_per_trade", -0.01, "greater than or equal to 0"),
        ("risk_per_trade", "nan", "refused"),
        ("premium_share", 2, "between 0 and 1"),
        ("no_such_limit", 1, "refused"),
        ("max_trades", None, "refused"),
    ],
)
def test_what_loosens_or_is_no_limit_changes_nothing(ledger: Ledger, limit: str, value: object, why: str) -> None:
    said = asked(ledger, TIGHTEN, limit=limit, value=value)
    assert said.startswith("refused")
    assert why in said
    assert not ledger.events(TIGHTENED)


def test_only_the_right_words_loosen_what_was_tightened(ledger: Ledger) -> None:
    asked(ledger, TIGHTEN, limit="max_trades", value=2)
    with pytest.raises(ConfigError, match="loosen paper"):
        take_back(ledger, typed="yes", mode="paper", by="a person")
    assert tightened(LIMITS, ledger).max_trades == 2
    take_back(ledger, typed="loosen paper", mode="paper", by="a person")
    assert tightened(LIMITS, ledger) == LIMITS


def test_an_alert_is_seen_once_by_whoever_said_so_first(ledger: Ledger) -> None:
    made = ledger.outbox.put(Severity.CRITICAL, "k", "naked")
    assert made is not None
    assert asked(ledger, SEEN, alert=made.id) == "done: it was seen"
    assert asked(ledger, SEEN, alert=made.id) == "done: it was seen"
    assert len(ledger.events(SEEN)) == 1
    assert asked(ledger, SEEN, alert=99).startswith("refused")
    assert asked(ledger, SEEN, alert="<b>").startswith("refused")
