"""Loops as text for numba: straight lines inside one loop over lanes, which LLVM turns into SIMD.

All numbers stay arguments, so another network of that shape needs no compilation. Those equal in
all neurons are in `p`, others are rows of `q` with one column per lane.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Any, NamedTuple

import numpy as np

from hh_sde.equations.dynamics import Dynamics
from hh_sde.equations.expressions import Expression, names
from hh_sde.equations.infix import Style, infix, products, wrapped
from hh_sde.equations.jacobian import Derivatives
from hh_sde.equations.loops import LOOPS, Loop, NeuronLoops, Output, Stage, needed, sources
from hh_sde.equations.part import dt
from hh_sde.equations.quantities import Assignment, Parameter
from hh_sde.equations.sharing import SharedExponentials
from hh_sde.equations.stated import Stated, StatedLoops
from hh_sde.equations.system import System
from hh_sde.equations.template import appended_text, tangent_text

HEADER = '''"""{variables}: written by hh_sde.equations, not by hand.

{about}
{kinds}
"""
from math import {math}

import numpy as np

from hh_sde.kernels.binomial import binomial, uniform_of
from hh_sde.kernels.coupling import (
    I_at, add, add_row, couple, couple_rows, put_in_rows, put_in_state,
)
from hh_sde.kernels.elementary import table_value
from hh_sde.kernels.{functions} import {elementary}
from hh_sde.kernels.jit import call, call_void, expression, kernel, maker, shared, stepper
from hh_sde.kernels.meeting import leave, meet, stops
from hh_sde.kernels.rows import row
from hh_sde.kernels.slopes import linoid_slope, linoid_slope_of, table_slope
from hh_sde.kernels.watch import watched
from hh_sde.kernels.weak import (
    A1, B0_2, B0_3, B1, B2, move_V, moves, other_stages, own_stages,
)
'''

#: What the loops of neurons are made of.
NEURONS = {
    "about": """\
Units are ms, mV, uA/cm^2, mS/cm^2, uF/cm^2. A lane is one neuron of one trial. A population is a
range of lanes, see `kernels.coupling.Lanes.ranges`; the loops of its kind run over that.""",
    "math": "sqrt",
    "elementary": """(
    absolute_root, decayed, exp, linoid, linoid_of, log, positive_root, power, relaxed,
)""",
}
#: And those of an SDE of one's own, whose logarithms and powers may leave their domain.
STATED = {
    "about": "Time is in ms. A lane is one trial.",
    "math": """(
    acos, acosh, asin, asinh, atan, atanh, cos, cosh, log, pow as power, sin, sinh, sqrt, tan, tanh,
)""",
    "elementary": "exp",
}

#: Of each kind of population.
KIND = """
The rows of the state{of_kind}:
{rows}

The numbers{of_kind}, p[k] where all neurons have the same and q[k, lane] where they differ:
{legend}"""

#: What the integrators read of a model.
CONSTANTS = """\
V_DEPENDENT_CONDUCTANCE = {V_dependent}  # or gap junctions: V's flow holds what follows V
POOLS = {pools}  # concentrations move with V
TERMS = {terms}  # Wiener processes of a lane's own, at most
BOUNDED = {bounded}  # states are brought back into [0, 1] after each step
TIME = {time}  # the last row of the state is the time
"""

#: And of what it sends.
OUTPUTS = """\
OUTPUTS = {outputs}  # sums over other neurons are of more than variables
"""


class Numbers(NamedTuple):
    """The names of the numbers that the loops of a kind of population take in p and in q."""

    scalars: tuple[str, ...]
    rows: tuple[str, ...]


class Written(NamedTuple):
    """The text of a module, and the numbers that its kinds of populations take."""

    text: str
    numbers: tuple[Numbers, ...]


class Kind(NamedTuple):
    """Populations whose equations differ in numbers alone: one of them, and its loops."""

    population: System
    definitions: Sequence[Assignment]
    loops: Sequence[Loop]


#: What was written in this process, by the shapes of the kinds.
_WRITTEN: dict[Hashable, Written] = {}


def written(
    populations: Sequence[Dynamics], dtype: str = "float64", late: bool = False
) -> tuple[Written, tuple[int, ...]]:
    """The module of a network in a precision, and which kind each of its populations is of.

    `late` says whether there are delays, or event-driven synapses.

    It is written once for all networks whose populations have these shapes.
    """
    shared = [SharedExponentials(one.assignments, one.parameters, one.names) for one in populations]
    first, kinds = _kinds(list(map(_shape, populations, shared)))

    def text() -> Written:
        loops = [NeuronLoops(populations[k], shared[k].assignments) for k in first]
        found = [Kind(own.population, own.definitions, own.all()) for own in loops]
        ending = [_constants(populations), _outputs(populations), appended_text(late)]
        return _Writer(found, ending, dtype).written

    shapes = tuple(_shape(populations[k], shared[k]) for k in first)
    return _once((f"loops, {dtype}, {late}", shapes), text), kinds


def written_stated(stated: Stated) -> Written:
    """The module of an SDE of one's own, once for all that differ in numbers alone."""

    def text() -> Written:
        loops = StatedLoops(stated, stated.assignments)
        found = Kind(stated, loops.definitions, loops.all())
        lacking = [name for name in LOOPS if not hasattr(loops, name)]
        none = "\n".join(f"{name} = None" for name in lacking) + "\n"  # who asks is not compiled
        ending = [none, _constants([stated]), _outputs([stated]), appended_text(late=False)]
        return _Writer([found], ending, "float64", STATED).written

    return _once(("stated", stated.shape), text)


def written_derivatives(derivatives: Sequence[Derivatives]) -> tuple[Written, tuple[int, ...]]:
    """The module of a network's Jacobian and of its tangent flow, and the kinds."""
    shared = [
        SharedExponentials(one.assignments, one.population.parameters, one.population.names)
        for one in derivatives
    ]
    shapes = [_shape(one.population, own) for one, own in zip(derivatives, shared, strict=True)]
    first, kinds = _kinds(shapes)

    def text() -> Written:
        found = [
            Kind(derivatives[k].population, shared[k].assignments, derivatives[k].loops())
            for k in first
        ]
        ending = [_outputs([one.population for one in derivatives]), tangent_text()]
        return _Writer(found, ending, "float64").written

    return _once(("derivatives", tuple(shapes[k] for k in first)), text), kinds


def _shape(population: System, shared: SharedExponentials) -> Hashable:
    """What the text of a population's loops depends on."""
    table = population.parameters.table
    uniform = tuple((name, parameter.uniform) for name, parameter in table.items())
    return _without_numbers(population.model._replace(n_neurons=1)), uniform, shared.shape


def _kinds(shapes: Sequence[Hashable]) -> tuple[list[int], tuple[int, ...]]:
    """The first of each of the shapes, and for each of them which one of those it is."""
    different = list(dict.fromkeys(shapes))
    kinds = tuple(different.index(shape) for shape in shapes)
    return [kinds.index(kind) for kind in range(len(different))], kinds


def _once(shape: Hashable, text: Callable[[], Written]) -> Written:
    if shape not in _WRITTEN:
        _WRITTEN[shape] = text()
    return _WRITTEN[shape]


def _without_numbers(table: Any) -> Hashable:
    """What is in a table besides arrays."""
    if isinstance(table, tuple):
        return tuple(map(_without_numbers, table))
    return None if isinstance(table, np.ndarray) else table


class _Writer:
    """Writes a network's module."""

    def __init__(
        self,
        kinds: Sequence[Kind],
        ending: Sequence[str],
        dtype: str,
        made_of: Mapping[str, str] = NEURONS,
    ) -> None:
        self.single = dtype == "float32"
        self.one_kind = len(kinds) == 1
        self.numbers: list[Numbers] = []
        self.legends: list[str] = []
        functions = [list(self._functions(number, kind)) for number, kind in enumerate(kinds)]
        loops = [(loop, number) for number, kind in enumerate(kinds) for loop in kind.loops]
        called: dict[str, dict[int, str]] = {}
        for (loop, number), (name, _) in zip(loops, chain.from_iterable(functions), strict=True):
            called.setdefault(loop.name, {})[number] = name
        texts = [text for own in functions for _, text in own if text]
        populations = [kind.population for kind in kinds]
        without = {name for name, wanted in _WANTED.items() if not any(map(wanted, populations))}
        texts += self._over_populations(kinds[0].loops, called, without)
        header = HEADER.format(
            variables=" and ".join(f"{len(k.population.variables)} variables" for k in kinds),
            functions="single" if self.single else "elementary",
            kinds="\n".join(self.legends),
            **made_of,
        )
        text = "\n\n".join([header, *texts, *ending])
        self.written = Written(text, tuple(self.numbers))

    def _functions(self, number: int, kind: Kind) -> Iterator[tuple[str, str]]:
        """For each loop of a kind the function that stands for it, and its text if it is new."""
        population = kind.population
        printed = [_Printed(one, kind.definitions, population, self.single) for one in kind.loops]
        read = {name for loop in printed for name in loop.read}
        used = [p for name, p in population.parameters.table.items() if name in read]
        scalars = [parameter for parameter in used if parameter.uniform]
        rows = [parameter for parameter in used if not parameter.uniform]
        places = {p.symbol.name: f"p[{k}]" for k, p in enumerate(scalars)}
        places |= {p.symbol.name: f"q[{k}]" for k, p in enumerate(rows)}
        self.numbers.append(
            Numbers(tuple(p.symbol.name for p in scalars), tuple(p.symbol.name for p in rows))
        )
        self.legends.append(self._legend(number, population, {"p": scalars, "q": rows}))
        same: dict[tuple[str, str], str] = {}
        for loop in printed:
            body = loop.body(places)
            name = f"{loop.loop.name}_{number}"
            known = same.setdefault((loop.loop.arguments, body), name)
            if known != name:  # compiled once
                yield known, ""
                continue
            description = _first_paragraph(loop.loop.description)
            yield name, f'{_head(loop.loop, name)}    """{description}"""\n{body}'

    def _legend(
        self, number: int, population: System, numbers: Mapping[str, Sequence[Parameter]]
    ) -> str:
        rows = [(f"state[{k}]", v.symbol.name, v.units, v.long_name)
                for k, v in enumerate(population.variables)]  # fmt: skip
        legend = [
            (f"{array}[{k}]", p.symbol.name, p.units, p.meaning)
            for array, parameters in numbers.items()
            for k, p in enumerate(parameters)
        ]
        of_kind = "" if self.one_kind else f" of kind {number}"
        return KIND.format(rows=_table(rows), legend=_table(legend), of_kind=of_kind)

    def _over_populations(
        self,
        loops: Sequence[Loop],
        called: Mapping[str, Mapping[int, str]],
        without: Collection[str],
    ) -> Iterator[str]:
        """Each loop as the integrators call it: over all populations, by their kinds."""
        same: dict[tuple[str, ...], str] = {}
        for loop in loops:
            if loop.name in without:  # who asks for it is left out with it
                yield f"{loop.name} = None\n"
                continue
            functions = called[loop.name]
            key = (loop.arguments, *functions.values())
            known = same.setdefault(key, loop.name)
            if known != loop.name:
                yield f"{loop.name} = {known}\n"
                continue
            yield _head_over_populations(loop) + "".join(_calls(loop, functions))


def _head(loop: Loop, name: str) -> str:
    """What a loop takes: its arrays, from the first lane of a population on, and how many lanes."""
    first, *others = loop.arguments.split(", ")
    names = [first, "lanes", "used", *others, "p", "q", "curves"]
    types = ", ".join(_TYPES.get(name, "real*") for name in names)
    return f'@shared("void({types})")\ndef {name}({", ".join(names)}):\n'


def _head_over_populations(loop: Loop) -> str:
    first, *others = loop.arguments.split(", ")
    names = [first, "lanes", *others, "p", "q", "curves", "ranges"]
    types = ", ".join(_TYPES.get(name, "real*") for name in names)
    description = _first_paragraph(loop.description)
    return (
        f'@shared("void({types})")\ndef {loop.name}({", ".join(names)}):\n    """{description}"""\n'
    )


def _calls(loop: Loop, functions: Mapping[int, str]) -> Iterator[str]:
    """The lines that call the loop of each population's kind from its first lane on."""
    first, *others = loop.arguments.split(", ")
    shifted = {"p": "ranges[at + 4]", "curves": "ranges[at + 5]"}
    used = "ranges[at + 3]" if loop.lane_by_lane else "ranges[at + 2]"
    arguments = [
        name if name in _TYPES else f'row({name}, 1, {shifted.get(name, "first")}, "any")'
        for name in (first, *others, "p", "q", "curves")
    ]
    arguments[1:1] = ["lanes", used]
    yield "    for population in range(ranges[0]):\n"
    yield "        at = 1 + 6 * population\n"
    yield "        first = ranges[at + 1]\n"
    for kind, function in functions.items():
        indent = "        "
        if len(functions) > 1:
            yield f"        if ranges[at] == {kind}:\n"
            indent += "    "
        yield f"{indent}{function}(\n"
        yield from (f"{indent}    {argument},\n" for argument in arguments)
        yield f"{indent})\n"


#: Loops that only some models need: to bring states back into [0, 1], to move concentrations, and
#: for what is sent besides variables.
_WANTED: dict[str, Callable[[System], bool]] = {
    "bound": lambda one: one.model.brought_back,
    "pool_flow": lambda one: bool(one.concentrations),
    "make_outputs": lambda one: bool(one.outputs),
    "displace_outputs": lambda one: bool(one.outputs),
}
#: Types of the arguments that are no arrays of numbers for each lane.
_TYPES = {"lanes": "i64", "used": "i64", "ranges": "i64*", "dt": "f64", "c": "f64"}


def _constants(populations: Sequence[System]) -> str:
    return CONSTANTS.format(
        V_dependent=any(one.V_dependent for one in populations),
        pools=any(one.concentrations for one in populations),
        terms=max(len(one.terms) for one in populations),
        bounded=any(one.model.brought_back for one in populations),
        time=any(one.time is not None for one in populations),
    )


def _outputs(populations: Sequence[System]) -> str:
    return OUTPUTS.format(outputs=any(one.outputs for one in populations))


class _Printed:
    """One loop: its lines, and what they read."""

    def __init__(
        self,
        loop: Loop,
        definitions: Sequence[Assignment],
        population: System,
        single: bool,
    ) -> None:
        self.loop = loop
        self.single = single
        self._style = _style(single, absolute=population.model.bounds == "absolute")
        self._sources = sources(population)
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
        if self.single:
            given = [name for name in ("dt", "c") if name in self.loop.arguments.split(", ")]
            before = [*(f"{name} = {_single(name)}" for name in given), *before]
        lines = [f"    {line}" for line in before]
        lines += ["    for lane in range(used):"]
        lines += [f"        {line}" for entry in inside for line in wrapped(entry)]
        return "\n".join(lines) + "\n"

    # -- lines -------------------------------------------------------------------------------------

    def _stage(self, stage: Stage) -> None:
        """A stage's lines, each after what it reads, which is loaded where it is first read."""
        self._known.discard("V")
        self._V_from = stage.V_from
        values = [assignment.value for assignment in stage.assignments]
        values += [output.value for output in stage.outputs]
        wanted = dict.fromkeys(name for value in values for name in names(value))
        for definition in needed(wanted, self._definitions, self._known):
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
            self._views["inv_dt"] = infix(1.0 / dt, self._style)
        elif name in self._sources:
            self._lines.append(f"{name} = {self._view(*self._sources[name])}[lane]")
        elif name not in ("dt", "c"):
            raise KeyError(f"{self.loop.name}: nothing gives {name}")

    def _value(self, value: Expression) -> str:
        for name in names(value):
            self._load(name)
        return infix(value, self._style)

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


# -- expressions -----------------------------------------------------------------------------------


def _call(function: str, arguments: list[str], root: str) -> str:
    if function.startswith("table_"):
        V, start, inv_step, begin, points = arguments
        arguments = [V, start, inv_step, "curves", f"int({begin})", f"int({points})"]
    return f"{root if function == 'root' else function}({', '.join(arguments)})"


def _single(number: Any) -> str:
    """A number in single precision: with one in double precision a whole sum would be so."""
    return f"np.float32({number})"


def _style(single: bool, absolute: bool) -> Style:
    """How expressions are written in a precision, and where roots are those of |R|."""
    call = partial(_call, root="absolute_root" if absolute else "positive_root")
    return Style(products, call, _single) if single else Style(products, call)


def code(e: Expression) -> str:
    """The expression as Python, in double precision."""
    return infix(e, _style(single=False, absolute=False))


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
