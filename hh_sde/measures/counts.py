"""Spike counts: rates, their time course, and the variability of counts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from hh_sde.measures.arguments import checked
from hh_sde.measures.detection import SpikeRule
from hh_sde.measures.labels import Labelled
from hh_sde.measures.train_arrays import Trains


def rates(
    ds: xr.Dataset,
    rule: SpikeRule | None = None,
    *,
    start: float | None = None,
    stop: float | None = None,
) -> xr.Dataset:
    """Firing rate of every neuron (and trial): spikes divided by the length of the record.

    Of a trial that ``solve(stop=...)`` ended, the record is that up to its stop_time.

    Parameters
    ----------
    ds : a result of `solve`, or of `spikes`
    rule : SpikeRule, optional
    start, stop : float, optional
        Window to look at, ms; see `spikes`. Default: the whole record.

    Returns
    -------
    Dataset with rate (Hz) and count, dims (trial, neuron) or (neuron,)

    Raises
    ------
    ValueError
        If `ds` has neither spikes nor V, or spikes of another rule.

    Examples
    --------
    >>> import hh_sde as hh
    >>> ds = hh.solve(hh.Network(1, stimulus=10.0), 100.0)
    >>> rates(ds).rate.values
    array([70.])
    """
    trains = Trains.of(ds, rule, start, stop, of_own_length=True)
    duration = trains.ends - trains.start
    never = not duration.all()
    count = np.array([train.size for train in trains.times], dtype=np.int64)
    return trains.dataset(
        {
            "rate": Labelled(
                1e3 * count / np.where(duration > 0, duration, np.nan),
                "Hz",
                "firing rate",
                "its trial stopped before" if never else "",
            ),
            "count": Labelled(count, "1", "number of spikes"),
        },
        trains.coords,
    )


def fano_factor(
    ds: xr.Dataset,
    window: float | Sequence[float],
    rule: SpikeRule | None = None,
    *,
    start: float | None = None,
    stop: float | None = None,
) -> xr.Dataset:
    r"""Fano factor of spike counts in windows: :math:`F(T) = \mathrm{Var}\, n / \langle n \rangle`.

    Mean and variance (divided by windows - 1) are taken over the windows, laid one after the other
    from the start of the record, of all trials. F is 1 for a Poisson train at any T, tends to
    :math:`\mathrm{CV}^2 (1 + 2 \sum_k \rho_k)` for long windows over a stationary train, and to 1
    for short ones.

    Parameters
    ----------
    ds : a result of `solve`, or of `spikes`
    window : float or sequence of float
        Length(s) T of the windows, ms.
    rule : SpikeRule, optional
    start, stop : float, optional
        Window to look at, ms; see `spikes`. Default: the whole record.

    Returns
    -------
    Dataset
        fano_factor, mean_count (window, neuron), and windows (window), how many there were, over
        all trials. `window` is a dim only if several were given.

    Raises
    ------
    TypeError, ValueError
        If a window is not positive or longer than the record.

    References
    ----------
    Fano 1947, Phys. Rev. 72, 26, doi:10.1103/PhysRev.72.26.

    Examples
    --------
    >>> import hh_sde as hh
    >>> net = hh.Network(1, stimulus=10.0, noise=hh.CurrentNoise(2.0))
    >>> ds = hh.solve(net, 500.0, rng=1, trials=4, record=("spikes",))
    >>> bool(fano_factor(ds, 100.0).fano_factor[0] < 0.5)
    True
    """
    trains = Trains.of(ds, rule, start, stop)
    widths = np.atleast_1d(window).tolist()
    coords, groups = trains.groups("trial")
    spreads = [
        [_spread(trains.counts(group, checked(width, "window", most=trains.duration)))
         for group in groups]
        for width in widths
    ]  # fmt: skip
    mean, factor, number = np.moveaxis(np.array(spreads, dtype=float), -1, 0)
    missing = "no spikes, or fewer than 2 windows"
    result = trains.dataset(
        {
            "fano_factor": Labelled(factor, "1", "Fano factor of the spike count", missing),
            "mean_count": Labelled(mean, "1", "mean spike count in a window"),
            "windows": Labelled(
                number[:, 0].astype(int), "1", "number of windows", "", ("window",)
            ),
        },
        {"window": Labelled(widths, "ms", "length of the window"), **coords},
    )
    return result.isel(window=0) if np.ndim(window) == 0 else result


def psth(
    ds: xr.Dataset,
    bin: float,
    rule: SpikeRule | None = None,
    *,
    start: float | None = None,
    stop: float | None = None,
) -> xr.Dataset:
    """Peristimulus time histogram: the firing rate in bins of time, averaged over trials.

    Parameters
    ----------
    ds : a result of `solve`, or of `spikes`
    bin : float
        Width of a bin, ms. What is left after the last whole bin is not counted.
    rule : SpikeRule, optional
    start, stop : float, optional
        Window to look at, ms; see `spikes`. Default: the whole record.

    Returns
    -------
    Dataset
        rate (Hz) and count (summed over trials), dims (time, neuron); `time` is the middle of the
        bin, ms.

    Raises
    ------
    TypeError, ValueError
        If `bin` is not positive or longer than the record.

    References
    ----------
    Gerstein & Kiang 1960, Biophys. J. 1, 15, doi:10.1016/S0006-3495(60)86872-5.

    Examples
    --------
    >>> import hh_sde as hh
    >>> ds = hh.solve(hh.Network(2, stimulus=10.0), 50.0)
    >>> psth(ds, 10.0).rate.values[:, 0]
    array([100., 100.,   0., 100., 100.])
    """
    trains = Trains.of(ds, rule, start, stop)
    bin = checked(bin, "bin", most=trains.duration)
    coords, groups = trains.groups("trial")
    count = np.array([trains.counts(group, bin).sum(axis=0) for group in groups])
    middles = trains.start + bin * (np.arange(count.shape[1]) + 0.5)
    result = trains.dataset(
        {
            "rate": Labelled(1e3 * count / (len(groups[0]) * bin), "Hz", "firing rate"),
            "count": Labelled(count, "1", "number of spikes in all trials"),
        },
        {**coords, "time": Labelled(middles, "ms", "time")},
    )
    return result.transpose(..., "time", "neuron")


def _spread(counts: np.ndarray) -> tuple[float, float, int]:
    mean = counts.mean()
    factor = counts.var(ddof=1) / mean if counts.size > 1 and mean > 0 else np.nan
    return mean, factor, counts.size
