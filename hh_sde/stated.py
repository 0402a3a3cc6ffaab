"""What a result says of itself in attributes, checked as it is read: a file may say anything."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, NoReturn

import numpy as np

from hh_sde.addresses import is_whole
from hh_sde.records import shown

Attributes = Mapping[str, Any]


def damaged(attrs: Attributes, name: str, wanted: str) -> NoReturn:
    """Refuse an attribute that is not what this library writes.

    Raises
    ------
    ValueError
    """
    raise ValueError(
        f"the attribute {name!r} of this Dataset must be {wanted}, got {shown(attrs[name])}: it "
        "was changed or damaged since; take it from a copy that is whole, or make the result again"
    )


def see_there(attrs: Attributes, *names: str) -> None:
    """See that a Dataset has these attributes.

    Raises
    ------
    ValueError
        If it has not.
    """
    for name in names:
        if name not in attrs:
            raise ValueError(
                f"this Dataset has no attribute {name!r}: it is no result of this library, or lost "
                "the attribute on the way (statistics and drop_attrs() take attributes away)"
            )


def number(attrs: Attributes, name: str) -> float:
    """A finite number.

    Raises
    ------
    ValueError
        If it is missing, or something else.

    Examples
    --------
    >>> number({"t_end": 20.0}, "t_end")
    20.0
    """
    see_there(attrs, name)
    value = attrs[name]
    if not (isinstance(value, float | np.floating) or is_whole(value)) or not np.isfinite(value):
        damaged(attrs, name, "a finite number")
    return float(value)


def text(attrs: Attributes, name: str) -> str:
    """A text.

    Raises
    ------
    ValueError
        If it is missing, or something else.
    """
    see_there(attrs, name)
    if not isinstance(attrs[name], str):
        damaged(attrs, name, "text")
    return attrs[name]


def span(attrs: Attributes) -> tuple[float, float]:
    """When the record begins and ends, ms.

    Raises
    ------
    ValueError
        If it does not say, or ends before it begins.
    """
    start, end = number(attrs, "t_start"), number(attrs, "t_end")
    if end < start:
        damaged(attrs, "t_end", f"a time (ms) not before t_start = {start:g} ms")
    return start, end


def tree(attrs: Attributes, name: str, wanted: str = "JSON") -> Any:
    """What an attribute holds as JSON.

    Raises
    ------
    ValueError
        If it is missing, or no JSON; `wanted` says what it would be.
    """
    see_there(attrs, name)
    try:
        return json.loads(attrs[name])
    except (TypeError, ValueError, RecursionError):  # of a number of thousands of digits, too
        damaged(attrs, name, wanted)


def mapping(attrs: Attributes, name: str) -> dict[str, Any]:
    """Values by name, as `arguments`.

    Raises
    ------
    ValueError
        If it is missing, or something else.
    """
    wanted = "values by name, as JSON"
    found = tree(attrs, name, wanted)
    if not isinstance(found, dict):
        damaged(attrs, name, wanted)
    return found


def labels(attrs: Attributes, name: str) -> list[Any]:
    """Different numbers or names, as `neurons` and `trials` of spikes.

    Raises
    ------
    ValueError
        If it is missing, or something else.

    Examples
    --------
    >>> labels({"trials": "[0, 4]"}, "trials")
    [0, 4]
    """
    wanted = "a list of one or more different numbers or names, as JSON"
    found = tree(attrs, name, wanted)
    if not _are_labels(found):
        damaged(attrs, name, wanted)
    return found


def sweeps(attrs: Attributes) -> dict[str, list[Any]]:
    """The values of each swept parameter of spikes; empty where nothing was swept.

    Raises
    ------
    ValueError
        If it is something else.
    """
    if "sweeps" not in attrs:
        return {}
    found = mapping(attrs, "sweeps")
    if not all(map(_are_labels, found.values())):
        damaged(attrs, "sweeps", "a list of different values for each parameter, as JSON")
    return found


def populations(attrs: Attributes) -> dict[str, int]:
    """How many neurons each population has, in the order of the neurons.

    Raises
    ------
    ValueError
        If it is missing, or something else.

    Examples
    --------
    >>> populations({"populations": '{"E": 4, "I": 1}'})
    {'E': 4, 'I': 1}
    """
    found = mapping(attrs, "populations")
    if not found or not all(is_whole(n) and 0 < n < 2**31 for n in found.values()):
        damaged(attrs, "populations", 'how many neurons each has, as \'{"E": 4, "I": 1}\'')
    return found


def _are_labels(values: Any) -> bool:
    """Whether these are numbers or names, each of them once."""
    return (
        isinstance(values, list)
        and len(values) > 0
        and all(isinstance(one, str) or _is_number(one) for one in values)
        and len(set(values)) == len(values)
    )


def _is_number(value: Any) -> bool:
    return (
        math.isfinite(value)
        if isinstance(value, float)
        else (is_whole(value) and abs(value) < 2**63)
    )
