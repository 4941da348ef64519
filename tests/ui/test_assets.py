import re
from pathlib import Path

import pytest
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient
from streamlit import file_util

from ui.assets import FOLDER, PREFIX, ChartFiles, preloads, scripts
from ui.document import preloading

CLIENT = TestClient(ChartFiles(PlainTextResponse("the application")))


def test_a_script_is_sent_once_and_confirmed_from_then_on() -> None:
    first = CLIENT.get(f"{PREFIX}chart.js")
    assert first.text == (FOLDER / "chart.js").read_text(encoding="utf-8")
    assert first.headers["content-type"].startswith("text/javascript")
    assert first.headers["content-encoding"] == "gzip"
    again = CLIENT.get(f"{PREFIX}chart.js", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_a_browser_without_compression_gets_the_same_script() -> None:
    plain = CLIENT.get(f"{PREFIX}ticks.js", headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.text == CLIENT.get(f"{PREFIX}ticks.js").text


def test_all_else_is_left_to_the_application() -> None:
    for path in (
        "/",
        f"{PREFIX}NOTICE.md",
        f"{PREFIX}../chart.py",
        f"{PREFIX}%2e%2e/chart.py",
        f"{PREFIX}deeper/chart.js",
    ):
        assert CLIENT.get(path).text == "the application", path


@pytest.mark.parametrize("chart", [True, False])
def test_a_document_names_scripts_that_there_are(chart: bool) -> None:  # noqa: FBT001 (pytest passes it)
    named = re.findall(r'href="(/[^"]+)"', preloads(chart=chart))
    static = Path(file_util.get_static_dir())
    for address in named:
        place = FOLDER / address.removeprefix(PREFIX) if address.startswith(PREFIX) else static / address[1:]
        assert place.is_file(), address
    own = {address.removeprefix(PREFIX) for address in named if address.startswith(PREFIX)}
    assert own == (set(scripts()) if chart else set())
    assert sum("BidiComponent" in address for address in named) == chart
    assert {re.sub(r".*/([A-Za-z]+)\..*", r"\1", address) for address in named} >= {"Html", "purify", "Button"}
    assert preloads(chart=chart) in preloading(chart=chart)
