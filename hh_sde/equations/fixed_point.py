"""Where a function of a concentration gives that concentration: for all neurons at once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

#: mM: concentrations are looked for above this.
LEAST = 1e-18
_MOST_STEPS = 200


def fixed_point(g: Callable[[np.ndarray], np.ndarray], start: np.ndarray) -> np.ndarray:
    """c with g(c) = c above `LEAST`, by regula falsi (Illinois); NaN where there is none.

    g falls with c, or does not depend on it: then g(c) is what is looked for.
    """
    first = g(start)
    constant = g(np.where(first > LEAST, first, start)) == first
    if np.all(constant | np.isnan(first)):
        return np.where(first >= 0.0, first, np.nan)
    low, high = np.full_like(first, LEAST), np.maximum(g(np.full_like(first, LEAST)), LEAST)
    at_low, at_high = g(low) - low, g(high) - high
    c, before = high, np.zeros(first.shape, dtype=int)
    for _ in range(_MOST_STEPS):
        with np.errstate(all="ignore"):
            c = (low * at_high - high * at_low) / (at_high - at_low)
        c = np.where((c > low) & (c < high), c, 0.5 * (low + high))
        at_c = g(c) - c
        above = at_c > 0.0
        side = np.where(above, 1, -1)
        # an end that stays twice has its value halved, or the other would creep
        kept = np.where(side == before, 0.5, 1.0)
        at_high = np.where(above, kept * at_high, at_c)
        at_low = np.where(above, at_c, kept * at_low)
        low, high, before = np.where(above, c, low), np.where(above, high, c), side
        if np.all((high - low <= 4e-16 * high) | (at_c == 0.0) | np.isnan(at_c) | constant):
            break
    found = np.where(constant, first, c)
    return np.where(found >= 0.0, found, np.nan)
