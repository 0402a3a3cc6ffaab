"""How the flat state falls into labelled variables, and which of them `record` keeps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hh_sde import continuation
from hh_sde.errors import unknown
from hh_sde.measures import SpikeRule, rule_attributes
from hh_sde.methods import Problem, Reached
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
    derived: Derived | None = None  # what `record` takes besides the variables

    @classmethod
    def of(cls, model: Network | SDE, sde: SDE) -> Layout:
        if isinstance(model, Network):
            neurons = tuple(range(model.n_neurons))
            return cls("neuron", model.labels, neurons, False, model.derived)
        x = {"units": "1", "long_name": "state", "role": "state"}
        return cls("component", {"x": x}, tuple(sde.names), True)

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
        needed = self.state if self.follow(kept) else kept
        rows = [list(self.labels).index(name) for name in needed]
        return (np.array(rows, dtype=int)[:, None] * self.width + np.arange(self.width)).ravel()

    def initial_state(
        self, problem: Problem, method: str, rule: SpikeRule | None, has_trials: bool
    ) -> str | None:
        """The state that a run begins with, as an attribute; None if it is too large for one."""
        axes = {"trial": problem.trials, self.dim: self.members}
        time = problem.first_step * problem.dt
        begun = Reached(0, problem.x0, problem.detection, problem.opened)
        state = continuation.state_of(axes, self.labels, begun, time)
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
        return list(self.labels)[component // self.width], component % self.width
