import os
import signal
import subprocess
import sys
import time
import tomllib
import urllib.error
import urllib.request
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlencode

import pytest
from streamlit import config
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from agents.settings import Settings
from tests.browser.desks import free_port
from zonedesk.services import DASHBOARD, services

PASSWORD = "correct horse"
ROOT = Path(__file__).resolve().parents[2]
SERVER = ROOT / "ui" / "server.py"
CONFIG = tomllib.loads((ROOT / "ui" / ".streamlit" / "config.toml").read_text())


def test_no_garbage_is_collected_after_each_refresh_and_this_streamlit_knows_the_option() -> None:
    assert CONFIG["runner"]["postScriptGC"] is False
    assert "runner.postScriptGC" in config.get_config_options()


def test_the_options_keep_the_dashboard_on_this_machine() -> None:
    assert CONFIG["server"]["address"] == "127.0.0.1"
    assert CONFIG["server"]["allowedHosts"] == ["localhost", "127.0.0.1"]
    assert CONFIG["server"]["enableCORS"] is True
    assert CONFIG["server"]["enableStaticServing"] is False
    assert CONFIG["server"]["enableXsrfProtection"] is True
    assert CONFIG["server"]["enableAgentApi"] is False
    assert CONFIG["server"]["maxUploadSize"] == CONFIG["server"]["maxWidgetStateSize"] == 1
    assert CONFIG["client"]["showErrorDetails"] == "none"
    assert CONFIG["browser"]["gatherUsageStats"] is False


def test_every_option_exists_in_this_streamlit() -> None:
    known = config.get_config_options()
    wanted = {f"{group}.{name}" for group, values in CONFIG.items() for name in values}
    assert {name for name in wanted if name not in {"theme.dark", "theme.light"}} <= set(known)


def test_a_desk_starts_the_dashboard_on_this_machine_whatever_the_environment_says(tmp_path: Path) -> None:
    found = {each.name: each for each in services(Settings(_env_file=None), tmp_path / "workspace.yaml", 4000)}
    words = found[DASHBOARD].command
    assert words[words.index("--server.address") + 1] == "127.0.0.1"
    assert words[words.index("--runner.postScriptGC") + 1] == "false"


def environment(folder: Path, password: str) -> dict[str, str]:
    return {
        **os.environ,
        "ZONEDESK_DATA_DIR": str(folder),
        "ZONEDESK_MODE": "paper",
        "ZONEDESK_DASHBOARD_PASSWORD": password,
    }


def started(folder: Path, port: int, password: str, *more: str) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "streamlit", "run", str(SERVER), "--server.port", str(port), *more]
    with (folder / "server.log").open("wb") as log:
        return subprocess.Popen(command, env=environment(folder, password), cwd=folder, stdout=log, stderr=log)


def status(url: str, **headers: str) -> int:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=10) as reply:
            return int(reply.status)
    except urllib.error.HTTPError as error:
        return error.code


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    """A running server's address, and its process. Its password is `PASSWORD`."""
    folder, port = tmp_path_factory.mktemp("server"), free_port()
    process = started(folder, port, PASSWORD)
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 180
        while True:
            try:
                assert status(f"{url}/healthz") == 200
                break
            except OSError:
                assert process.poll() is None, (folder / "server.log").read_text()
                assert time.monotonic() < deadline
                time.sleep(0.2)
        yield url, process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def signed_in(url: str) -> str:
    """Return the cookie of somebody who gave the password."""
    asked = urllib.request.Request(f"{url}/login", data=urlencode({"password": PASSWORD}).encode())
    with pytest.raises(urllib.error.HTTPError) as led_on:  # a redirection that is not followed
        urllib.request.build_opener(Stay).open(asked, timeout=20)
    assert led_on.value.code == 303
    return str(led_on.value.headers["set-cookie"]).partition(";")[0]


class Stay(urllib.request.HTTPRedirectHandler):
    """Follows no redirection."""

    def redirect_request(self, *_: object) -> None:  # None is how it is said
        return None


def opens(url: str, **headers: str) -> bool:
    """Whether the server's socket opens."""
    address = f"{url.replace('http', 'ws')}/_stcore/stream"
    origin = headers.pop("origin", None)
    try:
        with connect(address, origin=Origin(origin) if origin else None, additional_headers=headers, proxy=None):
            return True
    except InvalidStatus as refusal:
        if refusal.response.status_code == HTTPStatus.FORBIDDEN:
            return False
        raise


# One story, told in order: each test below costs nothing beside the server's start.
@pytest.mark.process
def test_a_running_server_serves_nobody_who_did_not_sign_in(server: tuple[str, object]) -> None:
    url, _ = server
    paths = ("/api/candles", "/api/stream", "/_stcore/health", "/_stcore/host-config", "/static/x.js", "/media/x", "/x")
    assert {status(f"{url}{path}") for path in paths} == {401}
    assert status(f"{url}/", Host="evil.example") == 400
    assert status(f"{url}/healthz", Origin="http://evil.example") == 403
    for headers in (
        {},
        {"origin": url},
        {"origin": url, "cookie": "zonedesk_gate=x"},
        {"origin": "http://evil.example"},
    ):
        assert not opens(url, **headers)


@pytest.mark.process
def test_a_running_server_serves_whoever_signed_in_from_its_own_pages_only(server: tuple[str, object]) -> None:
    url, _ = server
    cookie = signed_in(url)
    assert opens(url, cookie=cookie, origin=url)
    for origin in ("http://evil.example", "null", "http://127.0.0.1:1"):
        assert not opens(url, cookie=cookie, origin=origin)
    assert not opens(url, cookie=cookie)
    assert not opens(url, cookie=cookie, origin="http://evil.example", host="evil.example")
    asked = urllib.request.Request(f"{url}/", headers={"cookie": cookie})
    with urllib.request.urlopen(asked, timeout=10) as page:
        assert "content-security-policy" in page.headers
        assert page.headers["cache-control"] == "no-store"


@pytest.mark.process
def test_an_open_stream_does_not_keep_the_server_alive(server: tuple[str, "subprocess.Popen[bytes]"]) -> None:
    url, process = server
    asked = urllib.request.Request(f"{url}/api/stream", headers={"cookie": signed_in(url)})
    with urllib.request.urlopen(asked, timeout=10) as stream:
        assert stream.readline().startswith(b"retry")
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) is not None
