"""Spikes of sweeps: those of the cells that were chosen, gathered, or of a window of time."""

from __future__ import annotations

import json

import numpy as np
import xarray as xr

from hh_sde.measures.arguments import window_bounds
from hh_sde.measures.trains import attributes_of_run, ragged_over, see_columns

_SPIKES = ("spike_time", "spike_start", "spike_count")


def is_swept(ds: xr.Dataset) -> bool:
    """Whether spikes are those of `hh_sde.sweep`, with where each cell's begin."""
    return set(_SPIKES) <= set(ds.variables)


def gathered(ds: xr.Dataset) -> xr.Dataset:
    """The spikes of the cells that are there, with their trial, neuron and what was swept.

    Cells that failed have none; the attribute `missing` says which they are.
    """
    see_columns(ds)
    count = ds.spike_count
    for name in ("neuron", "trial"):
        if name in ds.coords and not ds[name].ndim:
            count = count.expand_dims(name)
    usual = [dim for dim in ("trial", "neuron") if dim in count.dims]
    count = count.transpose(..., *usual)
    start = ds.spike_start.broadcast_like(count).transpose(*count.dims)
    place, train = _places(start.values, count.values)
    coords = {str(dim): _labels_of(count, str(dim)) for dim in count.dims}
    shape = tuple(map(len, coords.values()))
    attrs = attributes_of_run(ds)
    attrs = {name: value for name, value in attrs.items() if name != "sweep"}
    missing = np.flatnonzero(count.values.ravel() < 0)
    if missing.size:
        attrs["missing"] = json.dumps(missing.tolist())
    return ragged_over(
        ds.spike_time.values[place],
        dict(zip(coords, np.unravel_index(train, shape), strict=True)),
        coords,
        attrs,
        {dim: dict(count[dim].attrs) if dim in count.coords else {} for dim in coords},
    )


def spikes_between(ds: xr.Dataset, start: float | None, stop: float | None) -> xr.Dataset:
    """A result of a sweep with its spikes of a window alone."""
    last = ds.attrs["t_end"]
    start, stop = window_bounds(ds.attrs["t_start"], last, start, stop)
    count, first = ds.spike_count, ds.spike_start.transpose(*ds.spike_count.dims)
    place, train = _places(first.values, count.values)
    time = ds.spike_time.values[place]
    inside = (time >= start) & ((time < stop) | (stop == last))
    many = np.bincount(train[inside], minlength=count.size).reshape(count.shape)
    failed = count.values < 0
    begin = np.cumsum(many).reshape(many.shape) - many
    found = {
        "spike_time": ("spike", time[inside], ds.spike_time.attrs),
        "spike_start": (count.dims, np.where(failed, -1, begin), first.attrs),
        "spike_count": (count.dims, np.where(failed, -1, many), count.attrs),
    }
    part = ds.drop_vars(_SPIKES).assign(found)
    return part.assign_attrs(t_start=start, t_end=stop)


def _places(start: np.ndarray, count: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where in spike_time the spikes of each cell's neurons are, and which of these each is of."""
    own = np.maximum(count.ravel(), 0)
    first = np.maximum(start.ravel(), 0).astype(np.int64)
    before = np.cumsum(own) - own
    place = np.repeat(first - before, own) + np.arange(own.sum())
    return place, np.repeat(np.arange(own.size), own)


def _labels_of(count: xr.DataArray, dim: str) -> np.ndarray:
    return count[dim].values if dim in count.coords else np.arange(count.sizes[dim])
