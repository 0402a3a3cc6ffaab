"""Orders of convergence: the range in which a slope is fitted; measured and declared orders."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hh_sde.studies.intervals import bootstrap

#: Neighbouring slopes of the asymptotic range lie this close to the mean of those before them;
#: wider where they have sampling noise.
SLOPE_SPREAD, NOISY_SLOPE_SPREAD = 0.3, 0.7
#: Steps that a slope needs.
FEWEST_STEPS = 3
#: What nan means.
NO_ORDER = (
    f"fewer than {FEWEST_STEPS} steps have an error above the reference's and the sampling noise "
    "and slopes that agree"
)
NO_ORDER_INTERVAL = f"fewer than 2 trials, or in most resamples of them {NO_ORDER}"


class NotMeasured(Exception):
    """Why there is no order of a method on a problem."""


def fitted_order(
    dts: np.ndarray,
    errors: Callable[[np.ndarray], np.ndarray],
    floor: Callable[[np.ndarray], np.ndarray],
    trials: int,
    confidence: float,
    spread: float = SLOPE_SPREAD,
) -> tuple[np.ndarray, np.ndarray]:
    """Slope of log error over log step with the ends of its interval (3,), and the steps fitted.

    Parameters
    ----------
    dts : (steps,)
    errors : function of trial numbers (samples, trials) to (samples, steps), not negative
    floor : the same, to what errors must exceed, (samples, 1 or steps)

    Notes
    -----
    The choice of steps is repeated in every resample of the trials, with the floor of that
    resample: the reference's own error is resampled too. The sampling error that
    `weak_convergence` gives as its floor is not resampled: it is that of all trials.
    """

    def slopes(samples: np.ndarray) -> np.ndarray:
        error = errors(samples)
        kept = asymptotic_range(dts, error, floor(samples), spread)
        return slope(np.log(dts), error, kept)

    whole = np.arange(trials)[None]
    kept = asymptotic_range(dts, errors(whole), floor(whole), spread)[0]
    order = slopes(whole)[0]
    if not np.isfinite(order):
        return np.full(3, np.nan), np.zeros(dts.size, dtype=bool)
    return np.array([order, *bootstrap(slopes, trials, confidence)]), kept


def asymptotic_range(
    dts: np.ndarray, error: np.ndarray, floor: float | np.ndarray, spread: float = SLOPE_SPREAD
) -> np.ndarray:
    """Which steps to fit: from the smallest whose error is above `floor`, as far as slopes agree.

    The slope between neighbours must stay within `spread` of the mean of those before it, so
    that neither a flat region (the reference's error, sampling noise) nor one where the method
    breaks down is fitted. `error` is (..., steps), and so is the result.
    """
    usable = np.isfinite(error) & (error > floor)
    kept = np.zeros(error.shape, dtype=bool)
    begun, inside = np.zeros((2, *error.shape[:-1]), dtype=bool)
    total, number = np.zeros((2, *error.shape[:-1]))
    for j in range(error.shape[-1]):
        if j > 0:
            with np.errstate(divide="ignore", invalid="ignore"):
                local = np.log(error[..., j] / error[..., j - 1]) / np.log(dts[j] / dts[j - 1])
                agrees = (number == 0) | (np.abs(local - total / number) <= spread)
            inside &= np.isfinite(local) & agrees
            total += np.where(inside, local, 0.0)
            number += inside
        inside |= usable[..., j] & ~begun
        begun |= usable[..., j]
        kept[..., j] = inside
    return kept & (usable.sum(axis=-1, keepdims=True) > 1)


def slope(log_dt: np.ndarray, error: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """Least-squares slopes of log error, (..., steps) to (...), over the steps that are kept."""
    number = kept.sum(axis=-1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        x = np.where(kept, log_dt - (kept * log_dt).sum(axis=-1, keepdims=True) / number, 0.0)
        y = np.where(kept, np.log(error), 0.0)
        slope = (x * y).sum(axis=-1) / (x * x).sum(axis=-1)
    return np.where(number[..., 0] < FEWEST_STEPS, np.nan, slope)


def disagreement(names: list[str], order: np.ndarray, declared: np.ndarray) -> dict[str, str]:
    """An attribute `warning` with the orders whose confidence interval excludes the declared one.

    Parameters
    ----------
    names : of what has the orders
    order : (3, names), the estimate and the ends of its interval
    declared : (names,)
    """
    off = [
        f"{name} {value:.3f} ({low:.3f}, {high:.3f}) beside {wanted:g}"
        for name, value, low, high, wanted in zip(names, *order, declared, strict=True)
        if low > wanted or wanted > high
    ]
    if not off:
        return {}
    return {
        "warning": f"declared orders outside the interval of those found: {'; '.join(off)}. The "
        "steps may not be in the asymptotic range yet, or the error that a method has without "
        "noise may be the larger one at these steps: try smaller steps, a shorter t_end, or "
        "stronger noise; noise='ignore' in solve shows the error without noise"
    }
