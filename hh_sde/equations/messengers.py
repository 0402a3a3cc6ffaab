"""Second messengers: what the receptors of a synapse activate, and what it opens."""

from __future__ import annotations

from hh_sde.equations.expressions import Symbol, call
from hh_sde.equations.part import Part, dt
from hh_sde.equations.quantities import Assignment, Names, Parameters, Variable
from hh_sde.equations.rates import Kinetics
from hh_sde.equations.tables import SynapseTable


class MessengerPart(Part):
    """dG/dt = K3 s - K4 G, s being the gate of a synapse, whose part comes after this one.

    Attributes
    ----------
    output : Assignment
        The share of channels that is open, G^power/(G^power + Kd).
    """

    def __init__(
        self,
        variable: Variable,
        row: int,
        synapse: SynapseTable,
        s: Symbol,
        rates: Kinetics,
        parameters: Parameters,
        names: Names,
    ) -> None:
        table, name = synapse.messenger, synapse.name
        assert table is not None
        self.variables = (variable,)
        self.first_row = row
        self.G, self.s, self.rates = variable.symbol, s, rates
        self.dG = names.new(f"d{variable.name}")
        of = f"the second messenger of {name}"
        self.K3 = parameters.new(f"K3_{name}", table.K3, "uM/ms", f"rate of making {of}")
        self.K4 = parameters.new(f"K4_{name}", table.K4, "1/ms", f"rate of decay of {of}")
        meaning = f"dissociation constant of {of} and the channel"
        Kd = parameters.new(f"Kd_{name}", table.Kd, f"uM^{table.power}", meaning)
        most = f"{of} where all receptors are activated"
        self.most = parameters.derived(f"most_{variable.name}", self.K3 / self.K4, "uM", most)
        bound = self.G**table.power
        meaning = f"share of the channels that {of} opens"
        self.output = Assignment(names.new(f"open_{name}"), bound / (bound + Kd), "1", meaning)

    def drift(self) -> list[Assignment]:
        meaning = f"d{self.variables[0].name}/dt"
        return [Assignment(self.dG, self.K3 * self.s - self.K4 * self.G, "uM/ms", meaning)]

    def flow(self, reverse: bool) -> list[Assignment]:
        """Exact, s relaxing to its steady state meanwhile: what is away from it leaves a trace.

        At the rate k = alpha + beta, this is (e^(-K4 dt) - e^(-k dt))/(k - K4) of itself.
        """
        z, kept, both, level = (Symbol(name) for name in ("z", "noise", "total", "level"))
        trace = dt * kept / call("linoid", z)
        made = self.most * level * call("decayed", self.K4 * dt)
        return [
            Assignment(both, self.rates.alpha + self.rates.beta),
            Assignment(level, self.rates.alpha / (both + 1e-300)),  # not 0/0 where both are 0
            Assignment(z, (both - self.K4) * dt),
            Assignment(kept, call("exp", -(self.K4 * dt))),
            Assignment(self.G, self.G * kept + made + self.K3 * ((self.s - level) * trace)),
        ]

    def steady(self) -> list[Assignment]:
        return [Assignment(self.G, self.most * self.rates.x_inf)]
