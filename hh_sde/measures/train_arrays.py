"""Spike trains as arrays, one for each swept value, trial and neuron, which the measures count."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from hh_sde import stated
from hh_sde.measures.arguments import ROUNDING
from hh_sde.measures.labels import Labelled
from hh_sde.measures.spike_times import spikes
from hh_sde.measures.trains import COLUMNS, coordinates, ends_of, positions_of
from hh_sde.spike_rule import SpikeRule


@dataclass(frozen=True)
class Trains:
    """Spike trains over every combination of sweep, trial and neuron.

    Attributes
    ----------
    coords : dict of dim to its values
        Sweeps, then trial (if there are trials), then neuron.
    times : list of (n_spikes,) arrays
        One sorted train (ms) for each combination, the last dim fastest; it may be empty.
    start, end : float
        Span of the record, ms.
    ends : (trains,) array
        Where that of each train ends: of a trial that stopped early, at its stop.
    units : dict of sweep to its attributes
    attrs : dict
        Attributes of the spikes.
    """

    coords: dict[str, np.ndarray]
    times: list[np.ndarray]
    start: float
    end: float
    ends: np.ndarray
    units: dict[str, dict[str, str]]
    attrs: dict[str, Any]

    @classmethod
    def of(
        cls,
        ds: xr.Dataset,
        rule: SpikeRule | None,
        start: float | None = None,
        stop: float | None = None,
        *,
        of_own_length: bool = False,
    ) -> Trains:
        """The trains of a result of `solve` or of `spikes`, in a window of time.

        Raises
        ------
        ValueError
            If trials stopped early, and not each train may have a length of its own.
        """
        record = spikes(ds, rule, start=start, stop=stop)
        coords = coordinates(record)
        refuse_strangers(record, coords)
        where = [positions_of(values, record[name].values) for name, values in coords.items()]
        shape = tuple(map(len, coords.values()))
        train = np.ravel_multi_index(tuple(where), shape)
        order = np.lexsort((record.spike_time.values, train))
        ends = np.cumsum(np.bincount(train, minlength=int(np.prod(shape))))
        times = np.split(record.spike_time.values[order], ends[:-1])
        units = {name: record[name].attrs for name in coords if name not in COLUMNS}
        span = stated.span(record.attrs)
        ends = ends_of(record, coords).ravel()
        trains = cls(coords, times, *span, ends, units, record.attrs)
        if not of_own_length:
            trains.refuse_early_stops()
        return trains

    @property
    def duration(self) -> float:
        """Length of the record, ms."""
        return self.end - self.start

    def refuse_early_stops(self) -> None:
        """Refuse trials that stopped before the others, for a measure of one length of time.

        Raises
        ------
        ValueError
            If there are any.
        """
        first = self.ends.min(initial=self.end)
        if first < self.end:
            raise ValueError(
                f"trials stopped before {self.end:g} ms (stop_time), the first at {first:g} ms, "
                "and this measure takes trials of one length: give a window that ends before, "
                "stop=, or trials that did not stop. rates and intervals take each one's own time"
            )

    def groups(self, pool: str | None) -> tuple[dict[str, np.ndarray], list[list[np.ndarray]]]:
        """Coordinates without the dim `pool`, and for each combination the trains along it.

        Without trials, each train is the only trial of its group.

        Raises
        ------
        ValueError
            If there is no dim `pool`.
        """
        if pool is None or (pool == "trial" and pool not in self.coords):
            return self.coords, [[train] for train in self.times]
        if pool not in self.coords:
            raise ValueError(f"no dim {pool!r} to pool over; there are {', '.join(self.coords)}")
        axis = list(self.coords).index(pool)
        numbers = np.arange(len(self.times)).reshape([len(v) for v in self.coords.values()])
        rows = np.moveaxis(numbers, axis, -1).reshape(-1, len(self.coords[pool]))
        coords = {name: values for name, values in self.coords.items() if name != pool}
        return coords, [[self.times[i] for i in row] for row in rows]

    def counts(self, trains: list[np.ndarray], width: float) -> np.ndarray:
        """Spikes of each train in windows of `width` ms from the start on, (trains, windows).

        As in a histogram, a window holds its left edge, and the last one both. What is left after
        the last whole window is not counted.
        """
        n = int(self.duration / width + ROUNDING)
        counts = np.zeros((len(trains), n), dtype=np.int64)
        for row, train in zip(counts, trains, strict=True):
            place = (train - self.start) / width
            place = np.where(np.abs(place - n) < ROUNDING, n - 1, np.floor(place + ROUNDING))
            inside = place[(place >= 0) & (place < n)].astype(np.int64)
            row += np.bincount(inside, minlength=n)
        return counts

    def dataset(
        self, variables: Mapping[str, Labelled], coords: Mapping[str, np.ndarray | Labelled]
    ) -> xr.Dataset:
        """A Dataset of `variables` over `coords`, each a dim of the trains or labelled."""
        axes = {
            name: entry if isinstance(entry, Labelled) else Labelled(entry, *self._label(name))
            for name, entry in coords.items()
        }
        data = {}
        for name, variable in variables.items():
            dims = tuple(axes) if variable.dims is None else variable.dims
            shape = [len(axes[dim].values) for dim in dims]
            data[name] = (dims, np.reshape(variable.values, shape), variable.attrs)
        own = {name: (name, np.asarray(axis.values), axis.attrs) for name, axis in axes.items()}
        return xr.Dataset(data, coords=own, attrs=self.attrs)

    def _label(self, name: str) -> tuple[str, str]:
        attrs = self.units.get(name, {})
        return attrs.get("units", "1"), attrs.get("long_name", f"{name} number")


def refuse_strangers(record: xr.Dataset, coords: Mapping[str, np.ndarray]) -> None:
    """Refuse spikes of what is not in the record."""
    times, (first, last) = record.spike_time.values, stated.span(record.attrs)
    if times.size and not (times.min() >= first and times.max() <= last):
        raise ValueError(
            f"there are spikes from {times.min():g} to {times.max():g} ms in a record from "
            f"{first:g} to {last:g} ms: spike_time, t_start and t_end go together"
        )
    for name, values in coords.items():
        strange = ~np.isin(record[name].values, values)
        if strange.any():
            raise ValueError(
                f"there are spikes of {name} {record[name].values[strange][0]}, which is not in "
                f"the record: {str(values)[:80]}"
            )
