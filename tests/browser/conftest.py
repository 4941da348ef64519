"""One running desk and one browser for all tests of this folder."""

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.desks import LiveDesk

CHROMIUM = "/usr/bin/chromium"
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
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveDesk]:
    """A desk with eight sessions behind it, running until the tests have ended."""
    running = LiveDesk(tmp_path_factory.mktemp("desk"))
    try:
        running.start(sessions=8)
        yield running
    finally:
        running.stop()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless Chromium. Its absence is a failure: install it with ``apt-get install chromium fonts-noto-core``."""
    found = shutil.which("chromium") or CHROMIUM
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=found, args=list(QUIET))
        yield running
        running.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A new page of 1440 by 1000 pixels."""
    opened = browser.new_page(viewport={"width": 1440, "height": 1000})
    yield opened
    opened.close()
