"""G of a network, and what follows from its shape: noise type, area groups, correction."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse
import scipy.sparse.csgraph

from hh_sde.equations.differentiation import noise_type
from hh_sde.equations.module import Compiled
from hh_sde.sde import Function


class Diffusion:
    """G(x, t) of a network: columns of the noise on V, then of each term in every neuron.

    Parameters
    ----------
    compiled : Compiled
        With its terms: dy_row = sign root(R) dW for the rows that a term goes to.
    amplitudes : (n_neurons, m_V) sparse array
        A with dV_i = (...) dt + sum_k A[i, k] dW_k.
    d : int
        Length of the flat state.

    Attributes
    ----------
    m, m_V : int
        Number of Wiener processes, and of those that act on V.
    noise_type : str
    area_groups : (m,) array of int
        Which processes belong together: columns of different groups commute.
    """

    def __init__(self, compiled: Compiled, amplitudes: scipy.sparse.csr_array, d: int) -> None:
        self._n = compiled.n_neurons
        self._compiled = compiled
        self._amplitudes = amplitudes
        self._d = d
        self._numbers = compiled.numbers(1, self._n)
        self.m_V = amplitudes.shape[1]
        self.m = self.m_V + len(compiled.terms) * self._n
        equations = compiled.population
        self.noise_type = noise_type(
            equations.terms, equations.variables, equations.assignments, bool(amplitudes.nnz)
        )
        self.area_groups = self._area_groups()

    def __call__(self, x: np.ndarray, t: float) -> np.ndarray:
        """G (d, m)."""
        if not self._compiled.terms:
            return self._on_V
        G = np.array(self._on_V)
        s = self._sizes(x)
        neurons = np.arange(self._n)
        for k, term in enumerate(self._compiled.terms):
            for row, sign in term.to:
                column = self.m_V + k * self._n + neurons
                G[row * self._n + neurons, column] = sign * s[k]
        return G

    def column(self, k: int) -> Function:
        """The k-th column of G as a function of its own."""
        if k < self.m_V or not self._compiled.terms:
            return lambda x, t: self._on_V[:, k]
        term, neuron = divmod(k - self.m_V, self._n)

        def g(x: np.ndarray, t: float) -> np.ndarray:
            size = self._sizes(x)[term, neuron]
            out = np.zeros(self._d)
            for row, sign in self._compiled.terms[term].to:
                out[row * self._n + neuron] = sign * size
            return out

        return g

    def correction(self, x: np.ndarray, t: float) -> np.ndarray:
        """1/2 sum_k (dg_k) g_k: what an Ito drift has more than the Stratonovich drift."""
        x = checked_state(x, self._d)
        return self._compiled.module.flat_correction(x, self._n, *self._numbers)

    def _sizes(self, x: np.ndarray) -> np.ndarray:
        x = checked_state(x, self._d)
        return self._compiled.module.flat_amplitudes(x, self._n, *self._numbers)

    @cached_property
    def _on_V(self) -> np.ndarray:
        """The constant columns, made when they are first asked for: the engine never does."""
        G = np.zeros((self._d, self.m))
        G[: self._n, : self.m_V] = self._amplitudes.toarray()
        G.flags.writeable = False
        return G

    def _area_groups(self) -> np.ndarray:
        """Noise on V belongs to the neurons that it reaches, other noise to its neuron."""
        if self.noise_type != "general":
            return np.arange(self.m)
        n_terms = len(self._compiled.terms)
        reach = abs(self._amplitudes).tocsr()
        joined = scipy.sparse.bmat([[None, reach.T], [reach, None]])
        _, label = scipy.sparse.csgraph.connected_components(joined, directed=False)
        return np.concatenate([label[: self.m_V], np.tile(label[self.m_V :], n_terms)])


class Columns(Sequence[Function]):
    """The columns of a Diffusion, each made when it is asked for: a large network has many."""

    def __init__(self, diffusion: Diffusion) -> None:
        self._diffusion = diffusion

    def __len__(self) -> int:
        return self._diffusion.m

    def __getitem__(self, k: Any) -> Any:
        if isinstance(k, slice):
            return [self._diffusion.column(j) for j in range(len(self))[k]]
        return self._diffusion.column(range(len(self))[k])


def checked_state(x: np.ndarray, d: int) -> np.ndarray:
    """`x` as the loops take it: contiguous floats of shape (d,).

    Raises
    ------
    ValueError
        If it has another shape.
    """
    x = np.ascontiguousarray(x, dtype=float)
    if x.shape != (d,):
        raise ValueError(f"x must have shape ({d},), got {x.shape}")
    return x
