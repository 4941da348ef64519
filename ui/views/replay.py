"""A past session, moment by moment: what was known then, and nothing that came later."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from agents.domain.errors import ConfigError, DataError
from agents.domain.values import IST
from agents.settings import Settings
from ui.candles import TIMEFRAMES
from ui.chart import chart_data, draw, replayed
from ui.chart_turning import turning_layers
from ui.format import change, clock_time, day_time, plain, rupees, short_time
from ui.hub import wall_now
from ui.links import AT, SESSION, link, why_address
from ui.markup import Cell, heading, number, span, table
from ui.profit import of_day, of_order
from ui.replay import SPEEDS, Past
from ui.replay_changes import changes
from ui.replay_reader import ReplayReader
from ui.replay_state import (
    FRAME,
    ON,
    SPEED,
    begin,
    frame_of,
    go,
    is_begun,
    is_playing,
    keep_pace,
    moment_of,
    pause,
    slide,
    slider_at,
    step,
    toggle,
)
from ui.seen import colours, picture
from ui.snapshot import Picture
from ui.trading import Order
from ui.views.cockpit import LAYERS, dagster_address, decisions_table, verdict_card
from ui.words import order_in_words

REFRESH_SECONDS = 1.0
KEPT_SECONDS = 60
FRAMES = tuple(name for name, minutes in TIMEFRAMES.items() if minutes)
_LINK, _DRAWN, _LAYERS = "replay_link", "replay_drawn", "replay_layers"
_CYCLES_SHOWN = 30
_STYLE = """<style>
.zd-replay{display:flex;flex-wrap:wrap;gap:.2rem 1rem;align-items:baseline;padding:.5rem .8rem;border-radius:4px;
 color:#fff;background:repeating-linear-gradient(135deg,#5B3DB5 0 14px,#6545BD 14px 28px);
 font-variant-numeric:tabular-nums}
.zd-replay b{font-size:1.15rem;letter-spacing:.08em}.zd-replay .then{font-size:1.15rem;font-weight:600}
</style>"""


def page() -> None:
    """Draw what chooses the session, and the session at its moment."""
    settings, now = Settings(), picture().market.now
    home, instrument = str(settings.home), settings.instruments[0]
    try:
        dates = _dates(home, instrument, now.astimezone(IST).date())
    except (ConfigError, DataError) as error:
        st.warning(plain(str(error)))
        return
    if not dates:
        st.info(
            "No session can be replayed yet. Each one is kept as it is traded, and can be chosen here from its first "
            "candle on; `zonedesk import` and `zonedesk download` bring earlier ones."
        )
        return
    _follow_link(dates)
    badge = st.empty()
    on = _chosen(dates)
    try:
        reader, past = _kept(home, instrument, on)
    except (ConfigError, DataError) as error:
        st.warning(plain(str(error)))
        return
    st.session_state[_DRAWN] = is_playing()
    st.fragment(_stage, run_every=REFRESH_SECONDS if is_playing() else None)(reader, past, badge)


@st.cache_data(ttl=KEPT_SECONDS, show_spinner=False)
def _dates(_home: str, instrument: str, today: date) -> list[date]:
    return ReplayReader(Settings(), instrument, wall_now).dates(today)


@st.cache_resource(ttl=KEPT_SECONDS, max_entries=8, show_spinner="Reading the session")
def _kept(home: str, instrument: str, on: date) -> tuple[ReplayReader, Past]:  # noqa: ARG001 - what it is kept by
    """Read a session; read again after a while, in case that it was materialised anew or goes on."""
    reader = ReplayReader(Settings(), instrument, wall_now)
    return reader, reader.past(on, picture().market.now)


def _follow_link(dates: Sequence[date]) -> None:
    """Go once to the moment that the address names."""
    asked = (st.query_params.get(SESSION, ""), st.query_params.get(AT, ""))
    if not asked[0] or asked == st.session_state.get(_LINK):
        return
    st.session_state[_LINK] = asked
    try:
        on = date.fromisoformat(asked[0])
        moment = datetime.combine(on, time.fromisoformat(asked[1] or "09:15"), IST)
    except ValueError:
        st.warning("The address names no moment; it is written like ?session=2026-11-19&at=12:05:00.")
        return
    if on not in dates:
        st.warning(f"No candles of {on:%d %b %Y} are stored; choose one of the list.")
        return
    st.session_state[ON] = on
    begin(on, moment)


def _chosen(dates: Sequence[date]) -> date:
    """Let the reader choose session, time frame, layers and speed; another session begins at its opening."""
    row = st.container(horizontal=True, vertical_alignment="bottom")
    on = row.selectbox(
        "Session", dates, format_func=lambda day: f"{day:%a %d %b %Y}", key=ON, width=190, persist_state="session"
    )
    row.segmented_control(
        "Candles, and what a step is", FRAMES, default="15 min", key=FRAME, required=True, persist_state="session"
    )
    row.segmented_control(
        "Speed", SPEEDS, format_func=lambda speed: f"x{speed}", default=SPEEDS[-1], key=SPEED, required=True,
        on_change=keep_pace, persist_state="session",
    )  # fmt: skip
    row.pills("Layers", list(LAYERS), selection_mode="multi", key=_LAYERS, persist_state="session")
    if not is_begun(on):
        begin(on, None)
    return on


def _stage(reader: ReplayReader, past: Past, badge: DeltaGenerator) -> None:
    """Draw the session at its moment, and move on while it plays."""
    at = moment_of(past)
    if is_playing() and at >= past.ends_at:
        pause(past)
    if is_playing() != st.session_state.get(_DRAWN):
        st.rerun()
    seen = reader.at(past, at)
    moment = f"{at.astimezone(IST):%a %d %b %Y %H:%M:%S} IST"
    note = "Shown as it was known then. The line and the buttons above are the running desk."
    told = f"<b>REPLAY</b>{span(moment, 'then')}{span(note)}"
    badge.html(f'{_STYLE}<div class="zd-replay" role="status" aria-live="off">{told}</div>')
    _controls(past, at)
    if seen.market.problem:
        st.warning(plain(seen.market.problem))
        return
    _draw(seen, past)


def _controls(past: Past, at: datetime) -> None:
    """Draw the buttons and the slider; arrows step one candle, space plays."""
    row = st.container(horizontal=True)
    row.button("Opening", key="replay_first", on_click=go, args=(past, past.session.open_at))
    row.button("◀ Candle", key="replay_back", on_click=step, args=(past, -1))
    label = "❚❚ Pause" if is_playing() else "▶ Play"
    row.button(
        label, key="replay_play", type="primary", on_click=toggle, args=(past,),
        disabled=at >= past.ends_at,
    )  # fmt: skip
    row.button("Candle ▶", key="replay_on_one", on_click=step, args=(past, 1))
    row.button("End", key="replay_last", on_click=go, args=(past, past.ends_at))
    low, high = (each.astimezone(IST).time().replace(second=0) for each in (past.session.open_at, past.ends_at))
    if low < high:
        key = slider_at(max(min(at.astimezone(IST).time().replace(second=0, microsecond=0), high), low))
        st.slider(
            "Moment", low, high, step=timedelta(minutes=1), format="HH:mm", key=key, label_visibility="collapsed",
            on_change=slide, args=(past, key),
        )  # fmt: skip
    st.caption("← and → step one candle, space plays.")


def _draw(seen: Picture, past: Past) -> None:
    left, right = st.columns([0.74, 0.26], gap="medium")
    with left:
        _chart(seen)
    with right:
        if seen.market.verdicts:
            st.html(heading("Last verdict by then") + verdict_card(seen.market.verdicts[0], dagster_address()))
        today = [each for each in seen.market.cycles if each.at >= past.session.open_at][:_CYCLES_SHOWN]
        if today:
            with st.container(height=340, border=False):
                st.html(decisions_table(today, dagster_address()))
        else:
            st.info("Nothing was decided in this session by then.")
    _trades(seen, past)
    _changes(seen, past)


def _chart(seen: Picture) -> None:
    shown = seen.market
    frame = frame_of()
    layers = tuple(LAYERS[name] for name in st.session_state.get(_LAYERS) or ())
    data = chart_data(shown, colours(), timeframe=frame, orders=seen.desk.orders, layers=layers, live=False)
    data |= turning_layers(shown, frame, layers, Settings().half_length)
    if not data["candles"]:
        st.info(f"No candles of {frame} are stored of this session; choose 15 min.")
        return
    draw(replayed(data, f"REPLAY {shown.now.astimezone(IST):%d %b}"), key=f"replay-{shown.instrument}")
    price = rupees(shown.last_price) if shown.last_price is not None else "without a price"
    st.caption(f"{shown.instrument} {price}. Candles, zones, profile, marks and lines end at {clock_time(shown.now)}.")


def _trades(seen: Picture, past: Past) -> None:
    """Show the orders of the session with their results, and the day's, as they were then."""
    orders, prices = seen.desk.orders, seen.market.prices
    day = of_day(orders, past.session.on, prices)
    note = "after costs" if day.final else "after the costs of what was traded, open positions at their last price"
    state = f" · desk {seen.desk.state.value}" if seen.desk.state else ""
    tone = "zd-up" if day.value > 0 else "zd-down" if day.value < 0 else ""
    result = span(f"{change(day.value)} rupees", f"zd-word {tone}")
    st.html(f"{heading('Result of the session by then')}{result} {span(f'{note}{state}', 'zd-quiet')}")
    if not orders:
        st.info("No order was placed in this session by then.")
        return
    numbers = [number(name) for name in ("Units", "Bought at", "Sold at", "Result")]
    headers: tuple[str | Cell, ...] = ("Contract", *numbers, "State then", "Placed", "Filled", "Closed")
    st.html(table("Orders by then", headers, [_order(order, seen) for order in orders[::-1]]))


def _order(order: Order, seen: Picture) -> list[str | Cell]:
    sold = order.bought - order.held
    profit = of_order(order, seen.market.prices)
    result = change(profit.value) if profit.priced else "no price"
    moments = [day_time(at) if at else "—" for at in (order.placed_at, order.filled_at, order.closed_at)]
    return [
        link(order.contract, why_address(order.setup_id), f"why {order.contract}"),
        number(str(order.bought)),
        number(rupees(order.spent / order.bought) if order.bought else "—"),
        number(rupees(order.earned / sold) if sold else "—"),
        number(result if profit.final else f"{result} so far", sign=profit.value if order.bought else 0),
        order_in_words(order),
        *moments,
    ]


def _changes(seen: Picture, past: Past) -> None:
    """Say what is known today of this moment and was not seen then."""
    last = next((each for each in seen.market.cycles if each.at >= past.session.open_at), None)
    found = changes(last, seen.market.analysis)
    written = [f"{one.rows} rows of {one.what}, last {clock_time(one.recorded_at)}" for one in past.again]
    if not found and not written:
        if last is not None and found is not None:
            st.caption(f"Nothing changed since: these are the zones that the decision of {short_time(last.at)} saw.")
        return
    st.html(heading("What changed since"))
    if written:
        st.caption(plain(f"Recorded again after the desk had decided on them: {'; '.join(written)}."))
    if found and last is not None:
        st.caption(f"Against what the decision of {short_time(last.at)} saw:")
        rows: list[list[str | Cell]] = [[words] for words in found]
        st.html(table("Zones that differ", ("What",), rows))
