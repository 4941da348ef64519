"""The first page: the chart, what the judge and the desk last said, positions, and the session against its limits."""

from collections.abc import Sequence

import streamlit as st

from agents.domain.values import IST
from agents.domain.zones import Zone
from agents.settings import Settings
from ui.candles import TIMEFRAMES
from ui.chart import SIDE_MARKS, chart_data, draw
from ui.chart_turning import BREAKS, SWINGS, turning_layers
from ui.format import age, change, clock_time, day_time, inr, plain, rupees, short_time
from ui.links import cycle_run_address, link, replay_address, verdict_run_address
from ui.markup import Cell, bar, between, number, table
from ui.profit import of_day, of_order
from ui.seen import colours, picture
from ui.snapshot import CycleRow, Picture, VerdictRow
from ui.trading import Order

REFRESH_SECONDS = 2
CYCLES_SHOWN = 12
NOT_JUDGED = "not judged"
LAYERS = {"Order blocks": "order block", "Gaps": "gap", "Swings": SWINGS, "Breaks": BREAKS}
_MARKS = {"confirm": "▲", "reject": "▼", "unsure": "●"}
_DECISIONS = {"trade": "▲ trade", "skip": "● skip", "fault": "▼ fault"}


def page() -> None:
    """Draw the page; each part refreshes itself."""
    left, right = st.columns([0.74, 0.26], gap="medium")
    with left:
        pick, layers = st.columns([0.55, 0.45])
        frame = pick.segmented_control(
            "Time frame", list(TIMEFRAMES), default="15 min", key="timeframe", label_visibility="collapsed"
        )
        wanted = layers.pills(
            "Layers", list(LAYERS), selection_mode="multi", key="layers", label_visibility="collapsed"
        )
        _chart(frame or "15 min", tuple(LAYERS[name] for name in wanted))
    with right:
        _verdict()
        _cycles()
    _positions()
    _limits()
    _zones()


@st.fragment(run_every=REFRESH_SECONDS * 2)
def _chart(timeframe: str, layers: tuple[str, ...]) -> None:
    seen = picture()
    shown = seen.market
    data = chart_data(shown, colours(), timeframe=timeframe, orders=seen.desk.orders, layers=layers)
    data |= turning_layers(shown, timeframe, layers, Settings().half_length)
    if not data["candles"]:
        what = "analysed candles" if timeframe in {"15 min", "Day"} else "one-minute candles"
        st.info(f"No {what} yet. They appear here after the first ones of the session.")
        return
    draw(data, key=f"chart-{shown.instrument}")
    if shown.profile:
        profile = shown.profile
        st.caption(
            f"Volume profile from {plain(profile.source)}: POC {rupees(profile.poc)}, value area {rupees(profile.val)} "
            f"to {rupees(profile.vah)}. Solid zones are confirmed by the judge, dashed ones are not. "
            f"As of {clock_time(shown.now)}."
        )


@st.fragment(run_every=REFRESH_SECONDS * 2)
def _verdict() -> None:
    """Say the judge's last word and why."""
    shown = picture().market
    st.markdown("**Last verdict**")
    if not shown.verdicts:
        st.info("No verdict yet. Zones are judged when a 15-minute candle closes.")
        return
    verdict_box(shown.verdicts[0], dagster_address())


def verdict_box(verdict: VerdictRow, dagster: str) -> None:
    """Show a verdict with its reason, and lead to its chart and its run."""
    with st.container(border=True):
        _one_verdict(verdict)
        leads = st.container(horizontal=True)
        leads.link_button("Chart then", replay_address(verdict.at), type="tertiary")
        leads.link_button("Dagster", verdict_run_address(dagster, verdict.at), type="tertiary")


def _one_verdict(verdict: VerdictRow) -> None:
    mark = _MARKS.get(verdict.verdict, "●")
    st.markdown(f"{mark} **{plain(verdict.verdict)}** · {verdict.probability:.2f} · {short_time(verdict.at)}")
    side = f"{SIDE_MARKS.get(verdict.side, '')} {verdict.side}"
    st.markdown(f"{side} zone {rupees(verdict.low)} to {rupees(verdict.high)}, by {plain(verdict.judge)}")
    st.progress(min(max(verdict.probability, 0.0), 1.0))
    st.caption(plain(verdict.reason))


@st.fragment(run_every=REFRESH_SECONDS)
def _cycles() -> None:
    shown = picture().market
    if not shown.cycles:
        st.markdown("**Last decisions**")
        st.info("No cycle yet. In an open session the desk decides every three minutes and says why.")
        return
    with st.container(height=340, border=False):
        st.html(decisions_table(shown.cycles[:CYCLES_SHOWN], dagster_address()))


def decisions_table(cycles: Sequence[CycleRow], dagster: str) -> str:
    """Return decisions as a table; each time leads to the chart as it was then, each decision to its run."""
    rows: list[list[str | Cell]] = []
    for each in cycles:
        time = day_time(each.at)[:5]
        decision = _DECISIONS.get(each.decision, each.decision)
        chart = link(time, replay_address(each.at), f"the chart at {short_time(each.at)}")
        run = link(decision, cycle_run_address(dagster, each.at), f"{decision}: its run in Dagster")
        rows.append([chart, run, _why(each)])
    return table("Last decisions", ("Time", "Decision", "Why"), rows)


def dagster_address() -> str:
    """Return where Dagster's pages are."""
    return f"http://127.0.0.1:{Settings().dagster_port}"


def _why(cycle: CycleRow) -> str:
    return f"{cycle.reason} ({cycle.detail})" if cycle.detail else cycle.reason


@st.fragment(run_every=REFRESH_SECONDS)
def _positions() -> None:
    seen = picture()
    held = [order for order in seen.desk.orders if order.held]
    if not held:
        st.markdown("**Open positions**")
        st.info("No position is open. One appears here when an entry is filled, with its stop and its target.")
        return
    st.html(held_table(held, seen))


def held_table(held: Sequence[Order], seen: Picture) -> str:
    """Return the positions of a picture as a table."""
    numbers = (number("Units"), number("Average"), number("LTP"), number("P&L"))
    headers = ("Contract", *numbers, "Stop to target", "State", "Since")
    return table("Open positions", headers, [_position(order, seen) for order in held])


def _position(order: Order, seen: Picture) -> list[str | Cell]:
    price = seen.market.prices.get(order.contract)
    profit = of_order(order, seen.market.prices)
    levels = f"{rupees(order.stop)} → {rupees(order.target)}"
    shown = f"{change(profit.value)} so far" if profit.priced else "no price"
    return [
        order.contract,
        number(str(order.held)),
        number(rupees(order.spent / order.bought)),
        number(rupees(price) if price is not None else "no price"),
        number(shown, sign=profit.value if profit.priced else 0),
        Cell(levels, "", f"{between(order.stop, order.target, price)}{levels}"),
        order.state.replace("_", " "),
        short_time(order.filled_at or order.placed_at),
    ]


@st.fragment(run_every=REFRESH_SECONDS)
def _limits() -> None:
    """Show today's counts beside what the settings allow."""
    seen, settings = picture(), Settings()
    today = seen.market.now.astimezone(IST).date()
    entries = sum(1 for each in seen.desk.orders if each.bought and each.placed_at.astimezone(IST).date() == today)
    day = of_day(seen.desk.orders, today, seen.market.prices)
    budget = float(settings.equity) * settings.daily_loss_share
    lost = max(0.0, -float(day.value))
    skips = sum(1 for each in seen.market.cycles if each.decision == "skip" and each.at.astimezone(IST).date() == today)
    st.html(
        table(
            "Today against the limits",
            ("What", number("So far"), number("Limit")),
            [
                ["entries", number(str(entries)), number(str(settings.max_trades))],
                ["loss of the day", number(inr(lost)), number(inr(budget))],
                ["risk of one trade", number("—"), number(inr(float(settings.equity) * settings.risk_per_trade))],
                ["decisions that passed", number(f"{skips} of the last {len(seen.market.cycles)}"), number("none")],
            ],
        )
    )


@st.fragment(run_every=REFRESH_SECONDS * 2)
def _zones() -> None:
    shown = picture().market
    zones = shown.analysis.zones if shown.analysis else ()
    if not zones or shown.analysis is None:
        st.markdown("**Live zones**")
        st.info("No zone is live at the last analysed candle.")
        return
    price = float(shown.last_price or 0)
    nearest = sorted(zones, key=lambda zone: abs(float(zone.low + zone.high) / 2 - price))
    old = age(shown.now - shown.analysis.bar_at)
    caption = f"Live zones ({len(zones)}) as of {short_time(shown.analysis.bar_at)}, {old} ago"
    st.html(table(caption, _ZONE_HEADERS, [_zone_row(zone) for zone in nearest]))


_ZONE_NUMBERS = (number("From"), number("To"))
_ZONE_WORDS = ("Known", "Made of", "Verdict", number("Probability"), "Judge", "Reason")
_ZONE_HEADERS = ("Zone", *_ZONE_NUMBERS, "Confidence", number("Touches"), *_ZONE_WORDS)


def _zone_row(zone: Zone) -> list[str | Cell]:
    verdict, confidence = zone.verdict, f"{zone.confidence:.2f}"
    return [
        f"{SIDE_MARKS[zone.side.value]} {zone.side.value}",
        number(rupees(zone.low)),
        number(rupees(zone.high)),
        Cell(confidence, "", f"{confidence} {bar(zone.confidence, 'zd-quiet')}"),
        number(str(zone.touches)),
        short_time(zone.known_at),
        ", ".join(component.kind.value.replace("_", " ") for component in zone.components),
        verdict.verdict.value if verdict else NOT_JUDGED,
        number(f"{verdict.probability:.2f}" if verdict else ""),
        verdict.judge if verdict else "",
        Cell(verdict.reason if verdict else "", "words"),
    ]
