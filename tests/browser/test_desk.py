import os
import signal
import urllib.request
from pathlib import Path

import pytest

from tests.browser.desks import LiveDesk

pytestmark = pytest.mark.process


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(")")[-1].split()[0] == "Z"
    except FileNotFoundError:
        return True


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


def test_a_killed_dashboard_answers_again(desk: LiveDesk) -> None:
    first = desk.service("dashboard")["pid"]
    os.kill(first, signal.SIGKILL)
    desk.until(lambda: desk.service("dashboard")["restarts"] == 1 and desk.service("dashboard")["state"] == "ready")
    assert desk.service("dashboard")["pid"] != first
    with urllib.request.urlopen(f"{desk.dashboard}/_stcore/health", timeout=5) as reply:
        assert reply.status == 200


def test_sigterm_stops_everything_and_the_market_stands_still(tmp_path: Path) -> None:
    desk = LiveDesk(tmp_path)
    try:
        desk.start(sessions=5)
        pids = [service["pid"] for service in desk.status()["services"]]
        assert len(pids) == 7
        assert desk.stop() < 15
    finally:
        desk.stop()
    assert all(gone(pid) for pid in pids)
    assert desk.status()["state"] == "stopped"
    still = desk.command("status", "--json").stdout
    assert desk.command("status", "--json").stdout == still
    assert '"running": false' in still
