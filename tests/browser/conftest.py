"""One running desk and one browser for all tests of this folder."""

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.dashboards import Dashboard
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


@pytest.fixture(scope="session")
def desk(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveDesk]:  # noqa: ARG001  (asked first)
    """A desk with eight sessions behind it, sixty for the documents' pictures, running until all tests have ended."""
    running = LiveDesk(tmp_path_factory.mktemp("desk"))
    try:
        running.start(sessions=60 if for_documents() else 8)
        yield running
    finally:
        running.stop()


@pytest.fixture(scope="session")
def dashboard(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboard]:  # noqa: ARG001  (asked first)
    """A dashboard over a store whose last session but one was traded."""
    started = Dashboard(tmp_path_factory.mktemp("replayed"))
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
