"""The metadata of a store: those of its arrays, and those of the whole, by which it opens."""

from __future__ import annotations

import json
import math
import os
import shutil
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from hh_sde.files.chunks import codecs, see_inside


def fill_of(dtype: np.dtype[Any]) -> Any:
    """What stands where nothing was computed."""
    return {"f": math.nan, "i": -1, "b": False, "U": ""}[dtype.kind]


def add_array(
    group: Any,
    name: str,
    shape: tuple[int, ...],
    chunk: tuple[int, ...],
    dtype: Any,
    dims: tuple[str, ...],
    attrs: Mapping[str, Any],
) -> Any:
    """An array whose chunks are not there yet."""
    kind = np.dtype(dtype)
    return group.create_array(
        name,
        shape=shape,
        chunks=tuple(max(1, size) for size in chunk),
        dtype="str" if kind.kind == "U" else kind,
        fill_value=fill_of(kind),
        dimension_names=dims,
        attributes=dict(attrs),
        **codecs(),
    )


def add_values(
    group: Any, name: str, values: np.ndarray, dims: tuple[str, ...], attrs: Mapping[str, Any]
) -> None:
    """An array that is written at once, in one chunk."""
    array = add_array(group, name, values.shape, values.shape, values.dtype, dims, attrs)
    array[...] = values.astype(object) if values.dtype.kind == "U" else values


def consolidate(path: Path) -> None:
    """Write the metadata of all groups and arrays into those of the whole.

    zarr does so too, but looks at every file there is, and warns of those that are not its own.
    """
    files = sorted(path.glob("*/zarr.json"))
    members = {file.parent.name: json.loads(file.read_text()) for file in files}
    whole = json.loads((path / "zarr.json").read_text())
    inline = {"kind": "inline", "must_understand": False, "metadata": members}
    text = json.dumps(whole | {"consolidated_metadata": inline}, indent=2)
    (path / "zarr.json").write_text(text)


def renew(path: Path, temporary: Path, make: Callable[[Path], None]) -> None:
    """Put what `make` writes into a new folder in a store's place, file by file.

    The metadata of the whole come last: what they say is there then.
    """
    new = temporary / uuid.uuid4().hex
    try:
        make(new)
        files = sorted(new.rglob("*"), key=lambda file: (file == new / "zarr.json", file))
        for file in files:
            if file.is_file():
                target = path / file.relative_to(new)
                see_inside(target, path)
                target.parent.mkdir(parents=True, exist_ok=True)
                os.replace(file, target)
    finally:
        shutil.rmtree(new, ignore_errors=True)


def opened(path: Path) -> xr.Dataset:
    """The Dataset in a store, read when it is asked for.

    Texts are read at once, but for those of spikes, of which there may be any number.
    """
    ds = xr.open_zarr(
        path, chunks=None, consolidated=True, decode_times=False, mask_and_scale=False
    )
    text = {
        name: (one.dims, np.array([str(word) for word in one.values]), one.attrs)
        for name, one in ds.coords.items()
        if one.dtype.kind in "OT" and "spike" not in one.dims
    }
    return ds.assign_coords(text)
