"""What the arguments of `solve` may be, and what becomes of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from hh_sde import records
from hh_sde.addresses import check_steps, check_trials
from hh_sde.brownian import BrownianPath, Rng, seed_sequence
from hh_sde.kinetics import Constant, Sigmoid
from hh_sde.measures import SpikeRule
from hh_sde.methods import METHODS, Method, chain
from hh_sde.network import Network
from hh_sde.noise import ConductanceNoise
from hh_sde.sde import SDE


@dataclass(frozen=True)
class Layout:
    """How the flat state falls into labelled variables of equal width."""

    dim: str
    labels: dict[str, tuple[str, str]]  # every variable's (units, long name)
    members: tuple[Any, ...]  # coordinate values of `dim`
    arrays: dict[str, tuple[np.ndarray, str]]
    by_component: bool  # `record` names components instead of variables

    @classmethod
    def of(cls, model: Network | SDE, sde: SDE) -> Layout:
        if isinstance(model, Network):
            _, arrays = model.describe()
            return cls("neuron", model.labels, tuple(range(model.n_neurons)), arrays, False)
        return cls("component", {"x": ("1", "state")}, tuple(sde.names), {}, True)

    @property
    def width(self) -> int:
        return len(self.members)

    def kept(self, record: Sequence[str] | None) -> list[str]:
        """The variables (or components) to keep, checked, in the order of the state."""
        known = list(self.members if self.by_component else self.labels)
        if record is None:
            return known
        names = [record] if isinstance(record, str) else list(record)
        for name in names:
            if name not in known:
                raise ValueError(f"record: there is no {name!r}; choose from {', '.join(known)}")
        if not names:
            raise ValueError(f"record is empty; choose from {', '.join(known)}")
        return [name for name in known if name in names]

    def components(self, kept: list[str]) -> np.ndarray:
        """Indices into the flat state of what is kept."""
        if self.by_component:
            return np.array([self.members.index(name) for name in kept])
        rows = [list(self.labels).index(name) for name in kept]
        return (np.array(rows, dtype=int)[:, None] * self.width + np.arange(self.width)).ravel()

    def place(self, component: int) -> tuple[str, int | None]:
        """The variable's name and the neuron (None for an SDE) of a component of the state."""
        if self.by_component:
            return str(self.members[component]), None
        return list(self.labels)[component // self.width], component % self.width


def method_named(name: str) -> Method:
    if name not in METHODS:
        raise ValueError(f"unknown method {name!r}; choose from {', '.join(METHODS)}")
    return METHODS[name]


def suited(model: Any, method: Method, name: str, noise: str | None) -> SDE:
    """The model's SDE in the form the method takes, or an error that says which methods fit."""
    if not isinstance(model, Network | SDE):
        raise TypeError(f"solve takes a Network or an SDE, got {type(model).__name__}")
    if noise not in (None, "ignore"):
        raise ValueError(f"noise must be None or 'ignore', got {noise!r}")
    if method.interpretation == "chain":
        return counted(model, method, name, noise).sde()
    sde = model.sde() if isinstance(model, Network) else model
    if noise == "ignore":
        sde = sde.without_noise()
    if (
        method.compiled
        and sde.program is not None
        and not sde.program.stands_for(sde.f, sde.G, sde.interpretation)
    ):
        raise ValueError(
            f"{name} runs the network's compiled equations, but this SDE has another f, G or "
            "interpretation; give SDE(f=..., G=..., x0=...) without the program, to a method of "
            "sdeint or scipy"
        )
    if method.compiled and sde.program is None:
        others = [key for key, other in METHODS.items() if not other.compiled]
        raise ValueError(
            f"{name} runs in the compiled engine, which takes a Network; for an SDE of your own "
            f"choose from {', '.join(others)}"
        )
    if sde.m and sde.noise_type not in method.strong_order:
        fitting = [key for key, other in METHODS.items() if sde.noise_type in other.strong_order]
        hint = " or give noise='ignore'" if method.interpretation == "ode" else ""
        raise ValueError(
            f"{name} does not take {sde.noise_type} noise; choose from {', '.join(fitting)}{hint}"
        )
    if not method.compiled and getattr(sde.program, "bounded", False) and sde.m:
        raise ValueError(
            f"{name} cannot bring gates back after each step; with bounds='clip' or 'reflect' "
            "use a method of the engine, or give bounds='none'"
        )
    if method.interpretation == "stratonovich":
        return sde.to_stratonovich()
    return sde.to_ito()


def counted(model: Any, method: Method, name: str, noise: str | None) -> Network:
    """The network whose channels a chain method counts, or an error that says what it takes."""
    takes = f"{name} counts the channels of a Network whose noise is ConductanceNoise(area=...)"
    if not isinstance(model, Network):
        raise ValueError(f"{takes}; got an SDE")
    if noise == "ignore":
        raise ValueError(f"{takes}: there is nothing left without it; noise='ignore' goes with ode")
    given = [type(part).__name__ for part in model.noise]
    if given != ["ConductanceNoise"]:
        raise ValueError(f"{takes}, alone; got {', '.join(given) or 'no noise'}")
    (channels,) = model.noise
    assert isinstance(channels, ConductanceNoise)
    if channels.transitions is not None or channels.bounds != "none":
        raise ValueError(
            f"{takes}, with all transitions and bounds='none'; got transitions = "
            f"{channels.transitions!r}, bounds = {channels.bounds!r}"
        )
    uncounted = [
        channel.name
        for channel in model.cell.channels
        if channel.variable_gates and channels.number(channel, model.n_neurons) is None
    ]
    if uncounted:
        raise ValueError(
            f"{takes}: all channels with gates need a number; there is none for "
            f"{', '.join(uncounted)} (numbers={{...}})"
        )
    if not any(channel.variable_gates for channel in model.cell.channels):
        raise ValueError(f"{takes}; this cell has no channels with gates")
    if method.exact:
        _exactly_solvable(model, name)
    if not channels.paired:
        return model
    # one process for a transition or for a pair of them: the chain is the same
    return Network(
        model.n_neurons, model.cell, model.synapses, model.stimulus, channels.replace(paired=False)
    )


def _exactly_solvable(model: Network, name: str) -> None:
    """See that V between two transitions is known in closed form, and its rates are bounded."""
    other = "; tau_leap takes them"
    if model.synapses:
        raise ValueError(f"{name} takes neurons without synapses and gap junctions{other}")
    if not model.stimulus.piecewise_constant:
        raise ValueError(
            f"{name} takes currents that change at jumps alone: numbers, StepCurrent, PulseTrain, "
            f"SampledCurrent(interpolation='previous'), and sums of them{other} all"
        )
    for gate in model.cell.gates:
        if gate.instantaneous:
            raise ValueError(
                f"{name} knows V between two transitions where conductances do not follow it; gate "
                f"{gate.name} is instantaneous{other}"
            )
        for rate in gate.rates:
            if not rate.monotone:
                raise ValueError(
                    f"{name} takes rates that are monotone in V (Exponential, Sigmoid, Linoid, "
                    f"Constant); gate {gate.name} has a {type(rate).__name__} one{other}"
                )
        if gate.x_inf is not None and not (
            isinstance(gate.x_inf, Sigmoid | Constant) and np.all(np.asarray(gate.x_inf.rate) <= 1)
        ):
            raise ValueError(
                f"{name}: x_inf of gate {gate.name} must be a Sigmoid or Constant <= 1"
            )


def grid(t_end: float, dt: float, x0: Any) -> tuple[float, int, int]:
    """Start time, its grid step, and the number of steps to t_end."""
    positive(dt, "dt")
    if isinstance(x0, xr.Dataset) and "time" not in x0.coords:
        raise ValueError(
            f"x0 has no time: a run is continued from the Dataset of its traces, not from one of "
            f"{', '.join(map(str, x0.data_vars)) or 'nothing'}"
        )
    start = float(x0.time[-1]) if isinstance(x0, xr.Dataset) else 0.0
    t_end = number(t_end, "t_end")
    first_step = whole_steps(start, dt, "the last time of x0") if start else 0
    if not np.isfinite(t_end) or t_end <= start:
        raise ValueError(f"t_end must be later than the start ({start:g} ms), got {t_end}")
    last_step = whole_steps(t_end, dt, "t_end")
    check_steps(last_step)
    return start, first_step, last_step - first_step


def whole_steps(time: float, dt: float, name: str) -> int:
    steps = time / dt
    if not (np.isfinite(steps) and round(steps) >= 1 and abs(steps - round(steps)) <= 1e-6):
        raise ValueError(f"{name} = {time} ms must be a multiple of dt = {dt} ms")
    return round(steps)


def spikes_alone(
    record: Any, rule: SpikeRule | None, method: Method, model: Network | SDE
) -> SpikeRule | None:
    """The rule, if it is spikes that are to be recorded."""
    names = [record] if isinstance(record, str) else list(record or ())
    if "spikes" not in names:
        if rule is not None:
            raise ValueError(
                'spike_rule goes with record=("spikes",); for traces, give the rule to ds.hh.spikes'
            )
        return None
    if len(names) > 1:
        raise ValueError(f"record spikes alone, or variables and ds.hh.spikes(); got {names}")
    if not isinstance(model, Network):
        raise ValueError("an SDE has no spikes; give the Network")
    if not method.compiled:
        fitting = [name for name, other in METHODS.items() if other.compiled]
        raise ValueError(f"spikes are recorded by {', '.join(fitting)}; record V with this method")
    if rule is not None and not isinstance(rule, SpikeRule):
        raise TypeError(f"spike_rule must be a SpikeRule, got {rule!r}")
    return rule or SpikeRule()


def reductions(reduce: Any, many: bool, n_trials: int, rule: SpikeRule | None) -> list[str]:
    """The statistics over trials that are to be kept in place of the trials."""
    names = [reduce] if isinstance(reduce, str) else list(reduce or ())
    for name in names:
        if name not in ("mean", "var"):
            raise ValueError(f"reduce must be 'mean', 'var' or both, got {name!r}")
    if names and rule is not None:
        raise ValueError("reduce keeps statistics of traces; it does not go with record='spikes'")
    if names and (not many or n_trials < 2):
        raise ValueError("reduce takes statistics over trials; give trials=2 or more")
    return [name for name in ("mean", "var") if name in names]


def numbers_of(rule: SpikeRule) -> tuple[float, float, float]:
    """Threshold, re-arm level (infinite where every crossing counts) and lockout."""
    return rule.threshold, np.inf if rule.rearm is None else rule.rearm, rule.lockout


def trial_numbers(trials: Any, x0: Any, path: BrownianPath | None) -> tuple[np.ndarray, bool]:
    """The trials' numbers, and whether the result has a dimension for them."""
    if path is not None and not isinstance(path, BrownianPath):
        raise TypeError(f"path must be a BrownianPath, got {type(path).__name__}")
    if path is not None and path.trial and trials is not None:
        raise ValueError(
            f"path is that of trial {path.trial}: give trials and a path of trial 0, or no trials"
        )
    if trials is None:
        if isinstance(x0, xr.Dataset) and "trial" in x0.coords:
            return np.atleast_1d(x0.trial.values.astype(np.int64)), "trial" in x0.dims
        return np.array([0 if path is None else path.trial]), False
    if isinstance(trials, int | np.integer) and not isinstance(trials, bool):
        check_trials(positive_int(trials, "trials") - 1)
        return np.arange(trials), True
    numbers = np.asarray(trials)
    if numbers.ndim != 1 or numbers.size == 0 or not np.issubdtype(numbers.dtype, np.integer):
        raise ValueError(f"trials must be a number or a list of trial numbers, got {trials!r}")
    if numbers.min() < 0 or len(set(numbers.tolist())) != numbers.size:
        raise ValueError(f"trial numbers must be different and not negative, got {trials!r}")
    check_trials(numbers.max())
    return numbers.astype(np.int64), True


def initial_states(
    x0: Any, sde: SDE, layout: Layout, numbers: np.ndarray, method: Method
) -> np.ndarray:
    """The states to start from, (trials, d); of a chain's methods with whole channels."""
    if x0 is None:
        state = sde.x0
    elif isinstance(x0, xr.Dataset):
        state = _last_state(x0, layout, numbers)
    else:
        state = records.numbers(x0, "x0", "numbers")
    if state.shape not in ((sde.d,), (len(numbers), sde.d)):
        raise ValueError(
            f"x0 has shape {state.shape}; this problem takes ({sde.d},) or "
            f"({len(numbers)}, {sde.d})"
        )
    if not np.all(np.isfinite(state)):
        raise ValueError("x0 must be finite")
    states = np.array(np.broadcast_to(state, (len(numbers), sde.d)))
    if method.interpretation == "chain":
        return chain.whole_channels(sde.program.compiled.population.model, states)
    return states


def _last_state(ds: xr.Dataset, layout: Layout, numbers: np.ndarray) -> np.ndarray:
    missing = [name for name in layout.labels if name not in ds]
    if missing:
        raise ValueError(
            f"x0 lacks {', '.join(missing)}: a run can be continued if all variables were recorded"
        )
    last = ds[list(layout.labels)].isel(time=-1)
    if "trial" in last.dims:
        absent = sorted(set(numbers.tolist()) - set(last.trial.values.tolist()))
        if absent:
            raise ValueError(f"x0 has no trials {absent}; it has {last.trial.values.tolist()}")
        last = last.sel(trial=numbers)
    order = [dim for dim in ("trial", layout.dim) if dim in last.dims]
    return np.concatenate([last[name].transpose(*order).values for name in layout.labels], axis=-1)


def noise_path(
    path: BrownianPath | None, rng: Rng, sde: SDE, dt: float, method: Method
) -> BrownianPath | None:
    if path is not None and method.exact:
        raise ValueError(
            "path holds Wiener processes, of which this method takes none; give rng, its seed: "
            "rng=path.seed"
        )
    if path is None:
        seed = seed_sequence(rng)
        return sde.path(seed, dt) if sde.m else None
    if rng is not None:
        raise ValueError("give rng or path, not both: the path has its own seed")
    if path.m != sde.m or not np.isclose(path.dt, dt, rtol=1e-9, atol=0.0):
        raise ValueError(
            f"path has m = {path.m} and dt = {path.dt:g}; this run has m = {sde.m} and dt = {dt:g} "
            "(sde.path(rng, dt) makes one that fits, path.coarsen(k) gives it on a coarser grid)"
        )
    if sde.noise_type == "general" and _splits(path, sde):
        raise ValueError(
            "path has no areas between processes that belong together in this model: its blocks "
            "part what the model's blocks join (SDE.blocks, Network.sde().blocks); "
            "sde.path(rng, dt) makes one that fits"
        )
    return path if sde.m else None


def _splits(path: BrownianPath, sde: SDE) -> bool:
    """Whether a block of the model falls into several of the path's.

    Larger blocks do no harm: areas of columns that commute drop out.
    """
    blocks = np.asarray(sde.blocks)
    both = np.unique(np.stack([blocks, path.blocks]), axis=1)
    return both.shape[1] > np.unique(blocks).size


def number(value: Any, name: str) -> float:
    """`value` as a float, if it is a number."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        raise TypeError(f"{name} must be a number, got {value!r} ({type(value).__name__})")
    return float(value)


def positive(value: Any, name: str) -> float:
    """`value` as a float, if it is positive and finite."""
    value = number(value, name)
    if not np.isfinite(value) or value <= 0:
        raise ValueError(f"{name} must be positive and finite, got {value}")
    return float(value)


def positive_int(value: Any, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise ValueError(f"{name} must be 1, 2, 3, ..., got {value!r}")
    return int(value)
