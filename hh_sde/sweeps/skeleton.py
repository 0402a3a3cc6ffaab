"""What a store has before anything is computed: groups, arrays without chunks, coordinates.

Metadata are consolidated: a store opens by reading one file, and its own group is no part of it.
"""

from __future__ import annotations

import json
import os
import shutil
import uuid
from pathlib import Path
from typing import Any

import numpy as np

from hh_sde.errors import optional
from hh_sde.sweeps.chunks import codecs, see_inside
from hh_sde.sweeps.form import ATTRIBUTE, OWN_GROUP, Form
from hh_sde.sweeps.plan import Plan

#: Folders in a store's own group: marks of tasks that are done, records of those that failed, files
#: that are being written.
FOLDERS = DONE, FAILED, TEMPORARY = "done", "failed", "temporary"


def make(path: Path, plan: Plan, form: Form) -> None:
    """Write the skeleton of a store into a new folder."""
    zarr = optional("zarr", "sweep")
    labels = plan.labels({dim: (0, size) for dim, size in plan.sizes.items()})
    used = {dim for one in form.dense for dim in one.dims}
    coords = {str(name): one for name, one in labels.coords.items() if set(one.dims) <= used}
    apart = [name for name, one in coords.items() if one.dims != (name,)]
    apart += [one.name for one in form.coordinates if one.dims != (one.name,)]
    attrs = {**form.attrs, ATTRIBUTE: plan.result_json()}
    attrs |= {"coordinates": " ".join(apart)} if apart else {}
    root = zarr.create_group(path, zarr_format=3, attributes=attrs)
    own = {"about": "the plan of the sweep and the marks of its tasks: no arrays"}
    root.create_group(OWN_GROUP, attributes=own)
    for one in form.dense:
        shape, chunk = form.shape(plan, one), form.chunk(plan, one)
        _array(root, one.name, shape, chunk, one.dtype, one.fill, one.dims, one.attrs)
    if form.spikes:
        one, chunk = form.spikes, (form.spike_chunk(plan),)
        shape = (plan.n_tasks * form.room(plan),)
        _array(root, one.name, shape, chunk, one.dtype, one.fill, one.dims, one.attrs)
    for name, label in coords.items():
        _coordinate(root, name, label.values, tuple(map(str, label.dims)), label.attrs)
    for fixed in form.coordinates:
        _coordinate(root, fixed.name, fixed.values, fixed.dims, fixed.attrs)
    _consolidate(path)
    for folder in FOLDERS:
        (path / OWN_GROUP / folder).mkdir()


def _consolidate(path: Path) -> None:
    """Write the metadata of all groups and arrays into those of the whole.

    zarr does so too, but looks at every file there is, and warns of those that are not its own.
    """
    files = sorted(path.glob("*/zarr.json"))
    members = {file.parent.name: json.loads(file.read_text()) for file in files}
    whole = json.loads((path / "zarr.json").read_text())
    inline = {"kind": "inline", "must_understand": False, "metadata": members}
    text = json.dumps(whole | {"consolidated_metadata": inline}, indent=2)
    (path / "zarr.json").write_text(text)


def renew(path: Path, plan: Plan, form: Form) -> None:
    """Bring the skeleton of a store up to its plan, file by file, that of the whole last."""
    new = path / OWN_GROUP / TEMPORARY / uuid.uuid4().hex
    try:
        make(new, plan, form)
        files = sorted(new.rglob("*"), key=lambda file: (file == new / "zarr.json", file))
        for file in files:
            if file.is_file():
                target = path / file.relative_to(new)
                see_inside(target, path)
                target.parent.mkdir(parents=True, exist_ok=True)
                os.replace(file, target)
    finally:
        shutil.rmtree(new, ignore_errors=True)


def _array(
    root: Any,
    name: str,
    shape: tuple[int, ...],
    chunk: tuple[int, ...],
    dtype: str,
    fill: float,
    dims: tuple[str, ...],
    attrs: Any,
) -> None:
    root.create_array(
        name,
        shape=shape,
        chunks=tuple(max(1, size) for size in chunk),
        dtype=dtype,
        fill_value=fill,
        dimension_names=dims,
        attributes=dict(attrs),
        **codecs(),
    )


def _coordinate(
    root: Any, name: str, values: np.ndarray, dims: tuple[str, ...], attrs: Any
) -> None:
    text = values.dtype.kind == "U"
    array = root.create_array(
        name,
        shape=values.shape,
        chunks=tuple(max(1, size) for size in values.shape),
        dtype="str" if text else values.dtype,
        dimension_names=dims,
        attributes=dict(attrs),
        **codecs(),
    )
    array[...] = values.astype(object) if text else values
