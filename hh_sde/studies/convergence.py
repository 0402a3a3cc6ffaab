"""strong_convergence: errors along the path, and where a slope may be fitted to errors."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
import xarray as xr

from hh_sde.brownian import Rng
from hh_sde.methods import METHODS
from hh_sde.network import Network
from hh_sde.progress import watched
from hh_sde.studies.common import (
    Ensemble,
    bootstrap,
    fitting_methods,
    labelled,
    reference_method,
    slope,
    study,
)

#: A step is fitted if its error is this many times the reference's own.
ABOVE_FLOOR = 4.0
#: Neighbouring slopes of the asymptotic range lie this close to the mean of those before them;
#: wider where they have sampling noise.
SLOPE_SPREAD, NOISY_SLOPE_SPREAD = 0.3, 0.7
DEFAULT_STEPS = (0.00125, 0.0025, 0.005, 0.01, 0.02)


@study
def strong_convergence(
    net: Network,
    methods: Sequence[str] | None = None,
    dts: Sequence[float] = DEFAULT_STEPS,
    t_end: float = 5.0,
    trials: int = 100,
    *,
    variable: str = "V",
    refine: int = 8,
    reference: str | None = None,
    confidence: float = 0.95,
    rng: Rng = None,
    threads: int = 1,
) -> xr.Dataset:
    """Pathwise error against the step, and the slope beside the declared order.

    All runs are on one Brownian path for each trial, coarsened; the reference is on a grid
    `refine` times finer than the smallest step.

    Parameters
    ----------
    net : Network
    methods : sequence of str, optional
        Default: all of the engine that take the network's noise.
    dts : sequence of float
        Steps, ms, multiples of the smallest one divided by `refine`.
    t_end : float
        When the paths are compared, ms.
    trials : int
    variable : str
        What is compared.
    refine : int
    reference : str, optional
        Default: the method of highest order for the noise.
    confidence : float
        Of the interval, by bootstrap over trials.
    rng, threads
        As for `hh_sde.solve`.

    Returns
    -------
    Dataset
        error (method, dt): root mean square over trials and neurons, nan where the method
        diverged; error_low, error_high; fitted: 1 where a step lies in the asymptotic range;
        order, order_low, order_high, declared_order (method); floor: the reference's own error.

    References
    ----------
    Kloeden & Platen 1999, section 9.3, doi:10.1007/978-3-662-12616-5.

    Examples
    --------
    >>> from hh_sde import CurrentNoise, Network
    >>> net = Network(1, stimulus=10.0, noise=CurrentNoise(1.0))
    >>> ds = strong_convergence(net, ["euler_maruyama"], [0.005, 0.01, 0.02], 1.0, 20, rng=1)
    >>> dict(ds.error.sizes)
    {'method': 1, 'dt': 3}
    """
    methods = fitting_methods(net, methods)
    ensemble = Ensemble.of(net, dts, dts[0] / refine, trials, rng, threads)
    options: dict[str, Any] = {"save_dt": t_end, "record": [variable]}
    reference = reference or reference_method(net.sde())
    exact = ensemble.reference(reference, t_end, **options)[variable].values[:, -1]
    check = ensemble.run(reference, t_end, 2 * ensemble.finest, **options)
    floor = np.inf if check is None else check[variable].values[:, -1] - exact
    squares = np.full((len(methods), len(dts), trials), np.nan)
    for (i, method), (j, dt) in watched(list(product(enumerate(methods), enumerate(dts)))):
        ds = ensemble.run(method, t_end, dt, **options)
        if ds is not None:
            squares[i, j] = ((ds[variable].values[:, -1] - exact) ** 2).mean(axis=-1)
    declared = [_declared(net, method) for method in methods]
    root_mean_square = float(np.sqrt(np.mean(np.square(floor))))
    found = _orders(methods, dts, squares, root_mean_square, declared, confidence)
    for name in ("error", "error_low", "error_high", "floor"):
        found[name].attrs["units"] = net.labels[variable][0]
    return found


def _declared(net: Network, method: str) -> float:
    sde = net.sde()
    recipe = METHODS[method]
    if not sde.m:
        return np.nan if recipe.deterministic_order is None else recipe.deterministic_order
    return recipe.strong_order.get(sde.noise_type, np.nan)


def _orders(
    methods: list[str],
    dts: list[float],
    squares: np.ndarray,
    floor: float,
    declared: list[float],
    confidence: float,
) -> xr.Dataset:
    """From squared errors (method, dt, trial) to errors and slopes with their intervals."""
    log_dt, trials = np.log(dts), squares.shape[2]
    error = np.sqrt(squares.mean(axis=2))
    fitted = np.array([asymptotic_range(np.array(dts), row, ABOVE_FLOOR * floor) for row in error])
    low, high = np.empty_like(error), np.empty_like(error)
    order = np.full((3, len(methods)), np.nan)
    for i in range(len(methods)):
        rows = squares[i]

        def errors(resamples: np.ndarray, rows: np.ndarray = rows) -> np.ndarray:
            return np.sqrt(np.stack([row[resamples].mean(axis=1) for row in rows], axis=1))

        low[i], high[i] = bootstrap(errors, trials, confidence)
        if fitted[i].sum() >= 3:
            kept = fitted[i]

            def slopes(resamples: np.ndarray, kept: np.ndarray = kept) -> np.ndarray:
                with np.errstate(divide="ignore"):
                    logs = np.log(errors(resamples)[:, kept])
                return slope(log_dt[kept], logs.T)

            order[0, i] = np.polyfit(log_dt[kept], np.log(error[i, kept]), 1)[0]
            order[1:, i] = bootstrap(slopes, trials, confidence)
    both, one = ("method", "dt"), ("method",)
    return labelled(
        {
            "error": (both, error, "1", "root mean square error along the path"),
            "error_low": (both, low, "1", "lower end of the error's interval"),
            "error_high": (both, high, "1", "upper end of the error's interval"),
            "fitted": (both, fitted.astype(np.int8), "1", "1: in the asymptotic range"),
            "order": (one, order[0], "1", "slope of log error over log dt"),
            "order_low": (one, order[1], "1", "lower end of the slope's interval"),
            "order_high": (one, order[2], "1", "upper end of the slope's interval"),
            "declared_order": (one, declared, "1", "declared order of convergence"),
            "floor": ((), floor, "1", "error of the reference itself"),
        },
        {"method": methods, "dt": dts},
    )


def asymptotic_range(
    dts: np.ndarray, error: np.ndarray, floor: float | np.ndarray, spread: float = SLOPE_SPREAD
) -> np.ndarray:
    """Which steps to fit: from the smallest whose error is above `floor`, as far as slopes agree.

    The slope between neighbours must stay within `spread` of the mean of those before it, so
    that neither a flat region (the reference's error, sampling noise) nor one where the method
    breaks down is fitted.
    """
    kept = np.zeros(error.size, dtype=bool)
    usable = np.flatnonzero(np.isfinite(error) & (error > floor))
    if usable.size < 2:
        return kept
    first = usable[0]
    kept[first] = True
    slopes: list[float] = []
    for j in range(first + 1, error.size):
        if not (np.isfinite(error[j]) and error[j] > 0):
            break
        local = np.log(error[j] / error[j - 1]) / np.log(dts[j] / dts[j - 1])
        if slopes and abs(local - np.mean(slopes)) > spread:
            break
        slopes.append(float(local))
        kept[j] = True
    return kept
