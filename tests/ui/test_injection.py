"""Whatever a model, a broker or a person can send is shown as text: no tag, link or image of theirs reaches a page.

One desk is made of texts that each carry every attack and their own name; each page is drawn of it and taken apart.
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Block, Element

from agents.data.ledger import Command, Heartbeat, Message, Severity
from agents.domain.cycle import DeskState
from tests.ui.pages import opened
from ui.format import plain
from ui.hub import Hub
from ui.links import link
from ui.markup import Cell, span, table
from ui.snapshot import CycleRow, DeskView, Feed, Picture, Snapshot, VerdictRow
from ui.trading import Agreement, LegView, Order, Refusal
from ui.views import PAGES
from ui.views.options import candidate_row

AT = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)
PAYLOADS = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg/onload=alert(1)>',
    "' onmouseover='alert(1)",
    "<a href=javascript:alert(1)>x</a>",
    "![x](https://evil.example/x.png)",
    "[x](javascript:alert(1))",
    "<https://evil.example>",
    ":red[x] $x$ `x` **x** # x",
    "</table></div><iframe src=//evil.example>",
    "&lt;script&gt;",
)
TABLES = {"table", "thead", "tbody", "tr", "th", "td", "caption"}
TAGS = {"b", "h1", "h2", "h3", "div", "span", "dl", "dt", "dd", "i", "a", "style", *TABLES}
HEARD = {"role", "aria-hidden", "aria-label", "aria-live"}
ATTRIBUTES = {"class", "style", "tabindex", "scope", "href", "title", *HEARD}
LINKS = ("why?asked=", "/replay?", "replay?", "http://127.0.0.1:")
MARKDOWN = {
    "markdown",
    "caption",
    "info",
    "warning",
    "error",
    "success",
    "alert",
    "toast",
    "metric",
    "button",
    "heading",
}
# Where each text comes from. Every one must turn up on some page, so that none is tested in vain.
TEXTS = {
    "verdict.reason": "the model's reply",
    "verdict.judge": "the model's name",
    "verdict.body": "the model's reply",
    "verdict.facts": "what the model was asked",
    "order.why": "the broker's message",
    "order.contract": "the broker's list of contracts",
    "order.setup_id": "a request",
    "order.state": "an event",
    "leg.state": "the broker's order list",
    "leg.name": "an event",
    "refusal.reason": "a rule",
    "refusal.contract": "a request",
    "agreement.difference": "the broker's book",
    "alert.text": "anything",
    "command.kind": "a person",
    "command.by": "a person",
    "command.outcome": "the guardian",
    "beat.name": "a process",
    "beat.fact": "a process",
    "service.name": "the supervisor",
    "service.state": "the supervisor",
    "service.address": "the supervisor",
    "feed.trouble": "the broker's socket",
    "cycle.reason": "a rule",
    "cycle.detail": "a rule",
    "cycle.decision": "a cycle",
    "candidate.contract": "the broker's list of contracts",
    "candidate.rejected": "a rule",
    "desk.reason": "a person",
    "desk.problem": "the ledger",
    "market.problem": "the store",
    "instrument": "a setting",
}
NOT_DRAWN = {"market.problem", "desk.problem", "candidate.contract", "candidate.rejected"}
PROBLEMS = ("market.problem", "desk.problem")
CUT = {"order.setup_id": "order.setup_"}  # shown by its beginning


def evil(name: str) -> str:
    """The text of a place."""
    assert name in TEXTS
    return f"{name}~ {' '.join(PAYLOADS)}"


def order() -> Order:
    leg = LegView(evil("leg.name"), evil("leg.state"), "1", 75, 0, Decimal(110), AT, None)
    return Order(
        setup_id=evil("order.setup_id"),
        contract=evil("order.contract"),
        state=evil("order.state"),
        bought=75,
        held=75,
        spent=Decimal(10_000),
        earned=Decimal(0),
        limit=Decimal("133.35"),
        stop=Decimal(110),
        target=Decimal(170),
        placed_at=AT,
        filled_at=AT,
        closed_at=None,
        why=evil("order.why"),
        legs=(leg,),
    )


def verdict() -> VerdictRow:
    call = {
        "model": "m", "prompt": "p", "version": 1, "attempts": 1, "latency": 0.1, "cost": 0.0, "status": "ok",
        "facts": evil("verdict.facts"), "body": evil("verdict.body"),
    }  # fmt: skip
    judge, reason = evil("verdict.judge"), evil("verdict.reason")
    return VerdictRow("z", AT, "demand", 1.0, 2.0, judge, "confirm", 0.7, reason, "ok", "touched", call)


def picture(now: datetime, *, market_problem: str = "", desk_problem: str = "") -> Picture:
    """A desk of which every text is an attack."""
    candidate = {
        "contract": evil("candidate.contract"), "premium": 1, "delta": 0.5, "score": 1,
        "rejected": evil("candidate.rejected"),
    }  # fmt: skip
    cycle = CycleRow(
        "c", AT, evil("cycle.decision"), evil("cycle.reason"), evil("cycle.detail"), {"candidates": [candidate]}
    )
    market = Snapshot(
        evil("instrument"),
        "paper",
        is_simulated=False,
        now=AT,
        is_open=True,
        last_price=Decimal(24_000),
        last_price_at=AT,
        cycles=(cycle,),
        verdicts=(verdict(),),
        problem=market_problem,
    )
    command = Command(
        id="c1", seq=1, kind=evil("command.kind"), payload={}, asked_by=evil("command.by"), asked_at=now,
        done_at=now, outcome=evil("command.outcome"),
    )  # fmt: skip
    alert = Message(id=1, dedupe_key="k", severity=Severity.WARN, text=evil("alert.text"), created_at=AT)
    service = {name: evil(f"service.{name}") for name in ("name", "state", "address")}
    desk = DeskView(
        state=DeskState.HALTED if not desk_problem else None,
        reason=evil("desk.reason"),
        commands=(command,),
        alerts=(alert,),
        heartbeats=(Heartbeat(name=evil("beat.name"), at=now, facts={"x": evil("beat.fact")}),),
        orders=(order(),),
        refusals=(Refusal("r", evil("refusal.contract"), AT, (evil("refusal.reason"),)),),
        agreement=Agreement(agrees=False, differences=(evil("agreement.difference"),), at=AT),
        feed=Feed(connected=False, expected=True, silent=1.0, trouble=evil("feed.trouble")),
        services=(service,),
        problem=desk_problem,
    )
    return Picture(market, desk, now, 1)


class Looked(HTMLParser):
    """Takes markup apart and refuses what the dashboard does not make itself."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in TAGS, tag
        for name, value in attrs:
            assert not name.startswith("on"), (tag, name)
            assert name in ATTRIBUTES, name
            assert name != "href" or str(value).startswith(LINKS), value
            assert name not in {"class", "style"} or "~" not in str(value), value

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def elements(block: Block) -> list[Element]:
    """All elements below a block."""
    found: list[Element] = []
    for child in block.children.values():
        found += elements(child) if isinstance(child, Block) else [child]
    return found


def read(shown: AppTest) -> str:
    """Return all that a page shows, after a look at how it shows it."""
    assert not shown.exception
    said = []
    for element in elements(shown._tree):
        if element.type == "html":
            looked = Looked()
            looked.feed(element.proto.body)
            said.append("".join(looked.text))
            continue
        words = str(element.proto).replace("\\", "")
        said.append(words)
        if element.type in MARKDOWN:
            _shows_no_mark(element)
    return "\n".join(said)


def _shows_no_mark(element: Element) -> None:
    proto: Any = element.proto  # Any: one of Streamlit's messages
    assert not getattr(proto, "allow_html", False), element
    for name in ("body", "label", "help"):
        text = getattr(proto, name, "")
        for payload in PAYLOADS:
            assert payload not in str(text), (element.type, name, payload)


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The desk of attacks in place of a real one."""
    shown = picture(datetime.now(UTC))
    monkeypatch.setattr(Hub, "look", lambda _: shown)
    chosen = SimpleNamespace(selection=SimpleNamespace(rows=[0]))  # the first verdict's row was clicked
    monkeypatch.setattr("ui.views.verdicts.st.dataframe", lambda *_, **__: chosen)
    return set()


def test_every_text_is_shown_as_text_on_every_page(
    seen: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path, _, _ in PAGES:
        if path == "replay":
            continue  # reads its own past: its words come through the same tables
        shown = opened(monkeypatch, tmp_path, mode="paper", view="" if path == "cockpit" else path)
        said = read(shown)
        seen |= {name for name in TEXTS if CUT.get(name, f"{name}~") in said}
    assert seen >= set(TEXTS) - NOT_DRAWN


@pytest.mark.parametrize("where", PROBLEMS)
def test_what_could_not_be_read_is_said_as_text(where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = {f"{where.replace('.', '_')}": evil(where)}
    shown = picture(datetime.now(UTC), **said)
    monkeypatch.setattr(Hub, "look", lambda _: shown)
    words = read(opened(monkeypatch, tmp_path, mode="paper"))
    assert where.split(".")[1] in words


def test_toasts_are_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before, now = picture(datetime.now(UTC)), datetime.now(UTC) + timedelta(seconds=1)
    quiet = Picture(before.market, DeskView(state=DeskState.ACTIVE), now, 0)
    looks = {"now": quiet}
    monkeypatch.setattr(Hub, "look", lambda _: looks["now"])
    shown = opened(monkeypatch, tmp_path, mode="paper")
    looks["now"] = before
    shown.run()
    assert len(shown.toast) >= 2
    read(shown)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_what_makes_markup_lets_none_through(payload: str) -> None:
    made = [
        table(payload, [payload, Cell(payload, payload)], [[payload, Cell(payload, payload)]]),
        table("", [], [[link(payload, "why?asked=1", payload)]]),
        span(payload, payload),
    ]  # fmt: skip
    for text in made:
        looked = Looked()
        looked.feed(text)
        assert payload in "".join(looked.text)
    assert payload not in plain(payload)


def test_contracts_that_were_chosen_or_refused_are_text() -> None:
    cycle = picture(AT).market.cycles[0]
    looked = Looked()
    looked.feed(table("", [], [candidate_row(each) for each in cycle.record["candidates"]]))
    said = "".join(looked.text)
    assert "candidate.contract~" in said
    assert "candidate.rejected~" in said
