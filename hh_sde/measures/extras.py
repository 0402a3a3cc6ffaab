"""Measures of other libraries, on the Datasets of this one.

Each library is an optional extra and is imported when its measure is called.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from hh_sde.dataset import along_neurons
from hh_sde.errors import optional
from hh_sde.measures.correlation import evenly_sampled
from hh_sde.measures.labels import Labelled, labels
from hh_sde.measures.train_arrays import Trains
from hh_sde.spike_rule import SpikeRule

#: Variable: the feature of eFEL, units, long name.
FEATURES = {
    "threshold": ("AP_begin_voltage", "mV", "potential where the spike begins"),
    "half_width": ("spike_half_width", "ms", "width of the spike at half its height"),
    "ahp": ("min_AHP_values", "mV", "lowest potential after the spike"),
}


#: Why a spike lacks one of them.
CUT = "the record does not hold the part of the spike that eFEL takes it from"


def action_potentials(ds: xr.Dataset, *, level: float = 0.0) -> xr.Dataset:
    """Shape of every action potential, by eFEL (``pip install hh_sde[efel]``).

    Parameters
    ----------
    ds : Dataset with V over (trial, time, neuron), evenly spaced in time
    level : float
        Potential that the peak of a spike must exceed, mV. eFEL counts every crossing: a
        `SpikeRule` does not apply.

    Returns
    -------
    Dataset
        Ragged, dim `spike`: peak_time (ms), peak (mV), threshold (mV, eFEL's AP_begin_voltage),
        half_width (ms, spike_half_width: at half the height over the afterhyperpolarisation), ahp
        (mV, min_AHP_values), neuron, trial and swept parameters as in `spikes`. A spike that eFEL
        cannot measure (cut off by an end of the record, say) has NaN.

    Raises
    ------
    ImportError
        If eFEL is not installed.
    ValueError
        If there is no V over evenly spaced times.

    References
    ----------
    Ranjan et al., eFEL, doi:10.5281/zenodo.593869, which defines the features.

    Examples
    --------
    >>> import hh_sde as hh
    >>> ds = hh.solve(hh.Network(1, stimulus=10.0), 60.0)
    >>> action_potentials(ds).peak.values.round(1)
    array([40.5, 31.2, 30.8, 30.8])
    """
    efel = optional("efel")
    V, step = evenly_sampled(along_neurons(ds), "V")
    dims = [dim for dim in V.dims if dim != "time"]
    rows = V.transpose(*dims, "time").values.reshape(-1, V.sizes["time"])
    efel.reset()
    efel.set_setting("Threshold", float(level))
    efel.set_setting("interp_step", step)
    features = [_features(efel, ds.time.values, row, level) for row in rows]
    efel.reset()
    train = np.repeat(np.arange(len(rows)), [len(one["peak"]) for one in features])
    where = np.unravel_index(train, [V.sizes[dim] for dim in dims])
    described = {
        "peak_time": labels("ms", "time of the peak"),
        "peak": labels("mV", "potential at the peak"),
        **{name: {**labels(*text), "nan_means": CUT} for name, (_, *text) in FEATURES.items()},
    }
    data: dict[Any, Any] = {
        name: ("spike", np.concatenate([one[name] for one in features]), attrs)
        for name, attrs in described.items()
    }
    for dim, places in zip(dims, where, strict=True):
        data[dim] = ("spike", V[dim].values[places], V[dim].attrs)
    return xr.Dataset(data, attrs={**ds.attrs, "efel_level": float(level)})


def isi_distance(
    ds: xr.Dataset,
    rule: SpikeRule | None = None,
    *,
    between: str = "neuron",
    start: float | None = None,
    stop: float | None = None,
) -> xr.Dataset:
    r"""Pairwise ISI-distance of the spike trains, by PySpike (``pip install hh_sde[pyspike]``).

    .. math::

        D = \frac1T \int \frac{|T_1(t) - T_2(t)|}{\max(T_1(t), T_2(t))} \, dt

    with :math:`T_k(t)` the interspike interval of train k that holds t: 0 for equal trains, below 1
    always.

    Parameters
    ----------
    ds : a result of `solve`, or of `spikes`
    rule : SpikeRule, optional
    start, stop : float, optional
        Window to look at, ms; see `spikes`. Default: the whole record.
    between : {"neuron", "trial"} or name of a sweep
        The dim whose trains are compared: neurons tell of synchrony, trials of reliability.

    Returns
    -------
    Dataset
        isi_distance, dims (trial, neuron, neuron_other): the other dims, `between`, and `between`
        again with the ending `_other`. NaN where one of the trains has no spike.

    Raises
    ------
    ImportError
        If PySpike is not installed.
    ValueError
        If there is no dim `between`.

    References
    ----------
    Kreuz et al. 2007, J. Neurosci. Methods 165, 151, doi:10.1016/j.jneumeth.2007.05.031.
    PySpike: Mulansky & Kreuz 2016, SoftwareX 5, 183, doi:10.1016/j.softx.2016.07.006.

    Examples
    --------
    >>> import hh_sde as hh
    >>> ds = hh.solve(hh.Network(2, stimulus=[8.0, 20.0]), 200.0, record=("spikes",))
    >>> isi_distance(ds).isi_distance.values.round(1)  # doctest: +SKIP
    array([[0. , 0.3],
           [0.3, 0. ]])
    """
    return _distances(ds, rule, start, stop, between, "isi_distance", "ISI-distance")


def spike_distance(
    ds: xr.Dataset,
    rule: SpikeRule | None = None,
    *,
    between: str = "neuron",
    start: float | None = None,
    stop: float | None = None,
) -> xr.Dataset:
    """Pairwise SPIKE-distance of the spike trains, by PySpike (``pip install hh_sde[pyspike]``).

    The time average of the distance from the surrounding spikes of each train to the nearest
    spikes of the other, relative to the local interval: 0 for equal trains, at most 1. Unlike the
    ISI-distance it is sensitive to the times of the spikes, not of their intervals only.

    Parameters
    ----------
    ds : a result of `solve`, or of `spikes`
    rule : SpikeRule, optional
    start, stop : float, optional
        Window to look at, ms; see `spikes`. Default: the whole record.
    between : {"neuron", "trial"} or name of a sweep
        The dim whose trains are compared: neurons tell of synchrony, trials of reliability.

    Returns
    -------
    Dataset
        spike_distance, dims (trial, neuron, neuron_other): the other dims, `between`, and `between`
        again with the ending `_other`. NaN where one of the trains has no spike.

    Raises
    ------
    ImportError
        If PySpike is not installed.
    ValueError
        If there is no dim `between`.

    References
    ----------
    Kreuz, Chicharro, Houghton, Andrzejak & Mormann 2013, J. Neurophysiol. 109, 1457,
    doi:10.1152/jn.00873.2012.
    PySpike: Mulansky & Kreuz 2016, SoftwareX 5, 183, doi:10.1016/j.softx.2016.07.006.

    Examples
    --------
    >>> import hh_sde as hh
    >>> ds = hh.solve(hh.Network(2, stimulus=10.0), 200.0, record=("spikes",))
    >>> spike_distance(ds).spike_distance.values  # doctest: +SKIP
    array([[0., 0.],
           [0., 0.]])
    """
    return _distances(ds, rule, start, stop, between, "spike_distance", "SPIKE-distance")


def _features(efel: Any, times: np.ndarray, V: np.ndarray, level: float) -> dict[str, np.ndarray]:
    """The features of the spikes in one trace, NaN where eFEL has none."""
    trace = {"T": times, "V": V, "stim_start": [times[0]], "stim_end": [times[-1]]}
    names = [feature for feature, *_ in FEATURES.values()]
    wanted = ["peak_time", "peak_voltage", "AP_begin_indices", "min_AHP_indices", *names]
    (got,) = efel.get_feature_values([trace], wanted, raise_warnings=False)
    got = {name: np.zeros(0) if value is None else value for name, value in got.items()}
    peak_time = got["peak_time"]
    begins = np.searchsorted(peak_time, times[got["AP_begin_indices"].astype(int)])
    ends = np.searchsorted(peak_time, times[got["min_AHP_indices"].astype(int)]) - 1
    widths = np.array(got["spike_half_width"])
    if widths.size and V[0] >= level:
        widths[0] = np.nan  # eFEL takes the first interval of such a record for its width
    whole = np.arange(peak_time.size)
    return {
        "peak_time": peak_time,
        "peak": got["peak_voltage"],
        "threshold": _at(begins, got["AP_begin_voltage"], whole.size),
        "half_width": _at(whole, widths, whole.size),
        "ahp": _at(ends, got["min_AHP_values"], whole.size),
    }


def _at(places: np.ndarray, values: np.ndarray, size: int) -> np.ndarray:
    """An array of `size` that has `values` at `places`, and NaN elsewhere."""
    array = np.full(size, np.nan)
    n = min(places.size, values.size)  # features of cut-off spikes are missing at the end
    array[places[:n]] = values[:n]
    return array


def _distances(
    ds: xr.Dataset,
    rule: SpikeRule | None,
    start: float | None,
    stop: float | None,
    between: str,
    name: str,
    long_name: str,
) -> xr.Dataset:
    pyspike = optional("pyspike")
    trains = Trains.of(ds, rule, start, stop)
    if between not in trains.coords:
        raise ValueError(
            f"there is no dim {between!r} to compare along; there are {', '.join(trains.coords)}"
        )
    coords, groups = trains.groups(between)
    values = trains.coords[between]
    matrix = getattr(pyspike, f"{name}_matrix")
    edges = [trains.start, trains.end]
    distances = np.full((len(groups), len(values), len(values)), np.nan)
    for row, group in zip(distances, groups, strict=True):
        fired = np.flatnonzero([train.size for train in group])
        if fired.size > 1:
            row[np.ix_(fired, fired)] = matrix([pyspike.SpikeTrain(group[k], edges) for k in fired])
        row[fired, fired] = 0.0
    other = f"{between}_other"
    label = trains.units.get(between, labels("1", f"{between} number"))
    return trains.dataset(
        {name: Labelled(distances, "1", f"{long_name} of spike trains", "a train has no spike")},
        {
            **coords,
            between: values,
            other: Labelled(values, label["units"], f"other {label['long_name']}"),
        },
    )
