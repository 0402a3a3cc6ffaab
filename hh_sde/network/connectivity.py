"""The edges of a network as a labelled Dataset."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse
import xarray as xr

from hh_sde.topology import Distance
from hh_sde.weights import weights_and_delays

_AXES = "xyz"


class Projection(NamedTuple):
    """The edges of a synapse from one range of neurons to another."""

    name: str
    first_target: int
    first_source: int
    weights: scipy.sparse.csr_array  # [to, from], mS/cm^2
    delays: scipy.sparse.csr_array | None = None  # ms, with an entry for each weight


def projection(name: str, weights: Any, targets: range, sources: range, same: bool) -> Projection:
    """The edges of `weights` between two ranges of neurons."""
    found = weights_and_delays(weights, len(targets), len(sources), name, same)
    return Projection(name, targets.start, sources.start, *found)


def dataset(projections: Sequence[Projection], n_neurons: int) -> xr.Dataset:
    """The edges of projections, one after the other; see `Network.connectivity`."""
    columns: dict[str, list[np.ndarray]] = {
        name: [np.empty(0, kind)]
        for name, kind in (("target", int), ("source", int), ("weight", float), ("delay", float))
    }
    for one in projections:
        target = np.repeat(np.arange(one.weights.shape[0]), np.diff(one.weights.indptr))
        columns["target"].append(one.first_target + target)
        columns["source"].append(one.first_source + one.weights.indices.astype(int))
        columns["weight"].append(one.weights.data)
        none = np.full(one.weights.nnz, np.nan)
        columns["delay"].append(none if one.delays is None else one.delays.data)
    names = [np.full(one.weights.nnz, one.name, dtype=object) for one in projections]
    synapse = np.concatenate([np.empty(0, dtype=object), *names]).astype(str)
    joined = {name: np.concatenate(parts) for name, parts in columns.items()}
    edge = "edge"
    ds = xr.Dataset(
        {"weight": (edge, joined["weight"], {"units": "mS/cm^2", "long_name": "weight"})},
        coords={
            "source": (edge, joined["source"], {"units": "1", "long_name": "presynaptic neuron"}),
            "target": (edge, joined["target"], {"units": "1", "long_name": "postsynaptic neuron"}),
            "synapse": (edge, synapse, {"units": "1", "long_name": "synapse"}),
        },
        attrs={"n_neurons": n_neurons},
    )
    if any(one.delays is not None for one in projections):
        labels = {"units": "ms", "long_name": "delay", "nan_means": "the synapse has no delay"}
        ds["delay"] = (edge, joined["delay"], labels)
    return ds


def with_positions(ds: xr.Dataset, weights: Sequence[Any]) -> xr.Dataset:
    """The edges with where their ends lie, if a rule says it of all neurons."""
    known = [one.positions for one in weights if isinstance(one, Distance)]
    if not known or len(known[0]) != ds.attrs["n_neurons"] or known[0].shape[1] > len(_AXES):
        return ds
    places = {
        f"{end}_{axis}": (
            "edge", known[0][ds[end].values, k],
            {"units": "um", "long_name": f"{axis} of the {end}"},
        )
        for end in ("source", "target")
        for k, axis in enumerate(_AXES[: known[0].shape[1]])
    }  # fmt: skip
    return ds.assign_coords(places)
