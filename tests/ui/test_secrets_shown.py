"""No page shows a secret that is set: neither a setting's own value nor one inside an address or an error."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Block

from agents.settings import Settings
from tests.ui.pages import opened, texts
from ui.views import PAGES

# What to plant for a setting that takes no plain word.
ADDRESSES = {
    "alert_urls": "tgram://{}/1 warn=mailto://me:{}@mail.example",
    "dead_man_url": "https://watch.example/{}",
    "openai_base_url": "https://me:{}@model.example/v1",
    "dhan_url": "https://me:{}@dhan.example/v2",
    "dhan_auth_url": "https://me:{}@auth.example",
}
UNREADABLE = "postgresql://me:sesame@127.0.0.1:1/ledger"  # nobody listens there


def planted(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Set every secret there is, and every address that may hold one; return the words that nobody may read."""
    words = set()
    for name, field in Settings.model_fields.items():
        if name == "ledger_url" or ("SecretStr" not in str(field.annotation) and name not in ADDRESSES):
            continue
        word = f"sesame-{name.replace('_', '-')}"
        words.add(word)
        variable = str(field.validation_alias or f"ZONEDESK_{name.upper()}")
        monkeypatch.setenv(variable, ADDRESSES.get(name, "{}").replace("{}", word))
    return words


def said(shown: AppTest) -> str:
    """Return all that a page sends to a browser."""
    assert not shown.exception

    def below(block: Block) -> str:
        return "\n".join(below(one) if isinstance(one, Block) else str(one.proto) for one in block.children.values())

    return below(shown._tree)


@pytest.mark.parametrize("view", ["cockpit", "why"])
def test_a_ledger_that_cannot_be_reached_is_told_without_its_password(
    view: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZONEDESK_LEDGER_URL", UNREADABLE)
    shown = opened(monkeypatch, tmp_path, mode="paper", view="" if view == "cockpit" else view)
    assert "ledger" in texts(shown)
    assert "sesame" not in said(shown)


@pytest.mark.parametrize("view", [path for path, _, _ in PAGES])
def test_no_page_shows_a_secret(view: str, noon: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    words = planted(monkeypatch)
    shown = said(opened(monkeypatch, noon.data_dir, mode="paper", view="" if view == "cockpit" else view))
    assert len(words) >= 10
    assert len(shown) > 1_000
    assert [word for word in sorted(words) if word in shown] == []
