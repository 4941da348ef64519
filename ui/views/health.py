"""How the desk is: its processes, feed, measurements and alerts."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import streamlit as st

from agents.data.ledger import Message
from agents.data.metrics import MetricReader
from agents.data.metrics.reader import Series
from agents.domain.errors import ConfigError, TradingError
from agents.domain.metrics import METRICS
from agents.settings import Settings
from ui.desk import SEEN, ask
from ui.format import age, day_time, plain, short_time
from ui.hub import wall_now
from ui.markup import Cell, number, span, table
from ui.seen import picture
from ui.snapshot import Picture
from ui.visitor import visitor

REFRESH_SECONDS = 2
_STATES = {"ready": ("● ready", "zd-up"), "failed": ("■ failed", "zd-down")}
_SEVERITIES = {"critical": ("■ critical", "zd-down"), "warn": ("▲ warning", "zd-warn"), "info": ("● info", "zd-quiet")}
_P95 = 0.95
_MOST_WAITING = 5
_FAILED = "seen_failed"


def page() -> None:
    """Draw the page; each part refreshes itself."""
    _numbers()
    left, right = st.columns(2, gap="medium")
    with left:
        _processes()
        _beats()
    with right:
        _alerts()
        _links()


@st.cache_data(ttl=REFRESH_SECONDS, show_spinner=False)
def _series(path: str) -> list[Series]:
    """Return what was measured; all visitors share one look."""
    return list(MetricReader(Path(path)).series())


@st.fragment(run_every=REFRESH_SECONDS)
def _numbers() -> None:
    seen = picture()
    try:
        series = _series(str(Settings().ops_path))
    except ConfigError as error:
        st.warning(plain(str(error)))
        series = []
    cells = (
        ("Processes", _running(seen)),
        ("Cycle, 95 of 100 within", _within(series, "cycle_seconds")),
        ("Broker's answer, 95 of 100 within", _within(series, "api_latency_seconds")),
        ("Failed requests", f"{_total(series, 'api_errors_total'):.0f}"),
        ("Judge, 95 of 100 within", _within(series, "llm_seconds")),
        ("Feed silent for", _silence(seen)),
    )
    for column, (label, value) in zip(st.columns(len(cells)), cells, strict=True):
        column.metric(label, value, border=True)


def _silence(seen: Picture) -> str:
    feed = seen.desk.feed
    if feed is None:
        return "no feed"
    return age(timedelta(seconds=feed.silent)) if feed.silent < timedelta(days=1).total_seconds() else "days"


def _running(seen: Picture) -> str:
    return f"{len([one for one in seen.desk.services if one.get('state') == 'ready'])} of {len(seen.desk.services)} run"


def _within(series: Sequence[Series], name: str) -> str:
    """Return the bound below which 95 of 100 values lie, over all labels."""
    found = [one for one in series if one.name == name and one.count]
    if not found:
        return "not measured"
    bounds = METRICS[name].buckets
    counts = [sum(one.buckets[i] for one in found if i < len(one.buckets)) for i in range(len(bounds))]
    wanted, reached = _P95 * sum(one.count for one in found), 0
    for bound, count in zip(bounds, counts, strict=True):
        reached += count
        if reached >= wanted:
            return f"{bound * 1000:.0f} ms" if bound < 1 else f"{bound:g} s"
    return f"over {bounds[-1]:g} s"


def _total(series: Sequence[Series], name: str) -> float:
    return sum(one.total for one in series if one.name == name)


@st.fragment(run_every=REFRESH_SECONDS)
def _processes() -> None:
    services = picture().desk.services
    if not services:
        st.markdown("**Processes**")
        st.info("No process has reported. Start the desk with `zonedesk up`; they appear here at once.")
        return
    rows: list[list[str | Cell]] = [
        [
            str(one.get("name")),
            Cell(*_STATES.get(str(one.get("state")), (f"○ {one.get('state')}", "zd-warn"))),
            number(str(one.get("pid") or "—")),
            number(str(one.get("restarts", 0))),
            str(one.get("address") or ""),
        ]
        for one in services
    ]
    st.html(table("Processes", ("Process", "State", number("Id"), number("Restarts"), "Address"), rows))


@st.fragment(run_every=REFRESH_SECONDS)
def _beats() -> None:
    """Show the signs of life in the ledger, and the feed's own word."""
    seen = picture()
    rows: list[list[str | Cell]] = []
    for beat in seen.desk.heartbeats:
        said = ", ".join(f"{name} {value}" for name, value in beat.facts.items())
        rows.append([beat.name, f"{age(seen.as_of - beat.at)} ago", said])
    feed = seen.desk.feed
    if feed is not None:
        heard = feed.facts.get("newest_trade_at")
        newest = f"newest trade {day_time(datetime.fromisoformat(heard))}" if heard else "no trade yet"
        state = "connected" if feed.connected else "not connected"
        open_minutes = feed.facts.get("open_minutes", 0)
        trouble = f", {feed.trouble}" if feed.trouble else ""
        words = f"{state}, {feed.facts.get('instruments', 0)} instruments, {newest}, {open_minutes} minutes to fill"
        rows.append(["feed", f"{feed.silent:.1f} s ago", f"{words}{trouble}"])
    if not rows:
        st.info("No process has given a sign of life yet. The guardian gives one every two seconds once it runs.")
        return
    st.html(table("Signs of life", ("Who", "Last", "Said"), rows))


@st.fragment(run_every=REFRESH_SECONDS)
def _alerts() -> None:
    """Show what waits to be seen first, with a button for each; then all of them."""
    desk = picture().desk
    st.markdown("**Alerts**")
    if not desk.alerts:
        st.info("No alert. Whatever a person must see is kept here until a channel has taken it.")
        return
    waiting = [alert for alert in desk.alerts if alert.id not in desk.seen_alerts]
    asked = {one.payload.get("alert") for one in desk.commands if one.kind == SEEN and one.done_at is None}
    st.caption(f"{len(waiting)} of the last {len(desk.alerts)} wait to be seen")
    for alert in waiting[:_MOST_WAITING]:
        said, act = st.columns([0.78, 0.22], vertical_alignment="center")
        mark, kind = _SEVERITIES[alert.severity.value]
        said.html(f"<div>{span(mark, kind)} {span(short_time(alert.created_at), 'zd-quiet')} {span(alert.text)}</div>")
        label = "asked" if alert.id in asked else "Seen"
        told = f"Say that alert {alert.id} was seen"
        act.button(
            label, key=f"seen-{alert.id}", on_click=_seen, args=(alert.id,), disabled=alert.id in asked, help=told
        )
    if st.session_state.get(_FAILED):
        st.warning(plain(str(st.session_state[_FAILED])))
    rows = [_alert(alert, desk.seen_alerts) for alert in desk.alerts]
    st.html(table("All of them, the newest first", ("When", "How grave", "What", "Sent", "Seen"), rows))


def _seen(alert: int) -> None:
    """Ask the guardian to note that an alert was seen; asked again it is the same command."""
    try:
        ask(Settings(), f"{SEEN}-{alert}", SEEN, by=visitor(), wall=wall_now, payload={"alert": alert})
    except TradingError as error:
        st.session_state[_FAILED] = f"it could not be asked: {error}"
    else:
        st.session_state[_FAILED] = ""


def _alert(alert: Message, seen: Mapping[int, str]) -> list[str | Cell]:
    sent = day_time(alert.sent_at) if alert.sent_at else f"waits, {alert.attempts} tries"
    who = seen.get(alert.id)
    return [
        short_time(alert.created_at),
        Cell(*_SEVERITIES[alert.severity.value]),
        Cell(alert.text, "words"),
        sent,
        f"by {who}" if who else "not yet",
    ]


def _links() -> None:
    """Lead into Dagster, where the runs and the lineage are."""
    base = f"http://127.0.0.1:{Settings().dagster_port}"
    st.markdown("**Dagster**")
    places = (
        ("Runs", "/runs"),
        ("Runs that failed", "/runs?q%5B%5D=status%3AFAILURE"),
        ("Lineage", "/asset-groups"),
        ("Automation", "/automation"),
    )
    for column, (label, path) in zip(st.columns(len(places)), places, strict=True):
        column.link_button(label, f"{base}{path}", width="stretch")
