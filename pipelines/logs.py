"""Dagster's own log messages and ours from runs and sensors, in the desk's log; named in ``dagster.yaml``."""

import copy
import logging
from collections.abc import Mapping
from functools import cached_property

from agents.settings import settings

PROCESS = "dagster"
_META = "dagster_meta"


class DeskLog(logging.Handler):
    """Writes each record into ``<home>/logs/zonedesk.log`` with the run that it belongs to."""

    @cached_property
    def _file(self) -> logging.Handler:
        # Half a second of importing that no run pays which has nothing to warn of.
        from agents.ops.logs import desk_file, hide_secrets  # noqa: PLC0415
        from agents.ops.sweep import LOG_FILE  # noqa: PLC0415

        found = settings()
        hide_secrets(found)
        folder = found.home / "logs"
        folder.mkdir(parents=True, exist_ok=True)
        return desk_file(folder / LOG_FILE, PROCESS)

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record; a file that cannot be written is `logging`'s to tell of."""
        ours = copy.copy(record)
        meta = vars(ours).pop(_META, None)
        if isinstance(meta, Mapping):
            ours.msg, ours.args = meta.get("orig_message") or record.getMessage(), ()
            vars(ours).update({name: meta[name] for name in ("run_id", "job_name", "step_key") if meta.get(name)})
        self._file.handle(ours)

    def close(self) -> None:
        """Close the file, if it was opened."""
        if "_file" in vars(self):
            self._file.close()
        super().close()
