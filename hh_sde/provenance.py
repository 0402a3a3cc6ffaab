"""What a result says of how it was made, and the seed, path and arguments that follow from it.

As attributes: `arguments`, those of `hh_sde.solve` or of the study, as JSON; `rng_entropy` and
`rng_spawn_key`, the seed; `path`, the grid of a path that was given; `trial`, the number of the one
trial of a result without that dim, if it is not 0; and what numbers may depend on in their last
bits, the versions of the libraries and the processor.
"""

from __future__ import annotations

import json
import platform
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib import metadata
from typing import Any

import llvmlite.binding
import numpy as np

from hh_sde import stated
from hh_sde.addresses import is_whole
from hh_sde.brownian import BrownianPath
from hh_sde.errors import warn
from hh_sde.sde import SDE

#: Libraries that do arithmetic.
LIBRARIES = ("hh_sde", "numba", "numpy", "scipy", "sdeint")
#: Words in the pool of a SeedSequence, where nothing else is said.
POOL_SIZE = 4
#: What `path.grid` says of a path whose area groups are those of the model.
_GRID = re.compile(
    r"first step ([\d.e+-]+) ms, halved (\d{1,2}) times, then coarsened by (\d{1,15}); "
    r"trial (\d{1,10})"
)
#: What `seed_attributes` writes, with 32 bits in each word of a spawn key.
_SPAWN_KEY = re.compile(r"(\d{1,10}(,\d{1,10})*)?")
_POOL_SIZE = re.compile(r"\d{1,4}")


def made_with(*libraries: str) -> dict[str, str]:
    """What the last bits of a result depend on, as attributes."""
    versions = {f"{name}_version": _version(name) for name in ("hh_sde", *libraries)}
    return {**versions, "processor": _processor()}


@cache
def _version(library: str) -> str:
    return metadata.version(library)


@cache
def _processor() -> str:
    return f"{platform.machine()} {llvmlite.binding.get_host_cpu_name()}"


def warn_of_differences(attrs: Mapping[str, Any]) -> None:
    """Warn where a result was made with other libraries, or on another processor, than are here."""
    names = [name for name in LIBRARIES if f"{name}_version" in attrs]
    here = made_with(*names)
    different = [
        f"{key.replace('_', ' ')} {attrs[key]} then, {here[key]} now"
        for key in here
        if key in attrs and str(attrs[key]) != here[key]
    ]
    if "upgraded_from" in attrs:
        different.append("other noise of the same seed")
    if different:
        warn(
            f"the result was made elsewhere or with other versions: {'; '.join(different)}. What "
            "is made again may differ from it"
        )


def arguments_attribute(arguments: Mapping[str, Any]) -> str:
    """Arguments as JSON; those that are None are left out."""
    return json.dumps({k: _plain(v) for k, v in arguments.items() if v is not None})


def _plain(value: Any) -> Any:
    """Numbers, text, and lists and dictionaries of them."""
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(item) for item in value]
    return value


def place_of(function: Callable[..., Any]) -> str:
    """Where a function stands, by which results and the plans of sweeps know it.

    Examples
    --------
    >>> place_of(made_with)
    'hh_sde.provenance:made_with'
    """
    name = getattr(function, "__qualname__", type(function).__qualname__)
    return f"{function.__module__}:{name}"


def seed_attributes(seed: np.random.SeedSequence) -> dict[str, str]:
    """A seed as attributes."""
    pool = {} if seed.pool_size == POOL_SIZE else {"rng_pool_size": str(seed.pool_size)}
    return {
        "rng_entropy": json.dumps(_plain(seed.entropy)),
        "rng_spawn_key": ",".join(map(str, seed.spawn_key)),
        **pool,
    }


def seed_of(attrs: Mapping[str, Any]) -> np.random.SeedSequence | None:
    """The seed of a result; None if it has none.

    Raises
    ------
    ValueError
        If the attributes are those of no seed.
    """
    if "rng_entropy" not in attrs:
        return None
    wanted = "a whole number from 0 on, or a list of them, as JSON"
    entropy = stated.tree(attrs, "rng_entropy", wanted)
    words = entropy if isinstance(entropy, list) and entropy else [entropy]
    if not all(is_whole(word) and word >= 0 for word in words):
        stated.damaged(attrs, "rng_entropy", wanted)
    key = str(attrs.get("rng_spawn_key", ""))
    if not _SPAWN_KEY.fullmatch(key):
        stated.damaged(attrs, "rng_spawn_key", "whole numbers with commas between them")
    size = str(attrs.get("rng_pool_size", POOL_SIZE))
    if not _POOL_SIZE.fullmatch(size) or int(size) < POOL_SIZE:
        stated.damaged(attrs, "rng_pool_size", f"a whole number from {POOL_SIZE} to 9999")
    return np.random.SeedSequence(
        entropy,
        spawn_key=tuple(int(part) for part in key.split(",")) if key else (),
        pool_size=int(size),
    )


def path_attribute(path: BrownianPath, sde: SDE) -> str:
    """A path that was given, as an attribute."""
    same = np.array_equal(path.area_groups, np.asarray(sde.area_groups))
    own = "" if same else "; area groups of its own"
    return path.grid + own


def path_of(attrs: Mapping[str, Any], sde: SDE) -> BrownianPath:
    """The path of a result of `solve`, on the grid of its steps.

    Raises
    ------
    ValueError
        If the attributes do not tell it.
    """
    seed = seed_of(attrs)
    if seed is None:
        raise ValueError("this Dataset has no seed (the attribute 'rng_entropy'): it has no noise")
    if "path" not in attrs:
        return sde.path(seed, stated.number(attrs, "dt"))
    grid = _GRID.fullmatch(stated.text(attrs, "path"))
    if grid is None:
        raise ValueError(
            f"the path of this result cannot be made again of its description, {attrs['path']!r}; "
            "give it: path=..."
        )
    try:
        path = sde.path(seed, float(grid[1]), int(grid[4]))
        for _ in range(int(grid[2])):
            path = path.refine()
        return path.coarsen(int(grid[3]))
    except ValueError as error:
        raise ValueError(f"the path of this result, {attrs['path']!r}, is none: {error}") from None
