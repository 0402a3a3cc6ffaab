"""Labelling: the one place where arrays become an xarray.Dataset, and where one is checked.

Schema: dims (trial, time, neuron) for a network and (trial, time, component) for any other SDE,
`trial` only where trials were asked for. Spikes are ragged over a dim `spike`: spike_time, neuron
and trial where they stand alone, spike_time, spike_neuron and spike_trial beside traces; the
attribute n_spikes is how many were found. The last state of a run that its traces do not hold:
`hh_sde.continuation`. Every variable and coordinate has `units` and
`long_name`. Attributes are text or numbers, so that netCDF and zarr take them, and hold nothing
that differs between equal runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

COORDINATES = {
    "trial": ("1", "trial number"),
    "time": ("ms", "time"),
    "neuron": ("1", "neuron number"),
    "component": ("1", "component of the state"),
}
#: Attributes that every result of `solve` has.
REQUIRED_ATTRIBUTES = ("hh_sde_version", "method", "dt", "interpretation", "noise_type")


def build(
    values: Mapping[str, np.ndarray],
    labels: Mapping[str, tuple[str, str]],
    coords: Mapping[str, Any],
    attrs: Mapping[str, Any],
    arrays: Mapping[str, tuple[np.ndarray, str]],
) -> xr.Dataset:
    """A Dataset of `values`, whose dims are the coordinates in their order.

    Parameters
    ----------
    values : mapping of variable name to array
    labels : mapping of variable name to (units, long name)
    coords : mapping of dim to coordinate values, in order
    attrs : mapping
        What tells how to run it again; None is left out.
    arrays : mapping of variable name to (array, units)
        Long arrays that the description of the network refers to.
    """
    dims = tuple(coords)
    ds = xr.Dataset(
        {name: (dims, values[name], _labels(*labels[name])) for name in values},
        coords={dim: (dim, np.asarray(coords[dim]), _labels(*COORDINATES[dim])) for dim in dims},
    )
    return label(ds, attrs, arrays)


def label(
    ds: xr.Dataset, attrs: Mapping[str, Any], arrays: Mapping[str, tuple[np.ndarray, str]]
) -> xr.Dataset:
    """`ds` with the attributes and arrays of `build`; attributes it has already stand."""
    plain = {name: _plain(value) for name, value in attrs.items() if value is not None}
    ds = ds.assign_attrs({**plain, **ds.attrs})
    for name, (array, units) in arrays.items():
        long_name = f"part of the network's description: {name.replace('_', ' ')}"
        own_dims = tuple(f"{name}_dim{axis}" for axis in range(array.ndim))
        ds[name] = (own_dims, array, _labels(units, long_name))
    return ds


def spikes_alone(ds: xr.Dataset) -> bool:
    """Whether `ds` is one of spikes, without traces."""
    return "spike_time" in ds and "spike_neuron" not in ds


def statistics_labels(labels: Mapping[str, tuple[str, str]]) -> dict[str, tuple[str, str]]:
    """Labels of V_mean, V_var and their like from those of V."""
    found = {}
    for name, (units, long_name) in labels.items():
        squared = "1" if units == "1" else f"({units})^2" if "/" in units else f"{units}^2"
        found[f"{name}_mean"] = (units, f"mean over trials of the {long_name}")
        found[f"{name}_var"] = (squared, f"variance over trials of the {long_name}")
    return found


def validate(ds: xr.Dataset) -> xr.Dataset:
    """Check that `ds` keeps to the schema; return it.

    Raises
    ------
    TypeError, ValueError
        With all that is wrong, and what would be right.

    Examples
    --------
    >>> validate(xr.Dataset({"V": ("time", [0.0])}))
    Traceback (most recent call last):
    ...
    ValueError: this Dataset does not keep to the schema of hh_sde:
    - V has no attribute 'units'
    ...
    """
    if not isinstance(ds, xr.Dataset):
        raise TypeError(f"validate takes an xarray.Dataset, got {type(ds).__name__}")
    faults = [
        f"{name} has no attribute {attribute!r}"
        for name, variable in ds.variables.items()
        for attribute in ("units", "long_name")
        if not variable.attrs.get(attribute)
    ]
    faults += [
        f"the Dataset has no attribute {attribute!r}"
        for attribute in REQUIRED_ATTRIBUTES
        if attribute not in ds.attrs
    ]
    faults += [
        f"attribute {name!r} is {type(value).__name__}; netCDF takes text and numbers"
        for name, value in ds.attrs.items()
        if isinstance(value, bool) or not isinstance(value, str | int | float | np.number)
    ]
    faults += _dimension_faults(ds)
    if faults:
        raise ValueError("this Dataset does not keep to the schema of hh_sde:\n- "
                         + "\n- ".join(faults))  # fmt: skip
    return ds


def _dimension_faults(ds: xr.Dataset) -> list[str]:
    faults = _spike_faults(ds) if "spike" in ds.dims else []
    if spikes_alone(ds):
        return faults
    if "time" not in ds.coords:
        faults.append("there is no coordinate 'time'")
    elif ds.time.size > 1 and not bool(np.all(np.diff(ds.time) > 0)):
        faults.append("time does not increase")
    wanted = ("trial", "time", "neuron" if "neuron" in ds.dims else "component")
    for name, variable in ds.data_vars.items():
        if "time" in variable.dims and tuple(d for d in wanted if d in ds.dims) != variable.dims:
            faults.append(f"{name} has dims {variable.dims}, not {wanted} (trial may be missing)")
    return faults


def _spike_faults(ds: xr.Dataset) -> list[str]:
    beside = "spike_" if "spike_neuron" in ds else ""
    wanted = ["spike_time", f"{beside}neuron", *([f"{beside}trial"] if "trial" in ds else [])]
    faults = [
        f"{name} is missing, or has other dims than spike"
        for name in wanted
        if name not in ds or ds[name].dims != ("spike",)
    ]
    found = ds.attrs.get("n_spikes")
    if found != ds.sizes["spike"]:
        faults.append(f"there are {ds.sizes['spike']} spikes, but n_spikes is {found}")
    return faults


def _labels(units: str, long_name: str) -> dict[str, str]:
    return {"units": units, "long_name": long_name}


def _plain(value: Any) -> str | int | float:
    if isinstance(value, str):
        return value
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        return int(value)
    if isinstance(value, float | np.floating):
        return float(value)
    raise TypeError(f"an attribute must be text or a number, got {value!r}")
