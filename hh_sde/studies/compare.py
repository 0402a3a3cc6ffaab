"""compare_methods: every method on one Brownian path."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
import xarray as xr

from hh_sde.brownian import Rng
from hh_sde.measures.isi import coefficient_of_variation
from hh_sde.methods import Method, name_of
from hh_sde.progress import watched
from hh_sde.studies.common import (
    Column,
    Ensemble,
    end_and_spikes,
    fitting_methods,
    labelled,
    reference_method,
    study,
    wall_time,
)
from hh_sde.studies.intervals import NO_INTERVAL, jackknife, unless_all_agree
from hh_sde.studies.subject import Subject


@study
def compare_methods(
    model: Subject,
    methods: Sequence[str | Method] | None = None,
    dt: float | Sequence[float] = (0.01, 0.025, 0.05, 0.1, 0.2),
    t_end: float = 200.0,
    trials: int = 20,
    *,
    window: float = 10.0,
    reference_dt: float | None = None,
    confidence: float = 0.95,
    rng: Rng = None,
    threads: int = 1,
) -> xr.Dataset:
    """Errors, statistics and cost of every method at every step, on the same Brownian paths.

    Parameters
    ----------
    model, methods
        As for `strong_convergence`.
    dt : float or sequence of float
        Steps, ms.
    t_end : float
        Duration of the runs, for the statistics, ms.
    trials : int
    window : float
        The strong error is taken from 0 to here, ms; later, the phases of spiking drift apart.
    reference_dt : float, optional
        Step of the reference, of which all steps are multiples. Default: half the smallest step.
    confidence : float
        Of the confidence intervals, by the jackknife over trials.
    rng, threads
        As for `hh_sde.solve`.

    Returns
    -------
    Dataset
        Over (scheme, dt), nan where a method diverged: path_error (mV, root mean square over the
        window of V minus that of the reference); cost (ns per neuron and step, on this machine);
        diverged. Of a network also spike_shift (ms, mean distance between each spike in the
        window and the nearest one of the reference), interval, interval_low, interval_high (ms,
        mean inter-spike interval), cv, gate_excursions.

    Examples
    --------
    >>> from hh_sde import CurrentNoise, Network
    >>> net = Network(1, stimulus=10.0, noise=CurrentNoise(1.0))
    >>> ds = compare_methods(net, ["euler_maruyama", "strang"], [0.05, 0.1], 50.0, 4, rng=1)
    >>> ds.diverged.values.tolist()
    [[0, 1], [0, 0]]
    """
    methods = fitting_methods(model, methods, along_path=True)
    dts = np.atleast_1d(dt).tolist()
    finest = dts[0] / 2 if reference_dt is None else reference_dt
    ensemble = Ensemble.of(model, dts, finest, trials, rng, threads)
    best = reference_method(model.sde)
    traces = {"record": model.record(None)}
    late = {"save_dt": t_end} if model.net is None else end_and_spikes(t_end)
    exact = ensemble.reference(best, window, **traces)
    measured = _described(model)
    columns = {name: np.full((len(methods), len(dts)), np.nan) for name in measured}
    for (i, method), (j, step) in watched(list(product(enumerate(methods), enumerate(dts)))):
        near = ensemble.run(method, window, step, **traces)
        far = None if near is None else ensemble.run(method, t_end, step, **late)
        columns["diverged"][i, j] = far is None
        if near is None or far is None:
            continue
        cost = wall_time(model, t_end, step, method, trials=trials, threads=threads)
        columns["cost"][i, j] = 1e9 * cost / (t_end / step * model.width * trials)
        columns["path_error"][i, j] = _path_error(model, near, exact)
        if model.net is not None:
            found = _statistics(far, model.noisy, confidence)
            for name, value in {**found, "spike_shift": _spike_shift(near, exact)}.items():
                columns[name][i, j] = value
    values = {
        name: Column(("scheme", "dt"), columns[name], *described)
        for name, described in measured.items()
    }
    ds = labelled(values, {"scheme": [name_of(method) for method in methods], "dt": dts})
    return ds.assign(diverged=ds.diverged.astype(np.int8)).assign_attrs(reference=best)


_GONE, _FEW = "the method diverged", "the method diverged, or no neuron fired twice"
_OF_ANY = {
    "path_error": ("1", "root mean square error along the path", _GONE),
    "cost": ("ns", "wall time per neuron and step", _GONE),
    "diverged": ("1", "1: the state became infinite"),
}
_OF_NETWORKS = {
    "path_error": ("mV", "root mean square error of V along the path", _GONE),
    "spike_shift": ("ms", "mean distance of spikes from those of the reference",
                    "the method diverged, or there is no spike in the window"),
    "interval": ("ms", "mean inter-spike interval", _FEW),
    "interval_low": ("ms", "lower end of the interval of the mean interval", NO_INTERVAL),
    "interval_high": ("ms", "upper end of the interval of the mean interval", NO_INTERVAL),
    "cv": ("1", "coefficient of variation of the intervals", _FEW),
    "gate_excursions": ("1", "states of gates seen outside [0, 1]", _GONE),
    "cost": ("ns", "wall time per neuron and step", _GONE),
    "diverged": ("1", "1: the state became infinite"),
}  # fmt: skip


def _described(model: Subject) -> dict[str, tuple[str, ...]]:
    """Unit and name of what is measured."""
    return dict(_OF_ANY) if model.net is None else dict(_OF_NETWORKS)


def _statistics(ds: xr.Dataset, noisy: bool, confidence: float) -> dict[str, float]:
    """Of the intervals of a long run."""
    intervals = ds.hh.intervals()
    lengths = intervals.interval_length.values
    of_trial = intervals.trial.values.astype(int)
    trials = ds.sizes["trial"]
    total = np.bincount(of_trial, lengths, minlength=trials)
    count = np.bincount(of_trial, minlength=trials)

    def mean(samples: np.ndarray) -> np.ndarray:
        with np.errstate(invalid="ignore", divide="ignore"):
            return total[samples].sum(axis=1) / count[samples].sum(axis=1)

    low, high = unless_all_agree(noisy, *jackknife(mean, trials, confidence))
    return {
        "interval": float(lengths.mean()) if lengths.size else np.nan,
        "interval_low": float(low),
        "interval_high": float(high),
        "cv": coefficient_of_variation(lengths),
        "gate_excursions": ds.attrs.get("gate_excursions", np.nan),
    }


def _path_error(model: Subject, near: xr.Dataset, exact: xr.Dataset) -> float:
    """Distance from the reference along the path."""
    k = (exact.sizes["time"] - 1) // (near.sizes["time"] - 1)
    difference = model.states(near, None) - model.states(exact, None)[:, ::k]
    return float(np.sqrt((difference**2).mean()))


def _spike_shift(near: xr.Dataset, exact: xr.Dataset) -> float:
    """Mean distance of the spikes from the nearest of the reference."""
    ours, theirs = near.hh.spikes(), exact.hh.spikes()
    shifts: list[float] = []
    for trial, neuron in np.ndindex(near.sizes["trial"], near.sizes["neuron"]):
        a, b = (
            spikes.spike_time.values[(spikes.trial.values == trial)
                                     & (spikes.neuron.values == neuron)]
            for spikes in (ours, theirs)
        )  # fmt: skip
        if a.size and b.size:
            shifts += list(np.abs(a[:, None] - b).min(axis=1))
    return float(np.mean(shifts)) if shifts else np.nan
