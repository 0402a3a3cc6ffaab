"""The spikes that a run has recorded beside its traces, of the part of it that is there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn

import numpy as np
import xarray as xr

from hh_sde import stated
from hh_sde.measures.over_time import end_of_record, increasing_times
from hh_sde.measures.trains import (
    attributes_of_run,
    positions_of,
    ragged_over,
    see_columns,
    with_stop_time,
)


def recorded_beside(ds: xr.Dataset) -> xr.Dataset:
    """The spikes beside traces: those of the trials, neurons and times that are there."""
    dims = {"trial": "spike_trial", "neuron": "spike_neuron"}
    coords = {name: np.atleast_1d(ds[name].values) for name in dims if name in ds.coords}
    _refuse_relabelled(ds, dims)
    see_columns(ds)
    times = increasing_times(ds)
    if times.size < 2:
        raise ValueError("spikes need a span of time; this Dataset has one time")
    until = end_of_record(ds, times)
    time = ds.spike_time.values
    here = (time >= times[0]) & (time <= until)
    for name, values in coords.items():
        here &= np.isin(ds[dims[name]].values, values)
    if "trial" not in ds.dims:
        coords.pop("trial", None)  # one that was chosen
    place = {
        name: positions_of(values, ds[dims[name]].values[here]) for name, values in coords.items()
    }
    attrs = {**attributes_of_run(ds), "t_start": float(times[0]), "t_end": until}
    trains = ragged_over(time[here], place, coords, attrs, {})
    return with_stop_time(trains, ds.stop_time) if "stop_time" in ds else trains


def _refuse_relabelled(ds: xr.Dataset, dims: Mapping[str, str]) -> None:
    """Refuse traces whose labels are no longer those by which their spikes are known."""
    if ds.spike_time.ndim != 1:
        raise ValueError(
            "the spikes of several Datasets were put together as if they belonged to each other; "
            "put together what the measures make of each"
        )
    for name in ("t_start", "t_end", "save_dt", "neurons"):
        if name not in ds.attrs:
            raise ValueError(f"the spikes of this Dataset are not known without its {name!r}: it "
                             "lost the attribute; keep those that solve gave it")  # fmt: skip
    times = increasing_times(ds)
    first, last, spacing = (stated.number(ds.attrs, k) for k in ("t_start", "t_end", "save_dt"))
    steps = np.diff(times)
    even = not steps.size or (np.ptp(steps) <= 1e-6 * spacing and steps[0] >= spacing * (1 - 1e-6))
    if not (even and first - spacing <= times[0] and times[-1] <= last + spacing):
        _no_longer(ds, "time")
    for name, column in dims.items():
        if column not in ds:
            continue
        if name not in ds.coords:
            _no_longer(ds, name)
        labels = stated.labels(ds.attrs, f"{name}s")
        if not np.isin(ds[name].values, labels).all():
            _no_longer(ds, name)


def _no_longer(ds: xr.Dataset, name: str) -> NoReturn:
    there = str(ds[name].values) if name in ds.coords else "nothing"
    raise ValueError(
        f"the spikes of this Dataset are known by another {name} than {there[:60]}: its {name} was "
        "averaged, dropped or changed. Ask the measures before that; sel and isel do no harm"
    )
