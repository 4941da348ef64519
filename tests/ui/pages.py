"""How tests open the dashboard's pages without a browser."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

APP = str(Path(__file__).resolve().parents[2] / "ui" / "app.py")


def opened(monkeypatch: pytest.MonkeyPatch, folder: Path, *, mode: str, view: str = "") -> AppTest:
    """Return a page of a desk's folder, the first one unless its file in `ui/views` is named."""
    monkeypatch.setenv("ZONEDESK_MODE", mode)
    monkeypatch.setenv("ZONEDESK_DATA_DIR", str(folder))
    shown = AppTest.from_file(APP, default_timeout=60).run()
    return shown.switch_page(view).run() if view else shown


def texts(shown: AppTest) -> str:
    """Return all that a page says, marks of Markdown taken out."""
    kinds = ("markdown", "caption", "info", "warning", "error")
    found = [element.value for kind in kinds for element in getattr(shown, kind)]
    found += [element.proto.body for element in shown.get("html")]
    return "\n".join(found).replace("\\", "")
