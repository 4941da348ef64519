"""Old logs go by age, not by number: what counts is how far back one can look."""

import logging
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

KEPT: Final = timedelta(days=30)
LOG_FILE: Final = "zonedesk.log"
_log = logging.getLogger(__name__)


def sweep(folder: Path, now: datetime, kept: timedelta = KEPT) -> list[Path]:
    """Delete the rotated logs of a folder that were last written more than `kept` ago, and return their paths.

    The log that is written now is never touched. A file that cannot be deleted is logged and left.

    Parameters
    ----------
    folder : Path
        Where the logs are; it need not exist.
    now : datetime
        The machine's present, aware.
    kept : timedelta
        How long a log is kept.
    """
    oldest = (now - kept).timestamp()
    gone = []
    for path in sorted(folder.glob(f"{LOG_FILE}.*")):
        try:
            if path.stat().st_mtime < oldest:
                path.unlink()
                gone.append(path)
        except FileNotFoundError:  # another process sweeps too
            continue
        except OSError as error:
            _log.warning("the old log %s cannot be deleted: %s", path, error)
    return gone
