"""The file in which an exchange keeps its book: one SQLite database of records, written in whole transactions.

A record has a kind, a key within it, a place in the order of its kind, and a body in JSON. What the bodies mean is for
others; here is what makes them last. What `write` has written is the system's when it returns (WAL mode with
``synchronous=NORMAL``), so a killed process takes nothing back. A power cut may take back the last moments, never half
of a transaction: waiting for the disk each time takes 6 to 24 ms while others write too, on the loop that sends prices.
One process holds the file; a second one is refused.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

APPLICATION: Final = 0x5A44424B
VERSION: Final = 1
_OWNER_ONLY = 0o600
_BUSY_SECONDS = 2.0
_AWAY = "move it away to begin with an empty book, or name another file"
_TABLE = """CREATE TABLE records (
    kind TEXT NOT NULL, key TEXT NOT NULL, place INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (kind, key)
) WITHOUT ROWID"""
_PUT = """INSERT INTO records VALUES (?, ?, ?, ?)
ON CONFLICT (kind, key) DO UPDATE SET place = excluded.place, body = excluded.body"""


class StateError(ValueError):
    """The file of the book cannot be used; the message names it and says what to do."""


class Put(NamedTuple):
    """A record to write, in place of the one with the same kind and key."""

    kind: str
    key: str
    place: int
    body: bytes


class Drop(NamedTuple):
    """A record to delete."""

    kind: str
    key: str


class StateFile:
    """An open file of records.

    Parameters
    ----------
    path : Path
        Made, readable by its owner alone, when there is none.

    Raises
    ------
    StateError
        If it is no book of an exchange, damaged, of another version, or open in another process.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=_OWNER_ONLY)
        except OSError as error:
            raise StateError(f"the book {path} cannot be opened ({error}); name a file in a folder of yours") from error
        self._connection = sqlite3.connect(
            path,
            timeout=_BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,  # it may be opened before the event loop's thread starts; never used by two
        )
        try:
            self._prepare()
        except sqlite3.OperationalError as error:
            self.close()
            raise StateError(f"the book {path} is in use or cannot be written ({error}); stop what holds it") from error
        except sqlite3.DatabaseError as error:
            self.close()
            raise StateError(f"{path} is damaged or no book of the exchange ({error}); {_AWAY}") from error
        except StateError:
            self.close()
            raise

    def read(self, kind: str) -> Sequence[tuple[str, bytes]]:
        """Return keys and bodies of a kind in their order."""
        found = self._connection.execute("SELECT key, body FROM records WHERE kind = ? ORDER BY place, key", (kind,))
        return [(str(key), bytes(body)) for key, body in found]

    def write(self, puts: Iterable[Put], drops: Iterable[Drop] = (), *, afresh: bool = False) -> None:
        """Delete and write records in one transaction, the system's when this returns; `afresh` deletes all others.

        Raises
        ------
        StateError
            If it cannot be written; nothing of it is then.
        """
        run = self._connection.execute
        try:
            run("BEGIN")
            if afresh:
                run("DELETE FROM records")
            self._connection.executemany("DELETE FROM records WHERE kind = ? AND key = ?", drops)
            self._connection.executemany(_PUT, puts)
            run("COMMIT")
        except sqlite3.Error as error:
            if self._connection.in_transaction:
                run("ROLLBACK")
            raise StateError(f"the book {self.path} cannot be written ({error}); free the disk and restart") from error

    def damaged(self, what: str) -> StateError:
        """Return what to raise when a record cannot be understood."""
        return StateError(f"{self.path} holds what cannot be read ({what}); {_AWAY}")

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def _prepare(self) -> None:
        run = self._connection.execute
        run("PRAGMA locking_mode = EXCLUSIVE")
        run("PRAGMA journal_mode = WAL")
        run("PRAGMA synchronous = NORMAL")
        run("BEGIN IMMEDIATE")
        tables = run("SELECT count(*) FROM sqlite_schema").fetchone()[0]
        if not tables:
            run(_TABLE)
            run(f"PRAGMA application_id = {APPLICATION}")
            run(f"PRAGMA user_version = {VERSION}")
        run("COMMIT")
        self._check()

    def _check(self) -> None:
        run = self._connection.execute
        if run("PRAGMA application_id").fetchone()[0] != APPLICATION:
            raise StateError(f"{self.path} is a database of another program; name another file for the book")
        version = run("PRAGMA user_version").fetchone()[0]
        if version != VERSION:
            raise StateError(f"{self.path} is a book of version {version}, this exchange reads {VERSION}; {_AWAY}")
        found = run("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            raise StateError(f"{self.path} is damaged ({found}); {_AWAY}")
