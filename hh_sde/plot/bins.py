"""The bins of a histogram of intervals."""

from __future__ import annotations

from typing import Any

import numpy as np

from hh_sde.addresses import is_whole
from hh_sde.errors import did_you_mean
from hh_sde.memory import require
from hh_sde.records import numbers, shown

#: Bins that are chosen are at most this wide, ms, where there are intervals enough to fill them: an
#: interval that spans a cycle of the subthreshold oscillation more is longer by about 15 ms.
WIDEST, ENOUGH = 2.0, 200
FEWEST, MOST = 10, 200


def interval_edges(length: np.ndarray, bins: Any) -> np.ndarray:
    """The edges of bins of intervals of such `length`, ms.

    Parameters
    ----------
    length : (intervals,) array
        One or more.
    bins : int, sequence of edges (ms), or "auto"
        "auto": of the width of Freedman and Diaconis (1981), doi:10.1007/BF01025868, but narrow
        enough to show peaks, and from 10 to 200.

    Raises
    ------
    TypeError, ValueError
        If it is something else.

    Examples
    --------
    >>> interval_edges(np.array([10.0, 14.0]), 2)
    array([10., 12., 14.])
    >>> interval_edges(np.array([10.0, 14.0]), [0, 20])
    array([ 0., 20.])
    """
    accepted = "a number of bins, their edges in ms, or 'auto'"
    if isinstance(bins, str):
        if bins != "auto":
            hint = did_you_mean(bins, ["auto"])
            raise ValueError(f"bins must be {accepted}, got {shown(bins)}{hint}")
        count = _number_of_bins(length)
    elif is_whole(bins):
        if bins < 1:
            raise ValueError(f"bins must be {accepted}: 1, 2, ... of them, got {shown(bins)}")
        require(8.0 * int(bins), f"{bins} bins", "take fewer")
        count = int(bins)
    else:
        edges = numbers(bins, "bins", accepted)
        if edges.ndim != 1 or edges.size < 2 or not np.all(np.diff(edges) > 0):
            raise ValueError(f"bins must be {accepted}, which rise; got {shown(bins)}")
        return edges
    low, high = length.min(), length.max()
    middle = (low + high) / 2  # equal intervals still get bins of some width
    return np.linspace(min(low, middle - 0.5), max(high, middle + 0.5), count + 1)


def _number_of_bins(length: np.ndarray) -> int:
    low, quarter, three_quarters, high = np.quantile(length, [0.0, 0.25, 0.75, 1.0])
    width = 2 * (three_quarters - quarter) / np.cbrt(length.size)
    if length.size >= ENOUGH:
        width = min(width, WIDEST)
    return FEWEST if width <= 0 else int(np.clip(np.ceil((high - low) / width), FEWEST, MOST))
