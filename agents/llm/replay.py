"""The judge that only repeats: answers from the ledger, and an error where there is none."""

from collections.abc import Sequence
from datetime import datetime

from agents.domain.errors import JudgeMalformedError, RecordedReplyMissingError
from agents.domain.evidence import SetupEvidence, SetupVerdict, ZoneEvidence
from agents.domain.zones import Outcome, ZoneVerdict
from agents.llm.question import Facts, Question, R, setup_question, subject_of, zone_question
from agents.llm.verdicts import Panel, Said, setup_verdict, zone_verdict
from agents.ports import CallLog, Clock
from agents.settings import Settings


class RecordedJudge:
    """`ports.Judge` over recorded calls. It holds no connection and never makes one.

    A call that failed when it was recorded fails again in the same way.

    Parameters
    ----------
    settings : Settings
        Models and temperature, which are part of the key under which a reply was kept.
    calls, clock
        Ports.
    panel : Panel, optional
        How many answers were asked for about one setup and what they take; the settings' if not given.
    speaker : str
        Who speaks in the verdicts, before the model's name; "openai" to repeat them to the letter.
    """

    def __init__(
        self, settings: Settings, *, calls: CallLog, clock: Clock, panel: Panel | None = None, speaker: str = "recorded"
    ) -> None:
        self._speaker = speaker
        self._calls = calls
        self._clock = clock
        self._panel = panel or Panel.of(settings)
        self._zones = zone_question(settings.zone_model, settings.temperature)
        self._setups = setup_question(settings.setup_model, settings.temperature)

    @property
    def name(self) -> str:
        """Return who speaks: the speaker and the models, the one for zones first."""
        return f"{self._speaker}:{'+'.join(dict.fromkeys((self._zones.model, self._setups.model)))}"

    def judge_zones(self, evidence: Sequence[ZoneEvidence], known_at: datetime) -> Sequence[ZoneVerdict]:
        """Return the recorded verdict on each zone. Raises `RecordedReplyMissingError` if one was never given."""
        judge = f"{self._speaker}:{self._zones.model}"
        return tuple(
            zone_verdict(one, self._said(self._zones, one, 0, known_at), judge, self._zones.prompt_sha, known_at)
            for one in evidence
        )

    def judge_setup(self, evidence: SetupEvidence) -> SetupVerdict:
        """Return the recorded verdict on a setup. Raises `RecordedReplyMissingError` if it was never given."""
        now = self._clock.now()
        said = [self._said(self._setups, evidence, sample, now) for sample in range(self._panel.samples)]
        judge = f"{self._speaker}:{self._setups.model}"
        return setup_verdict(evidence, said, judge, self._setups.prompt_sha, self._panel)

    def _said(self, question: Question[R], facts: Facts, sample: int, at: datetime) -> Said[R]:
        key = question.key(facts, sample)
        call = self._calls.find_call(key, at, only_ok=False)
        if call is None:
            raise RecordedReplyMissingError(
                f"no recorded reply of {question.model} about {subject_of(facts)} at {at.isoformat()} (key {key}); "
                "record one with ZONEDESK_JUDGE=openai, or replay with ZONEDESK_JUDGE=rules"
            )
        if call.status is not Outcome.OK:
            return Said(call.status, None, key)
        try:
            return Said(call.status, question.read(call.body, facts), key)
        except JudgeMalformedError:  # A bound has become narrower since it was recorded.
            return Said(Outcome.INVALID, None, key)
