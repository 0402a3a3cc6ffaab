"""The Jacobian of a population's drift, and how a small displacement changes: by differentiation.

The drift of a neuron depends on its own variables, and on the other neurons through the sums W s
and W V alone; the derivatives by both are given, row by row, for every lane.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from hh_sde.equations.differentiation import directional_derivatives
from hh_sde.equations.expressions import ONE, ZERO, Expression, Symbol
from hh_sde.equations.loops import Loop, NeuronLoops, Output, Stage, output_rows
from hh_sde.equations.quantities import Assignment
from hh_sde.equations.system import System


class Entry(NamedTuple):
    """d f_row / d x_column, or by sum number `column` of the other neurons where `coupled`.

    A row after those of the variables is an output's, and no part of f.
    """

    row: int
    column: int
    coupled: bool
    value: Expression


class Derivatives:
    """The loops `jacobian` and `tangent` of a population.

    What neurons feel of each other goes through the sums; of outputs in these, the derivatives are
    entries of their own.

    Attributes
    ----------
    entries : list of Entry
        Those that are not 0 everywhere, in the order of the rows that `jacobian` gives.
    """

    def __init__(self, population: System) -> None:
        self.population = population
        self.assignments: list[Assignment] = list(population.assignments)
        self.entries: list[Entry] = []
        own = [variable.symbol for variable in population.variables]
        for column, x in enumerate(own):
            self._column(x, column, coupled=False)
        for column, x in enumerate(population.coupled):
            self._column(x, column, coupled=True)
        self._displaced = self._displacement([*own, *population.coupled])

    def _column(self, x: Symbol, column: int, coupled: bool) -> None:
        slopes = self._derivatives({x.name: ONE}, f"by_{x.name}")
        for row, f in enumerate((*self.population.drift, *self.population.outputs)):
            value = slopes.get(f.name, ZERO)
            if value != ZERO:
                self.entries.append(Entry(row, column, coupled, value))

    def _displacement(self, symbols: list[Symbol]) -> dict[str, Expression]:
        """How drifts and outputs change where each symbol is displaced."""
        along: dict[str, Expression] = {x.name: Symbol(f"along_{x.name}") for x in symbols}
        return self._derivatives(along, "along")

    def _derivatives(self, along: dict[str, Expression], suffix: str) -> dict[str, Expression]:
        population = self.population
        named, derivatives = directional_derivatives(
            population.assignments, along, suffix, population.names.new
        )
        self.assignments += named
        return derivatives

    def _displaced_values(self, of: Sequence[Symbol]) -> list[Expression]:
        return [self._displaced.get(one.name, ZERO) for one in of]

    def loops(self) -> list[Loop]:
        """Both loops, and what they need of the outputs."""
        population = self.population
        entries = [
            Output("entries", row, f"{entry.row}_{entry.column}{'c' * entry.coupled}", entry.value)
            for row, entry in enumerate(self.entries)
        ]
        displaced = [
            Output("dv", row, variable.symbol.name, value)
            for row, (variable, value) in enumerate(
                zip(population.variables, self._displaced_values(population.drift), strict=True)
            )
        ]
        along = self._displaced_values(population.outputs)
        return [
            Loop(
                "jacobian",
                "state, I, coupled, entries",
                "Derivatives of f by a lane's own variables, and by the sums over other neurons.",
                [Stage([], entries)],
            ),
            Loop(
                "tangent",
                "state, I, coupled, vector, vector_sums, dv",
                "J v for a vector v of the state's shape, whose sums W v are in vector_sums.",
                [Stage([], displaced)],
            ),
            Loop(
                "make_outputs",
                "state",
                NeuronLoops.make_outputs.__doc__ or "",
                [Stage([], output_rows(population, "state", population.outputs))],
            ),
            Loop(
                "displace_outputs",
                "state, vector",
                "How that changes along a vector v of the state's shape, into the same rows of v.",
                [Stage([], output_rows(population, "vector", along))],
            ),
        ]
