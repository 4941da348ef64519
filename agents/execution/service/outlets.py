"""The small ports of the guardian: the person's hand, the alerts and the two clocks."""

import logging
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from agents.data.ledger import Ledger
from agents.data.ledger.outbox import Severity as OutboxSeverity
from agents.domain.cycle import DeskState
from agents.domain.errors import ConfigError, TradingError
from agents.execution.controls import Tightening, halt_reason, stricter
from agents.execution.guardian.ports import Command, CommandKind, Severity
from agents.ops.unkept import Unkept
from agents.ports import Clock as MarketClock

WHO: Final = "guardian"
_KINDS = {kind.value for kind in Tightening}
_log = logging.getLogger(__name__)


class LedgerControls:
    """Implements `agents.execution.guardian.ports.Controls` over the ledger and the HALT file.

    Parameters
    ----------
    ledger : Ledger
        The desk's state and the commands.
    home : Path
        The mode's folder: while a file HALT is in it, nothing new is opened.
    """

    def __init__(self, ledger: Ledger, home: Path) -> None:
        self._ledger = ledger
        self._home = home

    def halted(self) -> str:
        """Return why the HALT file stops entries, "" when it does not."""
        return halt_reason(self._home)

    def desk_state(self) -> DeskState:
        """Return what the desk may do."""
        return self._ledger.desk_state()

    def set_desk_state(self, state: DeskState, reason: str) -> None:
        """Tighten what the desk may do; whatever would loosen it changes nothing, because only a person may."""
        self._ledger.set_desk_state(stricter(self._ledger.desk_state(), state), reason, by=WHO)

    def commands(self) -> Sequence[Command]:
        """Return the commands to the guardian that were not acknowledged, oldest first; none of them loosens.

        A row that asks to resume loosens nothing: it is refused, unless the command line has let the desk trade again
        and asks whether the guardian knows.
        """
        pending = self._ledger.commands.pending()
        for one in pending:
            if one.kind == CommandKind.RESUME.value:
                self._ledger.commands.done(one.id, self._resumed())
        return [
            Command(id=one.id, kind=CommandKind(one.kind), by=one.asked_by, asked_at=one.asked_at)
            for one in pending
            if one.kind in _KINDS
        ]

    def acknowledge(self, command_id: str, outcome: str) -> None:
        """Say that a command was carried out, and how."""
        self._ledger.commands.done(command_id, outcome)

    def _resumed(self) -> str:
        state = self._ledger.desk_state()
        if state is DeskState.ACTIVE and not self.halted():
            return f"done: {state}"
        return "refused: only `zonedesk resume` lets a desk trade again"


class OutboxNotifier:
    """Implements `agents.execution.guardian.ports.Notifier` over the ledger's outbox.

    A critical message of the guardian that repeats what it said moments ago is written down once a minute.

    Parameters
    ----------
    ledger : Ledger
        Whose outbox it is.
    elapsed : callable
        Returns seconds that only grow.
    unkept : deque of Unkept, optional
        Gets what the ledger could not take, for whoever can send without it.
    """

    AGAIN: Final = 60.0

    def __init__(self, ledger: Ledger, elapsed: Callable[[], float], unkept: deque[Unkept] | None = None) -> None:
        self._ledger = ledger
        self._elapsed = elapsed
        self._unkept = unkept
        self._said: dict[tuple[str, str], float] = {}

    def alert(self, severity: Severity, dedupe_key: str, text: str) -> None:
        """Write the message down and log it; a ledger that fails leaves the log."""
        now = self._elapsed()
        if now - self._said.get((dedupe_key, text), -self.AGAIN) < self.AGAIN:
            return
        self._said[dedupe_key, text] = now
        level = {Severity.INFO: logging.INFO, Severity.WARN: logging.WARNING, Severity.CRITICAL: logging.ERROR}
        _log.log(level[severity], "%s: %s", severity, text)
        try:
            self._ledger.outbox.put(OutboxSeverity(severity.value), dedupe_key, text)
        except TradingError as error:
            _log.warning("the alert could not be kept: %s", error)
            if self._unkept is not None:
                self._unkept.append(Unkept(OutboxSeverity(severity.value), dedupe_key, text))


class MarketTime:
    """Implements `agents.execution.guardian.ports.Clock`: the market's clock, and a stopwatch at the market's pace.

    Parameters
    ----------
    clock : Clock
        The market's present.
    monotonic : callable
        Returns seconds of this machine that only grow.
    speed : float
        Seconds of the market in one of them.
    boot : str
        Since which start of the machine `monotonic` counts, "" where nobody knows.
    """

    def __init__(self, clock: MarketClock, monotonic: Callable[[], float], speed: float, *, boot: str = "") -> None:
        self._clock = clock
        self._monotonic = monotonic
        self._speed = speed
        self._boot = boot

    def now(self) -> datetime:
        """Return the market's present moment."""
        return self._clock.now()

    def elapsed(self) -> float:
        """Return seconds of market time that only grow."""
        return self._monotonic() * self._speed

    def counter(self) -> str:
        """Return the machine's start and the market's pace: readings compare where both are the same."""
        return f"{self._boot} x{self._speed:g}" if self._boot else ""


def confirmed(live_on: object, today: object) -> None:
    """Refuse to trade live unless somebody has confirmed it for this very day.

    Raises
    ------
    ConfigError
        If the confirmation is missing or of another day.
    """
    if live_on != today:
        raise ConfigError(f"live trading is not confirmed for {today}; set ZONEDESK_LIVE_CONFIRMED_ON={today} to do so")
