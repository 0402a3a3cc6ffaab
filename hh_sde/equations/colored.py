"""Coloured noise: Ornstein-Uhlenbeck processes as variables."""

from __future__ import annotations

from hh_sde.equations.expressions import call
from hh_sde.equations.part import Part, dt, inv_dt
from hh_sde.equations.quantities import Assignment, Names, NoiseTerm, Parameters, Variable
from hh_sde.equations.tables import ColoredTable


class ColoredPart(Part):
    """dy = (mean - y)/tau dt + s sqrt(2/tau) dW, y of variance s^2 (Uhlenbeck & Ornstein 1930)."""

    def __init__(
        self,
        variable: Variable,
        row: int,
        table: ColoredTable,
        parameters: Parameters,
        names: Names,
    ) -> None:
        y, units = variable.name, variable.units
        self.variables = (variable,)
        self.first_row = row
        self.y, self.units = variable.symbol, f"{units}/ms"
        self.dy = names.new(f"d{y}")
        self.mean = parameters.new(f"mean_{y}", table.mean, units, f"mean of {y}")
        sd = parameters.new(f"sd_{y}", table.sigma, units, f"standard deviation of {y}")
        tau = parameters.new(f"tau_{y}", table.tau, "ms", f"correlation time of {y}")
        self.variance = parameters.derived(f"var_{y}", sd**2, f"({units})^2", f"sd_{y}^2")
        self.rate = parameters.derived(f"inv_tau_{y}", 1.0 / tau, "1/ms", f"1/tau_{y}")
        dW, amplitude = (names.new(f"{kind}_{y}") for kind in ("noise", "sigma"))
        R = 2.0 * self.variance * self.rate
        self.terms = (NoiseTerm(dW, amplitude, ((row, 1.0),), R),)

    def drift(self) -> list[Assignment]:
        dy = (self.mean - self.y) * self.rate
        return [Assignment(self.dy, dy, self.units, f"d{self.variables[0].name}/dt")]

    def flow(self, reverse: bool) -> list[Assignment]:
        noise = call("root", self.variance * call("decayed", 2.0 * self.rate * dt) * inv_dt)
        relaxed = self.y + (self.mean - self.y) * call("decayed", self.rate * dt)
        return [Assignment(self.y, relaxed + noise * self.terms[0].dW)]

    def steady(self) -> list[Assignment]:
        return [Assignment(self.y, self.mean)]
