"""What one run has to do: which sessions and instruments, up to which moment."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from agents.domain.errors import ConfigError, MissingDataError
from agents.domain.market import ANALYSIS_MINUTES, Session
from agents.domain.values import IST
from pipelines.resources import JudgeChoice, RunScope, Workbench


@dataclass(frozen=True)
class Task:
    """Some sessions, some instruments, one moment.

    Attributes
    ----------
    instruments : tuple of str
        What is analysed.
    sessions : tuple of Session
        In order.
    until : datetime
        Nothing that became known later is computed or touched.
    now : datetime
        The market's present.
    judge : JudgeChoice
        Who is asked about zones that have no verdict.
    settle_seconds : float
        How long the last minute of an open session may be waited for.
    scheduled : bool
        Whether the schedule asked for this run.
    """

    instruments: tuple[str, ...]
    sessions: tuple[Session, ...]
    until: datetime
    now: datetime
    judge: JudgeChoice = JudgeChoice.AUTO
    settle_seconds: float = 0.0
    scheduled: bool = False

    @property
    def days(self) -> list[date]:
        """The dates of the sessions."""
        return [session.on for session in self.sessions]

    @property
    def since(self) -> datetime:
        """The open of the first session: rows known by then belong to earlier sessions."""
        return self.sessions[0].open_at

    @property
    def cut(self) -> datetime | None:
        """The moment up to which stored rows are compared; None where the last session is complete."""
        return self.until if self.until < self.sessions[-1].close_at else None

    @property
    def is_live(self) -> bool:
        """Whether the last session is still going on in the market, or ended less than a candle ago."""
        last = self.sessions[-1]
        return last.open_at <= self.now <= last.close_at + timedelta(minutes=ANALYSIS_MINUTES)

    def known(self, session: Session) -> datetime:
        """Return up to when `session` is computed: its close, or `until` if that is earlier."""
        return min(session.close_at, self.until)

    def name(self, what: str, instrument: str) -> str:
        """Return the name of an instrument's metadata: plain where there is only one."""
        return what if len(self.instruments) == 1 else f"{what}_{instrument}"

    def scope(self, instrument: str) -> dict[str, object]:
        """Return the rows of a table that this run makes right."""
        return {"instrument": instrument, "session": self.days}


def plan(bench: Workbench, scope: RunScope, keys: Sequence[str], *, scheduled: bool = False) -> Task:
    """Return the task of a run over the partitions `keys`.

    Raises
    ------
    ConfigError
        If the run's choices make no sense.
    MissingDataError
        If a session has not begun yet.
    """
    sessions = tuple(_session(bench, date.fromisoformat(key)) for key in sorted(keys))
    now = bench.clock.now()
    until = scope.moment() or now
    if until > now:
        raise ConfigError(
            f"as_of is {until.isoformat()} and the market stands at {now.isoformat()}; name an earlier one"
        )
    if until <= sessions[-1].open_at:
        last = sessions[-1]
        raise MissingDataError(
            f"at {until.astimezone(IST):%Y-%m-%d %H:%M} the session of {last.on} has not begun "
            f"(it opens at {last.open_at.astimezone(IST):%H:%M}); choose an earlier date or a later as_of"
        )
    return Task(
        instruments=scope.chosen(bench.settings.instruments),
        sessions=sessions,
        until=min(until, sessions[-1].close_at),
        now=now,
        judge=scope.judge,
        settle_seconds=scope.settle_seconds,
        scheduled=scheduled,
    )


def _session(bench: Workbench, on: date) -> Session:
    session = bench.calendar.session(on)
    if session is None:
        raise ConfigError(f"{on} is not a trading day; choose a date that the partitions list")
    return session
