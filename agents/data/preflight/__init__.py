"""Whether a desk can start: each check says in one line what was found, and how to cure what is wrong."""

from collections.abc import Callable, Sequence
from datetime import datetime

from agents.data.preflight.broker import Probe, broker_findings
from agents.data.preflight.files import file_findings
from agents.data.preflight.findings import Finding, State, refuse, worst
from agents.domain.values import IST
from agents.settings import Settings

__all__ = ["Finding", "Probe", "State", "broker_findings", "file_findings", "preflight", "refuse", "worst"]


def preflight(
    settings: Settings, wall: Callable[[], datetime], market_now: datetime, *, needed: bool = True
) -> Sequence[Finding]:
    """Run every check of files, account and broker; none changes anything.

    Parameters
    ----------
    settings : Settings
        Mode, folders, addresses, credentials.
    wall : callable
        Returns the machine's present, aware.
    market_now : datetime
        The market's present.
    needed : bool
        Whether the broker must answer now.

    Returns
    -------
    sequence of Finding
        One for each check; give them to `refuse` where the desk must not start with a bad one.
    """
    probe = Probe(settings, wall, market_now.astimezone(IST).date(), needed=needed)
    return [*file_findings(settings, wall, market_now), *broker_findings(probe)]
