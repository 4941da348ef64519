"""What the feed says about itself: counts that only grow, and its present state."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime


class Counts:
    """Counts by name and label, such as ``feed_ended{lost}``.

    The names are the contract: `feed_connected`, `feed_ended`, `feed_frames`, `feed_packets`, `feed_unknown`,
    `feed_damaged`, `feed_unsound`, `feed_late`, `feed_resubscribed`, `bars_made`, `bars_doubtful`, `gaps_asked`,
    `gaps_filled`, `gaps_failed`, `gaps_empty`, `rows_written`, `writes_failed`, `snapshots_dropped`, and `updates_`
    with `connected`, `ended`, `heard`, `repeated`, `foreign`, `rejected`, `unreadable`.
    """

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()

    def add(self, name: str, label: str = "", number: int = 1) -> None:
        """Count `number` more."""
        self._counts[name, label] += number

    def of(self, name: str) -> int:
        """Return the count of a name over all its labels."""
        return sum(number for (other, _), number in list(self._counts.items()) if other == name)

    def all(self) -> dict[str, int]:
        """Return every count, a label in braces behind the name; from any thread."""
        counts = list(self._counts.items())
        return {name + (f"{{{label}}}" if label else ""): number for (name, label), number in counts}


@dataclass(frozen=True)
class FeedState:
    """The feed at a moment.

    Attributes
    ----------
    connected : bool
        Whether a connection stands.
    since : datetime or None
        When it was made or lost, by the market's clock; None before the first.
    trouble : str
        Why the last connection ended, empty where there was none.
    newest_trade_at : datetime or None
        The newest trade that any packet named: how far the feed has come.
    age_seconds : float or None
        How old that is, by the market's clock.
    stale : bool
        Whether a session is open and the feed is older than it may be, or not connected.
    unanswered : tuple of str
        Instruments that were subscribed and have sent nothing on this connection.
    """

    connected: bool
    since: datetime | None
    trouble: str
    newest_trade_at: datetime | None
    age_seconds: float | None
    stale: bool
    unanswered: tuple[str, ...] = ()
