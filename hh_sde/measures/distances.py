"""How far apart the intervals of two results lie, and how far chance alone would put them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import xarray as xr

from hh_sde.addresses import is_whole
from hh_sde.measures.labels import labels
from hh_sde.measures.train_arrays import Trains
from hh_sde.records import shown, single
from hh_sde.results import dataset_of
from hh_sde.spike_rule import SpikeRule

#: With fewer intervals in either result a distance is nearly all chance; of fewer trials there are
#: too few ways to be dealt out.
FEWEST, FEWEST_TRIALS = 100, 5
#: Statistic: units, long name.
STATISTICS = {
    "wasserstein": ("ms", "L1-Wasserstein distance of the intervals"),
    "ks": ("1", "Kolmogorov-Smirnov distance of the intervals"),
    "mean_difference": ("ms", "mean interval of the other result less that of this one"),
}


def interval_distance(
    ds: xr.Dataset,
    other: xr.Dataset,
    rule: SpikeRule | None = None,
    *,
    start: float | None = None,
    stop: float | None = None,
    resamples: int = 400,
    confidence: float = 0.95,
) -> xr.Dataset:
    r"""Distances between the interval distributions of two results, beside those of chance.

    With F and G the distribution functions of the intervals of the two,

    .. math::

        W_1 = \int |F(T) - G(T)| \, dT, \qquad D = \sup_T |F(T) - G(T)| ,

    the first being the mean over all quantiles of how far they lie apart. Two samples of one law
    have a distance as well: `by_chance` is what it stays below, with the probability `confidence`,
    where all trials are dealt out at random to the two. By the triangle inequality a distance is
    off by no more than the size of what sampling adds to F - G, the quantile of which is found by
    drawing trials again with replacement: intervals with this half width have at least that
    confidence, and a lower end of 0 means that no distance has been shown.

    Parameters
    ----------
    ds, other : results of `solve`, or of `spikes`, with trials
        Independent of each other. All neurons of a trial are taken together; of a sweep, one point.
    rule : SpikeRule, optional
    start, stop : float, optional
        Window to look at, ms; see `spikes`. Default: the whole record.
    resamples : int
        Of the trials, for each of the two.
    confidence : float

    Returns
    -------
    Dataset
        Over `statistic`, which is wasserstein (ms), ks, and mean_difference (ms): distance,
        distance_low, distance_high, by_chance (of the absolute value); and over `result`, 0 and 1:
        intervals, their number.

    Raises
    ------
    ValueError
        If there are fewer than 5 trials with intervals, or than 100 intervals, in either, or
        several points of a sweep.

    Examples
    --------
    >>> import hh_sde as hh
    >>> def spikes_at(sigma, seed):
    ...     net = hh.Network(1, stimulus=10.0, noise=hh.CurrentNoise(sigma))
    ...     return hh.solve(net, 500.0, trials=20, rng=seed, record=("spikes",))
    >>> same = interval_distance(spikes_at(1.0, 1), spikes_at(1.0, 2)).sel(statistic="wasserstein")
    >>> more = interval_distance(spikes_at(1.0, 1), spikes_at(4.0, 2)).sel(statistic="wasserstein")
    >>> bool(same.distance < same.by_chance), bool(more.distance_low > more.by_chance)
    (True, True)
    """
    if not is_whole(resamples) or resamples < 20:
        raise ValueError(f"resamples must be an int of at least 20, got {shown(resamples)}")
    confidence = single(confidence, "confidence", positive=True)
    if confidence >= 1:
        raise ValueError(f"confidence must be between 0 and 1, got {confidence:g}")
    results = (ds, dataset_of(other, "interval_distance"))
    pair = Pair(*(Sample.of(one, rule, start, stop) for one in results))
    apart, added, dealt = pair.difference(*pair.own()), [], []
    here, rng = pair.sizes(apart), np.random.default_rng(0)
    for _ in range(resamples):
        added.append(np.abs(pair.sizes(pair.difference(*pair.drawn(rng)) - apart)))
        dealt.append(np.abs(pair.sizes(pair.difference(*pair.dealt(rng)))))
    fewest = min(pair.trials)  # n trials drawn again vary by (n - 1)/n of what trials do
    half = np.sqrt(fewest / (fewest - 1)) * np.quantile(added, confidence, axis=0)
    low, high = here - half, here + half
    low[:2], high[1] = np.maximum(low[:2], 0.0), min(high[1], 1.0)
    columns = {
        "distance": (here, "distance"),
        "distance_low": (low, "lower end of its interval"),
        "distance_high": (high, "upper end of its interval"),
        "by_chance": (np.quantile(dealt, confidence, axis=0), "what chance keeps it below"),
    }
    about = {"units": "ms; of ks 1"}
    statistic = xr.DataArray(list(STATISTICS), dims="statistic", attrs=labels("1", "statistic"))
    found = {
        name: ("statistic", values, {**about, "long_name": long_name})
        for name, (values, long_name) in columns.items()
    }
    number = ("result", pair.intervals, labels("1", "number of intervals"))
    return xr.Dataset(
        {**found, "intervals": number},
        {"statistic": statistic},
        {"confidence": confidence, "resamples": resamples},
    )


class Sample(NamedTuple):
    """Intervals, ms, and the number of the trial that each is of, among those that have any."""

    length: np.ndarray
    trial: np.ndarray
    trials: int

    @classmethod
    def of(
        cls, ds: xr.Dataset, rule: SpikeRule | None, start: float | None, stop: float | None
    ) -> Sample:
        """All intervals of a result.

        Raises
        ------
        ValueError
            If they are too few to tell anything, or of several laws.
        """
        trains = Trains.of(ds, rule, start, stop, of_own_length=True)
        sizes = {name: len(values) for name, values in trains.coords.items()}
        several = [name for name, n in sizes.items() if name not in ("trial", "neuron") and n > 1]
        if several:
            raise ValueError(
                f"interval_distance compares one point of a sweep, and here are several of "
                f"{', '.join(several)}: choose with sel or isel"
            )
        lengths = [np.diff(train) for train in trains.times]
        number = np.array([len(one) for one in lengths])
        each = np.repeat(np.arange(len(lengths)) // sizes.get("neuron", 1), number)
        which, trial = np.unique(each, return_inverse=True)
        if which.size < FEWEST_TRIALS or number.sum() < FEWEST:
            raise ValueError(
                f"interval_distance takes at least {FEWEST_TRIALS} trials with intervals, and "
                f"{FEWEST} of these, of each result, got {which.size} and {number.sum()}: give "
                "solve more trials, or a longer t_end"
            )
        return cls(np.concatenate(lengths), trial, which.size)


class Pair:
    """Two samples, and how they differ when trials count more than once or not at all."""

    def __init__(self, a: Sample, b: Sample) -> None:
        self.trials = a.trials, b.trials
        self.intervals = [a.length.size, b.length.size]
        lengths = np.concatenate([a.length, b.length])
        order = np.argsort(lengths, kind="stable")
        self.lengths, self.gaps = lengths[order], np.diff(lengths[order])
        self.trial = np.concatenate([a.trial, b.trial + a.trials])[order]

    def difference(self, weight_a: np.ndarray, weight_b: np.ndarray) -> np.ndarray:
        """The steps of F - G at the intervals of both together, where their trials count so much in
        the one and in the other.
        """
        a, b = (one[self.trial] / one[self.trial].sum() for one in (weight_a, weight_b))
        return a - b

    def sizes(self, steps: np.ndarray) -> np.ndarray:
        """The STATISTICS of a difference."""
        between = np.abs(np.cumsum(steps))
        last = np.append(self.gaps > 0, True)  # of intervals of one length
        return np.array([between[:-1] @ self.gaps, between[last].max(), -self.lengths @ steps])

    def own(self) -> tuple[np.ndarray, np.ndarray]:
        """The samples as they are."""
        first = np.arange(sum(self.trials)) < self.trials[0]
        return first.astype(float), (~first).astype(float)

    def drawn(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Trials of each drawn again, with replacement."""
        a, b = (rng.multinomial(n, np.full(n, 1 / n)).astype(float) for n in self.trials)
        return np.append(a, 0.0 * b), np.append(0.0 * a, b)

    def dealt(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Trials of both dealt out at random."""
        first = rng.permutation(sum(self.trials)) < self.trials[0]
        return first.astype(float), (~first).astype(float)
