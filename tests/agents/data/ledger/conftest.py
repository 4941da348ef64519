"""Every test that asks for a `place` runs on both databases that a ledger can live in."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.agents.data.ledger.servers import Place, PostgresServer, programs
from tests.agents.data.ledger.watches import Watch


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """One server for all tests of a run."""
    binaries = programs()
    if binaries is None:
        missing = "PostgreSQL is not installed: apt-get install postgresql"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    server = PostgresServer(binaries)
    yield server
    server.close()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.process)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Where a ledger can be made: a path that is free, an empty database."""
    if request.param == "sqlite":
        return tmp_path / "paper" / "ledger.sqlite"
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.new()


@pytest.fixture
def watch() -> Watch:
    return Watch()
