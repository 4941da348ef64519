"""What Dagster loads: everything is there, described, and loads quickly."""

import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from agents.settings import Settings
from pipelines.assets.options import option_chain
from pipelines.definitions import ANALYSIS_ASSETS, build, defs
from pipelines.tables import MEANINGS, declared


def test_definitions_load_and_resolve() -> None:
    dg.Definitions.validate_loadable(defs)


def test_the_lineage_is_what_it_is() -> None:
    graph = defs.resolve_asset_graph()
    lineage = {
        key.to_user_string(): sorted(parent.to_user_string() for parent in graph.get(key).parent_keys)
        for key in graph.get_all_asset_keys()
    }
    assert lineage == {
        "raw_candles": [],
        "candles": ["raw_candles"],
        "volume_profile": ["candles"],
        "order_blocks": ["candles"],
        "fair_value_gaps": ["candles"],
        "zones": ["fair_value_gaps", "order_blocks", "volume_profile"],
        "llm_validation": ["zones"],
        "option_chain": [],
        "cycles": ["llm_validation", "option_chain"],
        "trades": ["cycles"],
        "ledger_mirror": ["cycles", "trades"],
        "dashboard": ["llm_validation", "trades", "zones"],
    }


def test_jobs_clocks_and_checks_have_their_names() -> None:
    repository = defs.get_repository_def()
    assert {"analysis", "trade_cycle", "record_chain", "housekeeping", "mirror"} <= set(repository.job_names)
    assert {schedule.name for schedule in repository.schedule_defs} == {
        "every_candle",
        "nightly_housekeeping",
        "hourly_mirror",
    }
    assert {sensor.name for sensor in repository.sensor_defs} == {"trade_clock", "chain_clock", "tell_of_failure"}
    checks = {key.name: key.asset_key.to_user_string() for key in repository.asset_graph.asset_check_keys}
    assert checks == {
        "candles_are_sound": "candles",
        "candles_are_fresh": "candles",
        "scheduled_run_adds_candles": "candles",
        "session_is_complete": "candles",
        "zones_do_not_look_ahead": "zones",
        "zones_cite_stored_findings": "zones",
        "llm_answered": "llm_validation",
        "chain_is_two_sided": "option_chain",
        "spot_lies_within_the_strikes": "option_chain",
        "chain_is_fresh": "option_chain",
    }


@pytest.mark.parametrize(("mode", "status"), [("paper", "RUNNING"), ("live", "STOPPED")])
def test_trading_live_is_armed_by_hand(mode: str, status: str, tmp_path: Path) -> None:
    made = build(Settings.model_validate({"mode": mode, "data_dir": tmp_path}))
    assert made.get_repository_def().get_sensor_def("trade_clock").default_status.value == status


def test_a_replay_asks_nobody_for_chains(tmp_path: Path) -> None:
    made = build(Settings.model_validate({"mode": "replay", "data_dir": tmp_path}))
    assert "chain_clock" not in {sensor.name for sensor in made.get_repository_def().sensor_defs}


@pytest.mark.parametrize("asset", [*ANALYSIS_ASSETS, option_chain], ids=lambda asset: asset.key.to_user_string())
def test_every_asset_says_what_a_row_is_and_what_its_columns_mean(asset: dg.AssetsDefinition) -> None:
    spec = next(iter(asset.specs))
    assert str(spec.description).startswith("One row per")
    assert spec.owners
    assert spec.kinds
    assert spec.code_version
    schema = spec.metadata["dagster/column_schema"]
    assert schema.columns
    assert all(column.description for column in schema.columns)


def test_every_column_of_the_shown_tables_has_a_meaning() -> None:
    shown = {"candles", "session_candles", "volume_profile", "order_blocks", "fair_value_gaps", "explosive_zones"}
    shown |= {"zones", "zone_components", "zone_parts", "lifecycle_events", "analysis_candles", "verdicts"}
    shown |= {"cycles", "trades", "option_quotes"}
    names = {column for table in shown for column, _ in declared()[table].columns}
    assert names <= set(MEANINGS)


def test_loading_brings_neither_pandas_nor_duckdb() -> None:
    code = (
        "import sys, pipelines.definitions; print(sorted({'pandas', 'duckdb', 'openai', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
