"""How tests open the dashboard's pages without a browser."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

APP = str(Path(__file__).resolve().parents[2] / "ui" / "app.py")


def opened(monkeypatch: pytest.MonkeyPatch, folder: Path, *, mode: str, view: str = "") -> AppTest:
    """Return a page of a desk's folder, the first one unless the path of another is given."""
    monkeypatch.setenv("ZONEDESK_MODE", mode)
    monkeypatch.setenv("ZONEDESK_DATA_DIR", str(folder))
    shown = AppTest.from_file(APP, default_timeout=60).run()
    if view:
        shown._page_hash = calc_hash(view)  # switch_page knows files only
        shown.run()
    return shown


def texts(shown: AppTest) -> str:
    """Return all that a page says, marks of Markdown taken out."""
    kinds = ("markdown", "caption", "info", "warning", "error")
    found = [element.value for kind in kinds for element in getattr(shown, kind)]
    found += [element.proto.body for element in shown.get("html")]
    return "\n".join(found).replace("\\", "")
