"""In a real browser: pages full of attacks run nothing, ask nobody, and hold no element that an attack made."""

import socket
from collections.abc import Iterator
from contextlib import suppress

import pytest
from playwright.sync_api import Browser, Page, expect

from agents.data.ledger import Severity
from tests.browser.dashboards import Dashboard
from tests.browser.hostile import ELSEWHERE, PLACES, HostileDashboard, attack
from ui.views import PAGES

pytestmark = pytest.mark.browser

WATCH = """
window.ran = [];
window.refused = [];
addEventListener("securitypolicyviolation", (event) => refused.push(`${event.violatedDirective} ${event.blockedURI}`));
"""
# Elements and attributes that no page of the dashboard has of its own.
FOREIGN = (
    "iframe", "object", "embed", "base", "form[action]", "marquee", ".katex", "[data-testid=stMarkdownColoredText]",
    "[onerror]", "[onload]", "[onmouseover]", "[onclick]", "img[src=x]", "[href^='javascript:']",
    f"[href*='{ELSEWHERE}']", f"[src*='{ELSEWHERE}']", f"[action*='{ELSEWHERE}']",
)  # fmt: skip
MADE = "(kinds) => [...document.querySelectorAll(kinds)].map((one) => one.outerHTML.slice(0, 200))"
SCRIPTS = "() => [...document.scripts].filter((one) => one.text.includes('ran.push')).length"
WIDE = "() => document.documentElement.scrollWidth > innerWidth"
TURNED = "() => /[\\u202a-\\u202e\\u2066-\\u2069\\u001b\\u009b]/.test(document.body.innerText)"
ENDED = "() => document.querySelector('[data-test-script-state=notRunning]') !== null"
INTRUDE = """(elsewhere) => {
  const put = (html) => document.body.append(document.createRange().createContextualFragment(html));
  put('<img src=x onerror="ran.push(1)">');
  put(`<iframe src="http://${elsewhere}/"></iframe>`);
  put(`<img src="http://${elsewhere}/x.png">`);
  put('<script>ran.push(2)</' + 'script>');
  put(`<script src="http://${elsewhere}/x.js"></` + 'script>');
  fetch(`http://${elsewhere}/`).catch(() => 0);
}"""
WHERE = {"replay": "replay?session=2026-11-19&at=14:00:00"}


@pytest.fixture(scope="module")
def hostile(dashboard: Dashboard, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostileDashboard]:
    """A dashboard over a desk full of attacks."""
    started = HostileDashboard(tmp_path_factory.mktemp("hostile"), dashboard.settings)
    try:
        started.wait()
        yield started
    finally:
        started.stop()


@pytest.fixture
def watched(browser: Browser) -> Iterator[tuple[Page, list[str]]]:
    """A page that notes what an attack would do, and the addresses that it asked for."""
    page, asked = browser.new_page(viewport={"width": 1440, "height": 1000}), []
    page.add_init_script(WATCH)
    page.on("request", lambda request: asked.append(request.url))
    page.on("dialog", lambda dialog: asked.append(f"dialog {dialog.message}"))
    yield page, asked
    page.close()


def unharmed(page: Page) -> None:
    """Assert that no attack became anything but text."""
    assert page.evaluate("() => window.ran") == []
    assert page.evaluate("() => window.refused") == []
    assert page.evaluate(MADE, ",".join(FOREIGN)) == []
    assert page.evaluate(SCRIPTS) == 0
    assert page.evaluate(TURNED) is False
    assert page.evaluate(WIDE) is False
    assert "evil" not in page.title()


def test_no_attack_becomes_anything_but_text(hostile: HostileDashboard, watched: tuple[Page, list[str]]) -> None:
    page, asked = watched
    read: set[str] = set()
    pages = [WHERE.get(path, "" if path == "cockpit" else path) for path, _, _ in PAGES if path != "why"]
    for path in (*pages, "why?asked=setup-evil", f"why?asked={hostile.zone}"):
        page.goto(f"{hostile.address}/{path}", wait_until="commit", timeout=150_000)
        expect(page.locator(".zd-strip")).to_be_visible(timeout=150_000)
        expect(page.get_by_text("halt~").first).to_be_visible(timeout=150_000)
        page.wait_for_function(
            "() => document.querySelector('[data-test-script-state=\"notRunning\"]')", timeout=150_000
        )
        if path.endswith(hostile.zone):
            expect(page.get_by_text("answered~").first).to_be_visible(timeout=150_000)
        words = page.evaluate("() => document.body.textContent")
        read |= {place for place in PLACES if f"{place}~" in words}
        unharmed(page)
    told = hostile.ledger()
    told.outbox.put(Severity.CRITICAL, "toast", attack("alert"))
    told.close()
    expect(page.get_by_test_id("stToast").filter(has_text="alert~").first).to_be_visible(timeout=150_000)
    page.mouse.move(700, 400)
    unharmed(page)
    assert read == set(PLACES), set(PLACES) - read  # so that no attack is tested in vain
    assert {url for url in asked if not url.startswith((hostile.address, "data:", "blob:", "ws:"))} == set()


def heard(server: socket.socket) -> list[bytes]:
    """Return what whoever came to a server said; a browser may connect ahead of a request that it then refuses."""
    said: list[bytes] = []
    with suppress(BlockingIOError):
        while True:
            caller, _ = server.accept()
            with caller:
                caller.settimeout(2)
                with suppress(TimeoutError):
                    said.append(caller.recv(2_000))
    return [words for words in said if words]


def test_a_script_in_the_page_itself_would_not_run(hostile: HostileDashboard, watched: tuple[Page, list[str]]) -> None:
    """The second wall: if an attack ever became an element, the browser would not run it and would ask nobody."""
    page, _ = watched
    page.goto(f"{hostile.address}/settings", wait_until="commit", timeout=150_000)
    expect(page.locator(".zd-strip")).to_be_visible(timeout=150_000)
    with socket.create_server(("127.0.0.1", 0)) as elsewhere:  # the browser tells of requests that it then withholds
        elsewhere.setblocking(False)
        page.evaluate(INTRUDE, f"127.0.0.1:{elsewhere.getsockname()[1]}")
        page.wait_for_function("() => window.refused.length >= 6", timeout=150_000)
        assert page.evaluate("() => window.ran") == []
        assert heard(elsewhere) == []
