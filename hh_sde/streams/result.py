"""The result of a stored run as Zarr has it: all but the chunks of its traces, which are there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from hh_sde.errors import optional
from hh_sde.files import arrays
from hh_sde.runs import Run
from hh_sde.streams import spikes

#: The group of a store that is its own.
GROUP = "run"
#: Values of a chunk of what has no segments: times, and spikes in order.
CHUNK = 2**17


def chunk_of(trace: xr.DataArray | xr.Variable, saves: int) -> tuple[int, ...]:
    """The shape of a segment of a trace."""
    sizes = {**trace.sizes, "time": saves}
    return tuple(sizes[dim] for dim in trace.dims)


@dataclass(frozen=True, eq=False)
class Result:
    """What there is to say of a run at its end.

    Parameters
    ----------
    last : Run
        The last segment: it has the labels of all, and the state at the end.
    number : int
        How many whole segments came before it.
    saves : int
        Saved states of a whole one.
    n_saves : int
        Saved states of all.
    report : mapping of str to int
        What the method had to say of all.
    """

    last: Run
    number: int
    saves: int
    n_saves: int
    report: Mapping[str, int]

    def make(self, path: Path, files: Sequence[Path]) -> None:
        """Write it into a new folder; `files` are the spikes of each segment."""
        last, ds = self.last, self.last.dataset()
        attrs = {**ds.attrs, **self.report}
        found: Iterable[np.ndarray] = ()
        if last.rule:
            n_trains = last.layout.width * len(last.problem.trials)
            counts = spikes.counts_of(files, n_trains, last.t_end)
            attrs["n_spikes"] = int(counts.sum())
            found = spikes.in_order(files, counts, last.t_end)
        group = self._labels(path, ds, attrs)
        for first in range(0, self.n_saves, CHUNK):
            stop = min(first + CHUNK, self.n_saves)
            group["time"][first:stop] = self._times(first, stop)
        place = 0
        for piece in spikes.pieces(found, CHUNK):
            stop = place + piece.shape[1]
            for name, one in self._spikes(piece, attrs).variables.items():
                text = one.dtype.kind == "U"
                group[str(name)][place:stop] = one.values.astype(object) if text else one.values
            place = stop
        arrays.consolidate(path)

    def _labels(self, path: Path, ds: xr.Dataset, attrs: Mapping[str, Any]) -> Any:
        """The arrays with their attributes, those of no length that grows with their values."""
        apart = " ".join(str(name) for name, one in ds.coords.items() if one.dims != (name,))
        named = {"coordinates": apart} if apart else {}
        zarr = optional("zarr", "sweep")
        group = zarr.create_group(path, zarr_format=3, attributes={**attrs, **named})
        own = {"about": "the plan of the run, how far it is, its spikes by segments: no arrays"}
        group.create_group(GROUP, attributes=own)
        grown = {"time": self.n_saves, "spike": int(attrs.get("n_spikes", 0))}
        for key, one in ds.variables.items():
            name, dims = str(key), tuple(map(str, one.dims))
            if not set(grown) & set(dims):
                arrays.add_values(group, name, one.values, dims, one.attrs)
                continue
            trace = "time" in dims and name != "time"
            sizes = {str(dim): n for dim, n in one.sizes.items()} | grown
            shape = tuple(sizes[dim] for dim in dims)
            chunk = chunk_of(one, self.saves) if trace else (CHUNK,)
            arrays.add_array(group, name, shape, chunk, one.dtype, dims, one.attrs)
        return group

    def _times(self, first: int, stop: int) -> np.ndarray:
        """Of saves number `first` to `stop`, ms; the last segment begins with the save before."""
        begun = max(0, self.number * self.saves - 1)
        return self.last.times(first - begun, stop - begun)

    def _spikes(self, piece: np.ndarray, attrs: dict[str, Any]) -> xr.Dataset:
        """The variables that have a value for each spike."""
        trial, neuron = np.divmod(piece[0].astype(np.int64), self.last.layout.width)
        beside = xr.Dataset() if self.last.variables else None
        return self.last.with_spikes(beside, trial, neuron, piece[1], attrs)
