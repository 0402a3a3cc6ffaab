"""Gates: dx/dt = alpha (1 - x) - beta x, of channels and of synapses."""

from __future__ import annotations

from hh_sde.equations.expressions import Symbol, call
from hh_sde.equations.part import Part, dt, exchange_probabilities, inv_dt
from hh_sde.equations.quantities import Assignment, Names, NoiseTerm, Variable
from hh_sde.equations.rates import Kinetics


class GatePart(Part):
    """dx = (alpha (1 - x) - beta x) dt + sqrt((alpha (1 - x) + beta x)/N) dW (Fox & Lu 1994).

    Without inv_N = 1/N there is no noise. With `steady_noise` its variance is that of x_inf.
    """

    def __init__(
        self,
        variable: Variable,
        row: int,
        rates: Kinetics,
        names: Names,
        inv_N: Symbol | None = None,
        steady_noise: bool = False,
    ) -> None:
        self.variables = (variable,)
        self.first_row = row
        self.x, self.rates, self.inv_N = variable.symbol, rates, inv_N
        self.of_noise = rates.x_inf if steady_noise else self.x
        self.dx = names.new(f"d{variable.name}")
        if inv_N is not None:
            R = (rates.alpha * (1.0 - self.of_noise) + rates.beta * self.of_noise) * inv_N
            dW, amplitude = (names.new(f"{kind}_{variable.name}") for kind in ("noise", "sigma"))
            self.terms = (NoiseTerm(dW, amplitude, ((row, 1.0),), R),)

    def drift(self) -> list[Assignment]:
        x, alpha, beta = self.x, self.rates.alpha, self.rates.beta
        meaning = f"d{self.variables[0].name}/dt"
        return [Assignment(self.dx, alpha * (1.0 - x) - beta * x, "1/ms", meaning)]

    def flow(self, reverse: bool) -> list[Assignment]:
        x, alpha, beta = self.x, self.rates.alpha, self.rates.beta
        if self.inv_N is None:
            return [Assignment(x, call("relaxed", x, alpha, beta, dt))]
        forth, back = Symbol("forth"), Symbol("back")
        y = self.of_noise
        variance = (1.0 - y) * forth * (1.0 - forth) + y * back * (1.0 - back)
        noise = call("root", variance * self.inv_N * inv_dt) * self.terms[0].dW
        return [
            *exchange_probabilities(alpha, beta),
            Assignment(Symbol("noise"), noise),
            Assignment(x, x + ((1.0 - x) * forth - x * back) + Symbol("noise")),
        ]

    def steady(self) -> list[Assignment]:
        return [Assignment(self.x, self.rates.alpha / (self.rates.alpha + self.rates.beta))]

    def bound(self, policy: str) -> list[Assignment]:
        x = self.x
        if self.inv_N is None:
            return []
        if policy == "reflect":
            mirrored = call("abs", 1.0 - call("abs", 1.0 - x))
            return [Assignment(x, call("abs", x)), Assignment(x, mirrored)]
        return [Assignment(x, call("min", call("max", x, 0.0), 1.0))]
