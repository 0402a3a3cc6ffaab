"""Rules that look at each pair of neurons by itself."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from hh_sde.records import record
from hh_sde.topology.base import EDGES, Edges, Topology, layers, probability


@record
class AllToAll(Topology):
    """Every neuron to every other.

    With one number as `weight` it is that number as `weights=`: no matrix is made of it.

    Parameters
    ----------
    weight : float or Distribution
        mS/cm^2.
    rng : int, Generator, SeedSequence or None
        Seed of weights that are drawn.
    symmetric : bool
        Whether, inside one population, both directions have one weight.

    Examples
    --------
    >>> AllToAll(weight=0.5).matrix(2, 2, same=True).toarray()
    array([[0. , 0.5],
           [0.5, 0. ]])
    """

    weight: Any = 1.0
    rng: Any = None
    symmetric: bool = False

    def edges(self, n_target: int, n_source: int, same: bool) -> Edges:
        target, source = np.divmod(np.arange(n_target * n_source), max(n_source, 1))
        return without_loops(target, source) if same else (target, source)

    def expected_edges(self, n_target: int, n_source: int) -> float:
        return float(n_target) * n_source


@record
class OneToOne(Topology):
    """Neuron i of one population to neuron i of another of the same size.

    Parameters
    ----------
    weight : float or Distribution
        mS/cm^2.
    rng : int, Generator, SeedSequence or None
        Seed of weights that are drawn.

    Examples
    --------
    >>> OneToOne(weight=0.5).matrix(2, 2).toarray()
    array([[0.5, 0. ],
           [0. , 0.5]])
    """

    weight: Any = 1.0
    rng: Any = None

    def edges(self, n_target: int, n_source: int, same: bool) -> Edges:
        if same:
            raise ValueError(
                "one_to_one connects two populations: inside one, every neuron would project to "
                "itself; topology.ring(k=2) connects neighbours"
            )
        see_equal_sizes(n_target, n_source, "one_to_one")
        return np.arange(n_target), np.arange(n_source)

    def both_ways(self) -> Self:
        return self


@record
class Random(Topology):
    """Each pair with a probability: a directed random graph.

    In-degrees and out-degrees are binomial. The edges of the first rows and columns are those of a
    smaller graph with the same seed.

    Parameters
    ----------
    p : float
        Probability of an edge.
    weight : float or Distribution
        mS/cm^2.
    rng : int, Generator, SeedSequence or None
        Seed.
    symmetric : bool
        Whether, inside one population, both directions are one edge.

    Raises
    ------
    TypeError, ValueError
        If p is not from 0 to 1, or the weight is not one.

    References
    ----------
    Gilbert 1959, Ann. Math. Statist. 30, 1141, doi:10.1214/aoms/1177706098; from edge to edge by
    geometric gaps: Batagelj & Brandes 2005, Phys. Rev. E 71, 036113,
    doi:10.1103/PhysRevE.71.036113.

    Examples
    --------
    >>> Random(p=0.1, rng=1).matrix(1000, 1000, same=True).nnz
    100091
    """

    drawn = True

    p: float
    weight: Any = 1.0
    rng: Any = None
    symmetric: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "p", probability(self.p, "Random.p"))

    def edges(self, n_target: int, n_source: int, same: bool) -> Edges:
        found = [np.empty((2, 0), dtype=np.int64)]
        row = np.arange(n_target if self.p and n_source else 0)  # whose end is not reached
        last = np.full(row.size, -1.0)  # columns of their last edges
        hazard = -np.log1p(-self.p) if self.p < 1.0 else np.inf
        for u in layers(self.rng, EDGES, n_target):
            if not row.size:
                break
            # columns without an edge before the next one: P(gap >= k) = (1 - p)^k
            gaps = np.minimum(np.floor(-np.log1p(-u[row]) / hazard), n_source)
            columns = last[:, None] + np.cumsum(gaps + 1.0, axis=1)
            inside = columns < n_source
            found.append(np.stack([np.repeat(row, inside.sum(axis=1)), columns[inside]]))
            row, last = row[inside[:, -1]], columns[inside[:, -1], -1]
        target, source = np.hstack(found).astype(np.int64)
        return without_loops(target, source) if same else (target, source)

    def expected_edges(self, n_target: int, n_source: int) -> float:
        return self.p * n_target * n_source


def without_loops(target: np.ndarray, source: np.ndarray) -> Edges:
    """The edges less those from a neuron to itself."""
    other = target != source
    return target[other], source[other]


def see_equal_sizes(n_target: int, n_source: int, name: str) -> None:
    """See that two populations are of one size.

    Raises
    ------
    ValueError
        If they are not.
    """
    if n_target != n_source:
        raise ValueError(
            f"{name} takes populations of the same size, got a target of {n_target} neurons and a "
            f"source of {n_source}"
        )
