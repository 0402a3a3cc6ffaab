"""The last state of a run, kept in its result, and how another run goes on from there.

Where the traces do not hold the whole state, a result has a variable ``last_<name>`` over (trial,
neuron) for each variable, and where spikes were recorded ``spike_armed`` and ``last_spike_time``,
which the search for spikes goes on from. A run of a method that leaves its steps half done also has
``open_<name>``, the gates half a step before, which the same method with the same step goes on
from: results then do not depend on where a run was cut. Each says in its attribute `time` when that
was, ms. A result that lacks their dims, as one of spikes alone lacks neurons, has them as text, in
its attribute `last_state`; they would only multiply its rows in tables.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from hh_sde import stated
from hh_sde.addresses import is_whole
from hh_sde.dataset import COORDINATES, Labels, last_state_names
from hh_sde.descriptions import decode, encode
from hh_sde.equations.layout import StateLayout
from hh_sde.errors import warn
from hh_sde.measures.detection import rule_attributes, rule_of
from hh_sde.methods import Detection, Reached
from hh_sde.records import numbers, shown
from hh_sde.sde import SDE
from hh_sde.spike_rule import SpikeRule

#: What names of variables begin with that hold what is on its way.
_CARRIED = "carried_"


def state_of(
    axes: Mapping[str, Any],
    labels: Labels,
    layout: StateLayout,
    reached: Reached,
    time: float,
    *,
    in_traces: bool = False,
) -> xr.Dataset:
    """The state that a run has reached, as a Dataset of last values.

    Parameters
    ----------
    axes : mapping of dim to coordinate values
        ``trial``, if there are trials, and ``neuron`` or ``component``.
    labels : mapping of variable to its attributes
        The variables of the state, in their order.
    layout : StateLayout
        Where they are in the flat state.
    reached : Reached
    time : float
        When that was, ms.
    in_traces : bool
        The traces hold the last values.
    """
    assert reached.x is not None
    values: dict[str, tuple[np.ndarray, str, str]] = {}
    for row, (name, own) in enumerate(labels.items()):
        units, long_name = own["units"], own["long_name"]
        if not in_traces:
            last = layout.of(reached.x, name)
            values[f"last_{name}"] = (last, units, f"last value: {long_name}")
        if reached.opened is not None and row:
            half = layout.of(reached.opened, name)
            values[f"open_{name}"] = (half, units, f"half a step before the end: {long_name}")
    if reached.opened is not None:
        text = "checksum of the gates at the end, to which open gates belong"
        values["open_checksum"] = (_checksum(reached.x, layout), "1", text)
    detection = reached.detection
    if detection is not None:
        spike = np.where(np.isfinite(detection.last_spike), detection.last_spike, np.nan)
        values["spike_armed"] = (detection.armed, "1", "whether the next crossing is a spike")
        values["last_spike_time"] = (spike, "ms", "time of the last spike; nan: none yet")
    sizes = [len(axis) for axis in axes.values()]
    found = {
        name: (list(axes), array.reshape(sizes), _labels(units, text) | {"time": time})
        for name, (array, units, text) in values.items()
    }
    return xr.Dataset(
        found | _on_the_way(reached.carried or {}, axes, time),
        coords={
            name: (name, np.asarray(one), _labels(*COORDINATES[name])) for name, one in axes.items()
        },
    )


def _on_the_way(
    carried: Mapping[str, np.ndarray], axes: Mapping[str, Any], time: float
) -> dict[str, Any]:
    """What is on its way between neurons, each array over dims of its own after the trials."""
    found = {}
    for name, array in carried.items():
        own = array if "trial" in axes else array[0]
        dims = [f"{name}_dim{k}" for k in range(array.ndim - 1)]
        dims = ["trial", *dims] if "trial" in axes else dims
        labels = _labels("1", f"on its way between neurons: {name}") | {"time": time}
        found[f"{_CARRIED}{name}"] = (dims, own, labels)
    return found


def carried(
    x0: Any, sde: SDE, trials: Sequence[int], *, dt: float, time: float
) -> dict[str, np.ndarray] | None:
    """What was on its way between neurons where a run goes on, each array (trials, ...).

    None where nothing is kept but the state, and where `x0` is no run: nothing is on its way then,
    and a warning says so of a run that kept it.
    """
    remembers = sde.program is not None and sde.program.remembers
    if not remembers or not isinstance(x0, xr.Dataset):
        return None
    state = last_state(x0)
    kept = {str(name): one for name, one in state.data_vars.items()}
    kept = {name: one for name, one in kept.items() if name.startswith(_CARRIED)}
    there = all(abs(_time_of(one, name) - time) <= 2e-6 * dt for name, one in kept.items())
    if not kept or not there or x0.attrs.get("dt") != dt:
        if time:
            warn(
                "x0 does not hold the spikes and potentials that are on their way in this network "
                "with event-driven synapses or delays: the run begins without them. A result of "
                "solve as it is, with the same dt, holds them"
            )
        return None
    return {name.removeprefix(_CARRIED): _of_trials(one, trials) for name, one in kept.items()}


def _of_trials(variable: xr.DataArray, trials: Sequence[int]) -> np.ndarray:
    """Values (trials, ...) of these trials."""
    if "trial" not in variable.dims:
        return np.broadcast_to(variable.values, (len(trials), *variable.shape)).copy()
    known = variable.trial.values.tolist()
    return variable.isel(trial=[known.index(trial) for trial in trials]).values


def with_last_state(ds: xr.Dataset, state: xr.Dataset) -> xr.Dataset:
    """`ds` with the state that its run ended in."""
    if all(name in ds.dims and ds[name].equals(state[name]) for name in state.dims):
        return ds.assign(state.data_vars)
    return ds.assign_attrs(last_state=as_text(state))


def as_text(state: xr.Dataset) -> str:
    """A Dataset with nothing but a last state, as an attribute."""
    variables = {
        str(name): {
            "dims": list(one.dims),
            "dtype": one.dtype.str,
            "values": encode(_as_numbers(one.values), str(name)),
            "attrs": one.attrs,
        }
        for name, one in state.variables.items()
    }
    return json.dumps({"variables": variables, "attrs": state.attrs})


def of_text(text: str) -> xr.Dataset:
    """The Dataset that `as_text` turned into text."""
    try:
        tree = json.loads(text)
        variables = {
            name: (one["dims"], _values(one, name), one["attrs"])
            for name, one in tree["variables"].items()
        }
        coords = [name for name in variables if name in COORDINATES]
        return xr.Dataset(variables, attrs=tree["attrs"]).set_coords(coords)
    except Exception as error:  # a file may hold anything
        raise ValueError(f"the state of a run is no such text as solve makes: {error!r}") from error


def _values(one: Mapping[str, Any], name: str) -> np.ndarray:
    return np.array(decode(one["values"], name)).astype(one["dtype"])


def last_state(x0: xr.Dataset) -> xr.Dataset:
    """The last state that `x0` has, over (trial, neuron), with its own attributes; or nothing."""
    if "last_state" in x0.attrs:
        return of_text(x0.attrs["last_state"])
    kept = x0[last_state_names(x0)]
    schema_1 = {name: str(name)[3:] for name in kept.variables if str(name).startswith("of_")}
    return kept.rename(schema_1)


def _as_numbers(array: np.ndarray) -> Any:
    """What `encode` takes: truth values as numbers, names as a tuple."""
    if array.dtype.kind == "b":
        return array.astype(np.int8)
    return array if array.dtype.kind in "iuf" else tuple(array.tolist())


def _labels(units: str, long_name: str) -> dict[str, Any]:
    return {"units": units, "long_name": long_name}


def last_time(x0: xr.Dataset, labels: Labels, dt: float) -> float:
    """When the state is that a run goes on from, ms.

    Parameters
    ----------
    x0 : Dataset
    labels : mapping
        The variables of the state, as in `with_last_state`.
    dt : float
        Times that differ by less than rounding of multiples of it are one, ms.

    Raises
    ------
    TypeError, ValueError
        If `x0` has no times, or was cut before its last state or put together from several results.
    """
    if "stop_time" in x0 and bool(x0.stop_time.notnull().any()):
        raise ValueError(
            "x0 is a run with stop, in which trials ended at different times: run it without stop, "
            "or begin again from a state, x0=(trials, d) array"
        )
    if "method" not in x0.attrs:
        raise ValueError(
            "x0 does not say how it was made, its attributes are lost: whether it is a state that "
            "a run was in is not known. Give a result of solve as it is; other states are given "
            'by name, x0={"V": array}, or whole, x0=(trials, d) array'
        )
    stated.text(x0.attrs, "method"), stated.number(x0.attrs, "dt")
    state = last_state(x0)
    kept = [_time_of(state[name], name) for name in _state_names(state, labels)]
    times = _times(x0)
    if not kept and not times.size:
        raise ValueError(
            "x0 has no time: a run is continued from a result of solve, not from a Dataset of "
            f"{', '.join(map(str, x0.data_vars)) or 'nothing'}"
        )
    ends = [*kept, *times[-1:].tolist()]
    if not np.allclose(ends, ends[0], rtol=1e-12, atol=2e-6 * dt):
        raise ValueError(
            f"x0 ends at {ends[-1]:g} ms, but its last state is that of {ends[0]:g} ms: give a "
            "result of solve as it is, neither cut nor joined to others; traces of all variables "
            "are continued from any time without the last state: "
            f"x0.drop_vars({_state_names(state, labels)})"
        )
    return ends[-1]


def _state_names(state: xr.Dataset, labels: Labels) -> list[str]:
    """The variables of a last state that are there."""
    names = [*(f"last_{name}" for name in labels), "spike_armed", "last_spike_time"]
    return [name for name in names if name in state]


def _time_of(variable: xr.DataArray, name: str) -> float:
    time: Any = variable.attrs.get("time")
    is_number = isinstance(time, float | np.floating) or is_whole(time)
    if not (is_number and 0 <= time < np.inf):
        raise ValueError(
            f"x0: {name} must say in its attribute 'time' when it was, in ms, as in a result of "
            f"solve; got {shown(time)}. Statistics and drop_attrs() take that away"
        )
    return float(time)


def _times(x0: xr.Dataset) -> np.ndarray:
    """The times of the traces, ms."""
    if "time" not in x0.coords:
        return np.empty(0)
    times = numbers(np.atleast_1d(x0.time.values), "the times of x0", "numbers, in ms")
    if times.ndim != 1 or not np.all(np.isfinite(times)) or np.any(np.diff(times) < 0):
        raise ValueError(f"the times of x0 must rise, got {shown(times)}")
    return times


def trials_of(x0: Any) -> xr.DataArray | None:
    """The numbers of its trials, or the number of its one, if `x0` is a Dataset that has them."""
    if not isinstance(x0, xr.Dataset):
        return None
    one = xr.DataArray(x0.attrs["trial"]) if "trial" in x0.attrs else None
    known = last_state(x0).coords.get("trial", one)
    if "trial" not in x0.coords and "time" in x0.coords and (known is not one or _had_trials(x0)):
        raise ValueError(
            "x0 is of a run of several trials, and of which it is no longer says: what was "
            "averaged over them is no state that any of them was in, and the noise is known by the "
            "trial's number. Give the result with its trials, or one of them, x0.sel(trial=0); "
            'averages that are meant are given by name, x0={"V": array}'
        )
    return x0.coords.get("trial", known)


def _had_trials(x0: xr.Dataset) -> bool:
    """Whether the run had a dimension for trials: they were asked for, or those of its own x0."""
    if "arguments" not in x0.attrs or is_whole(x0.attrs.get("trials")):
        return False  # nor of statistics, which lack the state
    if "trials" in stated.mapping(x0.attrs, "arguments"):
        return True
    begun = x0.attrs.get("initial_state")
    return begun is not None and "trial" in of_text(begun).dims


def last_states(
    x0: xr.Dataset,
    layout: StateLayout,
    dim: str,
    members: Sequence[Any],
    trials: Sequence[int],
) -> np.ndarray:
    """The states (trials, d), or (d,), that a run goes on from, found by their labels.

    Parameters
    ----------
    x0 : Dataset
    layout : StateLayout
        Which variables there are, and where.
    dim : {"neuron", "component"}
    members : sequence
        The labels along it, in the order of the state.
    trials : sequence of int

    Raises
    ------
    TypeError, ValueError
        If `x0` lacks a variable or a trial, or does not have every member once.
    """
    state, names = last_state(x0), layout.names
    if all(f"last_{name}" in state for name in names):
        values = [state[f"last_{name}"] for name in names]
    else:
        missing = [name for name in names if name not in x0]
        if missing:
            raise ValueError(
                f"x0 lacks {', '.join(missing)}: a run can be continued from a result of solve as "
                "it is, from traces in which all variables were recorded, but not from statistics"
            )
        values = [x0[name] for name in names]
        values = [one.isel(time=-1) if "time" in one.dims else one for one in values]
    given = {
        name: _labelled(one, dim, members, trials) for name, one in zip(names, values, strict=True)
    }
    return layout.joined(given)


def _checksum(states: np.ndarray, layout: StateLayout) -> np.ndarray:
    """32 bits for each trial and neuron, (trials, n_neurons), that change with any of its gates."""
    gates = layout.by_row(states.astype(float))[:, 1:]
    bits = np.bitwise_xor.reduce(np.ascontiguousarray(gates).view(np.int64), axis=1)
    return (bits ^ (bits >> 32)) & 0xFFFFFFFF


def opened(
    x0: Any,
    states: np.ndarray,
    layout: StateLayout,
    members: Sequence[Any],
    trials: Sequence[int],
    *,
    method: str,
    dt: float,
    time: float,
) -> np.ndarray | None:
    """The states (trials, d) that the method goes on from which left its last step half done.

    None where `x0` is not of that method with that step, or is no longer the state of its end, as
    where somebody displaced a gate.

    Parameters
    ----------
    states : (trials, d) array
        The states with no step half done.
    method : str
    dt, time : float
        The step, and when the run begins, ms.
    """
    gates = [f"open_{name}" for name in layout.names[1:]]
    names = [*gates, "open_checksum"]
    if not isinstance(x0, xr.Dataset) or (x0.attrs["method"], x0.attrs.get("dt")) != (method, dt):
        return None
    state = last_state(x0)
    if not gates or not all(name in state for name in names):
        return None
    if any(abs(_time_of(state[name], name) - time) > 2e-6 * dt for name in names):
        return None
    shape = (len(states), len(members))
    *values, known = (
        np.broadcast_to(_labelled(state[name], "neuron", members, trials), shape) for name in names
    )
    if not np.array_equal(_checksum(states, layout), known):
        return None
    return layout.joined(
        dict(zip(layout.names, (layout.of(states, layout.names[0]), *values), strict=True))
    )


def detection(
    x0: Any, rule: tuple[float, float, float], n_neurons: int, trials: Sequence[int]
) -> Detection:
    """Where the search for spikes begins: where it ended in `x0`, if that was by the same rule."""
    shape = (len(trials), n_neurons)
    fresh = Detection(rule, np.ones(shape, dtype=bool), np.full(shape, -np.inf))
    if not isinstance(x0, xr.Dataset):
        return fresh
    state = last_state(x0)
    if not {"spike_armed", "last_spike_time"} <= set(state):
        return fresh
    if not set(rule_attributes(SpikeRule())) <= set(x0.attrs) or rule_of(x0.attrs).levels != rule:
        return fresh
    if state.spike_armed.dtype.kind != "b":
        raise ValueError(
            f"x0: spike_armed must be truth values, got {state.spike_armed.dtype}: give a result "
            "of solve, not statistics over its trials"
        )
    armed, last = (
        np.broadcast_to(_labelled(state[name], "neuron", range(n_neurons), trials), shape)
        for name in ("spike_armed", "last_spike_time")
    )
    return Detection(rule, armed.astype(bool), np.where(np.isnan(last), -np.inf, last))


def _labelled(
    variable: xr.DataArray, dim: str, members: Sequence[Any], trials: Sequence[int]
) -> np.ndarray:
    """Values (trials, members) or (members,), as floats."""
    name = variable.name
    if dim not in variable.dims and dim in variable.coords:  # one was chosen
        variable = variable.expand_dims(dim)
    if set(variable.dims) - {"trial", dim} or dim not in variable.dims:
        raise ValueError(
            f"x0: {name} has the dimensions ({', '.join(map(str, variable.dims))}); a run is "
            f"continued from ({dim}) or (trial, {dim})"
        )
    if dim in variable.coords:
        known = variable[dim].values.tolist()
        if len(known) != len(members) or set(known) != set(members):
            raise ValueError(
                f"x0: {name} is that of the {dim}s {shown(known)}; this model takes each of "
                f"{shown(list(members))} once"
            )
        variable = variable.isel({dim: [known.index(member) for member in members]})
    if "trial" in variable.dims and "trial" in variable.coords:
        known = variable.trial.values.tolist()
        absent = sorted(set(map(int, trials)) - set(known))
        if absent:
            raise ValueError(f"x0 has no trials {absent}; it has {known}")
        variable = variable.isel(trial=[known.index(trial) for trial in trials])
    variable = variable.transpose(*(one for one in ("trial", dim) if one in variable.dims))
    if variable.dtype.kind == "b":
        return variable.values.astype(float)
    return numbers(variable.values, f"x0: {name}", "numbers")
