"""Observables of `weak_convergence`: the firing of a network, moments of an SDE."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from hh_sde.studies.common import end_and_spikes
from hh_sde.studies.intervals import NO_INTERVAL, times_drawn
from hh_sde.studies.subject import Subject

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


class Firing:
    """Of a network: V at the end, and its spikes.

    Parameters
    ----------
    t_end : float
        Length of the runs, ms.
    """

    names = tuple(OBSERVABLES)

    def __init__(self, t_end: float) -> None:
        self.t_end = t_end
        self.options: dict[str, Any] = end_and_spikes(t_end)

    def sums(self, ds: xr.Dataset) -> np.ndarray:
        """(sums, trials): V, V^2 at the end; spikes; intervals and how many; first spikes and how
        many; 1 if a neuron is at a spike at the end.

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

    def values(self, sums: np.ndarray, resamples: np.ndarray) -> np.ndarray:
        """OBSERVABLES of each resample, (resamples, observables)."""
        trials = resamples.shape[1]
        means = times_drawn(resamples, sums.shape[1]) @ sums[:7].T / trials
        V, V2, spikes, length, n_lengths, first, n_first = means.T
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.stack(
                [
                    V,
                    _variance(V, V2, trials),
                    1e3 * spikes / self.t_end,
                    length / n_lengths,
                    first / n_first,
                ],
                axis=1,
            )

    def unsure(self, sums: np.ndarray, exact: np.ndarray) -> np.ndarray:
        """Which of them have no interval, (observables,).

        The spread of the observed trials cannot show that rare, distant trials are missing: the
        more are missing, the smaller it is. The number of trials at a spike can show it.
        """
        fires = bool(sums[2].any() or exact[2].any())
        at_spike = np.count_nonzero((sums[7] > 0) | (exact[7] > 0))
        return np.isin(self.names, REST_ON_SPIKES) & fires & (at_spike < FEWEST_AT_SPIKE)


class Moments:
    """Of an SDE: mean and variance of each component at the end, and of a problem its functional.

    Parameters
    ----------
    subject : Subject
    t_end : float
        Length of the runs, ms.
    """

    def __init__(self, subject: Subject, t_end: float) -> None:
        self.subject = subject
        components = subject.sde.names
        problem = subject.problem
        self.functional = None if problem is None else problem.functional
        self.names = (
            *(f"mean_{name}" for name in components),
            *(f"var_{name}" for name in components),
            *(("functional",) if self.functional else ()),
        )
        self.t_end = t_end
        self.options: dict[str, Any] = {"save_dt": t_end}

    def sums(self, ds: xr.Dataset) -> np.ndarray:
        """(sums, trials): x and x^2 at the end, and the functional of x."""
        return self.of_states(ds.x.values[:, -1])

    def of_states(self, x: np.ndarray) -> np.ndarray:
        """The same of states (trials, d)."""
        found = np.concatenate([x.T, x.T**2])
        if self.functional is None:
            return found
        return np.concatenate([found, self.functional(x.T)[None]])

    def values(self, sums: np.ndarray, resamples: np.ndarray) -> np.ndarray:
        """Of each resample, (resamples, observables)."""
        d, trials = self.subject.sde.d, resamples.shape[1]
        means = times_drawn(resamples, sums.shape[1]) @ sums.T / trials
        x, x2, rest = means[:, :d], means[:, d : 2 * d], means[:, 2 * d :]
        return np.concatenate([x, _variance(x, x2, trials), rest], axis=1)

    def unsure(self, sums: np.ndarray, exact: np.ndarray) -> np.ndarray:
        """None of them."""
        return np.zeros(len(self.names), dtype=bool)

    @property
    def known(self) -> np.ndarray | None:
        """The values that are known, (observables,)."""
        problem = self.subject.problem
        if problem is None or problem.moments is None:
            return None
        mean, covariance = problem.moments(self.t_end)
        rest = [problem.expectation(self.t_end)] if problem.expectation else []
        return np.concatenate([mean, np.diag(covariance), rest])


def _variance(mean: np.ndarray, square: np.ndarray, trials: int) -> np.ndarray:
    return (square - mean**2) * trials / max(trials - 1, 1)
