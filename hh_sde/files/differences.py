"""What differs between two JSON trees, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from hh_sde.records import shown

#: Differences of one kind that are named before the rest are counted.
MOST_NAMED = 5


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


def first(found: Iterator[str]) -> list[str]:
    """The first few differences, and how many more there are."""
    every = list(found)
    rest = len(every) - MOST_NAMED
    return every[:MOST_NAMED] + ([f"and {rest} more"] if rest > 0 else [])
