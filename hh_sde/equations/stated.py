"""The equations of an SDE of one's own: stated once, and what follows from them.

    dx = f(x, t) dt + G(x, t) dW

f and the entries of G are expressions of variables, parameters, the time, and of quantities in
between. The Jacobian, the drift in the other calculus and what kind of noise it is follow by
differentiation. The engine has it as a population of one neuron, all of whose noise is its own.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from copy import copy
from functools import cached_property

import numpy as np

from hh_sde.equations.differentiation import Direction, dependencies, directional_derivative
from hh_sde.equations.expressions import (
    ONE,
    ZERO,
    Expression,
    Number,
    Symbol,
    names,
    rewritten,
    total,
)
from hh_sde.equations.loops import Loops, Output, Stage
from hh_sde.equations.part import dt
from hh_sde.equations.quantities import Assignment, Names, Parameters, StatedTerm, Variable
from hh_sde.equations.system import System
from hh_sde.equations.tables import Model

#: Of a population of neurons there is nothing.
_NOTHING = Model(1, np.zeros(1), (), (), (), None)


class Stated(System):
    """The equations as symbols that the loops can have.

    Parameters
    ----------
    drift : mapping of variable to Expression
        Of the names that people use, as all the following.
    columns : mapping of process to mapping of variable to Expression
        Of G what is not 0.
    where : mapping of name to Expression
        Quantities in between, each after those that it needs.
    parameters : mapping of name to float
    time : str
        The name of the time.
    units : mapping of name to str
        Of variables, parameters and quantities.
    interpretation : {"ito", "stratonovich"}

    Attributes
    ----------
    spelled : dict of str to str
        The names of symbols as people gave them, where they are others.
    amplitudes, quantities : tuple of Assignment
        The entries of G, one of each term, and what is in between.
    stated_drift : tuple of Assignment
        As it was stated.
    process_names : tuple of str
        Of the Wiener processes.
    time_symbol : Symbol
        `time`, whether something reads it or not.

    See `System` for the others.
    """

    terms: tuple[StatedTerm, ...] = ()

    def __init__(
        self,
        drift: Mapping[str, Expression],
        columns: Mapping[str, Mapping[str, Expression]],
        where: Mapping[str, Expression],
        parameters: Mapping[str, float],
        time: str,
        units: Mapping[str, str],
        interpretation: str,
    ) -> None:
        self.model = _NOTHING
        self.names = Names()
        self.names.new("V")  # which the loops of neurons take from a row of its own
        self.interpretation = interpretation
        self.calculus = "ito"  # in which the drift is wanted
        self.units = units
        self.time_symbol = self.names.new(time)
        self._symbols = {time: self.time_symbol}
        self.variables = tuple(map(self._variable, drift))
        self.parameters = Parameters(self.names, 1)
        for name, value in parameters.items():
            self._symbols[name] = self.parameters.new(name, value, units.get(name, "1"), "")
        self.quantities = tuple(self._quantity(name, e) for name, e in where.items())
        self.process_names = tuple(columns)
        self.terms = tuple(self._terms(columns))
        self.amplitudes = tuple(
            Assignment(term.amplitude, term.size, self._per_time(term.to[0][0], "^0.5"), "")
            for term in self.terms
        )
        self.stated_drift = tuple(self._derivative(name, self._own(e)) for name, e in drift.items())
        self.free = (0, len(self.variables))
        read = {name for a in self.assignments for name in names(a.value)}
        self.time = self.time_symbol if self.time_symbol.name in read else None

    # -- symbols -----------------------------------------------------------------------------------

    @property
    def spelled(self) -> dict[str, str]:
        """Names of symbols as they were given."""
        return {symbol.name: given for given, symbol in self._symbols.items()}

    def _variable(self, name: str) -> Variable:
        symbol = self._symbols[name] = self.names.new(name)
        return Variable(name, self.units.get(name, "1"), "", symbol, {"role": "state"})

    def _own(self, e: Expression) -> Expression:
        """With the symbols of the loops for names that people gave."""
        return rewritten(e, lambda e: self._symbols[e.name] if isinstance(e, Symbol) else None)

    def _quantity(self, name: str, e: Expression) -> Assignment:
        value = self._own(e)
        symbol = self._symbols[name] = self.names.new(name)
        return Assignment(symbol, value, self.units.get(name, "1"), name)

    def _derivative(self, name: str, value: Expression) -> Assignment:
        row = [variable.name for variable in self.variables].index(name)
        return Assignment(self.names.new(f"d{name}"), value, self._per_time(row), f"d{name}/dt")

    def _per_time(self, row: int, root: str = "") -> str:
        return f"{self.variables[row].units}/ms{root}"

    def _terms(self, columns: Mapping[str, Mapping[str, Expression]]) -> list[StatedTerm]:
        rows = [variable.name for variable in self.variables]
        found = []
        for process, column in columns.items():
            dW = self.names.new(f"noise_{process}")
            for name in sorted(column, key=rows.index):
                amplitude = self.names.new(f"g_{name}_{process}")
                to = ((rows.index(name), 1.0),)
                found.append(StatedTerm(dW, amplitude, to, self._own(column[name])))
        return found

    # -- what follows ------------------------------------------------------------------------------

    @cached_property
    def _before(self) -> tuple[Assignment, ...]:
        """What drifts may need."""
        return (*self.quantities, *self.amplitudes)

    @cached_property
    def _reads(self) -> Mapping[str, frozenset[str]]:
        return dependencies(self._before)

    def column(self, process: int) -> Direction:
        """The direction in which a process moves the state."""
        dW = self.processes[process]
        return {
            self.variables[term.to[0][0]].symbol.name: term.amplitude
            for term in self.terms
            if term.dW == dW
        }

    def along(self, e: Expression, direction: Direction) -> Expression:
        """The derivative of an expression in a direction of the state."""
        return directional_derivative(e, direction, self._before, self._reads)

    @cached_property
    def slopes(self) -> dict[tuple[int, int], Expression]:
        """(dg) g_l of each term's entry g along each column, where it is not 0."""
        found = {}
        for process in range(len(self.processes)):
            direction = self.column(process)
            for k, term in enumerate(self.terms):
                slope = self.along(term.size, direction)
                if slope != ZERO:
                    found[k, process] = slope
        return found

    @cached_property
    def corrections(self) -> tuple[Expression, ...]:
        """1/2 sum_k (dg_k) g_k of each variable."""
        found: list[list[Expression]] = [[] for _ in self.variables]
        for k, term in enumerate(self.terms):
            slope = self.slopes.get((k, self.process_of(term)))
            if slope is not None:
                found[term.to[0][0]].append(slope)
        return tuple(0.5 * total(slopes) if slopes else ZERO for slopes in found)

    def process_of(self, term: StatedTerm) -> int:
        """The number of a term's Wiener process."""
        return self._numbers_of_processes[term.dW]

    @cached_property
    def _numbers_of_processes(self) -> dict[Symbol, int]:
        return {dW: number for number, dW in enumerate(self.processes)}

    @cached_property
    def _drifts(self) -> dict[str, tuple[Assignment, ...]]:
        """Those of each calculus."""
        sign = 1.0 if self.interpretation == "stratonovich" else -1.0
        other = []
        for stated, c in zip(self.stated_drift, self.corrections, strict=True):
            value = stated.target + c if sign > 0 else stated.target - c
            symbol = self.names.new(f"{stated.target.name}_restated")
            restated = Assignment(symbol, value, stated.units, stated.meaning)
            other.append(stated if c == ZERO else restated)
        kinds = (self.interpretation, *({"ito", "stratonovich"} - {self.interpretation}))
        return dict(zip(kinds, (self.stated_drift, tuple(other)), strict=True))

    def drift_in(self, calculus: str) -> tuple[Symbol, ...]:
        """The drift of each variable in a calculus."""
        return tuple(one.target for one in self._drifts[calculus])

    @property
    def drift(self) -> tuple[Symbol, ...]:
        """That which the loops take."""
        return self.drift_in(self.calculus)

    @cached_property
    def assignments(self) -> tuple[Assignment, ...]:
        """Quantities, entries of G, and drifts as stated, then in the other calculus."""
        drifts = dict.fromkeys(one for drift in self._drifts.values() for one in drift)
        return (*self._before, *drifts)

    def without_noise(self, calculus: str) -> Stated:
        """The drift in a calculus alone, as the loops' own."""
        alone = copy(self)
        alone.calculus, alone.terms = calculus, ()
        alone.__dict__["slopes"] = {}
        return alone

    def jacobian(self, calculus: str) -> dict[tuple[int, int], Expression]:
        """Entries [row, column] of the derivative of the drift, those that are not 0."""
        reads = dependencies(self.assignments)
        found = {}
        for column, variable in enumerate(self.variables):
            direction = {variable.symbol.name: ONE}
            for row, f in enumerate(self.drift_in(calculus)):
                slope = directional_derivative(f, direction, self.assignments, reads)
                if slope != ZERO:
                    found[row, column] = slope
        return found

    @property
    def shape(self) -> Hashable:
        """What the text of the loops depends on."""
        table = self.parameters.table.values()
        return (
            tuple((v.symbol, v.units, v.long_name) for v in self.variables),
            tuple((p.symbol, p.units, p.meaning) for p in table),
            self.assignments,
            self.terms,
            self.calculus,
        )

    # -- the kind of noise -------------------------------------------------------------------------

    @cached_property
    def depends_on(self) -> tuple[frozenset[int], ...]:
        """The rows that each term's entry of G depends on."""
        rows = {variable.symbol.name: row for row, variable in enumerate(self.variables)}
        reads = [self._reads[term.amplitude.name] for term in self.terms]
        return tuple(frozenset(rows[name] for name in one & rows.keys()) for one in reads)

    @property
    def diagonal(self) -> bool:
        """Whether process k moves variable k alone, by what depends on that alone."""
        d = len(self.variables)
        return len(self.processes) == len(self.terms) == d and all(
            term.to[0][0] == k and rows <= {k}
            for k, (term, rows) in enumerate(zip(self.terms, self.depends_on, strict=True))
        )

    def commutators(self) -> list[tuple[int, int, Expression, Expression]]:
        """Processes k < l, and (dg_k) g_l and (dg_l) g_k of a variable, if they look different."""
        by_row: dict[tuple[int, int, int], Expression] = {}
        for (k, along), slope in self.slopes.items():
            term = self.terms[k]
            by_row[term.to[0][0], self.process_of(term), along] = slope
        found = []
        for row, k, l in by_row:
            one, other = by_row[row, k, l], by_row.get((row, l, k), ZERO)
            if k != l and one != other and (k < l or other == ZERO):
                found.append((min(k, l), max(k, l), one, other))
        return found


class StatedLoops(Loops):
    """The loops that an SDE of one's own has."""

    population: Stated

    @property
    def definitions(self) -> Sequence[Assignment]:  # type: ignore[override]
        """Amplitudes are among the equations: drifts in the other calculus need them."""
        return self.assignments

    def _corrections(self) -> list[Expression | None]:
        found: list[Expression | None] = []
        for k, term in enumerate(self.population.terms):
            slope = self.population.slopes.get((k, self.population.process_of(term)))
            found.append(None if slope is None else 0.5 * slope)
        return found

    def drift(self) -> list[Stage]:
        """f(x, t): the drift of every variable; time has the drift 1."""
        (stage,) = super().drift()
        time = self.population.time
        if time is None:
            return [stage]
        row = self.population.rows.index(time.name)
        return [stage._replace(outputs=[*stage.outputs, Output("dx", row, time.name, Number(1.0))])]

    def milstein_euler(self) -> list[Stage]:
        """Euler's step, and sum over k and l of 1/2 (dg_k) g_l (dW_k dW_l - delta_kl dt).

        Columns commute: a pair of processes has two equal summands in each row.
        """
        stated, moves = self.population, list(self.moves)
        seen = set()
        for (term, l), slope in stated.slopes.items():
            row, k = stated.terms[term].to[0][0], stated.process_of(stated.terms[term])
            dW_k, dW_l = stated.processes[k], stated.processes[l]
            if k == l:
                moves[term] = moves[term] + 0.5 * slope * (dW_k * dW_k - dt)
            elif (row, l, k) not in seen:
                seen.add((row, k, l))
                moves[term] = moves[term] + slope * (dW_k * dW_l)
        return self._euler(dt, moves)
