"""Intervals of confidence from trials: Student's t about what the trials tell of an estimate.

Trials are independent and few (10, say), so that percentiles of resampled trials are too narrow: of
95 they cover 89 to 91 for a rate and 64 to 87 for a coefficient of variation. The jackknife gives a
standard error and takes off the bias of order 1/trials; t with trials - 1 degrees of freedom
allows for its being an estimate. `benchmarks/coverage.py` measures how often the truth is covered.

References
----------
Tukey 1958, Ann. Math. Statist. 29, 614; Efron & Tibshirani 1993, An Introduction to the Bootstrap,
chapters 6 and 11, doi:10.1201/9780429246593.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import scipy.stats

#: Resamples of the trials.
RESAMPLES = 2000
#: What makes the ends of an interval nan.
NO_INTERVAL = (
    "fewer than 2 trials, or the estimate rests on one of them alone, or they all agree in spite "
    "of noise, which tells nothing of how they differ"
)

#: A function of trial numbers, (samples, trials), to estimates (samples, ...).
Statistic = Callable[[np.ndarray], np.ndarray]


class Scale(NamedTuple):
    """On which an estimate is nearer to normal, and the way back."""

    to: Callable[[np.ndarray], np.ndarray]
    back: Callable[[np.ndarray], np.ndarray]


PLAIN = Scale(np.asarray, np.asarray)
#: For root mean squares.
LOG = Scale(np.log, np.exp)
#: For coefficients of variation, whose estimates have a long upper tail. Of the powers measured,
#: smaller ones cover too little and larger ones have an infinite upper end more often: there,
#: the trials do not exclude 0 on this scale.
INVERSE = Scale(lambda x: x**-1.5, lambda y: np.maximum(y, 0.0) ** (-1 / 1.5))


def jackknife(
    statistic: Statistic,
    trials: int,
    confidence: float,
    scale: Scale = PLAIN,
    within: tuple[float, float] = (-np.inf, np.inf),
) -> tuple[np.ndarray, np.ndarray]:
    """Interval of an estimate that is a smooth function of means over trials.

    Parameters
    ----------
    statistic : function of trial numbers (samples, trials)
    trials : int
    confidence : float
    scale : Scale
        On which bias and standard error are taken.
    within : (float, float)
        Ends of the range that the estimate can have.

    Returns
    -------
    low, high : what `statistic` returns without its first axis
        nan for a single trial, or where the estimate does not exist without one of them.
    """
    whole = statistic(np.arange(trials)[None])[0]
    if trials < 2:
        return np.full(whole.shape, np.nan), np.full(whole.shape, np.nan)
    n = trials
    others = np.array([np.delete(np.arange(n), i) for i in range(n)])
    without = statistic(others)
    with np.errstate(divide="ignore", invalid="ignore"):
        estimate, parts = scale.to(whole), scale.to(without)
        middle = n * estimate - (n - 1) * parts.mean(axis=0)
        error = np.sqrt((n - 1) / n * ((parts - parts.mean(axis=0)) ** 2).sum(axis=0))
        half = students_t(confidence, n) * error
        ends = np.sort(scale.back(np.stack([middle - half, middle + half])), axis=0)
    same = (without == whole).all(axis=0)  # as of 0 on a scale without 0
    low, high = np.where(same, whole, np.clip(ends, *within))
    return low, high


def unless_all_agree(
    noisy: bool, low: np.ndarray, high: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """nan for an interval without width, if there is noise.

    Spikes are counted in whole numbers: that all trials have as many does not mean that others do.
    """
    nothing = noisy & (np.asarray(low) == high)
    return np.where(nothing, np.nan, low), np.where(nothing, np.nan, high)


def bootstrap(
    statistic: Statistic, trials: int, confidence: float
) -> tuple[np.ndarray, np.ndarray]:
    """Interval of an estimate that involves a choice, made anew in every resample of the trials.

    The standard error is half the width of the middle 68 % of those resamples that have an
    estimate, which few resamples with another choice do not stretch, enlarged by
    sqrt(trials / (trials - 1)): for a mean this is the interval of `jackknife`.

    Returns
    -------
    low, high : what `statistic` returns without its first axis
        nan for a single trial, or where less than half of the resamples have an estimate.
    """
    whole = statistic(np.arange(trials)[None])[0]
    if trials < 2:
        return np.full(whole.shape, np.nan), np.full(whole.shape, np.nan)
    values = statistic(np.random.default_rng(0).integers(0, trials, (RESAMPLES, trials)))
    enough = np.isfinite(values).mean(axis=0) >= 0.5
    values = np.where(np.isfinite(values), values, np.nan)
    below, above = np.nanquantile(np.where(enough, values, 0.0), scipy.stats.norm.cdf([-1, 1]), 0)
    error = 0.5 * (above - below) * np.sqrt(trials / (trials - 1))
    half = np.where(enough, students_t(confidence, trials) * error, np.nan)
    return whole - half, whole + half


def students_t(confidence: float, trials: int) -> float:
    """Half the width of an interval in standard errors."""
    return float(scipy.stats.t.isf((1.0 - confidence) / 2.0, trials - 1))
