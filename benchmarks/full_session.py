"""Trade one simulated session with all processes of the desk, then hold its books against the exchange's account.

Run it with ``python -m benchmarks.full_session`` (about twenty minutes) or, for a trial, with ``--until 10:30``.

The desk is `zonedesk up` in paper mode, in a folder and on ports of its own. History is made and analysed before the
session's clock starts, so that the session begins at its open. It runs with the rules judge and with the settings that
`WANTS` and `LIMITS` name, which trade more often than the desk's usual ones; nothing else is different. At the end the
exchange's account, the guardian's executions, the round trips and `zonedesk status` must agree to the paisa, and
`zonedesk replay --recorded-from` must make every decision again, byte for byte. Whatever happened stands in the folder.
"""

import argparse
import os
import signal
import sys
import tempfile
import time
from datetime import date, datetime, timedelta
from pathlib import Path

from agents.data.calendar import NseCalendar
from agents.data.clock import ClockFile, SimulatedMarketClock
from agents.domain.market import Session
from agents.domain.values import IST
from agents.settings import Settings
from benchmarks.session_desk import SessionDesk
from benchmarks.session_proof import books, replayed, table
from pipelines.run import materialize_range
from zonedesk.home import DeskHome
from zonedesk.market import last_sessions
from zonedesk.prepare import prepare

SPEED = 20
SEED = 3
HISTORY = 60
ON = date(2026, 10, 14)
LEAST_TRADES = 5
AFTER_CLOSE = timedelta(seconds=20)  # the clock shows a quarter of an hour after the close, then the next session
WANTS = {
    "ZONEDESK_JUDGE": "rules",
    "ZONEDESK_HALF_LENGTH": "2",
    "ZONEDESK_ZONE_CONFIDENCE": "0.3",
    "ZONEDESK_ZONE_BAND_ATR": "4",
    "ZONEDESK_MIN_RISK_REWARD": "0.1",
    "ZONEDESK_PROBABILITY_THRESHOLD": "0.3",
}
LIMITS = """\
[limits]
max_trades = 20
cool_down = 3
pause_after_losses = 20
stop_after_losses = 20
stop_guard_stops = 20
low_profit_share = 0.5
daily_loss_share = 0.20
flatten_loss_share = 0.25
requests_per_day = 200
"""


def main() -> int:
    """Run the session and return 0 if every line of the table holds."""
    asked = _arguments()
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit("told to stop"))  # the desk ends with us
    if asked.prepare:
        _prepare(Path(asked.prepare), asked.history)
        return 0
    folder = asked.folder or Path(tempfile.mkdtemp(prefix="full-session-"))
    session = NseCalendar().session(asked.on)
    if session is None:
        sys.exit(f"{asked.on} has no session; choose another day with --on")
    desk = _desk(folder, session, asked)
    desk.say(f"folder {folder}, session {asked.on}, seed {asked.seed}, speed {asked.speed}")
    try:
        desk.run_once("-m", "benchmarks.full_session", "--prepare", str(folder), "--history", str(asked.history))
        settings = Settings(mode="paper", data_dir=folder)
        desk.start()
        clock = SimulatedMarketClock(DeskHome.of(settings).clock_path, NseCalendar())
        until = _until(session, asked.until)
        desk.follow(clock.now, until)
        desk.make_flat(early=until < session.close_at)
        lines = books(desk, session.on, asked.trades)
        desk.say("\n" + table(lines))
    finally:
        desk.stop()
    lines += (again := replayed(desk, session.on))
    desk.say("\n" + table(again))
    return 0 if all(line.holds for line in lines) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--speed", type=int, default=SPEED, choices=(1, 3, 5, 15, 20))
    parser.add_argument("--until", help="such as 10:30; the session's end unless given")
    parser.add_argument("--seed", type=int, default=SEED, help="which simulated market")
    parser.add_argument("--on", type=date.fromisoformat, default=ON, help="which session")
    parser.add_argument("--history", type=int, default=HISTORY, help="sessions before it")
    parser.add_argument("--trades", type=int, default=LEAST_TRADES, help="round trips that there must be")
    parser.add_argument("--folder", type=Path, help="where everything is kept; a new one unless given")
    parser.add_argument("--prepare", help=argparse.SUPPRESS)
    return parser.parse_args()


def _desk(folder: Path, session: Session, asked: argparse.Namespace) -> SessionDesk:
    """Return the desk in its folder, with limits and a clock that stands at the session's open."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "risk.toml").write_text(LIMITS, encoding="utf-8")
    dates = last_sessions(NseCalendar(), session.on, asked.history + 1)
    file = ClockFile(
        anchor_wall=session.open_at,
        anchor_market=session.open_at,
        resumed_at=session.open_at,
        speed=asked.speed,
        seed=asked.seed,
        origin_on=dates[0],
        running=False,
    )
    file.write(DeskHome.of(Settings(mode="paper", data_dir=folder)).clock_path)
    simulated = {"ZONEDESK_SIMULATION_SPEED": str(asked.speed), "ZONEDESK_SIMULATION_SEED": str(asked.seed)}
    return SessionDesk(folder, {**WANTS, **simulated}, asked.history)


def _prepare(folder: Path, history: int) -> None:
    """Make the history and analyse it, in a process of its own; the clock stands still."""
    settings = Settings(mode="paper", data_dir=folder)
    prepare(settings, _tell, _no_step, history=history)
    clock = ClockFile.read(DeskHome.of(settings).clock_path)
    dates = last_sessions(NseCalendar(), (clock.resumed_at - timedelta(days=1)).date(), history)
    materialize_range(settings, [settings.instruments[0]], dates[0], dates[-1])


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _no_step(_done: int, _total: int) -> None:
    """Show no progress: it goes to a file."""


def _until(session: Session, text: str | None) -> datetime:
    """Return when trading ends: at a time of the session's day, or just after the index's close."""
    if text is None:
        return session.close_at + AFTER_CLOSE
    at = datetime.strptime(text, "%H:%M").time()  # noqa: DTZ007 - a time of day; its zone comes with the date
    return min(datetime.combine(session.on, at, tzinfo=IST), session.close_at + AFTER_CLOSE)


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    started = time.monotonic()
    code = main()
    print(f"{time.monotonic() - started:.0f} s", file=sys.stderr)
    sys.exit(code)
