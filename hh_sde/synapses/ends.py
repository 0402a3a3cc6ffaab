"""What a synapse connects: populations by name, and delays on the way."""

from __future__ import annotations

from typing import Any

import numpy as np

from hh_sde.records import numbers, shown


def see_ends(synapse: Any) -> None:
    """See that source and target are names, if they are given.

    Raises
    ------
    TypeError
        If they are not.
    """
    for end in ("source", "target"):
        name = getattr(synapse, end)
        if name is not None and not isinstance(name, str):
            raise TypeError(f"{end} must be the name of a population or None, got {shown(name)}")


def checked_delay(delay: Any, name: str) -> float:
    """A delay, ms.

    Raises
    ------
    TypeError, ValueError
        If it is no finite number, or negative.
    """
    value = numbers(delay, f"delay of {name}", "a number (ms)")
    if value.ndim or not np.isfinite(value) or value < 0:
        raise ValueError(
            f"delay of {name} must be one number, finite and not negative (ms), got "
            f"{shown(delay)}; a delay for each edge stands in a table of edges, in its column delay"
        )
    return float(value)
