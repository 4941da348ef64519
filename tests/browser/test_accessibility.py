"""What axe-core says of every page in every palette; and what it cannot see: keys, focus, movement, new colours.

Pages are gone to by their keys, so that each is loaded once, and its palettes are put on one after the other.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import Browser, Page, expect

from agents.data.ledger import Ledger, Severity
from tests.browser.dashboards import Dashboard
from tests.browser.desks import LiveDesk
from tests.ui.gates import Time, client, entrance
from tests.ui.replayed import TRADED
from ui.entrance import LOGIN
from ui.keys import KEYS
from ui.palette import COLOUR_BLIND, DARK, LIGHT, PALETTES, STANDARD, css
from ui.views import PAGES

pytestmark = [pytest.mark.browser, pytest.mark.process]
PATIENCE = 60_000
AXE = (files("axe_playwright_python") / "axe.min.js").read_text()
NAMES = {path: name for path, name, _ in PAGES}
PALETTED = ((DARK, STANDARD), (DARK, COLOUR_BLIND), (LIGHT, COLOUR_BLIND), (LIGHT, STANDARD))
COLOURS = ["color-contrast", "link-in-text-block"]


class Excepted(NamedTuple):
    """A rule, what of Streamlit's own markup breaks it, and why it stays."""

    rule: str
    markup: str
    why: str


EXCEPTED = (
    Excepted("region", 'data-testid="stMainMenuList"', "Streamlit hangs its menu on the body, outside every landmark"),
    Excepted("region", "Made with Streamlit", "it is the last line of that menu"),
    Excepted(
        "aria-dialog-name", 'data-testid="stToast"', "Streamlit names its toasts by a title that they do not have"
    ),
)

RUN = """async (rules) => {
    const options = rules.length ? { runOnly: { type: "rule", values: rules } } : {};
    const { violations } = await axe.run(document, { ...options, resultTypes: ["violations"] });
    return violations.flatMap(({ id, impact, nodes }) => nodes.map((node) => (
        { id, impact, html: node.html, target: node.target.join(" "), said: node.failureSummary })));
}"""
PUT_ON = """(style) => {
    [...document.querySelectorAll("style")].find((one) => one.textContent.includes("--zd-up:")).textContent = style;
}"""
SCHEME = """(scheme) => {
    const app = document.querySelector(".stApp");
    return app !== null && getComputedStyle(app).colorScheme === scheme;
}"""
FOCUSED = """() => {
    const one = document.activeElement, style = getComputedStyle(one), { width, height } = one.getBoundingClientRect();
    const rings = style.outlineStyle !== "none" || style.boxShadow !== "none" || one.matches("canvas");
    return { name: one.getAttribute("aria-label") || one.innerText || one.tagName, rings, seen: width * height > 0 };
}"""


class Audit:
    """A page under audit: what is wrong with it is kept under the name of what was looked at."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.address = address
        self.wrong: list[str] = []
        self.palettes = PALETTED

    def load(self, path: str, name: str) -> None:
        """Load a page."""
        self.page.goto(f"{self.address}/{path}")
        self.stands(name)

    def go(self, path: str) -> None:
        """Go to a page by its keys."""
        self.page.keyboard.press(f"Alt+{KEYS[path].lower()}")
        self.stands(NAMES[path])

    def stands(self, name: str) -> None:
        """Wait until a page has been drawn."""
        expect(self.page.locator("h1")).to_have_text(name, timeout=PATIENCE)
        expect(self.page.locator('.stApp[data-test-script-state="notRunning"]')).to_be_attached(timeout=PATIENCE)

    def look(self, name: str, *rules: str) -> None:
        """Run axe on the page as it is."""
        if not self.page.evaluate("typeof axe === 'object'"):
            self.page.evaluate(AXE)
        found: list[dict[str, Any]] = self.page.evaluate(RUN, list(rules))  # Any: JSON
        for one in found:
            if not any(known.rule == one["id"] and known.markup in one["html"] for known in EXCEPTED):
                self.wrong.append(f"{name}: {one['impact']} {one['id']}: {one['target']} {one['said']}")

    def every_palette(self, name: str) -> None:
        """Run axe in the first palette, and its rules of colours in the others; the next page begins with the last."""
        for scheme, kind in self.palettes:
            self.dress(scheme)
            self.page.evaluate(PUT_ON, css(kind).removeprefix("<style>").removesuffix("</style>"))
            first = (scheme, kind) == self.palettes[0]
            self.look(f"{name}, {kind} on {scheme}", *(() if first else COLOURS))
        self.palettes = self.palettes[::-1]

    def dress(self, scheme: str) -> None:
        """Have the machine ask for dark or light."""
        self.page.emulate_media(color_scheme="light" if scheme == LIGHT else "dark", reduced_motion="reduce")
        self.page.wait_for_function(SCHEME, arg=scheme, timeout=PATIENCE)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(
        viewport={"width": 1440, "height": 1000}, color_scheme="dark", reduced_motion="reduce"
    )
    opened = context.new_page()
    opened.set_default_timeout(PATIENCE)
    yield opened
    context.close()


@pytest.fixture(scope="module")
def told(dashboard: Dashboard) -> Dashboard:
    """The dashboard over a traded session, with an alert to be seen and a position that is held."""
    at = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)
    settings = dashboard.settings
    ledger = Ledger.open(settings.ledger_path, settings.mode, now=lambda: datetime.now(UTC))
    ledger.outbox.put(Severity.CRITICAL, "k", "the stop of one position is gone")
    bought = {"at": at.isoformat(), "price": "133.35", "quantity": 75}
    order = {
        "setup_id": "held-by-a-test", "contract": "NIFTY26NOV23800CE", "state": "protected", "entry_limit": "133.35",
        "stop_trigger": "110", "target_limit": "170", "placed_at": at.isoformat(), "entry": bought, "exit": None,
    }  # fmt: skip
    ledger.append("order", order, at=at)
    ledger.close()
    return dashboard


def test_no_page_is_at_fault_in_any_palette(told: Dashboard, page: Page) -> None:
    audit = Audit(page, told.address)
    audit.load("", "Cockpit")
    page.locator(".zonedesk-chart").wait_for()
    audit.every_palette("cockpit")
    for path in ("positions", "verdicts", "why", "health", "settings"):
        audit.go(path)
        audit.every_palette(path)
    audit.load(f"replay?session={TRADED}&at=12:05:00", "Replay")
    expect(page.locator(".zd-replay .then")).to_contain_text("12:05:00")
    audit.every_palette("replay")
    assert audit.wrong == []


def test_no_chain_of_reasons_is_at_fault(told: Dashboard, page: Page) -> None:
    audit = Audit(page, told.address)
    store = told.store()
    ((order,),) = store.rows("select setup_id from trades order by 1 limit 1")
    ((skip,),) = store.rows("select cycle_id from cycles where decision = 'skip' order by decided_at desc limit 1")
    ((zone,),) = store.rows("select zone_id from verdicts order by known_at desc limit 1")
    for kind, asked in (("Cycle", skip), ("Zone", zone), ("Order", order)):
        audit.load(f"why?asked={asked}", "Why")
        page.get_by_text(f"{kind} {asked}: ").wait_for()
        page.locator("details").first.wait_for()
        page.locator("details:not([open]) > summary").evaluate_all("all => all.forEach(one => one.click())")
        expect(page.locator("details:not([open])")).to_have_count(0)
        if kind == "Order":  # the longest, with every kind of step of the others
            audit.every_palette("why of an order")
        else:
            audit.look(f"why of {kind}")
    assert audit.wrong == []


def test_nothing_that_opens_over_a_page_is_at_fault(told: Dashboard, page: Page) -> None:
    audit = Audit(page, told.address)
    audit.load("health", "Health")
    page.get_by_role("button", name="Halt").click()
    page.get_by_label("Type HALT").wait_for()
    audit.look("the way to halt")
    page.keyboard.press("Escape")
    page.get_by_test_id("stMainMenu").get_by_role("button").click()
    page.get_by_role("menu").wait_for()
    audit.look("the menu")
    page.get_by_role("menuitem", name="About").click()
    expect(page.get_by_role("dialog")).to_contain_text("Alt+P")
    audit.look("about")
    page.keyboard.press("Escape")
    page.set_viewport_size({"width": 390, "height": 844})
    page.get_by_role("button", name="Expand sidebar").click()
    page.get_by_role("link", name="Settings").wait_for()
    audit.look("the pages on a phone")
    assert audit.wrong == []


def test_a_running_desk_is_not_at_fault(desk: LiveDesk, page: Page) -> None:
    audit = Audit(page, desk.dashboard)
    audit.load("", "Cockpit")
    page.locator(".zonedesk-chart").wait_for()
    audit.look("running cockpit")
    for path in ("chain", "health"):
        audit.go(path)
        audit.every_palette(f"running {path}")
    assert audit.wrong == []


def test_the_way_in_is_not_at_fault(page: Page) -> None:
    audit = Audit(page, "")
    for name, answer in (
        ("sign in", client(entrance(Time())).get(LOGIN)),
        ("a wrong password", client(entrance(Time())).post(LOGIN, data={"password": "wrong"})),
    ):
        page.set_content(answer.text)
        audit.look(name)
    assert page.title()
    assert audit.wrong == []


def test_tab_goes_from_the_top_to_the_chart_and_is_always_seen(told: Dashboard, page: Page) -> None:
    audit = Audit(page, told.address)
    audit.load("", "Cockpit")
    page.locator(".zonedesk-chart").wait_for()
    order: list[str] = []
    while not any("Candle chart" in name for name in order):
        assert len(order) < 60, order
        page.keyboard.press("Tab")
        now = page.evaluate(FOCUSED)
        assert now["seen"], (now, order)
        assert now["rings"], (now, order)
        order.append(now["name"])
    places = [
        next(at for at, name in enumerate(order) if said in name) for said in ("Skip", "Cockpit", "Pause", "Halt")
    ]
    assert places == sorted(places)
    assert page.title() == "Cockpit · replay · zonedesk"
    moving = "getComputedStyle(document.querySelector('.stButton button')).transitionDuration"
    assert all(float(part.strip().removesuffix("s")) < 0.001 for part in page.evaluate(moving).split(","))


def test_colours_follow_the_theme_at_once(told: Dashboard, page: Page) -> None:
    audit = Audit(page, told.address)
    audit.load("settings", "Settings")
    mark = page.locator(".zd-strip .zd-up").first
    for theme in (DARK, LIGHT):
        audit.dress(theme)
        up = PALETTES[STANDARD, theme].up
        rgb = ", ".join(str(int(up[at : at + 2], 16)) for at in (1, 3, 5))
        expect(mark).to_have_css("color", f"rgb({rgb})", timeout=PATIENCE)
