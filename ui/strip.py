"""The line on top of every page, what must be said below it, and the three buttons that act."""

import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import streamlit as st

from agents.domain.cycle import DeskState
from agents.domain.errors import TradingError
from agents.domain.values import IST
from agents.settings import Settings
from ui.banners import NOTHING_SECONDS, banners, resumption, silence
from ui.choices import choices
from ui.desk import FLATTEN, HALT, PAUSE, ask
from ui.format import MINUS, age, change, clock_time, day_time, inr, plain, rupees
from ui.hub import wall_now
from ui.markup import span
from ui.news import News, chime, news, told_of
from ui.profit import of_day
from ui.seen import keep_seed_keys, picture, settings
from ui.snapshot import Picture
from ui.told import tell
from ui.visitor import visitor

REFRESH_SECONDS = 1
HALT_WORD = "HALT"
FLATTEN_WORD = "FLATTEN"
_ASKING, _DRAWN, _WORD = "asking", "drawn_state", "stop_word_"
_ALERTS, _ORDERS = "alerts_told", "orders_told"
_MOST_TOASTS = 4
_COUNTED_SECONDS = 100.0
_TWICE_SECONDS = 60.0
_SAID_FOR = timedelta(minutes=1)
_STATES = {
    DeskState.ACTIVE: ("● ACTIVE", "zd-up"),
    DeskState.REDUCING: ("❚❚ ENTRIES PAUSED", "zd-warn"),
    DeskState.HALTED: ("■ HALTED", "zd-down"),
    None: ("○ NOT STARTED", "zd-quiet"),
}
_LEVELS = {"error": st.error, "warning": st.warning, "info": st.info}


@dataclass(slots=True)
class Asking:
    """What a visitor asks of the desk.

    Buttons hand it to what they call, which must touch nothing of `st.session_state` that may be interrupted: a second
    press ends a call at its first such word, and what was asked by the first press would be lost.
    """

    nonce: str = field(default_factory=lambda: uuid.uuid4().hex)
    """What the ids of commands end with, until one of them is done."""
    form: int = 0
    """How many forms were sent and obeyed; each is followed by an empty one."""
    said: str = ""
    """Why nothing was asked by the last press."""
    asked_at: datetime | None = None


def top() -> None:
    """Draw strip, banners and buttons."""
    seen = picture()
    st.session_state[_DRAWN] = seen.desk.state
    left, right = st.columns([0.68, 0.32], vertical_alignment="center")
    with left:
        _strip()
    with right:
        _buttons(seen)
    _below()


@st.fragment(run_every=REFRESH_SECONDS)
def _strip() -> None:
    """Refresh the line; when the state has changed, the buttons are drawn anew too."""
    seen = picture()
    keep_seed_keys(seen)
    st.html(f'<div class="zd-strip" role="status" aria-live="off">{"".join(_parts(seen))}</div>')
    if seen.desk.state is not st.session_state.get(_DRAWN):
        st.session_state[_DRAWN] = seen.desk.state
        st.rerun()


@st.fragment(run_every=REFRESH_SECONDS)
def _below() -> None:
    """Say what was asked and done, and what must be said."""
    seen = picture()
    with st.container():  # of its own, so that no banner moves and is spoken again when a line goes
        _asked(seen)
    found = banners(seen, wall_now(), resumption(settings()))
    for banner in found:
        _LEVELS[banner.level](plain(banner.text))
    if counted := [span(one.counted) for one in found if one.counted]:
        st.html(f'<div class="zd-counted zd-quiet">{"".join(counted)}</div>')
    _toasts(seen)


def _asked(seen: Picture) -> None:
    """Say why nothing was asked, or what was and what became of it."""
    if said := _asking().said:
        st.error(plain(said))
    recent = [one for one in seen.desk.commands if seen.as_of - one.asked_at < _SAID_FOR][:2]
    for command in recent:
        asked = f"{command.kind}: asked {day_time(command.asked_at)} by {command.asked_by}"
        done = f"{command.outcome}, {day_time(command.done_at)}" if command.done_at else "waiting for the guardian"
        st.caption(plain(f"{asked} → {done}"))
    if recent:
        tell(". ".join(f"{one.kind}, {one.outcome or 'not acknowledged yet'}" for one in recent))


def _parts(seen: Picture) -> list[str]:
    """Return the pieces of the line as HTML."""
    market, desk = seen.market, seen.desk
    parts = [span(market.mode.upper(), f"zd-badge {market.mode}")]
    if market.is_simulated:
        parts.append(span("SIMULATED MARKET", "zd-badge simulated"))
    parts.append(span(*_STATES[desk.state]))
    price = span(f"{market.instrument} {rupees(market.last_price)}") if market.last_price is not None else ""
    parts.append(price or span(f"{market.instrument}: no price yet", "zd-quiet"))
    if market.last_price is not None and market.previous_close:
        moved = market.last_price - market.previous_close
        share = f"{abs(moved / market.previous_close):.2%}"
        sign = "+" if moved > 0 else MINUS if moved < 0 else ""
        parts.append(span(f"{change(moved)} ({sign}{share})", "zd-up" if moved > 0 else "zd-down" if moved < 0 else ""))
    day = of_day(desk.orders, market.now.astimezone(IST).date(), market.prices)
    tone = "zd-up" if day.value > 0 else "zd-down" if day.value < 0 else ""
    note = "" if day.final else " so far"
    parts.append(span(f"Day P&L {'+' if day.value > 0 else ''}{inr(day.value)}{note}", tone))
    if desk.feed is not None:
        silent = silence(seen, desk.feed, wall_now())
        long = f"feed silent for {age(timedelta(seconds=silent))}" if silent < NOTHING_SECONDS else "feed silent"
        parts.append(span(f"feed {silent:.1f} s" if silent < _COUNTED_SECONDS else long, "zd-quiet"))
    return [*parts, span(clock_time(market.now), "zd-quiet")]


def _buttons(seen: Picture) -> None:
    asking = _asking()
    if any(one.done_at and one.id.endswith(asking.nonce) for one in seen.desk.commands):
        asking.nonce = uuid.uuid4().hex
    row = st.container(horizontal=True)  # unlike columns, it stays one on a phone
    cannot = seen.desk.state is not DeskState.ACTIVE
    help_text = "Only `zonedesk resume`, on the command line, lets a desk trade again." if cannot else None
    row.button(
        "Pause entries", key="pause", on_click=_ask, args=(asking, asking.nonce, PAUSE), disabled=cannot,
        help=help_text, width="stretch",
    )  # fmt: skip
    with row.popover("Halt", width="stretch"):
        st.markdown(
            "**Halt**: nothing new is bought, waiting orders are taken back. **Flatten** also sells what is held."
        )
        # A form that is cleared as it is sent would send no word with the second click, which may overtake the first.
        with st.form(f"stop_{asking.form}", border=False):
            label = f"Type {HALT_WORD} or {FLATTEN_WORD} to confirm"
            st.text_input(label, key=f"{_WORD}{asking.form}", autocomplete="off")
            drawn = (asking, asking.nonce, asking.form)
            st.form_submit_button("Do it now", on_click=_stop, args=drawn, type="primary")


def _asking() -> Asking:
    """Return what this visitor asks; the same object as long as the session lives."""
    asking: Asking = st.session_state.setdefault(_ASKING, Asking())
    return asking


def _stop(asking: Asking, nonce: str, form: int) -> None:
    known = st.session_state.to_dict()  # unlike a look-up by name, this cannot be interrupted
    word = str(known.get(f"{_WORD}{form}") or "").strip()
    kind = {HALT_WORD: HALT, FLATTEN_WORD: FLATTEN}.get(word)
    if kind is not None:
        _ask(asking, nonce, kind)
        asking.form = form if asking.said else form + 1
    elif word or asking.asked_at is None or (wall_now() - asking.asked_at).total_seconds() > _TWICE_SECONDS:
        asking.said = f"Nothing was asked: type {HALT_WORD} or {FLATTEN_WORD} in capitals."
    # else the second click of a double one met the empty form that follows


def _ask(asking: Asking, nonce: str, kind: str) -> None:
    """Ask once for each button as it was drawn, however often it is pressed."""
    try:
        ask(Settings(), f"{kind}-{nonce}", kind, by=visitor(), wall=wall_now)
    except TradingError as error:
        asking.said = f"{kind} could not be asked: {error}"
    else:
        asking.said, asking.asked_at = "", wall_now()


def _toasts(seen: Picture) -> None:
    """Tell of fills, refusals and alerts that came since this session began, each once."""
    newest = max((alert.id for alert in seen.desk.alerts), default=0)
    known = st.session_state.setdefault(_ALERTS, newest)
    said = [News(alert.text) for alert in reversed(seen.desk.alerts) if alert.id > known]
    before = st.session_state.setdefault(_ORDERS, told_of(seen.desk.orders))
    found = [*news(before, seen.desk.orders), *said][-_MOST_TOASTS:]
    for one in found:
        st.toast(plain(one.text), duration="infinite" if one.stays else "long")
    st.session_state[_ALERTS], st.session_state[_ORDERS] = newest, told_of(seen.desk.orders)
    if found and choices(Settings()).sound:
        with st.container(key="zd-sound"):  # hidden by the palette's rules; it still sounds
            st.audio(chime(), format="audio/wav", autoplay=True, alt="something happened")
