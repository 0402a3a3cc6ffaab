"""Where each variable of each neuron stands in the flat state.

The state is population after population, and variable-major inside each: [V_0 ... V_{n-1}, m_0 ...,
h_0 ...]. The engine has it as rows (rows, n_neurons), a population being a range of columns whose
first rows are its variables, then what its neurons send besides; what is left of a column is 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np


class Range:
    """A population: its neurons, its variables, its part of the flat state.

    Attributes
    ----------
    first, n : int
        Its first neuron, and how many there are.
    names : tuple of str
        Its variables, in the order of their rows.
    neurons, components : slice
        Which neurons, and which components of the flat state.
    """

    def __init__(self, first: int, n: int, names: Sequence[str], begin: int) -> None:
        self.first, self.n, self.names = first, n, tuple(names)
        self.neurons = slice(first, first + n)
        self.components = slice(begin, begin + n * len(self.names))


class StateLayout:
    """The flat state of populations.

    Parameters
    ----------
    populations : sequence of (int, sequence of str)
        How many neurons each has, and its variables.
    rows : int
        At least so many: of a population with what it sends besides.

    Attributes
    ----------
    ranges : tuple of Range
    n_neurons, d, rows : int
        Neurons of all, components of the flat state, rows of the population with most.

    Examples
    --------
    >>> layout = StateLayout([(2, ("V", "m")), (1, ("V",))])
    >>> layout.flat(layout.by_row(np.arange(5.0)))
    array([0., 1., 2., 3., 4.])
    >>> layout.of(np.arange(5.0), "m")
    array([ 2.,  3., nan])
    """

    def __init__(self, populations: Sequence[tuple[int, Sequence[str]]], rows: int = 0) -> None:
        ranges: list[Range] = []
        first = begin = 0
        for n, names in populations:
            ranges.append(Range(first, n, names, begin))
            first, begin = first + n, begin + n * len(names)
        self.ranges = tuple(ranges)
        self.n_neurons, self.d = first, begin
        self.rows = max(rows, *(len(one.names) for one in ranges))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The variables of all, each at its first place."""
        return tuple(dict.fromkeys(name for one in self.ranges for name in one.names))

    @cached_property
    def places(self) -> np.ndarray:
        """(d,): where each component is among rows * n_neurons + neuron."""
        by_row = np.arange(self.rows * self.n_neurons).reshape(self.rows, self.n_neurons)
        return self.flat(by_row)

    @cached_property
    def components(self) -> dict[str, np.ndarray]:
        """For each variable (n_neurons,): its components of the flat state; -1 where it lacks."""
        found = {name: np.full(self.n_neurons, -1) for name in self.names}
        for one in self.ranges:
            own = np.arange(one.components.start, one.components.stop).reshape(-1, one.n)
            for name, components in zip(one.names, own, strict=True):
                found[name][one.neurons] = components
        return found

    def by_row(self, x: np.ndarray) -> np.ndarray:
        """(..., rows, n_neurons) of flat states (..., d)."""
        before = x.shape[:-1]
        if len(self.ranges) == 1 and self.rows == len(self.names):
            return x.reshape(*before, self.rows, self.n_neurons)
        found = np.zeros((*before, self.rows, self.n_neurons), x.dtype)
        for one in self.ranges:
            own = x[..., one.components].reshape(*before, len(one.names), one.n)
            found[..., : len(one.names), one.neurons] = own
        return found

    def flat(self, rows: np.ndarray) -> np.ndarray:
        """Flat states (..., d) of (..., rows, n_neurons)."""
        before = rows.shape[:-2]
        parts = [
            rows[..., : len(one.names), one.neurons].reshape(*before, len(one.names) * one.n)
            for one in self.ranges
        ]
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=-1)

    def among_lanes(self, places: np.ndarray, trials: int, lanes: int) -> np.ndarray:
        """Where what stands at `places` has its first trial, in rows of so many lanes."""
        row, neuron = np.divmod(places, self.n_neurons)
        return row * lanes + neuron * trials

    def of(self, x: np.ndarray, name: str) -> np.ndarray:
        """A variable (..., n_neurons) of flat states (..., d); NaN where a neuron lacks it."""
        components = self.components[name]
        found = x[..., components]
        return found if np.all(components >= 0) else np.where(components >= 0, found, np.nan)

    def joined(self, variables: Mapping[str, np.ndarray]) -> np.ndarray:
        """Flat states (..., d) of all variables (..., n_neurons)."""
        shape = np.broadcast_shapes(*(values.shape[:-1] for values in variables.values()))
        x = np.empty((*shape, self.d))
        for one in self.ranges:
            own = [np.broadcast_to(variables[name][..., one.neurons], (*shape, one.n))
                   for name in one.names]  # fmt: skip
            x[..., one.components] = np.concatenate(own, axis=-1)
        return x

    def name_of(self, component: int) -> str:
        """The variable that a component of the flat state is of."""
        own = next(one for one in self.ranges if component < one.components.stop)
        return own.names[(component - own.components.start) // own.n]
