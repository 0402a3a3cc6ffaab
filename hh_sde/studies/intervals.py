"""Confidence intervals from trials: Student's t about the jackknife estimate.

Trials are independent and few (10, say), for which percentile bootstrap intervals are too narrow:
at a nominal 95 % they cover 89 to 91 % for a rate, and 64 to 87 % for a coefficient of variation.
The jackknife gives a standard error and removes the bias of order 1/trials. Student's t with
trials - 1 degrees of freedom accounts for the error of the standard error.
`benchmarks/coverage.py` measures the coverage.

References
----------
Tukey 1958, Ann. Math. Statist. 29, 614; Efron & Tibshirani 1993, An Introduction to the Bootstrap,
chapters 6 and 11, doi:10.1201/9780429246593.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
import scipy.stats

#: Resamples of the trials.
RESAMPLES = 2000
#: Parts of the trials that the jackknife leaves out in turn, at most: each a single trial, or where
#: there are more trials some of them together, so that its cost does not grow with trials^2.
MOST_PARTS = 4000
#: Trial numbers that a statistic is given at once, so that memory does not grow with trials^2.
AT_ONCE = 2**20
#: Ends of an interval that differ by less than this part of them differ by rounding.
ROUNDING = 1e-12
#: What makes the ends of an interval nan.
NO_INTERVAL = (
    "fewer than 2 trials, or the estimate rests on one of them alone, or they all agree in spite "
    "of noise, which tells nothing of how they differ"
)

#: A function of trial numbers, (samples, trials), to estimates (samples, ...).
Statistic = Callable[[np.ndarray], np.ndarray]


class Scale(NamedTuple):
    """A transformation after which an estimate is closer to normal, and its inverse."""

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
    """Confidence interval of an estimate that is a smooth function of means over trials.

    Parameters
    ----------
    statistic : function of trial numbers (samples, trials)
    trials : int
    confidence : float
    scale : Scale
        Scale of the bias and the standard error.
    within : (float, float)
        Range of possible values of the estimate.

    Returns
    -------
    low, high : what `statistic` returns without its first axis
        nan for a single trial, or where the estimate does not exist without one of them.
    """
    together = -(-trials // MOST_PARTS)
    n = trials // together
    whole, without = _resampled(statistic, trials, n, partial(_all_but_some, together))
    with np.errstate(divide="ignore", invalid="ignore"):
        estimate, parts = scale.to(whole), scale.to(without)
        off = parts - parts[0]  # of equal parts exactly 0, unlike the distance from their mean
        middle = n * estimate - (n - 1) * (parts[0] + off.mean(axis=0))
        error = np.sqrt((n - 1) / n * ((off - off.mean(axis=0)) ** 2).sum(axis=0))
        half = students_t(confidence, n) * error
        ends = np.sort(scale.back(np.stack([middle - half, middle + half])), axis=0)
    same = (without == without[0]).all(axis=0)  # as of 0 on a scale without 0
    low, high = np.where(same, whole, np.clip(ends, *within))
    return low, high


def unless_all_agree(
    noisy: bool, low: np.ndarray, high: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """nan for an interval of zero width (to rounding), if there is noise.

    Spike counts are integers: that these trials have the same count does not mean that others do.
    """
    size = np.maximum(np.abs(low), np.abs(high))
    nothing = noisy & (np.asarray(high) - low <= ROUNDING * size)
    return np.where(nothing, np.nan, low), np.where(nothing, np.nan, high)


def bootstrap(
    statistic: Statistic, trials: int, confidence: float
) -> tuple[np.ndarray, np.ndarray]:
    """Confidence interval of an estimate with a choice, repeated in every resample of the trials.

    The standard error is half the width of the middle 68 % of those resamples that have an
    estimate, which few resamples with another choice do not stretch, enlarged by
    sqrt(trials / (trials - 1)): for a mean this is the interval of `jackknife`.

    Returns
    -------
    low, high : what `statistic` returns without its first axis
        nan for a single trial, or where less than half of the resamples have an estimate.
    """
    rng = np.random.default_rng(0)
    whole, values = _resampled(
        statistic,
        trials,
        RESAMPLES,
        lambda trials, rows: rng.integers(0, trials, (len(rows), trials)),
    )
    enough = np.isfinite(values).mean(axis=0) >= 0.5
    values = np.where(np.isfinite(values), values, np.nan)
    below, above = np.nanquantile(np.where(enough, values, 0.0), scipy.stats.norm.cdf([-1, 1]), 0)
    error = 0.5 * (above - below) * np.sqrt(trials / max(trials - 1, 1))
    half = np.where(enough, students_t(confidence, trials) * error, np.nan)
    return whole - half, whole + half


def times_drawn(samples: np.ndarray, trials: int) -> np.ndarray:
    """Multiplicity of each trial in each resample, (samples, trials): sums become products."""
    flat = samples + trials * np.arange(len(samples))[:, None]
    counts = np.bincount(flat.ravel(), minlength=len(samples) * trials)
    return counts.reshape(len(samples), trials).astype(float)


def _resampled(
    statistic: Statistic,
    trials: int,
    rows: int,
    samples: Callable[[int, np.ndarray], np.ndarray],
) -> tuple[np.ndarray, np.ndarray]:
    """The estimate of all trials, and those of `rows` samples, of which few are in memory at once.

    Of a single trial there are no samples: nan.
    """
    whole = statistic(np.arange(trials)[None])[0]
    if trials < 2:
        return whole, np.full((rows, *whole.shape), np.nan)
    height = max(AT_ONCE // trials, 1)
    slices = np.split(np.arange(rows), range(height, rows, height))
    return whole, np.concatenate([statistic(samples(trials, part)) for part in slices])


def _all_but_some(together: int, trials: int, without: np.ndarray) -> np.ndarray:
    """The trial numbers that are left without so many from each part on."""
    left = np.arange(trials - together)
    return left + together * (left >= together * without[:, None])


def students_t(confidence: float, trials: int) -> float:
    """Half width of a confidence interval in standard errors."""
    return float(scipy.stats.t.isf((1.0 - confidence) / 2.0, trials - 1))
