"""What loops are written from: variables, parameters, assignments, noise, whoever stated them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hh_sde.equations.expressions import Symbol
from hh_sde.equations.part import Part
from hh_sde.equations.quantities import (
    AnyTerm,
    Assignment,
    Names,
    Parameters,
    Variable,
)
from hh_sde.equations.rates import Kinetics
from hh_sde.equations.tables import Model


class System:
    """Base of `Dynamics`, a population of neurons, and `Stated`, an SDE of one's own.

    Attributes
    ----------
    model : Model
        The tables of a population; of an SDE of one's own, one neuron of nothing.
    variables : tuple of Variable
        The rows of the state.
    parameters : Parameters
    terms : tuple of NoiseTerm or StatedTerm
        What noise does: each a Wiener process that moves rows with an amplitude.
    concentrations : dict of str to Symbol
        Those of the pools, by name.
    coupled : tuple of Symbol
        Sums over the other neurons: W s of each synapse, W V of gap junctions.
    outputs : tuple of Symbol
        What other neurons add up and is no variable: it has the rows after those of the state.
    free : (int, int)
        Rows of variables that may leave [0, 1]: from, up to.
    time : Symbol or None
        The time, where something reads it: it has the row after those.
    """

    model: Model
    names: Names
    variables: tuple[Variable, ...]
    parameters: Parameters
    terms: tuple[AnyTerm, ...] = ()
    kinetics: Sequence[Kinetics] = ()
    parts: Sequence[Part] = ()
    concentrations: Mapping[str, Symbol] = {}
    coupled: tuple[Symbol, ...] = ()
    outputs: tuple[Symbol, ...] = ()
    free: tuple[int, int] = (0, 0)
    time: Symbol | None = None

    @property
    def assignments(self) -> tuple[Assignment, ...]:
        """All equations, each after those that it needs."""
        raise NotImplementedError

    @property
    def drift(self) -> tuple[Symbol, ...]:
        """The drift of each row of the state."""
        raise NotImplementedError

    @property
    def processes(self) -> tuple[Symbol, ...]:
        """The increments of the Wiener processes, of which several terms may have the same."""
        return tuple(dict.fromkeys(term.dW for term in self.terms))

    @property
    def rows(self) -> list[str]:
        """What stands in the rows of the lanes: the variables, the outputs, the time."""
        symbols = [*self.outputs, *([] if self.time is None else [self.time])]
        return [variable.name for variable in self.variables] + [one.name for one in symbols]

    @property
    def V_dependent(self) -> bool:
        """Whether V's flow is exact only if something that follows V is held."""
        return False
