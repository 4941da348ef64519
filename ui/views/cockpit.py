"""The first page: the chart, what the judge and the desk last said, positions, and the session against its limits."""

from collections.abc import Sequence

import streamlit as st

from agents.domain.cycle import DeskState
from agents.domain.values import IST
from agents.domain.zones import Zone
from ui.candles import TIMEFRAMES
from ui.chart import SIDE_MARKS, chart_data, draw
from ui.chart_turning import BREAKS, SWINGS, turning_layers
from ui.exits import exit_buttons
from ui.format import age, clock_time, day_time, rupees, short_time
from ui.held import held_table
from ui.limits_used import limit_cards, tally
from ui.links import cycle_run_address, link, replay_address, verdict_run_address, why_address
from ui.markup import Cell, bar, heading, number, span, table
from ui.seen import colours, picture, settings
from ui.snapshot import CycleRow, Picture, Snapshot, VerdictRow

REFRESH_SECONDS = 2
CYCLES_SHOWN = 12
VERDICTS_SHOWN = 12
NOT_JUDGED = "not judged"
LAYERS = {"Order blocks": "order block", "Gaps": "gap", "Swings": SWINGS, "Breaks": BREAKS}
_MARKS = {"confirm": "▲", "reject": "▼", "unsure": "●"}
_SINCE = {"": "not reached yet", "touched": "reached, holds", "broken": "broken", "superseded": "replaced"}
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
        _said()
    _held_and_limits()
    _zones()


@st.fragment(run_every=REFRESH_SECONDS * 2)
def _chart(timeframe: str, layers: tuple[str, ...]) -> None:
    seen = picture()
    shown = seen.market
    data = chart_data(shown, colours(), timeframe=timeframe, orders=seen.desk.orders, layers=layers)
    data |= turning_layers(shown, timeframe, layers, settings().half_length)
    if not data["candles"]:
        what = "analysed candles" if timeframe in {"15 min", "Day"} else "one-minute candles"
        st.info(f"No {what} yet. They appear here after the first ones of the session.{until_it_opens(shown)}")
        return
    draw(data, key=f"chart-{shown.instrument}")
    if shown.profile:
        profile = shown.profile
        told = (
            f"Volume profile from {profile.source}: POC {rupees(profile.poc)}, value area {rupees(profile.val)} "
            f"to {rupees(profile.vah)}. Solid zones are confirmed by the judge, dashed ones are not. "
            f"As of {clock_time(shown.now)}."
        )
        st.html(span(told, "zd-quiet"))


# Each refresh of its own costs as much again as what it draws: neighbours are refreshed together.
@st.fragment(run_every=REFRESH_SECONDS)
def _said() -> None:
    """Draw what judge and desk said."""
    _verdict()
    decided, judged = st.tabs(["Decisions", "Verdicts"])
    with decided:
        _cycles()
    with judged:
        _verdicts()


@st.fragment(run_every=REFRESH_SECONDS)
def _held_and_limits() -> None:
    _positions()
    _limits()


def _verdict() -> None:
    """Say the judge's last word and why."""
    shown = picture().market
    if not shown.verdicts:
        st.html(heading("Last verdict"))
        st.info(f"No verdict yet. Zones are judged when a 15-minute candle closes.{until_it_opens(shown)}")
        return
    st.html(heading("Last verdict") + verdict_card(shown.verdicts[0], dagster_address()))


def verdict_card(verdict: VerdictRow, dagster: str) -> str:
    """Return a verdict with its reason and ways to its chart and run: one element, which a browser draws at once."""
    mark = _MARKS.get(verdict.verdict, "●")
    side = f"{SIDE_MARKS.get(verdict.side, '')} {verdict.side}"
    leads = (
        link("Chart then", replay_address(verdict.at), f"the chart at {short_time(verdict.at)}"),
        link("Dagster", verdict_run_address(dagster, verdict.at), f"the run in Dagster of {short_time(verdict.at)}"),
    )
    lines = (
        span(f"{mark} {verdict.verdict} · {verdict.probability:.2f} · {short_time(verdict.at)}", "zd-word"),
        span(f"{side} zone {rupees(verdict.low)} to {rupees(verdict.high)}, by {verdict.judge}"),
        bar(verdict.probability, "zd-share"),
        span(verdict.reason, "zd-quiet"),
        f"<span>{' · '.join(lead.markup for lead in leads)}</span>",
    )
    return f'<div class="zd-said">{"".join(lines)}</div>'


def _cycles() -> None:
    seen = picture()
    shown = seen.market
    if not shown.cycles:
        st.html(heading("Last decisions"))
        st.info(
            "No cycle yet. In an open session the desk decides every three minutes and says why."
            f"{until_it_opens(shown)}"
        )
        return
    table_of_them = decisions_table(shown.cycles[:CYCLES_SHOWN], dagster_address())
    st.html(f'<div class="zd-log">{table_of_them}</div>{span(tally(seen), "zd-quiet")}')


def _verdicts() -> None:
    shown = picture().market
    if not shown.verdicts:
        st.info("Each zone's verdict is listed here.")
        return
    st.html(f'<div class="zd-log">{verdicts_table(shown.verdicts[:VERDICTS_SHOWN])}</div>')


def verdicts_table(verdicts: Sequence[VerdictRow]) -> str:
    """Return verdicts as a short table; each time leads to the chart as it was then, each zone to its reasons."""
    rows: list[list[str | Cell]] = []
    for each in verdicts:
        chart = link(short_time(each.at), replay_address(each.at), f"the chart at {short_time(each.at)}")
        side = f"{SIDE_MARKS.get(each.side, '')} {each.low:,.0f} to {each.high:,.0f}"
        zone = link(side, why_address(each.zone_id), f"why the zone {side} is one")
        word = f"{_MARKS.get(each.verdict, '●')} {each.verdict} {each.probability:.2f}"
        rows.append([chart, word, zone, _SINCE.get(each.since, each.since)])
    return table("Last verdicts", ("Time", "Verdict", "Zone", "Since then"), rows)


def decisions_table(cycles: Sequence[CycleRow], dagster: str) -> str:
    """Return decisions as a table.

    Each time leads to the chart as it was then, each decision to its reasons, each "run" to Dagster.
    """
    rows: list[list[str | Cell]] = []
    for each in cycles:
        time = day_time(each.at)[:5]
        decision = _DECISIONS.get(each.decision, each.decision)
        chart = link(time, replay_address(each.at), f"the chart at {short_time(each.at)}")
        why = link(decision, why_address(each.cycle_id), f"{decision} at {time}: why")
        run = link("run", cycle_run_address(dagster, each.at), f"the run in Dagster of {time}")
        rows.append([chart, why, _why(each), run])
    return table("Last decisions", ("Time", "Decision", "Why", "Dagster"), rows)


def dagster_address() -> str:
    """Return where Dagster's pages are."""
    return f"http://127.0.0.1:{settings().dagster_port}"


def _why(cycle: CycleRow) -> str:
    return f"{cycle.reason} ({cycle.detail})" if cycle.detail else cycle.reason


def _positions() -> None:
    seen = picture()
    held = [order for order in seen.desk.orders if order.held]
    if held:
        st.html(held_table(held, seen))
        exit_buttons(held, seen)
        return
    st.html(heading("Open positions"))
    st.info(when_nothing_is_held(seen))


def when_nothing_is_held(seen: Picture) -> str:
    """Say why no position is shown, and when one will be."""
    if is_unread(seen):
        return "What is held cannot be read at the moment; the broker's own app shows it."
    came = "One appears here when an entry is filled, with its stop and its target."
    entries = "" if seen.desk.state in {DeskState.ACTIVE, None} else " The desk makes no entries now."
    return f"No position is open. {came}{entries}{until_it_opens(seen.market)}"


def is_unread(seen: Picture) -> bool:
    """Whether there is a ledger, and it cannot be read: nobody knows then that there is nothing."""
    chosen = settings()
    return bool(seen.desk.problem) and (chosen.ledger_url is not None or chosen.ledger_path.is_file())


def until_it_opens(market: Snapshot) -> str:
    """Return when the market opens as a sentence with a blank before it, "" while it is open or nobody knows."""
    if market.is_open or market.next_open is None:
        return ""
    return f" The market opens on {market.next_open.astimezone(IST):%a %d %b at %H:%M} IST."


def _limits() -> None:
    seen = picture()
    st.html(heading(f"Today against the limits, as of {clock_time(seen.market.now)}"))
    st.html(limit_cards(seen, settings()))


@st.fragment(run_every=REFRESH_SECONDS * 2)
def _zones() -> None:
    shown = picture().market
    zones = shown.analysis.zones if shown.analysis else ()
    if not zones or shown.analysis is None:
        st.html(heading("Live zones"))
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
        Cell(", ".join(component.kind.value.replace("_", " ") for component in zone.components), "words"),
        verdict.verdict.value if verdict else NOT_JUDGED,
        number(f"{verdict.probability:.2f}" if verdict else ""),
        verdict.judge if verdict else "",
        Cell(verdict.reason if verdict else "", "words"),
    ]
