"""What the state is made of: a part is one or more variables in consecutive rows.

A new kind of variable is a class derived from `Part` in a file of its own, and its line in
`population`. In the drift, noise is dx = f dt + sqrt(R) dW. In the flow over a step dt at a fixed
potential every part has the exact mean and variance of its own equation: the variance of a share of
N two-state channels that stay or change with probabilities p is p (1 - p)/N each.
"""

from __future__ import annotations

from hh_sde.equations.expressions import Expression, Symbol, call
from hh_sde.equations.quantities import Assignment, NoiseTerm, Variable

#: The step, and 1/dt: dW has the variance dt, so that dW sqrt(inv_dt) is standard normal.
dt, inv_dt = Symbol("dt"), Symbol("inv_dt")


class Part:
    """Base."""

    variables: tuple[Variable, ...] = ()
    first_row = 0
    terms: tuple[NoiseTerm, ...] = ()  # its noise
    with_V = False  # whether it moves when V does, at what V is in the middle of the step

    @property
    def symbols(self) -> tuple[Symbol, ...]:
        """The symbols of its variables."""
        return tuple(variable.symbol for variable in self.variables)

    def drift(self) -> list[Assignment]:
        """Assignments that end with the drift of each variable."""
        raise NotImplementedError

    def flow(self, reverse: bool) -> list[Assignment]:
        """What takes the variables over a step at fixed V, noise included."""
        raise NotImplementedError

    def exchange(self) -> list[Assignment]:
        """The same where channels are counted: whole channels change their state."""
        return self.flow(reverse=False)

    def steady(self) -> list[Assignment]:
        """The variables at the steady state."""
        raise NotImplementedError

    def bound(self, policy: str) -> list[Assignment]:
        """What brings the variables back into [0, 1]."""
        return []


def exchange_probabilities(opening: Expression, closing: Expression) -> list[Assignment]:
    """Probabilities `forth` and `back` that one of two states is left for the other within dt."""
    both, changed = Symbol("total"), Symbol("changed")
    return [
        Assignment(both, opening + closing + 1e-300),  # not 0/0 where both rates are 0
        Assignment(changed, call("decayed", both * dt) / both),
        Assignment(Symbol("forth"), opening * changed),
        Assignment(Symbol("back"), closing * changed),
    ]
