"""Zones: where the evidence agrees, and what a judge says of them."""

from pipelines.assets.common import session_asset
from pipelines.resources import Workbench
from pipelines.task import Task
from pipelines.written import Written

_ALSO = ["zone_components", "zone_parts", "explosive_zones", "lifecycle_events", "analysis_candles"]


@session_asset(
    group="zones",
    table="zones",
    deps=["volume_profile", "order_blocks", "fair_value_gaps"],
    kinds={"duckdb", "python", "cython"},
    also=_ALSO,
)
def zones(bench: Workbench, task: Task) -> Written:
    """One row per supply or demand zone, in the session in which it became known.

    A zone is a band where different kinds of evidence for one side lie over each other. Its components, the parts of
    its confidence, its touches and its end have tables of their own.
    """
    from pipelines.steps import write_zones  # noqa: PLC0415  (pandas and DuckDB load when a run starts)

    return write_zones(bench, task)


@session_asset(group="zones", table="verdicts", deps=["zones"], kinds={"duckdb", "openai"}, pool="llm")
def llm_validation(bench: Workbench, task: Task) -> Written:
    """One row per zone and question: what the judge said of it, at the close of the candle at which it was asked.

    Only confirmed zones are traded. The judge is a model, fixed rules where no key is set, or a recording; each row
    names it.
    """
    from pipelines.judging import write_verdicts  # noqa: PLC0415  (pandas, DuckDB and the model's client)

    return write_verdicts(bench, task)
