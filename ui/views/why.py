"""Why the desk did what it did: from an order, a cycle or a zone back to the candles, as one page."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import groupby, islice

import streamlit as st

from agents.data.store import Store
from agents.data.why import Chain, DagsterRuns, why
from agents.data.why.links import Link
from agents.domain.errors import TradingError
from agents.domain.values import IST
from agents.settings import Settings
from ui.chart import SIDE_MARKS, chart_data, draw
from ui.desk import ledger_to_read
from ui.format import clock_time, plain, printable, rupees, short_time
from ui.hub import wall_now
from ui.links import cycle_run_address, link, replay_address, run_address, why_address
from ui.markup import Cell, heading, number, span, table
from ui.orders import folded
from ui.queries import snapshot
from ui.replay_reader import told
from ui.seen import colours, picture
from ui.snapshot import CycleRow, Picture, Snapshot
from ui.views.cockpit import dagster_address
from ui.words import order_in_words, sums_in_rupees

_RECENT = 12
_LONGEST_ID = 128
_OF_THE_MACHINE = frozenset({"run"})
RULES = "rules"
_UNASKED = "no question"
_OTHERS = frozenset({"decision", "zone", "setup", "order event"})


def page() -> None:
    """Draw what is asked for, and the chain of reasons behind it."""
    st.text_input(
        "Order, setup, cycle or zone", key="asked", bind="query-params", max_chars=_LONGEST_ID,
        help="Its id, or at least six characters of the beginning.",
    )  # fmt: skip
    asked = str(st.session_state.get("asked") or "").strip()
    seen = picture()
    if not asked:
        _offer(seen)
        return
    settings = Settings()
    try:
        chain = _chain(str(settings.home), settings, asked)
    except TradingError as error:
        st.warning(plain(str(error)))
        _offer(seen)
        return
    _draw(chain, settings, seen)


def _offer(seen: Picture) -> None:
    """Offer what a reader may want to know of: the last decisions, the orders, the zones; each leads to its chain."""
    decided, orders, zones = _decisions(seen.market.cycles), _orders(seen), _zones(seen)
    if not (decided or orders or zones):
        st.info("Nothing was decided yet. In an open session the desk decides every three minutes.")
        return
    st.caption(
        "Or choose one: each leads from what the desk did back to the candles. Every row of the other pages too."
    )
    left, right = st.columns(2, gap="medium")
    if decided:
        left.html(table("Last decisions", ("When", "Decision", "Why"), decided))
    if orders:
        right.html(table("Orders and refused requests", ("Setup", "Contract", "What became of it"), orders))
    if zones:
        right.html(table("Zones nearest to the price", ("Zone", "Side", number("Confidence"), "Judged"), zones))


def _decisions(cycles: Sequence[CycleRow]) -> list[list[str | Cell]]:
    """Return the last decisions; those that came to the same one after the other in one row."""
    rows: list[list[str | Cell]] = []
    runs = groupby(cycles, key=lambda each: (each.decision, each.reason))
    for (decision, reason), same in islice(runs, _RECENT):
        each, *more = same
        cell = link(short_time(each.at), why_address(each.cycle_id), f"why, at {short_time(each.at)}")
        again = f" (and {len(more)} times before)" if more else ""
        rows.append([cell, decision, Cell(f"{reason}{again}", "words")])
    return rows


def _orders(seen: Picture) -> list[list[str | Cell]]:
    orders = [(one.placed_at, one.setup_id, one.contract, order_in_words(one)) for one in seen.desk.orders]
    refused = [(one.at, one.setup_id, one.contract, "refused: " + "; ".join(one.reasons)) for one in seen.desk.refusals]
    newest = sorted([*orders, *refused], reverse=True)[:_RECENT]
    return [
        [link(setup[:12], why_address(setup), f"why {setup[:12]}"), contract, Cell(words, "words")]
        for _, setup, contract, words in newest
    ]


def _zones(seen: Picture) -> list[list[str | Cell]]:
    zones = seen.market.analysis.zones if seen.market.analysis else ()
    price = float(seen.market.last_price or 0)
    nearest = sorted(zones, key=lambda zone: abs(float(zone.low + zone.high) / 2 - price))[:_RECENT]
    return [
        [
            link(f"{rupees(zone.low)} to {rupees(zone.high)}", why_address(zone.id), f"why the zone {zone.id}"),
            f"{SIDE_MARKS[zone.side.value]} {zone.side.value}",
            number(f"{zone.confidence:.2f}"),
            f"{zone.verdict.verdict.value} {zone.verdict.probability:.2f}" if zone.verdict else "not judged",
        ]
        for zone in nearest
    ]


@st.cache_data(ttl=30, show_spinner="Looking it up")
def _chain(home: str, _settings: Settings, asked: str) -> Chain:  # noqa: ARG001 - what it is kept by
    ledger = ledger_to_read(_settings, wall_now)
    try:
        store = Store(_settings.store_path, _settings.mode, now=lambda: datetime.now(UTC), create=False)
        return why(ledger, store, asked, run_of=DagsterRuns(_settings))
    finally:
        ledger.close()


def _draw(chain: Chain, settings: Settings, seen: Picture) -> None:
    steps = "1 step" if len(chain.links) == 1 else f"{len(chain.links)} steps from the outcome to the candles"
    st.html(heading(f"{chain.kind.title()} {chain.found}: {steps}"))
    at = moment_of(chain, seen.market.now)
    if at is not None:
        _chart(chain, settings, seen, at)
    if not any(step.what in {"question", _UNASKED} for step in chain.links):
        st.caption("No judge was asked: this chain holds no verdict, on a setup or on a zone.")
    judge = ""
    for number_of, step in enumerate(chain.links):
        judge = str(step.facts.get("judge") or judge)
        _step(number_of, step, chain.found, unasked(judge) if step.what == _UNASKED else "")


def unasked(judge: str) -> str:
    """Return why there is no question to a model behind a verdict of this judge."""
    if judge == RULES:
        return (
            "No model was asked: the desk judged by its stated rules, which the verdict above quotes. A model judges "
            "once a key for one is set."
        )
    return "The question and the reply are not in this ledger: they were recorded before, or in another ledger."


def moment_of(chain: Chain, now: datetime) -> datetime | None:
    """Return when the desk decided, or when the last of the chain's steps was; None where none has a time by now.

    Runs tell when this machine wrote something down, which is no moment of the market's.
    """
    told = [one for one in chain.links if one.at and one.at <= now and one.what not in _OF_THE_MACHINE]
    decided = next((one.at for one in told if one.what in {"decision", "cycle"}), None)
    return decided or max((one.at for one in told if one.at), default=None)


def _chart(chain: Chain, settings: Settings, seen: Picture, at: datetime) -> None:
    """Draw the chart as it was known then, with the orders of that time."""
    then = _then(str(settings.home), seen.market.instrument, at)
    if then.problem or not then.candles:
        st.warning(plain(then.problem or "the candles of that time are not stored"))
        return
    midnight = at.astimezone(IST).replace(hour=0, minute=0, second=0, microsecond=0)
    orders = folded(told(settings, midnight, at, wall_now), settings.brokerage_rupees).orders()
    draw(chart_data(then, colours(), orders=orders, live=False), key=f"why-{chain.found}")
    row = st.container(horizontal=True, vertical_alignment="center")
    row.caption(f"The chart as it was known at {clock_time(at)}.")
    row.link_button("Replay from there", replay_address(at), type="tertiary")


@st.cache_data(ttl=60, max_entries=16, show_spinner="Looking up the candles")
def _then(home: str, instrument: str, at: datetime) -> Snapshot:  # noqa: ARG001 - what it is kept by
    return snapshot(Settings(), instrument, at=at)


def _step(number_of: int, step: Link, found: str, text: str = "") -> None:
    """Show one step, with another text where one is given; all of its words as text."""
    with st.container(border=True):
        moment = f" · {clock_time(step.at)}" if step.at else ""
        top = st.container(horizontal=True, vertical_alignment="center")
        top.html(heading(f"{number_of + 1}. {step.what}", 3) + span(f"{step.id or ''}{moment}"))
        if step.what in _OTHERS and step.id and step.id != found:
            top.link_button("Why", why_address(step.id), type="tertiary")
        if step.what == "run" and step.id:
            top.link_button("Dagster run", run_address(dagster_address(), step.id), type="tertiary")
        if step.what == "decision" and step.at:
            top.link_button("Dagster run", cycle_run_address(dagster_address(), step.at), type="tertiary")
        st.text(printable(text or sums_in_rupees(step.text)))
        if step.what == "question":
            _question(step)
        if step.facts:
            with st.expander("Everything known of it", key=f"facts-{number_of}"):
                st.json(printable(json.dumps(step.facts, ensure_ascii=False, default=str)), expanded=1)


def _question(step: Link) -> None:
    """Show what a model was told, asked and answered, as text."""
    for name, key in (("Prompt", "system"), ("Asked", "facts"), ("Answered", "reply")):
        said = step.facts.get(key)
        if said:
            st.text(name)
            words = said if isinstance(said, str) else json.dumps(said, indent=1)
            st.code(printable(words), language=None, wrap_lines=True)
