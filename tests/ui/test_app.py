from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from agents.settings import Settings
from tests.ui.pages import opened
from ui.keys import KEYS
from ui.palette import COLOUR_BLIND
from ui.views import PAGES

SEED = {"orchestrator", "running", "trades", "last_analysis", "config_updated"}


def headings(shown: AppTest) -> list[str]:
    return [element.proto.body for element in shown.get("html") if "<h1" in element.proto.body]


@pytest.mark.parametrize(("path", "name"), [(path, name) for path, name, _ in PAGES])
def test_a_page_has_one_first_heading(path: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = opened(monkeypatch, tmp_path, mode="paper", view="" if path == "cockpit" else path)
    assert headings(shown) == [f'<h1 class="zd-heard">{name}</h1>']


def test_each_page_has_a_key_of_its_own() -> None:
    assert set(KEYS) == {path for path, _, _ in PAGES}
    assert len(set(KEYS.values())) == len(KEYS)
    assert not {"C", "R"} & set(KEYS.values())  # Streamlit keeps these, the chart goes back with R


def test_a_session_keeps_the_keys_of_earlier_programs(noon: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    state = opened(monkeypatch, noon.data_dir, mode="paper").session_state
    assert all(key in state for key in SEED)
    assert state["orchestrator"] == "active"
    assert state["running"] is False
    assert state["config_updated"] is False
    assert [(trade["setup_id"], trade["held"]) for trade in state["trades"]] == [("setup-1", 75)]
    assert state["last_analysis"]["zones"] > 0
    assert state["last_analysis"]["at"].tzinfo is not None


def test_a_choice_is_told_to_the_session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = opened(monkeypatch, tmp_path, mode="paper", view="settings")
    shown.radio(key="palette_choice").set_value(COLOUR_BLIND).run()
    assert shown.session_state["config_updated"] is True
