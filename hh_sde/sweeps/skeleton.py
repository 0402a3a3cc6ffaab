"""What a store has before anything is computed: groups, arrays without chunks, coordinates.

Metadata are consolidated: a store opens by reading one file, and its own group is no part of it.
"""

from __future__ import annotations

from pathlib import Path

from hh_sde.errors import optional
from hh_sde.files import arrays
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
        arrays.add_array(root, one.name, shape, chunk, one.dtype, one.dims, one.attrs)
    if form.spikes:
        one, chunk = form.spikes, (form.spike_chunk(plan),)
        shape = (plan.n_tasks * form.room(plan),)
        arrays.add_array(root, one.name, shape, chunk, one.dtype, one.dims, one.attrs)
    for name, label in coords.items():
        arrays.add_values(root, name, label.values, tuple(map(str, label.dims)), label.attrs)
    for fixed in form.coordinates:
        arrays.add_values(root, fixed.name, fixed.values, fixed.dims, fixed.attrs)
    arrays.consolidate(path)
    for folder in FOLDERS:
        (path / OWN_GROUP / folder).mkdir()


def renew(path: Path, plan: Plan, form: Form) -> None:
    """Bring the skeleton of a store up to its plan."""
    arrays.renew(path, path / OWN_GROUP / TEMPORARY, lambda new: make(new, plan, form))
