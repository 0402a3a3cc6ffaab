"""work_precision and recommend: which method and which step for a wanted error."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from hh_sde.brownian import Rng
from hh_sde.network import Network
from hh_sde.progress import watched
from hh_sde.studies.common import fitting_methods, labelled, study, wall_time
from hh_sde.studies.convergence import strong_convergence
from hh_sde.studies.weak import weak_convergence

STEPS = (0.01, 0.02, 0.05, 0.1, 0.2)


@study
def work_precision(
    net: Network,
    methods: Sequence[str] | None = None,
    dts: Sequence[float] = STEPS,
    t_end: float = 200.0,
    trials: int = 100,
    *,
    window: float = 10.0,
    repeats: int = 3,
    rng: Rng = None,
    threads: int = 1,
) -> xr.Dataset:
    """Errors beside what they cost: along the path, and of the mean interval.

    Parameters
    ----------
    net, methods, dts, rng, threads
        As for `strong_convergence`.
    t_end, trials
        As for `weak_convergence`.
    window : float
        When the error along the path is taken, ms.
    repeats : int
        Timings, of which the median counts; methods in turn, so that a busy machine troubles all
        alike.

    Returns
    -------
    Dataset
        Over (method, dt), nan where a method diverged: path_error (mV), interval_error (relative),
        interval_error_low, interval_error_high, cost (ns of wall time per neuron and ms).

    Examples
    --------
    >>> from hh_sde import CurrentNoise, Network
    >>> net = Network(1, stimulus=10.0, noise=CurrentNoise(1.0))
    >>> ds = work_precision(net, ["lie_trotter"], [0.05, 0.1], 40.0, 5, rng=1)
    >>> bool((ds.cost > 0).all())
    True
    """
    methods = fitting_methods(net, methods)
    common: dict[str, Any] = {
        "methods": methods,
        "dts": dts,
        "trials": trials,
        "rng": rng,
        "threads": threads,
    }
    strong = strong_convergence(net, t_end=window, **common)
    weak = weak_convergence(net, t_end=t_end, **common).sel(observable="interval", drop=True)
    cost = _cost(net, methods, dts, t_end, trials, repeats, rng)
    diverged = np.isnan(weak.estimate.values)
    both = ("method", "dt")
    exact = float(weak.exact)
    relative = {name: weak[name].values / exact for name in ("error", "error_low", "error_high")}
    return labelled(
        {
            "path_error": (both, strong.error.values, "mV", "error of V along the path"),
            "interval_error": (both, relative["error"], "1", "relative error of the mean interval"),
            "interval_error_low": (both, relative["error_low"], "1", "lower end of its interval"),
            "interval_error_high": (both, relative["error_high"], "1", "upper end of its interval"),
            "cost": (
                both,
                np.where(diverged, np.nan, cost),
                "ns",
                "wall time per neuron and ms of the simulation",
            ),
        },
        {"method": methods, "dt": dts},
    )


def _cost(
    net: Network,
    methods: list[str],
    dts: list[float],
    t_end: float,
    trials: int,
    repeats: int,
    rng: Rng,
) -> np.ndarray:
    laps = np.full((repeats + 1, len(methods), len(dts)), np.nan)
    for lap in watched(list(laps)):  # the first warms up
        for i, j in np.ndindex(lap.shape):
            lap[i, j] = wall_time(net, t_end, dts[j], methods[i], trials=trials, rng=rng)
    return 1e9 * np.median(laps[1:], axis=0) / (t_end * net.n_neurons * trials)


@study
def recommend(
    net: Network,
    tolerance: float = 0.01,
    methods: Sequence[str] | None = None,
    dts: Sequence[float] = STEPS,
    t_end: float = 200.0,
    trials: int = 100,
    *,
    rng: Rng = None,
    threads: int = 1,
) -> xr.Dataset:
    """The cheapest method and step whose mean interval is within a relative tolerance.

    An entry counts as good enough if the whole interval of its error lies within the tolerance, so
    that too few trials are no recommendation.

    Parameters
    ----------
    tolerance : float
        Relative error of the mean interval.
    net, methods, dts, t_end, trials, rng, threads
        As for `work_precision`.

    Returns
    -------
    Dataset
        That of `work_precision`, with good_enough (method, dt), and as attributes
        `recommended_method` and `recommended_dt`, the cheapest that is, or `advice` if none is.

    Examples
    --------
    >>> from hh_sde import CurrentNoise, Network
    >>> net = Network(1, stimulus=10.0, noise=CurrentNoise(1.0))
    >>> ds = recommend(net, 0.05, ["lie_trotter"], [0.05, 0.1], 60.0, 10, rng=1)
    >>> ds.attrs["recommended_method"]
    'lie_trotter'
    """
    ds = work_precision(net, methods, dts, t_end, trials, rng=rng, threads=threads)
    worst = np.maximum(np.abs(ds.interval_error_low), np.abs(ds.interval_error_high))
    good = (worst <= tolerance).assign_attrs(units="1", long_name="1: within the tolerance")
    cost = ds.cost.where(good)
    advice: dict[str, str | float] = {}
    if bool(np.isfinite(cost).any()):
        best = cost.argmin(["method", "dt"])
        advice["recommended_method"] = str(ds.method[int(best["method"])].values)
        advice["recommended_dt"] = float(ds.dt[int(best["dt"])])
    else:
        advice["advice"] = (
            f"no method is certain to be within {tolerance:g}: the best has "
            f"{float(worst.min()):.2g}; give smaller steps, or more trials"
        )
    return ds.assign(good_enough=good.astype(np.int8).assign_attrs(good.attrs)).assign_attrs(advice)
