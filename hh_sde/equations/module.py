"""A network's loops, loaded, with the numbers that they take; and what the engine runs."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from hh_sde.equations.dynamics import Dynamics
from hh_sde.equations.functions import Functions, language
from hh_sde.equations.jacobian import Derivatives, Entry
from hh_sde.equations.layout import Range, StateLayout
from hh_sde.equations.numba_ import (
    Numbers,
    Written,
    written,
    written_derivatives,
    written_stated,
)
from hh_sde.equations.stated import Stated
from hh_sde.equations.stated_functions import StatedFunctions
from hh_sde.equations.system import System
from hh_sde.equations.tables import Connectivity, Model, Tables, Wiring
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
    populations: tuple[System, ...]  # the equations it was written from
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
        return max(len(one.processes) for one in self.populations)

    @property
    def process(self) -> np.ndarray:
        """The process of each amplitude of the noise: of neurons, each has its own."""
        first = self.populations[0]
        if len(first.terms) == len(first.processes):
            return np.arange(self.most_terms, dtype=np.int64)
        return np.array([first.processes.index(term.dW) for term in first.terms], np.int64)

    def of_lanes(self, trials: int, lanes: int, points: np.ndarray | None = None) -> LaneNumbers:
        """The numbers for `trials` trials of every neuron, padded to `lanes` lanes.

        `points` (trials,) says which column each trial has of numbers (n_neurons, points).
        """
        return _of_lanes(
            self.populations, self.kinds, self.numbers, trials, lanes, self.dtype, points
        )


def layout_of(populations: Sequence[System]) -> StateLayout:
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


def compiled_stated(stated: Stated) -> Compiled:
    """The same for an SDE of one's own."""
    none = np.zeros(0, np.int64)
    wiring = Wiring(np.zeros(1, np.int64), none, np.zeros(0), none.reshape(0, 6), np.zeros(0))
    found = written_stated(stated)
    module = cache.load(found.text)
    return Compiled(module, (stated,), (0,), found.numbers, "float64", Tables((), wiring))


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
    populations: Sequence[System],
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
    """What the engine runs: the loops, the noise on V, and the injected current."""

    loaded: Callable[[str], Compiled]  # in a precision; remembers what it gave
    layout: StateLayout
    noise: Connectivity  # rows of A: dV_i gets sum_k A_ik dW_k; weights may be (entries, points)
    # (times,) ms -> (times or 1, n_neurons); of points of a sweep (times or 1, n_neurons * points)
    current: Callable[[np.ndarray], np.ndarray]
    f: Callable[..., np.ndarray]  # the functions that say the same
    G: Callable[..., np.ndarray]
    area_groups: np.ndarray  # which Wiener processes belong together
    in_arrays: Callable[[str], Functions]  # f and G, of Ito, in the arrays of a library
    bounded: bool = False  # states are brought back into [0, 1] after each step
    remembers: bool = False  # see `Tables.remembers`
    stated: Stated | None = None  # the equations, where they are not those of neurons
    beside: tuple[Any, ...] = ()  # with what is said of them beside functions in arrays
    interpretation: str = "ito"  # in which f states the equations

    @property
    def compiled(self) -> Compiled:
        """The loops in double precision."""
        return self.loaded("float64")

    @property
    def d(self) -> int:
        """Length of the flat state."""
        return self.layout.d

    @property
    def gate_rows(self) -> list[tuple[Range, int]]:
        """What is to stay in [0, 1]: the place of a population, and a row of it."""
        if self.stated is not None:  # any number is allowed; nothing is loaded to see that
            return []
        return [
            (own, row)
            for own, equations in zip(self.layout.ranges, self.compiled.populations, strict=True)
            for row in range(1, len(own.names))
            if not equations.free[0] <= row < equations.free[1]
        ]

    @property
    def gates(self) -> np.ndarray:
        """The same as components of the flat state."""
        starts = [(own.components.start + row * own.n, own.n) for own, row in self.gate_rows]
        found = [np.arange(start, start + n) for start, n in starts]
        return np.concatenate([np.zeros(0, np.int64), *found])

    def stands_for(
        self, f: Callable[..., np.ndarray], G: Callable[..., np.ndarray], interpretation: str
    ) -> bool:
        """Whether these are still the functions, and the calculus, that it was made with."""
        return f is self.f and G is self.G and interpretation == self.interpretation

    def without_noise(self, G: Callable[..., np.ndarray], restated: bool) -> Program | None:
        """The same equations with nothing in the rows of the noise; G is what they have for G.

        `restated` tells that the drift is not Ito's; loops of neurons have no other: None.
        """
        if restated:
            if self.stated is None:
                return None
            alone = self.stated.without_noise(self.interpretation)
            return self._replace(
                loaded=_loaded_once(alone),
                in_arrays=_in_arrays_once(alone, *self.beside),
                G=G,
                area_groups=self.area_groups[:0],
            )
        start = np.zeros_like(self.noise.start)
        none = Connectivity(start, self.noise.source[:0], self.noise.weight[:0])
        return self._replace(noise=none, G=G, area_groups=self.area_groups[:0])

    def restated(self, f: Callable[..., np.ndarray], interpretation: str) -> Program:
        """The same equations where f states them in the other calculus."""
        return self._replace(f=f, interpretation=interpretation)


def program_of(
    stated: Stated,
    functions: StatedFunctions,
    x0: np.ndarray,
    noise_type: str,
    area_groups: np.ndarray,
) -> Program:
    """What the engine runs of an SDE of one's own; loaded when it is first asked for."""
    return Program(
        loaded=_loaded_once(stated),
        layout=StateLayout([(1, [v.name for v in stated.variables])], rows=len(stated.rows)),
        noise=Connectivity(np.zeros(2, np.int64), np.zeros(0, np.int64), np.zeros(0)),
        current=lambda times: np.zeros((1, 1)),
        f=functions.drift(stated.interpretation),
        G=functions.G,
        area_groups=area_groups,
        in_arrays=_in_arrays_once(stated, x0, noise_type),
        beside=(x0, noise_type),
        stated=stated,
        interpretation=stated.interpretation,
    )


def _loaded_once(stated: Stated) -> Callable[[str], Compiled]:
    """The loops of an SDE of one's own, in whatever precision: there is one."""
    once = functools.cache(compiled_stated)
    return lambda dtype: once(stated)


def _in_arrays_once(stated: Stated, x0: np.ndarray, noise_type: str) -> Callable[[str], Functions]:
    """Its functions in the arrays of a library, which are the same ones each time."""

    @functools.cache
    def in_arrays(library: str) -> Functions:
        return StatedFunctions(stated, language(library)).together(library, x0, noise_type)

    return in_arrays
