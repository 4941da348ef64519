"""What the live feed says of itself, in a small file that anyone may read without touching the store."""

from pathlib import Path

from pydantic import AwareDatetime, Field, ValidationError

from agents.domain.values import Frozen


class FeedHealth(Frozen):
    """The feed at a moment.

    Attributes
    ----------
    pid : int
        Its process.
    written_at : datetime
        When this was written, by the machine's clock.
    heard_at : datetime or None
        When the last packet arrived, by the machine's clock.
    newest_trade_at : datetime or None
        The newest trade that any packet named, by the exchange's time.
    age_seconds : float or None
        How old that was by the market's clock when this was written.
    connected : bool
        Whether a connection stands.
    expected : bool
        Whether trades must be coming: a session has been open for some seconds.
    stale : bool
        Whether they are not, or come late.
    trouble : str
        Why the last connection ended, or why none can be made; empty where all is well.
    instruments : int
        How many are subscribed.
    unanswered : tuple of str
        Subscribed instruments that have sent nothing.
    open_minutes : int
        Minutes of candles that still have to be filled from the charts.
    counts : dict
        What happened since the process began; see `agents.data.feed.health.Counts`.
    """

    pid: int
    written_at: AwareDatetime
    heard_at: AwareDatetime | None = None
    newest_trade_at: AwareDatetime | None = None
    age_seconds: float | None = None
    connected: bool = False
    expected: bool = False
    stale: bool = False
    trouble: str = ""
    instruments: int = 0
    unanswered: tuple[str, ...] = ()
    open_minutes: int = 0
    counts: dict[str, int] = Field(default_factory=dict)

    def write(self, path: Path) -> None:
        """Replace the file in one step."""
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".tmp")
        draft.write_text(self.model_dump_json(indent=1) + "\n", encoding="utf-8")
        draft.replace(path)


def read_health(path: Path) -> FeedHealth | None:
    """Return what the feed said last, None where it has said nothing that can be read."""
    try:
        return FeedHealth.model_validate_json(path.read_bytes())
    except (FileNotFoundError, ValidationError):
        return None
