from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import pytest
import streamlit as st
from streamlit.runtime.scriptrunner import RerunData, RerunException
from streamlit.runtime.state import SafeSessionState
from streamlit.testing.v1 import AppTest

from agents.data.ledger import Ledger
from agents.domain.cycle import DeskState
from agents.settings import Settings
from tests.ui.pages import opened, texts
from ui.hub import hub_of
from ui.visitor import HEADER


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """The ledger of a desk that has nothing else."""
    settings = Settings(mode="paper", data_dir=tmp_path)
    return Ledger.open(settings.ledger_path, "paper", now=now)


def test_pause_is_asked_once_however_often_it_is_pressed(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = opened(monkeypatch, tmp_path, mode="paper")
    for _ in range(3):
        shown.button(key="pause").click().run()
    assert not shown.exception
    (asked,) = ledger.commands.pending()
    assert (asked.kind, asked.asked_by) == ("pause", "dashboard")
    assert ledger.desk_state() is DeskState.ACTIVE


def test_a_page_shows_paused_only_when_the_desk_is(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = opened(monkeypatch, tmp_path, mode="paper")
    shown.button(key="pause").click().run()
    assert "ENTRIES PAUSED" not in texts(shown)
    (asked,) = ledger.commands.pending()
    ledger.set_desk_state(DeskState.REDUCING, "asked by dashboard", by="guardian")
    ledger.commands.done(asked.id, "done")
    hub_of(Settings()).forget()
    after = opened(monkeypatch, tmp_path, mode="paper")
    assert "ENTRIES PAUSED" in texts(after)
    assert after.button(key="pause").disabled
    assert "zonedesk resume" in after.button(key="pause").help


@pytest.mark.parametrize(("word", "kinds"), [("HALT", ["halt"]), ("FLATTEN", ["flatten"]), ("halt", []), ("", [])])
def test_only_the_typed_word_halts(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, word: str, kinds: list[str]
) -> None:
    shown = opened(monkeypatch, tmp_path, mode="paper")
    typed(shown, word)
    assert not shown.exception
    assert [command.kind for command in ledger.commands.pending()] == kinds


def typed(shown: AppTest, word: str) -> None:
    """Type a word into the form that stops the desk, and send it."""
    next(each for each in shown.text_input if "to confirm" in each.label).set_value(word)
    next(each for each in shown.button if each.label == "Do it now").click().run()


def test_a_word_that_stops_leaves_an_empty_form_and_takes_back_what_was_said_before(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = opened(monkeypatch, tmp_path, mode="paper")
    typed(shown, "flatten")
    assert "Nothing was asked" in texts(shown)
    typed(shown, "HALT")
    typed(shown, "")  # as the second click of a double one
    assert "Nothing was asked" not in texts(shown)
    typed(shown, "FLATTEN")
    typed(shown, "FLATTEN")
    assert [command.kind for command in ledger.commands.pending()] == ["halt", "flatten"]
    assert [each.value for each in shown.text_input if "to confirm" in each.label] == [""]


def test_a_second_press_that_overtakes_the_first_does_not_lose_it(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever interrupts a press at a word that looks into the session's state, the guardian is asked before."""
    shown = opened(monkeypatch, tmp_path, mode="paper")
    look_up = SafeSessionState.__getitem__

    def interrupted(state: SafeSessionState, key: str) -> object:
        if key.startswith("stop_word"):
            raise RerunException(RerunData())
        return look_up(state, key)

    monkeypatch.setattr(SafeSessionState, "__getitem__", interrupted)
    typed(shown, "HALT")
    assert [command.kind for command in ledger.commands.pending()] == ["halt"]


def test_a_command_names_who_asked_for_it(ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The gate hands the name on in a header (see `test_gate.py`); here it comes from there into the ledger's row."""
    monkeypatch.setattr(type(st.context), "headers", {HEADER: quote("Asha Rao <asha@desk.example>")})
    shown = opened(monkeypatch, tmp_path, mode="paper")
    shown.button(key="pause").click().run()
    typed(shown, "HALT")
    assert not shown.exception
    who = [(each.kind, each.asked_by) for each in ledger.commands.pending()]
    assert who == [(kind, "Asha Rao <asha@desk.example>") for kind in ("pause", "halt")]


def test_looking_makes_no_ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = opened(monkeypatch, tmp_path, mode="paper")
    assert "there is no ledger yet" in texts(shown)
    assert not list(tmp_path.rglob("ledger.sqlite"))


def test_words_of_others_become_no_markup(ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    evil = "<script>alert(1)</script>![x](http://evil.example/x.png) :red[x]"
    ledger.set_desk_state(DeskState.HALTED, evil, by="guardian")
    shown = opened(monkeypatch, tmp_path, mode="paper")
    said = next(error.value for error in shown.error if "HALTED" in error.value)
    assert "\\!\\[x\\]\\(http" in said
    assert "\\<script\\>" in said
