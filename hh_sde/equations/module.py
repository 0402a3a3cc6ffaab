"""A network's loops, loaded, with the numbers that they take; and what the engine runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import ModuleType
from typing import NamedTuple

import numpy as np

from hh_sde.equations.dynamics import Dynamics
from hh_sde.equations.functions import Functions
from hh_sde.equations.jacobian import Derivatives, Entry
from hh_sde.equations.layout import StateLayout
from hh_sde.equations.numba_ import Numbers, Written, written, written_derivatives
from hh_sde.equations.tables import Connectivity, Model, Tables
from hh_sde.kernels import cache


class LaneNumbers(NamedTuple):
    """The numbers of a network for some lanes, as its loops take them."""

    p: np.ndarray  # of the populations one after another, what all their neurons have the same
    q: np.ndarray  # (rows, lanes): what differs, each population's in its first rows
    curves: np.ndarray  # tabulated values of the populations, one after another
    ranges: np.ndarray  # see `kernels.coupling.Lanes`


class Compiled(NamedTuple):
    """A network's module and the numbers that its functions take."""

    module: ModuleType
    populations: tuple[Dynamics, ...]  # the equations it was written from
    kinds: tuple[int, ...]  # of the populations
    numbers: tuple[Numbers, ...]  # of the kinds
    dtype: str
    tables: Tables

    @property
    def n_neurons(self) -> int:
        """Of all populations."""
        return sum(one.model.n_neurons for one in self.populations)

    @property
    def layout(self) -> StateLayout:
        """Where the variables stand in the flat state."""
        return layout_of(self.populations)

    @property
    def has_outputs(self) -> bool:
        """Whether neurons send what is no variable."""
        return any(one.outputs for one in self.populations)

    @property
    def most_terms(self) -> int:
        """Wiener processes of a neuron's own: of the population that has most."""
        return max(len(one.terms) for one in self.populations)

    def of_lanes(self, trials: int, lanes: int, points: np.ndarray | None = None) -> LaneNumbers:
        """The numbers for `trials` trials of every neuron, padded to `lanes` lanes.

        `points` (trials,) says which column each trial has of numbers (n_neurons, points).
        """
        return _of_lanes(
            self.populations, self.kinds, self.numbers, trials, lanes, self.dtype, points
        )


def layout_of(populations: Sequence[Dynamics]) -> StateLayout:
    """The layout of the state of populations."""
    return StateLayout(
        [(one.model.n_neurons, [v.name for v in one.variables]) for one in populations],
        rows=max(len(one.rows) for one in populations),
    )


def compiled(tables: Tables, dtype: str = "float64") -> Compiled:
    """The compiled loops for a network, and its numbers, in a precision."""
    populations = tuple(map(Dynamics, tables.populations))
    found, kinds = written(populations, dtype, tables.remembers)
    return Compiled(cache.load(found.text), populations, kinds, found.numbers, dtype, tables)


class CompiledDerivatives(NamedTuple):
    """The module with a network's Jacobian and tangent, and the numbers that it takes."""

    module: ModuleType
    derivatives: tuple[Derivatives, ...]
    kinds: tuple[int, ...]
    numbers: tuple[Numbers, ...]

    @property
    def entries(self) -> tuple[tuple[Entry, ...], ...]:
        """What the rows of `jacobian` are, for each population."""
        return tuple(tuple(one.entries) for one in self.derivatives)

    def of_lanes(self, trials: int, lanes: int) -> LaneNumbers:
        """As of `Compiled`."""
        populations = [one.population for one in self.derivatives]
        return _of_lanes(populations, self.kinds, self.numbers, trials, lanes, "float64")


def compiled_derivatives(models: Sequence[Model]) -> CompiledDerivatives:
    """The compiled Jacobian of a network, and its numbers."""
    derivatives = tuple(Derivatives(Dynamics(model)) for model in models)
    found: Written
    found, kinds = written_derivatives(derivatives)
    return CompiledDerivatives(cache.load(found.text), derivatives, kinds, found.numbers)


def _of_lanes(
    populations: Sequence[Dynamics],
    kinds: Sequence[int],
    numbers: Sequence[Numbers],
    trials: int,
    lanes: int,
    dtype: str,
    points: np.ndarray | None = None,
) -> LaneNumbers:
    """The numbers of all populations, and their ranges, of which the last takes the padding."""
    p: list[float] = []
    curves: list[np.ndarray] = []
    q = np.zeros((max(len(one.rows) for one in numbers), lanes))
    ranges = [len(populations)]
    first = 0
    for kind, population in zip(kinds, populations, strict=True):
        table = population.parameters.table
        used = population.model.n_neurons * trials
        padded = lanes - first if population is populations[-1] else used
        ranges += [kind, first, padded, used, len(p), sum(map(len, curves))]
        p += [table[name].values[0] for name in numbers[kind].scalars]
        curves += [np.zeros(1), *population.parameters.curves]  # places count from 1
        for row, name in enumerate(numbers[kind].rows):
            values = table[name].values
            own = np.repeat(values, trials) if values.ndim == 1 else values[:, points].ravel()
            q[row, first : first + padded] = np.pad(own, (0, padded - used), mode="edge")
        first += used
    return LaneNumbers(
        np.array(p or [0.0]).astype(dtype),
        q.astype(dtype),
        np.concatenate(curves).astype(dtype),
        np.array(ranges, dtype=np.int64),
    )


class Program(NamedTuple):
    """What the engine runs: the compiled network, the noise on V, and the injected current."""

    compiled: Compiled
    layout: StateLayout
    noise: Connectivity  # rows of A: dV_i gets sum_k A_ik dW_k; weights may be (entries, points)
    # (times,) ms -> (times or 1, n_neurons); of points of a sweep (times or 1, n_neurons * points)
    current: Callable[[np.ndarray], np.ndarray]
    f: Callable[..., np.ndarray]  # the functions that say the same
    G: Callable[..., np.ndarray]
    area_groups: np.ndarray  # which Wiener processes belong together
    bounded: bool  # states are brought back into [0, 1] after each step
    single: Callable[[], Compiled]  # the same network in single precision
    in_arrays: Callable[[str], Functions]  # f and G, of Ito, in the arrays of a library
    interpretation: str = "ito"  # in which f states the equations

    def in_precision(self, dtype: str) -> Compiled:
        """The compiled network in a precision."""
        return self.single() if dtype == "float32" else self.compiled

    @property
    def d(self) -> int:
        """Length of the flat state."""
        return self.layout.d

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
