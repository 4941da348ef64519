"""A small simulated market, made once and copied for each test."""

import shutil
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import dagster as dg
import pytest

from agents.bootstrap import open_store
from agents.settings import Settings
from pipelines.definitions import ANALYSIS_JOB, build
from pipelines.resources import Workbench
from tests.pipelines.markets import LAST
from zonedesk.market import simulate_history

SESSIONS = 12

Analyse = Callable[..., dg.ExecuteInProcessResult]


@pytest.fixture(scope="session")
def market(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a store of simulated sessions, the last one on `LAST`."""
    folder = tmp_path_factory.mktemp("market")
    settings = Settings(mode="replay", data_dir=folder)
    store = open_store(settings, now=lambda: datetime.now(UTC))
    simulate_history(store, "NIFTY", sessions=SESSIONS, seed=3, future="NIFTY-I", last=LAST)
    return folder


@pytest.fixture
def settings(market: Path, tmp_path: Path) -> Settings:
    shutil.copytree(market, tmp_path / "data")
    return Settings(mode="replay", data_dir=tmp_path / "data", judge="rules")


@pytest.fixture
def bench(settings: Settings) -> Workbench:
    return Workbench(settings, pause=lambda _: None)


@pytest.fixture
def analyse() -> Analyse:
    """Runs the analysis job in this process, without leaving a trace in any Dagster home."""

    def run(
        bench: Workbench,
        *days: date,
        tags: dict[str, str] | None = None,
        instance: dg.DagsterInstance | None = None,
        **scope: object,
    ) -> dg.ExecuteInProcessResult:
        job = build(bench.settings, bench).resolve_job_def(ANALYSIS_JOB)
        if len(days) == 1:
            chosen = {"dagster/partition": days[0].isoformat()}
        else:
            chosen = {
                "dagster/asset_partition_range_start": days[0].isoformat(),
                "dagster/asset_partition_range_end": days[-1].isoformat(),
            }
        return job.execute_in_process(
            run_config={
                "resources": {"scope": {"config": {"settle_seconds": 0.0, **scope}}},
                "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
            },
            tags={**chosen, **(tags or {})},
            instance=instance,
            raise_on_error=False,
        )

    return run
