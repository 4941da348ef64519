"""What is set, never a secret itself; limits beside their use, and made tighter; and the reader's own choices."""

import json
import re
import shlex
import uuid
from typing import Any

import streamlit as st
from pydantic import SecretStr, ValidationError

from agents.domain.errors import TradingError
from agents.domain.limits import COUNTS, MEANING, TIGHTEN, LimitName, LimitWish
from agents.settings import Settings
from ui.choices import choices, choose
from ui.desk import ask
from ui.format import clock_time, day_time, inr, plain
from ui.hub import wall_now
from ui.limits_used import Used, used_today
from ui.markup import Cell, heading, number, table
from ui.palette import COLOUR_BLIND, STANDARD
from ui.seen import UPDATED, picture
from ui.snapshot import DeskView
from ui.visitor import sign_out, visitor

_CHOICE, _SOUND = "palette_choice", "sound_choice"
_LIMIT, _VALUE, _TOLD, _NONCE = "limit_name", "limit_value", "limit_told", "limit_nonce"
_TRIED, _TRY_NAME, _TRY_VALUE = "tried", "try_name", "try_value"
# May hold a password, or says where something of value lies.
_HIDDEN = frozenset({"ledger_url", "dhan_client_id"})
_LOGIN = re.compile(r"(://)[^/@\s]*(@)")  # a name and a password inside an address
_USED = {
    LimitName.MAX_TRADES: "Entries today",
    LimitName.DAILY_LOSS_SHARE: "Lost today",
    LimitName.RISK_PER_TRADE: "Most at risk, at one stop",
    LimitName.PREMIUM_SHARE: "Premium of one position",
    LimitName.OPEN_PREMIUM_SHARE: "Premium of all positions",
}
# The first setting of each group, in the order in which they are declared.
GROUPS = {
    "mode": "Desk",
    "dhan_client_id": "Broker",
    "half_length": "Analysis",
    "judge": "Judge and models",
    "equity": "Trading",
    "simulation_speed": "Paper market and processes",
    "alert_urls": "Alerts",
    "dashboard_password": "Dashboard",
}
_FIRST_SHOWN = ("Trading", "Judge and models", "Analysis")


def page() -> None:
    """Draw the reader's choices, limits and settings."""
    settings = Settings()
    _own(settings)
    _limits(settings)
    _tighten(settings)
    st.html(table("Where alerts go", ("Channel", "State"), _channels(settings)))
    _all(settings)
    _try()
    st.caption(
        "Settings are read when a process starts: environment variables that begin with ZONEDESK\\_, then the file "
        ".env. To change one, set it there and start the desk again with `zonedesk down` and `zonedesk up`. Entries "
        "can be paused, and the desk halted, at once with the buttons above."
    )


def _own(settings: Settings) -> None:
    kinds, now = (STANDARD, COLOUR_BLIND), choices(settings)
    colours, sound = st.columns(2)
    colours.radio(
        "Colours of rising and falling",
        kinds,
        index=kinds.index(now.palette),
        key=_CHOICE,
        on_change=_chosen,
        horizontal=True,
    )
    sound.toggle("Sound with fills, refusals and alerts", value=now.sound, key=_SOUND, on_change=_chosen)
    st.caption("Light or dark follows this machine, or the menu at the top right. Times are those of India.")
    sign_out()


def _chosen() -> None:
    try:
        choose(Settings(), palette=st.session_state[_CHOICE], sound=st.session_state[_SOUND])
    except TradingError as error:
        st.toast(plain(str(error)), duration="infinite")
    else:
        st.session_state[UPDATED] = True


@st.fragment(run_every=5)
def _limits(settings: Settings) -> None:
    seen = picture()
    found = {one.name: one for one in used_today(seen, settings)}
    used = {name: _use(found[_USED[name]]) for name in _USED if _USED[name] in found}
    rows = [_limit_row(name, seen.desk, settings, used.get(name, "each contract's own")) for name in LimitName]
    headers = ("Limit", number("In force"), number("By the settings"), number("Used"), "What it is")
    st.html(table(f"Limits, as of {clock_time(seen.market.now)}", headers, rows))


def _use(used: Used) -> str:
    said = f"{used.used:.0f}" if used.counted else inr(used.used)
    return f"{'■ ' if used.share >= 1 else ''}{said}, {used.share:.0%}"


def _limit_row(name: LimitName, desk: DeskView, settings: Settings, used: str) -> list[str | Cell]:
    now, base = limit_now(desk, settings, name), desk.limits_of_settings.get(name.value)
    tight = base is not None and now < base
    shown = number(_in_words(name, now, settings))
    if tight:
        shown = Cell(f"▼ {shown.text}", "num zd-warn")
    usual = number("as settings" if base is None else _in_words(name, base, settings))
    return [name.value.replace("_", " "), shown, usual, number(used), MEANING[name]]


def limit_now(desk: DeskView, settings: Settings, name: LimitName) -> float:
    """Return a limit as it holds; before a guardian has said so, as the settings have it."""
    usual = float(getattr(settings, name.value, 0.0))
    return desk.limits.get(name.value, usual)


def _in_words(name: LimitName, value: float, settings: Settings) -> str:
    if name in COUNTS:
        return f"{value:.0f}"
    if name is LimitName.SPREAD_SHARE:
        return f"{value:.1%}"
    return f"{value:.2%}, {inr(float(settings.equity) * value)}"


def _tighten(settings: Settings) -> None:
    """Ask for a tighter limit: a row in the ledger, which the guardian answers."""
    st.session_state.setdefault(_NONCE, uuid.uuid4().hex)
    with st.form("tighten", border=True):
        st.html(heading("Make a limit tighter, from now on and over restarts"))
        which, value, act = st.columns([0.45, 0.3, 0.25], vertical_alignment="bottom")
        which.selectbox("Limit", [name.value for name in LimitName], key=_LIMIT)
        value.text_input("New value (a count, or a share such as 0.02)", key=_VALUE, autocomplete="off")
        act.form_submit_button("Tighten", on_click=_ask_for_it, width="stretch")
        st.caption(loosening(settings))
    if st.session_state.get(_TOLD):
        st.warning(plain(str(st.session_state[_TOLD])))
    _asked()


def loosening(settings: Settings) -> str:
    """Return what a person types into a terminal to take back what was tightened; nothing on a page can."""
    words = ["zonedesk", "limits", "--data-dir", str(settings.data_dir.resolve()), "--mode", settings.mode]
    command = shlex.join([*words, "--take-back", "--confirm", f"loosen {settings.mode}"])
    return f"Only the command line loosens: `{command}`."


@st.fragment(run_every=2)
def _asked() -> None:
    for one in [one for one in picture().desk.commands if one.kind == TIGHTEN][:3]:
        ended = f"{one.outcome}, {day_time(one.done_at)}" if one.done_at else "waits for the guardian"
        asked = f"{one.payload.get('limit')} to {one.payload.get('value')}, asked {day_time(one.asked_at)}"
        st.caption(plain(f"{asked}: {ended}"))


def _ask_for_it() -> None:
    """Check what was typed by the guardian's own model, then ask; one drawn form asks once."""
    settings, seen = Settings(), picture()
    try:
        typed = float(str(st.session_state.get(_VALUE, "")).strip())
        wish = LimitWish(limit=LimitName(st.session_state[_LIMIT]), value=typed)
    except ValidationError as error:
        st.session_state[_TOLD] = error.errors()[0]["msg"]
        return
    except ValueError:
        st.session_state[_TOLD] = "Give a number, such as 3 or 0.02."
        return
    now = limit_now(seen.desk, settings, wish.limit)
    if seen.desk.limits and not wish.tightens(now):
        st.session_state[_TOLD] = f"{wish.limit} is {now:g}; {typed:g} would not be tighter. {loosening(settings)}"
        return
    try:
        identity = f"{TIGHTEN}-{st.session_state[_NONCE]}"
        ask(settings, identity, TIGHTEN, by=visitor(), wall=wall_now, payload=wish.model_dump(mode="json"))
    except TradingError as error:
        st.session_state[_TOLD] = f"it could not be asked: {error}"
        return
    st.session_state.update({_TOLD: "", _NONCE: uuid.uuid4().hex, UPDATED: True})


def _channels(settings: Settings) -> list[list[str | Cell]]:
    """Return where alerts go; an address holds a secret, so that only its kind is shown."""
    rows: list[list[str | Cell]] = [["file alerts.log of the desk's folder", Cell("● always", "zd-up")]]
    for address in settings.alert_urls:
        text = address.get_secret_value()
        which, equals, rest = text.partition("=")
        narrowed = which if equals and "://" not in which else "all"
        kind = (rest if narrowed != "all" else text).partition("://")[0]
        rows.append([kind, Cell(f"● set, for {narrowed} alerts", "zd-up")])
    watched = Cell("● set", "zd-up") if settings.dead_man_url else Cell("not set", "zd-quiet")
    rows.append(["watchman outside, who raises the alarm when this machine falls silent", watched])
    return rows


def _all(settings: Settings) -> None:
    """Show everything that is set, by groups."""
    groups: dict[str, list[list[str | Cell]]] = {}
    group = ""
    for name, row in zip(type(settings).model_fields, settings_rows(settings), strict=True):
        group = GROUPS.get(name, group)
        groups.setdefault(group, []).append(row)
    names = sorted(groups, key=lambda each: each not in _FIRST_SHOWN)
    st.html(heading("Everything that is set"))
    for tab, name in zip(st.tabs(names), names, strict=True):
        tab.html(table(name, ("Setting", "Value", "What it is"), groups[name]))


def settings_rows(settings: Settings) -> list[list[str | Cell]]:
    """Return every setting with its value in words; of secrets only whether they are set."""
    rows: list[list[str | Cell]] = []
    for name, field in type(settings).model_fields.items():
        value = getattr(settings, name)
        if value is None or value == ():
            shown = Cell("not set", "zd-quiet")
        elif name in _HIDDEN or isinstance(value, SecretStr) or "SecretStr" in str(field.annotation):
            shown = Cell("● set", "zd-up")
        else:
            shown = Cell(_value_in_words(value))
        rows.append([name.replace("_", " "), shown, field.description or ""])
    return rows


def _value_in_words(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    if isinstance(value, dict):
        return ", ".join(f"{name}: {each}" for name, each in value.items())
    return _LOGIN.sub(r"\1…\2", str(value))


def _try() -> None:
    """Let a value be checked by the settings' own model before anybody writes it down."""
    names = [name for name, field in Settings.model_fields.items() if "SecretStr" not in str(field.annotation)]
    with st.form("try", border=True):
        st.html(heading("Check a setting before you write it down; nothing is changed here"))
        which, value, act = st.columns([0.45, 0.3, 0.25], vertical_alignment="bottom")
        which.selectbox("Setting", names, key=_TRY_NAME)
        value.text_input("Value", key=_TRY_VALUE, autocomplete="off")
        act.form_submit_button("Check", on_click=_check, width="stretch")
    if st.session_state.get(_TRIED):
        st.caption(plain(str(st.session_state[_TRIED])))


def _check() -> None:
    name, text = str(st.session_state[_TRY_NAME]), str(st.session_state.get(_TRY_VALUE, ""))
    st.session_state[_TRIED] = checked(name, text)


def checked(name: str, text: str) -> str:
    """Return the line to write for a setting, or why its value will not do."""
    field = Settings.model_fields[name]
    variable = str(field.validation_alias or f"ZONEDESK_{name.upper()}")
    try:
        # Lists and tables are written as JSON, as in the environment.
        given: dict[str, Any] = {name: json.loads(text) if text[:1] in {"[", "{"} else text}  # Any: as the model reads
        Settings(_env_file=None, **given)
    except ValidationError as error:
        return f"{name} cannot be that: {error.errors()[0]['msg']}"
    except json.JSONDecodeError as error:
        return f"{name} cannot be that: it is no JSON, {error.msg}"
    return f"That will do: {variable}={text}"
