"""What the broker answers about the present of its market: the instrument master, expiries, last prices."""

import logging
from datetime import date, datetime
from typing import TYPE_CHECKING

from agents.data.calendar import NseCalendar
from agents.data.contracts import expiry_at
from agents.data.dhan.chains import fetch_expiries
from agents.data.dhan.charts import RollingOption
from agents.data.dhan.errors import DhanError, DhanUnavailableError
from agents.data.dhan.master import InstrumentMaster
from agents.data.dhan.quotes import fetch_quotes
from agents.data.dhan.resolve import resolve
from agents.domain.errors import ConfigError, MissingDataError
from agents.domain.market import Quote
from agents.domain.values import IST
from agents.ports import Clock

if TYPE_CHECKING:
    from agents.data.dhan.connect import Dhan

_log = logging.getLogger(__name__)


class MarketQuestions:
    """Asks, and keeps nothing.

    Parameters
    ----------
    dhan : Dhan
        The account; see `agents.data.dhan.connect.open_dhan`.
    calendar : NseCalendar
        When the exchange is open.
    clock : Clock
        The market's present.
    """

    def __init__(self, dhan: "Dhan", calendar: NseCalendar, clock: Clock) -> None:
        self.dhan = dhan
        self.calendar = calendar
        self.clock = clock

    def expiries(self, underlying: str) -> list[date]:
        """Return the expiries of an index that are not over, the nearest first; the master's where the list fails.

        Raises
        ------
        DhanError
            If the list names an expiry that the master does not have among the next two.
        MissingDataError
            If none is left.
        """
        now = self.clock.now()
        master = self.master(now)
        listed = master.expiries(underlying)
        try:
            told = fetch_expiries(self.dhan.reader, master.index(underlying))
        except DhanUnavailableError as error:
            _log.warning("the master's expiries are used: %s", error)
            told = listed
        live = [on for on in told if expiry_at(on) > now]
        if not live:
            raise MissingDataError(f"no expiry of {underlying} is left after {now}; fetch today's master")
        if missing := [str(on) for on in live[:2] if on not in listed]:
            raise DhanError(
                f"{underlying} expires on {', '.join(missing)} by Dhan's list and not by the master of {master.on}; "
                "fetch today's master before trading"
            )
        return live

    def fetch_quotes(self, *instruments: str) -> dict[str, Quote]:
        """Return the last prices of instruments by REST; those without a usable price are left out."""
        now = self.clock.now()
        master = self.master(now)
        wanted = {}
        for name in instruments:
            what = resolve(name, master, self.calendar, now).what
            if isinstance(what, RollingOption):
                raise ConfigError(f"{name} is not one contract and has no quote; name the option itself")
            wanted[name] = what
        return fetch_quotes(self.dhan.reader, wanted, now)

    def master(self, now: datetime) -> InstrumentMaster:
        """Return the instrument master of the day of a moment."""
        return self.dhan.masters.of(now.astimezone(IST).date())
