"""The subject of a study: a network, an SDE, or a problem with a known solution."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import xarray as xr

from hh_sde.brownian import BrownianPath, Rng
from hh_sde.errors import unknown
from hh_sde.network import Network
from hh_sde.problems import PROBLEMS, Problem, ReferencedProblem
from hh_sde.records import shown
from hh_sde.sde import SDE

Studied = Network | SDE | Problem


@dataclass(frozen=True)
class Subject:
    """The model of a study, and its known solution if there is one.

    Parameters
    ----------
    model : Network or SDE
    problem : problem of `hh_sde.problems` or None
        Whose model it is.
    """

    model: Network | SDE
    problem: Problem | None = None

    @classmethod
    def of(cls, given: Any, study: str) -> Subject:
        """The subject of a study.

        Raises
        ------
        TypeError
            If it is none.
        """
        if isinstance(given, Problem):
            return cls(given.model, given)
        if isinstance(given, Network | SDE):
            return cls(given)
        raise TypeError(
            f"{study} takes a Network, an SDE or a problem of hh_sde.problems, got {shown(given)}"
        )

    @cached_property
    def sde(self) -> SDE:
        """Its equation."""
        return self.model.sde() if isinstance(self.model, Network) else self.model

    @property
    def net(self) -> Network | None:
        """The network, if it is one."""
        return self.model if isinstance(self.model, Network) else None

    @property
    def noisy(self) -> bool:
        """Whether trials differ."""
        return self.model.noisy if isinstance(self.model, Network) else self.model.m > 0

    @property
    def width(self) -> int:
        """Number of neurons, or 1: costs are given per neuron."""
        return 1 if self.net is None else self.net.n_neurons

    @property
    def attributes(self) -> dict[str, str]:
        """Attributes of results that describe it."""
        network = {} if self.net is None else {"network": self.net.describe()}
        names = [name for name, problem in PROBLEMS.items() if problem is self.problem]
        return network | ({"problem": names[0]} if names else {})

    # -- what is compared along a path -------------------------------------------------------------

    def see_variable(self, variable: str | None) -> None:
        """See that it has a variable, of an SDE a component, of this name.

        Raises
        ------
        ValueError
            If it has none.
        """
        names = self.sde.names if self.net is None else self.net.labels
        if variable is not None and variable not in names:
            raise ValueError(
                unknown("component" if self.net is None else "variable", variable, names)
            )

    def units(self, variable: str | None) -> str:
        """Of a variable; V is that of networks, where none is named."""
        return "1" if self.net is None else str(self.net.labels[variable or "V"]["units"])

    def record(self, variable: str | None) -> list[str] | None:
        """Variables that `solve` records for it."""
        if variable is None:
            return None if self.net is None else ["V"]
        return [variable]

    def states(self, ds: xr.Dataset, variable: str | None) -> np.ndarray:
        """The values (trials, times, neurons or components) of what was recorded."""
        return (ds.x if self.net is None else ds[variable or "V"]).values

    def finest(
        self, dts: Sequence[float], refine: int, t_end: float, trials: int, rng: Rng
    ) -> float:
        """Step of the finest grid of paths: that of the known solution, or of a finer reference."""
        if isinstance(self.problem, ReferencedProblem):
            path = self.sde.path(rng, self.problem.dt)
            if self.problem.knows(path, t_end, trials) and min(dts) >= self.problem.dt:
                return self.problem.dt
        elif self.problem is not None and self.problem.pathwise:
            return min(dts)
        return min(dts) / refine

    def exact(
        self, path: BrownianPath | None, t: float, trials: int, variable: str | None = None
    ) -> np.ndarray | None:
        """The solution at time t along the path of each trial, (trials, values), if it is known."""
        if self.problem is None or path is None or not self.problem.knows(path, t, trials):
            return None
        x = np.array([self.problem.exact(path.of_trial(i), t) for i in range(trials)])
        if self.net is not None:
            return self.net.layout.of(x, variable or "V")
        return x if variable is None else x[:, [self.sde.names.index(variable)]]
