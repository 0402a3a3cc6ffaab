"""Spikes of sweeps: those of the cells that were chosen, gathered."""

from __future__ import annotations

import json

import numpy as np
import xarray as xr

from hh_sde.measures.trains import attributes_of_run, ragged_over


def is_swept(ds: xr.Dataset) -> bool:
    """Whether spikes are those of `hh_sde.sweep`, with where each cell's begin."""
    return {"spike_time", "spike_start", "spike_count"} <= set(ds.variables)


def gathered(ds: xr.Dataset) -> xr.Dataset:
    """The spikes of the cells that are there, with their trial, neuron and what was swept.

    Cells that failed have none; the attribute `missing` says which they are.
    """
    count = ds.spike_count
    for name in ("neuron", "trial"):
        if name in ds.coords and not ds[name].ndim:
            count = count.expand_dims(name)
    usual = [dim for dim in ("trial", "neuron") if dim in count.dims]
    count = count.transpose(..., *usual)
    start = ds.spike_start.broadcast_like(count).transpose(*count.dims).values.ravel()
    many = count.values.ravel()
    first = np.maximum(start, 0).astype(np.int64)
    own = np.maximum(many, 0)
    before = np.cumsum(own) - own
    place = np.repeat(first - before, own) + np.arange(own.sum())
    train = np.repeat(np.arange(own.size), own)
    coords = {str(dim): _labels_of(count, str(dim)) for dim in count.dims}
    shape = tuple(map(len, coords.values()))
    attrs = attributes_of_run(ds)
    attrs = {name: value for name, value in attrs.items() if name != "sweep"}
    missing = np.flatnonzero(many < 0)
    if missing.size:
        attrs["missing"] = json.dumps(missing.tolist())
    return ragged_over(
        ds.spike_time.values[place],
        dict(zip(coords, np.unravel_index(train, shape), strict=True)),
        coords,
        attrs,
        {dim: dict(count[dim].attrs) if dim in count.coords else {} for dim in coords},
    )


def _labels_of(count: xr.DataArray, dim: str) -> np.ndarray:
    return count[dim].values if dim in count.coords else np.arange(count.sizes[dim])
