"""From answers to verdicts: the same for a live model and for recorded replies."""

import math
import statistics
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Self

from agents.domain.evidence import SetupEvidence, SetupVerdict, SetupWord, ZoneEvidence
from agents.domain.zones import Outcome, ZoneVerdict, ZoneVerdictWord
from agents.llm.question import R
from agents.llm.replies import SetupFactor, SetupReply, ZoneReply
from agents.settings import Settings

_SURE = 1e-6
_DECLINED = frozenset({Outcome.REFUSAL, Outcome.FILTERED})


@dataclass(frozen=True)
class Panel:
    """How several answers about one setup become one verdict.

    Parameters
    ----------
    samples : int
        Answers asked for.
    quorum : int
        Usable answers without which there is no verdict; all of them where more are wanted than are asked for.
    spread : float
        The widest interquartile range of their probabilities that still counts as one opinion.
    """

    samples: int = 1
    quorum: int = 1
    spread: float = 0.15

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Return the panel that the settings describe."""
        return cls(settings.judge_samples, settings.judge_quorum, settings.judge_spread)


@dataclass(frozen=True)
class Said(Generic[R]):
    """One answer, or why there is none, under the key of its question."""

    status: Outcome
    value: R | None
    key: str


def zone_verdict(
    evidence: ZoneEvidence, said: Said[ZoneReply], judge: str, prompt_sha: str, known_at: datetime
) -> ZoneVerdict:
    """Return the verdict on a zone; without a usable answer it is `unsure` with probability 0."""
    reply = said.value
    if said.status is Outcome.OK and reply is not None:
        word, probability, reason = reply.verdict, reply.probability, shown(reply.rationale)
    else:
        word, probability, reason = ZoneVerdictWord.UNSURE, 0.0, f"no verdict: the call ended as {said.status.value}"
    return ZoneVerdict(
        zone_id=evidence.zone_id,
        judge=judge,
        verdict=word,
        probability=probability,
        reason=reason,
        outcome=said.status,
        call_key=said.key,
        prompt_sha=prompt_sha,
        known_at=known_at,
    )


def setup_verdict(
    evidence: SetupEvidence, samples: Sequence[Said[SetupReply]], judge: str, prompt_sha: str, panel: Panel
) -> SetupVerdict:
    """Return the verdict on a setup from one answer or several.

    Of several, the probability is the median of the logits and the bounds the medians of the bounds; they count as
    `take` only if all say so and lie close enough together. Calls that brought no answer are left out as long as the
    quorum is met; a model that declines to answer stops the setup whatever the others say.
    """
    replies = [said.value for said in samples if said.status is Outcome.OK and said.value is not None]
    failed = [said for said in samples if said.status is not Outcome.OK or said.value is None]
    declined = next((said for said in failed if said.status in _DECLINED), None)
    if declined is not None or len(replies) < min(panel.quorum, panel.samples) or not replies:
        return _no_setup_verdict(evidence, declined or failed[0], judge, prompt_sha)
    middle = sorted(replies, key=lambda reply: reply.probability)[len(replies) // 2]
    word, reason = middle.verdict, shown(middle.rationale)
    if any(reply.verdict is not SetupWord.TAKE for reply in replies) and word is SetupWord.TAKE:
        word = SetupWord.SKIP
    width = dispersion([reply.probability for reply in replies])
    if word is SetupWord.TAKE and width > panel.spread:
        word = SetupWord.SKIP
        reason = f"the answers lie {width:.2f} apart, more than {panel.spread:.2f}; one was: {reason}"
    return SetupVerdict(
        setup_id=evidence.setup_id,
        judge=judge,
        verdict=word,
        probability=_median([reply.probability for reply in replies]),
        p_low=_median([reply.p_low for reply in replies]),
        p_high=_median([reply.p_high for reply in replies]),
        main_for=middle.main_for.value,
        main_against=middle.main_against.value,
        reason=reason,
        outcome=Outcome.OK.value,
        call_key=samples[0].key,
        prompt_sha=prompt_sha,
    )


def dispersion(probabilities: Sequence[float]) -> float:
    """Return the interquartile range of several probabilities, 0 of a single one."""
    if len(probabilities) == 1:
        return 0.0
    low, _, high = statistics.quantiles(probabilities, n=4, method="inclusive")
    return high - low


def shown(rationale: str) -> str:
    """Return a model's words as they may be shown: without control, format and bidirectional characters, or ``<>``."""
    kept = (letter for letter in rationale if letter not in "<>" and not unicodedata.category(letter).startswith("C"))
    return "".join(kept).strip()


def _no_setup_verdict(evidence: SetupEvidence, said: Said[SetupReply], judge: str, prompt_sha: str) -> SetupVerdict:
    return SetupVerdict(
        setup_id=evidence.setup_id,
        judge=judge,
        verdict=SetupWord.INSUFFICIENT_DATA,
        probability=0.0,
        p_low=0.0,
        p_high=1.0,
        main_for=SetupFactor.NONE.value,
        main_against=SetupFactor.NONE.value,
        reason=f"no verdict: the call ended as {said.status.value}",
        outcome=said.status.value,
        call_key=said.key,
        prompt_sha=prompt_sha,
    )


def _median(probabilities: Sequence[float]) -> float:
    """Return the probability whose logit is the median of the logits; exactly the one there is."""
    if len(probabilities) == 1:
        return probabilities[0]
    clipped = [min(max(p, _SURE), 1 - _SURE) for p in probabilities]
    middle = statistics.median(math.log(p / (1 - p)) for p in clipped)
    return round(1 / (1 + math.exp(-middle)), 6)
