"""A desk whose feed, exchange and network are taken away: seen within five seconds, healed, and no minute is missing.

One desk serves all tests, in the order in which they stand; each leaves it whole.
"""

import os
import signal
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from agents.data.calendar import NseCalendar
from agents.data.clock import ClockFile, SimulatedMarketClock
from agents.data.fill import absent_minutes, session_minutes
from agents.data.store import Store
from agents.domain.values import IST
from agents.settings import Settings
from tests.browser.desks import LiveDesk
from tests.integration.wires import Wire
from zonedesk.home import DeskHome
from zonedesk.market import SimulatedMarket
from zonedesk.shell import wall_now
from zonedesk.status import desk_status

pytestmark = pytest.mark.process

SEEN_WITHIN, HEALED_WITHIN = 5.0, 90.0
SPEED = 5
LINEAR = ("NIFTY", "NIFTY-I")


class WiredDesk:
    """A running desk, its settings, and the wire between its exchange and everything else."""

    def __init__(self, desk: LiveDesk, wire: Wire, settings: Settings) -> None:
        self.desk, self.wire, self.settings = desk, wire, settings
        self.calendar = NseCalendar()
        self.home = DeskHome.of(settings)
        self.clock = SimulatedMarketClock(self.home.clock_path, self.calendar)
        self.store = Store(settings.store_path, "paper", now=wall_now, create=False)

    def status(self) -> dict[str, Any]:
        return desk_status(self.settings)

    def kill(self, name: str) -> None:
        os.kill(self.desk.service(name)["pid"], signal.SIGKILL)

    def wait(self, what: Callable[[dict[str, Any]], bool], within: float) -> dict[str, Any]:
        until = time.monotonic() + within
        while not what(found := self.status()):
            assert time.monotonic() < until, found
            time.sleep(0.1)
        return found

    def see(self, word: str) -> None:
        """Wait until the status names a problem."""
        self.wait(lambda found: any(word in problem for problem in found["problems"]), SEEN_WITHIN)

    def heal(self) -> None:
        """Wait until nothing is wrong and the index and its future have all minutes up to the present one."""
        now = self.clock.now()
        self.wait(lambda found: found["state"] == "ready" and found["feed"]["connected"], HEALED_WITHIN)
        self.wait(lambda _: not self.absent(now), HEALED_WITHIN)

    def absent(self, until: datetime) -> list[tuple[str, int]]:
        session = self.calendar.session(until.astimezone(IST).date())
        assert session is not None
        wanted = {name: session_minutes(session, name, until) for name in LINEAR}
        return [(name, at) for name, each in wanted.items() for at in absent_minutes(self.store, name, each)]


@pytest.fixture(scope="module")
def wired(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WiredDesk]:
    desk = LiveDesk(tmp_path_factory.mktemp("wired"))
    port = desk.ports["ZONEDESK_EXCHANGE_PORT"]
    wire = Wire(port)
    through = f"http://127.0.0.1:{wire.port}"
    desk.environment |= {
        "ZONEDESK_DHAN_URL": f"{through}/v2",
        "ZONEDESK_DHAN_AUTH_URL": through,
        "ZONEDESK_SIMULATION_SPEED": str(SPEED),
        "DHAN_ACCESS_TOKEN": "eyJ.of-a-real.account",  # must go nowhere
        "DHAN_CLIENT_ID": "1100000001",
    }
    settings = Settings(
        mode="paper",
        data_dir=desk.folder,
        dhan_url=f"{through}/v2",
        dhan_auth_url=through,
        exchange_port=port,
    )
    desk.start(5)
    try:
        yield WiredDesk(desk, wire, settings)
    finally:
        desk.stop()
        wire.end()


def test_the_session_so_far_came_over_the_wire(wired: WiredDesk) -> None:
    now = wired.clock.now()
    wired.wait(lambda _: not wired.absent(now), HEALED_WITHIN)
    on = now.astimezone(IST).date()
    sources = wired.store.rows("select distinct session = ?, source from candles order by 1", [on])
    file = ClockFile.read(wired.home.clock_path)
    assert sources == [(False, f"simulated:{file.seed}@{file.origin_on}"), (True, "simulated:exchange")]


def test_the_first_look_is_made_of_it(wired: WiredDesk) -> None:
    on = wired.clock.now().astimezone(IST).date()
    found = wired.store.rows("select count(*) from analysis_candles where session = ?", [on])
    assert found[0][0] >= 4


def test_a_killed_feed_is_seen_and_comes_back(wired: WiredDesk) -> None:
    wired.kill("feed")
    wired.see("feed")
    wired.heal()


def test_a_killed_exchange_is_seen_and_comes_back(wired: WiredDesk) -> None:
    before = wired.clock.now()
    wired.kill("exchange")
    wired.see("does not answer")
    wired.heal()
    assert wired.clock.now() > before


def test_a_cut_network_is_seen_and_healed(wired: WiredDesk) -> None:
    wired.wire.cut()
    wired.see("does not answer")
    wired.see("the feed is not connected")
    time.sleep(6.0)  # half a minute of the market
    wired.wire.restore()
    wired.heal()


def test_a_wire_that_stands_still_is_seen_and_healed(wired: WiredDesk) -> None:
    wired.wire.stands_still = True
    wired.see("the feed")
    time.sleep(6.0)  # half a minute of the market
    wired.wire.restore()
    wired.heal()


def test_every_minute_is_the_market_s_own(wired: WiredDesk) -> None:
    on = wired.clock.now().astimezone(IST).date()
    file = ClockFile.read(wired.home.clock_path)
    made = SimulatedMarket(wired.calendar, "NIFTY", file.seed, file.origin_on).session(on).index
    sql = (
        "select epoch(opened_at)::bigint, open, high, low, close from candles "
        "where instrument = 'NIFTY' and session = ? order by 1"
    )
    kept = wired.store.rows(sql, [on])
    columns = (made.opened_at, made.open, made.high, made.low, made.close)
    assert kept == [tuple(int(column[row]) for column in columns) for row in range(len(kept))]
    assert wired.store.rows("select count(*) from data_issues where rule in ('missing_candle', 'conflict')") == [(0,)]


def test_no_secret_is_in_any_log_or_status(wired: WiredDesk) -> None:
    key = (wired.home.folder / "exchange.json").read_text()
    secrets = [line.split('"')[3] for line in key.splitlines() if "token" in line]
    assert len(secrets) == 2
    texts = [path.read_text(errors="replace") for path in wired.home.log_dir.glob("*.log")]
    texts += [path.read_text() for path in wired.home.run_dir.glob("*.json")]
    for secret in (*secrets, "eyJ.of-a-real.account"):
        assert not any(secret in text for text in texts)


def test_the_clock_goes_on_after_the_desk_was_killed(wired: WiredDesk) -> None:
    assert wired.desk.process is not None
    wired.desk.process.kill()
    wired.desk.process.wait(10)
    last = wired.clock.now()
    time.sleep(2.0)
    wired.desk.start(5)
    process = wired.desk.process
    wired.wait(lambda found: found["pid"] == process.pid and found["state"] == "ready", HEALED_WITHIN)
    assert ClockFile.read(wired.home.clock_path).resumed_at + timedelta(seconds=SPEED) >= last
    wired.heal()
