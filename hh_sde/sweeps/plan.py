"""The plan of a sweep: all that its result follows from, and its grid of tasks, as one JSON text.

A sweep is a grid of cells over dims, those swept and ``trial``. It is cut into blocks, a regular
grid as well; a task computes one block, the **region** ``{dim: (start, stop)}`` of the cells in it.
A block is named by its place in the grid of blocks, whatever the sizes of the dims, so that a plan
with more trials, or with a longer axis, has the blocks of the shorter one.
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Any

import numpy as np
import xarray as xr

from hh_sde.addresses import is_whole
from hh_sde.records import Record, check_name, fields_of, record, several, shown
from hh_sde.sweeps.coordinates import Coordinate, Region
from hh_sde.sweeps.differences import differences

#: What `schema_version` of a plan and its store is.
SCHEMA_VERSION = 1
#: Cells are counted in 64 bits, and spikes of them.
MOST_CELLS = 2**48

Block = tuple[int, ...]


@record
class Plan(Record):
    """What a sweep computes, and in which tasks.

    Parameters
    ----------
    network : str
        `Network.describe`, JSON.
    sizes : mapping of dim to int
        The dims in their order, ``trial`` last.
    coordinates : sequence of Coordinate
        Of the swept dims; of ``trial`` where its numbers are not 0, 1, 2, ...
    arguments : mapping
        Those of `solve` and of what is made of its results; numbers, text, lists and mappings.
    seed : mapping of str to str
        `hh_sde.provenance.seed_attributes`.
    common_noise : bool
    alone : sequence of str
        Dims along which each task has one cell.
    spikes_per_neuron : int
        How many spikes of a neuron in one cell there is room for; 0 where none are kept.
    blocks : mapping of dim to int
        Cells of a task along each dim; empty before they are chosen.
    grown : sequence of tuples of int
        The grids of blocks that this one grew from, the first first.
    versions : mapping of str to str
        `hh_sde.provenance.made_with`.

    Examples
    --------
    >>> sigma = Coordinate("sigma", ("sigma",), np.array([0.5, 1.0, 2.0]), {"units": "uA/cm^2"})
    >>> plan = Plan("{}", {"sigma": 3, "trial": 100}, (sigma,), blocks={"sigma": 2, "trial": 64})
    >>> plan.grid, plan.region((1, 1))
    ((2, 2), {'sigma': (2, 3), 'trial': (64, 100)})
    >>> plan.replace(arguments={"dt": 0.02}).difference(plan)
    'argument dt is 0.02, where there was none'
    """

    network: str
    sizes: Mapping[str, int]
    coordinates: tuple[Coordinate, ...] = ()
    arguments: Mapping[str, Any] = field(default_factory=dict)
    seed: Mapping[str, str] = field(default_factory=dict)
    common_noise: bool = False
    alone: tuple[str, ...] = ()
    spikes_per_neuron: int = 0
    blocks: Mapping[str, int] = field(default_factory=dict)
    grown: tuple[tuple[int, ...], ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    schema_version: int = SCHEMA_VERSION

    def __post_init__(self) -> None:
        if self.schema_version != SCHEMA_VERSION:
            raise ValueError(
                f"this plan is of schema {shown(self.schema_version)}; this version of hh_sde "
                f"knows {SCHEMA_VERSION}"
            )
        if not isinstance(self.network, str):
            raise TypeError(f"network must be JSON text, got {shown(self.network)}")
        if not isinstance(_tree_of(self.network, "network"), dict):
            raise ValueError(f"network must describe one, got {shown(self.network)}")
        if type(self.common_noise) is not bool or not is_whole(self.spikes_per_neuron):
            raise TypeError("common_noise must be true or false, spikes_per_neuron a whole number")
        if self.spikes_per_neuron < 0:
            raise ValueError(f"spikes_per_neuron is {self.spikes_per_neuron}, but not negative")
        for name in ("coordinates", "alone"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        object.__setattr__(self, "grown", tuple(map(tuple, self.grown)))
        for name in ("arguments", "seed", "versions"):
            object.__setattr__(self, name, _json_tree(getattr(self, name), name))
        self._see_sizes()
        self._see_coordinates()
        self._see_blocks()

    def _see_sizes(self) -> None:
        if not isinstance(self.sizes, Mapping) or not self.sizes:
            raise TypeError(f"sizes must name dims, got {shown(self.sizes)}")
        for dim, size in self.sizes.items():
            check_name(dim, "a dim")
            if not is_whole(size) or size < 1:
                raise ValueError(f"the dim {dim} must have a whole number of cells, got {size!r}")
        object.__setattr__(self, "sizes", {dim: int(n) for dim, n in self.sizes.items()})
        if math.prod(self.sizes.values()) > MOST_CELLS:
            raise ValueError(f"a sweep has at most 2^48 cells, not {shown(self.sizes)}")

    def _see_coordinates(self) -> None:
        several(self.coordinates, Coordinate, "coordinates")
        names = [one.name for one in self.coordinates]
        if len(set(names)) < len(names):
            raise ValueError(f"two coordinates have the same name: {', '.join(names)}")
        for one in self.coordinates:
            if one.values.dtype.kind == "f" and not np.isfinite(one.values).all():
                raise ValueError(f"the coordinate {one.name} must be finite")
            shape = tuple(self.sizes.get(dim, 0) for dim in one.dims)
            if shape != one.values.shape or not shape:
                raise ValueError(
                    f"the coordinate {one.name} has shape {one.values.shape}; the dims "
                    f"{one.dims} have {shape}"
                )
            if one.name in self.sizes and one.dims != (one.name,):
                raise ValueError(f"the coordinate {one.name} must have the dim {one.name} alone")

    def _see_blocks(self) -> None:
        if any(dim not in self.sizes for dim in self.alone):
            raise ValueError(f"alone must name dims of {shown(list(self.sizes))}")
        if not self.blocks:
            return
        if list(self.blocks) != list(self.sizes):
            raise ValueError(
                f"blocks must have the dims {', '.join(self.sizes)}, got {shown(self.blocks)}"
            )
        for dim, cells in self.blocks.items():
            if not is_whole(cells) or cells < 1 or (dim in self.alone and cells > 1):
                raise ValueError(f"a task cannot have {cells!r} cells along {dim}")
        object.__setattr__(self, "blocks", {dim: int(n) for dim, n in self.blocks.items()})
        for smaller, larger in itertools.pairwise([*self.grown, self.grid]):
            if len(smaller) != len(larger) or not all(
                is_whole(a) and 1 <= a <= b for a, b in zip(smaller, larger, strict=True)
            ):
                raise ValueError(f"a grid of blocks cannot have grown from {shown(smaller)}")

    @property
    def grid(self) -> Block:
        """How many blocks there are along each dim."""
        return tuple(-(-size // self.blocks[dim]) for dim, size in self.sizes.items())

    @property
    def n_tasks(self) -> int:
        """How many tasks there are."""
        return math.prod(self.grid)

    def tasks(self) -> Iterator[Block]:
        """The blocks, the last dim fastest."""
        return itertools.product(*map(range, self.grid))

    def region(self, block: Block) -> Region:
        """The cells of a block."""
        return {
            dim: (place * self.blocks[dim], min((place + 1) * self.blocks[dim], size))
            for place, (dim, size) in zip(block, self.sizes.items(), strict=True)
        }

    def number(self, block: Block) -> int:
        """The number of a block, from 0 on without a gap; it stays when the grid grows."""
        smaller: Block = (0,) * len(block)
        for grid in (*self.grown, self.grid):
            if all(place < n for place, n in zip(block, grid, strict=True)):
                earlier = _before(block, grid) - _before(block, smaller)
                return math.prod(smaller) + earlier
            smaller = grid
        raise IndexError(f"the block {block} is not in a grid of {self.grid}")

    def labels(self, region: Region) -> xr.Dataset:
        """The coordinates of a region's cells."""
        coords = {one.name: (one.dims, one.part(region), one.attrs) for one in self.coordinates}
        if "trial" in region and "trial" not in coords:
            labels = {"units": "1", "long_name": "trial number"}
            coords["trial"] = (("trial",), np.arange(*region["trial"]), labels)
        return xr.Dataset(coords=coords)

    def difference(self, other: Plan, *, may_grow: bool = False) -> str:
        """What is otherwise in this plan than in another, in words; empty if nothing is.

        Versions, and blocks not chosen yet, make no difference.

        Parameters
        ----------
        other : Plan
        may_grow : bool
            Nor do more cells along a dim, where those of the other come first.
        """
        return "; ".join(differences(self, other, may_grow=may_grow))

    def grown_from(self, other: Plan) -> Plan:
        """The same plan in the blocks of one that it equals or extends.

        Raises
        ------
        ValueError
            If it does neither, with what differs.
        """
        different = self.difference(other, may_grow=True)
        if different:
            raise ValueError(different)
        larger = self.replace(blocks=other.blocks, grown=other.grown, versions=other.versions)
        if larger.grid == other.grid:
            return larger
        return larger.replace(grown=(*other.grown, other.grid))

    def to_json(self) -> str:
        """The plan as text, the same for equal plans."""
        return json.dumps(self._tree(), sort_keys=True, allow_nan=False, indent=1)

    def _tree(self) -> dict[str, Any]:
        return fields_of(self) | {
            "network": _tree_of(self.network, "network"),
            "sizes": [[dim, size] for dim, size in self.sizes.items()],
            "blocks": [[dim, cells] for dim, cells in self.blocks.items()],
            "coordinates": [one.tree() for one in self.coordinates],
        }

    def result_json(self) -> str:
        """The same in a line, without how the work was cut up, which no result depends on."""
        whole = self.replace(blocks={}, grown=())
        return json.dumps(whole._tree(), sort_keys=True, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Plan:
        """The plan that a text is of.

        Raises
        ------
        ValueError
            If it is of none.
        """
        try:
            tree = json.loads(text)
            if not isinstance(tree, dict):
                raise ValueError(f"it is {shown(tree)}")
            tree["network"] = json.dumps(tree["network"])
            tree["coordinates"] = tuple(map(Coordinate.of_tree, tree["coordinates"]))
            for name in ("sizes", "blocks"):
                tree[name] = dict(tree[name])
            return cls(**tree)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            reason = f"no {error}" if isinstance(error, KeyError) else str(error)
            raise ValueError(f"this is not the plan of a sweep: {reason}") from error


def _before(block: Block, grid: Block) -> int:
    """How many places of a grid come before a block, the last dim fastest."""
    count = 0
    for axis, (place, n) in enumerate(zip(block, grid, strict=True)):
        count += min(place, n) * math.prod(grid[axis + 1 :])
        if place >= n:
            break
    return count


def _json_tree(value: Any, name: str) -> dict[str, Any]:
    """A mapping as JSON reads it back."""
    if not isinstance(value, Mapping):
        raise TypeError(f"{name} must be a mapping, got {shown(value)}")
    try:
        tree: dict[str, Any] = json.loads(json.dumps(dict(value), allow_nan=False))
    except (TypeError, ValueError) as error:
        raise TypeError(f"{name} must be numbers, text, lists and mappings: {error}") from None
    return tree


def _tree_of(text: str, name: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{name} must be JSON: {error}") from None
