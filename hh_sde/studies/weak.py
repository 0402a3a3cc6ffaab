"""weak_convergence: errors of statistics."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import product

import numpy as np
import xarray as xr

from hh_sde.brownian import Rng
from hh_sde.methods import METHODS
from hh_sde.network import Network
from hh_sde.progress import watched
from hh_sde.studies.common import (
    Column,
    Ensemble,
    end_and_spikes,
    estimated,
    fitting_methods,
    labelled,
    reference_method,
    study,
)
from hh_sde.studies.intervals import (
    NO_INTERVAL,
    jackknife,
    students_t,
    times_drawn,
    unless_all_agree,
)
from hh_sde.studies.orders import (
    NO_ORDER,
    NO_ORDER_INTERVAL,
    NOISY_SLOPE_SPREAD,
    disagreement,
    fitted_order,
)

#: Weaker errors than this many standard errors are noise.
ABOVE_NOISE = 3.0
#: A neuron with V above this at the end is at a spike, mV: where `SpikeRule` would not be armed.
AT_SPIKE = -40.0
#: Trials at a spike at the end that an interval of mean_V or var_V needs: of pairs of neurons whose
#: phases are alike, 94 to 96 % of the intervals that remain cover (`benchmarks/coverage.py`).
FEWEST_AT_SPIKE = 16
REST_ON_SPIKES = ("mean_V", "var_V")
TOO_FEW = (
    f"{NO_INTERVAL}; for {' and '.join(REST_ON_SPIKES)} also: there are spikes, but fewer than "
    f"{FEWEST_AT_SPIKE} trials are at one at the end, on which these errors rest"
)

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
    """Weak error, that of statistics over trials, against the step, and its order.

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
        (scheme, observable, dt); order, order_low, order_high (scheme, observable), nan where no
        three steps have an error above the sampling noise; exact (observable), the reference's;
        declared_order (scheme). A declared order outside an interval is warned of, as by
        `strong_convergence`.

    Notes
    -----
    Errors of mean_V and var_V rest on the trials that are at a spike (V above -40 mV) at the end.
    Of a network with noise that fires these have an interval, and an order, only if there are 16 or
    more of them: where fewer neurons are at a spike just then, take more trials. Those of
    first_passage can be relied on, and with 200 trials or more those of the interval. Where no
    trial's count of spikes differs, the rate's error has no interval.

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
    exact = _sums(ensemble.reference(reference, t_end, **end_and_spikes(reference, t_end)))
    names = list(OBSERVABLES)
    shape = (len(methods), len(names), len(dts))
    estimate, low, high = np.full((3, *shape), np.nan)
    whole = np.arange(trials)[None]
    at_reference = _observables(exact, whole, t_end)[0]
    sums_of: dict[tuple[int, int], np.ndarray] = {}
    for (i, method), (j, dt) in watched(list(product(enumerate(methods), enumerate(dts)))):
        ds = ensemble.run(method, t_end, dt, **end_and_spikes(method, t_end))
        if ds is None:
            continue
        sums_of[i, j] = sums = _sums(ds)
        estimate[i, :, j] = _observables(sums, whole, t_end)[0]
        low[i, :, j], high[i, :, j] = _interval(net.noisy, sums, exact, t_end, confidence)
    order, fitted = _weak_orders(sums_of, exact, low, high, dts, t_end, confidence)
    three, two = ("scheme", "observable", "dt"), ("scheme", "observable")
    gone = "the method diverged, or no trial has what is observed"
    error = Column(three, estimate - at_reference[None, :, None], "1",
                   "estimate less that of the reference", gone)  # fmt: skip
    slopes = Column(two, order[0], "1", "slope of log |error| over log dt",
                    f"{NO_ORDER}; or errors have no interval")  # fmt: skip
    declared = np.array([_declared_weak(net, method) for method in methods])
    ds = labelled(
        {
            "estimate": Column(three, estimate, "1", "estimate, in the observable's unit", gone),
            **estimated("error", error, low, high, TOO_FEW),
            "fitted": Column(three, fitted.astype(np.int8), "1", "1: in the asymptotic range"),
            **estimated("order", slopes, order[1], order[2], NO_ORDER_INTERVAL),
            "exact": Column(("observable",), at_reference, "1", "estimate of the reference",
                            "no trial of the reference has what is observed"),
            "declared_order": Column(("scheme",), declared, "1",
                                     "declared weak order for additive noise", "none is declared"),
        },
        {"scheme": methods, "observable": names, "dt": dts},
    )  # fmt: skip
    both = [f"{method}, {name}," for method, name in product(methods, names)]
    ds.order.attrs.update(disagreement(both, order.reshape(3, -1), np.repeat(declared, len(names))))
    return ds


def _declared_weak(net: Network, method: str) -> float:
    additive = net.sde().noise_type == "additive"
    order = METHODS[method].weak_order if additive else None
    return np.nan if order is None else order


def _sums(ds: xr.Dataset) -> np.ndarray:
    """(sums, trials): V, V^2 at the end; spikes; intervals and how many; first spikes and how many;
    1 if a neuron is at a spike at the end.

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
            (V > AT_SPIKE).any(axis=1),
        ]
    )


def _observables(sums: np.ndarray, resamples: np.ndarray, t_end: float) -> np.ndarray:
    """OBSERVABLES of each resample, (resamples, observables)."""
    trials = resamples.shape[1]
    means = times_drawn(resamples, sums.shape[1]) @ sums[:7].T / trials
    V, V2, spikes, length, n_lengths, first, n_first = means.T
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


def _interval(
    noisy: bool, sums: np.ndarray, exact: np.ndarray, t_end: float, confidence: float
) -> tuple[np.ndarray, np.ndarray]:
    """Intervals of the errors of OBSERVABLES.

    What is missing of rare trials far from the others, no spread of those that are there can tell:
    it is the smaller, the more are missing. How many trials there are at a spike can.
    """
    differences = partial(_differences, sums, exact, t_end)
    low, high = unless_all_agree(noisy, *jackknife(differences, sums.shape[1], confidence))
    fires = bool(sums[2].any() or exact[2].any())
    at_spike = np.count_nonzero((sums[7] > 0) | (exact[7] > 0))
    few = noisy and fires and at_spike < FEWEST_AT_SPIKE
    nothing = few & np.isin(list(OBSERVABLES), REST_ON_SPIKES)
    return np.where(nothing, np.nan, low), np.where(nothing, np.nan, high)


def _weak_orders(
    sums_of: dict[tuple[int, int], np.ndarray],
    exact: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    dts: Sequence[float],
    t_end: float,
    confidence: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Slopes (3, scheme, observable) with interval, and the steps (scheme, observable, dt) used."""
    trials = exact.shape[1]
    fitted = np.zeros(low.shape, dtype=bool)
    order = np.full((3, *low.shape[:2]), np.nan)
    if trials < 2:
        return order, fitted
    noise = ABOVE_NOISE * (high - low) / (2.0 * students_t(confidence, trials))
    for i, o in np.ndindex(low.shape[:2]):

        def errors(r: np.ndarray, i: int = i, o: int = o) -> np.ndarray:
            at_exact = _observables(exact, r, t_end)[:, o]
            return np.stack(
                [
                    np.abs(_observables(sums_of[i, j], r, t_end)[:, o] - at_exact)
                    if (i, j) in sums_of
                    else np.full(len(r), np.nan)
                    for j in range(len(dts))
                ],
                axis=1,
            )

        def floor(r: np.ndarray, i: int = i, o: int = o) -> np.ndarray:
            return np.broadcast_to(noise[i, o], (len(r), len(dts)))

        order[:, i, o], fitted[i, o] = fitted_order(
            np.array(dts), errors, floor, trials, confidence, NOISY_SLOPE_SPREAD
        )
    return order, fitted
