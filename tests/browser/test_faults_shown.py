"""What the page says when a part of the desk ends, and when the market falls silent: within six seconds, while true."""

import os
import re
import signal
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.desks import LiveDesk
from tests.browser.pictures import keep
from tests.integration.guardians import Driver

pytestmark = [pytest.mark.browser, pytest.mark.process]
PATIENCE = 60_000  # milliseconds
WITHIN = 6.0  # seconds


@pytest.fixture(scope="module")
def cockpit(desk: LiveDesk, browser: Browser) -> Iterator[Page]:
    """The desk's first page, open all the time, as a trader leaves it."""
    page = browser.new_page(viewport={"width": 1440, "height": 1000})
    page.set_default_timeout(PATIENCE)
    page.goto(desk.dashboard)
    yield page
    page.close()


@pytest.fixture
def page(cockpit: Page) -> Iterator[Page]:
    """The page on which nothing is wrong, before and after."""
    well(cockpit)
    yield cockpit
    well(cockpit)


@pytest.fixture
def driver(desk: LiveDesk) -> Iterator[Driver]:
    driver = Driver(desk.settings)
    try:
        yield driver
    finally:
        driver.control("DELETE", "/faults")
        driver.close()


def well(page: Page) -> None:
    """Wait until the page says of no feed and no guardian that it is gone."""
    expect(page.locator(".zd-strip")).to_contain_text(re.compile(r"feed [0-2]\."), timeout=PATIENCE)
    expect(page.get_by_text(re.compile("STALE|NO GUARDIAN"))).to_have_count(0, timeout=PATIENCE)


def seconds_until_said(page: Page, since: float, *words: str) -> float:
    """Return how long after a moment the page has said all of these."""
    for each in words:
        page.get_by_text(re.compile(each)).first.wait_for(timeout=PATIENCE)
    return time.monotonic() - since


def test_killed_processes_are_said_within_six_seconds_until_they_are_back(desk: LiveDesk, page: Page) -> None:
    killed = {name: int(desk.service(name)["pid"]) for name in ("feed", "guardian")}
    since = time.monotonic()
    for pid in killed.values():
        os.kill(pid, signal.SIGKILL)
    assert seconds_until_said(page, since, "STALE: the feed", "NO GUARDIAN: its process has ended") < WITHIN
    keep(page, "killed_feed_and_guardian")
    well(page)
    assert all(desk.service(name)["pid"] not in {None, pid} for name, pid in killed.items())


def test_processes_that_nobody_starts_again_are_said_within_six_seconds(desk: LiveDesk, page: Page) -> None:
    since = time.monotonic()
    with desk.held("feed"), desk.held("guardian"):
        said = seconds_until_said(page, since, "STALE: the feed has been silent", "NO GUARDIAN: it has given no sign")
    assert said < WITHIN


def test_a_socket_that_falls_silent_is_said_within_six_seconds(driver: Driver, page: Page) -> None:
    since = time.monotonic()
    driver.control("POST", "/faults", {"name": "feed_silent", "where": "*", "times": None})
    assert seconds_until_said(page, since, "STALE: the feed has been silent") < WITHIN
    driver.control("DELETE", "/faults")
