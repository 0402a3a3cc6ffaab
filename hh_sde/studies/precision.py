"""work_precision and recommend: which method and which step for a given error."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from hh_sde.brownian import Rng
from hh_sde.methods import Method, name_of
from hh_sde.network import Network
from hh_sde.progress import watched
from hh_sde.studies.common import (
    Column,
    OrderWarning,
    estimated,
    fitting_methods,
    labelled,
    study,
    wall_time,
)
from hh_sde.studies.convergence import strong_convergence
from hh_sde.studies.intervals import NO_INTERVAL
from hh_sde.studies.subject import Subject
from hh_sde.studies.weak import weak_convergence

STEPS = (0.01, 0.02, 0.05, 0.1, 0.2)
#: When the error along the path is taken, ms, and how many timings there are.
WINDOW, REPEATS = 10.0, 3
#: What to do where no neuron fires twice.
SILENT = (
    "no neuron of the reference fires twice. Give a larger stimulus or a longer t_end, or compare "
    "errors of V: path_error here, or strong_convergence"
)

#: The relative error below which several steps together cost less than the best single one, and of
#: what: seconds measured by benchmarks/multilevel.py at 0.1 and 0.02 %.
MULTILEVEL_PAYS = 5e-4
MULTILEVEL = (
    "for a mean of V at a time or of the time of the first spike, studies.mlmc costs less than one "
    "step at errors this small; for counts and intervals it does not"
)


@study
def work_precision(
    model: Subject,
    methods: Sequence[str | Method] | None = None,
    dts: Sequence[float] = STEPS,
    t_end: float = 200.0,
    trials: int = 100,
    *,
    window: float = WINDOW,
    repeats: int = REPEATS,
    rng: Rng = None,
    threads: int = 1,
) -> xr.Dataset:
    """Cost of methods and steps, with their strong error and their error of the mean interval.

    Parameters
    ----------
    model, methods, dts, rng, threads
        As for `strong_convergence`.
    t_end, trials
        As for `weak_convergence`.
    window : float
        The strong error is taken from 0 to here, ms.
    repeats : int
        Number of timings, whose median is taken. Methods are timed in turn, so that other load on
        the machine affects all alike.

    Returns
    -------
    Dataset
        Over (scheme, dt), nan where a method diverged: path_error (mV), interval_error (relative),
        interval_error_low, interval_error_high, cost (ns of wall time per neuron and ms); diverged.
        interval_error is the error of the mean inter-spike interval; it is nan, with a warning,
        also where no neuron of the reference fires twice. For an SDE mean_error replaces it, the
        error of the mean of the first component.

    Examples
    --------
    >>> from hh_sde import CurrentNoise, Network
    >>> net = Network(1, stimulus=10.0, noise=CurrentNoise(1.0))
    >>> ds = work_precision(net, ["lie_trotter"], [0.05, 0.1], 40.0, 5, rng=1)
    >>> bool((ds.cost > 0).all())
    True
    """
    return _errors_and_cost(model, methods, dts, t_end, trials, window, repeats, rng, threads)


def _errors_and_cost(
    subject: Subject,
    methods: Sequence[str | Method] | None,
    dts: Sequence[float],
    t_end: float,
    trials: int,
    window: float,
    repeats: int,
    rng: Rng,
    threads: int,
) -> xr.Dataset:
    methods = fitting_methods(subject, methods, along_path=True)
    common: dict[str, Any] = {
        "methods": methods,
        "dts": dts,
        "trials": trials,
        "rng": rng,
        "threads": threads,
    }
    given = subject.problem or subject.model
    with warnings.catch_warnings():  # errors are what is asked for here, not orders
        warnings.simplefilter("ignore", OrderWarning)
        strong = strong_convergence(given, t_end=window, **common)
        weak = weak_convergence(given, t_end=t_end, **common)
    cost = _cost(subject, methods, dts, t_end, trials, repeats, rng)
    diverged = np.isnan(weak.estimate.isel(observable=0).values)
    gone = np.where(diverged, np.nan, cost)
    both = ("scheme", "dt")
    result = labelled(
        {
            "path_error": Column(both, strong.error.values, strong.error.units,
                                 "error along the path", "the method diverged"),
            **(_of_interval if subject.net is not None else _of_mean)(weak),
            "cost": Column(both, gone, "ns", "wall time per neuron and ms of the simulation",
                           "the method diverged"),
            "diverged": Column(both, diverged.astype(np.int8), "1",
                               "1: the state became infinite"),
        },
        {"scheme": [name_of(method) for method in methods], "dt": dts},
    )  # fmt: skip
    if subject.net is not None and np.isnan(weak.exact.sel(observable="interval")):
        result.interval_error.attrs["warning"] = (
            f"there are no intervals between spikes in {t_end:g} ms: {SILENT}"
        )
    return result


def _of_interval(weak: xr.Dataset) -> dict[str, Column]:
    """The error of the mean interval of a network."""
    weak = weak.sel(observable="interval", drop=True)
    low, middle, high = (
        weak[name].values / float(weak.exact) for name in ("error_low", "error", "error_high")
    )
    error = Column(("scheme", "dt"), middle, "1", "relative error of the mean interval",
                   f"the method diverged, or there are no intervals: {SILENT}")  # fmt: skip
    return estimated("interval_error", error, low, high)


def _of_mean(weak: xr.Dataset) -> dict[str, Column]:
    """The error of the mean of the first component of an SDE."""
    weak = weak.isel(observable=0, drop=True)
    error = Column(("scheme", "dt"), weak.error.values, "1", "error of the mean of the first "
                   "component", "the method diverged")  # fmt: skip
    return estimated("mean_error", error, weak.error_low.values, weak.error_high.values)


def _cost(
    subject: Subject,
    methods: Sequence[str | Method],
    dts: Sequence[float],
    t_end: float,
    trials: int,
    repeats: int,
    rng: Rng,
) -> np.ndarray:
    laps = np.full((repeats + 1, len(methods), len(dts)), np.nan)
    for lap in watched(list(laps)):  # the first warms up
        for i, j in np.ndindex(lap.shape):
            lap[i, j] = wall_time(subject, t_end, dts[j], methods[i], trials=trials, rng=rng)
    return 1e9 * np.median(laps[1:], axis=0) / (t_end * subject.width * trials)


@study
def recommend(
    net: Network,
    tolerance: float = 0.01,
    methods: Sequence[str | Method] | None = None,
    dts: Sequence[float] = STEPS,
    t_end: float = 200.0,
    trials: int = 100,
    *,
    rng: Rng = None,
    threads: int = 1,
) -> xr.Dataset:
    """The cheapest method and step whose mean inter-spike interval is within a relative tolerance.

    A method and step is good enough if the whole confidence interval of its error is within the
    tolerance. With too few trials nothing is therefore recommended. For tolerances so small that
    multilevel Monte Carlo costs less than any single step, the result names `mlmc`.

    Parameters
    ----------
    tolerance : float
        Relative error of the mean inter-spike interval.
    net, methods, dts, t_end, trials, rng, threads
        As for `work_precision`.

    Returns
    -------
    Dataset
        That of `work_precision`, with good_enough (scheme, dt). The attributes
        `recommended_method` and `recommended_dt` are the cheapest that is good enough; if none is,
        the attribute `advice` says so, which is also a warning. For tolerances up to 0.05 % the
        attribute `multilevel` says for which observables `mlmc` costs less than the best single
        step.

    Examples
    --------
    >>> from hh_sde import CurrentNoise, Network
    >>> net = Network(1, stimulus=10.0, noise=CurrentNoise(1.0))
    >>> ds = recommend(net, 0.05, ["lie_trotter"], [0.05, 0.1], 60.0, 10, rng=1)
    >>> ds.attrs["recommended_method"]
    'lie_trotter'
    """
    subject = Subject.of(net, "recommend")
    ds = _errors_and_cost(subject, methods, dts, t_end, trials, WINDOW, REPEATS, rng, threads)
    worst = np.maximum(np.abs(ds.interval_error_low), np.abs(ds.interval_error_high))
    good = (worst <= tolerance).assign_attrs(units="1", long_name="1: within the tolerance")
    cost = ds.cost.where(good)
    advice: dict[str, str | float] = {}
    if bool(np.isfinite(cost).any()):
        best = cost.argmin(["scheme", "dt"])
        advice["recommended_method"] = str(ds.scheme[int(best["scheme"])].values)
        advice["recommended_dt"] = float(ds.dt[int(best["dt"])])
    else:
        advice["advice"] = _advice(ds, worst, tolerance)
        ds.interval_error.attrs.pop("warning", None)  # the advice says it
    if tolerance <= MULTILEVEL_PAYS:
        advice["multilevel"] = MULTILEVEL
    return ds.assign(good_enough=good.astype(np.int8).assign_attrs(good.attrs)).assign_attrs(advice)


def _advice(ds: xr.Dataset, worst: xr.DataArray, tolerance: float) -> str:
    """Why nothing is recommended, and what to do."""
    if bool(ds.diverged.all()):
        return f"every method diverged at dt = {float(ds.dt.min()):g} ms; give smaller steps"
    if "warning" in ds.interval_error.attrs:
        return f"no method can be recommended: {ds.interval_error.attrs['warning']}"
    if bool(worst.isnull().all()):
        return f"no error of the mean interval has an interval of its own: {NO_INTERVAL}"
    return (
        f"no method is certain to be within {tolerance:g}: the best has {float(worst.min()):.2g}; "
        "give smaller steps, or more trials"
    )
