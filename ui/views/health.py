"""How the desk is: its processes, feed, measurements and alerts."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import streamlit as st

from agents.data.ledger import Message
from agents.domain.errors import ConfigError, TradingError
from agents.settings import Settings
from ui.banners import GUARDIAN_SECONDS, SILENT_SECONDS, silence
from ui.cards import Card, cards
from ui.desk import GUARDIAN, SEEN, ask
from ui.format import age, day_time, plain, short_time
from ui.hub import wall_now
from ui.markup import Cell, heading, number, span, table
from ui.measures import Measures, in_words, lasted, measures, percentile
from ui.seen import picture
from ui.snapshot import Picture
from ui.timeline import timeline
from ui.visitor import visitor

REFRESH_SECONDS = 2
_STATES = {
    "ready": ("● ready", "zd-up"),
    "starting": ("○ starting", "zd-warn"),
    "waiting": ("○ died, starts again soon", "zd-warn"),
    "failed": ("■ keeps dying, left down", "zd-down"),
    "stopped": ("○ stopped", "zd-quiet"),
}
_SEVERITIES = {"critical": ("■ critical", "zd-down"), "warn": ("▲ warning", "zd-warn"), "info": ("● info", "zd-quiet")}
_MOST_WAITING = 5
_FAILED = "seen_failed"


def page() -> None:
    """Draw the page; each part refreshes itself."""
    _numbers()
    left, right = st.columns(2, gap="medium")
    with left:
        _processes()
        _beats()
        _breakers()
    with right:
        _alerts()
        _timeline()
        _links()
    _requests()


@st.cache_data(ttl=REFRESH_SECONDS, show_spinner=False)
def _measured(path: str) -> Measures | str:
    """Return what was measured, or why it cannot be read; all visitors share one look."""
    try:
        return measures(Path(path), wall_now())
    except ConfigError as error:
        return str(error)


def _measures() -> Measures:
    found = _measured(str(Settings().ops_path))
    return found if isinstance(found, Measures) else Measures()


@st.fragment(run_every=REFRESH_SECONDS)
def _numbers() -> None:
    seen = picture()
    found = _measured(str(Settings().ops_path))
    if isinstance(found, str):
        st.warning(plain(found))
        found = Measures()
    st.html(cards([_uptime(seen), _guardian(seen), *_measured_cards(found), _silence(seen, found)]))


def _uptime(seen: Picture) -> Card:
    began, services = seen.desk.started_at, seen.desk.services
    ready = sum(one.get("state") == "ready" for one in services)
    if began is None:
        return Card("Uptime", "not running", "start it with zonedesk up", "zd-warn")
    kind = "" if ready == len(services) else "zd-warn"
    note = f"{ready} of {len(services)} processes ready, since {short_time(began)}"
    return Card("Uptime", lasted(seen.as_of - began), note, kind)


def _guardian(seen: Picture) -> Card:
    beat = next((one for one in seen.desk.heartbeats if one.name == GUARDIAN), None)
    if beat is None:
        return Card("Guardian", "never seen", "it guards once the desk runs", "zd-quiet")
    silent = (wall_now() - beat.at).total_seconds()
    state = str(beat.facts.get("state", "alive"))
    lives = silent <= GUARDIAN_SECONDS
    said = f"sign of life {age(timedelta(seconds=silent))} ago"
    return Card(
        "Guardian", f"{'●' if lives else '■'} {state if lives else 'silent'}", said, "zd-up" if lives else "zd-down"
    )


def _measured_cards(found: Measures) -> list[Card]:
    times = (
        ("A cycle takes", found.cycles, "cycles"),
        ("The broker answers in", found.answers, "answers"),
        ("The judge answers in", found.judge, "questions"),
    )
    shown = [_timed(*each) for each in times]
    share = f"{found.failed / found.asked:.1%}" if found.asked else "none asked"
    note = f"{found.failed} of {found.asked} requests in 15 minutes"
    shown.insert(2, Card("Failed requests", share, note, "zd-down" if found.failed else ""))
    return shown


def _timed(name: str, values: Sequence[float], what: str) -> Card:
    worst = percentile(values)
    if worst is None:
        return Card(name, "not measured", f"no {what} in six hours", "zd-quiet")
    return Card(name, in_words(worst), f"95 of 100, of the last {len(values)} {what}", "", tuple(values))


def _silence(seen: Picture, found: Measures) -> Card:
    feed = seen.desk.feed
    if feed is None:
        return Card("Feed", "no feed", "it runs with the desk", "zd-quiet")
    silent = silence(seen, feed, wall_now())
    value = age(timedelta(seconds=silent)) if silent < timedelta(days=9).total_seconds() else "never heard"
    late = seen.market.is_open and silent > SILENT_SECONDS
    note = "since its last word" if seen.market.is_open else "since its last word; the market is closed"
    return Card("Feed silent for", value, note, "zd-down" if late else "", found.silences)


@st.fragment(run_every=REFRESH_SECONDS)
def _processes() -> None:
    services = picture().desk.services
    if not services:
        st.html(heading("Processes"))
        st.info("No process has reported. Start the desk with `zonedesk up`; they appear here at once.")
        return
    rows: list[list[str | Cell]] = [
        [
            str(one.get("name")),
            Cell(*_STATES.get(str(one.get("state")), (f"○ {one.get('state')}", "zd-warn"))),
            number(lasted(timedelta(seconds=float(one["up_seconds"]))) if one.get("up_seconds") is not None else "—"),
            number(str(one.get("pid") or "—")),
            number(str(one.get("restarts", 0))),
            str(one.get("address") or ""),
        ]
        for one in services
    ]
    headers = ("Process", "State", number("Up"), number("Id"), number("Restarts"), "Address")
    st.html(table("Processes", headers, rows))


@st.fragment(run_every=REFRESH_SECONDS)
def _breakers() -> None:
    """Show which dependencies are kept away from, because they failed several times in a row."""
    breakers = picture().desk.breakers
    if not breakers:
        st.html(span("● No circuit breaker has counted a failure.", "zd-quiet"))
        return
    rows: list[list[str | Cell]] = [
        [
            one.name.replace("_", " "),
            Cell("■ open", "zd-down") if one.is_open else Cell("● closed", "zd-up"),
            number(str(one.failures)),
            short_time(one.opened_at) if one.opened_at else "—",
        ]
        for one in breakers
    ]
    st.html(table("Circuit breakers", ("Of", "State", number("Failures in a row"), "Opened"), rows))


@st.fragment(run_every=REFRESH_SECONDS * 2)
def _timeline() -> None:
    """Show which three minutes of the last hours had a decision, and which had none."""
    shown = picture().market
    if not shown.cycles:
        st.html(heading("Cycles"))
        st.info("No cycle yet. In an open session the desk decides every three minutes.")
        return
    st.html(timeline(shown.cycles))


@st.fragment(run_every=REFRESH_SECONDS * 5)
def _requests() -> None:
    """Show how long each kind of request takes, and what failed."""
    found = _measures()
    if not found.endpoints:
        st.html(span("No request was measured yet: answers of the broker appear here by what was asked.", "zd-quiet"))
        return
    rows: list[list[str | Cell]] = [
        [
            each.api.replace("_", " "),
            each.endpoint,
            number(str(each.answered)),
            number(each.within),
            number(in_words(each.newest)),
        ]
        for each in found.endpoints
    ]
    headers = ("Of", "What was asked", number("Answers"), number("95 of 100 within"), number("The newest"))
    st.html(table("Requests to the broker since the measurements began", headers, rows))
    if found.failures:
        failed: list[list[str | Cell]] = [
            [api.replace("_", " "), kind.replace("_", " "), number(str(count))] for api, kind, count in found.failures
        ]
        st.html(table("Requests that failed since then", ("Of", "How", number("Times")), failed))


@st.fragment(run_every=REFRESH_SECONDS)
def _beats() -> None:
    """Show the signs of life in the ledger, and the feed's own word."""
    seen = picture()
    rows: list[list[str | Cell]] = []
    for beat in seen.desk.heartbeats:
        said = ", ".join(_fact(name, value) for name, value in beat.facts.items() if value not in ("", None))
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


def _fact(name: str, value: object) -> str:
    said = ("yes" if value else "no") if isinstance(value, bool) else value
    return f"{name.replace('_', ' ')} {said}"


@st.fragment(run_every=REFRESH_SECONDS)
def _alerts() -> None:
    """Show what waits to be seen first, with a button for each; then all of them."""
    desk = picture().desk
    st.html(heading("Alerts"))
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
    st.html(heading("Dagster"))
    places = (
        ("Runs", "/runs"),
        ("Runs that failed", "/runs?q%5B%5D=status%3AFAILURE"),
        ("Lineage", "/asset-groups"),
        ("Automation", "/automation"),
    )
    row = st.container(horizontal=True)
    for label, path in places:
        row.link_button(label, f"{base}{path}", width="stretch")
