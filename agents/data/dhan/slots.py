"""The slots that requests have taken, in a SQLite file that every process of an account shares."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from agents.domain.errors import ConfigError

_SCHEMA = """
    create table if not exists slots (client text not null, kind text not null, at real not null);
    create index if not exists slots_by_kind on slots (client, kind, at);
    create table if not exists pauses (client text not null, kind text not null, until real not null,
        primary key (client, kind));
"""
_BUSY_SECONDS = 10.0


@dataclass(frozen=True)
class Limit:
    """At most `count` requests in any `seconds`."""

    count: int
    seconds: float


@dataclass(frozen=True)
class Slots:
    """One account's slots inside a transaction. All times are in seconds since 1970, kinds are names of any sort."""

    connection: sqlite3.Connection
    client: str

    def take(self, kind: str, at: float) -> None:
        """Take the slot at that time."""
        self.connection.execute("insert into slots values (?, ?, ?)", (self.client, kind, at))

    def count(self, kind: str, after: float, until: float) -> int:
        """Return how many slots are taken after one moment, up to another."""
        [count] = self.connection.execute(
            "select count(*) from slots where client = ? and kind = ? and at > ? and at <= ?",
            (self.client, kind, after, until),
        ).fetchone()
        return int(count)

    def earliest(self, kind: str, limits: Iterable[Limit]) -> float:
        """Return the earliest moment, not before the last slot taken, that breaks none of the limits."""
        earliest = 0.0
        for limit in (Limit(1, 0.0), *limits):
            row = self.connection.execute(
                "select at from slots where client = ? and kind = ? order by at desc limit 1 offset ?",
                (self.client, kind, limit.count - 1),
            ).fetchone()
            if row:
                earliest = max(earliest, row[0] + limit.seconds)
        return earliest

    def pause(self, kind: str, until: float) -> None:
        """Let nobody take a slot of a kind before that moment; a pause that lasts longer stays."""
        self.connection.execute(
            "insert into pauses values (?, ?, ?) "
            "on conflict (client, kind) do update set until = max(until, excluded.until)",
            (self.client, kind, until),
        )

    def paused_until(self, kind: str) -> float:
        """Return when the pause of a kind ends, 0 where there is none."""
        row = self.connection.execute(
            "select until from pauses where client = ? and kind = ?", (self.client, kind)
        ).fetchone()
        return float(row[0]) if row else 0.0

    def forget(self, before: float, now: float, beyond: float) -> None:
        """Drop slots before or beyond those moments, and pauses that are over or last beyond."""
        self.connection.execute("delete from slots where at < ? or at > ?", (before, beyond))
        self.connection.execute("delete from pauses where until < ? or until > ?", (now, beyond))


class SlotFile:
    """The file.

    Parameters
    ----------
    path : Path
        Made when missing, with its folder.
    client_id : str
        The account.
    """

    def __init__(self, path: Path, client_id: str) -> None:
        self._path = path
        self._client = client_id
        self._ready = False

    @contextmanager
    def open(self) -> Iterator[Slots]:
        """Yield the slots inside one transaction that no other process can enter.

        Raises
        ------
        ConfigError
            If the file cannot be used.
        """
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(self._path, timeout=_BUSY_SECONDS, isolation_level=None)
        except (OSError, sqlite3.Error) as error:
            raise ConfigError(f"cannot open the request limiter {self._path}: {error}; check the folder") from error
        try:
            if not self._ready:
                connection.execute("pragma journal_mode = wal")
                connection.executescript(_SCHEMA)
                self._ready = True
            connection.execute("pragma synchronous = off")  # what a power cut loses has passed by the next start
            connection.execute("begin immediate")
            yield Slots(connection, self._client)
            connection.execute("commit")
        except sqlite3.Error as error:
            raise ConfigError(f"the request limiter {self._path} fails: {error}; delete the file") from error
        finally:
            connection.close()
