"""Coordinates and attributes of a sweep, as JSON and back, bit for bit."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import field
from typing import Any

import numpy as np

from hh_sde.addresses import is_whole
from hh_sde.descriptions import decode, encode
from hh_sde.records import Record, check_name, record, shown

#: The cells of a task: {dim: (start, stop)}.
Region = dict[str, tuple[int, int]]


@record
class Coordinate(Record):
    """A coordinate of a sweep.

    Parameters
    ----------
    name : str
    dims : tuple of str
    values : array
        Numbers, or text.
    attrs : mapping
        ``units``, ``long_name`` and the like: text and numbers.
    """

    name: str
    dims: tuple[str, ...]
    values: np.ndarray
    attrs: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_name(self.name, "a coordinate")
        array = np.array(self.values)
        if array.dtype.kind not in "ifU":
            raise TypeError(
                f"the coordinate {self.name} must hold floats, signed integers or text, got "
                f"{array.dtype}"
            )
        if array.ndim != len(self.dims):
            raise ValueError(
                f"the coordinate {self.name} has shape {array.shape}, but dims {self.dims}"
            )
        if array.dtype.kind != "U":  # one type, so that equal numbers have equal bits
            array = array.astype(np.float64 if array.dtype.kind == "f" else np.int64)
        array.flags.writeable = False
        object.__setattr__(self, "values", array)
        object.__setattr__(self, "dims", tuple(self.dims))
        object.__setattr__(self, "attrs", plain(self.attrs, f"attributes of {self.name}"))

    def part(self, region: Region) -> np.ndarray:
        """Its values in a region."""
        return self.values[tuple(slice(*region[dim]) for dim in self.dims)]

    def tree(self) -> dict[str, Any]:
        """It as a JSON tree, every number to its last bit."""
        return {
            "name": self.name,
            "dims": list(self.dims),
            "values": array_tree(self.values, self.name),
            "attrs": dict(self.attrs),
        }

    def same_bits(self, other: Coordinate) -> bool:
        """Whether the values that both have, the first along each dim, are the same."""
        both = tuple(map(slice, np.minimum(self.values.shape, other.values.shape)))
        return same_bits(self.values[both], other.values[both])

    @classmethod
    def of_tree(cls, tree: Any) -> Coordinate:
        """The coordinate that `tree` wrote down."""
        values = array_of(tree["values"], str(tree["name"]))
        return cls(**{**tree, "dims": tuple(tree["dims"]), "values": values})


def same_bits(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two arrays are of one kind and shape and hold the same text or the same bits.

    Examples
    --------
    >>> same_bits(np.array([0.0]), np.array([-0.0]))
    False
    """
    if one.dtype.kind == other.dtype.kind == "U":
        return np.array_equal(one, other)
    return (one.dtype, one.shape) == (other.dtype, other.shape) and one.tobytes() == other.tobytes()


def array_tree(array: np.ndarray, name: str) -> Any:
    """Numbers or text as a JSON tree; `array_of` is the inverse, bit for bit."""
    return {"text": array.tolist()} if array.dtype.kind == "U" else encode(array, name)


def array_of(tree: Any, name: str) -> np.ndarray:
    """The array that `array_tree` wrote down.

    Raises
    ------
    ValueError
        If it is none.
    """
    if isinstance(tree, dict) and list(tree) == ["text"]:
        array = np.array(tree["text"])
        if array.dtype.kind != "U":
            raise ValueError(f"{name} must hold text, got {shown(tree['text'])}")
        return array
    array = decode(tree, name)
    if not isinstance(array, np.ndarray):
        raise ValueError(f"{name} must be an array, got {shown(tree)}")
    return array


def plain(attrs: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Attributes as text, finite numbers, and lists of them, which netCDF and zarr take.

    Raises
    ------
    TypeError
        If they hold anything else.
    """
    if not isinstance(attrs, Mapping):
        raise TypeError(f"{name} must be a mapping, got {shown(attrs)}")
    return {str(key): _plain(value, f"{name}: {key}") for key, value in attrs.items()}


def _plain(value: Any, name: str, within: bool = False) -> Any:
    if isinstance(value, list | tuple | np.ndarray) and not within and np.ndim(value) == 1:
        return [_plain(item, name, within=True) for item in value]
    if isinstance(value, str):
        return value
    if is_whole(value):
        return int(value)
    if isinstance(value, float | np.floating) and math.isfinite(value):
        return float(value)
    raise TypeError(f"{name} must be text, a finite number or a list of them, got {shown(value)}")
