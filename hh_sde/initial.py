"""The states that a run begins with: given whole, or variable by variable.

Variables are given as numbers or as distributions. A number that is drawn has the address (seed,
trial, neuron, variable's name), so that it does not depend on which other trials are run, nor on
which other variables there are.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

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
from hh_sde.records import numbers, shown
from hh_sde.sde import SDE

#: Fractions of channels in their states add up to 1 but for this.
_ROUNDING = 1e-9


def is_drawn(x0: Any) -> bool:
    """Whether a part of the initial state is random."""
    return is_by_name(x0) and any(isinstance(value, Distribution) for value in x0.values())


def differs_between_trials(x0: Any, model: Network | SDE) -> bool:
    """Whether an initial state given variable by variable is not the same in all trials."""
    return is_drawn(x0) or (is_by_name(x0) and is_list_of_states(x0, model))


def is_by_name(x0: Any) -> bool:
    """Whether an initial state is given variable by variable."""
    return isinstance(x0, Mapping) and not isinstance(x0, xr.Dataset)


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
    if not np.all(np.isfinite(state)):
        raise ValueError("x0 must be finite")
    states = np.array(np.broadcast_to(state, (len(trials), sde.d)), dtype=float)
    if method.interpretation == "chain":
        return chain.whole_channels(sde.program, states)
    return states


def _by_name(
    x0: Mapping[str, Any],
    model: Network | SDE,
    sde: SDE,
    trials: np.ndarray,
    seed: np.random.SeedSequence,
) -> np.ndarray:
    """The states to start from.

    Variables that are not named have their default; in a network that is their steady state at the
    potential which the neuron begins with.

    Parameters
    ----------
    x0 : mapping of variable (of an SDE: component) to number, array or Distribution
        Arrays are (n_neurons,) or (trials, n_neurons); of a component (trials,).
    model : Network or SDE
    sde : SDE
        The model's, in the form in which it is solved.
    trials : (trials,) array of int
        The trials' numbers.
    seed : SeedSequence

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
    width = network.n_neurons if network else 1
    for name in x0:
        if name not in names:
            what = "variable" if network else "component"
            raise ValueError(f"x0: {unknown(what, name, names)}")
    given = {
        name: _values(name, value, trials, width, seed, one=network is None)
        for name, value in x0.items()
    }
    x = network.steady_state(given.get("V")) if network else sde.x0
    found = np.array(np.broadcast_to(x, (len(trials), sde.d)))
    for name, values in given.items():
        if network is None:
            found[:, names.index(name)] = values[:, 0]
            continue
        components = network.layout.components[name]
        there = components >= 0
        found[:, components[there]] = values[:, there]
    if network:
        for own, equations in zip(
            network.layout.ranges, sde.program.compiled.populations, strict=True
        ):
            states = found[:, own.components].reshape(len(trials), -1, own.n)
            _see_fractions(states, equations, own.first, trials, x0)
    return found


def _values(
    name: str, value: Any, trials: np.ndarray, width: int, seed: np.random.SeedSequence, one: bool
) -> np.ndarray:
    """The values of a variable, (trials, width)."""
    shape = (len(trials), width)
    if isinstance(value, Distribution):
        z = _standard_normals(name, trials, width, seed)
        try:
            values = np.broadcast_to(value.at(z), shape)
        except ValueError:
            raise ValueError(
                f"x0: {shown(value)} of {name} has arrays that do not fit {width} neurons"
            ) from None
    else:
        array = numbers(value, f"x0: {name}", "a number, an array, or a distribution")
        array = array[:, None] if one and array.ndim == 1 else array
        if array.shape not in ((), (width,), shape):
            accepted = f"({len(trials)},)" if one else f"({width},) or {shape}"
            raise ValueError(
                f"x0: {name} has shape {np.shape(value)}; it takes a number, a distribution, or "
                f"an array of shape {accepted}"
            )
        values = np.broadcast_to(array, shape)
    if not np.all(np.isfinite(values)):
        raise ValueError(f"x0: {name} must be finite, got {shown(value)}")
    return values


def _standard_normals(
    name: str, trials: np.ndarray, width: int, seed: np.random.SeedSequence
) -> np.ndarray:
    """Standard normal numbers of a variable, (trials, width)."""
    key = seed.generate_state(2, np.uint32).astype(np.uint64)
    place = int.from_bytes(blake2b(name.encode(), digest_size=6).digest())
    neuron = np.repeat(np.arange(width, dtype=np.uint64), len(trials))
    trial = np.tile(trial_words(trials), width)
    use = domain("initial state")
    drawn = normal_window(key, use, place, place + 1, neuron, trial, 1.0)
    return drawn.reshape(width, len(trials)).T


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
        if variable.role["role"] == "concentration" and np.any(x[:, row] < 0.0):
            raise ValueError(
                f"x0: {variable.name} is a concentration (mM) and must not be negative, got "
                f"{x[:, row].min():.4g}"
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
        np.ndim(value) == (2 if isinstance(model, Network) else 1) for value in x0.values()
    )
    return x0 is not None and (by_trial or not is_by_name(x0))


def attribute(x0: Any, model: Network | SDE) -> str:
    """What was given, as an attribute: JSON, where it is not states."""
    if x0 is None or is_list_of_states(x0, model):
        return "default" if x0 is None else "given"
    return json.dumps({name: _as_tree(value, name) for name, value in x0.items()})


def _as_tree(value: Any, name: str) -> Any:
    if isinstance(value, Distribution):
        return encode(value, name)
    array = np.asarray(value)
    return encode(array, name) if array.ndim else array.item()


def of_attribute(given: Mapping[str, Any]) -> dict[str, Any]:
    """The values by name that `attribute` made JSON trees of."""
    return {name: decode(value, f"x0: {name}") for name, value in given.items()}
