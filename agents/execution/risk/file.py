"""The file of limits: one commented place for everything that a person may set about risk.

Settings of the environment come first, the file ``risk.toml`` of the data folder changes them, and the caps in
`limits` hold for both: whatever is looser stops the desk with the name of the limit.
"""

import tomllib
from dataclasses import fields
from datetime import time, timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from agents.domain.errors import ConfigError
from agents.execution.risk.limits import CAPS, Freshness, Limits, capped, changed
from agents.settings import Settings

FILE = "risk.toml"
_OF_SETTINGS = ("risk_per_trade", "premium_share", "daily_loss_share", "max_trades")
_SECTIONS = ("limits", "deciding", "sending", "caps")
_NAMES = frozenset(field.name for field in fields(Limits)) - {"deciding", "sending"}


def risk_file(settings: Settings) -> Path:
    """Return where the file of limits is looked for: beside the modes' folders, so that all modes share it."""
    return settings.data_dir.resolve() / FILE


def load_limits(settings: Settings) -> Limits:
    """Return the limits of a desk.

    Raises
    ------
    ConfigError
        If the file cannot be read, names a limit that does not exist, or loosens one beyond its cap.
    """
    said = {name: getattr(settings, name) for name in _OF_SETTINGS}
    flat = max(Limits.flatten_loss_share, said["daily_loss_share"])
    half = min(Limits.half_size_share, said["daily_loss_share"])
    limits = changed(Limits(), **said, flatten_loss_share=flat, half_size_share=half)
    path = risk_file(settings)
    if not path.exists():
        return limits
    try:
        return read_limits(path.read_text(encoding="utf-8"), limits)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}; make it readable or remove it") from error
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error


def read_limits(text: str, base: Limits) -> Limits:
    """Return `base` with what the file says.

    Raises
    ------
    ConfigError
        As `load_limits`.
    """
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"this is not TOML: {error}") from error
    _refuse_unknown(found, _SECTIONS, "section")
    values = _values(found.get("limits", {}), _NAMES)
    tighter = _values(found.get("caps", {}), frozenset(CAPS))
    for name, cap in tighter.items():
        if cap > CAPS[name]:
            raise ConfigError(f"the cap {name} is {cap}; a file may lower caps, and this one is {CAPS[name]}")
    ages = {name: _ages(found[name], getattr(base, name)) for name in ("deciding", "sending") if name in found}
    return capped(changed(base, **values, **ages), tighter)


def _values(section: dict[str, Any], names: frozenset[str]) -> dict[str, Any]:  # Any: values of TOML
    _refuse_unknown(section, tuple(names), "limit")
    return {name: _value(name, value) for name, value in section.items()}


def _value(name: str, value: Any) -> Any:  # Any: a value of TOML, and a field of Limits
    """Return a value of the file as its field has it; pauses are written in minutes."""
    usual = getattr(Limits, name)
    if isinstance(usual, timedelta):
        return timedelta(minutes=_number(name, value))
    if isinstance(usual, time):
        if isinstance(value, time):
            return value
        raise ConfigError(f"the limit {name} must be a time such as 09:30:00")
    if isinstance(usual, int):
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        raise ConfigError(f"the limit {name} must be a whole number")
    return _number(name, value)


def _ages(section: dict[str, Any], base: Freshness) -> Freshness:  # Any: values of TOML
    names = tuple(field.name for field in fields(Freshness))
    _refuse_unknown(section, names, "age")
    known = {name: getattr(base, name) for name in names}
    ages = Freshness(**{**known, **{name: _number(name, value) for name, value in section.items()}})
    highest = Freshness(index=180.0, quote=180.0, chain=300.0, zones=1800.0, clock_skew=5.0)
    for name in names:
        if not 0 < getattr(ages, name) <= getattr(highest, name):
            raise ConfigError(f"the age {name} must be above 0 and at most {getattr(highest, name):.0f} seconds")
    return ages


def _number(name: str, value: Any) -> float:  # Any: a value of TOML
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    raise ConfigError(f"the limit {name} must be a number")


def _refuse_unknown(found: dict[str, Any], known: tuple[str, ...], what: str) -> None:  # Any: values of TOML
    for name in found:
        if name not in known:
            near = get_close_matches(name, known, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise ConfigError(f"there is no {what} {name}{hint}")
