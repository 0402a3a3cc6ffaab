"""What differs between two plans, in words."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from hh_sde.records import shown

if TYPE_CHECKING:
    from hh_sde.sweeps.plan import Plan

#: Differences of one kind that are named before the rest are counted.
MOST_NAMED = 5


def differences(here: Plan, there: Plan, *, may_grow: bool) -> list[str]:
    """What is otherwise here than there, a phrase each."""
    found = [*_first(of_trees(_tree(there.network), _tree(here.network), "network"))]
    found += _first(of_trees(there.arguments, here.arguments, "argument"))
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


def of_trees(there: Any, here: Any, name: str) -> Iterator[str]:
    """Where two JSON trees differ.

    Examples
    --------
    >>> list(of_trees({"dt": 0.01, "x": [1, 2]}, {"dt": 0.02, "x": [1, 3]}, "argument"))
    ['argument dt is 0.02, not 0.01', 'argument x[1] is 3, not 2']
    """
    if isinstance(there, Mapping) and isinstance(here, Mapping):
        joint = "." if " " in name else " "
        for key in {**there, **here}:
            inside = f"{name}{joint}{key}"
            if key not in there:
                yield f"{inside} is {shown(here[key])}, where there was none"
            elif key not in here:
                yield f"{inside} is not given, but was {shown(there[key])}"
            else:
                yield from of_trees(there[key], here[key], inside)
    elif isinstance(there, list) and isinstance(here, list) and len(there) == len(here):
        for k, (one, other) in enumerate(zip(there, here, strict=True)):
            yield from of_trees(one, other, f"{name}[{k}]")
    elif there != here or type(there) is not type(here):
        yield f"{name} is {shown(here)}, not {shown(there)}"


def _first(found: Iterator[str]) -> list[str]:
    every = list(found)
    rest = len(every) - MOST_NAMED
    return every[:MOST_NAMED] + ([f"and {rest} more"] if rest > 0 else [])


def _tree(text: str) -> Any:
    return json.loads(text)
