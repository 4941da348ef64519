"""The certificate that the past is never rewritten: every detector, and the zones, replayed on prefixes."""

import hashlib
from collections.abc import Callable, Sequence
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

import analytics_ext
from agents.domain.candles import Candles, Int64s
from agents.domain.errors import MissingDataError
from agents.domain.values import Frozen
from agents.settings import Settings
from agents.technical.detectors import detectors, zone_detector
from agents.technical.levels import run_starts
from agents.technical.prefixes import Detector, replay_prefixes
from agents.technical.profile import ProfileCandles

ZONES = "zones"
# With so many candles and a window before it, a range has the same findings as with all that ever were.
SETTLING_CANDLES = 700
_EPOCH = date(1970, 1, 1)


class Certificate(Frozen):
    """How one detector did over a range of sessions.

    `prefixes` histories that end inside the range were compared with the whole; `findings` different findings came
    out of the whole, of which `rewritten` were different, or absent, in a shorter history that should have known them.
    `candles_hash` and `code_version` say on what and by what.
    """

    detector: str
    instrument: str
    first: date
    last: date
    prefixes: int
    findings: int
    rewritten: int
    candles_hash: str
    code_version: str


def certify(
    candles: Candles,
    profile: ProfileCandles,
    settings: Settings,
    *,
    first: date | None = None,
    on_progress: Callable[[str, int, int], None] | None = None,
) -> list[Certificate]:
    """Replay every detector on prefixes of a history and count what was rewritten.

    The detectors are asked at the close of every candle from the session `first` on. The zones are asked at every
    session's last close and at one close inside each session, a different one from session to session.

    Parameters
    ----------
    candles : Candles
        The history, up to the end of the range; of what lies before `first`, the last `window` + 700 candles are shown
        to the detectors.
    profile : ProfileCandles
        One for each candle.
    settings : Settings
        As for `analyse`.
    first : date, optional
        First session of the range; the first of the history when left out.
    on_progress : callable, optional
        Called with the detector's name, prefixes done, and prefixes in all.

    Returns
    -------
    list of Certificate
        One per detector, the zones last.

    Raises
    ------
    MissingDataError
        If no candle lies in the range.
    """
    begin = 0 if first is None else int(np.searchsorted(candles.session, (first - _EPOCH).days))
    if begin >= len(candles):
        raise MissingDataError(
            f"{candles.instrument}: no candle from {first or 'the start'} on to certify; import or simulate some first"
        )
    spare = max(0, begin - settings.window - SETTLING_CANDLES)
    candles, profile, begin = candles[spare:], profile[spare:], begin - spare
    every = np.arange(begin + 1, len(candles) + 1, dtype=np.int64)
    asked = zone_prefixes(candles.session, begin)
    below = detectors(candles, profile, settings, begin)
    found: list[tuple[str, Detector, Int64s]] = [(name, detector, every) for name, detector in below.items()]
    found.append((ZONES, zone_detector(candles, profile, settings, asked, begin), asked))
    digest, code = candles_hash(candles, profile), code_version()
    certificates = []
    for name, detector, prefixes in found:
        done = replay_prefixes(
            detector, len(candles), prefixes.tolist(), on_progress=_named(on_progress, name, prefixes)
        )
        certificates.append(
            Certificate(
                detector=name,
                instrument=candles.instrument,
                first=_day(candles.session[begin]),
                last=_day(candles.session[-1]),
                prefixes=done.prefixes,
                findings=done.findings,
                rewritten=done.rewritten,
                candles_hash=digest,
                code_version=code,
            )
        )
    return certificates


def zone_prefixes(session: Int64s, begin: int) -> Int64s:
    """Return the lengths at which the zones are asked: each session's close, and one close inside each session."""
    starts = np.unique(run_starts(session[begin:])) + begin
    ends = np.append(starts[1:], session.shape[0])
    inside = starts + (np.arange(starts.shape[0]) * 7) % np.maximum(ends - starts, 1) + 1
    return np.unique(np.concatenate((ends, inside)))


def certificate_frame(certificates: Sequence[Certificate], certified_at: datetime) -> pd.DataFrame:
    """Return the rows of the table `certificates`."""
    frame = pd.DataFrame([certificate.model_dump() for certificate in certificates])
    frame["certified_at"] = pd.Timestamp(certified_at).tz_convert("UTC")
    return frame


def candles_hash(candles: Candles, profile: ProfileCandles) -> str:
    """Return the sha256 of everything that the detectors were shown, as 64 hex digits."""
    digest = hashlib.sha256(f"{candles.instrument} {candles.tick_size} {profile.names}".encode())
    for table, names in (
        (candles, ("opened_at", "closed_at", "open", "high", "low", "close", "volume", "session")),
        (profile, ("high", "low", "volume", "basis", "source")),
    ):
        for name in names:
            digest.update(np.ascontiguousarray(getattr(table, name)).tobytes())
    return digest.hexdigest()


@lru_cache(maxsize=1)
def code_version() -> str:
    """Return a hash of the sources that decide what is found: the technical agent and the kernels."""
    digest = hashlib.sha256()
    for folder in (Path(__file__).parent, Path(analytics_ext.__file__).parent):
        for source in sorted(folder.glob("*.py*")):
            if source.suffix in {".py", ".pyx"}:
                digest.update(source.name.encode() + source.read_bytes())
    return digest.hexdigest()[:16]


def _day(number: np.int64) -> date:
    return date.fromordinal(_EPOCH.toordinal() + int(number))


def _named(
    on_progress: Callable[[str, int, int], None] | None, name: str, prefixes: Int64s
) -> Callable[[int], None] | None:
    if on_progress is None:
        return None
    return lambda done: on_progress(name, done, int(prefixes.shape[0]))
