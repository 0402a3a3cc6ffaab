"""The states that a run begins with: given whole, or variable by variable.

Variables are given as numbers or as distributions, of all neurons or population by population. A
number that is drawn has the address (seed, trial, neuron, variable's name), so that it does not
depend on which other trials are run, nor on which other variables there are.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from hashlib import blake2b
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from hh_sde import continuation
from hh_sde.addresses import domain, trial_words
from hh_sde.arguments.layout import Layout
from hh_sde.descriptions import decode, encode
from hh_sde.distributions import Distribution
from hh_sde.equations.dynamics import Dynamics
from hh_sde.equations.states import StatesPart
from hh_sde.errors import unknown
from hh_sde.kernels.random import normal_window
from hh_sde.methods import Method, chain
from hh_sde.network import Network
from hh_sde.network.spread import Spread
from hh_sde.records import numbers, shown
from hh_sde.rows import Rows
from hh_sde.sde import SDE

#: Fractions of channels in their states add up to 1 but for this.
_ROUNDING = 1e-9


def is_drawn(x0: Any) -> bool:
    """Whether a part of the initial state is random."""
    return is_by_name(x0) and any(isinstance(value, Distribution) for value in _leaves(x0))


def differs_between_trials(x0: Any, model: Network | SDE) -> bool:
    """Whether an initial state given variable by variable is not the same in all trials."""
    return is_drawn(x0) or (is_by_name(x0) and is_list_of_states(x0, model))


def is_by_name(x0: Any) -> bool:
    """Whether an initial state is given variable by variable."""
    return isinstance(x0, Mapping) and not isinstance(x0, xr.Dataset)


def _leaves(x0: Mapping[str, Any]) -> Iterator[Any]:
    """The values of variables, of all neurons or population by population."""
    for value in x0.values():
        yield from value.values() if isinstance(value, Mapping) else (value,)


def states(
    x0: Any,
    model: Network | SDE,
    sde: SDE,
    layout: Layout,
    trials: np.ndarray,
    method: Method,
    seed: np.random.SeedSequence,
) -> np.ndarray:
    """The states to start from, (trials, d); of a chain's methods with whole channels."""
    if x0 is None:
        state = sde.x0
    elif is_by_name(x0):
        state = _by_name(x0, model, sde, trials, seed)
    elif isinstance(x0, xr.Dataset):
        _see_populations(x0, layout)
        state = continuation.last_states(
            x0, layout.state_layout, layout.dim, layout.members, trials.tolist()
        )
    else:
        wanted = "an array of real numbers, a mapping of variables, or a result of solve"
        state = numbers(x0, "x0", wanted)
    if state.shape not in ((sde.d,), (len(trials), sde.d)):
        width = layout.width if isinstance(model, Network) else 0
        of_V = width and state.shape in ((), (width,), (len(trials), width))
        hint = (
            '; for potentials, with the rest in its steady state, x0={"V": array}' if of_V else ""
        )
        raise ValueError(
            f"x0 has shape {state.shape}; this problem takes ({sde.d},) or ({len(trials)}, "
            f"{sde.d}){hint}"
        )
    _see_finite(state, x0, layout)
    states = np.array(np.broadcast_to(state, (len(trials), sde.d)), dtype=float)
    if method.interpretation == "chain":
        return chain.whole_channels(sde.program, states)
    return states


def _see_populations(x0: xr.Dataset, layout: Layout) -> None:
    """See that no neuron of a result is one of another population of this network."""
    own = layout.population_of
    if own is None or "populations" not in x0.attrs:
        return
    sizes: dict[str, int] = json.loads(x0.attrs["populations"])
    there = np.repeat(list(sizes), list(sizes.values()))
    if there.size != own.size:  # which the labels of its neurons say
        return
    moved = np.flatnonzero((there != own) & np.isin(there, own))
    if moved.size:
        k = moved[0]
        raise ValueError(
            f"x0: neuron {k} is of population {there[k]} there, and of {own[k]} in this network: a "
            f"run goes on with its populations in their order, {', '.join(sizes)}"
        )


def _see_finite(state: np.ndarray, x0: Any, layout: Layout) -> None:
    """See that states (d,) or (trials, d) are finite."""
    wrong = np.argwhere(~np.isfinite(state))
    if not wrong.size:
        return
    place = tuple(wrong[0])
    name, neuron = layout.place(int(place[-1]))
    of = name if neuron is None else f"{name} of neuron {neuron}"
    hint = ""
    if isinstance(x0, xr.Dataset) and np.isnan(state[place]):
        hint = ": the result given is that of neurons that lack it, or of a run that diverged"
    raise ValueError(f"x0 must be finite, and {of} is {state[place]:g}{hint}")


class _Given(NamedTuple):
    """A variable of some neurons, as it is given."""

    name: str
    value: Any
    neurons: range
    of: str  # the population, for errors


def _given(x0: Mapping[str, Any], network: Network | None, names: tuple[str, ...]) -> list[_Given]:
    """What is given by name: of all neurons, or population by population."""
    nested = [name for name, value in x0.items() if isinstance(value, Mapping)]
    if not nested or network is None:
        for name in x0:
            if name not in names:
                what = "variable" if network else "component"
                raise ValueError(f"x0: {unknown(what, name, names)}")
        every = range(network.n_neurons if network else 1)
        return [_Given(name, value, every, "") for name, value in x0.items()]
    if not network.populations:
        raise ValueError(
            f"x0: {nested[0]!r} is given by variables, as a population is, and this network has "
            f"none: give its variables, {', '.join(names)}"
        )
    populations = dict(zip(network.populations, network.layout.ranges, strict=True))
    if len(nested) < len(x0):
        plain = next(name for name in x0 if name not in nested)
        raise ValueError(
            f"x0 has {nested[0]!r} for a population and {plain!r} for all neurons: give all "
            'variables by population, x0={"E": {"V": -60.0}, "I": {"V": -65.0}}, or none'
        )
    found = []
    for population, variables in x0.items():
        if population not in populations:
            raise ValueError(f"x0: {unknown('population', population, populations)}")
        own = populations[population]
        neurons = range(own.first, own.first + own.n)
        for name, value in variables.items():
            if name not in own.names:
                raise ValueError(f"x0: {unknown(f'variable of {population}', name, own.names)}")
            found.append(_Given(name, value, neurons, population))
    return found


def of_rows(x0: Any, spread: Spread, sde: SDE, rows: Rows) -> np.ndarray:
    """The states that the rows of a sweep start from, (rows, d).

    Parameters
    ----------
    x0 : mapping of variable to number, array (n_neurons,) or Distribution; or None
    spread : Spread
    sde : SDE
    rows : Rows
        So many of each point, one point after the other.

    Raises
    ------
    TypeError, ValueError
        As for `states`.
    """

    def at_rest(V: np.ndarray | None) -> np.ndarray:
        if V is None:
            return spread.steady_states()[rows.point]
        by_point = V.reshape(spread.points, -1, V.shape[-1])
        return spread.steady_states(by_point).reshape(len(V), -1)

    numbers_of_rows = np.arange(rows.point.size)
    return _by_name(x0 or {}, spread.net, sde, numbers_of_rows, rows, at_rest)


def _by_name(
    x0: Mapping[str, Any],
    model: Network | SDE,
    sde: SDE,
    trials: np.ndarray,
    seed: np.random.SeedSequence | Rows,
    at_rest: Callable[[np.ndarray | None], np.ndarray] | None = None,
) -> np.ndarray:
    """The states to start from.

    Variables that are not named have their default; in a network that is their steady state at the
    potential which the neuron begins with.

    Parameters
    ----------
    x0 : mapping of variable (of an SDE: component) to number, array or Distribution
        Arrays are (n_neurons,) or (trials, n_neurons); of a component (trials,). Or a mapping of
        populations to such ones.
    model : Network or SDE
    sde : SDE
        The model's, in the form in which it is solved.
    trials : (trials,) array of int
        The trials' numbers.
    seed : SeedSequence or Rows
    at_rest : callable, optional
        Potentials (trials, n_neurons), or None, -> the states with all else at rest. Default: the
        network's.

    Returns
    -------
    (trials, d) array

    Raises
    ------
    TypeError, ValueError
        If a name is not known, values are no finite numbers of such a shape, a gate is outside
        [0, 1], or fractions of a channel in its states do not add up to 1.
    """
    network = model if isinstance(model, Network) else None
    names: tuple[str, ...] = network.variables if network else tuple(sde.names)
    given = _given(x0, network, names)
    values = [_values(one, trials, seed, alone=network is None) for one in given]
    start = sde.x0 if at_rest is None else at_rest(None)
    found = np.array(np.broadcast_to(start, (len(trials), sde.d)))
    if network is None:
        for one, drawn in zip(given, values, strict=True):
            found[:, names.index(one.name)] = drawn[:, 0]
        return found
    layout = network.layout
    V = layout.of(found, "V")
    for one, drawn in zip(given, values, strict=True):
        if one.name == "V":
            V[:, one.neurons] = drawn
    if any(one.name == "V" for one in given):
        found = (at_rest or network.steady_state)(V)
    for one, drawn in zip(given, values, strict=True):
        components = layout.components[one.name][one.neurons]
        there = components >= 0
        found[:, components[there]] = drawn[:, there]
    for own, equations in zip(layout.ranges, sde.program.compiled.populations, strict=True):
        states = found[:, own.components].reshape(len(trials), -1, own.n)
        here = {one.name: one.value for one in given if own.first in one.neurons}
        _see_fractions(states, equations, own.first, trials, here)
    return found


def _values(
    given: _Given, trials: np.ndarray, seed: np.random.SeedSequence | Rows, alone: bool
) -> np.ndarray:
    """The values of a variable, (trials, its neurons); of a component that stands `alone` one."""
    value, width = given.value, len(given.neurons)
    name = f"{given.name} of {given.of}" if given.of else given.name
    shape = (len(trials), width)
    if isinstance(value, Distribution):
        z = _standard_normals(given.name, trials, given.neurons, seed)
        try:
            values = np.broadcast_to(value.at(z), shape)
        except ValueError:
            raise ValueError(
                f"x0: {shown(value)} of {name} has arrays that do not fit {width} neurons"
            ) from None
    else:
        array = numbers(value, f"x0: {name}", "a number, an array, or a distribution")
        array = array[:, None] if alone and array.ndim == 1 else array
        if array.shape not in ((), (width,), shape):
            accepted = f"({len(trials)},)" if alone else f"({width},) or {shape}"
            raise ValueError(
                f"x0: {name} has shape {np.shape(value)}; it takes a number, a distribution, or "
                f"an array of shape {accepted}"
            )
        values = np.broadcast_to(array, shape)
    if not np.all(np.isfinite(values)):
        raise ValueError(f"x0: {name} must be finite, got {shown(value)}")
    return values


def _standard_normals(
    name: str, trials: np.ndarray, neurons: range, seed: np.random.SeedSequence | Rows
) -> np.ndarray:
    """Standard normal numbers of a variable, (trials, neurons)."""
    if isinstance(seed, Rows):
        (words, keys), key = seed.words(trials), np.zeros(2, np.uint64)
        keys = np.tile(keys, (len(neurons), 1))
    else:
        words, keys = trial_words(trials), None
        key = seed.generate_state(2, np.uint32).astype(np.uint64)
    place = int.from_bytes(blake2b(name.encode(), digest_size=6).digest())
    neuron = np.repeat(np.array(neurons, dtype=np.uint64), len(trials))
    trial = np.tile(words, len(neurons))
    use = domain("initial state")
    drawn = normal_window(key, use, place, place + 1, neuron, trial, 1.0, keys)
    return drawn.reshape(len(neurons), len(trials)).T


def _see_fractions(
    x: np.ndarray,
    population: Dynamics,
    first: int,
    trials: np.ndarray,
    x0: Mapping[str, Any],
) -> None:
    """See that gates and fractions of channels in states (trials, variables, n_neurons) are so.

    And that concentrations are not negative. `first` is the number of the first of these neurons.
    """
    for row, variable in enumerate(population.variables):
        concentration = variable.role["role"] in ("concentration", "second messenger")
        if concentration and np.any(x[:, row] < 0.0):
            raise ValueError(
                f"x0: {variable.name} is a concentration ({variable.units}) and must not be "
                f"negative, got {x[:, row].min():.4g}"
            )
        outside = (x[:, row] < 0.0) | (x[:, row] > 1.0)
        if row == 0 or population.free[0] <= row < population.free[1] or not outside.any():
            continue
        trial, neuron = np.argwhere(outside)[0]
        given = x0.get(variable.name)
        drawn = isinstance(given, Distribution)
        origin = f", drawn from {shown(given)}" if drawn else ""
        hint = "; take a smaller sd, or hh_sde.Uniform(low, high) inside [0, 1]" if drawn else ""
        raise ValueError(
            f"x0: {variable.name} of neuron {first + neuron} in trial {trials[trial]} is "
            f"{x[trial, row, neuron]:.4g}{origin}: it must lie between 0 and 1{hint}"
        )
    for part in population.parts:
        if not isinstance(part, StatesPart):
            continue
        rows = slice(part.first_row, part.first_row + len(part.variables))
        total = x[:, rows].sum(axis=1)
        if np.any(np.abs(total - 1.0) > _ROUNDING):
            named = ", ".join(variable.name for variable in part.variables)
            raise ValueError(
                f"x0: {named} are the fractions of a channel in its states and must add up to 1, "
                f"got {total[np.abs(total - 1.0) > _ROUNDING][0]:.6g}; name all of them, or none, "
                "which puts them in the steady state of V"
            )


def is_list_of_states(x0: Any, model: Network | SDE) -> bool:
    """Whether whole states were given, or numbers for each trial: not laws by name alone."""
    by_trial = is_by_name(x0) and any(
        np.ndim(value) == (2 if isinstance(model, Network) else 1) for value in _leaves(x0)
    )
    return x0 is not None and (by_trial or not is_by_name(x0))


def attribute(x0: Any, model: Network | SDE) -> str:
    """What was given, as an attribute: JSON, where it is not states."""
    if x0 is None or is_list_of_states(x0, model):
        return "default" if x0 is None else "given"
    return json.dumps({name: _as_tree(value, name) for name, value in x0.items()})


def _as_tree(value: Any, name: str) -> Any:
    if isinstance(value, Mapping):
        return {key: _as_tree(one, f"{name}.{key}") for key, one in value.items()}
    if isinstance(value, Distribution):
        return encode(value, name)
    array = np.asarray(value)
    return encode(array, name) if array.ndim else array.item()


def of_attribute(given: Mapping[str, Any]) -> dict[str, Any]:
    """The values by name that `attribute` made JSON trees of."""
    return {name: decode(value, f"x0: {name}") for name, value in given.items()}
