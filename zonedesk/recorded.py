"""What the cycles of a recorded day found: which analysis, which verdicts, and what the ledger held by then."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from agents.data.ledger import Ledger, LedgerEvent
from agents.data.store import Store
from agents.domain.cycle import CycleRecord, Reason
from agents.domain.errors import MissingDataError
from agents.domain.zones import Outcome, ZoneAnalysis, ZoneVerdict
from agents.llm import with_verdicts, zone_evidence, zones_to_judge
from agents.ports import Judge
from agents.technical import analyse, profile_candles
from pipelines.queries import verdicts_of
from zonedesk.replay import SessionAnalyses

_STALE_SECONDS = 15 * 60


class RecordedAnalyses(SessionAnalyses):
    """The analyses of a day as its cycles found them.

    Computed from the candles like those of any replay, with three things taken from the record: zones keep the verdicts
    of earlier sessions, a model is asked only where it was asked then, and a cycle sees the candle and the verdicts
    that it saw then.
    """

    _log: Ledger | None = None
    _seen: CycleRecord | None = None

    def remember(self, earlier: Sequence[ZoneVerdict], log: Ledger | None) -> None:
        """Take over what was said before, oldest first, and the ledger of a model's replies if a model judged."""
        self._said = list(earlier)
        self._usable: dict[str, ZoneVerdict] = {}
        self._known: list[ZoneAnalysis] = []
        self._log = log

    def open(self, now: datetime) -> None:
        """Take over the last session's last candle."""
        super().open(now)
        self._known = [] if self._latest is None else [self._latest]

    def close_candle(self, judge: Judge, now: datetime) -> None:
        """Analyse the candle that closed at `now`, and hear what was said at it."""
        history = self._candles.until(now)
        lent = (None if one is None else one.until(now) for one in (self._future, self._basket))
        found = analyse(history, profile_candles(history, *lent), self._settings, since=now).analysis_at(now)
        known = with_verdicts(found, self._usable.values())
        asked = [zone for zone in zones_to_judge(known, self._settings) if self._was_asked(zone.id, now)]
        fresh = judge.judge_zones([zone_evidence(known, zone) for zone in asked], now)
        self._usable |= {verdict.zone_id: verdict for verdict in fresh if verdict.outcome is Outcome.OK}
        self._said += fresh
        self._known.append(found)

    def see(self, record: CycleRecord) -> None:
        """Show from now on what the cycle of `record` found."""
        self._seen = record

    def latest(self, instrument: str, now: datetime) -> ZoneAnalysis | None:
        """Return the analysis that the cycle found then, None where it found none."""
        known = [each for each in self._known if each.instrument == instrument and each.bar_at <= now]
        seen = self._seen
        if seen is not None and seen.analysis_bar_at is not None:
            known = [each for each in known if each.bar_at <= seen.analysis_bar_at]
        elif seen is not None and seen.reason is Reason.ZONES_STALE:
            known = [each for each in known if (now - each.bar_at).total_seconds() >= _STALE_SECONDS]
        elif seen is not None and seen.reason is Reason.ZONES_MISSING:
            known = []
        return self._with_heard(known[-1]) if known else None

    def _was_asked(self, zone_id: str, at: datetime) -> bool:
        return self._log is None or any(call.asked_at == at for call in self._log.calls.calls_of(zone_id))

    def _with_heard(self, found: ZoneAnalysis) -> ZoneAnalysis:
        """Return an analysis with the verdicts that the cycle found: the zones of a candle are stored before those."""
        by: datetime | None = found.bar_at
        if self._seen is not None and "judged_at" in self._seen.model_fields_set:
            by = self._seen.judged_at
        return with_verdicts(found, [each for each in self._said if by is not None and each.known_at <= by])


class LedgerThen:
    """A ledger as one cycle found it: what the guardian reads and writes, without what came later.

    `begun` and `ended` are numbers of events: those before the cycle asked for its order, and those before its record.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.begun = 0
        self.ended = 0

    def events(self, kind: str | None = None, *, key: str | None = None, after: int = 0) -> list[LedgerEvent]:
        """Return the events of then; those of one key also if they came while the cycle waited for them."""
        until = self.begun if key is None else self.ended
        return [event for event in self._ledger.events(kind, key=key, after=after) if event.seq < until]

    def append(
        self, kind: str, payload: Mapping[str, object], *, key: str | None = None, at: datetime | None = None
    ) -> object:
        """Refuse, because a repeated day asks for nothing that was not asked for then.

        Raises
        ------
        MissingDataError
            Always.
        """
        raise MissingDataError(f"the ledger has no {kind} of {key} at {at}, which would now say {sorted(payload)}")


def stored_verdicts(
    store: Store, instrument: str, open_at: datetime, close_at: datetime
) -> tuple[list[ZoneVerdict], list[ZoneVerdict]]:
    """Return the verdicts known when a session opened, and those given in it; both oldest first."""
    rows = store.rows("select distinct session from verdicts where instrument = ?", [instrument])
    said = verdicts_of(store, instrument, [row[0] for row in rows], close_at)
    earlier = [verdict for verdict in said if verdict.known_at <= open_at]
    return earlier, said[len(earlier) :]
