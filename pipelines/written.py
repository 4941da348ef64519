"""What a run wrote, and how Dagster shows it: rows and counts of each partition, a preview, pictures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, cast

import dagster as dg

from agents.domain.values import IST
from pipelines.charts import as_markdown
from pipelines.resources import Workbench
from pipelines.task import Task

if TYPE_CHECKING:
    import pandas as pd

_PREVIEW_ROWS = 8
_HIDDEN = frozenset({"instrument", "session", "recorded_at", "call_key", "prompt_sha"})


@dataclass
class Written:
    """What one asset wrote into its tables.

    Attributes
    ----------
    table : str
        The table the asset is named after.
    rows : mapping of date to DataFrame
        Its rows, by session.
    inserted, removed, unchanged : int
        What the merges of all its tables did.
    pictures : mapping of date to mapping of str to str
        SVG by session and name.
    facts : mapping of date to mapping
        Further metadata by session (Any: whatever Dagster can show).
    """

    table: str
    rows: "dict[date, list[pd.DataFrame]]" = field(default_factory=dict)
    inserted: int = 0
    removed: int = 0
    unchanged: int = 0
    pictures: dict[date, dict[str, str]] = field(default_factory=dict)
    facts: dict[date, dict[str, Any]] = field(default_factory=dict)  # Any: see above

    def merge(
        self,
        bench: Workbench,
        task: Task,
        frames: "Mapping[str, pd.DataFrame]",
        scope: Mapping[str, object],
        *,
        shown: bool = True,
    ) -> None:
        """Make the stored rows of `scope` equal to `frames`, in one transaction, and remember what that did.

        Rows of the main table count and are previewed as the asset's own where `shown`.
        """
        from agents.data.findings import merge_findings  # noqa: PLC0415  (DuckDB loads when a run starts)

        for done in merge_findings(bench.store, frames, scope=scope, until=task.cut).values():
            self.inserted += done.inserted
            self.removed += done.removed
            self.unchanged += done.unchanged
        if shown and self.table in frames:
            for on, part in frames[self.table].groupby("session", sort=False):
                self.rows.setdefault(cast("date", on), []).append(part)

    def picture(self, on: date, name: str, svg: str) -> None:
        """Add a picture to a session's metadata."""
        self.pictures.setdefault(on, {})[name] = svg

    def fact(self, on: date, **facts: Any) -> None:  # Any: whatever Dagster can show
        """Add further metadata to a session."""
        self.facts.setdefault(on, {}).update(facts)


def publish(context: dg.AssetExecutionContext, task: Task, written: Written) -> None:
    """Attach to each partition what was written for it."""
    for session in task.sessions:
        frames = written.rows.get(session.on, [])
        count = sum(len(frame) for frame in frames)
        metadata: dict[str, Any] = {  # Any: whatever Dagster can show
            "dagster/row_count": count,
            "dagster/partition_row_count": count,
            "rows_inserted": written.inserted,
            "rows_removed": written.removed,
            "rows_unchanged": written.unchanged,
            "as_of": dg.MetadataValue.timestamp(task.known(session)),
            "instruments": ", ".join(task.instruments),
            **{name: as_markdown(svg, name) for name, svg in written.pictures.get(session.on, {}).items()},
            **written.facts.get(session.on, {}),
        }
        if frames:
            metadata["preview"] = dg.MetadataValue.md(preview(frames))
        context.add_asset_metadata(metadata, partition_key=session.on.isoformat())
    context.log.info(
        "%s: %d sessions, %d rows new, %d removed, %d as they were",
        written.table, len(task.sessions), written.inserted, written.removed, written.unchanged,
    )  # fmt: skip


def preview(frames: "Sequence[pd.DataFrame]") -> str:
    """Return the last rows as a Markdown table, without the columns that are the same in all of them."""
    frame = frames[0].tail(_PREVIEW_ROWS)
    names = [name for name in frame.columns if name not in _HIDDEN]
    head = f"| {' | '.join(names)} |\n|{'---|' * len(names)}\n"
    body = "\n".join(f"| {' | '.join(_cell(row[name]) for name in names)} |" for _, row in frame.iterrows())
    more = sum(len(each) for each in frames) - len(frame)
    return head + body + (f"\n\n… and {more} rows more" if more > 0 else "")


def _cell(value: Any) -> str:  # Any: whatever a column holds
    if hasattr(value, "tzinfo") and value.tzinfo is not None:
        return str(value.astimezone(IST).strftime("%d %b %H:%M"))
    if isinstance(value, float):
        return f"{value:,.3f}"
    return str(value)
