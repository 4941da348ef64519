"""The guardian on the real ledger: its events are in the chain, and a new process knows what the old one knew."""

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from agents.data.ledger import Ledger, LedgerEvent
from agents.domain.errors import InvariantViolationError
from agents.execution.guardian.ports import ANSWER, ORDER_EVENT, Journal
from agents.execution.guardian.records import Records
from tests.agents.execution.guardian import stories
from tests.agents.execution.guardian.story import OPENS, FakeJournal, Row, Story


class OnLedger(FakeJournal):
    """A story's journal that is a ledger on disk."""

    def __init__(self, path: Path, heard: Callable[[Row], None]) -> None:
        super().__init__(heard)
        self.ledger = Ledger.open(path, "paper", now=lambda: OPENS)
        self.journal: Journal = self.ledger

    def append(
        self, kind: str, payload: Mapping[str, Any], *, key: str | None = None, at: datetime | None = None
    ) -> Row:
        super().append(kind, payload, key=key, at=at)
        found: LedgerEvent = self.ledger.append(kind, payload, key=key, at=at)
        return Row(found.seq, found.at, kind, key, found.payload)

    def events(self, kind: str | None = None, *, after: int = 0) -> list[Row]:
        found = self.ledger.events(kind, after=after)
        return [Row(event.seq, event.at, event.kind, event.key, event.payload) for event in found]


@pytest.mark.parametrize(
    "tell",
    [
        stories.target_reached,
        stories.both_legs_gone_exit_lost,
        stories.crash_after_the_request,
        stories.crash_before_the_request,
        stories.partial_fill_is_shrunk,
    ],
    ids=lambda tell: tell.__name__,
)
def test_a_story_on_the_ledger_goes_as_on_the_fake(tell: Callable[[Story], None], tmp_path: Path) -> None:
    story = Story()
    story.journal = OnLedger(tmp_path / "ledger.sqlite", story.journal.heard)
    story.start()
    tell(story)
    assert story.text() == stories.told(tell)
    ledger = story.journal.ledger
    assert ledger.verify().sound
    again = Records(ledger)
    again.recover(story.now.date())
    assert again.cases == story.guardian.records.cases
    assert {event.key for event in ledger.events(ANSWER)} == {"setup00001"}
    assert len({event.key for event in ledger.events(ORDER_EVENT)}) == len(ledger.events(ORDER_EVENT))


def test_the_ledger_refuses_another_history_of_one_setup(tmp_path: Path) -> None:
    ledger = Ledger.open(tmp_path / "ledger.sqlite", "paper", now=lambda: OPENS)
    ledger.append(ORDER_EVENT, {"n": 1}, key="setup00001/001")
    ledger.append(ORDER_EVENT, {"n": 1}, key="setup00001/001")
    with pytest.raises(InvariantViolationError, match="other contents"):
        ledger.append(ORDER_EVENT, {"n": 2}, key="setup00001/001")
