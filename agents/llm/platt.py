"""The correction of a judge's probabilities: Platt's logistic line through what was said, held to the baseline."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

PENALTY = 1.0
SURE = 1e-4
STEPS = 50


@dataclass(frozen=True)
class Platt:
    """A correction of probabilities: ``logit(p) = logit(baseline) + shift + slope * (logit(said) - logit(baseline))``.

    With shift 0 and slope 0 it gives the baseline, with slope 1 what was said.
    """

    shift: float
    slope: float

    def probability(self, said: Floats, baseline: Floats) -> Floats:
        """Return the corrected probabilities, same shape."""
        base = _logit(baseline)
        return _expit(base + self.shift + self.slope * (_logit(said) - base))


def fit_platt(said: Floats, baseline: Floats, won: Floats) -> Platt:
    """Return the correction that fits outcomes best, pulled towards the baseline by a ridge penalty of 1.

    Parameters
    ----------
    said, baseline, won : ndarray of float64, shape (n,)
        As in `reliability`; `baseline` are probabilities too.

    Raises
    ------
    ValueError
        As `reliability` does.
    """
    check(said, won)
    check(baseline, won)
    base = _logit(baseline)
    columns = np.column_stack([np.ones_like(said), _logit(said) - base])
    weights = np.zeros(2)
    for _ in range(STEPS):
        fitted = _expit(base + columns @ weights)
        slope = columns.T @ (fitted - won) + PENALTY * weights
        curve = columns.T @ (columns * (fitted * (1 - fitted))[:, None]) + PENALTY * np.eye(2)
        step = np.linalg.solve(curve, slope)
        weights = weights - step * min(1.0, 4.0 / max(float(np.abs(step).max()), 1e-12))
        if np.abs(step).max() < 1e-10:  # noqa: PLR2004 - far below what four digits show
            break
    return Platt(float(weights[0]), float(weights[1]))


def check(said: Floats, won: Floats) -> None:
    """Raise `ValueError` unless there is one outcome for each probability, and at least one."""
    if said.shape != won.shape or said.ndim != 1 or not len(said):
        raise ValueError(f"{said.shape} probabilities and {won.shape} outcomes; give one of each for every setup")
    if not (np.all((said >= 0) & (said <= 1)) and np.all((won == 0) | (won == 1))):
        raise ValueError("probabilities lie in [0, 1] and outcomes are 0 or 1; something else was given")


def _logit(probability: Floats) -> Floats:
    kept = np.clip(probability, SURE, 1 - SURE)
    return np.asarray(np.log(kept / (1 - kept)), dtype=np.float64)


def _expit(score: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-np.clip(score, -30, 30))), dtype=np.float64)
