"""The plan of a stored run: all that its result follows from but for its end, as a JSON tree."""

from __future__ import annotations

import json
import os
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from hh_sde.files.differences import first, of_trees
from hh_sde.methods import Method
from hh_sde.provenance import arguments_attribute, seed_of, warn_of_differences
from hh_sde.records import shown
from hh_sde.runs import Run
from hh_sde.streams.position import Position
from hh_sde.streams.result import GROUP
from hh_sde.streams.segments import Segments, length_of

#: What `schema_version` of a plan and its store is.
SCHEMA_VERSION = 1
#: The plan in a store.
FILE = "plan.json"
#: Numbers of an SDE's f and G by which it is known, at most.
_KNOWN_BY = 16


def plan_of(run: Run, method: Method) -> dict[str, Any]:
    """The plan of a run that has not begun.

    An SDE's own f and G do not stand in it, but what they give at the beginning, to nine digits.
    """
    attrs, problem = run.attrs, run.problem
    length, offset = length_of(run, method)
    beginning = "as given"
    if attrs["x0"] == "given":
        whole = Position.of_start(problem).to_bytes()
        beginning = f"given, {blake2b(whole, digest_size=8).hexdigest()}"
    tree = {
        "schema_version": SCHEMA_VERSION,
        "network": json.loads(attrs["network"]) if attrs["network"] else None,
        "equation": None if attrs["network"] else _equation(run),
        "arguments": json.loads(arguments_attribute(run.arguments)),
        "x0": attrs["x0"],
        "initial state": beginning,
        "t_start": problem.first_step * problem.dt,
        "trials": problem.trials.tolist(),
        "seed": {name: one for name, one in attrs.items() if name.startswith("rng_")},
        "path": attrs["path"],
        "versions": {
            name: one
            for name, one in attrs.items()
            if name.endswith("_version") or name == "processor"
        },
        "segment": {"length": length, "offset": offset},
    }
    found: dict[str, Any] = json.loads(json.dumps(tree))
    return found


def _equation(run: Run) -> dict[str, Any]:
    problem = run.problem
    sde, x, t = problem.sde, problem.x0[0], problem.first_step * problem.dt
    values = {"f": sde.f(x, t)} | ({"G": sde.G(x, t)} if sde.m else {})
    at_start = {
        f"{name} at the start": [float(f"{one:.9g}") for one in np.ravel(value)[:_KNOWN_BY]]
        for name, value in values.items()
    }
    kind = {name: run.attrs[name] for name in ("interpretation", "noise_type")}
    return {"components": list(sde.names), "m": sde.m, **kind, **at_start}


def is_store(path: str | os.PathLike[str]) -> bool:
    """Whether there is the store of a run."""
    return (Path(path) / GROUP / FILE).is_file()


def read(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The plan of the store in a folder.

    Raises
    ------
    ValueError
        If it is not the store of a run, or a damaged one.
    """
    try:
        plan = json.loads((Path(path) / GROUP / FILE).read_text(encoding="utf-8"))
        version, cut = plan["schema_version"], plan["segment"]
        length, offset = cut["length"], cut["offset"]
        if not (type(length) is type(offset) is int and 0 <= offset < length):
            raise ValueError(f"its segments are {shown(cut)}")
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(
            f"{os.fspath(path)} is there, and not the store of a run of solve, or damaged: give "
            f"another name ({type(error).__name__}: {shown(str(error))})"
        ) from error
    if version != SCHEMA_VERSION:
        raise ValueError(
            f"{os.fspath(path)} is of schema {shown(version)}; this version of hh_sde knows "
            f"{SCHEMA_VERSION}"
        )
    found: dict[str, Any] = plan
    return found


def see_same(path: Path, known: dict[str, Any], plan: dict[str, Any]) -> None:
    """See that a store is that of a run, whatever its end.

    Raises
    ------
    ValueError
        If it is not, with what differs.
    """
    apart = ("versions", "segment")
    here, there = ({k: v for k, v in one.items() if k not in apart} for one in (plan, known))
    different = [
        one
        for name in {**here, **there}
        for one in first(of_trees(there.get(name), here.get(name), name.removesuffix("s")))
    ]
    if different:
        raise ValueError(
            f"{path} is the store of another run: {'; '.join(different)}. A later t_end goes on in "
            "the same store; anything else needs another"
        )
    warn_of_differences(known.get("versions", {}))


def segments_of(plan: dict[str, Any], skipped: int, total: int) -> Segments:
    """The segments of a run with this plan."""
    return Segments(**plan["segment"], skipped=skipped, total=total)


def seed_of_store(store: str | os.PathLike[str] | None) -> np.random.SeedSequence | None:
    """The seed of a run that is there already; None without one."""
    if store is None or not os.path.lexists(store):
        return None
    return seed_of(read(store)["seed"])
