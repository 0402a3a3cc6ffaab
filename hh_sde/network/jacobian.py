"""The Jacobian of a network's drift, couplings included."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import scipy.sparse

from hh_sde.equations.layout import StateLayout
from hh_sde.equations.module import CompiledDerivatives, compiled_derivatives
from hh_sde.equations.tables import Tables
from hh_sde.network.batches import Batches, among_lanes
from hh_sde.network.diffusion import checked_state
from hh_sde.network.resolvent import Resolvent


class Jacobian:
    """J(x, t) of a network, J[i, j] = df_i/dx_j: compiled when it is first asked for.

    Parameters
    ----------
    tables : Tables
    layout : StateLayout
    current : callable
        (times,) ms -> (times or 1, n_neurons): injected current.
    """

    def __init__(
        self, tables: Tables, layout: StateLayout, current: Callable[[np.ndarray], np.ndarray]
    ) -> None:
        self._tables = tables
        self._layout = layout
        self._current = current

    def __call__(self, x: np.ndarray, t: float, sparse: bool = False) -> Any:
        """The Jacobian at a state.

        Parameters
        ----------
        x : (d,) array
        t : float
            ms.
        sparse : bool
            A scipy.sparse CSR array instead of a dense one.

        Returns
        -------
        (d, d) array

        Examples
        --------
        >>> from hh_sde import Network
        >>> sde = Network(2).sde()
        >>> sde.jac(sde.x0, 0.0).shape, sde.jac(sde.x0, 0.0, sparse=True).nnz
        ((8, 8), 20)
        """
        entries = self._entries(checked_state(x, self._layout.d), t)[..., 0]
        rows, columns, entry, neuron, weight, inner, source = self._places
        values = entries[entry, neuron] * weight * np.where(inner < 0, 1.0, entries[inner, source])
        d = self._layout.d
        if sparse:
            return scipy.sparse.coo_array((values, (rows, columns)), shape=(d, d)).tocsr()
        return np.bincount(rows * d + columns, values, minlength=d * d).reshape(d, d)

    def times(self, x: np.ndarray, t: float, v: np.ndarray) -> np.ndarray:
        """J(x, t) v, without the matrix.

        Parameters
        ----------
        x, v : (d,) array
        t : float
            ms.

        Returns
        -------
        (d,) array

        Examples
        --------
        >>> from hh_sde import Network
        >>> sde = Network(2).sde()
        >>> v = np.arange(8.0)
        >>> bool(np.allclose(sde.jac.times(sde.x0, 0.0, v), sde.jac(sde.x0, 0.0) @ v))
        True
        """
        x, v = (checked_state(one, self._layout.d) for one in (x, v))
        I = self._current(np.array([t]))[0]
        return self._compiled.module.flat_tangent(x, v, I, *self._shape, *self._numbers)

    @property
    def potentials(self) -> np.ndarray:
        """(n_neurons,): the components of the state that are V."""
        return self._layout.components["V"]

    def solve(
        self, x: np.ndarray, t: float, h: float, r: np.ndarray, *, holding_V: bool = False
    ) -> np.ndarray:
        """v with (1 - h J(x, t)) v = r, for the states of several trials at once.

        Parameters
        ----------
        x, r : (d, trials) array
        t : float
            ms.
        h : float
            ms.
        holding_V : bool
            v of V is 0, and its equations are left out.

        Returns
        -------
        (d, trials) array

        Raises
        ------
        numpy.linalg.LinAlgError
            If the matrix is singular.

        Examples
        --------
        >>> from hh_sde import Network
        >>> sde = Network(2).sde()
        >>> x, r = np.stack([sde.x0, sde.x0], axis=1), np.ones((8, 2))
        >>> v = sde.jac.solve(x, 0.0, 0.1, r)
        >>> bool(np.allclose(v - 0.1 * sde.jac(sde.x0, 0.0) @ v, r))
        True
        """
        return self._resolvent(self._entries(x, t), h, r, holding_V)

    def _entries(self, x: np.ndarray, t: float) -> np.ndarray:
        """The derivatives at states (d,) or (d, trials), (entries, n_neurons, trials)."""
        given = self._states(x)
        I = np.repeat(self._current(np.array([t]))[0], given.trials)
        most = max(map(len, self._compiled.entries))
        found = self._compiled.module.flat_jacobian(
            given.x, I, given.places, given.rows, given.trials, self._wiring(given.trials), most,
            *given.numbers,
        )  # fmt: skip
        return found.reshape(most, self._layout.n_neurons, given.trials)

    @cached_property
    def _states(self) -> Batches:
        return Batches(self._compiled, self._layout)

    @cached_property
    def _wiring(self) -> Callable[[int], tuple[np.ndarray, ...]]:
        """The wiring among the lanes of so many trials."""

        @lru_cache(maxsize=2)
        def wiring(trials: int) -> tuple[np.ndarray, ...]:
            return tuple(among_lanes(self._tables.wiring, self._layout, trials))

        return wiring

    @cached_property
    def _resolvent(self) -> Resolvent:
        return Resolvent(self._layout, self._compiled.entries, self._sums)

    @property
    def _sums(self) -> scipy.sparse.csr_array:
        """W of all inputs one after another, by the places of what is sent."""
        n, rows = self._layout.n_neurons, self._tables.wiring.start.size - 1
        sums = scipy.sparse.csr_array((rows, self._layout.rows * n))
        for own in self._layout.ranges:
            for k in range(rows // n):
                target, place, weight = self._edges(k, np.arange(own.first, own.first + own.n))
                edges = (weight, (k * n + target, place))
                sums = sums + scipy.sparse.csr_array(edges, shape=sums.shape)
        return sums

    @cached_property
    def _compiled(self) -> CompiledDerivatives:
        return compiled_derivatives(self._tables.populations)

    @cached_property
    def _numbers(self) -> tuple[np.ndarray, ...]:
        n = self._layout.n_neurons
        return self._compiled.of_lanes(1, n)

    @property
    def _shape(self) -> tuple[Any, ...]:
        """Where the state's components are in rows, the shape of these, and the wiring."""
        layout = self._layout
        shape = (layout.rows, layout.n_neurons)
        return layout.places, shape, tuple(self._tables.wiring)

    @cached_property
    def _places(self) -> tuple[np.ndarray, ...]:
        """Of each summand of an entry of J: row, column, which derivative, neuron, weight.

        Where an output is between, then which derivative of it, and of which neuron; else -1.
        """
        n = self._layout.n_neurons
        component = np.full(self._layout.rows * n, -1)  # of each place in rows
        component[self._layout.places] = np.arange(self._layout.d)
        found = []
        for own, entries in zip(self._layout.ranges, self._compiled.entries, strict=True):
            neurons, one = np.arange(own.first, own.first + own.n), np.ones(own.n)
            for k, (row, column, coupled, _) in enumerate(entries):
                if row >= len(own.names):
                    continue
                if not coupled:
                    places = (component[row * n + neurons], component[column * n + neurons])
                    found.append((*places, k, neurons, one, np.full(own.n, -1), neurons))
                    continue
                target, place, weight = self._edges(column, neurons)
                for chosen, of, inner in self._variables_at(place):
                    i = target[chosen]
                    found.append(
                        (component[row * n + i], component[of], k, i, weight[chosen],
                         np.full(i.size, inner), of % n)
                    )  # fmt: skip
        parts = [(r, c, np.full(r.size, k), *rest) for r, c, k, *rest in found]
        return tuple(map(np.concatenate, zip(*parts, strict=True)))

    def _variables_at(self, place: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray, int]]:
        """What is sent from places, as functions of variables.

        Which of the places, where the variable is, and which derivative of the output by it; -1
        where the place is the variable's own.
        """
        row, neuron = np.divmod(place, self._layout.n_neurons)
        for own, entries in zip(self._layout.ranges, self._compiled.entries, strict=True):
            here = (neuron >= own.first) & (neuron < own.first + own.n)
            variable = here & (row < len(own.names))
            yield variable, place[variable], -1
            for k, entry in enumerate(entries):
                if entry.row >= len(own.names):
                    chosen = here & (row == entry.row)
                    yield chosen, entry.column * self._layout.n_neurons + neuron[chosen], k

    def _edges(self, k: int, neurons: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Of what neurons get through input k: targets, places of the sources, weights."""
        n = self._layout.n_neurons
        start, source, weight, blocks, block_weight = self._tables.wiring
        rows = k * n + neurons
        entries = slice(start[rows[0]], start[rows[-1] + 1])
        found = [(np.repeat(neurons, np.diff(start[rows[0] : rows[-1] + 2])), source[entries],
                  weight[entries])]  # fmt: skip
        for (block, first, targets, place, sources, others), w in zip(
            blocks, block_weight, strict=True
        ):
            if block != k or first != neurons[0]:
                continue
            to, of = np.divmod(np.arange(targets * sources), sources)
            wanted = (to != of) if others else np.ones(to.size, dtype=bool)
            to, of = to[wanted], of[wanted]
            found.append((first + to, place + of, np.full(to.size, w)))
        target, place, values = map(np.concatenate, zip(*found, strict=True))
        return target, place, values
