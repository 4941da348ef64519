"""Which Dagster run recorded a row, read from Dagster's own log without loading Dagster."""

import json
import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path

from agents.settings import Settings

# A run logs a materialisation after it has written the rows: so the first one since a row was recorded is its run's.
_FIRST_SINCE = """
    select run_id from event_logs
    where dagster_event_type = 'ASSET_MATERIALIZATION' and asset_key = ? and partition = ? and timestamp >= ?
    order by timestamp limit 1
"""


class DagsterRuns:
    """Names runs by the assets that they materialised.

    Parameters
    ----------
    settings : Settings
        Whose mode's log is read. Where there is none, no run is known.
    """

    def __init__(self, settings: Settings) -> None:
        self._log: Path = settings.home / "dagster" / "history" / "runs" / "index.db"

    def __call__(self, asset: str, session: date, recorded_at: datetime) -> str | None:
        """Return the id of the run that recorded a row of an asset's session, None if Dagster does not know it."""
        since = recorded_at.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ", timespec="microseconds")
        try:
            with closing(sqlite3.connect(f"file:{self._log}?mode=ro", uri=True)) as log:
                row = log.execute(_FIRST_SINCE, [json.dumps([asset]), session.isoformat(), since]).fetchone()
        except sqlite3.OperationalError:  # No log yet, or its tables are not made: then nothing was run by Dagster.
            return None
        return None if row is None else str(row[0])
