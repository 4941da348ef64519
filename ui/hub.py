"""One reader for all visitors: a thread that looks at the store and the ledger once a second and keeps one picture."""

import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime

from agents.settings import Settings
from ui.desk import DeskReader
from ui.kept import Kept
from ui.queries import MarketReader
from ui.snapshot import Picture

EVERY_SECONDS = 1.0
PATIENCE = 1.0
"""Seconds to wait for a store in use: no page may stand still behind a process that hangs in it."""
_log = logging.getLogger(__name__)


def wall_now() -> datetime:
    """Return this machine's present in UTC."""
    return datetime.now(UTC)


class Hub:
    """Keeps the newest picture. Without its thread, whoever asks for an old picture takes a new one.

    Parameters
    ----------
    settings : Settings
        Whose store and ledger.
    wall : callable
        Returns this machine's present, aware.
    """

    def __init__(self, settings: Settings, wall: Callable[[], datetime] = wall_now) -> None:
        self.settings = settings
        self._wall = wall
        self._market: MarketReader | None = None
        self._desk = DeskReader(settings, wall)
        self._kept = Kept(wall)
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._picture: Picture | None = None

    def start(self) -> None:
        """Begin to look once a second."""
        self._thread = threading.Thread(target=self._run, name="hub", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread and close the ledger."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(10 * EVERY_SECONDS)
            self._thread = None
        self._desk.close()

    def newest(self) -> Picture | None:
        """Return the newest picture without waiting, None before the first."""
        return self._picture

    def look(self) -> Picture:
        """Return a picture that is not older than the hub's pace, or as old as its thread says."""
        picture = self._picture
        if picture is not None and (self._thread is not None or self._is_fresh(picture)):
            return picture
        return self.take()

    def forget(self) -> None:
        """Have the next caller take a new picture."""
        self._picture = None

    def take(self) -> Picture:
        """Take a picture now; callers that come at the same moment share one."""
        with self._lock:
            known = self._picture
            if known is not None and self._is_fresh(known):
                return known
            if self._market is None:
                self._market = MarketReader(self.settings, self.settings.instruments[0], patience=PATIENCE)
            desk = self._kept.desk(self._desk.read())
            contracts = sorted({order.contract for order in desk.orders if order.held})
            market = self._kept.market(self._market.read(contracts))
            self._picture = Picture(market, desk, self._wall(), known.number + 1 if known else 1)
            return self._picture

    def _is_fresh(self, picture: Picture) -> bool:
        return (self._wall() - picture.as_of).total_seconds() < EVERY_SECONDS / 2

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self.take()
            except Exception:  # noqa: BLE001 - the last line of defence: the page shows the picture's age, the log says why
                _log.exception("the dashboard could not look at the desk")
            self._stop.wait(EVERY_SECONDS)


_hubs: dict[str, Hub] = {}
_hubs_lock = threading.Lock()


def hub_of(settings: Settings) -> Hub:
    """Return the one hub of a desk's folder in this process."""
    home = str(settings.home)
    with _hubs_lock:
        if home not in _hubs:
            _hubs[home] = Hub(settings)
        return _hubs[home]
