"""Edges that are given one by one."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import scipy.sparse

from hh_sde.addresses import whole
from hh_sde.records import frozen, numbers, record, shown, single
from hh_sde.topology.base import Topology

#: Neurons that a list of edges can number.
MOST_NEURONS = 2**31


@record
class EdgeList(Topology):
    """Edges one by one, as a table has them.

    The weights of edges between the same two neurons add up.

    Parameters
    ----------
    source, target : (edges,) array of int
        Numbers of the neurons, from 0.
    weight : float or (edges,) array
        mS/cm^2, or of a synapse that is a current uA/cm^2, of either sign.
    delay : float or (edges,) array, optional
        ms.
    shape : (n_target, n_source), optional
        Of the populations, where the table says so. Default: any that hold all edges.

    Raises
    ------
    TypeError, ValueError
        If the neurons are not whole numbers, weights or delays are not finite, delays are negative,
        or two edges with delays are between the same two neurons.

    Examples
    --------
    >>> EdgeList(source=[0, 1, 1], target=[1, 2, 2], weight=0.5).matrix(3, 3).toarray()
    array([[0. , 0. , 0. ],
           [0.5, 0. , 0. ],
           [0. , 1. , 0. ]])
    """

    units = {"weight": "mS/cm^2", "delay": "ms"}

    source: Any
    target: Any
    weight: Any = 1.0
    delay: Any = None
    shape: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        source, target = (
            _neurons(getattr(self, name), f"{name} of the edges") for name in ("source", "target")
        )
        if source.shape != target.shape:
            raise ValueError(
                f"edges take one source for each target, got {source.size} and {target.size}"
            )
        checked: dict[str, Any] = {"source": source, "target": target}
        checked["weight"] = _of_edges(self.weight, "weight", source.size)
        see_edges(checked["weight"], "weight of the edges", signed=True)
        if self.delay is not None:
            checked["delay"] = _of_edges(self.delay, "delay", source.size)
            see_edges(checked["delay"], "delay of the edges, in ms,", signed=False)
        for name, value in checked.items():
            object.__setattr__(self, name, value)
        if self.shape is not None:
            object.__setattr__(self, "shape", _shape(self.shape))
            self._see_that_they_fit(*self.shape)
        if self.delay is not None:
            self._see_no_two_delays()

    def edges(self, n_target: int, n_source: int, same: bool) -> tuple[np.ndarray, np.ndarray]:
        self._see_that_they_fit(n_target, n_source)
        return self.target, self.source

    def matrix(
        self, n_target: int, n_source: int, same: bool = False, signed: bool = False
    ) -> scipy.sparse.csr_array:
        return self._matrix_of(self.weight, n_target, n_source)

    def delays(self, n_target: int, n_source: int) -> scipy.sparse.csr_array | None:
        """The delays [to, from], ms, with an entry where `matrix` has one; None without delays."""
        return None if self.delay is None else self._matrix_of(self.delay, n_target, n_source)

    def both_ways(self) -> Self:
        return self

    def __mul__(self, factor: Any) -> Self:
        return self.replace(weight=self.weight * single(factor, "the factor of the edges"))

    __rmul__ = __mul__

    def _matrix_of(self, values: Any, n_target: int, n_source: int) -> scipy.sparse.csr_array:
        places = self.edges(n_target, n_source, False)
        values = np.broadcast_to(values, self.source.shape)
        found = scipy.sparse.csr_array((values, places), shape=(n_target, n_source), dtype=float)
        found.sum_duplicates()
        return found

    def _see_that_they_fit(self, n_target: int, n_source: int) -> None:
        if self.shape is not None and tuple(self.shape) != (n_target, n_source):
            raise ValueError(
                f"the graph has (targets, sources) = {tuple(self.shape)}, the network has "
                f"({n_target}, {n_source})"
            )
        for name, index, n in (
            ("target", self.target, n_target),
            ("source", self.source, n_source),
        ):
            if index.size and index.max() >= n:
                raise ValueError(
                    f"edge {int(index.argmax())} has {name} {index.max()}; the neurons of that "
                    f"population are 0 to {n - 1}"
                )

    def _see_no_two_delays(self) -> None:
        pairs = np.stack([self.source, self.target])
        known, times = np.unique(pairs, axis=1, return_counts=True)
        if np.any(times > 1):
            source, target = known[:, times.argmax()]
            raise ValueError(
                f"there are {times.max()} edges from neuron {source} to neuron {target}, with "
                "delays, of which a synapse has one for each pair: put the others into another "
                "synapse"
            )


def _neurons(values: Any, name: str) -> np.ndarray:
    array = numbers(values, name, "numbers of neurons, from 0")
    there = (array == np.floor(array)) & (array >= 0) & (array < MOST_NEURONS)
    if array.ndim != 1 or not np.all(there):
        wrong = f" ({array[~there][0]:g})" if array.ndim == 1 else ""
        raise ValueError(
            f"{name} must be whole numbers, from 0 to 2^31 - 1, got {shown(values)}{wrong}"
        )
    return frozen(array.astype(np.int64))


def _shape(shape: Any) -> tuple[int, int]:
    """Numbers of neurons (targets, sources)."""
    if not isinstance(shape, tuple | list) or len(shape) != 2:
        raise ValueError(
            f"shape of the edges must be two numbers, (targets, sources), got {shown(shape)}"
        )
    n_target, n_source = (whole(n, "shape of the edges", 0, MOST_NEURONS) for n in shape)
    return n_target, n_source


def _of_edges(values: Any, name: str, n: int) -> float | np.ndarray:
    array = numbers(values, f"{name} of the edges", "a number, or one for each edge")
    if array.ndim and array.shape != (n,):
        raise ValueError(
            f"{name} of the edges: {n} edges take one number or ({n},), got shape {array.shape}"
        )
    return array if array.ndim else float(array)


def see_edges(values: float | np.ndarray, what: str, signed: bool) -> None:
    """See that numbers of edges are finite and, if they have no sign, not negative.

    Raises
    ------
    ValueError
        If one is not so, with its edge.
    """
    array = np.atleast_1d(values)
    wrong = ~np.isfinite(array) | ((array < 0) & (not signed))
    if np.any(wrong):
        edge = int(np.argmax(wrong))
        accepted = "finite" if signed else "finite and not negative"
        raise ValueError(f"{what} must be {accepted}; edge {edge} has {array[edge]:g}")
