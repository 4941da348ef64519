"""Told sessions against their traces, which a person has read."""

import difflib
from collections.abc import Callable

import pytest

from tests.agents.execution.guardian.stories import STORIES, TRACES, told
from tests.agents.execution.guardian.story import Story


@pytest.mark.parametrize("tell", STORIES, ids=lambda tell: tell.__name__)
def test_a_story_goes_as_it_is_told(tell: Callable[[Story], None]) -> None:
    wanted, found = (TRACES / f"{tell.__name__}.txt").read_text(), told(tell)
    difference = "".join(difflib.unified_diff(wanted.splitlines(True), found.splitlines(True), "trace", "now"))
    assert not difference, f"{difference}\nif this is right: python -m tests.agents.execution.guardian.stories"


def test_every_trace_has_its_story() -> None:
    assert {path.stem for path in TRACES.glob("*.txt")} == {tell.__name__ for tell in STORIES}


@pytest.mark.parametrize("tell", STORIES, ids=lambda tell: tell.__name__)
def test_the_journal_alone_tells_what_the_guardian_knows(tell: Callable[[Story], None]) -> None:
    story = Story()
    tell(story)
    known = story.guardian.records.cases
    story.start()
    story.guardian.records.recover(story.now.date())
    assert story.guardian.records.cases == known


@pytest.mark.parametrize("tell", STORIES, ids=lambda tell: tell.__name__)
def test_no_secret_is_told_and_no_order_sold_short(tell: Callable[[Story], None]) -> None:
    story = Story()
    tell(story)
    assert "secret" not in story.text()
    assert all(row.net_quantity >= 0 for row in story.broker.positions())
    assert story.text().count("POST super order A261124setup0000101") <= 1
