"""Fluctuations of a channel's open fraction: coloured noise whose law follows V."""

from __future__ import annotations

from collections.abc import Sequence

from hh_sde.equations.expressions import Expression, Symbol, call, product, total
from hh_sde.equations.part import Part, dt, inv_dt
from hh_sde.equations.quantities import Assignment, Names, NoiseTerm, Variable
from hh_sde.equations.rates import Kinetics
from hh_sde.equations.states import ways_to_choose


class FluctuationPart(Part):
    """z, a part of the open fraction's fluctuation: dz = -w z dt + sqrt(2 w R) dW.

    The open fraction of N channels has the stationary autocovariance prod x^p (x + (1 - x)
    e^(-t/tau))^p / N less its value at infinity: a sum of exponentials, one for each way to choose
    k of the subunits of every gate, with w = sum k (alpha + beta) (Linaro, Storace & Giugliano
    2011, doi:10.1371/journal.pcbi.1001102, for the channels of Hodgkin & Huxley).
    """

    def __init__(
        self,
        variable: Variable,
        row: int,
        rates: Sequence[Kinetics],
        chosen: Sequence[int],
        inv_N: Symbol,
        names: Names,
    ) -> None:
        self.variables = (variable,)
        self.first_row = row
        self.z = variable.symbol
        self.dz = names.new(f"d{variable.name}")
        self.w: Expression = total(
            [float(k) * (r.alpha + r.beta) for r, k in zip(rates, chosen, strict=True) if k]
        )
        factors: list[Expression] = [ways_to_choose([r.power for r in rates], chosen), inv_N]
        for r, k in zip(rates, chosen, strict=True):
            factors += [r.x_inf] * (2 * r.power - k) + [1.0 - r.x_inf] * k
        self.variance = product(factors)
        dW, amplitude = (names.new(f"{kind}_{variable.name}") for kind in ("noise", "sigma"))
        R = 2.0 * self.w * self.variance
        self.terms = (NoiseTerm(dW, amplitude, ((row, 1.0),), R),)

    def drift(self) -> list[Assignment]:
        meaning = f"d{self.variables[0].name}/dt"
        return [Assignment(self.dz, -self.w * self.z, "1/ms", meaning)]

    def flow(self, reverse: bool) -> list[Assignment]:
        """The law at fixed V: exact, as that of an Ornstein-Uhlenbeck process is."""
        w_dt, noise = Symbol("z"), Symbol("noise")
        spread = call("root", self.variance * call("decayed", 2.0 * w_dt) * inv_dt)
        return [
            Assignment(w_dt, self.w * dt),
            Assignment(noise, spread * self.terms[0].dW),
            Assignment(self.z, self.z - self.z * call("decayed", w_dt) + noise),
        ]

    def steady(self) -> list[Assignment]:
        return [Assignment(self.z, total([]))]
