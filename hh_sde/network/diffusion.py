"""G of a network, and what follows from its shape: noise type, area groups, correction."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse
import scipy.sparse.csgraph

from hh_sde.equations.differentiation import noise_type
from hh_sde.equations.dynamics import Dynamics
from hh_sde.equations.layout import StateLayout
from hh_sde.equations.module import Compiled
from hh_sde.equations.quantities import NoiseTerm
from hh_sde.network.batches import Batches, States
from hh_sde.sde import NOISE_TYPES, Function


class _Own(NamedTuple):
    """A noise term of a population: a Wiener process of each of its neurons."""

    term: NoiseTerm
    number: int  # of the term among those of its population
    neurons: slice
    components: int  # the first one of its population in the flat state
    n: int
    first: int  # its first process


class Diffusion:
    """G(x, t) of a network: columns of the noise on V, then of each term in every neuron.

    Parameters
    ----------
    compiled : Compiled
    populations : sequence of Dynamics
        With their terms: dy_row = sign root(R) dW for the rows that a term goes to.
    layout : StateLayout
    amplitudes : (n_neurons, m_V) sparse array
        A with dV_i = (...) dt + sum_k A[i, k] dW_k.

    Attributes
    ----------
    m, m_V : int
        Number of Wiener processes, and of those that act on V.
    noise_type : str
    area_groups : (m,) array of int
        Which processes belong together: columns of different groups commute.
    """

    def __init__(
        self,
        compiled: Compiled,
        populations: Sequence[Dynamics],
        layout: StateLayout,
        amplitudes: scipy.sparse.csr_array,
    ) -> None:
        self._module = compiled.module
        self._layout = layout
        self._amplitudes = amplitudes
        self._states = Batches(compiled, layout)
        self.m = self.m_V = amplitudes.shape[1]
        self._own: list[_Own] = []
        for own, equations in zip(layout.ranges, populations, strict=True):
            for number, term in enumerate(equations.terms):
                begin = own.components.start
                self._own.append(_Own(term, number, own.neurons, begin, own.n, self.m))
                self.m += own.n
        on_V = np.diff(amplitudes.indptr) > 0
        types = [
            noise_type(one.terms, one.variables, one.assignments, bool(np.any(on_V[own.neurons])))
            for own, one in zip(layout.ranges, populations, strict=True)
        ]
        self.noise_type = max(types, key=NOISE_TYPES.index)
        self.area_groups = self._area_groups()

    def __call__(self, x: np.ndarray, t: float) -> np.ndarray:
        """G (d, m), or (d, m, trials) at states (d, trials)."""
        states = self._states(x)
        shape = (*self._on_V.shape, states.trials)
        G = np.broadcast_to(self._on_V[..., None], shape)
        if self._own:
            G = np.array(G)
            s = self._sizes(states)
        for own in self._own:
            neurons = np.arange(own.n)
            for row, sign in own.term.to:
                at = own.components + row * own.n + neurons
                G[at, own.first + neurons] = sign * s[own.number, own.neurons]
        return G if len(states.shape) == 2 else G[..., 0]

    def column(self, k: int) -> Function:
        """The k-th column of G as a function of its own."""
        if k < self.m_V:
            return lambda x, t: self._on_V[:, k]
        own = next(one for one in self._own if k < one.first + one.n)
        neuron = k - own.first

        def g(x: np.ndarray, t: float) -> np.ndarray:
            states = self._states(x)
            size = self._sizes(states)[own.number, own.neurons.start + neuron]
            out = np.zeros((self._layout.d, states.trials))
            for row, sign in own.term.to:
                out[own.components + row * own.n + neuron] = sign * size
            return out.reshape(states.shape)

        return g

    def correction(self, x: np.ndarray, t: float) -> np.ndarray:
        """1/2 sum_k (dg_k) g_k: what an Ito drift has more than the Stratonovich drift."""
        states = self._states(x)
        flat = self._module.flat_correction(states.x, states.places, states.rows, *states.numbers)
        return flat.reshape(states.shape)

    def _sizes(self, states: States) -> np.ndarray:
        """Amplitudes (terms, n_neurons, trials)."""
        sizes = self._module.flat_amplitudes(states.x, states.places, states.rows, *states.numbers)
        return sizes.reshape(-1, self._layout.n_neurons, states.trials)

    @cached_property
    def _on_V(self) -> np.ndarray:
        """The constant columns, made when they are first asked for: the engine never does."""
        G = np.zeros((self._layout.d, self.m))
        G[self._layout.components["V"], : self.m_V] = self._amplitudes.toarray()
        G.flags.writeable = False
        return G

    def _area_groups(self) -> np.ndarray:
        """Noise on V belongs to the neurons that it reaches, other noise to its neuron."""
        if self.noise_type != "general":
            return np.arange(self.m)
        reach = abs(self._amplitudes).tocsr()
        joined = scipy.sparse.bmat([[None, reach.T], [reach, None]])
        _, label = scipy.sparse.csgraph.connected_components(joined, directed=False)
        of_neurons = label[self.m_V :]
        return np.concatenate([label[: self.m_V], *(of_neurons[own.neurons] for own in self._own)])


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
