"""Pools: concentrations that currents feed."""

from __future__ import annotations

from collections.abc import Sequence

from hh_sde.equations.expressions import ZERO, Choice, Expression, Symbol, call, total
from hh_sde.equations.part import Part, dt
from hh_sde.equations.quantities import Assignment, Names, Parameters, Variable
from hh_sde.equations.tables import PoolTable

#: mM: less than one ion in any cell. No division by 0 where a concentration is.
_NOTHING = 1e-30


class PoolPart(Part):
    """dc/dt = -k I - (c - rest)/tau.

    Over a step, the current is held at its value in the middle. One that enters feeds the pool
    evenly; one that leaves is held per concentration, so that it takes a fraction of what is there
    for every moment: the flow of both is exact, and c stays positive at any step.
    """

    with_V = True

    def __init__(
        self,
        variable: Variable,
        row: int,
        table: PoolTable,
        currents: Sequence[Expression],
        parameters: Parameters,
        names: Names,
    ) -> None:
        c, name = variable.symbol, variable.name
        self.variables = (variable,)
        self.first_row = row
        self.c, self.own = c, Symbol(f"own_{c.name}")
        self.dc, self.influx = names.new(f"d{name}"), names.new(f"influx_{name}")
        of = f"the concentration {name}"
        k = parameters.new(f"k_{name}", table.k, "mM*cm^2/(uA*ms)", f"what a current adds to {of}")
        self.rest = parameters.new(f"rest_{name}", table.rest, "mM", f"{of} without current")
        tau = parameters.new(f"tau_{name}", table.tau, "ms", f"time constant of {of}")
        self.rate = parameters.derived(f"inv_tau_{name}", 1.0 / tau, "1/ms", f"1/tau_{name}")
        self.tau, self.k, self.current = tau, k, total(list(currents))
        self.name = name

    def drift(self) -> list[Assignment]:
        meaning = f"what currents add to {self.name}"
        return [
            Assignment(self.influx, -(self.k * self.current), "mM/ms", meaning),
            Assignment(
                self.dc,
                self.influx - (self.c - self.rest) * self.rate,
                "mM/ms",
                f"d{self.name}/dt",
            ),
        ]

    def flow(self, reverse: bool) -> list[Assignment]:
        gain = Choice(self.influx, ZERO, self.influx, ZERO)
        loss = Choice(self.influx, ZERO, ZERO, -self.influx)
        rate, level = Symbol("z"), Symbol("total")
        return [
            Assignment(rate, self.rate + loss / (self.c + _NOTHING)),
            Assignment(level, (self.rest * self.rate + gain) / rate),
            Assignment(self.c, self.own + (level - self.own) * call("decayed", rate * dt)),
        ]

    def steady(self) -> list[Assignment]:
        """What it would be at rest with the current that flows: the current may depend on it."""
        return [Assignment(self.c, self.rest + self.influx * self.tau)]
