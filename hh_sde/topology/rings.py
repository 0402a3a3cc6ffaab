"""Rules on a ring: neighbours, and neighbours some of which are exchanged for far ones."""

from __future__ import annotations

from typing import Any

import numpy as np

from hh_sde.records import record, shown
from hh_sde.topology.base import (
    PROPOSED,
    REWIRED,
    Edges,
    Topology,
    neighbour_count,
    probability,
    uniforms,
)
from hh_sde.topology.pairs import see_equal_sizes

#: Draws after which an edge that finds no free place stays where it was.
MOST_PROPOSALS = 100


@record
class Ring(Topology):
    """From the k nearest neighbours on a ring, k/2 on each side.

    Parameters
    ----------
    k : int
        Neighbours of each neuron, even.
    weight : float or Distribution
        mS/cm^2.
    rng : int, Generator, SeedSequence or None
        Seed of weights that are drawn.
    symmetric : bool
        Whether, inside one population, both directions have one weight.

    Raises
    ------
    TypeError, ValueError
        If k is not an even whole number, or the weight is not one.

    Examples
    --------
    >>> Ring(k=2).matrix(5, 5, same=True).toarray()[0]
    array([0., 1., 0., 0., 1.])
    """

    k: int
    weight: Any = 1.0
    rng: Any = None
    symmetric: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "k", _even(self.k, "Ring"))

    def edges(self, n_target: int, n_source: int, same: bool) -> Edges:
        near, far = lattice(self.k, n_target, n_source, "ring")
        return both(near, far)

    def expected_edges(self, n_target: int, n_source: int) -> float:
        return float(self.k) * n_target


@record
class SmallWorld(Topology):
    """A ring whose edges are exchanged with a probability for edges to any neuron.

    Each edge of the ring (both of its directions) is rewired with probability p: one end stays, the
    other goes to a neuron drawn from those that have no edge with the first. The number of edges
    stays; p = 0 is the ring.

    Parameters
    ----------
    k : int
        Neighbours of each neuron before rewiring, even.
    p : float
        Probability that an edge is rewired.
    weight : float or Distribution
        mS/cm^2.
    rng : int, Generator, SeedSequence or None
        Seed.
    symmetric : bool
        Whether both directions have one weight; both are always there.

    Raises
    ------
    TypeError, ValueError
        If k is not an even whole number, p is not from 0 to 1, or the weight is not one.

    References
    ----------
    Watts & Strogatz 1998, Nature 393, 440, doi:10.1038/30918.

    Examples
    --------
    >>> graph = SmallWorld(k=4, p=0.1, rng=1).matrix(100, 100, same=True)
    >>> graph.nnz, abs(graph - graph.T).nnz
    (400, 0)
    """

    drawn = True

    k: int
    p: float
    weight: Any = 1.0
    rng: Any = None
    symmetric: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "k", _even(self.k, "SmallWorld"))
        object.__setattr__(self, "p", probability(self.p, "SmallWorld.p"))

    def edges(self, n_target: int, n_source: int, same: bool) -> Edges:
        if not same:
            raise ValueError(
                "small_world is the graph of one population; between two, take topology.random(p=)"
            )
        near, far = lattice(self.k, n_target, n_source, "small_world")
        return both(near, self._rewired(near, far, n_source))

    def expected_edges(self, n_target: int, n_source: int) -> float:
        return float(self.k) * n_target

    def _rewired(self, near: np.ndarray, far: np.ndarray, n: int) -> np.ndarray:
        """The far ends, some of which are drawn anew.

        All edges that wait draw at once; a place is free if no edge is there, be it one that waits
        as well, and of edges that draw the same place the first takes it.
        """
        rows, half = n, self.k // 2
        waiting = np.flatnonzero(uniforms(self.rng, REWIRED, 0, rows, half).ravel() < self.p)
        far, places = far.copy(), _place(near, far, n)
        for layer in range(MOST_PROPOSALS):
            if not waiting.size:
                break
            drawn = uniforms(self.rng, PROPOSED, layer, rows, half).ravel()[waiting]
            ends = (drawn * (n - 1)).astype(np.int64)
            ends += ends >= near[waiting]  # not to itself
            wanted = _place(near[waiting], ends, n)
            first = np.zeros(waiting.size, dtype=bool)
            first[np.unique(wanted, return_index=True)[1]] = True
            ordered = np.sort(places)
            at = np.minimum(np.searchsorted(ordered, wanted), ordered.size - 1)
            moves = first & (ordered[at] != wanted)
            far[waiting[moves]], places[waiting[moves]] = ends[moves], wanted[moves]
            waiting = waiting[~moves]
        return far


def lattice(k: int, n_target: int, n_source: int, name: str) -> Edges:
    """The edges of a ring, each once: from every neuron to the k/2 that follow it."""
    see_equal_sizes(n_target, n_source, name)
    if k >= n_target:
        raise ValueError(
            f"{name}(k={k}) takes more than {k} neurons, each with k others around it; "
            f"got {n_target}"
        )
    near = np.repeat(np.arange(n_target), k // 2)
    return near, (near + np.tile(np.arange(1, k // 2 + 1), n_target)) % max(n_target, 1)


def both(near: np.ndarray, far: np.ndarray) -> Edges:
    """Edges in both directions."""
    return np.concatenate([near, far]), np.concatenate([far, near])


def _place(near: np.ndarray, far: np.ndarray, n: int) -> np.ndarray:
    """A number for each pair, whichever of the two comes first."""
    return np.minimum(near, far) * n + np.maximum(near, far)


def _even(k: Any, name: str) -> int:
    number = neighbour_count(k, name)
    if number % 2:
        raise ValueError(f"{name}.k must be even, k/2 neighbours on each side, got {shown(k)}")
    return number
