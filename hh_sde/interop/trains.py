"""Spike trains with all that is known of each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import xarray as xr

from hh_sde.dataset import populations_of
from hh_sde.measures.train_arrays import Trains


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
