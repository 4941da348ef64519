import json
import os
import signal
import subprocess
import sys
import time
import tomllib
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit import config

from tests.browser.desks import free_port

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
    assert CONFIG["client"]["showErrorDetails"] == "none"
    assert CONFIG["browser"]["gatherUsageStats"] is False


def test_every_option_exists_in_this_streamlit() -> None:
    known = config.get_config_options()
    wanted = {f"{group}.{name}" for group, values in CONFIG.items() for name in values}
    assert {name for name in wanted if name not in {"theme.dark", "theme.light"}} <= set(known)


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


@pytest.fixture(scope="module", params=["", "correct horse"], ids=["open", "locked"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """A running server's address, and its password."""
    folder, port = tmp_path_factory.mktemp("server"), free_port()
    process = started(folder, port, request.param)
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                assert status(f"{url}/healthz") == 200
                break
            except OSError:
                assert process.poll() is None, (folder / "server.log").read_text()
                assert time.monotonic() < deadline
                time.sleep(0.2)
        yield url, request.param
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


@pytest.mark.process
def test_every_route_is_behind_the_gate(server: tuple[str, str]) -> None:
    url, password = server
    paths = ("/api/candles", "/_stcore/health", "/_stcore/host-config", "/_stcore/metrics", "/static/x.js")
    wanted = {401} if password else {200, 404}
    assert {status(f"{url}{path}") for path in paths} <= wanted
    assert status(f"{url}/healthz") == 200
    assert status(f"{url}/", Host="evil.example") == 400


@pytest.mark.process
def test_candles_are_refused_for_a_length_nobody_has(server: tuple[str, str]) -> None:
    url, password = server
    if password:
        return
    assert status(f"{url}/api/candles?minutes=7") == 400
    assert status(f"{url}/api/candles?since=x") == 400
    with urllib.request.urlopen(f"{url}/api/candles", timeout=10) as reply:
        assert json.load(reply)["candles"] == []


@pytest.mark.process
def test_an_open_stream_does_not_keep_the_server_alive(tmp_path: Path) -> None:
    port = free_port()
    process = started(tmp_path, port, "")
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                stream = urllib.request.urlopen(f"http://127.0.0.1:{port}/api/stream", timeout=10)
                break
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.2)
        with stream:
            assert stream.readline().startswith(b"retry")
            process.send_signal(signal.SIGTERM)
            assert process.wait(15) is not None
    finally:
        process.kill()


@pytest.mark.process
def test_the_server_does_not_start_beyond_loopback_without_a_password(tmp_path: Path) -> None:
    process = started(tmp_path, free_port(), "", "--server.address", "0.0.0.0")
    try:
        assert process.wait(60) != 0
    finally:
        process.kill()
    assert "ZONEDESK_DASHBOARD_PASSWORD" in (tmp_path / "server.log").read_text()
