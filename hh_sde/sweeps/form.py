"""The form of a sweep's result: its variables and what labels them, the same for all regions.

A variable has every dim of the sweep, each as it is, a value for every cell, or as ``<dim>_block``,
one value that was made of a whole block along it; then further dims of its own. Beside them, where
spikes are kept, ``spike_time`` is ragged over ``spike``, and ``spike_start`` and ``spike_count``
say where in it those of a cell's neuron are, in the order of time.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Any

import numpy as np
import xarray as xr

from hh_sde.addresses import is_whole
from hh_sde.records import Record, check_name, record, shown
from hh_sde.sweeps.coordinates import Coordinate, Region, plain, same_bits
from hh_sde.sweeps.plan import Block, Plan

TIME, START, COUNT = "spike_time", "spike_start", "spike_count"
#: Ends the name of a dim that has one value for each block.
BLOCK = "_block"
#: Spikes of a chunk, at most.
SPIKE_CHUNK = 2**16
#: The group of a store that is its own.
OWN_GROUP = "sweep"
#: The attribute of a result that holds the plan of its sweep.
ATTRIBUTE = "sweep"
#: The attribute of a region that names those of its cells that failed, JSON: a list of mappings of
#: the ``cell``, its coordinates, and the ``reason``.
FAILED = "failed"
#: Attributes by which xarray would read other values than were written.
CODING = {
    "_FillValue", "missing_value", "scale_factor", "add_offset", "coordinates", "dtype", "calendar",
    "_Unsigned", "_Encoding", "_ARRAY_DIMENSIONS", "grid_mapping", "bounds", "cell_measures",
    "formula_terms", "ancillary_variables",
}  # fmt: skip


@record
class Variable(Record):
    """A variable of a region: dims, sizes of those that are its own, type, attributes."""

    name: str
    dims: tuple[str, ...]
    own: Mapping[str, int]
    dtype: str
    attrs: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_name(self.name, "a variable")
        object.__setattr__(self, "dims", tuple(self.dims))
        for dim in self.dims:
            check_name(dim, f"a dim of {self.name}")
        kind = np.dtype(self.dtype) if isinstance(self.dtype, str) else np.dtype(object)
        if kind.kind not in "fi":
            raise TypeError(
                f"{self.name} must hold floats or signed integers, in which a missing cell can be "
                f"marked, got {kind}"
            )
        if not all(is_whole(size) and size >= 0 for size in self.own.values()):
            raise ValueError(f"sizes of {self.name} must be whole numbers, got {shown(self.own)}")
        attrs = plain(self.attrs, f"attributes of {self.name}")
        for name in CODING & set(attrs):
            raise ValueError(f"the attribute {name!r} of {self.name} would change its values")
        if " since " in str(attrs.get("units", "")):
            raise ValueError(f"the units of {self.name} make dates of it: {shown(attrs['units'])}")
        object.__setattr__(self, "attrs", attrs)

    @property
    def fill(self) -> float | int:
        """What stands where nothing was computed."""
        return math.nan if np.dtype(self.dtype).kind == "f" else -1


Part = Variable | Coordinate


@record
class Form(Record):
    """The variables of a sweep, and the coordinates of their own dims."""

    variables: tuple[Variable, ...]
    coordinates: tuple[Coordinate, ...] = ()
    attrs: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        names = [one.name for one in self.variables] + [one.name for one in self.coordinates]
        if len(set(names)) < len(names) or OWN_GROUP in names:
            raise ValueError(f"variables must have names of their own, got {', '.join(names)}")
        object.__setattr__(self, "attrs", plain(self.attrs, "attributes"))
        if "coordinates" in self.attrs:
            raise ValueError("an attribute 'coordinates' would change what is a coordinate")

    @classmethod
    def of(cls, plan: Plan, ds: xr.Dataset) -> Form:
        """The form of a region's Dataset.

        Raises
        ------
        TypeError, ValueError
            If a sweep's result cannot be made of such.
        """
        if not isinstance(ds, xr.Dataset):
            raise TypeError(f"a region must be computed as a Dataset, got {type(ds).__name__}")
        swept = _swept(plan)
        for name, one in ds.data_vars.items():
            dims = [str(dim) for dim in one.dims]
            lacking = [d for d in plan.sizes if (d in dims) == (d + BLOCK in dims)]
            if name != TIME and lacking:
                raise ValueError(
                    f"{name} has the dims {', '.join(dims)}; it needs {', '.join(lacking)} too, or "
                    f"{', '.join(dim + BLOCK for dim in lacking)}, of one value"
                )
        variables = tuple(
            Variable(
                str(name),
                tuple(map(str, one.dims)),
                {str(d): n for d, n in one.sizes.items() if d not in swept and d != "spike"},
                one.dtype.str,
                one.attrs,
            )
            for name, one in ds.data_vars.items()
        )
        coordinates = tuple(
            Coordinate(str(name), tuple(map(str, one.dims)), one.values, one.attrs)
            for name, one in ds.coords.items()
            if not swept & set(one.dims)
        )
        attrs = {name: value for name, value in ds.attrs.items() if name != FAILED}
        form = cls(variables, coordinates, attrs)
        form._see_spikes(ds)
        return form

    def _see_spikes(self, ds: xr.Dataset) -> None:
        there = {TIME, START, COUNT} & set(ds.data_vars)
        if there and (len(there) < 3 or ds[TIME].dims != ("spike",)):
            raise ValueError(f"spikes are {TIME} over spike, {START} and {COUNT}, all three")
        if there and (ds[START].dtype.kind != "i" or ds[COUNT].dtype.kind != "i"):
            raise ValueError(f"{START} and {COUNT} must be whole numbers")
        if any("spike" in one.dims for name, one in ds.variables.items() if name != TIME):
            raise ValueError(f"only {TIME} can have the dim spike")

    @property
    def dense(self) -> tuple[Variable, ...]:
        """The variables that are not ragged."""
        return tuple(one for one in self.variables if one.name != TIME)

    @property
    def spikes(self) -> Variable | None:
        """The times of spikes, if they are kept."""
        return next((one for one in self.variables if one.name == TIME), None)

    def room(self, plan: Plan) -> int:
        """How many spikes of a task there is room for, in whole chunks."""
        chunk = self.spike_chunk(plan)
        return -(-self._most(plan) // chunk) * chunk

    def spike_chunk(self, plan: Plan) -> int:
        """How many spikes a chunk has."""
        return min(SPIKE_CHUNK, self._most(plan))

    def _most(self, plan: Plan) -> int:
        count = next(one for one in self.variables if one.name == COUNT)
        trains = math.prod(plan.blocks.values()) * math.prod(count.own.values())
        return max(1, trains * plan.spikes_per_neuron)

    def shape(self, plan: Plan, variable: Variable) -> tuple[int, ...]:
        """The shape of a variable in the whole result."""
        blocks = dict(zip(plan.sizes, plan.grid, strict=True))
        sizes = {**variable.own, **plan.sizes, **{d + BLOCK: n for d, n in blocks.items()}}
        return tuple(sizes[dim] for dim in variable.dims)

    def chunk(self, plan: Plan, variable: Variable) -> tuple[int, ...]:
        """The shape of a task's part of it, of a whole block."""
        sizes = {**variable.own, **plan.blocks, **{dim + BLOCK: 1 for dim in plan.sizes}}
        return tuple(sizes[dim] for dim in variable.dims)

    def place(self, plan: Plan, variable: Variable, block: Block) -> tuple[int, ...]:
        """The place of a task's part among such parts."""
        places = dict(zip(plan.sizes, block, strict=True))
        places |= {dim + BLOCK: place for dim, place in places.items()}
        return tuple(places.get(dim, 0) for dim in variable.dims)

    def see(self, plan: Plan, region: Region, ds: xr.Dataset) -> None:
        """See that the Dataset of a region is of this form, and labelled as the plan says.

        Raises
        ------
        TypeError, ValueError
            If it is not.
        """
        other = Form.of(plan, ds)
        self._see_same(self.variables, other.variables)
        self._see_same(self.coordinates, other.coordinates)
        expected = {dim: stop - start for dim, (start, stop) in region.items()}
        expected |= {dim + BLOCK: 1 for dim in region}
        for dim, size in ds.sizes.items():
            wanted = expected.get(str(dim), size)
            if size != wanted:
                raise ValueError(f"this region has {size} cells along {dim}, not {wanted}")
        for key, label in plan.labels(region).coords.items():
            if key in ds.coords and not same_bits(np.asarray(ds[key].values), label.values):
                raise ValueError(f"{key} of this region is {shown(ds[key].values)}")

    @staticmethod
    def _see_same(ours: Sequence[Part], theirs: Sequence[Part]) -> None:
        known, given = {one.name: one for one in ours}, {one.name: one for one in theirs}
        if set(known) != set(given):
            raise ValueError(f"this region has {', '.join(given)}, not {', '.join(known)}")
        for name, one in known.items():
            if not _alike(one, given[name]):
                raise ValueError(f"{name} of this region is {given[name]!r}, not {one!r}")

    def to_json(self) -> str:
        """The form as text."""
        tree = {
            "variables": [
                {"name": v.name, "dims": v.dims, "own": v.own, "dtype": v.dtype, "attrs": v.attrs}
                for v in self.variables
            ],
            "coordinates": [one.tree() for one in self.coordinates],
            "attrs": self.attrs,
        }
        return json.dumps(tree, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Form:
        """The form that a text is of.

        Raises
        ------
        ValueError
            If it is of none.
        """
        try:
            tree = json.loads(text)
            variables = tuple(Variable(**one) for one in tree["variables"])
            coordinates = tuple(map(Coordinate.of_tree, tree["coordinates"]))
            return cls(variables, coordinates, tree["attrs"])
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise ValueError(f"this is not the form of a sweep's result: {error}") from error


def failed_cells(ds: xr.Dataset) -> list[dict[str, Any]]:
    """The cells of a region that failed."""
    found: list[dict[str, Any]] = json.loads(ds.attrs.get(FAILED, "[]"))
    if not all(isinstance(one, dict) and set(one) == {"cell", "reason"} for one in found):
        raise ValueError(
            f"the attribute {FAILED!r} must list cells and reasons, got {shown(found)}"
        )
    return found


def _swept(plan: Plan) -> set[str]:
    return set(plan.sizes) | {dim + BLOCK for dim in plan.sizes}


def _alike(a: Part, b: Part) -> bool:
    """The same but for attributes, which may say something of the region."""
    if isinstance(a, Coordinate) and isinstance(b, Coordinate):
        return a.dims == b.dims and same_bits(a.values, b.values)
    return a.replace(attrs={}) == b.replace(attrs={})
