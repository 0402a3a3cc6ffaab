"""The edges of a network as a labelled Dataset."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse
import xarray as xr

from hh_sde.topology import Distance
from hh_sde.weights import weights_and_delays

ENDS = ("source", "target")
AXES = "xyz"


class Projection(NamedTuple):
    """The edges of a synapse from one range of neurons to another."""

    name: str
    targets: range
    sources: range
    weights: scipy.sparse.csr_array  # [to, from], mS/cm^2
    delays: scipy.sparse.csr_array | None  # ms, with an entry for each weight
    positions: dict[str, np.ndarray]  # of the neurons at either end, (n, dimensions), um

    @classmethod
    def of(
        cls, name: str, weights: Any, targets: range, sources: range, delay: float = 0.0,
        signed: bool = False,
    ) -> Projection:  # fmt: skip
        """That of a synapse's weights, and its delay beside those of its edges."""
        matrix, delays = weights_and_delays(weights, targets, sources, name, signed)
        if delay:
            own = np.zeros(matrix.nnz) if delays is None else delays.data
            delays = matrix._with_data(own + delay)
        positions = {}
        if isinstance(weights, Distance):
            of_source = weights.positions if targets == sources else weights.source_positions
            positions = {"target": weights.positions, "source": of_source}
        return cls(name, targets, sources, matrix, delays, positions)

    def turned(self) -> Projection:
        """The same edges the other way round, as gap junctions have them."""
        positions = dict(zip(reversed(ENDS), map(self.positions.get, ENDS), strict=True))
        return Projection(
            self.name,
            self.sources,
            self.targets,
            scipy.sparse.csr_array(self.weights.T),
            self.delays,
            {end: places for end, places in positions.items() if places is not None},
        )

    @property
    def ends(self) -> dict[str, np.ndarray]:
        """The neurons at either end of each edge, counted from the first of their range."""
        inputs = np.diff(self.weights.indptr)
        target = np.repeat(np.arange(inputs.size), inputs)
        return {"source": self.weights.indices.astype(int), "target": target}


def dataset(
    projections: Sequence[Projection], n_neurons: int, population_of: np.ndarray | None = None
) -> xr.Dataset:
    """The edges of projections, one after the other; see `Network.connectivity`."""
    first = [{"source": one.sources.start, "target": one.targets.start} for one in projections]
    ends = [one.ends for one in projections]
    coords = {
        end: _column(
            [at[end] + one[end] for at, one in zip(first, ends, strict=True)], int, "1",
            f"{'pre' if end == 'source' else 'post'}synaptic neuron",
        )
        for end in ENDS
    }  # fmt: skip
    if population_of is not None:
        index = _within(population_of)
        for end in ENDS:
            neurons = coords[end][1]
            words = f"population of the {end}"
            coords[f"{end}_population"] = _column([population_of[neurons]], str, "1", words)
            words = f"number of the {end} in its population, by which weights= takes edges"
            coords[f"{end}_index"] = _column([index[neurons]], int, "1", words)
    names = [np.full(one.weights.nnz, one.name) for one in projections]
    coords["synapse"] = _column(names, str, "1", "synapse")
    dimensions = max((one.shape[1] for p in projections for one in p.positions.values()), default=0)
    for end in ENDS:
        for k, axis in enumerate(AXES[:dimensions]):
            places = [_along(p, end, k, at[end]) for p, at in zip(projections, ends, strict=True)]
            coords[f"{end}_{axis}"] = _column(places, float, "um", f"{axis} of the {end}")
    weights = [one.weights.data for one in projections]
    ds = xr.Dataset(
        {"weight": _column(weights, float, "mS/cm^2", "weight")},
        coords=coords,
        attrs={"n_neurons": n_neurons},
    )
    if any(one.delays is not None for one in projections):
        delays = [_none(p) if p.delays is None else p.delays.data for p in projections]
        ds["delay"] = _column(delays, float, "ms", "delay")
        ds.delay.attrs["nan_means"] = "the synapse has no delay"
    return ds


def _along(one: Projection, end: str, axis: int, neurons: np.ndarray) -> np.ndarray:
    """A coordinate of the neuron at an end of each edge; NaN where it has no place."""
    places = one.positions.get(end)
    if places is None or axis >= places.shape[1]:
        return _none(one)
    return places[neurons, axis]


def _none(one: Projection) -> np.ndarray:
    return np.full(one.weights.nnz, np.nan)


def _column(parts: list[np.ndarray], kind: type, units: str, long_name: str) -> tuple[Any, ...]:
    joined = np.concatenate([np.empty(0, kind), *parts])
    return "edge", joined, {"units": units, "long_name": long_name}


def _within(population_of: np.ndarray) -> np.ndarray:
    """The number of each neuron within its population."""
    new = np.concatenate([[True], population_of[1:] != population_of[:-1]])
    first = np.flatnonzero(new)[np.cumsum(new) - 1]
    return np.arange(population_of.size) - first
