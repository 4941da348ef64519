"""Dagster's home: the folder that keeps runs, events and sensor cursors of one mode."""

import json
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import NamedTuple

import dagster as dg

from agents.domain.errors import ConfigError
from agents.settings import Settings

LOCATION = "zonedesk"


class Home(NamedTuple):
    """Where Dagster of one mode lives, and the workspace that its processes are started with."""

    folder: Path
    workspace: Path


def prepare_home(settings: Settings, *, code_server_port: int | None = None) -> Home:
    """Make Dagster's home of `settings.mode` ready, once, before any of its processes starts.

    Several processes that meet an empty home at the same time each try to create its tables and the slower ones die,
    so the tables are created here.

    Parameters
    ----------
    settings : Settings
        Names mode and data folder.
    code_server_port : int, optional
        Port of a code server on this machine. With it, the workspace points there; without it, at the module
        `pipelines.definitions`, which each Dagster process then loads for itself.

    Returns
    -------
    Home
        The folder (`DAGSTER_HOME`) and the workspace file inside it.

    Raises
    ------
    ConfigError
        If the folder cannot be written.
    """
    folder = settings.home / "dagster"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        config = Template((files("pipelines") / "dagster.yaml").read_text(encoding="utf-8"))
        history = json.dumps(str(folder / "history" / "runs"))  # a JSON string is a YAML string too
        (folder / "dagster.yaml").write_text(config.substitute(history=history), encoding="utf-8")
        # Two files: a run by hand beside a desk must not make the desk's processes load the definitions each by itself.
        workspace = folder / ("workspace.yaml" if code_server_port is None else "served.yaml")
        workspace.write_text(_workspace(code_server_port), encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"cannot write Dagster's home {folder}: {error.strerror}; name another --data-dir") from error
    with open_instance(folder) as instance:
        instance.get_run_records(limit=1)
        instance.all_instigator_state()
        instance.get_latest_materialization_event(dg.AssetKey("candles"))
    return Home(folder, workspace)


def open_instance(folder: Path) -> dg.DagsterInstance:
    """Return the instance that keeps its runs in `folder`; close it with a ``with`` block."""
    return dg.DagsterInstance.from_config(str(folder))


def _workspace(port: int | None) -> str:
    """Return a workspace file: JSON, which is YAML too."""
    target: dict[str, dict[str, object]]
    if port is None:
        target = {"python_module": {"module_name": "pipelines.definitions", "location_name": LOCATION}}
    else:
        target = {"grpc_server": {"host": "127.0.0.1", "port": port, "location_name": LOCATION}}
    return json.dumps({"load_from": [target]}, indent=2) + "\n"
