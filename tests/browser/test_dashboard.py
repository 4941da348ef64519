"""Every page in each palette and on a phone: drawn, without a fault, and nothing asked of anybody else."""

from collections.abc import Iterator
from typing import NamedTuple

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from agents.settings import Settings
from tests.browser.desks import LiveDesk
from tests.browser.pictures import for_documents, keep
from tests.browser.watch import PATIENCE, colours, drawn, rested, watched
from ui.choices import choose
from ui.palette import COLOUR_BLIND, STANDARD
from ui.views import PAGES

pytestmark = [pytest.mark.browser, pytest.mark.process]
DARK, LIGHT = "rgb(19, 23, 34)", "rgb(255, 255, 255)"
WIDE, PHONE = ViewportSize(width=1440, height=1000), ViewportSize(width=390, height=844)
NAMES = {path: name for path, name, _ in PAGES}
CHARTED = {"cockpit"}


class Seen(NamedTuple):
    """A page, and the faults that were heard of it."""

    page: Page
    faults: list[str]


@pytest.fixture(scope="module")
def seen(browser: Browser) -> Iterator[Seen]:
    """One page for all facts, in the dark theme."""
    page = browser.new_page(viewport={"width": 1440, "height": 1000}, color_scheme="dark")
    yield Seen(page, watched(page))
    page.close()


@pytest.fixture(scope="module")
def settings(desk: LiveDesk) -> Iterator[Settings]:
    """Settings of the running desk, whose colours are the usual ones again afterwards."""
    found = Settings(mode="paper", data_dir=desk.folder)
    yield found
    choose(found, palette=STANDARD)


def _themed(page: Page, background: str) -> None:
    expect(page.get_by_test_id("stApp")).to_have_css("background-color", background, timeout=PATIENCE)


def _whole(page: Page, path: str) -> None:
    assert page.get_by_test_id("stException").count() == 0
    if path in CHARTED:
        drawn(page)
        assert colours(page) > 20


@pytest.mark.parametrize("kind", [STANDARD, COLOUR_BLIND])
@pytest.mark.parametrize("path", NAMES)
def test_a_page_is_whole_in_dark_and_light_and_on_a_phone(
    desk: LiveDesk, seen: Seen, settings: Settings, path: str, kind: str
) -> None:
    choose(settings, palette=kind)
    page, look = seen.page, "usual" if kind == STANDARD else "colour-blind"
    seen.faults.clear()
    page.goto(f"{desk.dashboard}/{'' if path == 'cockpit' else path}", timeout=PATIENCE)
    rested(page, NAMES[path])
    _themed(page, DARK)
    _whole(page, path)
    keep(page, f"{path}-{look}-dark")
    if kind == STANDARD and path != "cockpit" and for_documents():
        keep(page, f"tour_{path}", size=(1280, 860))
        page.set_viewport_size(WIDE)
    page.emulate_media(color_scheme="light")
    _themed(page, LIGHT)
    _whole(page, path)
    keep(page, f"{path}-{look}-light")
    page.emulate_media(color_scheme="dark")
    if kind == STANDARD:
        page.set_viewport_size(PHONE)
        page.wait_for_function("() => document.documentElement.scrollWidth <= innerWidth", timeout=PATIENCE)
        keep(page, f"phone-{path}")
        page.set_viewport_size(WIDE)
    assert seen.faults == []
