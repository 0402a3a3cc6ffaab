"""A model's loops, loaded, with the numbers that they take; and what the engine runs."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import NamedTuple

import numpy as np

from hh_sde.equations.jacobian import Derivatives, Entry
from hh_sde.equations.numba_ import written, written_derivatives
from hh_sde.equations.population import Population
from hh_sde.equations.quantities import NoiseTerm
from hh_sde.equations.tables import Connectivity, Model
from hh_sde.kernels import cache


class Compiled(NamedTuple):
    """A model's module and the arguments that its functions take."""

    module: ModuleType
    n_neurons: int
    p: np.ndarray  # numbers that are the same in all neurons
    q: np.ndarray  # (rows, n_neurons): numbers that differ
    curves: np.ndarray  # tabulated values
    connectivity: Connectivity
    terms: tuple[NoiseTerm, ...]  # noise that every lane has of its own
    population: Population  # the equations it was written from

    def numbers(self, trials: int, lanes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(p, q, curves) for `trials` trials of every neuron, q padded to `lanes` columns."""
        return self.p, _by_lane(self.q, trials, lanes), self.curves


def compiled(model: Model, dtype: str = "float64") -> Compiled:
    """The compiled loops for a model, and its numbers, in a precision."""
    population = Population(model)
    text, *used = written(population, dtype)
    p, q, curves = _numbers(population, *used)
    return Compiled(
        cache.load(text),
        model.n_neurons,
        p.astype(dtype, copy=False),
        q.astype(dtype, copy=False),
        curves.astype(dtype, copy=False),
        connectivity=model.connectivity,
        terms=population.terms,
        population=population,
    )


class CompiledDerivatives(NamedTuple):
    """The module with a model's Jacobian and tangent, and the numbers that it takes."""

    module: ModuleType
    p: np.ndarray
    q: np.ndarray
    curves: np.ndarray
    entries: tuple[Entry, ...]  # what the rows of `jacobian` are

    def numbers(self, trials: int, lanes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(p, q, curves) as of `Compiled`."""
        return self.p, _by_lane(self.q, trials, lanes), self.curves


def compiled_derivatives(model: Model) -> CompiledDerivatives:
    """The compiled Jacobian of a model, and its numbers."""
    derivatives = Derivatives(Population(model))
    text, *used = written_derivatives(derivatives)
    numbers = _numbers(derivatives.population, *used)
    return CompiledDerivatives(cache.load(text), *numbers, entries=tuple(derivatives.entries))


def _by_lane(q: np.ndarray, trials: int, lanes: int) -> np.ndarray:
    """(rows, lanes): every neuron's column for each of its trials, the last one in the padding."""
    q = np.repeat(q, trials, axis=1)
    return np.pad(q, ((0, 0), (0, lanes - q.shape[1])), mode="edge")


def _numbers(
    population: Population, scalars: tuple[str, ...], rows: tuple[str, ...]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """p, q and curves."""
    table, n = population.parameters.table, population.model.n_neurons
    return (
        np.array([table[name].values[0] for name in scalars] or [0.0]),
        np.array([table[name].values for name in rows]).reshape(len(rows), n),
        np.concatenate([np.zeros(1), *population.parameters.curves]),
    )


class Program(NamedTuple):
    """What the engine runs: the compiled model, the noise on V, and the injected current."""

    compiled: Compiled
    n_variables: int  # rows of the state
    first_synapse: int  # its row in the state
    noise: Connectivity  # rows of A: dV_i gets sum_k A_ik dW_k
    current: Callable[[np.ndarray], np.ndarray]  # (times,) ms -> (times or 1, n_neurons)
    f: Callable[..., np.ndarray]  # the functions that say the same
    G: Callable[..., np.ndarray]
    area_groups: np.ndarray  # which Wiener processes belong together
    bounded: bool  # states are brought back into [0, 1] after each step
    single: Callable[[], Compiled]  # the same model in single precision
    interpretation: str = "ito"  # in which f states the equations

    def in_precision(self, dtype: str) -> Compiled:
        """The compiled model in a precision."""
        return self.single() if dtype == "float32" else self.compiled

    @property
    def d(self) -> int:
        """Length of the flat state."""
        return self.n_variables * self.compiled.n_neurons

    def stands_for(
        self, f: Callable[..., np.ndarray], G: Callable[..., np.ndarray], interpretation: str
    ) -> bool:
        """Whether these are still the functions, and the calculus, that it was made with."""
        return f is self.f and G is self.G and interpretation == self.interpretation

    def without_noise(self, G: Callable[..., np.ndarray]) -> Program:
        """The same equations with nothing in the rows of the noise; G is what they have for G."""
        start = np.zeros_like(self.noise.start)
        none = Connectivity(start, self.noise.source[:0], self.noise.weight[:0])
        return self._replace(noise=none, G=G, area_groups=self.area_groups[:0])

    def restated(self, f: Callable[..., np.ndarray], interpretation: str) -> Program:
        """The same equations where f states them in the other calculus."""
        return self._replace(f=f, interpretation=interpretation)
