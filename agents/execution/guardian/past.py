"""How far back the journal must be read: what lies before is over and answered, and no start reads it again.

The rules: a mark says of a date that every order event up to it belongs to a setup that was over before that date, and
that every request up to it has its answer. A mark is a shortcut and no evidence: who asks of an earlier date does not
use it, and where the events after it do not begin at a beginning, everything is read.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import Any, Protocol

MARK = "order_mark"


class Marked(Protocol):
    """An event that is a mark."""

    @property
    def payload(self) -> Mapping[str, Any]:  # Any: whatever JSON can hold
        """Return what was appended."""
        ...


class Marks(Protocol):
    """What is needed of a journal to find its marks."""

    def events(self, kind: str | None = None, *, after: int = 0) -> Sequence[Marked]:
        """Return the events of a kind with ``seq > after``, in order."""
        ...


class Numbered(Protocol):
    """An event with its place in the journal."""

    @property
    def seq(self) -> int:
        """Return its place in the log."""
        ...

    @property
    def key(self) -> str | None:
        """Return its identity within its kind."""
        ...


class Step(Numbered, Marked, Protocol):
    """An order event."""


def read_after(journal: Marks, first: date) -> int:
    """Return after which event to begin for what concerns `first` and later days (India), 0 for the beginning."""
    marks = (event.payload for event in journal.events(MARK))
    return max((mark["after"] for mark in marks if date.fromisoformat(mark["on"]) <= first), default=0)


def payload_of(on: date, after: int) -> dict[str, Any]:  # Any: whatever JSON can hold
    """Return the payload of the mark that `on` may begin after event number `after`."""
    return {"on": on.isoformat(), "after": after}


def key_of(on: date, after: int) -> str:
    """Return the key of a mark."""
    return f"{on.isoformat()}/{after}"


def over_up_to(steps: Sequence[Step], kept: Collection[str]) -> int:
    """Return up to which event number all order events belong to setups that are not among those `kept`; 0 for none."""
    first = min((step.seq for step in steps if step.payload["setup_id"] in kept), default=None)
    return max((step.seq for step in steps if first is None or step.seq < first), default=0)


def answered_up_to(requests: Iterable[Numbered], answered: Collection[str], last: int) -> int:
    """Return `last`, or the event before the first request up to it that has no answer."""
    waiting = (one.seq for one in requests if name_of(one) not in answered)
    return min((seq - 1 for seq in waiting if seq <= last), default=last)


def name_of(request: Numbered) -> str:
    """Return how a request is called in its answer: its key, or its place where it has none."""
    return request.key or f"row{request.seq}"
