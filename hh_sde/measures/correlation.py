"""Correlations over time lags: of spike trains, and of V with itself."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import xarray as xr

from hh_sde.measures.arguments import checked
from hh_sde.measures.labels import Labelled, labels
from hh_sde.measures.over_time import increasing_times, over_time
from hh_sde.measures.train_arrays import Trains
from hh_sde.spike_rule import SpikeRule

#: Pairs of spikes held in memory at a time.
MOST_PAIRS = 1 << 20


def autocorrelogram(
    ds: xr.Dataset,
    bin: float,
    max_lag: float,
    rule: SpikeRule | None = None,
    *,
    start: float | None = None,
    stop: float | None = None,
) -> xr.Dataset:
    r"""Rate of a neuron's spikes at a lag from each of its own spikes.

    .. math::

        \mathrm{rate}(\ell) = \frac{c(\ell)}{\mathrm{bin} \cdot r_0 \, (T - |\ell|)}

    with c the number of pairs of different spikes :math:`t_k - t_j` within half a bin of
    :math:`\ell`, T the length of the record and :math:`r_0` the rate of the reference spikes; the
    last factor is the number of reference spikes expected to have :math:`t_j + \ell` inside the
    record. So it is the neuron's mean rate at every lag for a Poisson train, and tends to it at
    lags beyond the correlation time of any other. Pairs are of one trial, and pooled over trials.

    Parameters
    ----------
    ds : a result of `solve`, or of `spikes`
    bin : float
        Width of a bin, ms. The bins are centred at the multiples of it.
    max_lag : float
        Largest lag, ms.
    rule : SpikeRule, optional
    start, stop : float, optional
        Window to look at, ms; see `spikes`. Default: the whole record.

    Returns
    -------
    Dataset
        rate (Hz) and count (pairs), dims (lag, neuron); lag in ms. NaN where there is no spike.

    Raises
    ------
    TypeError, ValueError
        If `bin` is not positive, or `max_lag` not below the length of the record.

    References
    ----------
    Perkel, Gerstein & Moore 1967, Biophys. J. 7, 391, doi:10.1016/S0006-3495(67)86596-2.

    Examples
    --------
    >>> import hh_sde as hh
    >>> ds = hh.solve(hh.Network(1, stimulus=10.0), 200.0, record=("spikes",))
    >>> found = autocorrelogram(ds, bin=1.0, max_lag=20.0)
    >>> found.lag.values[found["count"].values[:, 0] > 0]
    array([-15., 15.])
    """
    trains = Trains.of(ds, rule, start, stop)
    coords, groups = trains.groups("trial")
    lags = _lags(trains, bin, max_lag)
    correlograms = [_correlogram(trains, [(t, t) for t in group], lags, bin) for group in groups]
    return _histogram(trains, correlograms, lags, coords)


def crosscorrelogram(
    ds: xr.Dataset,
    i: int,
    j: int,
    bin: float,
    max_lag: float,
    rule: SpikeRule | None = None,
    *,
    start: float | None = None,
    stop: float | None = None,
) -> xr.Dataset:
    r"""Rate of neuron j at a lag from each spike of neuron i; at positive lags j fires after i.

    Counts and rate are those of `autocorrelogram`, with the spikes of i as the reference: where
    the two are independent, the rate is the mean rate of j at every lag.

    Parameters
    ----------
    ds : a result of `solve`, or of `spikes`
    i, j : int
        Numbers of the reference neuron and of the other.
    bin : float
        Width of a bin, ms. The bins are centred at the multiples of it.
    max_lag : float
        Largest lag, ms.
    rule : SpikeRule, optional
    start, stop : float, optional
        Window to look at, ms; see `spikes`. Default: the whole record.

    Returns
    -------
    Dataset
        rate (Hz) and count (pairs), dim (lag,); lag in ms. NaN where i has no spike.

    Raises
    ------
    TypeError, ValueError
        If there is no such neuron, the two are one, `bin` is not positive, or `max_lag` not below
        the length of the record.

    References
    ----------
    Perkel, Gerstein & Moore 1967, Biophys. J. 7, 419, doi:10.1016/S0006-3495(67)86597-4.

    Examples
    --------
    >>> import hh_sde as hh
    >>> ds = hh.solve(hh.Network(2, stimulus=[10.0, 9.0]), 200.0, record=("spikes",))
    >>> dict(crosscorrelogram(ds, 0, 1, bin=2.0, max_lag=20.0).sizes)
    {'lag': 21}
    """
    trains = Trains.of(ds, rule, start, stop)
    neurons = trains.coords["neuron"].tolist()
    for neuron in (i, j):
        if neuron not in neurons:
            raise ValueError(f"there is no neuron {neuron}; there are {neurons}")
    if i == j:
        raise ValueError(f"i and j are both neuron {i}; autocorrelogram takes one neuron")
    coords, groups = trains.groups("trial")
    lags = _lags(trains, bin, max_lag)
    n = len(neurons)
    pairs = zip(groups[neurons.index(i) :: n], groups[neurons.index(j) :: n], strict=True)
    correlograms = [
        _correlogram(trains, list(zip(one, other, strict=True)), lags, bin) for one, other in pairs
    ]
    sweeps = {name: values for name, values in coords.items() if name != "neuron"}
    return _histogram(trains, correlograms, lags, sweeps).assign_attrs(
        reference=int(i), other=int(j)
    )


def coherence_time(
    ds: xr.Dataset, variable: str = "V", *, max_lag: float | None = None
) -> xr.Dataset:
    r"""Correlation time of V, the coherence of noisy oscillations.

    .. math::

        \tau_c = \int_0^{\infty} C(t)^2 \, dt, \qquad
        C(t) = \frac{\langle \tilde V(s) \tilde V(s + t) \rangle}{\langle \tilde V^2 \rangle},
        \quad \tilde V = V - \langle V \rangle .

    Its maximum over the noise strength is coherence resonance. The integral ends at `max_lag`,
    which should be several times :math:`\tau_c`; the sampling error of C adds about
    :math:`2 \tau_c\, \mathrm{max\_lag} / T` for a record of length T.

    Parameters
    ----------
    ds : Dataset with `variable` over time
    variable : str
    max_lag : float, optional
        Where the integral ends, ms. Default: a tenth of the record.

    Returns
    -------
    Dataset with coherence_time (ms), dims those of the variable without time
        Lazy if the variable is. NaN where the variable is constant.

    Raises
    ------
    TypeError, ValueError
        If there is no such variable over evenly spaced times, or `max_lag` is not positive or is
        longer than the record.

    References
    ----------
    Pikovsky & Kurths 1997, Phys. Rev. Lett. 78, 775, doi:10.1103/PhysRevLett.78.775.

    Examples
    --------
    >>> import hh_sde as hh
    >>> net = hh.Network(1, stimulus=10.0, noise=hh.CurrentNoise(2.0))
    >>> ds = hh.solve(net, 500.0, rng=1, save_dt=0.1)
    >>> bool(coherence_time(ds).coherence_time[0] > 1.0)
    True
    """
    V, step = evenly_sampled(ds, variable)
    record = step * (V.sizes["time"] - 1)
    longest = checked(0.1 * record if max_lag is None else max_lag, "max_lag", most=record)
    time = xr.apply_ufunc(
        _squared_memory,
        V,
        kwargs={"step": step, "n_lags": round(longest / step)},
        input_core_dims=[["time"]],
        dask="parallelized",
        dask_gufunc_kwargs={"allow_rechunk": True},
        output_dtypes=[float],
    )
    text = f"correlation time of the {ds[variable].attrs.get('long_name', variable)}"
    time = time.assign_attrs(labels("ms", text), nan_means=f"{variable} does not change")
    return xr.Dataset({"coherence_time": time}, attrs={**ds.attrs, "max_lag": longest})


def evenly_sampled(ds: xr.Dataset, variable: str) -> tuple[xr.DataArray, float]:
    """A variable over time, and its sampling step (ms).

    Raises
    ------
    ValueError
        If there is no such variable over time, or its times are not evenly spaced.
    """
    V = over_time(ds, variable)
    steps = np.diff(increasing_times(ds))
    if steps.size == 0 or np.ptp(steps) > 1e-6 * abs(steps.mean()):
        raise ValueError("this measure needs at least two times, evenly spaced")
    return V, float((ds.time.values[-1] - ds.time.values[0]) / steps.size)


def _squared_memory(V: np.ndarray, step: float, n_lags: int) -> np.ndarray:
    """Integral of C^2 along the last axis, up to n_lags steps."""
    n = V.shape[-1]
    deviation = V - V.mean(axis=-1, keepdims=True)
    size = 1 << (2 * n - 1).bit_length()  # no wrapping round
    power = np.abs(np.fft.rfft(deviation, size)) ** 2
    covariance = np.fft.irfft(power, size)[..., : n_lags + 1] / (n - np.arange(n_lags + 1))
    # a constant has no memory, only rounding errors
    variance = covariance[..., :1]
    scale = np.abs(V).max(axis=-1, keepdims=True)
    changes = variance > (1e-14 * scale) ** 2
    C = covariance / np.where(changes, variance, np.nan)
    squared = C**2
    return step * (squared.sum(axis=-1) - 0.5 * (squared[..., 0] + squared[..., -1]))


def _lags(trains: Trains, bin: float, max_lag: float) -> np.ndarray:
    bin = checked(bin, "bin", most=trains.duration)
    longest = checked(max_lag, "max_lag", most=trains.duration)
    n = int(longest / bin + 1e-9)
    if n * bin >= trains.duration:
        raise ValueError(
            f"max_lag must be below the record's {trains.duration:g} ms, got {max_lag!r}"
        )
    return bin * np.arange(-n, n + 1)


def _correlogram(
    trains: Trains, pairs: list[tuple[np.ndarray, np.ndarray]], lags: np.ndarray, bin: float
) -> tuple[np.ndarray, np.ndarray]:
    """Counts of pairs at each lag, and the rate they mean, over (reference, other) trains."""
    n = len(lags) // 2
    count = np.zeros(len(lags), dtype=np.int64)
    for reference, other in pairs:
        for lag in _differences(reference, other, lags[-1] + bin / 2):
            # rounded away from zero on both sides, so that an autocorrelogram is symmetric
            place = (np.sign(lag) * np.floor(np.abs(lag) / bin + 0.5)).astype(np.int64)
            count += np.bincount(place[np.abs(place) <= n] + n, minlength=len(lags))
    spikes = sum(reference.size for reference, _ in pairs)
    expected = bin * spikes / trains.duration * (trains.duration - np.abs(lags))
    return count, 1e3 * count / (expected if spikes else np.nan)


def _differences(reference: np.ndarray, other: np.ndarray, longest: float) -> Iterator[np.ndarray]:
    """Arrays of other - reference up to `longest`; of one train, not of a spike with itself."""
    first = np.searchsorted(other, reference - longest, side="left")
    number = np.searchsorted(other, reference + longest, side="right") - first
    chunks = np.searchsorted(np.cumsum(number), np.arange(0, number.sum(), MOST_PAIRS))
    for chunk in np.split(np.arange(reference.size), np.unique(chunks)):
        base = np.repeat(chunk, number[chunk])
        starts = np.cumsum(number[chunk]) - number[chunk]
        partner = np.arange(base.size) + np.repeat(first[chunk] - starts, number[chunk])
        if other is reference:
            base, partner = base[base != partner], partner[base != partner]
        yield other[partner] - reference[base]


def _histogram(
    trains: Trains,
    correlograms: list[tuple[np.ndarray, np.ndarray]],
    lags: np.ndarray,
    coords: dict[str, np.ndarray],
) -> xr.Dataset:
    count, rate = (np.array(column) for column in zip(*correlograms, strict=True))
    result = trains.dataset(
        {
            "rate": Labelled(rate, "Hz", "firing rate at a lag from a spike", "no reference spike"),
            "count": Labelled(count, "1", "pairs of spikes"),
        },
        {**coords, "lag": Labelled(lags, "ms", "lag")},
    )
    return result.transpose(..., "lag", "neuron") if "neuron" in coords else result
