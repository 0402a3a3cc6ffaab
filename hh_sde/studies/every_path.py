"""Exact means of a weak scheme: over all values that its increments can have, without sampling."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np

from hh_sde.brownian import BrownianPath

#: Trials that are worth it.
MOST = 200_000


class EveryPath(BrownianPath):
    """Weak increments whose trials enumerate all possible values.

    In step j, trial i has the value whose index is the j-th digit of i in base `base`.

    Parameters
    ----------
    m : int
        Number of Wiener processes.
    dt : float
        Step, ms.

    Attributes
    ----------
    base : int
        How many values the increments of a step can have.

    Examples
    --------
    >>> path = EveryPath(m=1, dt=1.0)
    >>> path.weak_increments(0, 1, [0, 1, 2])[0, 0].round(3).tolist()
    [-1.732, 0.0, 1.732]
    >>> path.weights(1).round(3).tolist()
    [0.167, 0.667, 0.167]
    """

    def __init__(self, *, m: int, dt: float) -> None:
        super().__init__(0, m=m, dt=dt)
        self._in_law = True
        self.base = self.values_of(m)
        three = [(-np.sqrt(3.0), 1 / 6), (0.0, 2 / 3), (np.sqrt(3.0), 1 / 6)]
        two = [(-1.0, 1 / 2), (1.0, 1 / 2)] if m > 1 else [(1.0, 1.0)]  # signs are for pairs
        found = list(product(*[three] * m, *[two] * m))
        self._values = np.array([[value for value, _ in one] for one in found]).reshape(-1, 2, m)
        self._weights = np.array([np.prod([weight for _, weight in one]) for one in found])

    @staticmethod
    def values_of(m: int) -> int:
        """Number of values that the increments of m processes can have in a step."""
        return 6**m if m > 1 else 3

    def weights(self, steps: int) -> np.ndarray:
        """The probability of each trial of so many steps, (base**steps,)."""
        found = np.ones(1)
        for _ in range(steps):
            found = np.multiply.outer(self._weights, found).ravel()
        return found

    def drawing(self, needs: str) -> None:
        """Nothing is drawn."""

    def weak_increments(
        self, start: int, stop: int, trials: Sequence[int] | np.ndarray
    ) -> np.ndarray:
        """As of `BrownianPath`."""
        numbers = np.asarray(trials)
        digits = [numbers // self.base**step % self.base for step in range(start, stop)]
        values = np.sqrt(self.dt) * self._values[np.array(digits, dtype=int)]
        return np.moveaxis(values, 1, 3).reshape(stop - start, 2, -1)
