"""What differs between two plans, in words."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hh_sde.files.differences import first, of_trees
from hh_sde.records import shown

if TYPE_CHECKING:
    from hh_sde.sweeps.plan import Plan


def differences(here: Plan, there: Plan, *, may_grow: bool) -> list[str]:
    """The differences between two plans, a phrase for each."""
    found = [*first(of_trees(_tree(there.network), _tree(here.network), "network"))]
    found += first(of_trees(there.arguments, here.arguments, "argument"))
    found += of_trees(there.seed, here.seed, "seed")
    for name in ("common_noise", "spikes_per_neuron"):
        found += of_trees(getattr(there, name), getattr(here, name), name)
    if list(here.sizes) != list(there.sizes):
        return [*found, f"the dims are {', '.join(here.sizes)}, not {', '.join(there.sizes)}"]
    for dim, size in here.sizes.items():
        if size < there.sizes[dim] or (size > there.sizes[dim] and not may_grow):
            found.append(f"{dim} has {size} cells, not {there.sizes[dim]}")
    found += _of_coordinates(here, there)
    if here.blocks and there.blocks and here.blocks != there.blocks:
        found.append(f"blocks are {dict(here.blocks)}, not {dict(there.blocks)}")
    return found


def _of_coordinates(here: Plan, there: Plan) -> list[str]:
    ours = {one.name: one for one in here.coordinates}
    theirs = {one.name: one for one in there.coordinates}
    found = [f"{name} is no coordinate here" for name in theirs if name not in ours]
    found += [f"{name} is no coordinate there" for name in ours if name not in theirs]
    for name in ours:
        if name not in theirs:
            continue
        a, b = ours[name], theirs[name]
        if a.dims != b.dims or a.values.dtype.kind != b.values.dtype.kind:
            found.append(f"{name} is {a.values.dtype} over {a.dims}, not {b.values.dtype} {b.dims}")
        elif dict(a.attrs) != dict(b.attrs):
            found += of_trees(b.attrs, a.attrs, f"{name}:")
        elif not a.same_bits(b):
            found.append(f"{name} is {shown(a.values)}, not {shown(b.values)}")
    return found


def _tree(text: str) -> Any:
    return json.loads(text)
