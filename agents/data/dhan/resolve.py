"""What the desk's names stand for at Dhan on a day."""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from agents.data.calendar import NseCalendar
from agents.data.contracts import weekly_expiries
from agents.data.dhan.charts import RollingOption
from agents.data.dhan.master import InstrumentMaster, Listing
from agents.data.names import canonical_name, instrument_from
from agents.domain.errors import ConfigError, MissingDataError
from agents.domain.market import InstrumentKind
from agents.domain.values import IST

_PLACES = {"I": 0, "II": 1, "III": 2}
_CONTINUOUS = re.compile(r"(?P<underlying>.+)-(?P<place>I{1,3})")
_ROLLING = re.compile(r".+-ATM(?P<offset>[+-]\d+)?-(?:CE|PE)")
_TWO_MONTHS = timedelta(days=62)


@dataclass(frozen=True)
class Resolved:
    """An instrument at Dhan: a listing, or an option that rolls. Before `since` the name stood for something else."""

    name: str
    what: Listing | RollingOption
    since: date | None = None


def resolve(name: str, master: InstrumentMaster, calendar: NseCalendar, now: datetime) -> Resolved:
    """Return what a name stands for.

    Parameters
    ----------
    name : str
        An index (``NIFTY``), a future that rolls (``NIFTY-I``) or does not (``NIFTY26NOVFUT``), an option
        (``NIFTY26112425650CE``), an option that keeps its distance from the money (``NIFTY-ATM+1-CE``).
    master : InstrumentMaster
        Of the day of `now`.
    calendar : NseCalendar
        When the exchange is open.
    now : datetime
        The market's present: the near future rolls when derivatives close on its last day.

    Raises
    ------
    MissingDataError
        If the day does not list it.
    ConfigError
        If it is nothing that Dhan has candles of for us.
    """
    called = canonical_name(name)
    known = instrument_from(called, Decimal("0.05"))
    if known.kind is InstrumentKind.INDEX:
        return Resolved(called, master.index(called))
    if known.kind is InstrumentKind.OPTION:
        assert known.underlying is not None
        assert known.expiry_on is not None
        assert known.strike is not None
        assert known.option_type is not None
        return Resolved(called, master.option(known.underlying, known.expiry_on, known.strike, known.option_type))
    if known.kind is InstrumentKind.ROLLING_OPTION and (match := _ROLLING.fullmatch(called)):
        assert known.underlying is not None
        assert known.option_type is not None
        index = master.index(known.underlying)
        return Resolved(called, RollingOption(index, int(match["offset"] or 0), known.option_type))
    if known.kind is InstrumentKind.FUTURE and known.underlying is not None:
        return _future(called, known.underlying, master, calendar, now)
    raise ConfigError(f"{called} is a {known.kind.value}; Dhan gives candles of indices, futures and options here")


def near_future(underlying: str, master: InstrumentMaster, calendar: NseCalendar, now: datetime) -> Listing:
    """Return the near-month future at a moment; on its last day after the close it is the next one."""
    today = now.astimezone(IST).date()
    session = calendar.session(today)
    closed = session is not None and now >= session.derivatives_close_at
    return master.near_future(underlying, today, after_close=closed)


def _future(name: str, underlying: str, master: InstrumentMaster, calendar: NseCalendar, now: datetime) -> Resolved:
    today = now.astimezone(IST).date()
    if match := _CONTINUOUS.fullmatch(name):
        near = near_future(underlying, master, calendar, now)
        live = [each for each in master.futures(underlying, today) if _ends(each) >= _ends(near)]
        place = _PLACES[match["place"]]
        if place >= len(live):
            raise MissingDataError(
                f"the master of {master.on} lists {len(live)} futures on {underlying}, not {place + 1}"
            )
        return Resolved(name, live[place], _rolled_in(near, calendar))
    for each in master.futures(underlying, date.min):
        if f"{underlying}{each.expiry_on:%y%b}FUT".upper() == name:
            return Resolved(name, each)
    raise MissingDataError(f"the master of {master.on} has no future {name}; expired ones cannot be asked for")


def _rolled_in(near: Listing, calendar: NseCalendar) -> date:
    """Return the first day of the near future: the one after last month's expiry, which options share."""
    ends = _ends(near)
    before = weekly_expiries("NIFTY", ends - _TWO_MONTHS, ends - timedelta(days=1), calendar)
    month = max(on for on in before if (on.year, on.month) != (ends.year, ends.month))
    return month + timedelta(days=1)


def _ends(listing: Listing) -> date:
    assert listing.expiry_on is not None
    return listing.expiry_on
