"""One running desk and one browser for all tests of this folder."""

import os
import shutil
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.dashboards import Dashboard, TradedHome
from tests.browser.desks import LiveDesk
from tests.browser.pictures import for_documents

QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="session")
def chromium() -> str:
    """Where Chromium is. Without it these tests are skipped, in CI (``CI=true``) they fail."""
    found = shutil.which("chromium")
    if found is None:
        missing = "there is no Chromium: apt-get install chromium fonts-noto-core to run the browser tests"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    return found


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs the running desk, so that the rest can run beside it."""
    for item in items:
        if "desk" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.desk)


class Begun(NamedTuple):
    """A desk and a traded store, both on their way."""

    desk: LiveDesk
    traded: TradedHome | None


@pytest.fixture(scope="session")
def begun(request: pytest.FixtureRequest, chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Begun]:  # noqa: ARG001  (asked first)
    """Whatever the collected tests need that takes long, begun side by side before the first of them waits."""
    wanted = {name for item in request.session.items for name in getattr(item, "fixturenames", ())}
    traded = TradedHome(tmp_path_factory.mktemp("replayed")) if "dashboard" in wanted else None
    desk = LiveDesk(tmp_path_factory.mktemp("desk"))
    try:
        if "desk" in wanted:
            desk.begin(sessions=60 if for_documents() else 8)
        yield Begun(desk, traded)
    finally:
        desk.stop()
        if traded is not None:
            traded.stop()


@pytest.fixture(scope="session")
def desk(begun: Begun) -> LiveDesk:
    """A desk with eight sessions behind it, sixty for the documents' pictures, running until all tests have ended."""
    begun.desk.wait()
    return begun.desk


@pytest.fixture(scope="session")
def dashboard(begun: Begun) -> Iterator[Dashboard]:
    """A dashboard over a store whose last session but one was traded."""
    assert begun.traded is not None
    started = Dashboard(begun.traded.folder())
    try:
        started.wait()
        yield started
    finally:
        started.stop()


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    """A headless Chromium."""
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=list(QUIET))
        yield running
        running.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A new page of 1440 by 1000 pixels."""
    opened = browser.new_page(viewport={"width": 1440, "height": 1000})
    yield opened
    opened.close()
