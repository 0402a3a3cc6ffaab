"""Inter-spike intervals and their statistics."""

from __future__ import annotations

import numpy as np
import xarray as xr

from hh_sde.measures.detection import SpikeRule
from hh_sde.measures.labels import Labelled, labels
from hh_sde.measures.spike_times import spikes
from hh_sde.measures.train_arrays import Trains
from hh_sde.measures.trains import sweeps_of

#: Statistic: units, long name, what NaN means.
STATISTICS = {
    "count": ("1", "number of intervals", ""),
    "mean": ("ms", "mean interval", "no interval"),
    "sd": ("ms", "standard deviation of the intervals", "fewer than 2 intervals"),
    "cv": ("1", "coefficient of variation of the intervals", "fewer than 2 intervals"),
    "cv2": ("1", "local coefficient of variation CV2", "no two successive intervals"),
    "lv": ("1", "local variation LV", "no two successive intervals"),
    "serial_correlation": (
        "1",
        "correlation of successive intervals",
        "fewer than 2 pairs of successive intervals, or all intervals equal",
    ),
}


def intervals(
    ds: xr.Dataset,
    rule: SpikeRule | None = None,
    *,
    start: float | None = None,
    stop: float | None = None,
) -> xr.Dataset:
    """Inter-spike intervals, ragged along the dim `interval`.

    Parameters
    ----------
    ds : a result of `solve`, or of `spikes`
    rule : SpikeRule, optional
    start, stop : float, optional
        Window to look at, ms; see `spikes`. Default: the whole record.

    Returns
    -------
    Dataset
        interval_length (ms), interval_start (ms), neuron and (with trials) trial, and the swept
        parameters. Empty where no neuron fired twice.

    Raises
    ------
    ValueError
        If `ds` has neither spikes nor V, or spikes of another rule.

    Examples
    --------
    >>> import hh_sde as hh
    >>> ds = hh.solve(hh.Network(1, stimulus=10.0), 100.0)
    >>> round(float(intervals(ds).interval_length[-1]), 2)
    14.63
    """
    trains = spikes(ds, rule, start=start, stop=stop)
    columns = [*sweeps_of(trains), *(name for name in ("trial", "neuron") if name in trains)]
    same = np.ones(max(trains.sizes["spike"] - 1, 0), dtype=bool)
    for name in columns:
        same &= trains[name].values[1:] == trains[name].values[:-1]
    start = trains.spike_time.values[:-1][same]
    length = np.diff(trains.spike_time.values)[same]
    data = {
        "interval_length": ("interval", length, labels("ms", "inter-spike interval")),
        "interval_start": ("interval", start, labels("ms", "first spike of the interval")),
    }
    for name in columns:
        data[name] = ("interval", trains[name].values[:-1][same], trains[name].attrs)
    return xr.Dataset(data, attrs=trains.attrs)


def interval_statistics(
    ds: xr.Dataset,
    rule: SpikeRule | None = None,
    *,
    pool: str | None = None,
    start: float | None = None,
    stop: float | None = None,
) -> xr.Dataset:
    r"""Mean, standard deviation, irregularity and serial correlation of the ISIs :math:`T_k`.

    .. math::

        \mathrm{CV} = \mathrm{sd}(T) / \bar T, \qquad
        \mathrm{CV2} = \Big\langle \frac{2 |T_{k+1} - T_k|}{T_{k+1} + T_k} \Big\rangle, \qquad
        \mathrm{LV} = \Big\langle \frac{3 (T_k - T_{k+1})^2}{(T_k + T_{k+1})^2} \Big\rangle,

        \rho_1 = \frac{\langle (T_k - \bar T)(T_{k+1} - \bar T) \rangle}
                      {\langle (T_k - \bar T)^2 \rangle} .

    A regular train has CV = CV2 = LV = 0; for a Poisson train the expectations of all three are 1,
    and of :math:`\rho_1` 0. CV2 and LV compare neighbours only and so are insensitive to a slow
    drift of the rate.

    Parameters
    ----------
    ds : a result of `solve`, or of `spikes`
    rule : SpikeRule, optional
    start, stop : float, optional
        Window to look at, ms; see `spikes`. Default: the whole record.
    pool : {"trial", "neuron"} or name of a sweep, optional
        Take the intervals of all trains along this dim together. Pairs of successive intervals are
        always of one train.

    Returns
    -------
    Dataset
        Dims (trial, neuron), less `pool`: count (of intervals), mean (ms), sd (ms, divided by
        count - 1), cv, cv2, lv, serial_correlation. NaN where there are too few intervals; the
        attribute `nan_means` of each variable tells how many it needs.

    Raises
    ------
    ValueError
        If there is no dim `pool`, or `ds` has neither spikes nor V, or spikes of another rule.

    References
    ----------
    CV2: Holt, Softky, Koch & Douglas 1996, J. Neurophysiol. 75, 1806,
    doi:10.1152/jn.1996.75.5.1806. LV: Shinomoto, Shima & Tanji 2003, Neural Comput. 15, 2823,
    doi:10.1162/089976603322518759. Serial correlation: Cox & Lewis 1966, The Statistical Analysis
    of Series of Events, doi:10.1007/978-94-011-7801-3.

    Examples
    --------
    >>> import hh_sde as hh
    >>> net = hh.Network(1, stimulus=10.0, noise=hh.CurrentNoise(2.0))
    >>> ds = hh.solve(net, 500.0, rng=1, trials=4, record=("spikes",))
    >>> found = interval_statistics(ds, pool="trial")
    >>> found.sizes["neuron"], bool(found.cv[0] < 0.5)
    (1, True)
    """
    trains = Trains.of(ds, rule, start, stop, of_own_length=True)
    coords, groups = trains.groups(pool)
    rows = [_statistics([np.diff(train) for train in group], trains.end) for group in groups]
    variables = {
        name: Labelled([row[name] for row in rows], *text) for name, text in STATISTICS.items()
    }
    return trains.dataset(variables, coords)


def coefficient_of_variation(lengths: np.ndarray) -> float:
    """Standard deviation (divided by count - 1) over mean; NaN for fewer than 2 intervals."""
    if lengths.size < 2:
        return np.nan
    origin = lengths.mean()
    return float(variation(moments(lengths, origin).sum(axis=-1), origin))


def moments(lengths: np.ndarray, origin: float, weights: float | np.ndarray = 1.0) -> np.ndarray:
    """What `variation` needs the sums of, (4, intervals): w, w^2, w (T - origin), w (T - origin)^2.

    An origin near the mean keeps the digits of a small standard deviation.
    """
    w, d = np.broadcast_to(weights, lengths.shape), lengths - origin
    return np.stack([w, w**2, w * d, w * d**2])


def variation(sums: np.ndarray, origin: float) -> np.ndarray:
    """Coefficient of variation from sums of `moments`, (4, ...) to (...).

    The one formula of the package: with equal weights the standard deviation is that divided by
    count - 1. NaN for fewer than 2 intervals.
    """
    w, w2, wd, wd2 = sums
    with np.errstate(invalid="ignore", divide="ignore"):
        freedom = w - w2 / w  # count - 1
        variance = np.maximum(wd2 - wd**2 / w, 0.0) / np.where(freedom > 1e-9 * w, freedom, np.nan)
        return np.sqrt(variance) / (origin + wd / w)


def _statistics(lengths: list[np.ndarray], latest: float) -> dict[str, float]:
    """The statistics of the intervals of some trains, whose spike times reach up to `latest`."""
    T = np.concatenate(lengths)
    first = np.concatenate([one[:-1] for one in lengths])
    second = np.concatenate([one[1:] for one in lengths])
    mean = T.mean() if T.size else np.nan
    contrast = (second - first) / (second + first)
    return {
        "count": T.size,
        "mean": mean,
        "sd": T.std(ddof=1) if T.size > 1 else np.nan,
        "cv": coefficient_of_variation(T),
        "cv2": 2 * np.abs(contrast).mean() if contrast.size else np.nan,
        "lv": 3 * (contrast**2).mean() if contrast.size else np.nan,
        "serial_correlation": _serial_correlation(T, first - mean, second - mean, latest),
    }


def _serial_correlation(
    T: np.ndarray, first: np.ndarray, second: np.ndarray, latest: float
) -> float:
    # differences of spike times are no finer than the spacing of floats there: below it the
    # correlation would be that of rounding errors
    if first.size < 2 or T.std() < 4 * np.spacing(abs(latest)):
        return np.nan
    return float((first * second).mean() / T.var())
