"""Records: immutable descriptions, and the checks of the numbers in them.

Every description of a model (a rate, a cell, a synapse, a stimulus, a noise) is a frozen dataclass
derived from `Record`. All numbers that a user or a file gives pass `parameter`, `numbers` or
`sparse_numbers`, the only ways to the compiled loops.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar, dataclass_transform

import numpy as np

from hh_sde import memory
from hh_sde.display import record_html, record_text, short
from hh_sde.errors import did_you_mean, keyword_hints, no_parameter

if TYPE_CHECKING:
    import scipy.sparse

#: A field with this unit has that of the slot its record is in: a rate's value is 1/ms as alpha,
#: ms as tau.
OF_SLOT = "of the slot"


T = TypeVar("T")


@dataclass_transform(frozen_default=True, eq_default=False)
def record(cls: type[T]) -> type[T]:
    """Make a class a frozen dataclass that names the keyword nearest to one that it has not."""
    return keyword_hints(dataclasses.dataclass(frozen=True, eq=False, repr=False)(cls))


class Record:
    """Base of the frozen dataclasses that describe a model."""

    kinds: ClassVar[dict[str, type[Record]]] = {}
    #: Units of the fields that may hold many numbers.
    units: ClassVar[Mapping[str, str]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if not cls.__name__.startswith("_"):
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
                hint = self._elsewhere(name, changes)
                raise ValueError(no_parameter(type(self).__name__, name, names, hint))
        return dataclasses.replace(self, **changes)  # type: ignore[type-var]

    def _elsewhere(self, name: str, given: Mapping[str, Any]) -> str:
        """Where a parameter belongs that is none of this record, for an error; or nothing."""
        return ""

    def __repr__(self) -> str:
        """The fields that differ from their defaults; large arrays and long texts are cut short."""
        given = [
            f"{field.name}={short(getattr(self, field.name))}"
            for field in dataclasses.fields(self)  # type: ignore[arg-type]
            if field.default is dataclasses.MISSING
            or not _same(getattr(self, field.name), field.default)
        ]
        return f"{type(self).__name__}({', '.join(given)})"

    def __str__(self) -> str:
        """The fields with their units; of what shows itself in a way of its own, that."""
        own = type(self).__repr__ is not Record.__repr__
        return repr(self) if own else record_text(self)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(str(self))

    def _repr_html_(self) -> str:
        return record_html(self)

    def of_neuron(self, neuron: int) -> Self:
        """A copy in which every number that differs between neurons is that of one of them.

        Raises
        ------
        ValueError
            If there is no such neuron.
        """
        try:
            changes = {name: _of_neuron(value, neuron) for name, value in fields_of(self).items()}
        except IndexError:
            raise ValueError(f"there is no neuron {shown(neuron)}") from None
        return dataclasses.replace(self, **changes)  # type: ignore[type-var]

    def repeated(self, times: int) -> Self:
        """A copy for so many of each neuron, one beside the other."""
        changes = {name: _repeated(value, times) for name, value in fields_of(self).items()}
        return dataclasses.replace(self, **changes)  # type: ignore[type-var]

    def __getstate__(self) -> dict[str, Any]:
        """The fields alone: what was computed from them on the way is computed again."""
        return fields_of(self)

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        return _same(fields_of(self), fields_of(other))

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
    array = numbers(value, name)
    if array.ndim > 1:
        raise ValueError(
            f"{name} must be a number or a 1-D array (one per neuron), got shape {array.shape}"
        )
    if not np.all(np.isfinite(array)):
        raise ValueError(f"{name} must be finite, got {shown(value)}")
    if positive and not np.all(array > 0):
        raise ValueError(f"{name} must be positive, got {shown(value)}")
    if nonnegative and not np.all(array >= 0):
        raise ValueError(f"{name} must not be negative, got {shown(value)}")
    return float(array) if array.ndim == 0 else array


def single(value: Any, name: str, *, positive: bool = False) -> float:
    """A checked parameter that is the same for all neurons.

    Raises
    ------
    TypeError, ValueError
        As `parameter`, and if it is several numbers.
    """
    numbers(value, name, "a number")
    checked = parameter(value, name, positive=positive)
    if isinstance(checked, np.ndarray):
        raise ValueError(f"{name} must be one number, got {shown(value)}")
    return checked


def numbers(value: Any, name: str, wanted: str = "a number or one number per neuron") -> np.ndarray:
    """`value` as a read-only array of floats, a copy.

    Raises
    ------
    TypeError
        If it holds anything but real numbers: truth values, text, dates, complex numbers, masked
        or missing entries.
    """
    try:
        array = np.array(value)
        other = array.size > 0 and array.dtype.kind not in "iuf"
        if other or _taken_for_numbers(value):
            raise TypeError
        array = array.astype(float, copy=False)
    except (TypeError, ValueError, UserWarning):  # numpy warns of masked entries in lists
        raise TypeError(f"{name} must be {wanted}, got {shown(value)}") from None
    return frozen(array)


def _taken_for_numbers(value: Any) -> bool:
    """Whether numpy takes truth values in lists, or what lies under a mask, for numbers."""
    if isinstance(value, list | tuple):
        return any(_taken_for_numbers(item) for item in value)
    return isinstance(value, bool | np.bool_) or bool(np.ma.is_masked(value))


def sparse_numbers(matrix: Any, name: str) -> scipy.sparse.csr_array:
    """A scipy.sparse matrix as a read-only CSR array of floats, a copy.

    Nothing else may hand a sparse matrix on: with indices that lie outside of it, scipy and the
    compiled loops read foreign memory.

    Raises
    ------
    TypeError
        If its entries are not real numbers.
    ValueError
        If its indices or index pointers are damaged, or there is no room for its rows.
    """
    import scipy.sparse  # not loaded by those who only describe or name things

    if matrix.dtype.kind not in "iuf":
        raise TypeError(f"{name} must hold numbers, got a sparse matrix of {matrix.dtype}")
    rows = 16.0 * matrix.shape[0]  # their index pointers, and those of a copy
    memory.require(rows, f"{name}, a sparse matrix of shape {matrix.shape},", "take fewer neurons")
    try:
        if matrix.ndim != 2:
            raise ValueError(f"it has {matrix.ndim} dimensions, not 2")
        if matrix.format in ("csr", "csc", "bsr"):
            see_indices(matrix)
        elif matrix.format == "coo":
            _see_inside(matrix.row, matrix.shape[0])
            _see_inside(matrix.col, matrix.shape[1])
        elif matrix.format == "lil":
            _see_lists(matrix)
        csr = scipy.sparse.csr_array(matrix, dtype=float, copy=True)
        see_indices(csr)
    except (IndexError, OverflowError, TypeError, ValueError) as error:
        raise ValueError(f"{name} is a damaged sparse matrix: {error}") from None
    for part in (csr.data, csr.indices, csr.indptr):
        frozen(part)
    return csr


def see_indices(matrix: Any) -> None:
    """See that a CSR, CSC or BSR matrix leads nowhere but into itself.

    scipy's own check_format passes index pointers that rise and fall back to 0.

    Raises
    ------
    ValueError
        If it does not.
    """
    rows, columns = matrix.shape if matrix.format != "csc" else matrix.shape[::-1]
    if matrix.format == "bsr":
        rows, columns = rows // matrix.blocksize[0], columns // matrix.blocksize[1]
    indptr, entries = matrix.indptr, min(len(matrix.indices), len(matrix.data))
    if indptr.dtype.kind not in "iu" or indptr.shape != (rows + 1,):
        raise ValueError(f"index pointers must be {rows + 1} whole numbers, got {shown(indptr)}")
    if indptr[0] != 0 or np.any(indptr[1:] < indptr[:-1]) or indptr[-1] > entries:
        raise ValueError(f"index pointers must rise from 0 to at most {entries}: {shown(indptr)}")
    _see_inside(matrix.indices, columns)


def _see_inside(index: np.ndarray, size: int) -> None:
    if index.size and (index.dtype.kind not in "iu" or not 0 <= index.min() <= index.max() < size):
        raise ValueError(f"indices must be from 0 to {size - 1}, got {shown(index)}")


def _see_lists(matrix: Any) -> None:
    """See that the rows of a list-of-lists matrix fit their entries."""
    for columns, values in zip(matrix.rows, matrix.data, strict=True):
        if len(columns) != len(values):
            raise ValueError("a row has more indices than entries, or fewer")
        _see_inside(np.array(columns, dtype=np.int64), matrix.shape[1])


def see_kind(value: Any, kind: type | tuple[type, ...], name: str) -> None:
    """See that a value is of a class.

    Raises
    ------
    TypeError
        If it is not.
    """
    if not isinstance(value, kind):
        kinds = kind if isinstance(kind, tuple) else (kind,)
        wanted = " or ".join(one.__name__ for one in kinds)
        raise TypeError(f"{name} must be {wanted}, got {shown(value)}")


def see_choice(value: Any, accepted: Iterable[str], name: str) -> None:
    """See that a word is one of those accepted.

    Raises
    ------
    ValueError
        If it is not.
    """
    accepted = list(accepted)
    if not isinstance(value, str) or value not in accepted:
        raise ValueError(
            f"{name} must be one of {', '.join(one or repr(one) for one in accepted)}, got "
            f"{shown(value)}" + did_you_mean(value, accepted)
        )


def shown(value: Any) -> str:
    """`value` for a message: one short line, whatever it is."""
    try:
        text = " ".join(repr(value).split())
    except Exception:  # a number with thousands of digits, a class of the user's own
        text = f"{type(value).__name__} that cannot be printed"
    return text if len(text) <= 200 else text[:197] + "..."


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
            f"{name} has {array.size} values; {n_neurons} neurons take one number or an array of "
            f"shape ({n_neurons},)"
        )
    return np.ascontiguousarray(np.broadcast_to(array, (n_neurons,)))


def _of_neuron(value: Any, neuron: int) -> Any:
    if isinstance(value, Record):
        return value.of_neuron(neuron)
    if isinstance(value, tuple):
        return tuple(_of_neuron(item, neuron) for item in value)
    if isinstance(value, np.ndarray) and value.ndim == 1:
        return float(value[neuron])
    return value


def _repeated(value: Any, times: int) -> Any:
    if isinstance(value, Record):
        return value.repeated(times)
    if isinstance(value, tuple):
        return tuple(_repeated(item, times) for item in value)
    if isinstance(value, np.ndarray) and value.ndim == 1:
        return np.repeat(value, times)
    return value


def frozen(array: np.ndarray) -> np.ndarray:
    """`array`, made read-only."""
    array.flags.writeable = False
    return array


def fields_of(record: Any) -> dict[str, Any]:
    """The fields of a record and their values."""
    return {field.name: getattr(record, field.name) for field in dataclasses.fields(record)}


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(_same(a[k], b[k]) for k in a)
    if isinstance(a, tuple) and isinstance(b, tuple):
        return len(a) == len(b) and all(map(_same, a, b))
    if hasattr(a, "nnz") and hasattr(b, "nnz"):  # sparse matrices
        return a.shape == b.shape and (a != b).nnz == 0
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        return np.array_equal(a, b)
    return bool(a == b) or (a != a and b != b)  # nan is nan


def check_name(name: Any, what: str) -> None:
    """Names become variables of a Dataset, so they are Python identifiers.

    Raises
    ------
    ValueError
        If `name` is not one.
    """
    if not isinstance(name, str) or not name.isidentifier():
        raise ValueError(f"the name of {what} must be letters, digits and _, got {shown(name)}")


def several(values: Any, kind: type[Record], name: str) -> tuple[Any, ...]:
    """`values` as a tuple, if they are a tuple or list of this kind of record.

    Raises
    ------
    TypeError
        If they are not.
    """
    if not isinstance(values, tuple | list):
        hint = "; write (it,) for one alone" if isinstance(values, kind) else ""
        raise TypeError(
            f"{name} must be {kind.__name__} in a tuple or list, got {shown(values)}{hint}"
        )
    for value in values:
        if not isinstance(value, kind):
            raise TypeError(f"{name} must be {kind.__name__}, got {shown(value)}")
    return tuple(values)
