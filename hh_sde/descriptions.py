"""Descriptions: a record as a JSON tree, and the record that a tree describes, bit for bit.

`encode` takes long arrays out of the tree into a dictionary (they become variables of a Dataset,
not text); `decode` is its inverse. A tree may come from a file that someone has changed, so nothing
in it is taken on trust: no code runs but the constructors of records, which check what they get.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Callable, Mapping, MutableMapping
from functools import partial
from typing import Any

import numpy as np
import scipy.sparse

from hh_sde.errors import did_you_mean
from hh_sde.records import (
    OF_SLOT,
    Record,
    fields_of,
    frozen,
    numbers,
    shown,
    sparse_numbers,
)

#: Arrays with more numbers than this leave the JSON text for a variable of their own.
LONGEST_TEXT_ARRAY = 16
#: Descriptions nested deeper than this are not read.
DEEPEST = 32
#: Numbers as numpy writes their types: integers and floats of up to 8 bytes.
NUMBER_TYPE = re.compile(r"[<>|=]?[iuf][1248]")
#: Fields of records that files of earlier versions call otherwise: (record, there): here.
RENAMED = {("Cell", "source"): "reference", ("Synapse", "source"): "reference"}


class DescriptionError(ValueError):
    """A description that is none, with the place in its tree."""


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
        own = {key: value.units.get(key, "1") for key in fields_of(value)}
        tree = {
            key: encode(item, arrays, f"{name}_{key}", units if own[key] == OF_SLOT else own[key])
            for key, item in fields_of(value).items()
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


def decode(tree: Any, arrays: Mapping[str, Any], where: str, depth: int = 0) -> Any:
    """The value that `encode` turned into `tree` and `arrays`.

    Parameters
    ----------
    tree : JSON tree
    arrays : mapping of str to array
    where : str
        What to call the place of the tree in errors.
    depth : int
        How deep in the whole tree it is.

    Raises
    ------
    DescriptionError
        If it is not such a tree, or a record refuses what it holds.
    """
    if depth > DEEPEST:
        raise DescriptionError(f"{where}: nested more than {DEEPEST} deep")
    if isinstance(tree, list):
        items = enumerate(tree)
        return tuple(decode(item, arrays, f"{where}[{i}]", depth + 1) for i, item in items)
    if not isinstance(tree, dict):
        return tree
    kind = tree.get("type")
    fields = {
        _field(kind, key, tree): decode(item, arrays, f"{where}.{key}", depth + 1)
        for key, item in tree.items()
        if key != "type"
    }
    try:
        return _maker(kind, arrays, fields)(**fields)
    except Exception as error:  # whatever a record raises, the place of the fault is told
        raise DescriptionError(f"{where}: {str(error) or type(error).__name__}") from error


def _field(kind: Any, key: str, tree: Mapping[str, Any]) -> str:
    """What the field of a record is called here."""
    new = RENAMED.get((kind, key), key) if isinstance(kind, str) else key
    return key if new in tree else new


def _maker(kind: Any, arrays: Mapping[str, Any], fields: Mapping[str, Any]) -> Callable[..., Any]:
    """What makes a value of this kind; it takes these fields."""
    kinds: dict[str, Callable[..., Any]] = {
        "values": _values,
        "array": partial(_array, arrays=arrays),
        "csr": _sparse,
        **{name: cls for name, cls in Record.kinds.items() if dataclasses.is_dataclass(cls)},
    }
    if not isinstance(kind, str) or kind not in kinds:
        raise ValueError(
            f"unknown kind of record {shown(kind)}{did_you_mean(kind, kinds)}; import the module "
            f"that defines it first. Known: {', '.join(sorted(kinds))}"
        )
    parameters = inspect.signature(kinds[kind]).parameters
    known = [name for name in parameters if name != "arrays"]
    for name in fields:
        if name not in known:
            raise ValueError(
                f"{kind} has no field {shown(name)}; it has {', '.join(known)}"
                + did_you_mean(name, known)
            )
    for name in known:
        if parameters[name].default is inspect.Parameter.empty and name not in fields:
            raise ValueError(f"{kind} lacks the field {name!r}")
    return kinds[kind]


def _values(dtype: Any, values: Any) -> np.ndarray:
    if not isinstance(dtype, str) or not NUMBER_TYPE.fullmatch(dtype):
        raise ValueError(f"{shown(dtype)} is not a type of numbers")
    numbers(values, "values", "numbers")
    return frozen(np.array(values, dtype=dtype))


def _array(name: Any, arrays: Mapping[str, Any]) -> np.ndarray:
    if not isinstance(name, str) or name not in arrays:
        raise ValueError(f"the variable {shown(name)} of the description is missing")
    if not NUMBER_TYPE.fullmatch(np.dtype(arrays[name].dtype).str):
        raise ValueError(f"the variable {name!r} holds {arrays[name].dtype}, not numbers")
    return frozen(np.array(arrays[name]))


def _sparse(data: Any, indices: Any, indptr: Any, shape: Any) -> scipy.sparse.csr_array:
    for name, part in {"data": data, "indices": indices, "indptr": indptr}.items():
        if not isinstance(part, np.ndarray) or part.ndim != 1:
            raise ValueError(f"{name} must be a 1-D array of numbers, got {shown(part)}")
    whole = isinstance(shape, tuple) and all(type(size) is int for size in shape)
    if not whole or len(shape) != 2:
        raise ValueError(f"shape must be two whole numbers, got {shown(shape)}")
    return sparse_numbers(scipy.sparse.csr_array((data, indices, indptr), shape=shape), "it")
