"""A part of a result between two times."""

from __future__ import annotations

import numpy as np
import xarray as xr

from hh_sde.dataset import last_state_names, spikes_alone
from hh_sde.measures.arguments import window_bounds
from hh_sde.measures.over_time import end_of_record, increasing_times
from hh_sde.measures.swept import is_swept, spikes_between
from hh_sde.measures.trains import chosen, see_columns, window_of_spikes


def window(ds: xr.Dataset, start: float | None = None, stop: float | None = None) -> xr.Dataset:
    """The part of a result between two times: its traces and its spikes alike.

    Parameters
    ----------
    ds : a result of `solve`, of `sweep`, or of `spikes`
    start, stop : float, optional
        ms. Traces are kept where start <= t <= stop; spikes where start <= t < stop, or <= stop at
        the end of the record. Default: the beginning, the end.

    Returns
    -------
    Dataset
        Like `ds`, its attributes t_start and t_end those of the window, so that rates are. A run is
        continued from it only if the window goes to the end.

    Raises
    ------
    ValueError
        If there is no such window, or nothing with times.

    Examples
    --------
    >>> import hh_sde as hh
    >>> ds = hh.solve(hh.Network(1, stimulus=10.0), 50.0, record=("V", "spikes"), save_dt=0.5)
    >>> part = window(ds, 10.0, 40.0)
    >>> part.time.values[[0, -1]], part.spike_time.values.round(1)
    (array([10., 40.]), array([16.8, 31.5]))
    """
    if spikes_alone(ds):
        part = window_of_spikes(ds, start, stop)
    elif is_swept(ds):
        part = spikes_between(ds, start, stop)
        if "time" in ds.coords:
            traces = _of_traces(ds.drop_dims("spike"), start, stop)
            part = part.sel(time=traces.time)
    elif "time" in ds.coords:
        part = _of_traces(ds, start, stop)
    else:
        raise ValueError(
            "a window is cut out of traces or spikes; this Dataset has "
            + (", ".join(map(str, ds.data_vars)) or "nothing")
        )
    return part if part.attrs["t_end"] == ds.attrs.get("t_end") else _without_last_state(part)


def _of_traces(ds: xr.Dataset, start: float | None, stop: float | None) -> xr.Dataset:
    times = increasing_times(ds)
    last = end_of_record(ds, times)
    start, stop = window_bounds(float(times[0]), last, start, stop)
    rounding = 1e-6 * np.diff(times).min(initial=1.0)
    inside = (times >= start - rounding) & (times <= stop + rounding)
    part = ds.isel(time=inside).assign_attrs(t_start=start, t_end=stop)
    if "spike_time" not in ds:
        return part
    see_columns(ds)
    time = ds.spike_time.values
    return chosen(part, (time >= start) & ((time < stop) | (stop == last)))


def _without_last_state(ds: xr.Dataset) -> xr.Dataset:
    """Without the state at the end of the run (`hh_sde.continuation`), which is not this end."""
    part = ds.drop_vars(last_state_names(ds)).assign_attrs()
    part.attrs.pop("last_state", None)
    return part
