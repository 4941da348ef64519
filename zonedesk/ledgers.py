"""The ledger of a mode, for commands that only look."""

from typing import TYPE_CHECKING

from zonedesk.shell import wall_now

if TYPE_CHECKING:
    from agents.data.ledger import Ledger
    from agents.settings import Settings


def existing_ledger(settings: "Settings") -> "Ledger":
    """Open the ledger that is there; looking must not create one.

    Raises
    ------
    MissingDataError
        If there is none.
    """
    from agents.bootstrap import open_ledger  # noqa: PLC0415  (start-up)
    from agents.domain.errors import MissingDataError  # noqa: PLC0415  (start-up)

    if settings.ledger_url is None and not settings.ledger_path.exists():
        raise MissingDataError(f"there is no ledger at {settings.ledger_path}; name its folder with --data-dir, --mode")
    return open_ledger(settings, now=wall_now)
