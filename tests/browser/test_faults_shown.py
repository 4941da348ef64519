"""What the page says when a part of the desk ends, and when the market falls silent: within six seconds, while true."""

import os
import re
import signal
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.desks import LiveDesk
from tests.browser.pictures import keep
from tests.integration.guardians import Driver

pytestmark = [pytest.mark.browser, pytest.mark.process]
PATIENCE = 60_000  # milliseconds
WITHIN = 6.0  # seconds


@pytest.fixture
def driver(desk: LiveDesk) -> Iterator[Driver]:
    driver = Driver(desk.settings)
    try:
        yield driver
    finally:
        driver.control("DELETE", "/faults")
        driver.close()


def well(desk: LiveDesk, page: Page) -> None:
    """Open the cockpit and wait until nothing is wrong."""
    page.goto(desk.dashboard)
    expect(page.locator(".zd-strip")).to_contain_text("feed 0.", timeout=PATIENCE)
    quiet(page)


def quiet(page: Page) -> None:
    """Wait until the page says of no feed and no guardian that it is gone."""
    expect(page.get_by_text(re.compile("STALE|NO GUARDIAN"))).to_have_count(0, timeout=PATIENCE)


def seconds_until_said(page: Page, words: str, since: float) -> float:
    page.get_by_text(re.compile(words)).first.wait_for(timeout=PATIENCE)
    return time.monotonic() - since


@pytest.mark.parametrize(
    ("name", "words"),
    [("feed", "STALE: the feed's process has ended"), ("guardian", "NO GUARDIAN: its process has ended")],
)
def test_a_killed_process_is_said_within_six_seconds_and_again_when_it_is_back(
    desk: LiveDesk, page: Page, name: str, words: str
) -> None:
    well(desk, page)
    first = desk.service(name)["pid"]
    os.kill(first, signal.SIGKILL)
    assert seconds_until_said(page, words, time.monotonic()) < WITHIN
    keep(page, f"killed_{name}")
    quiet(page)
    assert desk.service(name)["pid"] not in {None, first}


@pytest.mark.parametrize(
    ("name", "words"), [("feed", "STALE: the feed has been silent"), ("guardian", "NO GUARDIAN: it has given no sign")]
)
def test_a_process_that_nobody_starts_again_is_said_within_six_seconds(
    desk: LiveDesk, page: Page, name: str, words: str
) -> None:
    well(desk, page)
    with desk.held(name):
        assert seconds_until_said(page, words, time.monotonic()) < WITHIN
    quiet(page)


def test_a_socket_that_falls_silent_is_said_within_six_seconds(desk: LiveDesk, driver: Driver, page: Page) -> None:
    well(desk, page)
    driver.control("POST", "/faults", {"name": "feed_silent", "where": "*", "times": None})
    assert seconds_until_said(page, "STALE: the feed has been silent", time.monotonic()) < WITHIN
    driver.control("DELETE", "/faults")
    quiet(page)
