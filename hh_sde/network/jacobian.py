"""The Jacobian of a network's drift, couplings included."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse

from hh_sde.equations.module import CompiledDerivatives, compiled_derivatives
from hh_sde.equations.tables import Model
from hh_sde.kernels.coupling import couple
from hh_sde.network.diffusion import checked_state


class Jacobian:
    """J(x, t) of a network, J[i, j] = df_i/dx_j: compiled when it is first asked for.

    Parameters
    ----------
    model : Model
    first_synapse : int
        Row of the first synapse's gate in the state.
    current : callable
        (times,) ms -> (times or 1, n_neurons): injected current.
    """

    def __init__(
        self, model: Model, first_synapse: int, current: Callable[[np.ndarray], np.ndarray]
    ) -> None:
        self._model = model
        self._first_synapse = first_synapse
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
        state, I, coupled = self._at(x, t)
        entries = np.empty((len(self._compiled.entries), self._model.n_neurons))
        module, *numbers = self._compiled[:4]
        module.jacobian(state, I, coupled, entries, *numbers)
        rows, columns, entry, neuron, weight = self._places
        values = entries[entry, neuron] * weight
        d = state.size
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
        x, v = (checked_state(one, self._rows * self._model.n_neurons) for one in (x, v))
        module, *numbers = self._compiled[:4]
        I = self._current(np.array([t]))[0]
        connectivity = self._model.connectivity
        return module.flat_tangent(x, v, I, self._first_synapse, *connectivity, *numbers)

    def _at(self, x: np.ndarray, t: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The state by variables, the injected current, the sums over other neurons."""
        n = self._model.n_neurons
        state = checked_state(x, self._rows * n).reshape(-1, n)
        connectivity = self._model.connectivity
        coupled = np.empty(((connectivity.start.size - 1) // n, n))
        couple(state, coupled, self._first_synapse, n, 1, *connectivity)
        return state, self._current(np.array([t]))[0], coupled

    @property
    def _rows(self) -> int:
        return self._first_synapse + len(self._model.synapses)

    @cached_property
    def _compiled(self) -> CompiledDerivatives:
        return compiled_derivatives(self._model)

    @cached_property
    def _places(self) -> tuple[np.ndarray, ...]:
        """Of each summand of an entry of J: row, column, which derivative, neuron, weight."""
        n, (start, source, weight) = self._model.n_neurons, self._model.connectivity
        neurons, one = np.arange(n), np.ones(n)
        found = []
        for k, (row, column, coupled, _) in enumerate(self._compiled.entries):
            if not coupled:
                found.append((row * n + neurons, column * n + neurons, k, neurons, one))
                continue
            of_sum = slice(start[column * n], start[(column + 1) * n])
            target = np.repeat(neurons, np.diff(start[column * n : (column + 1) * n + 1]))
            variable = 0 if column >= len(self._model.synapses) else self._first_synapse + column
            places = (row * n + target, variable * n + source[of_sum], k, target, weight[of_sum])
            found.append(places)
        parts = [(r, c, np.full(r.size, k), i, w) for r, c, k, i, w in found]
        return tuple(map(np.concatenate, zip(*parts, strict=True)))
