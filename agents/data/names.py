"""What an instrument's name stands for."""

import re
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from agents.domain.errors import ConfigError
from agents.domain.market import Instrument, InstrumentKind
from agents.domain.values import OptionType

INDEX_NAMES = frozenset(
    {"NIFTY", "BANKNIFTY", "FINNIFTY", "MIDCPNIFTY", "NIFTYNXT50", "INDIAVIX", "SENSEX", "BANKEX", "SENSEX50"}
)
# India VIX is computed from options, so it goes on while the closing auction holds the share indices still.
NEVER_FROZEN = frozenset({"INDIAVIX"})
_ALIASES = {
    "NIFTY 50": "NIFTY",
    "NIFTY50": "NIFTY",
    "NIFTY BANK": "BANKNIFTY",
    "BANK NIFTY": "BANKNIFTY",
    "NIFTYBANK": "BANKNIFTY",
    "NIFTY FIN SERVICE": "FINNIFTY",
    "NIFTY MID SELECT": "MIDCPNIFTY",
    "INDIA VIX": "INDIAVIX",
}
_ROLLING = re.compile(r"(?P<underlying>.+)-ATM(?:[+-]\d+)?-(?P<right>CE|PE)")
_CONTINUOUS = re.compile(r"(?P<underlying>.+)-I{1,3}")
_FUTURE = re.compile(r"(?P<underlying>[A-Z&-]+?)\d{2}[A-Z0-9]{3,5}FUT")
_BASKET = re.compile(r"(?P<underlying>.+)-CONSTITUENTS")
_OPTION_BY_DAY = re.compile(r"(?P<underlying>[A-Z&-]+)(?P<day>\d{6})(?P<strike>\d+(?:\.\d+)?)(?P<right>CE|PE)")
_OPTION_WEEKLY = re.compile(
    r"(?P<underlying>[A-Z&-]+)(?P<year>\d{2})(?P<month>[1-9OND])(?P<day>\d{2})(?P<strike>\d+(?:\.\d+)?)(?P<right>CE|PE)"
)
_LOOKS_LIKE_OPTION = re.compile(r".*\d(CE|PE)")
_MONTH_LETTERS = {"O": 10, "N": 11, "D": 12}
_DERIVATIVES = frozenset({InstrumentKind.FUTURE, InstrumentKind.OPTION, InstrumentKind.ROLLING_OPTION})


def canonical_name(name: str) -> str:
    """Return the one spelling of an instrument's name: upper case, indices as the desk calls them."""
    plain = " ".join(str(name).strip().upper().split())
    return _ALIASES.get(plain, plain)


def trades_like_derivatives(name: str, kind: InstrumentKind) -> bool:
    """Whether its candles go on until futures and options close, after the cash market."""
    return kind in _DERIVATIVES or name in NEVER_FROZEN


def is_frozen_in_auction(name: str, kind: InstrumentKind) -> bool:
    """Whether the closing auction makes its candles meaningless."""
    return kind is InstrumentKind.INDEX and name not in NEVER_FROZEN


def instrument_from(name: str, tick_size: Decimal, facts: Mapping[str, object] | None = None) -> Instrument:
    """Return what `name` stands for.

    Parameters
    ----------
    name : str
        Canonical name.
    tick_size : Decimal
        Rupees per tick.
    facts : mapping, optional
        What columns beside the candles said: any of ``underlying``, ``expiry``, ``strike``, ``option_type``.

    Raises
    ------
    ConfigError
        If the name looks like an option's and neither it nor `facts` say which.
    """
    said = {key: value for key, value in (facts or {}).items() if value is not None and str(value).strip()}
    if name in INDEX_NAMES:
        return Instrument(name=name, kind=InstrumentKind.INDEX, tick_size=tick_size)
    if "strike" in said and "option_type" in said:
        return _option(name, tick_size, said)
    if known := _by_suffix(name, said):
        return Instrument(name=name, tick_size=tick_size, **known)
    if spelled := _spelled_option(name):
        return _option(name, tick_size, spelled)
    if _LOOKS_LIKE_OPTION.fullmatch(name):
        raise ConfigError(
            f"{name} looks like an option, but its expiry cannot be read from the name; "
            "add the columns underlying, expiry, strike and option_type"
        )
    return Instrument(name=name, kind=InstrumentKind.STOCK, tick_size=tick_size)


def _by_suffix(name: str, said: Mapping[str, object]) -> dict[str, Any] | None:  # Any: fields of an Instrument
    """Return the facts of a basket, rolling option or future; None for other names."""
    if match := _BASKET.fullmatch(name):
        return {"kind": InstrumentKind.BASKET, "underlying": match["underlying"]}
    if match := _ROLLING.fullmatch(name):
        right = OptionType(match["right"])
        return {"kind": InstrumentKind.ROLLING_OPTION, "underlying": match["underlying"], "option_type": right}
    if match := _CONTINUOUS.fullmatch(name):  # rolls from expiry to expiry, so it has none of its own
        return {"kind": InstrumentKind.FUTURE, "underlying": match["underlying"]}
    if match := _FUTURE.fullmatch(name):
        expiry = _day(said["expiry"]) if "expiry" in said else None
        return {"kind": InstrumentKind.FUTURE, "underlying": match["underlying"], "expiry_on": expiry}
    return None


def _spelled_option(name: str) -> dict[str, object] | None:
    if match := _OPTION_BY_DAY.fullmatch(name):
        try:
            expiry = datetime.strptime(match["day"], "%y%m%d").date()  # noqa: DTZ007  (a date has no zone)
        except ValueError:
            expiry = None
        if expiry:
            facts = {"underlying": match["underlying"], "expiry": expiry}
            return {**facts, "strike": match["strike"], "option_type": match["right"]}
    if match := _OPTION_WEEKLY.fullmatch(name):
        month = _MONTH_LETTERS.get(match["month"]) or int(match["month"])
        facts = {"underlying": match["underlying"], "expiry": date(2000 + int(match["year"]), month, int(match["day"]))}
        return {**facts, "strike": match["strike"], "option_type": match["right"]}
    return None


def _option(name: str, tick_size: Decimal, said: Mapping[str, object]) -> Instrument:
    if "expiry" not in said or "underlying" not in said:
        raise ConfigError(f"{name} has a strike but no expiry or underlying; add the columns underlying and expiry")
    return Instrument(
        name=name,
        kind=InstrumentKind.OPTION,
        tick_size=tick_size,
        underlying=canonical_name(str(said["underlying"])),
        expiry_on=_day(said["expiry"]),
        strike=Decimal(str(said["strike"])),
        option_type=OptionType(str(said["option_type"]).strip().upper()),
    )


def _day(value: object) -> date:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value).strip()[:10])
    except ValueError as error:
        raise ConfigError(f"cannot read the expiry {value!r}; write it as YYYY-MM-DD") from error


def contract_name(underlying: str, expiry_on: date, strike: Decimal, right: OptionType) -> str:
    """Return the name of an option: underlying, expiry as YYMMDD, strike, CE or PE."""
    level = int(strike) if strike == int(strike) else strike.normalize()
    return f"{underlying}{expiry_on:%y%m%d}{level}{right.value}"
