"""Numbers: finite, positive, whole."""

from __future__ import annotations

from typing import Any

import numpy as np

from hh_sde.addresses import is_whole
from hh_sde.records import shown


def number(value: Any, name: str) -> float:
    """`value` as a float, if it is a number."""
    if not (isinstance(value, float | np.floating) or is_whole(value)):
        raise TypeError(f"{name} must be a number, got {value!r} ({type(value).__name__})")
    try:
        return float(value)
    except OverflowError:
        raise ValueError(f"{name} is too large, got {shown(value)}") from None


def finite(value: Any, name: str) -> float:
    value = number(value, name)
    if not np.isfinite(value):
        raise ValueError(f"{name} must be finite, got {value}")
    return value


def positive(value: Any, name: str) -> float:
    """`value` as a float, if it is positive and finite."""
    value = number(value, name)
    if not np.isfinite(value) or value <= 0:
        raise ValueError(f"{name} must be positive and finite, got {value}")
    return value


def non_negative(value: Any, name: str) -> float:
    value = number(value, name)
    if not np.isfinite(value) or value < 0:
        raise ValueError(f"{name} must be 0 or more, and finite; got {value}")
    return value


def between_0_and_1(value: Any, name: str) -> float:
    value = number(value, name)
    if not 0 < value < 1:
        raise ValueError(f"{name} must lie between 0 and 1, got {value}")
    return value


def positive_int(value: Any, name: str, least: int = 1) -> int:
    """`value` as an int, if it is a whole number from `least` on."""
    if not is_whole(value) or value < least:
        wanted = ", ".join(str(least + k) for k in range(3))
        raise ValueError(f"{name} must be {wanted}, ..., got {shown(value)}")
    return int(value)
