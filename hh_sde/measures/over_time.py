"""Variables over time, and the span of their record."""

from __future__ import annotations

import numpy as np
import xarray as xr

from hh_sde import stated
from hh_sde.dataset import spikes_alone
from hh_sde.records import numbers, shown


def traces(ds: xr.Dataset) -> xr.Dataset:
    """What a result holds over time, without the spikes and the last state that stand beside it.

    Spikes have a dim of their own: with them ``ds.to_dataframe()`` would have a row for each time
    and each spike. ``ds.hh.traces()`` is one table, and ``ds.hh.spikes()`` another.

    Parameters
    ----------
    ds : a result of `solve`

    Returns
    -------
    Dataset
        The variables with the dim `time`, as they are.

    Raises
    ------
    ValueError
        If there are none.

    Examples
    --------
    >>> import hh_sde as hh
    >>> ds = hh.solve(hh.Network(1, stimulus=10.0), 50.0, record=("V", "spikes"), save_dt=0.5)
    >>> traces(ds).to_dataframe().shape, hh.measures.spikes(ds).to_dataframe().shape
    ((101, 1), (4, 2))
    """
    names = [name for name, variable in ds.data_vars.items() if "time" in variable.dims]
    if not names:
        raise ValueError(
            f"there are no traces; there is {', '.join(map(str, ds.data_vars)) or 'nothing'}"
            + hint_of_traces(ds)
        )
    return ds[names]


def over_time(ds: xr.Dataset, variable: str) -> xr.DataArray:
    """A variable over time.

    Raises
    ------
    ValueError
        If there is none.
    """
    if variable not in ds or "time" not in ds[variable].dims:
        known = [str(name) for name, one in ds.data_vars.items() if "time" in one.dims]
        raise ValueError(
            f"there is no variable {variable!r} over time; there is {', '.join(known) or 'none'}"
            + hint_of_traces(ds)
        )
    see_numbers(ds[variable])
    return ds[variable]


def see_numbers(variable: xr.DataArray) -> None:
    """See that a variable holds real numbers.

    Raises
    ------
    TypeError, ValueError
        If it does not, or holds nothing.
    """
    if variable.dtype.kind not in "iuf":
        raise TypeError(f"{variable.name} must hold real numbers, got {variable.dtype}")
    if not variable.size:
        raise ValueError(f"{variable.name} is empty: nothing of it is left, {dict(variable.sizes)}")


def hint_of_traces(ds: xr.Dataset) -> str:
    """How to come from spikes alone to traces, for an error."""
    hint = "; these are spikes alone, whose traces hh_sde.rerun(ds, record=('V',)) makes"
    return hint if spikes_alone(ds) else ""


def finite_times(ds: xr.Dataset) -> np.ndarray:
    """The times of a record, ms.

    Raises
    ------
    TypeError, ValueError
        If there are none, or they are no finite numbers.
    """
    if "time" not in ds.coords or ds.time.dims not in ((), ("time",)):
        raise ValueError("there is no coordinate time, along a dim of that name")
    times = numbers(np.atleast_1d(ds.time.values), "time", "numbers (ms)")
    if not times.size or not np.all(np.isfinite(times)):
        raise ValueError(f"time must be a row of finite numbers (ms), got {shown(times)}")
    return times


def increasing_times(ds: xr.Dataset) -> np.ndarray:
    """The times of a record, ms.

    Raises
    ------
    ValueError
        If they do not increase.
    """
    times = finite_times(ds)
    if np.any(np.diff(times) <= 0):
        k = int(np.argmax(np.diff(times) <= 0))
        raise ValueError(
            f"time must increase, but {times[k + 1]:g} ms follows {times[k]:g} ms; "
            'ds.sortby("time").drop_duplicates("time") would make it so'
        )
    return times


def end_of_record(ds: xr.Dataset, times: np.ndarray) -> float:
    """When the record of traces ends, ms: a run may stop between two saves."""
    last = float(times[-1])
    here = {"t_end": last, "save_dt": 0.0, **ds.attrs}
    t_end, save_dt = stated.number(here, "t_end"), stated.number(here, "save_dt")
    # what was cut off ends a save earlier; what was stopped between two saves, less; what was put
    # together goes on beyond the end of its first part
    return t_end if -1e-6 <= (t_end - last) / (save_dt or np.inf) < 1 - 1e-6 else last
