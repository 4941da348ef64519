"""The record behind a verdict: how often this judge was right, and what that makes of what it says of one setup.

The record can only take away: of the share of targets reached and the corrected probability the smaller one counts, and
both stay without effect before enough outcomes are known.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from agents.domain.evidence import SetupVerdict
from agents.domain.orders import TradeSetup
from agents.domain.values import IST
from agents.execution.outcomes import DIGITS, Ending, OutcomeLog, SetupOutcome, outcomes, track_of
from agents.execution.risk import Track
from agents.llm.calibration import Dice, Judged, SetupResult, cautious, known_by, shown_skill


def record_of(
    log: OutcomeLog, verdict: SetupVerdict, setup: TradeSetup, *, threshold: float, least: int, dice: Dice | None = None
) -> Track:
    """Return how many outcomes a judge has, and a cautious chance of the setup's target coming first.

    Parameters
    ----------
    log : OutcomeLog
        The ledger.
    verdict, setup : SetupVerdict, TradeSetup
        What the judge says, and of what.
    threshold : float
        The least probability that is taken.
    least : int
        From so many outcomes on, the corrected probability counts too.
    dice : callable, optional
        Returns the generator that draws the resampled days; without it nothing is shown of the judge's skill.
    """
    found = outcomes(log)
    track = track_of(found, verdict, threshold)
    filled = tuple(each for each in _judged(found, verdict, real=True) if each.won is not None)
    shown = round(_skill_of(filled, dice), DIGITS) if dice is not None and len(filled) >= least else None
    track = replace(track, judged=len(filled), skill_low=shown)
    known = known_by(_judged(found, verdict), setup.decided_at.astimezone(IST).date())
    if sum(each.won is not None for each in known) < least:
        return track
    corrected = cautious(known, verdict.probability, setup.baseline_probability)
    return replace(track, p_low=round(min(track.p_low, corrected), DIGITS))


@lru_cache(4)  # the record changes once a day, and is asked for in each cycle
def _skill_of(filled: tuple[Judged, ...], dice: Dice) -> float:
    return shown_skill(filled, dice())


def _judged(found: Sequence[SetupOutcome], verdict: SetupVerdict, *, real: bool = False) -> list[Judged]:
    """Return the outcomes of a judge and its prompt, of real markets if there are any or only those count, by date."""
    mine = [one for one in found if (one.judge, one.prompt_sha) == (verdict.judge, verdict.prompt_sha)]
    counted = [one for one in mine if not one.synthetic] or ([] if real else mine)
    judged = [each for one in counted if (each := as_judged(one)) is not None]
    return sorted(judged, key=lambda each: (each.on, each.setup_id))


def as_judged(one: SetupOutcome) -> Judged | None:
    """Return an outcome as calibration reads it, None where nobody judged; who ran out of time won if it paid."""
    if one.probability is None or one.baseline is None:
        return None
    return Judged(
        setup_id=one.setup_id,
        on=one.decided_at.astimezone(IST).date(),
        judge=one.judge,
        prompt_sha=one.prompt_sha,
        probability=one.probability,
        baseline=one.baseline,
        taken=one.taken,
        result=SetupResult(one.ending.value),
        won=None if one.ending is Ending.NOT_FILLED else one.result > 0,
    )
