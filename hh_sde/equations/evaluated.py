"""The quantities of a population at given states, by its equations, with numpy: no compilation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse

from hh_sde.equations.dynamics import Dynamics
from hh_sde.equations.expressions import Expression, Symbol, evaluate
from hh_sde.equations.fixed_point import LEAST, fixed_point
from hh_sde.equations.pools import PoolPart
from hh_sde.equations.tables import Wiring

#: Times that several pools are put to rest in turn.
SWEEPS = 100


class Evaluated(dict[str, Any]):
    """Values by the names that equations have for them, each worked out when it is asked for.

    Parameters
    ----------
    population : Dynamics
    state : mapping of variable to (..., n_neurons) array
        As many as what is asked for depends on.
    I_stim : array
        Injected current, of a shape that goes with theirs.
    sums : sequence of (..., n_neurons) array, optional
        What comes from other neurons, `sums_over_neurons`, if what is asked for depends on it.
    neurons : (n_neurons,) array of int, optional
        Which neurons of the population they are. Default: all.

    Examples
    --------
    >>> from hh_sde import Network
    >>> at = Evaluated(*Network(1)._made.equations, {"V": np.array([-40.0])})
    >>> at["alpha_m"]
    array([1.])
    """

    def __init__(
        self,
        population: Dynamics,
        state: Mapping[str, np.ndarray],
        I_stim: np.ndarray | float = 0.0,
        sums: Sequence[np.ndarray] = (),
        neurons: np.ndarray | None = None,
    ) -> None:
        symbols = {variable.name: variable.symbol.name for variable in population.variables}
        super().__init__({symbols[name]: values for name, values in state.items()})
        self["I_stim"] = I_stim
        names = [symbol.name for symbol in population.coupled]
        self.update(zip(names, sums, strict=False))
        self._population = population
        self._neurons = slice(None) if neurons is None else neurons
        self._values_of = {target.name: value for target, value, *_ in population.assignments}

    def __missing__(self, name: str) -> Any:
        self[name] = value = self._value(name)
        return value

    def of(self, e: Expression) -> Any:
        """The value of an expression; NaN or infinite where a division by 0 makes it so."""
        with np.errstate(all="ignore"):
            return evaluate(e, self)

    def _value(self, name: str) -> Any:
        if name in self._values_of:
            return evaluate(self._values_of[name], self)
        parameters = self._population.parameters
        if name in parameters.table:
            return parameters.table[name].values[self._neurons]
        if name == "curves":
            return np.concatenate([np.zeros(1), *parameters.curves])  # places count from 1
        raise KeyError(name)


def sums_over_neurons(wiring: Wiring, rows: np.ndarray) -> np.ndarray:
    """What each neuron gets from others: (inputs, ..., n_neurons) of (..., rows, n_neurons)."""
    *before, n_rows, n = rows.shape
    x = rows.reshape(-1, n_rows * n).T
    start, source, weight, blocks, block_weight = wiring
    W = scipy.sparse.csr_array((weight, source, start), (start.size - 1, n_rows * n))
    sums = (W @ x).reshape(-1, n, x.shape[1])
    for (k, target, many, place, sources, others), w in zip(blocks, block_weight, strict=True):
        own = x[place : place + many] if others else 0.0
        sums[k, target : target + many] += w * (x[place : place + sources].sum(axis=0) - own)
    return np.moveaxis(sums, -1, 1).reshape(-1, *before, n)


def steady_state(population: Dynamics, V: np.ndarray) -> np.ndarray:
    """The state (variables, n_neurons) with these potentials (mV) and all else at rest."""
    at = at_rest(population, V)
    rows = [at[variable.symbol.name] for variable in population.variables]
    return np.stack([np.broadcast_to(row, V.shape) for row in rows])


def at_rest(population: Dynamics, V: np.ndarray) -> Evaluated:
    """All quantities with these potentials (mV) and all else at rest.

    A concentration at rest is what its own current leads to, which may depend on it.
    """
    pools = [part for part in population.parts if isinstance(part, PoolPart)]
    levels = {
        pool.name: np.maximum(population.parameters.values(pool.rest), LEAST) + 0.0 * V
        for pool in pools
    }
    for _ in range(SWEEPS if len(pools) > 1 else 1):
        before = dict(levels)
        for pool in pools:
            led_to = partial(_led_to, population, V, levels, pool)
            levels[pool.name] = fixed_point(led_to, levels[pool.name])
        if all(np.array_equal(levels[name], c, equal_nan=True) for name, c in before.items()):
            break
    return _gates_at_rest(population, {"V": V, **levels})


def _led_to(
    population: Dynamics,
    V: np.ndarray,
    levels: Mapping[str, np.ndarray],
    pool: PoolPart,
    c: np.ndarray,
) -> np.ndarray:
    """What a pool's current leads to where its concentration is c."""
    at = _gates_at_rest(population, {"V": V, **levels, pool.name: c})
    ((_, value, *_),) = pool.steady()
    return at.of(value)


def _gates_at_rest(population: Dynamics, state: Mapping[str, np.ndarray]) -> Evaluated:
    """All quantities with this V and these concentrations, and all else at rest."""
    at = Evaluated(population, state)
    for part in population.parts:
        for target, value, *_ in part.steady() if not part.with_V else ():
            at[target.name] = at.of(value)
    return at


class Quantity(NamedTuple):
    """What follows from a state, and its attributes."""

    expression: Expression
    labels: dict[str, str]


def currents(population: Dynamics) -> dict[str, Quantity]:
    """I_Na and its like by name, outward, and I_stim, inward."""
    labels = {"units": "uA/cm^2", "role": "current"}
    found = {
        one.name: Quantity(
            one.outward, {**labels, "long_name": f"current of {one.of}, outward", **one.carrier}
        )
        for one in population.currents
    }
    injected = {**labels, "long_name": "injected current, inward"}
    return {**found, "I_stim": Quantity(Symbol("I_stim"), injected)}


def conductances(population: Dynamics) -> dict[str, Quantity]:
    """g_Na and its like by name, and the open fractions p_Na of channels that open and close.

    What is a variable of the state stands there under its own name, as coloured noise.
    """
    found, variables = {}, {variable.symbol for variable in population.variables}
    for current in population.currents:
        label, g = current.name.removeprefix("I_"), current.conductance
        if g is not None:
            name = g.name if g in variables else f"g_{label}"
            labels = {"units": "mS/cm^2", "role": "conductance", **current.carrier}
            labels["long_name"] = f"conductance of {current.of}"
            found[name] = Quantity(g, labels)
    for current in population.currents:
        label, p = current.name.removeprefix("I_"), current.open_fraction
        if p is not None:
            labels = {"units": "1", "role": "open fraction", **current.carrier}
            labels["long_name"] = f"open fraction of {current.of}"
            found[f"p_{label}"] = Quantity(p, labels)
    return found
