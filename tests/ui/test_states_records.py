"""Verdicts, why, replay, health and settings: empty, stale, halted, and with a store or a ledger that is unreadable."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from agents.data.metrics import MetricWriter
from agents.domain.calls import LlmCall, Usage
from agents.domain.cycle import DeskState
from agents.domain.zones import Outcome
from agents.settings import Settings
from tests.ui.pages import NOON, copied, feed_was_heard, ledger_of, looked_again, opened, spoilt, texts
from ui.hub import hub_of

RECORDS = ("verdicts", "why", "replay", "health", "settings")
EMPTY = {
    "verdicts": "Zones are judged when a 15-minute candle of an open session closes",
    "why": "In an open session the desk decides every three minutes",
    "replay": "`zonedesk simulate`",
    "health": "Start the desk with `zonedesk up`",
    "settings": "Only the command line loosens",
}
FULL = {
    "verdicts": "Verdicts shown",
    "why": "Last decisions",
    "replay": "Result of the session by then",
    "health": "state guarding",
    "settings": "as of 20 Nov 2026 12:00:00 IST",
}


@pytest.fixture
def desk(noon: Settings, tmp_path: Path) -> Settings:
    """A copy of the desk at noon, to be spoilt."""
    return copied(noon, tmp_path / "copy")


def page(monkeypatch: pytest.MonkeyPatch, settings: Settings, view: str) -> AppTest:
    return opened(monkeypatch, settings.data_dir, mode="paper", view=view)


@pytest.mark.parametrize("view", RECORDS)
def test_an_empty_desk_says_what_will_come_and_when(view: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = opened(monkeypatch, tmp_path, mode="paper", view=view)
    assert not shown.exception
    assert EMPTY[view] in texts(shown)


@pytest.mark.parametrize("view", RECORDS)
def test_old_prices_and_a_halt_are_said_above_a_whole_page(
    view: str, desk: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed_was_heard(desk, -3600.0)
    shown = page(monkeypatch, desk, view)
    assert not shown.exception
    words = texts(shown)
    assert FULL[view] in words
    assert "STALE: the feed" not in words
    feed_was_heard(desk, 40.0)
    ledger = ledger_of(desk)
    ledger.set_desk_state(DeskState.HALTED, "asked by a person", by="guardian")
    ledger.close()
    words = looked_again(shown, desk)
    assert not shown.exception
    assert "STALE: the feed" in words
    assert "HALTED" in words
    assert "asked by a person" in words
    assert FULL[view] in words


@pytest.mark.parametrize("view", RECORDS)
def test_what_was_read_stays_with_its_age_when_the_files_are_spoilt(
    view: str, desk: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = page(monkeypatch, desk, view)
    for path in (desk.store_path, desk.ledger_path):
        spoilt(path)
    for each in desk.home.glob("ledger.sqlite-*"):
        each.unlink()
    words = looked_again(shown, desk)
    assert not shown.exception
    assert "is not a ledger" in words
    assert str(desk.store_path) in words
    assert words.count("What is shown was read at") == 2
    assert FULL[view] in words


@pytest.mark.parametrize("view", RECORDS)
def test_files_that_were_never_readable_are_named_with_a_cure(
    view: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(mode="paper", data_dir=tmp_path)
    settings.home.mkdir()
    for path in (settings.store_path, settings.ledger_path, settings.ops_path, settings.home / "clock.json"):
        spoilt(path)
    shown = opened(monkeypatch, tmp_path, mode="paper", view=view)
    assert not shown.exception
    words = texts(shown)
    assert f"{settings.ledger_path} is not a ledger" in words
    assert "clock.json cannot be read; remove the file" in words
    assert ("a new one will be made" in words) == (view == "health")


@pytest.mark.parametrize("view", RECORDS)
def test_a_hub_that_died_leaves_its_last_picture_with_its_age(
    view: str, noon: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = page(monkeypatch, noon, view)
    hub = hub_of(noon)
    seen = hub.look()
    old = seen.as_of - timedelta(seconds=90)
    monkeypatch.setattr(type(hub), "look", lambda _: type(seen)(seen.market, seen.desk, old, seen.number))
    shown.run()
    assert not shown.exception
    words = texts(shown)
    assert "STALE: this page is old" in words
    assert "this page was last read 9" in words
    assert FULL[view] in words


def call(status: Outcome = Outcome.OK, **changes: object) -> LlmCall:
    facts: dict[str, object] = {
        "key": "k1", "subject": "zone-1", "asked_at": NOON, "model": "a-model", "prompt_id": "zone", "prompt_sha": "s",
        "prompt_version": 3, "system": "You judge zones of a market.", "reply_schema": "{}", "facts": '{"touches": 2}',
        "params": "{}", "sample": 0, "status": status, "body": '{"verdict": "confirm"}', "attempts": 2,
        "usage": Usage(input_tokens=700, output_tokens=60), "cost": Decimal("0.00125"), "latency": 1.9,
    }  # fmt: skip
    return LlmCall.model_validate({**facts, **changes})


def test_every_question_to_a_model_is_listed_and_opens_with_prompt_and_reply(
    desk: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = ledger_of(desk)
    ledger.calls.record_call(call(Outcome.DEADLINE, key="k0", body="", detail="no reply in 20 s"))
    ledger.calls.record_call(call())
    ledger.close()
    shown = page(monkeypatch, desk, "verdicts")
    words = texts(shown)
    assert "Questions to a model" in words
    assert "1 of them failed" in words
    assert "$0.0025" in words
    shown.session_state["verdict_kind"] = "Questions to the model"
    shown.session_state["verdict_chosen"] = f"k1-{NOON.isoformat()}-0"
    shown.run()
    assert not shown.exception
    rows = next(each.value for each in shown.dataframe if "prompt" in each.value)
    assert list(rows["prompt"]) == ["zone v3", "zone v3"]
    assert list(rows["ended"]) == ["ok", "deadline"]
    said = [each.value for each in shown.code]
    assert said == ["You judge zones of a market.", '{"touches": 2}', '{"verdict": "confirm"}']


def test_a_verdict_stays_chosen_and_leads_to_chart_reasons_and_dagster(
    noon: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = page(monkeypatch, noon, "verdicts")
    verdict = hub_of(noon).look().market.verdicts[3]
    shown.session_state["verdict_chosen"] = verdict.zone_id
    shown.run()
    assert not shown.exception
    words = texts(shown)
    assert f"Zone {verdict.zone_id}" in words
    assert "no model was asked" in words
    leads = {element.proto.label: element.proto.url for element in shown.get("link_button")}
    assert leads["Why"] == f"why?asked={verdict.zone_id}"
    assert leads["Chart then"].startswith("/replay?session=2026-11-")
    assert "/runs/" in leads["Dagster run"]
    assert "/assets/llm_validation" in leads["Dagster asset"]


def test_why_leads_from_a_zone_to_its_candles_and_draws_the_chart_of_then(
    noon: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = page(monkeypatch, noon, "why")
    zone = hub_of(noon).look().market.verdicts[0].zone_id
    assert "why?asked=cycle-1" in texts(shown)
    shown.text_input(key="asked").set_value(zone).run()
    assert not shown.exception
    words = texts(shown)
    assert f"Zone {zone}: " in words
    assert "The chart as it was known at" in words
    assert "candles" in words
    assert len(shown.get("bidi_component")) == 1
    assert any("/runs/" in element.proto.url for element in shown.get("link_button"))
    assert any("judged by its stated rules" in element.value for element in shown.text)
    assert "No judge was asked" not in words


def test_health_measures_what_was_measured_and_names_an_open_breaker(
    desk: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime.now(UTC)
    run = desk.home / "run"
    services = [{"name": "feed", "state": "ready", "up_seconds": 4000, "pid": 7}]
    status = {"state": "ready", "started_at": (now - timedelta(hours=3, minutes=12)).isoformat()}
    (run / "status.json").write_text(
        json.dumps({**status, "written_at": (now + timedelta(hours=1)).isoformat(), "services": services})
    )
    ledger = ledger_of(desk)
    breaker = ledger.breaker("dhan_orders", failures=1)
    permit = breaker.enter()
    assert permit is not None
    breaker.failed(permit)
    ledger.close()
    writer = MetricWriter(desk.ops_path, lambda: datetime.now(UTC))
    for seconds in (0.2, 0.4):
        writer.record("cycle_seconds", seconds, stage="all")
    for _ in range(9):
        writer.record("api_latency_seconds", 0.05, api="dhan_data", endpoint="candles")
    writer.record("api_errors_total", api="dhan_data", kind="unanswered")
    writer.close()
    shown = page(monkeypatch, desk, "health")
    assert not shown.exception
    words = texts(shown)
    for said in ("3 h 12 min", "1 of 1 processes ready", "400 ms", "10.0%", "1 of 10 requests", "■ open", "1 h 6 min"):
        assert said in words, said
    assert 'aria-label="11:59 skip: price is not near a high-confidence zone"' in words


def test_settings_show_use_of_limits_in_groups_and_no_file_is_made(
    noon: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = texts(page(monkeypatch, noon, "settings"))
    assert "₹10,001.25, 4%" in words
    assert "Judge and models" in words
    assert "share of equity lost when the stop is hit" in words
    bare = opened(monkeypatch, tmp_path / "none", mode="paper", view="settings")
    assert not bare.exception
    assert not (tmp_path / "none").exists()
