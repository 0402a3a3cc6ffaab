"""Sensible values damaged somewhere, and arguments of calls made of them."""

import inspect
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import hypothesis.strategies as st
import numpy as np
import xarray as xr

from fuzz.examples import Examples
from fuzz.hostile import HOSTILE, TEXTS
from fuzz.surface import Target
from hh_sde.records import Record, fields_of

Draw = Callable[[st.SearchStrategy[Any]], Any]


def damaged(value: Any, draw: Draw, depth: int = 0) -> Any:
    """A value with something in it changed."""
    if depth > 3 or draw(st.integers(0, 3)) == 0:
        return draw(HOSTILE)
    for kind, change in CHANGES.items():
        if isinstance(value, kind):
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    return change(value, draw, depth + 1)
            except Exception:
                return value  # it cannot be changed so
    return draw(HOSTILE)


def _number(value: Any, draw: Draw, depth: int) -> Any:
    factor = draw(st.sampled_from([0, -1, 2, 0.5, 3, 1e3, 1e-3, 1e9, 1e-9, 1 + 1e-9, 1e300]))
    change = draw(st.sampled_from([
        lambda x: x * factor, lambda x: x + factor, lambda x: -x, lambda x: [x], lambda x: [x] * 3,
        str, np.array, np.float32,
    ]))  # fmt: skip
    return change(value)


def _text(value: str, draw: Draw, depth: int) -> Any:
    at = draw(st.integers(0, max(len(value) - 1, 0)))
    by = draw(st.sampled_from(["", "x", "9", "-", ".", "\0", "[", "}", '"', "é", "  ", value]))
    return draw(st.sampled_from([value[:at] + by + value[at + 1 :], value[:at], value.upper()]))


def _mapping(value: Mapping[Any, Any], draw: Draw, depth: int) -> Any:
    made = dict(value)
    key = draw(st.sampled_from([*made, draw(TEXTS)]))
    what = draw(st.integers(0, 3))
    if what == 0:
        made.pop(key, None)
    elif what == 1:
        new = draw(HOSTILE)
        made[new if _hashable(new) else key] = made.pop(key, None)
    else:
        made[key] = damaged(made.get(key), draw, depth)
    return made


def _sequence(value: Any, draw: Draw, depth: int) -> Any:
    made = list(value)
    at = draw(st.integers(0, max(len(made) - 1, 0)))
    what = draw(st.integers(0, 5))
    if what == 0:
        made = made[:at]
    elif what == 1:
        made = made + made
    elif what == 2:
        made = made[::-1]
    elif made:
        made[at] = damaged(made[at], draw, depth)
    return type(value)(made) if type(value) in (list, tuple) else made


def _array(value: np.ndarray, draw: Draw, depth: int) -> Any:
    what = draw(st.integers(0, 7))
    if what == 0 or not value.size:
        return value.ravel()[: draw(st.integers(0, max(value.size, 1)))]
    if what == 1:
        return value[None]
    if what == 2:
        return value.astype(
            draw(st.sampled_from(["O", "U", "?", "c16", "f4", "M8[ns]", "i1", ">f8"]))
        )
    if what == 3:
        return value.T
    if what == 4:
        return np.concatenate([value, value]) if value.ndim else value
    if what == 5:
        return value[::-1] if value.ndim else -value
    made = value.astype(float) if value.dtype.kind in "iuf" and what == 6 else value.copy()
    if made.dtype.kind in "iuf":
        numbers = [-1, 0, 2**31, 1e300] if made.dtype.kind == "f" else [0, 1, 100]
        bad = [*numbers, np.nan, np.inf] if made.dtype.kind == "f" else numbers
        made.flat[draw(st.integers(0, made.size - 1))] = draw(st.sampled_from(bad))
    return made


def _variable(value: xr.Dataset, name: str, draw: Draw, depth: int) -> xr.Dataset:
    one = value[name]
    made = damaged(one.values, draw, depth)
    made = made if isinstance(made, np.ndarray) else np.asarray(made)
    dims = one.dims if made.ndim == one.ndim else [f"d{k}" for k in range(made.ndim)]
    put = value.assign_coords if name in value.coords else value.assign
    if any(value.sizes.get(dim, size) != size for dim, size in zip(dims, made.shape, strict=True)):
        return value.drop_vars(name)
    return put({name: (dims, made, one.attrs)})


def _dataset(value: xr.Dataset, draw: Draw, depth: int) -> Any:
    names, dims = sorted(map(str, value.variables)), sorted(map(str, value.dims))
    name = draw(st.sampled_from(names or [""]))
    dim = draw(st.sampled_from(dims or [""]))
    what = draw(st.integers(0, 9))
    if what < 3:
        attrs = _mapping(value.attrs, draw, depth)
        return value.drop_attrs().assign_attrs({str(key): one for key, one in attrs.items()})
    if what == 3:
        return value.drop_vars(name)
    if what == 4:
        sizes = {dim: slice(0, draw(st.integers(0, max(value.sizes.get(dim, 0), 1))))}
        return value.isel({dim: draw(st.sampled_from([0, slice(0), slice(None, None, -1)]))}
                          if draw(st.booleans()) else sizes)  # fmt: skip
    if what == 5:
        return value.rename({name: draw(st.sampled_from([*names, "V", "x", "spike_time", "time"]))})
    if what == 6:
        one = value[name]
        attrs = _mapping(one.attrs, draw, depth)
        made = one.copy(deep=False).drop_attrs()
        put = value.assign_coords if name in value.coords else value.assign
        return put({name: made.assign_attrs({str(key): at for key, at in attrs.items()})})
    if what == 7:
        return draw(st.sampled_from([
            lambda: xr.concat([value, value], dim), lambda: value.mean(dim), lambda: value.mean(),
            lambda: value[[name]], lambda: value.expand_dims("other"), lambda: value.T,
            lambda: value.drop_attrs(), lambda: value.where(value[name] > 0),
            lambda: value.astype("f4"),
        ]))()  # fmt: skip
    return _variable(value, name, draw, depth)


def _record(value: Record, draw: Draw, depth: int) -> Any:
    """A record with another value of a field, if it takes it."""
    held = fields_of(value)
    if not held:
        return draw(HOSTILE)
    name = draw(st.sampled_from(sorted(held)))
    return value.replace(**{name: damaged(held[name], draw, depth)})


CHANGES: dict[Any, Callable[[Any, Draw, int], Any]] = {
    bool: lambda value, draw, depth: draw(HOSTILE),
    (int, float, np.number): _number,
    str: _text,
    dict: _mapping,
    (list, tuple): _sequence,
    np.ndarray: _array,
    xr.Dataset: _dataset,
    Record: _record,
}


def _hashable(value: Any) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True


@st.composite
def arguments(draw: Draw, target: Target, examples: Examples) -> dict[str, Any]:
    """Arguments for a target, of which some are hostile, damaged or meant for something else."""
    known = examples.of_call(target)
    kinds = {name: one.kind for name, one in target.parameters.items()}
    names = [name for name, kind in kinds.items() if kind not in _ANY]
    made = dict(draw(st.sampled_from(known))) if known and draw(st.integers(0, 15)) else {}
    own = names[0] if target.owner else ""
    if own and own not in made:
        made[own] = draw(st.sampled_from(examples.kinds[target.owner.__name__]))
    for name in names:
        parameter = target.parameters[name]
        if parameter.default is parameter.empty and name not in made:
            made[name] = draw(sensible(target, name, examples))
    if inspect.Parameter.VAR_KEYWORD in kinds.values() and draw(st.integers(0, 1)):
        names = [*names, *made, *examples.named, *KEYWORDS]
    changed = [name for name in names if name != "self"]
    for _ in range(draw(st.sampled_from([1, 1, 1, 1, 2, 2, 3])) if changed else 0):
        name = draw(st.sampled_from(changed))
        value = draw(other(made.get(name, inspect.Parameter.empty), target, name, examples))
        if name != own or isinstance(value, target.owner):
            made[name] = value
    return made


_ANY = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
#: Keywords where any are taken: parameters of cells, styles of plots.
KEYWORDS = ("g_Na", "E_K", "lw", "color", "alpha", "cmap", "threads")


@st.composite
def other(draw: Draw, before: Any, target: Target, name: str, examples: Examples) -> Any:
    """Another value of a parameter."""
    what = draw(st.integers(0, 9))
    if what < 3:
        return draw(HOSTILE)
    if what < 6 or before is inspect.Parameter.empty:
        return draw(sensible(target, name, examples))
    return damaged(before, draw)


def sensible(target: Target, name: str, examples: Examples) -> st.SearchStrategy[Any]:
    """Values that a parameter of this name took, or of the classes that its annotation names."""
    found = list(examples.named.get(name, ()))
    if name in target.parameters:
        annotation = str(target.parameters[name].annotation)
        found += [
            one for kind, some in examples.kinds.items() if kind in annotation for one in some
        ]
    return st.sampled_from(found) if found else HOSTILE


def called(target: Target, arguments: Mapping[str, Any]) -> Any:
    """The result of a call."""
    placed, named = [], dict(arguments)
    for name, one in target.parameters.items():
        if one.kind is one.POSITIONAL_ONLY or name == "self":
            placed.append(named.pop(name, None))
    return target.call(*placed, **named)
