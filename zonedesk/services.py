"""The processes of a desk and how each is started."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from agents.settings import Settings
from zonedesk.ports import HOST
from zonedesk.supervise import Service

EXCHANGE = "exchange"
FEED = "feed"
GUARDIAN = "guardian"
CODE_SERVER = "code-server"
DAEMON = "daemon"
WEBSERVER = "dagster"
DASHBOARD = "dashboard"

# The rest stands in ui/.streamlit/config.toml.
STREAMLIT_OPTIONS = (
    ("server.address", HOST),
    ("server.headless", "true"),
    ("server.allowedHosts", "localhost"),
    ("server.allowedHosts", "127.0.0.1"),
    ("browser.gatherUsageStats", "false"),
    ("browser.serverAddress", HOST),
    ("runner.postScriptGC", "false"),
)


class Prepared(NamedTuple):
    """What the processes are started with. It stands here so that the supervisor loads none of what prepared it."""

    dagster_home: Path
    workspace: Path
    code_port: int


def services(settings: Settings, workspace: Path, code_port: int) -> list[Service]:
    """Return the processes of the paper desk, in the order in which they are started."""
    python = sys.executable
    dagster_url = f"http://{HOST}:{settings.dagster_port}"
    dashboard_url = f"http://{HOST}:{settings.dashboard_port}"
    code = (python, "-m", "pipelines.serving", "-m", "pipelines.definitions", "-h", HOST, "-p", str(code_port))
    web = (python, "-m", "dagster_webserver", "-h", HOST, "-p", str(settings.dagster_port), "-w", str(workspace))
    daemon = (python, "-m", "dagster._daemon", "run", "-w", str(workspace))
    app = str(Path(__file__).resolve().parents[1] / "ui" / "server.py")
    options = [part for name, value in STREAMLIT_OPTIONS for part in (f"--{name}", value)]
    dashboard = (python, "-m", "streamlit", "run", app, "--server.port", str(settings.dashboard_port), *options)
    exchange = (python, "-m", "zonedesk.cli", "exchange", "--with-desk", "--port", str(settings.exchange_port))
    feed = (python, "-m", "zonedesk.cli", "feed")
    return [
        Service(
            EXCHANGE, (*exchange, "--control-port", "0"), check=f"tcp://{HOST}:{settings.exchange_port}", stop_rank=2
        ),
        Service(CODE_SERVER, code, check=f"tcp://{HOST}:{code_port}", stop_rank=1),
        Service(FEED, feed),
        Service(GUARDIAN, (python, "-m", "zonedesk.cli", "guardian")),
        Service(DAEMON, daemon),
        Service(WEBSERVER, web, check=f"{dagster_url}/server_info", address=dagster_url),
        Service(DASHBOARD, dashboard, check=f"{dashboard_url}/healthz", address=dashboard_url),
    ]


def environment(settings: Settings, dagster_home: Path) -> Mapping[str, str]:
    """Return what the processes find in their environment: the desk's mode and folder, and nothing that phones home."""
    return {
        **os.environ,
        "ZONEDESK_MODE": settings.mode,
        "ZONEDESK_DATA_DIR": str(settings.data_dir.resolve()),
        "DAGSTER_HOME": str(dagster_home),
        "DAGSTER_DISABLE_TELEMETRY": "1",
        "PYTHONUNBUFFERED": "1",
        # Each thread with a heap of its own costs more memory than sharing costs time; numbers here are small.
        "MALLOC_ARENA_MAX": "2",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
