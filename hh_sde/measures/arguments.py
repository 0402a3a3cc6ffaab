"""Checks of what is asked of the measures: widths, and windows of time."""

from __future__ import annotations

import numpy as np

#: Windows and bins: a spike this close (in widths) to an edge lies on it.
ROUNDING = 1e-9


def checked(value: float, name: str, *, most: float = np.inf, unit: str = "ms") -> float:
    """A positive, finite number, not above `most`.

    Raises
    ------
    TypeError, ValueError
    """
    if not (np.isfinite(_number(value, name, unit)) and 0 < value <= most * (1 + ROUNDING)):
        limit = f"at most the record's {most:g} {unit}" if np.isfinite(most) else "finite"
        raise ValueError(f"{name} must be positive and {limit}, got {value!r}")
    return float(value)


def window_bounds(
    first: float, last: float, start: float | None, stop: float | None
) -> tuple[float, float]:
    """The ends of a window in a record from `first` to `last`, ms.

    Raises
    ------
    TypeError, ValueError
        If they do not lie in it.
    """
    start = first if start is None else _number(start, "start")
    stop = last if stop is None else _number(stop, "stop")
    if not first <= start < stop <= last:
        raise ValueError(
            f"start and stop must be {first:g} <= start < stop <= {last:g} ms, the span of the "
            f"record; got {start:g} and {stop:g}"
        )
    return start, stop


def _number(value: float, name: str, unit: str = "ms") -> float:
    if not isinstance(value, int | float | np.integer | np.floating) or isinstance(value, bool):
        raise TypeError(f"{name} must be a number ({unit}), got {value!r}")
    return float(value)
