"""Loops as text for numba: straight lines inside one loop over lanes, which LLVM turns into SIMD.

All numbers stay arguments, so another network of that shape needs no compilation. Those equal in
all neurons are in `p`, others are rows of `q` with one column per lane.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from hh_sde.equations.expressions import Expression, names
from hh_sde.equations.infix import ATOM, CHAIN, Style, infix
from hh_sde.equations.jacobian import Derivatives
from hh_sde.equations.loops import Loop, Loops, Output, Stage
from hh_sde.equations.part import dt
from hh_sde.equations.population import Population
from hh_sde.equations.quantities import Assignment
from hh_sde.equations.sharing import SharedExponentials
from hh_sde.equations.template import appended_text, tangent_text

#: Lines of a written module are at most about this long.
WIDTH = 100

HEADER = '''"""{variables}: written by hh_sde.equations, not by hand.

Units are ms, mV, uA/cm^2, mS/cm^2, uF/cm^2. A lane is one neuron of one trial.

The rows of the state:
{rows}

The numbers, p[k] where all neurons have the same and q[k, lane] where they differ:
{legend}
"""
from math import sqrt

import numpy as np

from hh_sde.kernels.binomial import binomial, uniform_of
from hh_sde.kernels.coupling import I_at, add, add_row, couple
from hh_sde.kernels.elementary import table_value
from hh_sde.kernels.{functions} import (
    decayed, exp, linoid, linoid_of, log, power, relaxed, {root} as root,
)
from hh_sde.kernels.jit import call, expression, kernel, maker, shared, stepper
from hh_sde.kernels.rows import row
from hh_sde.kernels.slopes import linoid_slope, linoid_slope_of, table_slope
from hh_sde.kernels.watch import watched
'''

#: What the integrators read of a model.
CONSTANTS = """\
V_DEPENDENT_CONDUCTANCE = {V_dependent}  # or gap junctions: V's flow holds what follows V
POOLS = {pools}  # concentrations move with V
TERMS = {terms}  # Wiener processes of a lane's own
BOUNDED = {bounded}  # states are brought back into [0, 1] after each step
FREE = {free}  # rows of variables that may leave [0, 1]: from, up to
"""


class Written(NamedTuple):
    """The text of a module, and the names of the numbers that it takes in p and in q."""

    text: str
    scalars: tuple[str, ...]
    rows: tuple[str, ...]


#: What was written in this process, by the shape of the model.
_WRITTEN: dict[Hashable, Written] = {}


def written(population: Population, dtype: str = "float64") -> Written:
    """The module of a population in a precision: written once for all that have its shape."""
    shared = SharedExponentials(population.assignments, population.parameters, population.names)

    def text() -> Written:
        loops = Loops(population, shared.assignments)
        ending = [_constants(population), appended_text()]
        return _Writer(population, loops.definitions, loops.all(), ending, dtype).written

    return _of_shape(f"loops, {dtype}", population, shared, text)


def written_derivatives(derivatives: Derivatives) -> Written:
    """The module of a population's Jacobian and of its tangent flow."""
    population = derivatives.population
    shared = SharedExponentials(derivatives.assignments, population.parameters, population.names)

    def text() -> Written:
        return _Writer(
            population, shared.assignments, derivatives.loops(), [tangent_text()]
        ).written

    return _of_shape("derivatives", population, shared, text)


def _of_shape(
    kind: str, population: Population, shared: SharedExponentials, text: Callable[[], Written]
) -> Written:
    """What was written for this shape, or is now."""
    table = population.parameters.table
    uniform = tuple((name, parameter.uniform) for name, parameter in table.items())
    tables = _without_numbers(population.model._replace(n_neurons=1))
    shape = (kind, tables, uniform, shared.shape)
    if shape not in _WRITTEN:
        _WRITTEN[shape] = text()
    return _WRITTEN[shape]


def _without_numbers(table: Any) -> Hashable:
    """What is in a table besides arrays."""
    if isinstance(table, tuple):
        return tuple(map(_without_numbers, table))
    return None if isinstance(table, np.ndarray) else table


class _Writer:
    """Writes a population's module."""

    def __init__(
        self,
        population: Population,
        definitions: Sequence[Assignment],
        loops: Sequence[Loop],
        ending: Sequence[str],
        dtype: str = "float64",
    ) -> None:
        self.population = population
        self.single = dtype == "float32"
        printed = [_Printed(loop, definitions, population, self.single) for loop in loops]
        read = {name for loop in printed for name in loop.read}
        used = [p for name, p in population.parameters.table.items() if name in read]
        self.scalars = [parameter for parameter in used if parameter.uniform]
        self.rows = [parameter for parameter in used if not parameter.uniform]
        places = {p.symbol.name: f"p[{k}]" for k, p in enumerate(self.scalars)}
        places |= {p.symbol.name: f"q[{k}]" for k, p in enumerate(self.rows)}
        functions = self._functions(printed, places)
        self.written = Written(
            text="\n\n".join([self._header(), *functions, *ending]),
            scalars=tuple(parameter.symbol.name for parameter in self.scalars),
            rows=tuple(parameter.symbol.name for parameter in self.rows),
        )

    def _header(self) -> str:
        population = self.population
        rows = [(f"state[{k}]", v.symbol.name, v.units, v.long_name)
                for k, v in enumerate(population.variables)]  # fmt: skip
        numbers = [
            (f"{array}[{k}]", p.symbol.name, p.units, p.meaning)
            for array, parameters in (("p", self.scalars), ("q", self.rows))
            for k, p in enumerate(parameters)
        ]
        return HEADER.format(
            variables=f"{len(population.variables)} variables",
            functions="single" if self.single else "elementary",
            rows=_table(rows),
            legend=_table(numbers),
            root="absolute_root" if population.model.bounds == "absolute" else "positive_root",
        )

    def _functions(self, printed: Sequence[_Printed], places: Mapping[str, str]) -> Iterator[str]:
        same: dict[tuple[str, str], str] = {}
        for loop in printed:
            name, arguments, description = loop.loop[:3]
            body = loop.body(places)
            if (arguments, body) in same:  # compiled once
                yield f"{name} = {same[arguments, body]}\n"
            else:
                same[arguments, body] = name
                yield f'{_head(loop.loop)}    """{_first_paragraph(description)}"""\n{body}'


def _head(loop: Loop) -> str:
    """What a loop takes: arrays from Python, from other loops their first numbers and the lanes."""
    first, *others = loop.arguments.split(", ")
    if loop.called_from_python:
        arguments = ", ".join([first, *others, "p", "q", "curves"])
        return f"@kernel\ndef {loop.name}({arguments}):\n"
    names = [first, "lanes", *others, "p", "q", "curves"]
    types = ", ".join(_TYPES.get(name, "real*") for name in names)
    return f'@shared("void({types})")\ndef {loop.name}({", ".join(names)}):\n'


#: Types of the arguments that are no arrays.
_TYPES = {"lanes": "i64", "used": "i64", "dt": "f64", "c": "f64"}


def _constants(population: Population) -> str:
    return CONSTANTS.format(
        V_dependent=population.V_dependent,
        pools=bool(population.concentrations),
        terms=len(population.terms),
        bounded=population.model.bounds in ("clip", "reflect"),
        free=population.free,
    )


class _Printed:
    """One loop: its lines, and what they read."""

    def __init__(
        self,
        loop: Loop,
        definitions: Sequence[Assignment],
        population: Population,
        single: bool,
    ) -> None:
        self.loop = loop
        self.single = single
        self._sources = _sources(population)
        if "w" in loop.arguments.split(", "):  # concentrations are held as they are there
            held = {symbol.name for symbol in population.concentrations.values()}
            self._sources |= {name: ("w", *self._sources[name][1:]) for name in held}
        self._parameters = population.parameters.table
        self._definitions = {a.target.name: a for a in definitions}
        self._lines: list[str] = []
        self._views: dict[str, str] = {}
        self.read: dict[str, None] = {}  # parameters
        self._known: set[str] = set()
        for stage in loop.stages:
            self._stage(stage)

    def body(self, places: Mapping[str, str]) -> str:
        """The function's lines."""
        scalars = {name: place for name in self.read if (place := places[name])[0] == "p"}
        rows = {
            f"q_{name}": f'row(q, {place[2:-1]}, lanes, "q_{name}")'
            for name in self.read
            if (place := places[name])[0] == "q"
        }
        before = [f"{name} = {value}" for name, value in {**scalars, **rows, **self._views}.items()]
        loads = [f"{name} = q_{name}[lane]" for name in self.read if f"q_{name}" in rows]
        inside = [*loads, *self._lines] or ["pass"]
        if self.loop.called_from_python:
            before = ["lanes = state.shape[1]", *before]
        if self.single:
            given = [name for name in ("dt", "c") if name in self.loop.arguments.split(", ")]
            before = [*(f"{name} = {_single(name)}" for name in given), *before]
        lines = [f"    {line}" for line in before]
        many = "used" if "used" in self.loop.arguments else "lanes"
        lines += [f"    for lane in range({many}):"]
        lines += [f"        {line}" for entry in inside for line in _wrapped(entry)]
        return "\n".join(lines) + "\n"

    # -- lines -------------------------------------------------------------------------------------

    def _stage(self, stage: Stage) -> None:
        """A stage's lines, each after what it reads, which is loaded where it is first read."""
        self._known.discard("V")
        self._V_from = stage.V_from
        values = [assignment.value for assignment in stage.assignments]
        values += [output.value for output in stage.outputs]
        wanted = dict.fromkeys(name for value in values for name in names(value))
        for definition in _needed(wanted, self._definitions, self._known):
            self._assign(definition)
        for assignment in stage.assignments:
            self._assign(assignment)
        for output in stage.outputs:
            self._store(output)

    def _load(self, name: str) -> None:
        """Take the value of a name out of the arrays, if that has not been done."""
        if name in self._known:
            return
        self._known.add(name)
        if name == "V":
            self._lines.append(f"V = {self._view(self._V_from, 0, 'V')}[lane]")
        elif name in self._parameters:
            self.read[name] = None
        elif name == "inv_dt":
            self._views["inv_dt"] = code(1.0 / dt, self.single)
        elif name in self._sources:
            self._lines.append(f"{name} = {self._view(*self._sources[name])}[lane]")
        elif name not in ("dt", "c"):
            raise KeyError(f"{self.loop.name}: nothing gives {name}")

    def _value(self, value: Expression) -> str:
        for name in names(value):
            self._load(name)
        return code(value, self.single)

    def _assign(self, assignment: Assignment) -> None:
        self._lines.append(f"{assignment.target.name} = {self._value(assignment.value)}")
        self._known.add(assignment.target.name)

    def _store(self, output: Output) -> None:
        value = self._value(output.value)
        view = self._view(output.array, output.row, output.label)
        self._lines.append(f"{view}[lane] = {value}")

    def _view(self, array: str, number: int, label: str) -> str:
        """The name of a row of an array; see `kernels.rows`."""
        view = f"{array}_{label}"
        name = label if array in _PERHAPS_THE_STATE else view
        self._views[view] = f'row({array}, {number}, lanes, "{name}")'
        return view


#: Arrays that may be the same one, or rows of it, so that their rows have the variables' names.
_PERHAPS_THE_STATE = ("state", "out", "vector", "w")


def _sources(population: Population) -> dict[str, tuple[str, int, str]]:
    """Where the values of symbols come from: a row of an array, and its label."""
    found: dict[str, tuple[str, int, str]] = {}
    found["I_stim"] = ("I", 0, "injected")
    found["dW_V"] = ("A_dW", 0, "V")
    for k, variable in enumerate(population.variables):
        name = variable.symbol.name
        found[name] = ("state", k, name)
        found[f"old_{name}"] = ("out", k, name)
        found[f"own_{name}"] = ("state", k, name)
        found[f"along_{name}"] = ("vector", k, name)
    for k, term in enumerate(population.terms):
        found[term.dW.name] = ("dW", k, term.dW.name)
        found[f"given_{term.amplitude.name}"] = ("amplitudes", k, term.amplitude.name)
    for k, symbol in enumerate(population.coupled):
        found[symbol.name] = ("coupled", k, symbol.name)
        found[f"along_{symbol.name}"] = ("vector_sums", k, symbol.name)
    return found


def _needed(
    wanted: Mapping[str, None], definitions: Mapping[str, Assignment], known: set[str]
) -> list[Assignment]:
    """The definitions of what is wanted, and of what those need, in their order."""
    needed: set[str] = set()
    waiting = list(wanted)
    while waiting:
        name = waiting.pop()
        if name in definitions and name not in known and name not in needed:
            needed.add(name)
            waiting += names(definitions[name].value)
    return [definition for name, definition in definitions.items() if name in needed]


# -- expressions -----------------------------------------------------------------------------------


def _power(base: str, exponent: int) -> tuple[str, float]:
    """Products, which are rounded from left to right; of the fourth power, two squares."""
    if exponent == 4:
        return f"(({base} * {base}) * ({base} * {base}))", ATOM
    return " * ".join([base] * exponent), CHAIN


def _call(function: str, arguments: list[str]) -> str:
    if function.startswith("table_"):
        V, start, inv_step, begin, points = arguments
        arguments = [V, start, inv_step, "curves", f"int({begin})", f"int({points})"]
    return f"{function}({', '.join(arguments)})"


def _single(number: Any) -> str:
    """A number in single precision: with one in double precision a whole sum would be so."""
    return f"np.float32({number})"


_DOUBLE = Style(_power, _call)
_SINGLE = Style(_power, _call, _single)


def code(e: Expression, single: bool = False) -> str:
    """The expression as Python."""
    return infix(e, _SINGLE if single else _DOUBLE)


def _wrapped(line: str) -> list[str]:
    """A line, broken inside parentheses if it is long."""
    if len(line) <= WIDTH:
        return [line]
    target, _, value = line.partition(" = ")
    parts = textwrap.wrap(value, WIDTH - 4, break_long_words=False, break_on_hyphens=False)
    return [f"{target} = (", *(f"    {part}" for part in parts), ")"]


def _table(rows: Sequence[tuple[str, ...]]) -> str:
    """Columns of equal width, indented."""
    if not rows:
        return "    none"
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "    " + "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def _first_paragraph(description: str) -> str:
    return " ".join(description.split("\n\n")[0].split())
