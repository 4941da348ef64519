"""The paper exchange as its command starts it."""

import json
import signal
import stat
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from agents.data.calendar import NseCalendar
from agents.domain.candles import epoch
from agents.domain.errors import ConfigError
from agents.settings import Settings
from exchange.clock import at_ist
from zonedesk.home import DeskHome
from zonedesk.venue import LEAD, Shown, _calendar, _plan, desk_shown, run_exchange


@pytest.fixture
def started(tmp_path: Path) -> Iterator[dict[str, Any]]:
    command = [sys.executable, "-m", "zonedesk.cli", "exchange", "--port", "0", "--control-port", "0", "--json"]
    process = subprocess.Popen([*command, "--data-dir", str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    facts = json.loads(process.stdout.readline())
    yield facts | json.loads(Path(facts["key_file"]).read_text())
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=20) == 0


def asked(keys: dict[str, Any], path: str) -> Any:
    request = urllib.request.Request(keys["rest"] + path, headers={"access-token": keys["access_token"]})
    with urllib.request.urlopen(request, timeout=20) as reply:
        return json.loads(reply.read())


@pytest.mark.process
def test_the_key_file_opens_the_account_and_is_its_owners_alone(started: dict[str, Any]) -> None:
    assert asked(started, "/fundlimit")["availabelBalance"] == 1_000_000.0
    assert stat.S_IMODE(Path(started["key_file"]).stat().st_mode) == 0o600


@pytest.mark.process
def test_its_token_is_where_the_desk_looks_for_one(started: dict[str, Any]) -> None:
    path = Path(started["key_file"]).parent / "dhan" / "token.json"
    assert json.loads(path.read_text())["token"] == started["access_token"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(("on", "opens"), [(date(2024, 6, 5), (9, 15)), (date(2024, 11, 1), (18, 0))])
def test_a_recording_begins_real_seconds_before_its_open(on: date, opens: tuple[int, int]) -> None:
    nowhere = Path("none.parquet")
    plan = _plan(Shown(on, 7, 60.0, (nowhere, nowhere, nowhere)))
    assert plan.at is not None
    assert (at_ist(on, *opens) - plan.at) / plan.speed == LEAD * 1000


def test_a_second_exchange_in_a_running_desk_s_folder_is_refused(tmp_path: Path) -> None:
    settings = Settings(mode="paper", data_dir=tmp_path)
    with DeskHome.of(settings).held(), pytest.raises(ConfigError, match="has its own exchange"):
        run_exchange(settings, Shown(date(2026, 11, 19), 7, 1.0), (0, 0), lambda _: None)


def test_an_exchange_of_a_desk_that_was_never_started_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="start the desk"):
        desk_shown(Settings(mode="paper", data_dir=tmp_path))


def test_the_exchange_keeps_the_desks_sessions() -> None:
    ours, theirs = NseCalendar(), _calendar()
    dates = [date(2021, 1, 1) + timedelta(days=n) for n in range(6 * 365)]
    for on in dates:
        session, hours = ours.session(on), theirs.hours(on)
        assert (session is None) == (hours is None)
        if session is not None and hours is not None:
            assert hours.open_at == epoch(session.open_at) * 1000
            assert hours.close_at == epoch(session.derivatives_close_at) * 1000
