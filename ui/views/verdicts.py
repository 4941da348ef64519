"""What judges said of each zone and setup, what they were asked, what it cost, and what became of it."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import streamlit as st

from agents.domain.calls import LlmCall
from agents.domain.errors import TradingError
from agents.domain.values import IST
from agents.settings import Settings
from ui.cards import Card, cards
from ui.format import clock_time, plain, printable, short_time
from ui.hub import wall_now
from ui.judged import SETUP, Judged, Said, asked_about, judged, of_zone, run_of
from ui.links import cycle_run_address, replay_address, run_address, verdict_run_address, why_address
from ui.markup import heading, span
from ui.measures import in_words, percentile
from ui.reliability import bins, diagram, reliability
from ui.seen import colours, picture
from ui.views.cockpit import dagster_address

REFRESH_SECONDS = 5
KEPT_SECONDS = 10
ZONES, SETUPS, CALLS = "Zones", "Setups", "Questions to the model"
_KIND, _CHOSEN, _DRAWN, _TABLE = "verdict_kind", "verdict_chosen", "verdicts_drawn", "verdicts"
_MARKS = {"confirm": "▲", "take": "▲", "reject": "▼", "skip": "▼"}
_EMPTY = {
    ZONES: "No verdict yet. Zones are judged when a 15-minute candle of an open session closes.",
    SETUPS: "No setup was judged yet. One is when price stands at a confirmed zone and a contract pays for the risk.",
    CALLS: "No model was asked yet. With `OPENAI_API_KEY` set, every question and its reply is kept here; without it "
    "zones and setups are judged by stated rules, whose reasons begin with “rules:”.",
}
_CAPTIONS = {
    ZONES: ("Said and seen: of the zones that price has reached, how many hold so far", "Share that holds"),
    SETUPS: ("Said and seen: of the setups that ended at target or stop, how many won", "Share that won"),
}


def page() -> None:
    """Draw the list, and the one that is chosen."""
    st.segmented_control(
        "What was judged", (ZONES, SETUPS, CALLS), default=ZONES, key=_KIND, required=True, persist_state="session",
        label_visibility="collapsed",
    )  # fmt: skip
    _list()


@st.fragment(run_every=REFRESH_SECONDS)
def _list() -> None:
    shown = picture().market
    settings = Settings()
    try:
        told = _judged(str(settings.home), shown.instrument, shown.now.replace(microsecond=0))
    except TradingError as error:
        st.warning(f"Setups and questions cannot be read: {plain(str(error))}")
        told = Judged()
    words = [of_zone(row) for row in shown.verdicts]
    kind = st.session_state.get(_KIND) or ZONES
    st.html(cards(numbers([*words, *told.setups], told.calls, shown.now)))
    if kind == CALLS:
        _calls(told.calls)
        return
    _words(list(told.setups) if kind == SETUPS else words, kind, settings)


@st.cache_data(ttl=KEPT_SECONDS, show_spinner=False)
def _judged(home: str, instrument: str, _now: datetime) -> Judged:  # noqa: ARG001 - what it is kept by
    return judged(Settings(), instrument, _now, wall_now)


def numbers(words: Sequence[Said], calls: Sequence[LlmCall], now: datetime) -> list[Card]:
    """Return what was said, how long it took and what it cost, as cards."""
    yes = sum(each.verdict in {"confirm", "take"} for each in words)
    no = sum(each.verdict in {"reject", "skip"} for each in words)
    seconds = [call.latency for call in calls]
    today = sum(call.cost for call in calls if call.asked_at.astimezone(IST).date() == now.astimezone(IST).date())
    failed = sum(call.status.value != "ok" for call in calls)
    worst, middle = percentile(seconds), percentile(seconds, 0.5)
    asked = f"{failed} of them failed" if failed else f"as of {clock_time(now)}"
    return [
        Card("Verdicts shown", str(len(words)), f"▲ {yes} yes, ▼ {no} no, ● {len(words) - yes - no} unsure"),
        Card("Questions to a model", str(len(calls)), asked, "zd-warn" if failed else ""),
        Card("An answer takes", in_words(middle) if middle is not None else "no model asked",
             f"95 of 100 within {in_words(worst)}" if worst is not None else "judged by rules",
             past=tuple(reversed(seconds))),
        Card("Cost", f"${sum(call.cost for call in calls):.4f}", f"${today:.4f} of it today"),
    ]  # fmt: skip


def _words(words: Sequence[Said], kind: str, settings: Settings) -> None:
    if not words:
        st.info(_EMPTY[kind])
        return
    name = _table([_row(each) for each in words], [_name(each) for each in words])
    chosen = next((each for each in words if _name(each) == name), None)
    if chosen:
        _one(chosen, settings)
    else:
        st.caption("Select a row to see what was asked and answered, and where it leads.")
    caption, came = _CAPTIONS[kind]
    left, right = st.columns([0.42, 0.58], gap="medium", vertical_alignment="center")
    if any(one.ended for one in bins(words)):
        left.vega_lite_chart(diagram(words, colours(), came), key=f"reliability-{kind}", width="stretch")
    else:
        left.info("The diagram begins with the first verdict whose end is known.")
    right.html(reliability(words, caption, came))


def _table(rows: Sequence[dict[str, str | float | None]], names: Sequence[str]) -> str | None:
    """Draw rows of which one can be chosen, and return its name; it stays chosen when others come before it."""
    st.session_state[_DRAWN] = names
    picked = st.dataframe(
        list(rows),
        hide_index=True,
        key=_TABLE,
        on_select=_chosen,
        selection_mode="single-row",
        column_config={
            "reason": st.column_config.TextColumn("reason", width="large"),
            "probability": st.column_config.ProgressColumn(
                "probability", min_value=0.0, max_value=1.0, format="%.2f", width="small"
            ),
        },
        height=min(38 + 35 * len(rows), 420),
    )
    rows_now = picked.selection.rows
    return st.session_state.get(_CHOSEN) or (names[rows_now[0]] if rows_now and rows_now[0] < len(names) else None)


def _chosen() -> None:
    rows = st.session_state[_TABLE].selection.rows
    names = st.session_state.get(_DRAWN, ())
    st.session_state[_CHOSEN] = names[rows[0]] if rows and rows[0] < len(names) else None


def _name(said: Said) -> str:
    return said.cycle_id or said.id


def _row(said: Said) -> dict[str, str | float | None]:
    return {
        "time": short_time(said.at),
        said.about: said.place,
        "verdict": f"{_MARKS.get(said.verdict, '●')} {said.verdict.replace('_', ' ')}",
        "probability": said.probability,
        "since then": said.since,
        "judge": said.judge,
        "prompt": said.prompt or "no model asked",
        "took": in_words(said.latency) if said.latency is not None else "—",
        "cost": f"${said.cost:.5f}" if said.cost is not None else "—",
        "answered": said.outcome,
        "reason": said.reason,
    }


def _one(said: Said, settings: Settings) -> None:
    """Show everything about a verdict; a model's words as text only."""
    with st.container(border=True):
        verdict = f"{_MARKS.get(said.verdict, '●')} {said.verdict.replace('_', ' ')} {said.probability:.2f}"
        st.html(heading(f"{said.about.title()} {said.id}") + span(f"{verdict} · {said.since}"))
        st.text(printable(said.reason))
        _leads(said, settings)
        try:
            calls = _asked(str(settings.home), said.id)
        except TradingError as error:
            st.warning(plain(str(error)))
            return
        asked = [call for call in calls if not said.key or call.key == said.key] or calls
        for call in reversed(asked):
            _call(call)
        if not asked:
            _copied(said)


def _copied(said: Said) -> None:
    """Show what the store knows of a question that this ledger does not have."""
    call = said.copied
    if not call:
        st.caption(f"Judged by {plain(said.judge)}; no model was asked.")
        return
    st.caption(
        plain(
            f"{call['model']}, prompt {call['prompt']} version {call['version']}, {call['attempts']} attempts, "
            f"{in_words(float(call['latency']))}, ${float(call['cost']):.5f}, ended {call['status']}"
        )
    )
    for name, text in (("Asked", call["facts"]), ("Answered", call["body"])):
        st.text(name)
        st.code(printable(str(text)), language="json", wrap_lines=True)


def _leads(said: Said, settings: Settings) -> None:
    """Lead to the chart at that candle, to the reasons, and to the run and the asset in Dagster."""
    dagster = dagster_address()
    leads = st.container(horizontal=True)
    leads.link_button("Chart then", replay_address(said.at), type="tertiary")
    leads.link_button("Why", why_address(_name(said)), type="tertiary")
    if said.about == SETUP:
        leads.link_button("Dagster run", cycle_run_address(dagster, said.at), type="tertiary")
        return
    run = _run(str(settings.home), said.id)
    if run:
        leads.link_button("Dagster run", run_address(dagster, run), type="tertiary")
    leads.link_button("Dagster asset", verdict_run_address(dagster, said.at), type="tertiary")


@st.cache_data(ttl=timedelta(minutes=5), max_entries=200, show_spinner=False)
def _run(home: str, zone_id: str) -> str | None:  # noqa: ARG001 - what it is kept by
    try:
        return run_of(Settings(), zone_id, wall_now)
    except TradingError:
        return None  # the store's own trouble is said above the page


@st.cache_data(ttl=KEPT_SECONDS, max_entries=50, show_spinner=False)
def _asked(home: str, subject: str) -> Sequence[LlmCall]:  # noqa: ARG001 - what it is kept by
    return asked_about(Settings(), subject, wall_now)


def _calls(calls: Sequence[LlmCall]) -> None:
    """Show every question to a model, whatever became of it."""
    if not calls:
        st.info(_EMPTY[CALLS])
        return
    names = [f"{call.key}-{call.asked_at.isoformat()}-{call.sample}" for call in calls]
    name = _table([_call_row(call) for call in calls], names)
    chosen = next((call for call, each in zip(calls, names, strict=True) if each == name), None)
    if chosen is None:
        st.caption("Select a row to see the prompt, what was asked and what came back.")
        return
    with st.container(border=True):
        st.link_button("Why", why_address(chosen.subject), type="tertiary")
        _call(chosen)


def _call_row(call: LlmCall) -> dict[str, str | float | None]:
    return {
        "time": short_time(call.asked_at),
        "about": call.subject,
        "model": call.served_model or call.model,
        "prompt": f"{call.prompt_id} v{call.prompt_version}",
        "ended": call.status.value.replace("_", " "),
        "took": in_words(call.latency),
        "cost": f"${float(call.cost):.5f}",
        "attempts": call.attempts,
        "tokens in": call.usage.input_tokens,
        "tokens out": call.usage.output_tokens,
        "reply": call.body or call.detail,
    }


def _call(call: LlmCall) -> None:
    """Show one call whole: prompt, question and reply, as text only."""
    used = f"{call.usage.input_tokens} tokens in, {call.usage.output_tokens} out"
    st.caption(
        plain(
            f"{call.served_model or call.model}, prompt {call.prompt_id} version {call.prompt_version}, asked "
            f"{clock_time(call.asked_at)}, {call.attempts} attempts, {in_words(call.latency)}, {used}, "
            f"${float(call.cost):.5f}, ended {call.status.value} {call.detail}"
        )
    )
    for name, text in (("Prompt", call.system), ("Asked", call.facts), ("Answered", call.body)):
        st.text(name)
        st.code(printable(text or "nothing came"), language=None if name == "Prompt" else "json", wrap_lines=True)
