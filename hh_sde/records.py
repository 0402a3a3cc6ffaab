"""Records: immutable descriptions that turn into JSON and back, bit for bit.

Every description of a model (a rate, a cell, a synapse, a stimulus, a noise) is a frozen dataclass
derived from `Record`. `encode` makes a JSON tree of it and takes long arrays out into a dictionary
(they become variables of a Dataset, not text); `decode` is its inverse.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, MutableMapping
from typing import Any, ClassVar, Self

import numpy as np
import scipy.sparse

from hh_sde.errors import no_parameter

#: Arrays with more numbers than this leave the JSON text for a variable of their own.
LONGEST_TEXT_ARRAY = 16


class Record:
    """Base of the frozen dataclasses that describe a model."""

    kinds: ClassVar[dict[str, type[Record]]] = {}
    #: Units of the fields that may hold many numbers.
    units: ClassVar[Mapping[str, str]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        Record.kinds[cls.__name__] = cls

    def replace(self, **changes: Any) -> Self:
        """A copy with other values.

        Raises
        ------
        ValueError
            If a name is not a field of this record.
        """
        names = [field.name for field in dataclasses.fields(self)]  # type: ignore[arg-type]
        for name in changes:
            if name not in names:
                raise ValueError(no_parameter(type(self).__name__, name, names))
        return dataclasses.replace(self, **changes)  # type: ignore[type-var]

    def of_neuron(self, neuron: int) -> Self:
        """A copy in which every number that differs between neurons is that of one of them."""
        changes = {name: _of_neuron(value, neuron) for name, value in _fields(self).items()}
        return dataclasses.replace(self, **changes)  # type: ignore[type-var]

    def __getstate__(self) -> dict[str, Any]:
        """The fields alone: what was computed from them on the way is computed again."""
        return _fields(self)

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        return _same(_fields(self), _fields(other))

    __hash__ = None  # type: ignore[assignment]


def parameter(
    value: Any, name: str, *, positive: bool = False, nonnegative: bool = False
) -> float | np.ndarray:
    """A checked parameter: a float, or a read-only float array with one value per neuron.

    Raises
    ------
    TypeError, ValueError
        If `value` is not a finite number (or 1-D array of them), or has the wrong sign.
    """
    try:
        array = np.array(value, dtype=float)
    except (TypeError, ValueError):
        raise TypeError(
            f"{name} must be a number or one number per neuron, got {value!r}"
        ) from None
    if array.ndim > 1:
        raise ValueError(
            f"{name} must be a number or a 1-D array (one per neuron), got shape {array.shape}"
        )
    if not np.all(np.isfinite(array)):
        raise ValueError(f"{name} must be finite, got {value!r}")
    if positive and not np.all(array > 0):
        raise ValueError(f"{name} must be positive, got {value!r}")
    if nonnegative and not np.all(array >= 0):
        raise ValueError(f"{name} must not be negative, got {value!r}")
    if array.ndim == 0:
        return float(array)
    array.flags.writeable = False
    return array


def per_neuron(value: float | np.ndarray, n_neurons: int, name: str) -> np.ndarray:
    """`value` as an array of shape (n_neurons,).

    Raises
    ------
    ValueError
        If `value` has another length.
    """
    array = np.asarray(value, dtype=float)
    if array.ndim == 1 and array.size != n_neurons:
        raise ValueError(
            f"{name} has {array.size} values; a network of {n_neurons} neurons takes one number "
            f"or an array of shape ({n_neurons},)"
        )
    return np.ascontiguousarray(np.broadcast_to(array, (n_neurons,)))


def encode(
    value: Any, arrays: MutableMapping[str, tuple[np.ndarray, str]], name: str, units: str = "1"
) -> Any:
    """`value` as a JSON tree; long arrays go, with units, into `arrays` under names from `name` on.

    Raises
    ------
    TypeError
        If `value` holds something that is not data (a function, say).
    """
    if isinstance(value, Record):
        tree = {
            key: encode(item, arrays, f"{name}_{key}", value.units.get(key, "1"))
            for key, item in _fields(value).items()
        }
        return {"type": type(value).__name__, **tree}
    if scipy.sparse.issparse(value):
        csr = scipy.sparse.csr_array(value)
        return {
            "type": "csr",
            "shape": list(csr.shape),
            "data": encode(csr.data, arrays, f"{name}_data", units),
            "indices": encode(csr.indices, arrays, f"{name}_indices"),
            "indptr": encode(csr.indptr, arrays, f"{name}_indptr"),
        }
    if isinstance(value, np.ndarray):
        if value.size > LONGEST_TEXT_ARRAY:
            arrays[name] = (value, units)
            return {"type": "array", "name": name}
        return {"type": "values", "dtype": value.dtype.str, "values": value.tolist()}
    if isinstance(value, tuple):
        return [encode(item, arrays, f"{name}_{i}", units) for i, item in enumerate(value)]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(
        f"{name} is {value!r}, which cannot be written down as data; "
        "describe it with numbers, text, arrays or the library's own records"
    )


def decode(tree: Any, arrays: Mapping[str, Any]) -> Any:
    """The value that `encode` turned into `tree` and `arrays`.

    Raises
    ------
    ValueError
        If the tree names a kind of record that is not known, or an array that is missing.
    """
    if isinstance(tree, list):
        return tuple(decode(item, arrays) for item in tree)
    if not isinstance(tree, dict):
        return tree
    kind = tree["type"]
    if kind == "values":
        return _frozen(np.array(tree["values"], dtype=tree["dtype"]))
    if kind == "array":
        if tree["name"] not in arrays:
            raise ValueError(f"the variable {tree['name']!r} of the description is missing")
        return _frozen(np.array(arrays[tree["name"]]))
    fields = {k: decode(v, arrays) for k, v in tree.items() if k != "type"}
    if kind == "csr":
        parts = (fields["data"], fields["indices"], fields["indptr"])
        return scipy.sparse.csr_array(parts, shape=fields["shape"])
    if kind not in Record.kinds:
        raise ValueError(
            f"unknown kind of record {kind!r}; import the module that defines it first. "
            f"Known: {', '.join(sorted(Record.kinds))}"
        )
    return Record.kinds[kind](**fields)


def _of_neuron(value: Any, neuron: int) -> Any:
    if isinstance(value, Record):
        return value.of_neuron(neuron)
    if isinstance(value, tuple):
        return tuple(_of_neuron(item, neuron) for item in value)
    if isinstance(value, np.ndarray) and value.ndim == 1:
        return float(value[neuron])
    return value


def _frozen(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array


def _fields(record: Any) -> dict[str, Any]:
    return {field.name: getattr(record, field.name) for field in dataclasses.fields(record)}


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(_same(a[k], b[k]) for k in a)
    if isinstance(a, tuple) and isinstance(b, tuple):
        return len(a) == len(b) and all(map(_same, a, b))
    if scipy.sparse.issparse(a) and scipy.sparse.issparse(b):
        return a.shape == b.shape and (a != b).nnz == 0
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        return np.array_equal(a, b)
    return bool(a == b) or (a != a and b != b)  # nan is nan
