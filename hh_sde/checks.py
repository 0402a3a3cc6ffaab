"""What the arguments of `solve` may be, and what becomes of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from hh_sde import continuation, initial, memory, records
from hh_sde.addresses import check_steps, check_trials, is_whole
from hh_sde.brownian import BrownianPath, Rng, seed_sequence
from hh_sde.equations.layout import StateLayout
from hh_sde.errors import unknown
from hh_sde.measures import SpikeRule, rule_attributes
from hh_sde.methods import METHODS, Method, Problem, Reached, chain
from hh_sde.network import Derived, Network
from hh_sde.sde import SDE

#: Larger ones than this, bytes, are not kept in results.
LARGEST_INITIAL_STATE = 2**24


@dataclass(frozen=True)
class Layout:
    """How the flat state falls into labelled variables of equal width."""

    dim: str
    labels: dict[str, dict[str, Any]]  # every variable's attributes
    members: tuple[Any, ...]  # coordinate values of `dim`
    by_component: bool  # `record` names components instead of variables
    state_layout: StateLayout  # where the variables are in the flat state
    derived: Derived | None = None  # what `record` takes besides the variables
    population_of: np.ndarray | None = None  # of each neuron, where there are populations

    @classmethod
    def of(cls, model: Network | SDE, sde: SDE) -> Layout:
        if isinstance(model, Network):
            neurons = tuple(range(model.n_neurons))
            return cls(
                "neuron", model.labels, neurons, False, model.layout, model.derived,
                model.population_of,
            )  # fmt: skip
        x = {"units": "1", "long_name": "state", "role": "state"}
        return cls("component", {"x": x}, tuple(sde.names), True, StateLayout([(sde.d, ["x"])]))

    @property
    def width(self) -> int:
        return len(self.members)

    def kept(self, record: Sequence[str] | None) -> list[str]:
        """The variables (or components) to keep, checked, in the order of the state.

        After the variables of the state stand quantities that follow from them.
        """
        if record is None:
            return self.state
        known = [*self.state, *(self.derived.quantities if self.derived else ())]
        names = [record] if isinstance(record, str) else list(record)
        for name in names:
            if name not in known:
                takes = known if self.by_component else [*known, "spikes"]
                raise ValueError(f"record: {unknown('variable', name, takes)}")
        if not names:
            raise ValueError(f"record is empty; choose from {', '.join(known)}")
        return [name for name in known if name in names]

    @property
    def state(self) -> list[Any]:
        """Names of the variables (or components) of the state."""
        return list(self.members if self.by_component else self.labels)

    def follow(self, kept: list[str]) -> list[str]:
        """Those of the names that are no variables, but follow from the whole state."""
        return [name for name in kept if name not in self.state]

    def components(self, kept: list[str]) -> np.ndarray:
        """Indices into the flat state of what is kept, or is needed for it."""
        if self.by_component:
            return np.array([self.members.index(name) for name in kept])
        if self.follow(kept):
            return np.arange(self.state_layout.d)
        found = [self.state_layout.components[name] for name in kept]
        components = np.concatenate([np.empty(0, int), *found])
        return components[components >= 0]

    def by_variable(self, kept: list[str], chunk: np.ndarray) -> np.ndarray:
        """States (saves, trials, components) as (saves, trials, kept, neurons); NaN: lacking."""
        shape = (*chunk.shape[:2], len(kept), self.width)
        if self.by_component or chunk.shape[2] == len(kept) * self.width:
            return chunk.reshape(*chunk.shape[:2], -1, 1 if self.by_component else self.width)
        there = np.concatenate([self.state_layout.components[name] >= 0 for name in kept])
        found = np.full((*chunk.shape[:2], there.size), np.nan, chunk.dtype)
        found[..., there] = chunk
        return found.reshape(shape)

    def initial_state(
        self, problem: Problem, method: str, rule: SpikeRule | None, many: bool
    ) -> str | None:
        """The state that a run begins with, as an attribute; None if it is too large for one."""
        axes = {"trial": problem.trials, self.dim: self.members}
        time = problem.first_step * problem.dt
        begun = Reached(0, problem.x0, problem.detection, problem.opened)
        state = continuation.state_of(axes, self.labels, self.state_layout, begun, time)
        if state.nbytes > LARGEST_INITIAL_STATE:
            return None
        attrs = {"method": method, "dt": problem.dt}  # steps half done are taken up by the same
        attrs |= {} if rule is None else rule_attributes(rule)
        return continuation.as_text((state if many else state.isel(trial=0)).assign_attrs(attrs))

    def place(self, component: int) -> tuple[str, int | None]:
        """The variable's name and the neuron (None for an SDE) of a component of the state."""
        if self.by_component:
            return str(self.members[component]), None
        layout = self.state_layout
        return layout.name_of(component), int(layout.places[component]) % self.width


def grid(t_end: float, dt: float, x0: Any, layout: Layout) -> tuple[float, int, int]:
    """Start time, its grid step, and the number of steps to t_end."""
    dt, t_end = positive(dt, "dt"), number(t_end, "t_end")
    start = continuation.last_time(x0, layout.labels, dt) if isinstance(x0, xr.Dataset) else 0.0
    first_step = whole_steps(start, dt, "the last time of x0") if start else 0
    if not np.isfinite(t_end) or t_end <= start:
        raise ValueError(
            f"t_end must be finite and later than the start ({start:g} ms), got {t_end}"
        )
    last_step = whole_steps(t_end, dt, "t_end")
    check_steps(last_step)
    return start, first_step, last_step - first_step


def whole_steps(time: float, dt: float, name: str) -> int:
    steps = number(time, name) / dt
    if not (np.isfinite(steps) and round(steps) >= 1 and abs(steps - round(steps)) <= 1e-6):
        raise ValueError(f"{name} = {time} ms must be a multiple of dt = {dt} ms")
    return round(steps)


def saving(save_dt: Any, discard: Any, dt: float, n_steps: int, traces: bool) -> tuple[int, int]:
    """Steps from save to save, and steps at the beginning of which nothing is kept."""
    skipped = 0
    if discard is not None and number(discard, "discard") != 0:
        if discard < 0:
            raise ValueError(f"discard must not be negative, got {discard}")
        skipped = whole_steps(discard, dt, "discard")
        if skipped >= n_steps:
            raise ValueError(
                f"discard = {discard} ms must be shorter than the run of {n_steps * dt:g} ms"
            )
    kept = n_steps - skipped
    if not traces:
        if save_dt is not None:
            raise ValueError(
                "save_dt spaces traces, of which record=('spikes',) keeps none: leave it out, or "
                "record=('V', 'spikes')"
            )
        return kept, skipped
    every = whole_steps(dt if save_dt is None else save_dt, dt, "save_dt")
    if kept % every:
        raise ValueError(
            f"the run of {kept} steps must end on a save; save_dt = {save_dt} is {every:.15g} "
            "steps, which does not divide them"
        )
    return every, skipped


def names_of(value: Any, argument: str) -> list[str]:
    """The names in one text or a sequence of them."""
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, Sequence) or not all(isinstance(name, str) for name in names):
        raise TypeError(f"{argument} must be a name or a sequence of names, got {value!r}")
    return list(names)


def spikes_wanted(
    record: Any, rule: SpikeRule | None, method: Method, model: Network | SDE, stop: Any
) -> tuple[list[str] | None, SpikeRule | None]:
    """The traces to record (None: all), and the rule of the spikes to record beside them."""
    names = None if record is None else names_of(record, "record")
    if rule is not None and not isinstance(rule, SpikeRule):
        raise TypeError(f"spike_rule must be a SpikeRule, got {rule!r}")
    if names is None or "spikes" not in names:
        if rule is not None and stop != "first spike":
            raise ValueError(
                "spike_rule goes with 'spikes' in record or stop='first spike'; for traces, give "
                "the rule to ds.hh.spikes"
            )
        return names, None
    if not isinstance(model, Network):
        raise ValueError("an SDE has no spikes; give the Network")
    if not method.compiled:
        fitting = [name for name, other in METHODS.items() if other.compiled]
        raise ValueError(f"spikes are recorded by {', '.join(fitting)}; record V with this method")
    return [name for name in names if name != "spikes"], rule or SpikeRule()


def reductions(reduce: Any, many: bool, n_trials: int, rule: SpikeRule | None) -> list[str]:
    """The statistics over trials that are to be kept in place of the trials."""
    names = [] if reduce is None else names_of(reduce, "reduce")
    for name in names:
        if name not in ("mean", "var"):
            raise ValueError(f"reduce: {unknown('statistic', name, ('mean', 'var'))}")
    if names and rule is not None:
        raise ValueError("reduce keeps statistics of traces; it does not go with spikes in record")
    if names and (not many or n_trials < 2):
        raise ValueError("reduce takes statistics over trials; give trials=2 or more")
    return [name for name in ("mean", "var") if name in names]


def numbers_of(rule: SpikeRule) -> tuple[float, float, float]:
    """Threshold, re-arm level (infinite where every crossing counts) and lockout."""
    return rule.threshold, np.inf if rule.rearm is None else rule.rearm, rule.lockout


def trial_numbers(
    trials: Any, x0: Any, path: BrownianPath | None, d: int
) -> tuple[np.ndarray, bool]:
    """The trials' numbers, and whether the result has a dimension for them."""
    if path is not None and not isinstance(path, BrownianPath):
        raise TypeError(f"path must be a BrownianPath, got {type(path).__name__}")
    if path is not None and path.trial and trials is not None:
        raise ValueError(
            f"path is that of trial {path.trial}: give trials and a path of trial 0, or no trials"
        )
    if trials is None:
        return _trials_of(x0, path)
    if is_whole(trials):
        n = positive_int(trials, "trials")
        check_trials(n - 1)
        memory.require(16.0 * n * d, f"the states of {n} trials", "take fewer at a time")
        return np.arange(n), True
    numbers = np.asarray(trials)
    if numbers.ndim != 1 or numbers.size == 0 or numbers.dtype.kind not in "iu":
        raise ValueError(
            f"trials must be a number or a list of trial numbers, got {records.shown(trials)}"
        )
    if np.ma.is_masked(trials):
        raise ValueError(f"trials must not be masked, got {records.shown(trials)}")
    _see_trials(numbers, "trial numbers")
    return numbers.astype(np.int64), True


def _trials_of(x0: Any, path: BrownianPath | None) -> tuple[np.ndarray, bool]:
    """The trials' numbers where `trials` is not given: those of `x0`, or that of `path`."""
    known = continuation.trials_of(x0)
    if known is None:
        return np.array([0 if path is None else path.trial]), False
    numbers = np.atleast_1d(known.values)
    if numbers.ndim != 1 or numbers.size == 0 or numbers.dtype.kind not in "iu":
        raise ValueError(f"the trials of x0 must be whole numbers, got {records.shown(numbers)}")
    _see_trials(numbers, "the trials of x0")
    if path is not None and path.trial and numbers.tolist() != [path.trial]:
        raise ValueError(
            f"path is that of trial {path.trial}, but x0 has the trials "
            f"{records.shown(numbers.tolist())}: give a path of trial 0, which is that of all "
            f"trials, or x0.sel(trial={path.trial})"
        )
    return numbers.astype(np.int64), known.ndim == 1


def _see_trials(numbers: np.ndarray, what: str) -> None:
    if numbers.min() < 0 or len(set(numbers.tolist())) != numbers.size:
        raise ValueError(
            f"{what} must be different and not negative, got {records.shown(numbers.tolist())}"
        )
    check_trials(numbers.max())


def initial_states(
    x0: Any,
    model: Network | SDE,
    sde: SDE,
    layout: Layout,
    numbers: np.ndarray,
    method: Method,
    seed: np.random.SeedSequence,
) -> np.ndarray:
    """The states to start from, (trials, d); of a chain's methods with whole channels."""
    if x0 is None:
        state = sde.x0
    elif initial.is_by_name(x0):
        state = initial.states(x0, model, sde, numbers, seed)
    elif isinstance(x0, xr.Dataset):
        state = continuation.last_states(
            x0, layout.labels, layout.dim, layout.members, numbers.tolist()
        )
    else:
        wanted = "an array of real numbers, a mapping of variables, or a result of solve"
        state = records.numbers(x0, "x0", wanted)
    if state.shape not in ((sde.d,), (len(numbers), sde.d)):
        raise ValueError(
            f"x0 has shape {state.shape}; this problem takes ({sde.d},) or "
            f"({len(numbers)}, {sde.d})"
        )
    if not np.all(np.isfinite(state)):
        raise ValueError("x0 must be finite")
    states = np.array(np.broadcast_to(state, (len(numbers), sde.d)), dtype=float)
    if method.interpretation == "chain":
        return chain.whole_channels(sde.program.compiled.population.model, states)
    return states


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
    if not (isinstance(value, float | np.floating) or is_whole(value)):
        raise TypeError(f"{name} must be a number, got {value!r} ({type(value).__name__})")
    try:
        return float(value)
    except OverflowError:
        raise ValueError(f"{name} is too large, got {records.shown(value)}") from None


def finite(value: Any, name: str) -> float:
    value = number(value, name)
    if not np.isfinite(value):
        raise ValueError(f"{name} must be finite, got {value}")
    return value


def positive(value: Any, name: str) -> float:
    """`value` as a float, if it is positive and finite."""
    value = number(value, name)
    if not np.isfinite(value) or value <= 0:
        raise ValueError(f"{name} must be positive and finite, got {value}")
    return value


def non_negative(value: Any, name: str) -> float:
    value = number(value, name)
    if not np.isfinite(value) or value < 0:
        raise ValueError(f"{name} must be 0 or more, and finite; got {value}")
    return value


def between_0_and_1(value: Any, name: str) -> float:
    value = number(value, name)
    if not 0 < value < 1:
        raise ValueError(f"{name} must lie between 0 and 1, got {value}")
    return value


def positive_int(value: Any, name: str, least: int = 1) -> int:
    """`value` as an int, if it is a whole number from `least` on."""
    if not is_whole(value) or value < least:
        wanted = ", ".join(str(least + k) for k in range(3))
        raise ValueError(f"{name} must be {wanted}, ..., got {records.shown(value)}")
    return int(value)
