"""The running desk: its command line and its page, with the guardian and the paper exchange behind them."""

import os
import re
import shlex
import signal
import sys
import urllib.request
from collections.abc import Iterator
from decimal import Decimal

import pytest
from playwright.sync_api import Locator, Page, expect

from agents.domain.lifecycle import HOLDING, OVER
from agents.execution.guardian.ports import TradeRequest
from tests.browser.desks import LiveDesk
from tests.browser.pictures import keep
from tests.integration.guardians import Driver

pytestmark = [pytest.mark.browser, pytest.mark.process]
PATIENCE = 60_000  # milliseconds
ONCE_AGAIN = 120.0  # seconds: a guardian that has just started buys nothing for more than a minute


@pytest.fixture
def driver(desk: LiveDesk) -> Iterator[Driver]:
    """Whoever asks for trades as the desk's runs do, and reads the ledger; it leaves a desk that may trade."""
    driver = Driver(desk.settings)
    try:
        let_trade(desk, driver)
        yield driver
        let_trade(desk, driver)
    finally:
        driver.control("PUT", "/limits", {"enforced": True})
        driver.close()


@pytest.fixture
def page(page: Page) -> Iterator[Page]:
    """A page whose waits are as patient as a busy machine needs."""
    page.set_default_timeout(PATIENCE)
    expect.set_options(timeout=PATIENCE)
    yield page
    expect.set_options(timeout=5_000)


def let_trade(desk: LiveDesk, driver: Driver) -> None:
    if driver.ledger.desk_state().value != "active":
        done = desk.command("resume", "--confirm", "resume paper")
        assert done.returncode == 0, done.stderr


def test_a_second_desk_in_the_same_folder_is_refused(desk: LiveDesk) -> None:
    second = desk.command("up")
    assert second.returncode == 1
    assert "already runs" in second.stderr
    assert "zonedesk down" in second.stderr


def test_status_shows_processes_clock_and_last_candle(desk: LiveDesk) -> None:
    shown = desk.command("status")
    assert shown.returncode == 0, shown.stdout + shown.stderr
    assert "rules, because no OPENAI_API_KEY is set" in shown.stdout
    assert desk.dashboard in shown.stdout
    assert "5 market minutes a minute" in shown.stdout


def asked(driver: Driver, *kinds: str) -> int:
    """Return how many commands of these kinds were ever asked."""
    return sum(command.kind in kinds for command in driver.ledger.commands.recent(1_000))


def opened(desk: LiveDesk, page: Page, path: str = "") -> Locator:
    """Open a page of the dashboard and return the line on top of it."""
    page.goto(f"{desk.dashboard}/{path}")
    strip = page.locator(".zd-strip")
    expect(strip).to_contain_text("ACTIVE")
    return strip


def said(page: Page, words: str) -> None:
    """Wait until the page says something, whatever white space is in it."""
    expect(page.get_by_text(re.compile(words)).first).to_be_visible(timeout=PATIENCE)


def stop_by_hand(page: Page, word: str) -> None:
    """Type the word that stops the desk and press the button twice."""
    page.get_by_role("button", name="Halt", exact=True).click()
    page.get_by_label("Type HALT or FLATTEN to confirm").fill(word)
    page.get_by_role("button", name="Do it now").dblclick()


def give_the_command_that_is_shown(desk: LiveDesk, page: Page) -> None:
    """Give the command that a stopped desk's page shows, as it stands there."""
    shown = page.get_by_text(re.compile("type in a terminal: ")).first.inner_text()
    words = shlex.split(shown.split("type in a terminal: ")[1])
    assert words[0] == "zonedesk"
    done = desk.run(sys.executable, "-m", "zonedesk.cli", *words[1:])
    assert done.returncode == 0, done.stderr
    assert "the guardian says done: active" in done.stderr


def request(driver: Driver) -> TradeRequest:
    """Return a request that buys at once and that the desk's own risk rules allow."""
    made = driver.request(above=Decimal("1.04"))
    spot = Decimal(str(driver.post("/marketfeed/ltp", {"IDX_I": [13]})["IDX_I"]["13"]["last_price"]))
    levels = {"spot": spot, "spot_stop": spot - 50, "spot_target": spot + 100}
    return made.model_copy(update={"setup": made.setup.model_copy(update=levels)})


def bought(desk: LiveDesk, driver: Driver) -> TradeRequest:
    """Have the guardian buy something, and return what was asked for; while it may not yet, it is asked again."""
    refused: set[str] = set()
    taken: list[TradeRequest] = []

    def is_taken() -> bool:
        taken.append(request(driver))
        answer = driver.agent.place_bracket_order(taken[-1])
        refused.update(veto.text for veto in answer.vetoes)
        return answer.order_id != ""

    desk.until(is_taken, ONCE_AGAIN, lambda: f"refused: {refused}")
    desk.until(lambda: driver.state(taken[-1].setup.setup_id) in HOLDING)
    return taken[-1]


def test_a_fill_raises_a_toast_and_flatten_sells_it_once(desk: LiveDesk, driver: Driver, page: Page) -> None:
    strip = opened(desk, page)
    order, before = bought(desk, driver).order, asked(driver, "flatten")
    toast = page.get_by_test_id("stToast")
    expect(toast.filter(has_text=f"Bought 65 {order.contract}")).to_be_visible(timeout=PATIENCE)
    keep(page, "toast_of_a_fill")

    stop_by_hand(page, "flatten")
    said(page, "Nothing was asked: type HALT or FLATTEN")
    assert asked(driver, "flatten") == before
    page.get_by_label("Type HALT or FLATTEN to confirm").fill("FLATTEN")
    page.get_by_role("button", name="Do it now").dblclick()
    said(page, r"flatten: asked .* → done: halted")
    expect(strip).to_contain_text("HALTED")
    expect(toast.filter(has_text=f"Sold {order.contract}")).to_be_visible(timeout=PATIENCE)
    assert page.get_by_text("Nothing was asked").count() == 0
    assert asked(driver, "flatten") == before + 1
    assert driver.state(order.setup_id) in OVER
    assert driver.differences() == []
    give_the_command_that_is_shown(desk, page)
    said(page, r"resume: asked .* → done: active")
    expect(strip).to_contain_text("ACTIVE")


def test_what_is_asked_of_a_guardian_that_hangs_is_done_once_when_it_answers(
    desk: LiveDesk, driver: Driver, page: Page
) -> None:
    strip, before = opened(desk, page), asked(driver, "pause")
    with desk.held("guardian"):
        page.get_by_role("button", name="Pause entries").dblclick()
        said(page, r"pause: asked .* → waiting")
        page.reload()
        said(page, r"pause: asked .* → waiting")
        said(page, "NO GUARDIAN: it has given no sign of life")
        said(page, "pause was asked and not acknowledged")
        expect(strip).to_contain_text("ACTIVE")
        assert asked(driver, "pause") == before + 1
        assert [command.kind for command in driver.ledger.commands.pending()] == ["pause"]
    said(page, r"pause: asked .* → done: reducing")
    expect(strip).to_contain_text("ENTRIES PAUSED")
    expect(page.get_by_role("button", name="Pause entries")).to_be_disabled()
    expect(page.get_by_text("NO GUARDIAN")).to_have_count(0)
    assert asked(driver, "pause") == before + 1
    give_the_command_that_is_shown(desk, page)
    expect(strip).to_contain_text("ACTIVE")
    expect(page.get_by_role("button", name="Pause entries")).to_be_enabled()


def test_the_halt_of_the_replay_page_halts_the_running_desk(desk: LiveDesk, driver: Driver, page: Page) -> None:
    strip, before = opened(desk, page, "replay"), asked(driver, "halt")
    then = page.locator(".zd-replay .then")
    moment = then.inner_text()
    stop_by_hand(page, "HALT")
    page.reload()
    said(page, r"halt: asked .* → done: halted")
    expect(strip).to_contain_text("HALTED")
    assert driver.ledger.desk_state().value == "halted"
    assert asked(driver, "halt") == before + 1
    assert moment[:15] in then.inner_text()
    keep(page, "replay_halted")
    give_the_command_that_is_shown(desk, page)
    expect(strip).to_contain_text("ACTIVE")


def test_a_killed_dashboard_answers_again(desk: LiveDesk) -> None:
    first = desk.service("dashboard")
    os.kill(first["pid"], signal.SIGKILL)
    again = first["restarts"] + 1
    desk.until(lambda: desk.service("dashboard")["restarts"] == again and desk.service("dashboard")["state"] == "ready")
    assert desk.service("dashboard")["pid"] != first["pid"]
    with urllib.request.urlopen(f"{desk.dashboard}/_stcore/health", timeout=5) as reply:
        assert reply.status == 200
