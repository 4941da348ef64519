"""The certificate of a range of sessions: loads the history, runs the technical agent's proof, stores the result."""

from collections.abc import Callable
from datetime import date, timedelta

from agents.data.findings import store_certificates
from agents.domain.errors import MissingDataError
from agents.settings import Settings
from agents.technical.certify import Certificate, certificate_frame, certify
from pipelines.history import history_of, write_candles
from pipelines.queries import unbuilt_sessions
from pipelines.resources import Workbench
from pipelines.task import Task
from zonedesk.shell import wall_now


def certify_range(
    settings: Settings,
    instrument: str,
    first: date,
    last: date,
    *,
    on_progress: Callable[[int, int], None] | None = None,
) -> list[Certificate]:
    """Certify every detector and the zones over the sessions from `first` to `last`, and store the certificates.

    Sessions that have recorded candles and no analysis candles yet get them first.

    Raises
    ------
    MissingDataError
        If there is no session or no candle in the range.
    """
    bench = Workbench(settings)
    sessions = tuple(bench.calendar.sessions(first, last))
    if not sessions:
        raise MissingDataError(f"the exchange was closed from {first} to {last}; name a range with sessions")
    task = Task(instruments=(instrument,), sessions=sessions, until=sessions[-1].close_at, now=wall_now())
    if unbuilt_sessions(bench.store, instrument, last + timedelta(days=1)):
        write_candles(bench, task)
    history = history_of(bench, instrument, task)
    step = on_progress or _nothing
    certificates = certify(
        history.candles,
        history.profile,
        settings,
        first=first,
        on_progress=lambda _detector, done, total: step(done, total),
    )
    store_certificates(bench.store, certificate_frame(certificates, wall_now()))
    return certificates


def _nothing(_done: int, _total: int) -> None:
    """Show no progress."""
