"""What a topology is, and where its random numbers are found.

Whether there is an edge, and its weight, are pure functions of (seed, row, draw): numbers come from
numpy's Philox4x64-10, whose counter says what they are for, and lie in layers of `DRAWS` for each
row. A graph is the same whatever was drawn before it and whichever other graphs there are, and
where a rule goes row by row, the first rows of it are those of a smaller graph.

References
----------
Salmon, Moraes, Dror & Shaw (2011), Parallel random numbers: as easy as 1, 2, 3, SC'11,
doi:10.1145/2063384.2063405.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import count
from typing import Any, ClassVar, Self

import numpy as np
import scipy.sparse

from hh_sde import memory
from hh_sde.addresses import seed_number, whole
from hh_sde.distributions import Distribution
from hh_sde.records import Record, fields_of, numbers, shown, single

#: Numbers that a row has in one layer.
DRAWS = 16
#: What numbers are for: the last word of Philox's counter.
EDGES, WEIGHTS, REWIRED, PROPOSED = range(4)
#: A standard normal number of a uniform one that is 0 is that of this.
_LEAST = 2.0**-54
#: Bytes that an edge takes while a graph is built.
_BYTES = 64.0

#: (target, source) of each edge.
Edges = tuple[np.ndarray, np.ndarray]


class Topology(Record):
    """Base of the topologies: rules that say which neuron projects to which.

    They are descriptions: what they describe is made by `matrix`, when a network knows how many
    neurons there are. No rule but a list of edges connects a neuron to itself, or two neurons
    twice. A topology times a number has that many times the weights.

    Attributes
    ----------
    weight : float or Distribution
        Conductance of each edge, mS/cm^2, or of a synapse that is a current uA/cm^2, of either
        sign; of a distribution one number for each edge is drawn, of which those below 0 become 0
        where they are conductances.
    rng : int or None
        Seed of what is drawn.
    symmetric : bool
        Whether, inside one population, both directions are one edge with one weight.

    Examples
    --------
    >>> from hh_sde import topology
    >>> (0.1 * topology.ring(k=2)).matrix(4, 4, same=True).toarray()
    array([[0. , 0.1, 0. , 0.1],
           [0.1, 0. , 0.1, 0. ],
           [0. , 0.1, 0. , 0.1],
           [0.1, 0. , 0.1, 0. ]])
    """

    units = {"weight": "mS/cm^2"}
    __array_ufunc__ = None  # a numpy number times a topology is a topology
    #: Whether edges are drawn, so that there must be a seed.
    drawn: ClassVar[bool] = False

    weight: Any
    rng: Any = None
    symmetric: bool = False

    def __post_init__(self) -> None:
        name = type(self).__name__
        object.__setattr__(self, "weight", _checked_weight(self.weight, name))
        if not isinstance(self.symmetric, bool):
            raise TypeError(f"{name}.symmetric must be True or False, got {shown(self.symmetric)}")
        if self.drawn or isinstance(self.weight, Distribution) or self.rng is not None:
            object.__setattr__(self, "rng", seed_number(self.rng))

    def edges(self, n_target: int, n_source: int, same: bool) -> Edges:
        """The edges (target, source), in any order and none of them twice.

        Parameters
        ----------
        n_target, n_source : int
            Neurons of the populations.
        same : bool
            Whether these are one population, so that no neuron may project to itself.
        """
        raise NotImplementedError

    def expected_edges(self, n_target: int, n_source: int) -> float:
        """About how many edges there will be, which are not made if they fit no memory."""
        return 0.0

    def matrix(
        self, n_target: int, n_source: int, same: bool = False, signed: bool = False
    ) -> scipy.sparse.csr_array:
        """The weights [to, from], mS/cm^2.

        Parameters
        ----------
        n_target, n_source : int
            Neurons of the populations.
        same : bool
            Whether these are one population: no neuron projects to itself then.
        signed : bool
            Whether they are currents (uA/cm^2), of which those that are drawn may be negative.

        Returns
        -------
        (n_target, n_source) csr_array, its indices sorted

        Raises
        ------
        ValueError
            If there is no such graph between so many neurons.
        """
        if same and n_target != n_source:
            raise ValueError(
                f"one population has one number of neurons, got {n_target} and {n_source}"
            )
        about = self.expected_edges(n_target, n_source)
        memory.require(_BYTES * about, f"a graph of {about:.3g} edges", "take fewer edges")
        target, source = self.edges(n_target, n_source, same)
        mirrored = self.symmetric and same
        if mirrored:
            lower = target > source
            target, source = target[lower], source[lower]
        places = (target, source)
        graph = scipy.sparse.csr_array((np.ones(target.size), places), shape=(n_target, n_source))
        graph.sort_indices()
        graph.data[:] = self._weights(graph, signed)
        if mirrored:
            graph = scipy.sparse.csr_array(graph + graph.T)
            graph.sort_indices()
        return graph

    def both_ways(self) -> Self:
        """The same rule, with one edge for both directions inside a population.

        Raises
        ------
        ValueError
            If the rule has no field `symmetric`: it does not hold in such a graph.
        """
        if "symmetric" not in fields_of(self):
            raise ValueError(
                f"{type(self).__name__} does not go with a gap junction, which conducts both ways; "
                "topology.random(p=...), small_world(k=..., p=...) and ring(k=...) do"
            )
        return self if self.symmetric else self.replace(symmetric=True)

    def __mul__(self, factor: Any) -> Self:
        by = single(factor, f"the factor of {type(self).__name__}")
        if isinstance(self.weight, Distribution):
            return self.replace(weight=self.weight.scaled(by))
        return self.replace(weight=self.weight * by)

    __rmul__ = __mul__

    def __truediv__(self, divisor: Any) -> Self:
        return self * (1.0 / single(divisor, f"the divisor of {type(self).__name__}"))

    def _weights(self, graph: scipy.sparse.csr_array, signed: bool) -> Any:
        """The weight of each entry, the entries of a row being its draws."""
        if not isinstance(self.weight, Distribution):
            return self.weight
        from scipy.special import ndtri  # not loaded by those who only describe things

        entries = np.diff(graph.indptr)
        row = np.repeat(np.arange(entries.size), entries)
        draw = np.arange(graph.nnz) - graph.indptr[row]
        layers = range(-(-int(entries.max(initial=0)) // DRAWS))
        drawn = [uniforms(self.rng, WEIGHTS, layer, entries.size) for layer in layers]
        u = np.hstack(drawn)[row, draw] if drawn else np.empty(0)
        with np.errstate(over="ignore"):  # what is not finite is refused where it is put to use
            weights = self.weight.at(ndtri(np.maximum(u, _LEAST)))
        return weights if signed else np.maximum(weights, 0.0)


def uniforms(seed: int, use: int, layer: int, rows: int, draws: int = DRAWS) -> np.ndarray:
    """Uniform numbers in [0, 1) of a layer, (rows, draws)."""
    philox = np.random.Philox(counter=[0, 0, layer, use], key=_key(seed))
    return np.random.Generator(philox).random((rows, draws))


def layers(seed: int, use: int, rows: int) -> Iterator[np.ndarray]:
    """All numbers of some rows, layer by layer."""
    return (uniforms(seed, use, layer, rows) for layer in count())


@lru_cache
def _key(seed: int) -> np.ndarray:
    return np.random.SeedSequence(seed).generate_state(2, np.uint64)


def neighbour_count(k: Any, name: str, least: int = 0) -> int:
    """A number of edges of a neuron."""
    return whole(k, f"{name}.k", least, 2**31)


def probability(p: Any, name: str) -> float:
    """A number from 0 to 1."""
    value = single(p, name)
    if not 0.0 <= value <= 1.0:
        raise ValueError(f"{name} is a probability, from 0 to 1, got {shown(p)}")
    return value


def _checked_weight(weight: Any, name: str) -> Any:
    if isinstance(weight, Distribution):
        if any(np.ndim(value) for value in fields_of(weight).values()):
            raise ValueError(
                f"{name}.weight is drawn for each edge: its distribution takes one number for "
                f"each parameter, got {shown(weight)}"
            )
        return weight
    array = numbers(weight, f"{name}.weight", "a number or a distribution, as hh_sde.Normal")
    if array.ndim or not np.isfinite(array):
        raise ValueError(
            f"{name}.weight must be one finite number (mS/cm^2, of a current uA/cm^2), or a "
            f"distribution; got {shown(weight)}"
        )
    return float(array)
