"""Rules that give every neuron the same number of inputs, or of outputs."""

from __future__ import annotations

from typing import Any

import numpy as np

from hh_sde.records import record
from hh_sde.topology.base import DRAWS, EDGES, Edges, Topology, layers, neighbour_count


@record
class FixedIndegree(Topology):
    """To each neuron from k others, drawn without repetition.

    Parameters
    ----------
    k : int
        Inputs of each neuron.
    weight : float or Distribution
        mS/cm^2.
    rng : int, Generator, SeedSequence or None
        Seed.

    Raises
    ------
    TypeError, ValueError
        If k is not a whole number, or the weight is not one.

    Examples
    --------
    >>> FixedIndegree(k=3, rng=1).matrix(4, 100).sum(axis=1)
    array([3., 3., 3., 3.])
    """

    drawn = True

    k: int
    weight: Any = 1.0
    rng: Any = None

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "k", neighbour_count(self.k, "FixedIndegree"))

    def edges(self, n_target: int, n_source: int, same: bool) -> Edges:
        others = n_source - same
        if self.k > others:
            raise ValueError(
                f"fixed_indegree(k={self.k}): there are only {others} other neurons to come from"
            )
        source = subsets(self.rng, n_target, self.k, others)
        target = np.repeat(np.arange(n_target), self.k)
        source = source.ravel()
        return target, source + (same & (source >= target))  # the neuron itself is passed over

    def expected_edges(self, n_target: int, n_source: int) -> float:
        return float(self.k) * n_target


@record
class FixedOutdegree(Topology):
    """From each neuron to k others, drawn without repetition.

    Parameters
    ----------
    k : int
        Outputs of each neuron.
    weight : float or Distribution
        mS/cm^2.
    rng : int, Generator, SeedSequence or None
        Seed.

    Raises
    ------
    TypeError, ValueError
        If k is not a whole number, or the weight is not one.

    Examples
    --------
    >>> FixedOutdegree(k=3, rng=1).matrix(100, 4).sum(axis=0)
    array([3., 3., 3., 3.])
    """

    drawn = True

    k: int
    weight: Any = 1.0
    rng: Any = None

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "k", neighbour_count(self.k, "FixedOutdegree"))

    def edges(self, n_target: int, n_source: int, same: bool) -> Edges:
        others = n_target - same
        if self.k > others:
            raise ValueError(
                f"fixed_outdegree(k={self.k}): there are only {others} other neurons to go to"
            )
        source, target = FixedIndegree(self.k, rng=self.rng).edges(n_source, n_target, same)
        return target, source

    def expected_edges(self, n_target: int, n_source: int) -> float:
        return float(self.k) * n_source


def subsets(seed: int, rows: int, k: int, n: int) -> np.ndarray:
    """For each row k different numbers below n, all subsets being equally likely: (rows, k).

    They are the first k different ones of the numbers that a row draws; where these are more than
    half of all, those that are left out are drawn so.
    """
    if 2 * k > n:
        inside = np.ones((rows, n), dtype=bool)
        np.put_along_axis(inside, subsets(seed, rows, n - k, n), False, axis=1)
        return np.nonzero(inside)[1].reshape(rows, k)
    drawn, wanted = np.empty((rows, 0), dtype=np.int64), k
    waiting: list[np.ndarray] = []
    for u in layers(seed, EDGES, rows):
        if drawn.shape[1] + DRAWS * len(waiting) >= wanted:
            drawn, waiting = np.hstack([drawn, *waiting]), []
            new = _first_times(drawn)
            if np.all(new.sum(axis=1) >= k):
                break
            wanted = drawn.shape[1] + k // 8  # so many more before looking again
        waiting.append((u * n).astype(np.int64))
    return drawn[new & (np.cumsum(new, axis=1) <= k)].reshape(rows, k)


def _first_times(drawn: np.ndarray) -> np.ndarray:
    """Where a number stands in its row for the first time."""
    order = np.argsort(drawn, axis=1, kind="stable")
    ordered = np.take_along_axis(drawn, order, axis=1)
    first = np.ones(drawn.shape, dtype=bool)
    first[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    found = np.empty_like(first)
    np.put_along_axis(found, order, first, axis=1)
    return found
