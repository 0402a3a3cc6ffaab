"""What event-driven synapses leave behind: conductances and currents that decay."""

from __future__ import annotations

from collections.abc import Sequence

from hh_sde.equations.expressions import Expression, Symbol, call, total
from hh_sde.equations.part import Part, dt
from hh_sde.equations.quantities import Assignment, Names, Parameters, Variable
from hh_sde.equations.tables import InputTable


class ArrivalPart(Part):
    """dg/dt = -g/tau, or dh/dt = -h/tau_rise and dg/dt = -g/tau + h, where h is what jumps.

    The first of its variables jumps; the last is the conductance or the current.
    """

    def __init__(
        self,
        variables: Sequence[Variable],
        row: int,
        table: InputTable,
        parameters: Parameters,
        names: Names,
    ) -> None:
        assert table.tau is not None
        self.variables = tuple(variables)
        self.first_row = row
        self.g = variables[-1].symbol
        self.derivatives = [names.new(f"d{one.name}") for one in variables]
        of = f"the synapses {table.name}"
        tau = parameters.new(f"tau_{table.name}", table.tau, "ms", f"time constant of {of}")
        self.rate = parameters.derived(f"inv_tau_{table.name}", 1.0 / tau, "1/ms", f"1/{tau.name}")
        self.h: Symbol | None = None
        if table.tau_rise is not None:
            self.h = variables[0].symbol
            name = f"tau_rise_{table.name}"
            rise = parameters.new(name, table.tau_rise, "ms", f"time constant of the rise of {of}")
            self.rise = parameters.derived(f"inv_{name}", 1.0 / rise, "1/ms", f"1/{rise.name}")

    def drift(self) -> list[Assignment]:
        units = f"{self.variables[-1].units}/ms"
        decay: Expression = -(self.g * self.rate)
        if self.h is None:
            return [Assignment(self.derivatives[0], decay, units, f"d{self.variables[0].name}/dt")]
        names = [f"d{one.name}/dt" for one in self.variables]
        return [
            Assignment(self.derivatives[0], -(self.h * self.rise), f"{units}^2", names[0]),
            Assignment(self.derivatives[1], self.h + decay, units, names[1]),
        ]

    def flow(self, reverse: bool) -> list[Assignment]:
        """Exact: h adds (e^(-dt/tau) - e^(-dt/rise))/(1/rise - 1/tau) of itself to g."""
        decay = call("exp", -(self.rate * dt))
        if self.h is None:
            return [Assignment(self.g, self.g * decay)]
        z, kept = Symbol("z"), Symbol("noise")
        return [
            Assignment(z, (self.rise - self.rate) * dt),
            Assignment(kept, decay),
            Assignment(self.g, self.g * kept + self.h * (dt * kept / call("linoid", z))),
            Assignment(self.h, self.h * call("exp", -(self.rise * dt))),
        ]

    def steady(self) -> list[Assignment]:
        return [Assignment(one.symbol, total([])) for one in self.variables]
