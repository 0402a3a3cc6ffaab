"""Spike trains with all that is known of each, and the potentials beside them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import xarray as xr

from hh_sde.dataset import along_neurons, populations_of
from hh_sde.measures.train_arrays import Trains

#: Times are even if none is off by more than this part of their spacing.
EVEN = 1e-6


def annotated(ds: xr.Dataset, trains: Trains) -> Iterator[tuple[dict[str, Any], np.ndarray, float]]:
    """Each train: what it is of, its spike times and the end of its record, ms.

    It is of a neuron, and where there are, a population, an index in it, a trial, swept values.
    """
    neurons = trains.coords["neuron"]
    own = populations_of(neurons, ds.attrs)
    shape = [len(values) for values in trains.coords.values()]
    for place, train, end in zip(np.ndindex(*shape), trains.times, trains.ends, strict=True):
        of = {
            name: values[k].item()
            for k, (name, values) in zip(place, trains.coords.items(), strict=True)
        }
        of |= {name: values[place[-1]].item() for name, values in own.items()}
        # the spike that stopped its trial may lie behind its end by rounding
        yield of, train, max([float(end), *train[-1:].tolist()])


def potentials(ds: xr.Dataset, start: float, stop: float) -> xr.DataArray | None:
    """V (..., time, neuron) from `start` to `stop`, ms, if it is there."""
    ds = along_neurons(ds)
    if "V" not in ds or not {"time", "neuron"} <= set(ds.V.dims):
        return None
    return ds.V.sel(time=slice(start, stop)).transpose(..., "time", "neuron")


def period(times: np.ndarray) -> float | None:
    """The spacing of times, if they are even."""
    steps = np.diff(times)
    if not steps.size or np.ptp(steps) > EVEN * steps.mean():
        return None
    return float(times[-1] - times[0]) / steps.size
