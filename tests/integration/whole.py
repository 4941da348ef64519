"""A whole desk under its supervisor, ``zonedesk up``, whose guardian and runs can be doomed.

Run as ``python -m tests.integration.whole``, with the options of ``zonedesk``. The processes, their supervision and
their settings are the desk's own, but for the guardian of `tests.integration.guarded`, the code location of
`tests.integration.doomed_cycles`, and how soon Dagster notices that a run is dead.
"""

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import requests

import zonedesk.cli
import zonedesk.desk
import zonedesk.prepare
from agents.settings import Settings
from pipelines.home import Home
from tests.integration.guardians import ROOT, Driver, Program, free_port, until
from zonedesk.home import DeskHome
from zonedesk.services import CODE_SERVER, GUARDIAN, services
from zonedesk.supervise import Service

SESSIONS, TRADE_JOB = 5, "trade_cycle"
FASTER = ("poll_interval_seconds: 10", "poll_interval_seconds: 2")
READY_SECONDS = 300.0
_SELECTOR = {"repositoryLocationName": "zonedesk", "repositoryName": "__repository__", "jobName": TRADE_JOB}
_LAUNCH = """mutation($selector: JobOrPipelineSelector!) {
  done: launchRun(executionParams: {selector: $selector, runConfigData: {}, mode: "default"}) {
    __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""
_AGAIN = """mutation($run: String!) {
  done: launchRunReexecution(reexecutionParams: {parentRunId: $run, strategy: ALL_STEPS}) {
    __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""
_RUNS = """query($job: String!) {
  done: runsOrError(filter: {pipelineName: $job}, limit: 50) {
    ... on Runs { results { runId status tags { key value } } } } }"""


class WholeDesk(Driver):
    """``zonedesk up`` on a folder of its own, five times as fast as the clock, and what its people would do with it.

    It never trades by itself: its threshold asks for certainty. What it trades is wished for.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        dagster, dashboard, exchange = free_port(), free_port(), free_port()
        environment = {"ZONEDESK_DAGSTER_PORT": str(dagster), "ZONEDESK_DASHBOARD_PORT": str(dashboard)}
        environment |= {"ZONEDESK_EXCHANGE_PORT": str(exchange)}
        environment |= {"ZONEDESK_DATA_DIR": str(folder), "ZONEDESK_OPS_PORT": "0", "PYTHONPATH": str(ROOT)}
        environment |= {"ZONEDESK_PROBABILITY_THRESHOLD": "1.0", "ZONEDESK_JUDGE": "rules"}
        self.program = Program(folder / "up.log", {**os.environ, **environment})
        self._settings = Settings(mode="paper", data_dir=folder, exchange_port=exchange, dagster_port=dagster)

    def __enter__(self) -> Self:
        self.program.start("tests.integration.whole", "up", "--history", str(SESSIONS))
        home = DeskHome.of(self._settings)
        try:
            until(lambda: home.read_status().get("state") == "ready", READY_SECONDS, self.program)
        except AssertionError:
            self.program.terminate()
            raise
        super().__init__(self._settings)
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
        self.program.terminate()

    def service(self, name: str) -> dict[str, Any]:  # Any: JSON
        """Return what the supervisor says of a process."""
        found: list[dict[str, Any]] = self.home.read_status()["services"]
        return next(each for each in found if each["name"] == name)

    def pid(self, name: str) -> int:
        return int(self.service(name)["pid"])

    def is_restarted(self, name: str, after: int) -> bool:
        """Whether another process than `after` does the work of a service."""
        service = self.service(name)
        return service["pid"] not in {None, after} and service["state"] == "ready"

    def launch(self) -> str:
        """Start a trade cycle by hand, and return its run."""
        return self._launched(_LAUNCH, selector=_SELECTOR)

    def launch_again(self, run: str) -> str:
        """Execute a run once more, as a person does in Dagster's pages, and return the new run."""
        return self._launched(_AGAIN, run=run)

    def runs(self) -> dict[str, str]:
        """Return the trade cycles and how they stand."""
        return {run["runId"]: run["status"] for run in self._ask(_RUNS, job=TRADE_JOB)["results"]}

    def failed(self) -> set[str]:
        """Return the trade cycles that failed or were killed."""
        return {run for run, status in self.runs().items() if status == "FAILURE"}

    def heal(self) -> None:
        """Take all faults of the exchange out."""
        self.control("DELETE", "/faults")

    def slots(self) -> set[str]:
        """Return the runs that the three-minute clock asked for."""
        found = self._ask(_RUNS, job=TRADE_JOB)["results"]
        return {run["runId"] for run in found if any(tag["key"] == "dagster/sensor_name" for tag in run["tags"])}

    def _launched(self, mutation: str, **variables: Any) -> str:
        done = self._ask(mutation, **variables)
        assert done["__typename"] == "LaunchRunSuccess", done
        return str(done["run"]["runId"])

    def _ask(self, query: str, **variables: Any) -> Any:  # Any: JSON
        url = f"http://127.0.0.1:{self.settings.dagster_port}/graphql"
        reply = requests.post(url, json={"query": query, "variables": variables}, timeout=30)
        assert reply.ok, reply.text
        return reply.json()["data"]["done"]


def main() -> None:
    """Run the command line with the processes that can be doomed."""
    prepare: Any = zonedesk.prepare
    real_home = prepare.prepare_home

    def doomed(settings: Settings, workspace: Path, code_port: int) -> list[Service]:
        return [_doomed(one, settings) for one in services(settings, workspace, code_port)]

    def quick_home(settings: Settings, *, code_server_port: int | None = None) -> Home:
        home: Home = real_home(settings, code_server_port=code_server_port)
        config = home.folder / "dagster.yaml"
        text = config.read_text()
        assert FASTER[0] in text
        config.write_text(text.replace(*FASTER))
        return home

    desk: Any = zonedesk.desk
    desk.services, prepare.prepare_home = doomed, quick_home
    zonedesk.cli.main()


def _doomed(service: Service, settings: Settings) -> Service:
    if service.name == GUARDIAN:
        command = (sys.executable, "-m", "tests.integration.guarded")
        return replace(service, command=(*command, str(settings.data_dir), str(settings.exchange_port)))
    if service.name == CODE_SERVER:
        assert "pipelines.definitions" in service.command
        location = "tests.integration.doomed_cycles"
        return replace(
            service, command=tuple(location if word == "pipelines.definitions" else word for word in service.command)
        )
    return service


if __name__ == "__main__":
    main()
