"""The certificate of a range of sessions: loads the history, runs the technical agent's proof, stores the result."""

from collections.abc import Callable
from datetime import date

from agents.data.calendar import NseCalendar
from agents.data.findings import store_certificates
from agents.data.recorded import companion_history, recorded_history
from agents.data.store import Store
from agents.domain.errors import MissingDataError
from agents.settings import Settings
from agents.technical import profile_candles
from agents.technical.certify import Certificate, certificate_frame, certify
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

    The candles are built from what was recorded, so the sessions need not be materialised first.

    Raises
    ------
    MissingDataError
        If there is no session or no candle in the range.
    """
    calendar = NseCalendar()
    store = Store(settings.store_path, settings.mode, now=wall_now, create=False)
    sessions = calendar.sessions(first, last)
    if not sessions:
        raise MissingDataError(f"the exchange was closed from {first} to {last}; name a range with sessions")
    until = sessions[-1].derivatives_close_at
    candles = recorded_history(store, calendar, instrument, until)
    future = companion_history(store, calendar, settings.futures.get(instrument), until)
    basket = companion_history(store, calendar, settings.baskets.get(instrument), until)
    step = on_progress or _nothing
    certificates = certify(
        candles,
        profile_candles(candles, future, basket),
        settings,
        first=first,
        on_progress=lambda _detector, done, total: step(done, total),
    )
    store_certificates(store, certificate_frame(certificates, wall_now()))
    return certificates


def _nothing(_done: int, _total: int) -> None:
    """Show no progress."""
