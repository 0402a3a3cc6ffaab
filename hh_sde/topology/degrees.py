"""Rules that give every neuron the same number of inputs, or of outputs."""

from __future__ import annotations

from typing import Any

import numpy as np

from hh_sde.records import record
from hh_sde.topology.base import DRAWS, EDGES, Edges, Topology, layers, neighbour_count

_FIELDS = """
    Parameters
    ----------
    k : int
        {edges} of each neuron.
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
    """


@record
class _FixedDegree(Topology):
    """k edges at one end of each neuron, with different neurons at the other."""

    drawn = True

    k: int
    weight: Any = 1.0
    rng: Any = None

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "k", neighbour_count(self.k, type(self).__name__))

    def _drawn(self, n: int, n_other: int, same: bool, rule: str, what: str) -> Edges:
        """The neuron of each edge, 0 ... n - 1, and the one at its other end."""
        others = n_other - same
        if self.k > others:
            raise ValueError(f"{rule}(k={self.k}): there are only {others} other neurons to {what}")
        neuron = np.repeat(np.arange(n), self.k)
        other = subsets(self.rng, n, self.k, others).ravel()
        return neuron, other + (same & (other >= neuron))  # the neuron itself is passed over


@record
class FixedIndegree(_FixedDegree):
    __doc__ = f"""To each neuron from k others, drawn without repetition.
{_FIELDS.format(edges="Inputs")}>>> FixedIndegree(k=3, rng=1).matrix(4, 100).sum(axis=1)
    array([3., 3., 3., 3.])
    """

    def edges(self, n_target: int, n_source: int, same: bool) -> Edges:
        return self._drawn(n_target, n_source, same, "fixed_indegree", "come from")

    def expected_edges(self, n_target: int, n_source: int) -> float:
        return float(self.k) * n_target


@record
class FixedOutdegree(_FixedDegree):
    __doc__ = f"""From each neuron to k others, drawn without repetition.
{_FIELDS.format(edges="Outputs")}>>> FixedOutdegree(k=3, rng=1).matrix(100, 4).sum(axis=0)
    array([3., 3., 3., 3.])
    """

    def edges(self, n_target: int, n_source: int, same: bool) -> Edges:
        source, target = self._drawn(n_source, n_target, same, "fixed_outdegree", "go to")
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
