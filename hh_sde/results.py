"""What is given as a result: a Dataset, the path of one, or something else by mistake."""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import xarray as xr

from hh_sde.records import shown

Function = TypeVar("Function", bound=Callable[..., Any])


def dataset_of(value: Any, taker: str) -> xr.Dataset:
    """`value`, if it is a Dataset.

    Raises
    ------
    TypeError
        If it is not; with what it is, and how to come from it to a Dataset.

    Examples
    --------
    >>> dataset_of("run.nc", "rates")
    Traceback (most recent call last):
    TypeError: rates takes a Dataset, got the path 'run.nc': open it, xarray.load_dataset('run.nc')
    """
    if isinstance(value, xr.Dataset):
        return value
    raise TypeError(f"{taker} takes a Dataset, got {_what_and_way(value)}")


def opened(value: Any, taker: str) -> xr.Dataset:
    """A Dataset as it is, or that of a file (netCDF or zarr), read whole.

    Raises
    ------
    TypeError
        As `dataset_of`, of what is no path.
    ValueError
        If the file is none of these, or is damaged.
    FileNotFoundError
        If there is none.
    """
    if not isinstance(value, str | os.PathLike):
        return dataset_of(value, taker)
    try:
        return xr.load_dataset(Path(value), decode_times=False)
    except (FileNotFoundError, ImportError, MemoryError):
        raise
    except Exception as error:  # a file may be wrong in any way
        raise ValueError(
            f"{taker}: {os.fspath(value)} cannot be read as a Dataset, netCDF or zarr: perhaps it "
            "is no such file, was not written to its end, or was damaged; make the result again "
            f"({type(error).__name__}: {shown(str(error))})"
        ) from error


def takes_dataset(function: Function) -> Function:
    """Make a function refuse anything but a Dataset as its first argument, `ds`."""

    @functools.wraps(function)
    def checked(*args: Any, **keywords: Any) -> Any:
        if args or "ds" in keywords:
            dataset_of(args[0] if args else keywords["ds"], function.__name__)
        return function(*args, **keywords)

    takes = callable(function) and next(iter(inspect.signature(function).parameters), "") == "ds"
    return cast(Function, checked) if takes else function


def _what_and_way(value: Any) -> str:
    """What a value is, and how to come from it to a Dataset."""
    kind = type(value).__name__
    if isinstance(value, xr.DataArray):
        name = "" if value.name is None else f" {value.name}"
        way = ".to_dataset()" if name else '.to_dataset(name="V")'
        return f"the DataArray{name}: give the Dataset that it is of, or its {way}"
    if isinstance(value, str | os.PathLike):
        path = shown(os.fspath(value))
        return f"the path {path}: open it, xarray.load_dataset({path})"
    if kind in ("Network", "SDE"):
        article = "an" if kind == "SDE" else "a"
        return f"{article} {kind}: run it first, ds = hh_sde.solve(model, t_end)"
    if hasattr(value, "dtype") and hasattr(value, "shape"):
        return (
            f"an array of shape {value.shape}: label it, "
            'xarray.Dataset({"V": (("time", "neuron"), V)}, coords={"time": t, "neuron": [0, 1]})'
        )
    return f"{kind}: {shown(value)}"
