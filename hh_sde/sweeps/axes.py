"""The swept parameters of a sweep: names with their values, along dims, by xarray's rules.

A list becomes a dim of its own. DataArrays keep their dims and are broadcast by name, so parameters
over the same dim, "sample", are paired. Parameters of neurons vary from lane to lane of one run;
the structure of the network and the solver take a separate run for each value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from hh_sde.network import Network
from hh_sde.network.paths import parts_of, value_at, with_value
from hh_sde.network.spread import SCALE, Spread
from hh_sde.records import Record, numbers, shown

#: Arguments of `solve` that may vary.
OF_SOLVER = ("dt", "method")
#: Their coordinates; ``sel(method=...)`` means another thing to xarray.
_SOLVER_LABELS = {"dt": "dt", "method": "scheme"}
#: What else a dim of a result is called.
_TAKEN = ("trial", "time", "neuron", "spike", "component", "population", "index", "bin")


@dataclass(frozen=True, eq=False)
class Axis:
    """A swept parameter: a name with its values.

    Parameters
    ----------
    path : str
        See `hh_sde.network.paths`; or one of `OF_SOLVER`.
    dims : tuple of str
        Along which it varies.
    values : array
        Over these dims: float64 if lanes have it, else of objects.
    in_lanes : bool
        Whether it is a number that may differ between lanes of one run.
    label : str
        What its coordinate is called.
    units : str
    """

    path: str
    dims: tuple[str, ...]
    values: np.ndarray
    in_lanes: bool
    label: str
    units: str

    @property
    def coordinate(self) -> np.ndarray:
        """Its values as those of a coordinate: numbers, or text."""
        if self.values.dtype != object:
            return self.values
        found = [_text(value, k) for k, value in enumerate(self.values.ravel().tolist())]
        if all(isinstance(one, int | float) for one in found):
            return np.array(found, dtype=float).reshape(self.values.shape)
        return np.array([str(one) for one in found]).reshape(self.values.shape)


class Axes:
    """All swept parameters.

    Attributes
    ----------
    axes : tuple of Axis
    sizes : dict of dim to int
        In the order of the result.
    """

    def __init__(
        self,
        axes: tuple[Axis, ...],
        others: Mapping[str, np.ndarray],
        order: Sequence[str] | None = None,
    ) -> None:
        self.axes = axes
        sizes = {
            dim: size for one in axes for dim, size in zip(one.dims, one.values.shape, strict=True)
        }
        self.sizes = {dim: sizes[dim] for dim in order or sizes}
        self._others = dict(others)  # coordinates that DataArrays brought along

    @classmethod
    def of(cls, net: Network, over: Mapping[str, Any]) -> Axes:
        """The axes of a sweep, checked.

        Raises
        ------
        TypeError, ValueError
            If a name leads nowhere or does not take a value, a list is empty or says a value twice,
            or dims do not go together.
        """
        if not isinstance(over, Mapping) or not over:
            raise TypeError(
                "over must give values to names, as {'stimulus': [6.0, 8.0], 'cell.g_Na': [100, "
                f"120]}}, got {shown(over)}"
            )
        labels = labels_of(net, list(over))
        found, arrays = [], []
        for path, given in over.items():
            if isinstance(given, xr.DataArray):
                arrays.append(given)
            dims, values = _values(path, given, labels[path])
            if labels[path] in dims and len(dims) == 1:
                _see_different(path, values)
            in_lanes, values = _checked(net, path, values)
            found.append(Axis(path, dims, values, in_lanes, labels[path], units_of(net, path)))
        _see_sizes(found)
        sizes = {dim: n for one in found for dim, n in zip(one.dims, one.values.shape, strict=True)}
        # cells along a dim without a coordinate have numbers, by which a part is known
        others = {dim: np.arange(n) for dim, n in sizes.items()} | _coordinates(arrays, set(sizes))
        return cls(tuple(found), {k: v for k, v in others.items() if k not in labels.values()})

    def coords(self) -> dict[str, xr.Variable]:
        """The coordinates of the result."""
        found = {
            dim: xr.Variable((dim,), values, {"units": "1", "long_name": dim})
            for dim, values in self._others.items()
        }
        for one in self.axes:
            attrs = {"units": one.units, "long_name": one.path}
            found[one.label] = xr.Variable(one.dims, one.coordinate, attrs)
        return found

    def values_at(self, places: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The values of each name at points, given by places along each dim, in the dims' order."""
        sizes = [places[dim].size for dim in self.sizes]
        found = {}
        for one in self.axes:
            part = one.values[np.ix_(*(places[dim] for dim in one.dims))]
            shape = [
                part.shape[one.dims.index(dim)] if dim in one.dims else 1 for dim in self.sizes
            ]
            order = [one.dims.index(dim) for dim in self.sizes if dim in one.dims]
            lined_up = part.transpose(order).reshape(shape)
            found[one.path] = np.broadcast_to(lined_up, sizes).ravel()
        return found

    @property
    def single(self) -> list[str]:
        """Dims along which every value is a run of its own."""
        return [
            dim for dim in self.sizes
            if any(dim in one.dims and not one.in_lanes for one in self.axes)
        ]  # fmt: skip


def labels_of(net: Network, paths: list[str]) -> dict[str, str]:
    """What the coordinates are called: the last word, or all where that is not enough."""
    last = {path: _SOLVER_LABELS.get(path) or parts_of(path)[-1] for path in paths}
    taken = {*_TAKEN, *net.variables}
    return {
        path: word
        if list(last.values()).count(word) == 1 and word not in taken and word.isidentifier()
        else path.replace(".", "_")
        for path, word in last.items()
    }


def _values(path: str, given: Any, label: str) -> tuple[tuple[str, ...], np.ndarray]:
    """Dims and values of what was given for a name."""
    if isinstance(given, xr.DataArray):
        dims = tuple(map(str, given.dims))
        clash = sorted(set(dims) & set(_TAKEN))
        if clash:
            raise ValueError(f"over: {path} has the dim {', '.join(clash)}, which results use")
        if not dims or not given.size:
            raise ValueError(f"over: {path} must vary along a dim, got {shown(given)}")
        return dims, given.values
    if isinstance(given, str) or not hasattr(given, "__len__") or isinstance(given, Mapping):
        raise TypeError(
            f"over: {path} must be a list of values or a DataArray, got {shown(given)}; what does "
            "not vary belongs into the network"
        )
    if not len(given):
        raise ValueError(f"over: {path} has no values")
    array = np.asarray(given) if isinstance(given, np.ndarray) else None
    if array is not None and array.ndim != 1:
        raise ValueError(
            f"over: {path} has shape {array.shape}; give a list, or a DataArray whose dims have "
            "names"
        )
    values = np.empty(len(given), dtype=object)
    values[:] = [np.array(one) if isinstance(one, list) else one for one in given]
    return (label,), values


def _checked(net: Network, path: str, values: np.ndarray) -> tuple[bool, np.ndarray]:
    """Whether lanes may have the values, and these, as numbers if they may."""
    if path in OF_SOLVER:
        return False, values.astype(object)
    if parts_of(path)[-1] in ("n", "n_neurons"):
        raise ValueError(
            f"over: {path} would change the dim neuron of the result: run a sweep for each number"
        )
    try:
        as_numbers = numbers(values.tolist(), f"over: {path}")
        if as_numbers.shape != values.shape:
            raise ValueError(f"over: {path} has an array for a value")  # no number of a lane
        Spread(net, {path: as_numbers.ravel()}, as_numbers.size)
    except (TypeError, ValueError, AttributeError):
        if path.split(".")[0] == "synapses" and len(path.split(".")) < 3:
            raise
        if path.split(".")[-1] == SCALE:
            raise
        for value in values.ravel().tolist():
            with_value(net, path, value)
        return False, values.astype(object)
    return True, as_numbers.reshape(values.shape)


def _see_different(path: str, values: np.ndarray) -> None:
    listed = [str(_text(value, k)) for k, value in enumerate(values.tolist())]
    double = sorted({one for one in listed if listed.count(one) > 1})
    if double:
        raise ValueError(f"over: {path} has {', '.join(double)} twice: give each value once")


def _see_sizes(axes: list[Axis]) -> None:
    sizes: dict[str, tuple[int, str]] = {}
    for one in axes:
        for dim, size in zip(one.dims, one.values.shape, strict=True):
            known, first = sizes.setdefault(dim, (size, one.path))
            if known != size:
                raise ValueError(
                    f"over: {first} has {known} values along {dim}, and {one.path} has {size}"
                )


def _coordinates(arrays: list[xr.DataArray], dims: set[str]) -> dict[str, np.ndarray]:
    """Coordinates of dims that DataArrays bring along; they must agree."""
    found: dict[str, np.ndarray] = {}
    for one in arrays:
        for dim in map(str, one.dims):
            if dim not in one.coords or dim not in dims:
                continue
            known = found.setdefault(dim, one[dim].values)
            if not np.array_equal(known, one[dim].values):
                raise ValueError(f"over: two DataArrays have other coordinates {dim}")
    return found


def units_of(net: Network, path: str) -> str:
    """The units of a number, as its record names them.

    Examples
    --------
    >>> units_of(Network(1), "cell.g_Na")
    'mS/cm^2'
    """
    if path in OF_SOLVER:
        return "ms" if path == "dt" else "1"
    *before, name = parts_of(path)
    if name == SCALE:
        return "1"
    if name == "stimulus":
        return "uA/cm^2"
    try:
        owner = value_at(net, ".".join(before)) if before else None
    except ValueError:
        return "1"
    if isinstance(owner, tuple) and len(owner) == 1:
        (owner,) = owner
    quantities = getattr(owner, "quantities", {})
    if name in quantities:
        return str(quantities[name][1])
    return str(owner.units.get(name, "1")) if isinstance(owner, Record) else "1"


def _text(value: Any, number: int) -> Any:
    """A value as a label."""
    if isinstance(value, str | int | float | np.number) and not isinstance(value, bool):
        return value.item() if isinstance(value, np.number) else value
    return getattr(value, "name", None) or f"{type(value).__name__} {number}"
