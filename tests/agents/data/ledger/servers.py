"""A PostgreSQL server of our own for tests, and what someone with a database shell can do to a ledger."""

import os
import pwd
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Sequence
from itertools import count
from pathlib import Path

import psycopg
from pydantic import SecretStr

ROOT = Path(__file__).resolve().parents[4]
Place = Path | SecretStr


def programs() -> Path | None:
    """Return the folder of PostgreSQL's programs, the newest version's, None where it is not installed."""
    found = shutil.which("initdb")
    if found:
        return Path(found).parent
    versions = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]), reverse=True
    )
    return versions[0].parent if versions else None


class PostgresServer:
    """A server on a socket in a folder of its own, run by someone other than root; gone when it is closed."""

    def __init__(self, binaries: Path) -> None:
        self._who = "postgres" if os.geteuid() == 0 else None
        self.folder = Path(tempfile.mkdtemp(prefix="zd-pg-", dir="/tmp"))
        if self._who:
            account = pwd.getpwnam(self._who)
            os.chown(self.folder, account.pw_uid, account.pw_gid)
        data = str(self.folder / "data")
        options = ["-U", "desk", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
        subprocess.run(
            [str(binaries / "initdb"), "-D", data, *options],
            check=True, capture_output=True, cwd=self.folder, user=self._who, group=self._who,
            extra_groups=[] if self._who else None,
        )  # fmt: skip
        with (self.folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [str(binaries / "postgres"), "-D", data, "-k", str(self.folder), "-c", "listen_addresses=", "-F"],
                stdout=log, stderr=log, cwd=self.folder, user=self._who, group=self._who,
                extra_groups=[] if self._who else None,
            )  # fmt: skip
        self._numbers = count()
        self._wait()

    def new(self) -> SecretStr:
        """Return the URL of a new, empty database."""
        name = f"ledger_{next(self._numbers)}"
        with psycopg.connect(self._url("postgres"), autocommit=True) as connection:
            connection.execute(f"create database {name}".encode())
        return SecretStr(self._url(name))

    def close(self) -> None:
        """Stop the server and remove its folder."""
        self._process.terminate()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(timeout=10)
        shutil.rmtree(self.folder)

    def _url(self, name: str) -> str:
        return f"postgresql://desk@/{name}?host={self.folder}"

    def _wait(self) -> None:
        until = time.monotonic() + 60
        while True:
            try:
                psycopg.connect(self._url("postgres")).close()
            except psycopg.OperationalError:
                if self._process.poll() is not None or time.monotonic() > until:
                    raise RuntimeError((self.folder / "log").read_text()) from None
                time.sleep(0.05)
            else:
                return


def run(place: Place, *statements: str) -> list[tuple[object, ...]]:
    """Run SQL on a ledger behind its back and return what the last statement selects."""
    if isinstance(place, Path):
        lite = sqlite3.connect(place)
        try:
            rows = [lite.execute(statement).fetchall() for statement in statements]
            lite.commit()
        finally:
            lite.close()
        return list(rows[-1])
    with psycopg.connect(place.get_secret_value()) as connection:
        found = [connection.execute(statement.encode()) for statement in statements][-1]
        return list(found.fetchall()) if found.description else []


def vandalise(place: Place, *statements: str) -> None:
    """Change rows as someone with a database shell would, after taking away what forbids it."""
    for table in ("event", "llm_prompt", "llm_call"):
        if isinstance(place, Path):
            run(place, *(f"drop trigger if exists {table}_no_{change}" for change in ("update", "delete")))
        else:
            run(place, f"drop trigger if exists {table}_stays on {table}")
    run(place, *statements)


def start_all(script: str, place: Place, number: int, *, stdin: int | None = None) -> list["subprocess.Popen[str]"]:
    """Start `number` processes of a script; their arguments are the place and a number of their own."""
    spelled = place.get_secret_value() if isinstance(place, SecretStr) else str(place)
    heads = """
        import sys
        from datetime import UTC, datetime
        from pathlib import Path
        from pydantic import SecretStr
        from agents.data.ledger import Ledger

        place = SecretStr(sys.argv[1]) if "://" in sys.argv[1] else Path(sys.argv[1])
        ledger = Ledger.open(place, "paper", now=lambda: datetime.now(UTC))
    """
    whole = textwrap.dedent(heads) + textwrap.dedent(script)
    command: Sequence[str] = [sys.executable, "-c", whole, spelled]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return [
        subprocess.Popen([*command, str(who)], cwd=ROOT, env=environment, stdin=stdin, stdout=-1, stderr=-1, text=True)
        for who in range(number)
    ]
