"""Structure: where volume traded, which blocks moved price, which gaps it left."""

from pipelines.assets.common import session_asset
from pipelines.resources import Workbench
from pipelines.task import Task
from pipelines.written import Written

_KINDS = {"duckdb", "python", "cython"}


@session_asset(group="structure", table="volume_profile", deps=["candles"], kinds=_KINDS, also=["volume_profile_rows"])
def volume_profile(bench: Workbench, task: Task) -> Written:
    """One row per instrument, candle and scope: point of control and value area as known at the candle's close.

    An index trades no volume of its own, so its future's is moved to it by the basis; `source` names a substitute.
    """
    from pipelines.steps import write_volume_profile  # noqa: PLC0415  (pandas and DuckDB load when a run starts)

    return write_volume_profile(bench, task)


@session_asset(group="structure", table="order_blocks", deps=["candles"], kinds=_KINDS, also=["lifecycle_events"])
def order_blocks(bench: Workbench, task: Task) -> Written:
    """One row per order block, in the session in which it became known; what became of it is in `lifecycle_events`."""
    from pipelines.steps import write_order_blocks  # noqa: PLC0415  (pandas and DuckDB load when a run starts)

    return write_order_blocks(bench, task)


@session_asset(group="structure", table="fair_value_gaps", deps=["candles"], kinds=_KINDS, also=["lifecycle_events"])
def fair_value_gaps(bench: Workbench, task: Task) -> Written:
    """One row per fair value gap, in the session in which it became known; its filling is in `lifecycle_events`."""
    from pipelines.steps import write_fair_value_gaps  # noqa: PLC0415  (pandas and DuckDB load when a run starts)

    return write_fair_value_gaps(bench, task)
