"""What the guardian's process knows of itself before it sends: its clock, its account, its address, its mode."""

from collections.abc import Callable
from datetime import date, datetime, time
from pathlib import Path
from typing import Final

from agents.data.dhan.credentials import claims_of
from agents.data.dhan.http import Wire
from agents.data.dhan.limiter import CallKind
from agents.data.ledger import Ledger
from agents.domain.errors import ConfigError
from agents.domain.values import IST
from agents.execution.controls import standing
from agents.execution.dhan.connect import GatewayParts
from agents.execution.risk import Outside
from agents.settings import Settings

LookOutside = Callable[[datetime], Outside]
_SECOND: Final = 1.0


class Insider:
    """Looks, each time it is called with the market's present. Raises `ConfigError` if requests cannot be counted.

    Parameters
    ----------
    settings : Settings
        Mode, and the date for which live trading is confirmed.
    wire : Wire
        Has the token that orders go out with.
    parts : GatewayParts
        Count the requests, and have seen the broker's answers.
    speed : float
        How many seconds of the market pass in one.
    desk : callable
        Returns what the desk may do, and why not more.
    """

    def __init__(self, settings: Settings, wire: Wire, parts: GatewayParts, speed: float, desk: LookOutside) -> None:
        self._settings = settings
        self._wire = wire
        self._parts = parts
        self._speed = speed
        self._desk = desk

    def __call__(self, now: datetime) -> Outside:
        """Return what is known now."""
        desk, limiter = self._desk(now), self._parts.limiter
        morning = datetime.combine(now.astimezone(IST).date(), time(), IST)
        return Outside(
            state=desk.state,
            halted=desk.halted,
            clock_skew=self._parts.witness.clock_skew,
            account=_owner(self._wire),
            expected_account=self._wire.client_id,
            address=self._parts.witness.address(),
            mode=why_not_live(self._settings, now.astimezone(IST).date()),
            requests_second=limiter.taken(CallKind.ORDER, _SECOND),
            requests_day=limiter.taken(CallKind.ORDER, (now - morning).total_seconds() / self._speed),
        )


def of_ledger(ledger: Ledger, home: Path) -> LookOutside:
    """Return a look at nothing but the desk's state and the file HALT in a mode's folder."""

    def look(_now: datetime) -> Outside:
        state, halted = standing(ledger, home)
        return Outside(state=state, halted=halted)

    return look


def why_not_live(settings: Settings, today: date) -> str:
    """Return why live orders may not be sent on a date, "" where they may, or where orders never leave the machine."""
    if settings.mode != "live" or settings.live_confirmed_on == today:
        return ""
    return f"live trading is not confirmed for {today}; set ZONEDESK_LIVE_CONFIRMED_ON={today} to do so"


def _owner(wire: Wire) -> str:
    try:
        return claims_of(wire.token).client_id
    except ConfigError:
        return ""
