"""Power spectra of traces and of spike trains."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from hh_sde import memory
from hh_sde.measures.arguments import checked
from hh_sde.measures.correlation import evenly_sampled
from hh_sde.measures.labels import Labelled, labels
from hh_sde.measures.train_arrays import Trains
from hh_sde.spike_rule import SpikeRule

#: Complex numbers held in memory at a time.
MOST_PHASES = 1 << 20


def power_spectrum(
    ds: xr.Dataset,
    variable: str = "V",
    *,
    segment: float | None = None,
    window: str = "hann",
    overlap: float = 0.5,
    detrend: str = "constant",
) -> xr.Dataset:
    """Power spectral density of a variable over time, by Welch's method.

    One-sided, so that its integral over the frequencies is the variance.

    Parameters
    ----------
    ds : Dataset with `variable` over evenly spaced times
    variable : str
    segment : float, optional
        Length of the segments that are averaged, ms: its inverse is the resolution. Default: an
        eighth of the record.
    window : str
        A window of `scipy.signal.get_window`.
    overlap : float
        Overlap of the segments, a fraction of their length in [0, 1).
    detrend : {"constant", "linear"}
        What is taken off each segment.

    Returns
    -------
    Dataset
        power (units of the variable squared, per Hz), dims those of the variable with frequency
        (Hz) for time. Lazy if the variable is.

    Raises
    ------
    TypeError, ValueError
        If there is no such variable, its times are uneven, or `segment` or `overlap` is out of
        range.

    References
    ----------
    Welch 1967, IEEE Trans. Audio Electroacoust. 15, 70, doi:10.1109/TAU.1967.1161901.

    Examples
    --------
    >>> import hh_sde as hh
    >>> ds = hh.solve(hh.Network(1, stimulus=10.0), 2000.0, save_dt=0.1, record=["V"])
    >>> found = power_spectrum(ds, segment=1000.0)
    >>> found.power.isel(neuron=0).idxmax("frequency").item()
    68.0
    """
    V, step = evenly_sampled(ds, variable)
    record = step * V.sizes["time"]
    length = checked(record / 8 if segment is None else segment, "segment", most=record)
    if not 0 <= overlap < 1:
        raise ValueError(f"overlap must lie in [0, 1), got {overlap!r}")
    nperseg = max(round(length / step), 1)
    options = {
        "fs": 1e3 / step,
        "window": window,
        "nperseg": nperseg,
        "noverlap": int(overlap * nperseg),
        "detrend": detrend,
    }
    power = xr.apply_ufunc(
        _welch,
        V,
        kwargs=options,
        input_core_dims=[["time"]],
        output_core_dims=[["frequency"]],
        dask="parallelized",
        dask_gufunc_kwargs={
            "output_sizes": {"frequency": nperseg // 2 + 1},
            "allow_rechunk": True,
        },
        output_dtypes=[float],
    )
    dims = ["frequency" if dim == "time" else dim for dim in V.dims]
    power = power.transpose(*dims).assign_attrs(_power_labels(ds[variable]))
    frequency = np.fft.rfftfreq(nperseg, 1e-3 * step)
    power = power.assign_coords(frequency=("frequency", frequency, labels("Hz", "frequency")))
    return xr.Dataset({"power": power}, attrs={**ds.attrs, "segment": nperseg * step})


def spike_spectrum(
    ds: xr.Dataset,
    rule: SpikeRule | None = None,
    *,
    segment: float | None = None,
    max_frequency: float = 500.0,
    start: float | None = None,
    stop: float | None = None,
) -> xr.Dataset:
    r"""Power spectrum of the spike trains, :math:`S(f) = \langle |\tilde n(f)|^2 \rangle / T`.

    :math:`\tilde n(f) = \sum_k e^{-2 \pi i f t_k}` is evaluated exactly, without bins of time, at
    the multiples of 1/T above 0, where a constant rate drops out. The mean is over the segments of
    length T and over the trials. A Poisson train has S = r, the white-noise floor; every train
    tends to it at high frequencies, and a renewal train to :math:`r\,\mathrm{CV}^2` at low ones.

    Parameters
    ----------
    ds : a result of `solve`, or of `spikes`
    rule : SpikeRule, optional
    start, stop : float, optional
        Window to look at, ms; see `spikes`. Default: the whole record.
    segment : float, optional
        T, ms: its inverse is the resolution. Default: the record.
    max_frequency : float
        Hz.

    Returns
    -------
    Dataset
        power (Hz), dims (frequency, neuron), two-sided; floor (Hz), dim (neuron,), the mean rate
        of the segments. The attribute `averages` counts segments times trials: without
        averaging, the value of a Poisson train at one frequency is distributed exponentially.

    Raises
    ------
    TypeError, ValueError
        If `segment` is longer than the record, or no multiple of its inverse lies below
        `max_frequency`.

    References
    ----------
    Bair, Koch, Newsome & Britten 1994, J. Neurosci. 14, 2870,
    doi:10.1523/JNEUROSCI.14-05-02870.1994. Renewal trains: Stein, French & Holden 1972,
    Biophys. J. 12, 295, doi:10.1016/S0006-3495(72)86087-9.

    Examples
    --------
    >>> import hh_sde as hh
    >>> ds = hh.solve(hh.Network(1, stimulus=10.0), 1000.0, record=("spikes",))
    >>> spike_spectrum(ds, max_frequency=100.0).power.isel(neuron=0).idxmax("frequency").item()
    68.0
    """
    trains = Trains.of(ds, rule, start, stop)
    length = checked(
        trains.duration if segment is None else segment, "segment", most=trains.duration
    )
    max_frequency = checked(max_frequency, "max_frequency", unit="Hz")
    memory.require(
        16.0 * max_frequency * length / 1e3,
        f"the power at frequencies up to {max_frequency:g} Hz",
        "take a lower max_frequency",
    )
    frequency = 1e3 / length * np.arange(1, int(max_frequency * length / 1e3 + 1e-9) + 1)
    if frequency.size == 0:
        raise ValueError(
            f"max_frequency must be at least {1e3 / length:g} Hz (1/segment), got {max_frequency!r}"
        )
    coords, groups = trains.groups("trial")
    starts = trains.start + length * np.arange(int(trains.duration / length + 1e-9))
    pieces = [_pieces(group, starts, length) for group in groups]
    power = [np.mean([_periodogram(t, frequency) for t in row], axis=0) for row in pieces]
    floor = [np.mean([t.size for t in row]) for row in pieces]
    result = trains.dataset(
        {
            "power": Labelled(1e3 / length * np.array(power), "Hz", "power of the spike train"),
            "floor": Labelled(
                1e3 / length * np.array(floor),
                "Hz",
                "white-noise floor, the mean rate",
                "",
                tuple(coords),
            ),
        },
        {**coords, "frequency": Labelled(frequency, "Hz", "frequency")},
    )
    result = result.assign_attrs(segment=length, averages=len(pieces[0]))
    return result.transpose(..., "frequency", "neuron")


def _welch(V: np.ndarray, **options: Any) -> np.ndarray:
    from scipy.signal import welch  # slow to import, and needed here alone

    return welch(V, axis=-1, **options)[1]


def _power_labels(variable: xr.DataArray) -> dict[str, str]:
    units = variable.attrs.get("units", "1")
    squared = {"1": "1/Hz", "mV": "mV^2/Hz"}.get(units, f"({units})^2/Hz")
    long_name = variable.attrs.get("long_name", variable.name)
    return labels(squared, f"power spectral density of the {long_name}")


def _pieces(trains: list[np.ndarray], starts: np.ndarray, length: float) -> list[np.ndarray]:
    """The spikes of each segment of each train, from the segment's start on."""
    return [
        train[slice(*np.searchsorted(train, [start, start + length]))] - start
        for train in trains
        for start in starts
    ]


def _periodogram(times: np.ndarray, frequency: np.ndarray) -> np.ndarray:
    """|sum_k exp(-2 pi i f t_k)|^2 at each frequency (Hz), times in ms."""
    if times.size == 0:
        return np.zeros(frequency.size)
    chunks = np.array_split(frequency, -(-frequency.size * times.size // MOST_PHASES))
    sums = [np.exp(-2e-3j * np.pi * np.outer(f, times)).sum(axis=1) for f in chunks]
    return np.abs(np.concatenate(sums)) ** 2
