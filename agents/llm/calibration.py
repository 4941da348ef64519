"""Whether a judge's probabilities are worth anything: what it said of setups against what became of them.

Everything is pure and out of sample where it has to be: a calibrated probability comes only from outcomes that ended
five days or more before its week began. Setups that were refused count like those that were taken, because a judge that
is only asked about its own choice looks better than it is.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

import numpy as np

from agents.llm.platt import SURE, Floats, Platt, fit_platt
from agents.llm.reliability import Bin, brier, reliability

EMBARGO = timedelta(days=5)
LEAST_TRAINING = 30
DRAWS = 1000
CAUTION = 0.8416
MOST_ABOVE = 0.15
PLAUSIBLE_FROM = 500
SEED = 20  # of the draws: the same ledger gives the same report

Dice = Callable[[], np.random.Generator]


class SetupResult(StrEnum):
    """What became of a setup: its target or its stop came first, time was up, or the entry was never filled."""

    WIN = "win"
    LOSS = "loss"
    TIMEOUT = "timeout"
    NOT_FILLED = "not_filled"


@dataclass(frozen=True)
class Judged:
    """One setup that was judged and has ended.

    `probability` is the judge's, `baseline` that of somebody without skill. `won` says whether it would have made
    money, None where the entry was never filled. `taken` says whether the judge let it pass.
    """

    setup_id: str
    on: date
    judge: str
    prompt_sha: str
    probability: float
    baseline: float
    taken: bool
    result: SetupResult
    won: bool | None


@dataclass(frozen=True)
class Calibration:
    """What is known of one judge under one prompt.

    `brier` and its relatives are mean squared errors on the same setups: of what was said, of the corrected
    probabilities (only where there were enough earlier outcomes: `corrected_count`), of the baseline without a model,
    and of the share won so far. `skill` is ``1 - brier / brier_baseline`` with the interval that holds 90 % of the
    resampled days; `slope_low` and `slope_high` likewise of the correction's slope.
    """

    judge: str
    prompt_sha: str
    count: int
    not_filled: int
    won: float
    won_taken: float | None
    won_refused: float | None
    bins: tuple[Bin, ...]
    brier: float
    brier_baseline: float
    brier_base_rate: float
    brier_corrected: float | None
    corrected_count: int
    skill: float
    skill_low: float
    skill_high: float
    platt: Platt
    slope_low: float
    slope_high: float

    def may_gate(self, least: int) -> bool:
        """Whether the corrected probabilities may decide about trades: enough outcomes, and better than no model."""
        return self.count >= least and self.skill_low > 0

    def sentence(self, least: int) -> str:
        """Return in words whether they may decide, and if not, why."""
        if self.count < least:
            return f"{self.count} outcomes of {least} that are needed: its probabilities decide nothing yet"
        if self.skill_low <= 0:
            return (
                f"not shown to be better than no model: its skill lies between {self.skill_low:+.3f} and "
                f"{self.skill_high:+.3f}"
            )
        return f"better than no model: its skill lies between {self.skill_low:+.3f} and {self.skill_high:+.3f}"


def walk_forward(judged: Sequence[Judged]) -> Floats:
    """Return a corrected probability for each setup, NaN where fewer than thirty outcomes were known in time.

    The correction of a week is fitted on all outcomes that are at least five days older than its Monday.
    """
    found = np.full(len(judged), np.nan)
    days = [each.on for each in judged]
    for monday in sorted({day - timedelta(days=day.weekday()) for day in days}):
        past = known_by(judged, monday)
        if len(past) < LEAST_TRAINING:
            continue
        platt = fit_platt(*_columns(past))
        week = [place for place, day in enumerate(days) if monday <= day < monday + timedelta(days=7)]
        said, baseline, _ = _columns([judged[place] for place in week])
        found[week] = platt.probability(said, baseline)
    return found


def calibrate(judged: Sequence[Judged], rng: np.random.Generator, *, bins: int = 10) -> Calibration:
    """Return what the outcomes say about one judge.

    Parameters
    ----------
    judged : sequence of Judged
        All of one judge and one prompt; entries that were never filled are counted and left out.
    rng : Generator
        Draws the resampled days.
    bins : int
        Of the reliability table.

    Raises
    ------
    ValueError
        If they are of several judges or prompts, or none was filled.
    """
    names = {(each.judge, each.prompt_sha) for each in judged}
    filled = sorted((each for each in judged if each.won is not None), key=lambda each: (each.on, each.setup_id))
    if len(names) != 1 or not filled:
        raise ValueError(f"{len(filled)} outcomes of {len(names)} judges; give those of one judge and one prompt")
    ((judge, prompt_sha),) = names
    said, baseline, won = _columns(filled)
    corrected = walk_forward(filled)
    known = ~np.isnan(corrected)
    taken = np.array([each.taken for each in filled])
    platt = fit_platt(said, baseline, won)
    skills, slopes = _resampled(filled, rng)
    return Calibration(
        judge=judge,
        prompt_sha=prompt_sha,
        count=len(filled),
        not_filled=len(judged) - len(filled),
        won=float(won.mean()),
        won_taken=float(won[taken].mean()) if taken.any() else None,
        won_refused=float(won[~taken].mean()) if not taken.all() else None,
        bins=reliability(said, won, bins),
        brier=brier(said, won),
        brier_baseline=brier(baseline, won),
        brier_base_rate=brier(_rates_before(filled), won),
        brier_corrected=brier(corrected[known], won[known]) if known.any() else None,
        corrected_count=int(known.sum()),
        skill=_skill(said, baseline, won),
        skill_low=float(np.quantile(skills, 0.05)),
        skill_high=float(np.quantile(skills, 0.95)),
        platt=platt,
        slope_low=float(np.quantile(slopes, 0.05)),
        slope_high=float(np.quantile(slopes, 0.95)),
    )


def shown_skill(judged: Sequence[Judged], rng: np.random.Generator) -> float:
    """Return the skill over the baseline that 95 % of the resampled days exceed, of one judge and one prompt.

    Raises `ValueError` if no entry was filled.
    """
    filled = [each for each in judged if each.won is not None]
    return float(np.quantile([_skill(*sample) for sample in _samples(filled, rng, DRAWS)], 0.05))


def cautious(judged: Sequence[Judged], said: float, baseline: float) -> float:
    """Return a corrected probability that the true one is above four times out of five, as the outcomes have it.

    It is at most a little above the baseline before there are very many outcomes: more would rather be luck. `judged`
    are of one judge and one prompt, known in time (see `known_by`). Raises `ValueError` if none was filled.
    """
    filled = [each for each in judged if each.won is not None]
    one, base = np.array([said]), np.array([baseline])

    def score(known: Sequence[Judged]) -> float:
        found = float(np.clip(fit_platt(*_columns(known)).probability(one, base)[0], SURE, 1 - SURE))
        return math.log(found / (1 - found))

    weeks = sorted({each.on.isocalendar()[:2] for each in filled})
    if len(weeks) == 1:
        return min(said, baseline)
    without = np.array([score([each for each in filled if each.on.isocalendar()[:2] != week]) for week in weeks])
    spread = math.sqrt((len(weeks) - 1) * float(np.var(without)))  # the jackknife's error, a week at a time
    low = 1 / (1 + math.exp(CAUTION * spread - score(filled)))
    return low if len(filled) >= PLAUSIBLE_FROM else min(low, baseline + MOST_ABOVE)


def known_by(judged: Sequence[Judged], on: date) -> list[Judged]:
    """Return the setups that may correct what is said in the week of a date: five days older than its Monday."""
    monday = on - timedelta(days=on.weekday())
    return [each for each in judged if each.on <= monday - EMBARGO]


def _samples(judged: Sequence[Judged], rng: np.random.Generator, draws: int) -> Iterator[tuple[Floats, ...]]:
    """Yield probabilities, baselines and outcomes of samples of whole days: setups of one day share their market."""
    days = sorted({each.on for each in judged})
    of_day = [np.array([place for place, each in enumerate(judged) if each.on == day]) for day in days]
    columns = _columns(judged)
    for _ in range(draws):
        rows = np.concatenate([of_day[day] for day in rng.integers(len(days), size=len(days))])
        yield tuple(column[rows] for column in columns)


def _resampled(judged: Sequence[Judged], rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Return skill and slope of many samples."""
    skills, slopes = np.empty(DRAWS), np.empty(DRAWS)
    for draw, (said, baseline, won) in enumerate(_samples(judged, rng, DRAWS)):
        skills[draw] = _skill(said, baseline, won)
        slopes[draw] = fit_platt(said, baseline, won).slope
    return skills, slopes


def _skill(said: Floats, baseline: Floats, won: Floats) -> float:
    reference = brier(baseline, won)
    return 1 - brier(said, won) / reference if reference > 0 else 0.0


def _rates_before(judged: Sequence[Judged]) -> Floats:
    """Return the share won on all earlier days, one half on the first."""

    def rate(day: date) -> float:
        past = [float(bool(each.won)) for each in judged if each.on < day]
        return sum(past) / len(past) if past else 0.5

    by_day: dict[date, float] = {day: rate(day) for day in {each.on for each in judged}}
    return np.array([by_day[each.on] for each in judged])


def _columns(judged: Sequence[Judged]) -> tuple[Floats, Floats, Floats]:
    def column(value: Callable[[Judged], float]) -> Floats:
        return np.array([value(each) for each in judged], dtype=np.float64)

    return (
        column(lambda each: each.probability),
        column(lambda each: each.baseline),
        column(lambda each: bool(each.won)),
    )
