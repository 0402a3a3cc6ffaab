"""voltage_clamp: currents and open channels of neurons whose potential is held.

A membrane of infinite capacitance holds its potential, whatever currents flow; where V is to
change, an injected current of C dV/dt changes it. So the equations, their methods and their noise
are those of `solve`: with C so large that no ionic current adds to V in double precision.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from hh_sde import memory, stated
from hh_sde.arguments.recording import names_of
from hh_sde.arguments.scalars import number, positive
from hh_sde.arguments.times import whole_steps
from hh_sde.brownian import Rng
from hh_sde.descriptions import decode, encode
from hh_sde.errors import keyword_hints, unknown
from hh_sde.network import Network
from hh_sde.noise import CurrentNoise
from hh_sde.provenance import arguments_attribute
from hh_sde.records import numbers, shown
from hh_sde.solver import solve
from hh_sde.stimuli import SampledCurrent, Stimulus

#: Methods in which gates and channels follow V by their flow at fixed V.
_METHODS = ("lie_trotter", "tau_leap")
#: uF/cm^2; a power of 2, so that V goes through it without rounding.
_CAPACITANCE = 2.0**330


@keyword_hints
def voltage_clamp(
    net: Network,
    V: Any,
    t_end: float,
    *,
    dt: float = 0.01,
    method: str = "lie_trotter",
    rng: Rng = None,
    trials: int | Sequence[int] | None = None,
    save_dt: float | None = None,
    record: str | Sequence[str] | None = None,
    discard: float | None = None,
    threads: int = 1,
    progress: bool | None = None,
) -> xr.Dataset:
    """Hold the potential of every neuron, and see what flows.

    The neurons begin in the steady state of the first V. V is held over each step of dt at its
    value at the step's beginning; gates relax by their exact flow, so that without noise they are
    exact wherever V changes in steps on the grid. Channel noise is that of whole channels
    (``tau_leap``) or its diffusion limit (``lie_trotter``), in both with the binomial variance
    p (1 - p)/N of ConductanceNoise in a steady state. The stimulus of the network has no effect.

    Parameters
    ----------
    net : Network
        With any channel noise, coloured noise, synapses and gap junctions.
    V : float, array, mapping, DataArray, pandas Series or DataFrame, or Stimulus
        What V is held at, mV: a number or an array (n_neurons,) for all times; steps, as a mapping
        from times (ms, the first 0) to such values from then on, ``{0.0: -65.0, 10.0: 0.0}``;
        samples, whose coordinate `time` (of pandas: index) is in ms, joined by straight lines and
        held at their ends, ``ds.V`` of a result for one; or a Stimulus, its amplitudes in mV:
        ``-65.0 + RampCurrent(100.0, 10.0, 110.0)``.
    t_end, dt : float
        ms.
    method : {"lie_trotter", "tau_leap"}
    rng, trials, save_dt, discard, threads, progress
        As for `solve`.
    record : str or sequence of str, optional
        Default: V, all currents, conductances and open fractions. Also variables of the state.

    Returns
    -------
    Dataset
        dims (trial, time, neuron): V, I_<channel> and the other currents, outward (uA/cm^2), I_ion,
        their sum, g_<channel> (mS/cm^2) and the open fractions p_<channel>. The capacitive
        current C dV/dt is not in I_ion. Its attribute `network` describes `net`;
        `hh_sde.rerun` makes it again.

    Raises
    ------
    TypeError, ValueError
        As `solve`; if V does not fit, or net has white current noise, which acts on V alone.

    Examples
    --------
    >>> from hh_sde import Network
    >>> ds = voltage_clamp(Network(1), {0.0: -65.0, 2.0: 0.0}, 10.0)
    >>> round(float(ds.I_Na.min())), round(float(ds.I_K[-1, 0]))
    (-1457, 1853)
    """
    _see_that_it_fits(net, method)
    derived = net.derived
    currents = [name for name in derived.currents if name != "I_stim"]
    others = [name for name in derived.quantities if name not in (*currents, "I_stim")]
    known = ["V", *currents, "I_ion", *others, *net.variables[1:]]
    names = (
        known[: len(known) - len(net.variables) + 1]
        if record is None
        else names_of(record, "record")
    )
    for name in names:
        if name not in known:
            raise ValueError(f"record: {unknown('variable', name, known)}")
    steps = whole_steps(number(t_end, "t_end"), positive(dt, "dt"), "t_end")
    held_at_once = 8.0 * (steps + 1) * (net.n_neurons + 2)
    memory.require(
        held_at_once, f"V at {steps + 1} times", "take a shorter protocol, or a longer dt"
    )
    held = _protocol(V, net.n_neurons, np.arange(steps + 1) * dt)
    needed = [*names, *(currents if "I_ion" in names else ())]
    ds = solve(
        _clamped(net, held, dt),
        t_end,
        dt=dt,
        method=method,
        rng=rng,
        trials=trials,
        x0=net.steady_state(held[0]),
        save_dt=save_dt,
        record=[name for name in known if name in needed and name != "I_ion"],
        discard=discard,
        threads=threads,
        progress=progress,
    )
    if "V" in ds:  # but for what changed it by less than rounding
        V_then = xr.DataArray(
            held[np.rint(ds.time.values / dt).astype(int)], dims=("time", "neuron")
        )
        ds["V"] = ds.V.copy(data=V_then.broadcast_like(ds.V.drop_vars(ds.V.coords)).values)
    again = {"V": _as_tree(V), "record": names if record is not None else None}
    return _labelled(ds, net, names, currents, again)


def _see_that_it_fits(net: Any, method: Any) -> None:
    if not isinstance(net, Network):
        raise TypeError(f"voltage_clamp takes a Network, got {type(net).__name__}")
    if method not in _METHODS:
        raise ValueError(
            f"method must be one of {', '.join(_METHODS)}, in which gates and channels follow V by "
            f"their flow at fixed V; got {shown(method)}"
        )
    of_parts = [noise for part in net.parts.values() for noise in part.noise]
    if any(isinstance(noise, CurrentNoise) for noise in (*of_parts, *net.noise)):
        raise ValueError(
            "CurrentNoise acts on V alone, which is held: leave it out, net.replace(noise=...)"
        )
    if "I_ion" in net.derived.currents:
        raise ValueError("I_ion is the sum of all currents: give what is called 'ion' another name")


def _clamped(net: Network, held: np.ndarray, dt: float) -> Network:
    """The network whose V goes through `held` (steps + 1, n_neurons)."""
    change = np.diff(held, axis=0)
    parts, first = {}, 0
    for name, part in net.parts.items():
        own = change[:, first : first + part.n]
        stimulus: Any = 0.0
        if np.any(own):
            stimulus = SampledCurrent(_CAPACITANCE * (own / dt), dt=dt)
        parts[name] = part.replace(cell=part.cell.replace(C=_CAPACITANCE), stimulus=stimulus)
        first += part.n
    return net.with_parts(parts)


def _protocol(V: Any, n_neurons: int, times: np.ndarray) -> np.ndarray:
    """V at the times, (times, n_neurons)."""
    if isinstance(V, Stimulus):
        values = V.current(times[:, None])
    elif hasattr(V, "iloc") or "time" in getattr(V, "dims", ()):
        values = _between_samples(*_samples(V), times)
    elif isinstance(V, Mapping):
        values = _steps(V, n_neurons, times)
    else:
        values = _level(V, n_neurons, "V")[None]
    if values.shape[1] not in (1, n_neurons):
        raise ValueError(
            f"V has values for {values.shape[1]} neurons; this network has {n_neurons}"
        )
    if not np.all(np.isfinite(values)):
        raise ValueError("V must be finite (mV)")
    return np.broadcast_to(values, (len(times), n_neurons))


def _level(V: Any, n_neurons: int, name: str) -> np.ndarray:
    """A number, or one for each neuron, as (n_neurons,)."""
    values = numbers(
        V, name, "a number, an array (n_neurons,), a mapping of times, samples or a Stimulus (mV)"
    )
    if values.shape not in ((), (n_neurons,)):
        raise ValueError(
            f"{name} has shape {values.shape}; a network of {n_neurons} neurons takes one number "
            f"or an array of shape ({n_neurons},)"
        )
    return np.broadcast_to(values, (n_neurons,))


def _steps(V: Mapping[Any, Any], n_neurons: int, times: np.ndarray) -> np.ndarray:
    """From each time on its level."""
    changes = sorted((number(time, "a time of V (ms)"), level) for time, level in V.items())
    starts = np.array([time for time, _ in changes])
    if not starts.size or starts[0] != 0.0 or not np.all(np.isfinite(starts)):
        raise ValueError(
            "V says from when on which level is held, beginning with the time 0, as "
            f"{{0.0: -65.0, 10.0: 0.0}}; got {shown(V)}"
        )
    grid = starts / (times[1] - times[0])
    if np.any(np.abs(grid - np.rint(grid)) > 1e-6):
        late = starts[np.argmax(np.abs(grid - np.rint(grid)))]
        raise ValueError(
            f"V changes at {late:g} ms, which is no multiple of dt = {times[1] - times[0]:g} ms"
        )
    levels = [_level(level, n_neurons, f"V from {time:g} ms on") for time, level in changes]
    return np.stack(levels)[np.searchsorted(np.rint(grid), np.arange(len(times)), side="right") - 1]


def _samples(V: Any) -> tuple[np.ndarray, np.ndarray]:
    """Times and values (times, neurons) of a DataArray, Series or DataFrame."""
    if hasattr(V, "iloc"):
        times, values = V.index.to_numpy(), V.to_numpy()
    else:
        others = set(V.dims) - {"time", "neuron"}
        if others or "time" not in V.coords:
            raise ValueError(
                "V must have a coordinate time and no dims but time and neuron; it has the dims "
                f"{', '.join(map(str, V.dims))}: choose one of the others with .sel"
            )
        if V.attrs.get("units", "mV") != "mV":
            raise ValueError(f"V must be in mV, got {shown(V.attrs['units'])}")
        times, values = V.time.values, V.transpose("time", ...).values
    times = numbers(times, "the times of V", "numbers (ms)")
    if times.size < 2 or np.any(np.diff(times) <= 0):
        raise ValueError(f"the times of V must be two or more, and rise; got {shown(times)}")
    values = numbers(values, "V", "numbers (mV)")
    return times, values[:, None] if values.ndim == 1 else values


def _between_samples(times: np.ndarray, values: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    return np.stack([np.interp(wanted, times, column) for column in values.T], axis=1)


def _as_tree(V: Any) -> Any:
    """What V is held at, as a JSON tree."""
    if isinstance(V, Stimulus):
        return encode(V, "V")
    if hasattr(V, "iloc") or "time" in getattr(V, "dims", ()):
        times, values = _samples(V)
        return {"times": encode(times, "V"), "samples": encode(values, "V")}
    if isinstance(V, Mapping):
        return {"steps": [[float(time), _as_tree(level)] for time, level in V.items()]}
    level = np.asarray(V, dtype=float)
    return encode(level, "V") if level.ndim else level.item()


def protocol_of(tree: Any) -> Any:
    """What V was held at, of its JSON tree in the attribute `arguments`."""
    if isinstance(tree, Mapping) and "samples" in tree:
        times, values = (decode(tree[name], f"V.{name}") for name in ("times", "samples"))
        return xr.DataArray(values, {"time": times}, ("time", "neuron"))
    if isinstance(tree, Mapping) and "steps" in tree:
        return {time: protocol_of(level) for time, level in tree["steps"]}
    return decode(tree, "V")


def _labelled(
    ds: xr.Dataset, net: Network, names: list[str], currents: list[str], again: Mapping[str, Any]
) -> xr.Dataset:
    """The result, with the sum of all currents where it is wanted, its own network and arguments.

    `again` are the arguments that differ from those of the run whose V is held.
    """
    if "I_ion" in names:
        total = ds[currents].to_dataarray("current").sum("current")
        text = {"units": "uA/cm^2", "long_name": "all ionic currents, outward", "role": "current"}
        ds = ds.assign(I_ion=total.assign_attrs(text))
    of_another_network = ("arguments", "x0", "initial_state", "last_state")
    attrs = {name: value for name, value in ds.attrs.items() if name not in of_another_network}
    arguments = arguments_attribute({**stated.mapping(ds.attrs, "arguments"), **again})
    attrs |= {"network": net.describe(), "protocol": "voltage clamp", "arguments": arguments}
    return xr.Dataset(ds[names].variables, attrs=attrs)
