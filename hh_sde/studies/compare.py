"""compare_methods: every method on one Brownian path."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
import xarray as xr

from hh_sde.brownian import Rng
from hh_sde.measures.isi import coefficient_of_variation
from hh_sde.network import Network
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


@study
def compare_methods(
    net: Network,
    methods: Sequence[str] | None = None,
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
    """Every method at every step, on one Brownian path: errors, statistics, cost.

    Parameters
    ----------
    net : Network
    methods : sequence of str, optional
        Default: all of the engine that take the network's noise.
    dt : float or sequence of float
        Steps, ms.
    t_end : float
        For the statistics, ms.
    trials : int
    window : float
        The error along the path is taken from 0 to here, ms; later, spikes drift out of phase.
    reference_dt : float, optional
        Step of the reference, of which all steps are multiples. Default: half the smallest step.
    confidence : float
        Of the intervals, by the jackknife over trials.
    rng, threads
        As for `hh_sde.solve`.

    Returns
    -------
    Dataset
        Over (scheme, dt), nan where a method diverged: path_error (mV, root mean square of V less
        that of the reference over the window), spike_shift (ms, mean distance of each spike in the
        window from the reference's nearest one), interval, interval_low, interval_high (ms),
        cv, gate_excursions, cost (ns per neuron and step, this machine's), diverged.

    Examples
    --------
    >>> from hh_sde import CurrentNoise, Network
    >>> net = Network(1, stimulus=10.0, noise=CurrentNoise(1.0))
    >>> ds = compare_methods(net, ["euler_maruyama", "strang"], [0.05, 0.1], 50.0, 4, rng=1)
    >>> ds.diverged.values.tolist()
    [[0, 1], [0, 0]]
    """
    methods = fitting_methods(net, methods)
    dts = np.atleast_1d(dt).tolist()
    finest = dts[0] / 2 if reference_dt is None else reference_dt
    ensemble = Ensemble.of(net, dts, finest, trials, rng, threads)
    best = reference_method(net.sde())
    exact = ensemble.reference(best, window, record=["V"])
    columns: dict[str, np.ndarray] = {
        name: np.full((len(methods), len(dts)), np.nan) for name in _MEASURED
    }
    for (i, method), (j, step) in watched(list(product(enumerate(methods), enumerate(dts)))):
        near = ensemble.run(method, window, step, record=["V"])
        far = (
            None
            if near is None
            else ensemble.run(method, t_end, step, **end_and_spikes(method, t_end))
        )
        columns["diverged"][i, j] = far is None
        if near is None or far is None:
            continue
        cost = wall_time(net, t_end, step, method, trials=trials, threads=threads)
        columns["cost"][i, j] = 1e9 * cost / (t_end / step * net.n_neurons * trials)
        entries = {**_statistics(far, net.noisy, confidence), **_against(near, exact)}
        for name, value in entries.items():
            columns[name][i, j] = value
    values = {
        name: Column(("scheme", "dt"), columns[name], *described)
        for name, described in _MEASURED.items()
    }
    ds = labelled(values, {"scheme": methods, "dt": dts})
    return ds.assign(diverged=ds.diverged.astype(np.int8)).assign_attrs(reference=best)


_GONE, _FEW = "the method diverged", "the method diverged, or no neuron fired twice"
_MEASURED = {
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


def _against(near: xr.Dataset, exact: xr.Dataset) -> dict[str, float]:
    """Distance from the reference along the path, and of the spikes."""
    k = (exact.sizes["time"] - 1) // (near.sizes["time"] - 1)
    difference = near.V.values - exact.V.values[:, ::k]
    ours, theirs = near.hh.spikes(), exact.hh.spikes()
    shifts = []
    for trial, neuron in np.ndindex(near.sizes["trial"], near.sizes["neuron"]):
        a, b = (
            spikes.spike_time.values[(spikes.trial.values == trial)
                                     & (spikes.neuron.values == neuron)]
            for spikes in (ours, theirs)
        )  # fmt: skip
        if a.size and b.size:
            shifts += list(np.abs(a[:, None] - b).min(axis=1))
    return {
        "path_error": float(np.sqrt((difference**2).mean())),
        "spike_shift": float(np.mean(shifts)) if shifts else np.nan,
    }
