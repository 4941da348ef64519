"""The same attacks where the past is told: Why, the chart, and the file for a spreadsheet."""

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from agents.data.calendar import NseCalendar
from agents.data.why import Chain
from agents.data.why.links import Link
from agents.domain.values import IST
from tests.ui.pages import opened
from tests.ui.test_injection import AT, PAYLOADS, evil, order, picture, read
from ui.chart import ASSETS, chart_data
from ui.format import plain, printable
from ui.hub import Hub
from ui.markup import span
from ui.palette import STANDARD, palette
from ui.replay import Again, Past
from ui.snapshot import DeskView, Picture
from ui.views.positions import as_csv

SCRIPTS = Path(__file__).resolve().parents[2] / "ui" / ASSETS
# By these a script makes markup or runs words.
MAKERS = ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "createContextualFragment", "DOMParser",
          "eval(", "new Function", 'setAttribute("on', ".srcdoc")  # fmt: skip
FORMULAS = ("=cmd|' /C calc'!A0", "+1+1", "-1+cmd", "@SUM(1)", "\t=1", "\r=1")


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Picture:
    """The desk of attacks in place of the running one."""
    shown = picture(datetime.now(UTC))
    monkeypatch.setattr(Hub, "look", lambda _: shown)
    return shown


def test_the_chain_of_reasons_is_text(seen: Picture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert seen.market.verdicts
    facts = {evil("verdict.facts"): [evil("verdict.facts")]}
    steps = [
        Link(what=what, id=evil("order.setup_id"), at=AT, text=evil("verdict.reason"), facts=facts)
        for what in (
            "decision",
            "cycle",
            "verdict",
            "call",
            "setup",
            "zone",
            "fill",
            "order event",
            evil("order.state"),
        )
    ]
    chain = Chain(asked="x", found=evil("order.setup_id"), kind=evil("command.kind"), links=tuple(steps))
    monkeypatch.setattr("ui.views.why._chain", lambda *_: chain)
    monkeypatch.setattr("ui.views.why.st.text_input", _asked)
    said = read(opened(monkeypatch, tmp_path, mode="paper", view="why"))
    assert "verdict.reason~" in said
    assert "order.setup_id~" in said
    assert "No judge was asked" in said


def test_a_past_session_is_text(seen: Picture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    session = NseCalendar().session(AT.astimezone(IST).date())
    assert session is not None
    past = Past(session, AT, (session.open_at,), (), {}, (), Decimal(20), (Again(evil("cycle.detail"), 1, AT),))
    then = replace(seen, market=replace(seen.market, now=AT))
    monkeypatch.setattr("ui.views.replay._dates", lambda *_: [session.on])
    monkeypatch.setattr("ui.views.replay._kept", lambda *_: (SimpleNamespace(at=lambda *_: then), past))
    said = read(opened(monkeypatch, tmp_path, mode="paper", view="replay"))
    for name in ("verdict.reason", "verdict.judge", "cycle.reason", "cycle.detail", "order.contract", "order.why"):
        assert said.count(f"{name}~"), name
    assert "Recorded again" in said


def _asked(*_words: object, **_more: object) -> str:
    import streamlit as st  # noqa: PLC0415  (inside the page's run)

    st.session_state["asked"] = "abcdef"
    return "abcdef"


def test_the_chart_is_given_text_and_makes_no_markup_of_it(seen: Picture) -> None:
    drawn = chart_data(seen.market, palette(STANDARD, "dark"), orders=seen.desk.orders)
    assert "instrument~" in drawn["title"]
    json.loads(json.dumps(drawn))
    ours = [path for path in SCRIPTS.glob("*.js") if path.name != "lightweight-charts.mjs"]
    assert len(ours) >= 3
    for path in ours:
        text = path.read_text(encoding="utf-8")
        assert not [maker for maker in MAKERS if maker in text], path.name


@pytest.mark.parametrize("formula", FORMULAS)
def test_a_spreadsheet_takes_no_text_for_a_formula(formula: str) -> None:
    known = order()
    changes: dict[str, Any] = {
        "setup_id": formula,
        "contract": formula,
        "state": formula,
        "why": formula,
    }  # Any: fields
    saved = as_csv(Picture(picture(AT).market, DeskView(orders=(replaced(known, changes),)), AT, 1))
    rows = list(csv.reader(io.StringIO(saved, newline="")))
    texts = [cell for cell in rows[1] if cell.lstrip("'").strip() and not _is_number(cell)]
    assert sum(formula in cell for cell in texts) == 4
    assert not [cell for cell in texts if cell[0] in "=+-@\t\r\n"]


def replaced(known: Any, changes: dict[str, Any]) -> Any:  # Any: an order, whatever it is made of
    return type(known)(**{name: getattr(known, name) for name in known.__dataclass_fields__} | changes)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def test_what_turns_or_erases_others_is_shown_as_a_mark() -> None:
    for unseen in ("\u202e", "\u2066", "\u200f", "\u061c", "\x1b", "\x9b", "\x00", "\x08", "\x7f", "\r"):
        assert unseen not in printable(f"a{unseen}b")
        assert unseen not in plain(f"a{unseen}b")
        assert unseen not in span(f"a{unseen}b")
        assert printable(f"a{unseen}b") == "a\ufffdb"
    for kept in ("₹1,00,000.00", "\u22125", "नमस्ते क्\u200dष", "▲●▼ \n\t", "👍"):
        assert printable(kept) == kept


def test_a_word_in_colons_is_no_mark_and_no_picture() -> None:
    for word in (":material/bolt:", ":smile:", ":red-background[x]", ":blue-badge[x]", ":streamlit:", ":shortcode:"):
        assert word not in plain(word)
    assert all(payload not in plain(payload) for payload in PAYLOADS)


@pytest.mark.parametrize("address", ["https://evil.example/e", "HTTP://x", "www.evil.example", "me@evil.example"])
def test_an_address_in_a_text_is_no_link(address: str) -> None:
    shown = plain(f"see {address} now").replace("\\", "")
    assert address not in shown
    assert shown.replace("\u2060", "") == f"see {address} now"
