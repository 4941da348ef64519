"""A chain that stands still is noticed although each look at it is a process of its own."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from agents.data.chain_memory import ChainMemory
from agents.data.dhan.chains import ChainSnapshot
from agents.domain.errors import StaleDataError
from agents.domain.values import IST

OPEN = datetime(2026, 11, 20, 9, 17, tzinfo=IST)


def seen(path: Path, minutes: int, digest: str, expiry: date = date(2026, 11, 24)) -> None:
    snapshot = ChainSnapshot("NIFTY", expiry, OPEN + timedelta(minutes=minutes), Decimal(25_000), (), (), digest)
    ChainMemory(path).refuse_stale(snapshot)


def test_a_chain_that_stays_the_same_is_refused_by_the_next_process(tmp_path: Path) -> None:
    path = tmp_path / "dhan" / "chains.json"
    for minutes in (0, 3, 6):
        seen(path, minutes, "same")
    with pytest.raises(StaleDataError, match="has not changed since 2026-11-20 09:17"):
        seen(path, 9, "same")
    seen(path, 12, "other")
    seen(path, 15, "other")


def test_expiries_are_told_apart_and_past_ones_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "chains.json"
    seen(path, 0, "same", date(2026, 11, 20))
    seen(path, 9, "same", date(2026, 11, 24))
    assert path.read_text(encoding="utf-8").count("NIFTY") == 2
    seen(path, 24 * 60, "other", date(2026, 11, 24))
    assert path.read_text(encoding="utf-8").count("NIFTY") == 1


def test_a_damaged_memory_and_a_clock_set_back_begin_anew(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "chains.json"
    path.write_text("no JSON", encoding="utf-8")
    seen(path, 30, "same")
    assert "begun anew" in caplog.text
    seen(path, 0, "same")
    seen(path, 5, "same")
