"""The limits of a desk as people have tightened them while it ran; nothing here can loosen one."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Protocol

from agents.domain.errors import ConfigError
from agents.domain.limits import COUNTS, IN_FORCE, TAKEN_BACK, TIGHTENED, LimitName, LimitWish
from agents.execution.risk.limits import Limits


class Event(Protocol):
    """One appended fact."""

    @property
    def seq(self) -> int:
        """Return its place in the log."""
        ...

    @property
    def payload(self) -> Mapping[str, Any]:  # Any: whatever JSON can hold
        """Return what was appended."""
        ...


class EventLog(Protocol):
    """What is needed of the ledger."""

    def append(
        self, kind: str, payload: Mapping[str, Any], *, key: str | None = None, at: datetime | None = None
    ) -> object:  # Any: whatever JSON can hold
        """Add an event that survives before this returns."""
        ...

    def events(self, kind: str | None = None, *, key: str | None = None, after: int = 0) -> Sequence[Event]:
        """Return the events of a kind with ``seq > after``, in order."""
        ...

    def latest(self, kind: str) -> Event | None:
        """Return the last event of a kind, None before the first."""
        ...


def tightened(limits: Limits, log: EventLog) -> Limits:
    """Return `limits` with everything that was tightened since the last time that was taken back.

    Raises
    ------
    TradingError
        If the ledger cannot be read.
    """
    back = log.latest(TAKEN_BACK)
    for event in log.events(TIGHTENED, after=back.seq if back is not None else 0):
        limits = _with(limits, LimitName(event.payload["limit"]), float(event.payload["value"]))
    return limits


def tighten(limits: Limits, log: EventLog, wish: LimitWish, *, by: str) -> str:
    """Make a limit tighter and return what became of it: begins with "done" or "refused".

    Parameters
    ----------
    limits : Limits
        As settings and files have them.
    log : EventLog
        The ledger.
    wish : LimitWish
        Which, and how tight.
    by : str
        Who asks.
    """
    now = float(getattr(tightened(limits, log), wish.limit))
    if not wish.tightens(now):
        return (
            f"refused: {wish.limit} is {now:g} and could only be made smaller here; `zonedesk limits --take-back` "
            "loosens what was tightened, and the file of limits sets it"
        )
    log.append(TIGHTENED, {"limit": wish.limit.value, "value": wish.value, "was": now, "by": by})
    publish(limits, log)
    return f"done: {wish.limit} is {wish.value:g} instead of {now:g}"


def take_back(log: EventLog, *, typed: str, mode: str, by: str) -> None:
    """Let the limits of settings and files hold again. Only the command line calls this.

    Raises
    ------
    ConfigError
        If something else than ``loosen MODE`` was typed.
    """
    if typed.strip() != f"loosen {mode}":
        raise ConfigError(f'to take back what was tightened, type exactly: --take-back --confirm "loosen {mode}"')
    log.append(TAKEN_BACK, {"by": by})


def publish(limits: Limits, log: EventLog) -> None:
    """Write down the limits that hold, unless the ledger says just that already."""
    now = tightened(limits, log)
    said = {name.value: float(getattr(now, name)) for name in LimitName}
    base = {name.value: float(getattr(limits, name)) for name in LimitName}
    last = log.latest(IN_FORCE)
    if last is None or last.payload != {"limits": said, "of_settings": base}:
        log.append(IN_FORCE, {"limits": said, "of_settings": base})


def _with(limits: Limits, name: LimitName, value: float) -> Limits:
    tighter = min(value, float(getattr(limits, name)))
    changes: dict[str, float] = {name.value: int(tighter) if name in COUNTS else tighter}
    if name is LimitName.DAILY_LOSS_SHARE:
        changes["half_size_share"] = min(limits.half_size_share, tighter)
    return replace(limits, **changes)  # type: ignore[arg-type]  # names of limits, each with its own kind of number
