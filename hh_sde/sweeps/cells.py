"""Entries of a sweep, computed and labelled: a region of its plan, or any entries alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

from hh_sde.choice import chosen_method
from hh_sde.dataset import COORDINATES, SCHEMA_VERSION
from hh_sde.measures.detection import rule_attributes
from hh_sde.network import Network
from hh_sde.network.paths import with_value
from hh_sde.provenance import made_with
from hh_sde.spike_rule import SpikeRule
from hh_sde.sweeps.axes import OF_SOLVER
from hh_sde.sweeps.coordinates import Region
from hh_sde.sweeps.design import Design
from hh_sde.sweeps.form import COUNT, FAILED, START, TIME
from hh_sde.sweeps.plan import Plan
from hh_sde.sweeps.points import Kept, Points, Recording, joined, texts
from hh_sde.sweeps.reductions import Own, reduced


def compute(plan: Plan, region: Region, own: Own | None = None) -> xr.Dataset:
    """A region of a plan: what `hh_sde.sweeps.tasks` hands out.

    Parameters
    ----------
    plan : Plan
    region : Region
    own : callable, optional
        The function that the sweep is reduced by.
    """
    places = {dim: np.arange(*span) for dim, span in region.items()}
    return of_cells(Design.of(plan), places, own=own)


def of_cells(
    design: Design, places: Mapping[str, np.ndarray], threads: int = 1, own: Own | None = None
) -> xr.Dataset:
    """Cells of a sweep, with its dims.

    Parameters
    ----------
    design : Design
    places : mapping of dim to array of int
        Which along each dim, those of ``trial`` being the trials' numbers.
    threads : int
    own : callable, optional
        The function that the sweep is reduced by.
    """
    axes = design.axes
    values = axes.values_at(places)
    seeds = design.seeds(values)
    shape = tuple(places[dim].size for dim in axes.sizes)
    trials = places["trial"]
    failures: dict[int, str] = {}
    parts: list[tuple[np.ndarray, Kept]] = []
    for members, net, recording in _runs(design, values):
        lanes = {one.path: values[one.path][members].astype(float)
                 for one in axes.axes if one.in_lanes}  # fmt: skip
        points = Points(net, lanes, [seeds[k] for k in members], trials, recording)
        parts.append((members, points.result(threads)))
        failures |= {int(members[k]): reason for k, reason in points.failures.items()}
    kept = _in_order(parts)
    ds = _labelled(design, kept, places, shape)
    if failures:
        ds.attrs[FAILED] = json.dumps(
            [{"cell": _named(design, places, shape, k), "reason": failures[k]} for k in failures]
        )
    return reduced(ds, design.reduce, own) if design.reduce else ds


def _runs(
    design: Design, values: Mapping[str, np.ndarray]
) -> list[tuple[np.ndarray, Network, Recording]]:
    """Points that one run takes, with the network and the solver that they have in common."""
    own = [one.path for one in design.axes.axes if not one.in_lanes]
    names = {path: texts(values[path]) for path in own}
    many = len(next(iter(values.values())))
    groups: dict[str, list[int]] = {}
    for k in range(many):
        groups.setdefault(str([names[path][k] for path in own]), []).append(k)
    found = []
    for members in groups.values():
        net, recording = design.net, design.recording
        for path in own:
            value = values[path][members[0]]
            if path in OF_SOLVER:
                recording = replace(recording, **{path: value})
            else:
                net = with_value(net, path, value)
        found.append((np.array(members), net, recording))
    return found


def _in_order(parts: list[tuple[np.ndarray, Kept]]) -> Kept:
    """The points of several runs, each at its place."""
    if len(parts) == 1:
        return parts[0][1]
    order = np.argsort(np.concatenate([members for members, _ in parts]), kind="stable")
    return joined([kept for _, kept in parts]).at(order)


def _labelled(
    design: Design, kept: Kept, places: Mapping[str, np.ndarray], shape: tuple[int, ...]
) -> xr.Dataset:
    coords: dict[str, Any] = {}
    for name, one in design.axes.coords().items():
        coords[name] = one.isel({dim: places[str(dim)] for dim in one.dims})
    trial = dict(zip(("units", "long_name"), COORDINATES["trial"], strict=True))
    coords["trial"] = ("trial", places["trial"], trial)
    sizes = dict(zip(design.axes.sizes, shape, strict=True))
    return labelled(kept, sizes, coords, design.net).assign_attrs(attributes(design))


def labelled(
    kept: Kept, sizes: Mapping[str, int], coords: Mapping[str, Any], net: Network
) -> xr.Dataset:
    """What is kept of points as a Dataset.

    Parameters
    ----------
    kept : Kept
    sizes : mapping of dim to int
        Along which the points lie, in their order.
    coords : mapping
        Beside those of the variables.
    net : Network
    """
    dims, shape = tuple(sizes), tuple(sizes.values())
    data: dict[str, Any] = {}
    for name, (own, values, attrs) in kept.variables.items():
        data[name] = ((*dims, *own[1:]), values.reshape(*shape, *values.shape[1:]), attrs)
    if kept.spike_time is not None:
        count = data[COUNT][1]
        end = np.cumsum(np.maximum(count, 0).ravel()).reshape(count.shape)
        labels = {"units": "1", "long_name": "number of spikes"}
        data[COUNT] = (data[COUNT][0], count, labels)
        first = {"units": "1", "long_name": "where the spikes begin along spike"}
        start = np.where(count < 0, -1, end - np.maximum(count, 0))
        data[START] = (data[COUNT][0], start, first)
        unused = "room in a store that a task's spikes did not need"
        times = {"units": "ms", "long_name": "spike time", "nan_means": unused}
        data[TIME] = (("spike",), kept.spike_time, times)
    neuron = dict(zip(("units", "long_name"), COORDINATES["neuron"], strict=True))
    every = {"neuron": ("neuron", np.arange(net.n_neurons), neuron), **kept.coords, **coords}
    return xr.Dataset(data, coords=every)


def attributes(design: Design) -> dict[str, Any]:
    """What the result says of how it was made, but for its plan."""
    attrs = attributes_of(design.net, design.recording)
    for one in design.axes.axes:  # what varies is a coordinate
        attrs.pop(one.path, None)
    return attrs


def attributes_of(net: Network, given: Recording) -> dict[str, Any]:
    """What a result says of the run behind it."""
    attrs: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "method": chosen_method(given.method, net, given.noise)[0],
        "dt": float(given.dt),
        "t_start": float(given.discard or 0.0),
        "t_end": float(given.t_end),
        **made_with("numba", "numpy"),
    }
    if "spikes" in (given.record or ()):
        attrs |= rule_attributes(given.spike_rule or SpikeRule())
    if net.populations:
        sizes = {name: one.n for name, one in net.populations.items()}
        attrs["populations"] = json.dumps(sizes)
    return attrs


def _named(
    design: Design, places: Mapping[str, np.ndarray], shape: tuple[int, ...], k: int
) -> dict[str, Any]:
    """The coordinates of a point."""
    at = dict(zip(design.axes.sizes, np.unravel_index(k, shape), strict=True))
    return {
        name: one.values[tuple(places[str(dim)][at[str(dim)]] for dim in one.dims)].item()
        for name, one in design.axes.coords().items()
    }
