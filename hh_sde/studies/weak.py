"""weak_convergence: errors of statistics."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import product

import numpy as np
import scipy.stats
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
from hh_sde.studies.convergence import NOISY_SLOPE_SPREAD, asymptotic_range

#: Weaker errors than this many standard errors are noise.
ABOVE_NOISE = 3.0

OBSERVABLES = {
    "mean_V": ("mV", "mean of V at the end"),
    "var_V": ("mV^2", "variance of V at the end"),
    "rate": ("Hz", "firing rate"),
    "interval": ("ms", "mean inter-spike interval"),
    "first_passage": ("ms", "time of the first spike"),
}


@study
def weak_convergence(
    net: Network,
    methods: Sequence[str] | None = None,
    dts: Sequence[float] = (0.01, 0.025, 0.05, 0.1, 0.2),
    t_end: float = 200.0,
    trials: int = 200,
    *,
    refine: int = 2,
    reference: str | None = None,
    confidence: float = 0.95,
    rng: Rng = None,
    threads: int = 1,
) -> xr.Dataset:
    """Error of statistics against the step: what is left after averaging over trials.

    Runs share the reference's noise, so that differences have less sampling error than the
    estimates themselves.

    Parameters
    ----------
    net, methods, dts, t_end, trials, refine, reference, confidence, rng, threads
        As for `strong_convergence`.

    Returns
    -------
    Dataset
        estimate, error (estimate less that of the reference), error_low, error_high, fitted
        (method, observable, dt); order, order_low, order_high (method, observable), nan where no
        three steps have an error above the sampling noise; exact (observable), the reference's;
        declared_order (method).

    Examples
    --------
    >>> from hh_sde import CurrentNoise, Network
    >>> net = Network(1, stimulus=10.0, noise=CurrentNoise(1.0))
    >>> ds = weak_convergence(net, ["lie_trotter"], [0.05, 0.1], 40.0, 10, rng=1)
    >>> ds.observable.values.tolist()
    ['mean_V', 'var_V', 'rate', 'interval', 'first_passage']
    """
    methods = fitting_methods(net, methods)
    ensemble = Ensemble.of(net, dts, dts[0] / refine, trials, rng, threads)
    reference = reference or reference_method(net.sde())
    exact = _sums(ensemble.reference(reference, t_end, record=["V"]))
    names = list(OBSERVABLES)
    shape = (len(methods), len(names), len(dts))
    estimate, low, high = np.full((3, *shape), np.nan)
    whole = np.arange(trials)[None]
    at_reference = _observables(exact, whole, t_end)[0]
    found: dict[tuple[int, int], np.ndarray] = {}
    for (i, method), (j, dt) in watched(list(product(enumerate(methods), enumerate(dts)))):
        ds = ensemble.run(method, t_end, dt, record=["V"])
        if ds is None:
            continue
        found[i, j] = sums = _sums(ds)
        estimate[i, :, j] = _observables(sums, whole, t_end)[0]
        low[i, :, j], high[i, :, j] = bootstrap(
            partial(_differences, sums, exact, t_end),
            trials,
            confidence,
        )
    error = estimate - at_reference[None, :, None]
    order, fitted = _weak_orders(found, exact, error, low, high, dts, t_end, confidence)
    three, two = ("method", "observable", "dt"), ("method", "observable")
    return labelled(
        {
            "estimate": (three, estimate, "1", "estimate, in the observable's unit"),
            "error": (three, error, "1", "estimate less that of the reference"),
            "error_low": (three, low, "1", "lower end of the error's interval"),
            "error_high": (three, high, "1", "upper end of the error's interval"),
            "fitted": (three, fitted.astype(np.int8), "1", "1: in the asymptotic range"),
            "order": (two, order[0], "1", "slope of log |error| over log dt"),
            "order_low": (two, order[1], "1", "lower end of the slope's interval"),
            "order_high": (two, order[2], "1", "upper end of the slope's interval"),
            "exact": (("observable",), at_reference, "1", "estimate of the reference"),
            "declared_order": (
                ("method",),
                [_declared_weak(net, method) for method in methods],
                "1",
                "declared weak order for additive noise",
            ),
        },
        {"method": methods, "observable": names, "dt": dts},
    )


def _declared_weak(net: Network, method: str) -> float:
    additive = net.sde().noise_type == "additive"
    order = METHODS[method].weak_order if additive else None
    return np.nan if order is None else order


def _sums(ds: xr.Dataset) -> np.ndarray:
    """(sums, trials): V, V^2 at the end; spikes; intervals and how many; first spikes and how many.

    Means over neurons where they are sums over them, so that observables are ratios of sums.
    """
    spikes = ds.hh.spikes()
    intervals = spikes.hh.intervals()
    trials = ds.sizes["trial"]
    V = ds.V.isel(time=-1).values

    def per_trial(trial: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
        return np.bincount(trial.astype(int), weights, minlength=trials)

    new = np.ones(spikes.sizes["spike"], dtype=bool)
    pairs = np.stack([spikes.trial.values, spikes.neuron.values])
    new[1:] = np.any(pairs[:, 1:] != pairs[:, :-1], axis=0)
    return np.stack(
        [
            V.mean(axis=1),
            (V**2).mean(axis=1),
            per_trial(spikes.trial.values) / ds.sizes["neuron"],
            per_trial(intervals.trial.values, intervals.interval_length.values),
            per_trial(intervals.trial.values),
            per_trial(spikes.trial.values[new], spikes.spike_time.values[new]),
            per_trial(spikes.trial.values[new]),
        ]
    )


def _observables(sums: np.ndarray, resamples: np.ndarray, t_end: float) -> np.ndarray:
    """OBSERVABLES of each resample, (resamples, observables)."""
    V, V2, spikes, length, n_lengths, first, n_first = sums[:, resamples].mean(axis=2)
    trials = resamples.shape[1]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.stack(
            [
                V,
                (V2 - V**2) * trials / max(trials - 1, 1),
                1e3 * spikes / t_end,
                length / n_lengths,
                first / n_first,
            ],
            axis=1,
        )


def _differences(
    sums: np.ndarray, exact: np.ndarray, t_end: float, resamples: np.ndarray
) -> np.ndarray:
    return _observables(sums, resamples, t_end) - _observables(exact, resamples, t_end)


def _weak_orders(
    found: dict[tuple[int, int], np.ndarray],
    exact: np.ndarray,
    error: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    dts: list[float],
    t_end: float,
    confidence: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Slopes (3, method, observable) with interval, and the steps (method, observable, dt) used."""
    width = 2.0 * scipy.stats.norm.isf((1.0 - confidence) / 2.0)  # in standard errors
    noise = ABOVE_NOISE * (high - low) / width
    fitted = np.zeros(error.shape, dtype=bool)
    order = np.full((3, *error.shape[:2]), np.nan)
    for i, o in np.ndindex(error.shape[:2]):
        kept = asymptotic_range(np.array(dts), np.abs(error[i, o]), noise[i, o], NOISY_SLOPE_SPREAD)
        if kept.sum() < 3:
            continue
        fitted[i, o] = kept
        steps = np.flatnonzero(kept)
        log_dt = np.log(np.array(dts)[steps])

        def slopes(
            r: np.ndarray, i: int = i, o: int = o, steps: np.ndarray = steps,
            log_dt: np.ndarray = log_dt,
        ) -> np.ndarray:  # fmt: skip
            at_exact = _observables(exact, r, t_end)[:, o]
            errors = [_observables(found[i, j], r, t_end)[:, o] - at_exact for j in steps]
            with np.errstate(divide="ignore"):
                return slope(log_dt, np.log(np.abs(errors)))

        order[0, i, o] = np.polyfit(log_dt, np.log(np.abs(error[i, o, steps])), 1)[0]
        order[1:, i, o] = bootstrap(slopes, exact.shape[1], confidence)
    return order, fitted
