"""The end of the desk that all tests here shared; this file's name has it run last."""

from pathlib import Path

import pytest

from tests.browser.desks import LiveDesk

pytestmark = [pytest.mark.browser, pytest.mark.process]


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(")")[-1].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_sigterm_stops_everything_and_the_market_stands_still(desk: LiveDesk) -> None:
    pids = [service["pid"] for service in desk.status()["services"]]
    assert len(pids) == 7
    assert desk.stop() < 15
    assert all(gone(pid) for pid in pids)
    assert desk.status()["state"] == "stopped"
    still = desk.command("status", "--json").stdout
    assert desk.command("status", "--json").stdout == still
    assert '"running": false' in still
