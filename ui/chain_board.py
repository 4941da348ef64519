"""What the option chain page shows: read in the background, kept while the store cannot be read, with its age."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal

from agents.domain.chain import ChainAnalysis
from agents.domain.errors import ConfigError, DataError
from agents.domain.values import IST
from agents.settings import Settings
from ui.chain_lines import ChainLines, LinePoint
from ui.chains import analyses, first_premiums
from ui.snapshot import Snapshot

KEPT_SECONDS = 8.0  # a chain comes every few minutes, and its reading costs a fifth of a second


@dataclass(frozen=True)
class Board:
    """The chains of the next expiries, the first premiums of the day by contract, and each expiry's course.

    `waiting` counts the chains of the day that are still to be read, `problem` says why the last look failed, `read_at`
    when the last one succeeded by this machine's clock; None before any.
    """

    chains: tuple[ChainAnalysis, ...] = ()
    first: Mapping[str, Decimal] = field(default_factory=dict)
    courses: Mapping[date, tuple[LinePoint, ...]] = field(default_factory=dict)
    waiting: int = 0
    problem: str = ""
    read_at: datetime | None = None


class ChainBoards:
    """Keeps one board for each store and index; all visitors share them.

    Parameters
    ----------
    wall : callable
        Returns this machine's present, aware.
    apart : callable
        Runs a function beside the caller.
    """

    def __init__(self, wall: Callable[[], datetime], apart: Callable[[Callable[[], None]], None] | None = None) -> None:
        self._wall = wall
        self._apart = apart or _in_a_thread
        self._lines = ChainLines()
        self._lock = threading.Lock()
        self._known: dict[tuple[str, str], Board] = {}
        self._looked: dict[tuple[str, str], datetime] = {}
        self._reading: set[tuple[str, str]] = set()

    def board(self, settings: Settings, market: Snapshot, spot: Decimal) -> Board:
        """Return what is known: read now where nothing is, else begin to read anew where that is due."""
        key = str(settings.store_path), market.instrument
        with self._lock:
            known, looked = self._known.get(key), self._looked.get(key)
            due = looked is None or (self._wall() - looked).total_seconds() >= KEPT_SECONDS
            if not due or key in self._reading:
                return known or Board()
            self._reading.add(key)
        if known is None:
            self._read(key, settings, market, spot)
        else:
            self._apart(lambda: self._read(key, settings, market, spot))
        return self._known.get(key, Board())

    def _read(self, key: tuple[str, str], settings: Settings, market: Snapshot, spot: Decimal) -> None:
        before = self._known.get(key, Board())
        try:
            found = self._found(settings, market, spot)
        except (ConfigError, DataError) as error:
            found = replace(before, problem=str(error))
        finally:
            with self._lock:
                self._looked[key] = self._wall()
                self._reading.discard(key)
        self._known[key] = found

    def _found(self, settings: Settings, market: Snapshot, spot: Decimal) -> Board:
        chains = analyses(settings, market.instrument, market.now, spot)
        courses, waiting = {}, 0
        for on in [chain.expiry_at.astimezone(IST).date() for chain in chains]:
            courses[on], more = self._lines.points(settings, market.instrument, on, market.now, market.minutes)
            waiting += more
        first = first_premiums(settings, market.instrument, market.now) if chains else {}
        return Board(chains, first, courses, waiting, "", self._wall())


def _in_a_thread(work: Callable[[], None]) -> None:
    threading.Thread(target=work, name="chains", daemon=True).start()
