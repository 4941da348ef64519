"""The one Definitions: what Dagster's processes load.

Loading stays quick because pandas, DuckDB, the kernels and the model's client are imported by the runs that use them.
"""

import warnings

import dagster as dg

from agents.settings import Settings, settings
from pipelines.alerts import tell_of_failure
from pipelines.assets import market, options, structure, zones
from pipelines.assets.ledger import ledger_mirror, mirror_job, mirror_schedules
from pipelines.assets.trading import trading_specs
from pipelines.chain_checks import CHAIN_CHECKS
from pipelines.checks import ALL_CHECKS
from pipelines.housekeeping import housekeeping_job, nightly
from pipelines.recording import CHAIN_JOB, chain_clock
from pipelines.resources import MAY_WAIT, RunScope, Workbench
from pipelines.schedule import candle_clock, every_candle, outruns_schedules
from pipelines.trade import trade_clock, trade_cycle

ANALYSIS_JOB = "analysis"
ANALYSIS_ASSETS = (
    market.candles,
    structure.volume_profile,
    structure.order_blocks,
    structure.fair_value_gaps,
    zones.zones,
    zones.llm_validation,
)


def build(settings: Settings, bench: Workbench | None = None) -> dg.Definitions:
    """Return the definitions of a desk with these settings; reads nothing but whether the market is simulated.

    Parameters
    ----------
    settings : Settings
        Mode, data folder, ports.
    bench : Workbench, optional
        The tools of the runs, where they are not those that the settings name.
    """
    bench = bench or Workbench(settings)
    analysis = dg.define_asset_job(
        ANALYSIS_JOB,
        selection=dg.AssetSelection.assets(*ANALYSIS_ASSETS),
        executor_def=dg.in_process_executor,
        tags={**MAY_WAIT, "dagster/max_runtime": "600", "dagster/priority": "5"},
        description="Candles to judged zones, for one session date or a range of them.",
    )
    recording = dg.define_asset_job(
        CHAIN_JOB,
        selection=dg.AssetSelection.assets(options.option_chain),
        executor_def=dg.in_process_executor,
        # Never tried again: the next chain is due soon enough.
        tags={"dagster/max_retries": "0", "dagster/max_runtime": "120", "dagster/priority": "8"},
        description="Records the option chains that are traded, with bids and asks.",
    )
    housekeeping = housekeeping_job([asset.key for asset in (*ANALYSIS_ASSETS, options.option_chain)])
    mirror = mirror_job()
    recorders = [] if settings.mode == "replay" else [chain_clock(bench)]  # a recording has the chains that it has
    fast = outruns_schedules(settings)
    schedules = [] if fast else [every_candle(bench, ANALYSIS_JOB)]
    recorders += [candle_clock(bench, ANALYSIS_JOB)] if fast else []
    return dg.Definitions(
        assets=[market.raw_candles, options.option_chain, *ANALYSIS_ASSETS, *trading_specs(settings), ledger_mirror],
        asset_checks=[*ALL_CHECKS, *CHAIN_CHECKS],
        jobs=[analysis, trade_cycle, recording, housekeeping, mirror],
        schedules=[*schedules, nightly(bench, housekeeping), *mirror_schedules(mirror)],
        sensors=[trade_clock(bench), tell_of_failure(bench), *recorders],
        resources={"bench": bench, "scope": RunScope()},
        # Also for runs started by hand and for backfills: one process a run, not one a step.
        executor=dg.in_process_executor,
    )


# Dagster warns of its own default for a sensor's `owners` whenever it binds resources to one, and in each run of the
# logging that its own configuration file names.
warnings.filterwarnings("ignore", message="Parameter `owners`", category=dg.BetaWarning)
warnings.filterwarnings("ignore", message="Handling yaml-defined logging", category=dg.BetaWarning)
defs = build(settings())
