import re
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient
from streamlit import file_util

from agents.domain.errors import ConfigError
from ui import document
from ui.keys import KEYS
from ui.views import PAGES


@pytest.fixture(scope="module")
def client() -> TestClient:
    return TestClient(Starlette(routes=list(document.page_routes())))


def test_each_page_is_told_where_the_server_is_before_streamlit_runs(client: TestClient) -> None:
    for path in ("", *(path for path, _, _ in PAGES)):
        reply = client.get(f"/{path}")
        assert reply.status_code == 200
        assert reply.headers["cache-control"] == "no-cache"
        assert reply.text.index(document.SCRIPT) < reply.text.index('type="module"')
        assert "<title>zonedesk</title>" in reply.text
    assert client.get("/chain/_stcore/health").status_code == 404
    assert client.get("/favicon.png").status_code == 404


def test_this_streamlit_reads_where_its_server_is() -> None:
    scripts = Path(file_util.get_static_dir()).glob("static/js/index.*.js")
    assert any(
        re.search(r"window\.__streamlit\b", text := path.read_text())
        and ".BACKEND_BASE_URL)" in text
        and "enableBypass" in text  # with the two settings of HOST_CONFIG it asks nothing before it opens its socket
        and re.search(r"HOST_CONFIG;if\(.*?allowedOrigins:.*?useExternalAuthToken:", text)
        for path in scripts
    )


def test_each_page_has_a_key_in_its_document(client: TestClient) -> None:
    found = re.search(r'<meta name="zonedesk-keys" content="([^"]*)">', client.get("/health").text)
    assert found is not None
    pairs = dict(pair.split("=") for pair in found.group(1).split())
    assert pairs == {key.lower(): f"/{'' if path == 'cockpit' else path}" for path, key in KEYS.items()}


def test_a_document_that_cannot_be_told_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "index.html").write_text("<html></html>")
    monkeypatch.setattr(file_util, "get_static_dir", lambda: str(tmp_path))
    document.document.cache_clear()
    try:
        with pytest.raises(ConfigError, match=r"requirements\.lock"):
            document.document()
    finally:
        document.document.cache_clear()
