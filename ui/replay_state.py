"""Where a visitor's replay stands: the session, the moment, whether it plays and how fast."""

from datetime import date, datetime, time

import streamlit as st

from agents.domain.values import IST
from ui.candles import TIMEFRAMES
from ui.hub import wall_now
from ui.replay import SPEEDS, Past, played, stepped, within

ON, SLIDER, SPEED, FRAME = "replay_on", "replay_slider", "replay_speed", "replay_frame"
"""Keys of the widgets; the slider's has a number besides."""
_MOMENT, _PLAYING, _RATE, _BEGUN = "replay_moment", "replay_playing_since", "replay_rate", "replay_begun"
_SLIDERS = "replay_sliders"


def begin(on: date, moment: datetime | None) -> None:
    """Stand still in a session, at its opening unless a moment is given."""
    st.session_state.update({_BEGUN: on, _MOMENT: moment, _PLAYING: None})


def is_begun(on: date) -> bool:
    """Whether this is the session that the replay stands in."""
    return bool(st.session_state.get(_BEGUN) == on)


def is_playing() -> bool:
    """Whether the moment moves on by itself."""
    return st.session_state.get(_PLAYING) is not None


def frame_of() -> str:
    """Return the time frame that is chosen."""
    return st.session_state.get(FRAME) or "15 min"


def moment_of(past: Past) -> datetime:
    """Return the moment that is to be shown."""
    moment = st.session_state.get(_MOMENT) or past.session.open_at
    since = st.session_state.get(_PLAYING)
    if since is None:
        return within(past, moment)
    return played(past, moment, wall_now() - since, _rate())


def go(past: Past, moment: datetime) -> None:
    """Stand still at a moment."""
    st.session_state.update({_MOMENT: within(past, moment), _PLAYING: None})


def step(past: Past, candles: int) -> None:
    """Go so many candles of the chosen time frame on, or back, and stand still."""
    go(past, stepped(past, moment_of(past), TIMEFRAMES[frame_of()], candles))


def pause(past: Past) -> None:
    """Stand still where the replay is."""
    go(past, moment_of(past))


def toggle(past: Past) -> None:
    """Play, or stand still."""
    playing = is_playing()
    pause(past)
    if not playing:
        st.session_state[_PLAYING] = wall_now()


def slider_at(value: time) -> str:
    """Return the key of the slider that stands at a time: another one whenever the moment moved by other means.

    Until a page has drawn what it was sent, it goes on telling where its slider stood before; what is told of a slider
    that is no more moves nothing.
    """
    if st.session_state.get(_slider()) != value:
        st.session_state[_SLIDERS] = st.session_state.get(_SLIDERS, 0) + 1
        st.session_state[_slider()] = value
    return _slider()


def slide(past: Past, key: str) -> None:
    """Go to where the slider was put, and play on from there if it played; do nothing for a slider that is no more."""
    if key != _slider():
        return
    playing = is_playing()
    go(past, datetime.combine(past.session.on, st.session_state[key], IST))
    if playing:
        st.session_state[_PLAYING] = wall_now()


def keep_pace() -> None:
    """Take over another speed from now on; what was played so far stays played."""
    since, now = st.session_state.get(_PLAYING), wall_now()
    if since is not None and st.session_state.get(_MOMENT) is not None:
        st.session_state[_MOMENT] += (now - since) * _rate()
        st.session_state[_PLAYING] = now
    st.session_state[_RATE] = st.session_state.get(SPEED)


def _slider() -> str:
    return f"{SLIDER}_{st.session_state.get(_SLIDERS, 0)}"


def _rate() -> int:
    return st.session_state.get(_RATE) or SPEEDS[-1]
