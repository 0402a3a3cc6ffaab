"""The last state of a run, kept in its result, and how another run goes on from there.

Where the traces do not hold the whole state, a result has a variable ``last_<name>`` over (trial,
neuron) for each variable, and where spikes were recorded ``spike_armed`` and ``last_spike_time``,
which the search for spikes goes on from. Each says in its attribute `time` when that was, ms. A dim
that the result lacks, as one of spikes alone lacks neurons, is called ``of_<dim>`` there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from hh_sde.dataset import COORDINATES
from hh_sde.methods import Detection, Reached

Labels = Mapping[str, tuple[str, str]]


def with_last_state(
    ds: xr.Dataset, axes: Mapping[str, Any], labels: Labels, reached: Reached, time: float
) -> xr.Dataset:
    """`ds` with the last state.

    Parameters
    ----------
    ds : Dataset
    axes : mapping of dim to coordinate values
        ``trial``, if there are trials, and ``neuron`` or ``component``.
    labels : mapping of variable to (units, long name)
        The variables whose last values are kept, in the order of the state; none where the traces
        hold them.
    reached : Reached
    time : float
        When that was, ms.
    """
    assert reached.x is not None
    values: dict[str, tuple[np.ndarray, str, str]] = {}
    if labels:
        states = reached.x.reshape(len(reached.x), len(labels), -1)
        for row, (name, (units, long_name)) in enumerate(labels.items()):
            values[f"last_{name}"] = (states[:, row], units, f"last value: {long_name}")
    found = reached.detection
    if found is not None:
        spike = np.where(np.isfinite(found.last_spike), found.last_spike, np.nan)
        values["spike_armed"] = (found.armed, "1", "whether the next crossing is a spike")
        values["last_spike_time"] = (spike, "ms", "time of the last spike; nan: none yet")
    dims, coords = _dims(ds, axes)
    shape = [len(axis) for axis in axes.values()]
    return ds.assign_coords(coords).assign(
        {
            name: (dims, array.reshape(shape), {"units": units, "long_name": text, "time": time})
            for name, (array, units, text) in values.items()
        }
    )


def _dims(ds: xr.Dataset, axes: Mapping[str, Any]) -> tuple[list[str], dict[str, Any]]:
    """The dims' names in `ds`, and the coordinates of those that it lacks."""
    dims, coords = [], {}
    for name, values in axes.items():
        own = name in ds.dims and np.array_equal(ds[name].values, np.asarray(values))
        dims.append(name if own else f"of_{name}")
        if not own:
            units, long_name = COORDINATES[name]
            text = {"units": units, "long_name": f"{long_name} of the last state"}
            coords[f"of_{name}"] = (f"of_{name}", np.asarray(values), text)
    return dims, coords


def last_time(x0: xr.Dataset) -> float:
    """When the state is that a run goes on from, ms.

    Raises
    ------
    ValueError
        If `x0` has no times, or was cut before its last state.
    """
    kept = [one.attrs["time"] for name, one in x0.items() if _is_state(name, one)]
    times = np.atleast_1d(x0.time.values) if "time" in x0.coords else np.empty(0)
    if not kept and not times.size:
        raise ValueError(
            "x0 has no time: a run is continued from a result of solve, not from a Dataset of "
            f"{', '.join(map(str, x0.data_vars)) or 'nothing'}"
        )
    if not kept:
        return float(times[-1])
    if times.size and times[-1] + x0.attrs.get("save_dt", np.inf) <= kept[0]:
        raise ValueError(
            f"x0 ends at {times[-1]:g} ms, but its last state is that of {kept[0]:g} ms: give it "
            "uncut, or a result in which all variables were recorded"
        )
    return float(kept[0])


def _is_state(name: Any, variable: xr.DataArray) -> bool:
    return str(name).startswith("last_") and "time" in variable.attrs


def trials_of(x0: Any) -> xr.DataArray | None:
    """The numbers of its trials, if `x0` is a Dataset that has them."""
    if not isinstance(x0, xr.Dataset):
        return None
    return x0.coords.get("trial", x0.coords.get("of_trial"))


def last_states(x0: xr.Dataset, labels: Labels, dim: str, trials: Sequence[int]) -> np.ndarray:
    """The states (trials, d), or (d,), that a run goes on from.

    Raises
    ------
    ValueError
        If `x0` lacks a variable or a trial.
    """
    if all(f"last_{name}" in x0 for name in labels):
        values = [_plain_dims(x0[f"last_{name}"]) for name in labels]
    else:
        missing = [name for name in labels if name not in x0]
        if missing:
            raise ValueError(
                f"x0 lacks {', '.join(missing)}: a run can be continued from a result of solve as "
                "it is, from traces in which all variables were recorded, but not from statistics"
            )
        values = [x0[name] for name in labels]
        values = [one.isel(time=-1) if "time" in one.dims else one for one in values]
    return np.concatenate([_of_trials(one, dim, trials) for one in values], axis=-1)


def detection(
    x0: Any, rule: tuple[float, float, float], n_neurons: int, trials: Sequence[int], start: float
) -> Detection:
    """Where the search for spikes begins: where it ended in `x0`, if that was by the same rule."""
    shape = (len(trials), n_neurons)
    fresh = Detection(rule, np.ones(shape, dtype=bool), np.full(shape, -np.inf))
    if not isinstance(x0, xr.Dataset) or "spike_armed" not in x0:
        return fresh
    armed, last = (_plain_dims(x0[name]) for name in ("spike_armed", "last_spike_time"))
    known = [x0.attrs.get(f"spike_{part}") for part in ("threshold", "rearm", "lockout")]
    known[1] = np.inf if known[1] == "none" else known[1]
    if tuple(known) != rule or not np.isclose(armed.attrs["time"], start, rtol=1e-12):
        return fresh
    times = np.broadcast_to(_of_trials(last, "neuron", trials), shape)
    return Detection(
        rule,
        np.broadcast_to(_of_trials(armed, "neuron", trials), shape).astype(bool),
        np.where(np.isnan(times), -np.inf, times),
    )


def _plain_dims(variable: xr.DataArray) -> xr.DataArray:
    dims = [*variable.dims, *variable.coords]
    return variable.rename({dim: str(dim)[3:] for dim in set(dims) if str(dim).startswith("of_")})


def _of_trials(variable: xr.DataArray, dim: str, trials: Sequence[int]) -> np.ndarray:
    """Values (trials, members) or (members,)."""
    if "trial" in variable.dims:
        known = variable.trial.values.tolist()
        absent = sorted(set(map(int, trials)) - set(known))
        if absent:
            raise ValueError(f"x0 has no trials {absent}; it has {known}")
        variable = variable.sel(trial=list(trials))
    return variable.transpose(*(one for one in ("trial", dim) if one in variable.dims)).values
