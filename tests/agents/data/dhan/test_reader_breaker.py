"""A broker that keeps failing is left alone by everyone, and asked again after a minute."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest

from agents.data.dhan.errors import DhanUnavailableError, UnansweredError
from agents.data.dhan.http import Wire
from agents.data.dhan.limiter import CallKind, Limiter
from agents.data.dhan.reader import Reader
from agents.data.dhan.reply import Reply
from agents.data.ledger import Ledger


class Moment:
    def __init__(self) -> None:
        self.now = datetime(2026, 11, 23, 5, tzinfo=UTC)

    def seconds(self) -> float:
        return self.now.timestamp()

    def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def moment() -> Moment:
    return Moment()


@pytest.fixture
def ledger(moment: Moment) -> Iterator[Ledger]:
    made = Ledger.in_memory("paper", now=lambda: moment.now)
    yield made
    made.close()


def reader(ledger: Ledger, moment: Moment, folder: Path) -> Reader:
    limiter = Limiter(folder / "limits.sqlite", "1", wall=moment.seconds, sleep=moment.sleep)
    wire = cast("Wire", None)  # nothing is sent but what the test sends
    return Reader(wire, limiter, sleep=moment.sleep, jitter=lambda: 0.0, breaker=ledger.breaker("dhan_data"))


def test_after_five_failures_nobody_asks_for_a_minute(ledger: Ledger, moment: Moment, tmp_path: Path) -> None:
    asked: list[datetime] = []

    def silent() -> Reply:
        asked.append(moment.now)
        raise UnansweredError("Dhan did not answer", sent=True)

    one, other = reader(ledger, moment, tmp_path), reader(ledger, moment, tmp_path)
    for each in (one, other):
        with pytest.raises(DhanUnavailableError):
            each.reply("quotes", CallKind.OTHER, silent)
    assert len(asked) == 5
    opened_at = moment.now
    with pytest.raises(DhanUnavailableError, match="was not asked"):
        one.reply("quotes", CallKind.OTHER, silent)
    assert (len(asked), moment.now) == (5, opened_at)
    moment.sleep(61)
    with pytest.raises(DhanUnavailableError):
        other.reply("quotes", CallKind.OTHER, silent)
    assert len(asked) == 6
