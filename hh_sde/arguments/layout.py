"""How the flat state falls into labelled variables, and which of them `record` keeps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hh_sde import continuation
from hh_sde.equations.layout import StateLayout
from hh_sde.errors import unknown
from hh_sde.measures import SpikeRule
from hh_sde.measures.detection import rule_attributes
from hh_sde.methods import Problem, Reached
from hh_sde.network import Derived, Network
from hh_sde.network.spread import Spread
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
    derived: Derived | Spread | None = None  # what `record` takes besides the variables
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
        if self.by_component:
            return chunk.reshape(*chunk.shape[:2], 1, chunk.shape[2])
        if chunk.shape[2] == len(kept) * self.width:
            return chunk.reshape(shape)
        there = np.concatenate([self.state_layout.components[name] >= 0 for name in kept])
        found = np.full((*chunk.shape[:2], there.size), np.nan, chunk.dtype)
        found[..., there] = chunk
        return found.reshape(shape)

    def initial_state(
        self, problem: Problem, time: float, method: str, rule: SpikeRule | None, has_trials: bool
    ) -> str | None:
        """The state that a run begins with, as an attribute; None if it is too large for one."""
        axes = {"trial": problem.trials, self.dim: self.members}
        begun = Reached(0, problem.x0, problem.detection, problem.opened, problem.carried)
        state = continuation.state_of(axes, self.labels, self.state_layout, begun, time)
        if state.nbytes > LARGEST_INITIAL_STATE:
            return None
        attrs = {"method": method, "dt": problem.dt}  # steps half done are taken up by the same
        attrs |= {} if rule is None else rule_attributes(rule)
        state = state if has_trials else state.isel(trial=0)
        return continuation.as_text(state.assign_attrs(attrs))

    def place(self, component: int) -> tuple[str, int | None]:
        """The variable's name and the neuron (None for an SDE) of a component of the state."""
        if self.by_component:
            return str(self.members[component]), None
        layout = self.state_layout
        return layout.name_of(component), int(layout.places[component]) % self.width
