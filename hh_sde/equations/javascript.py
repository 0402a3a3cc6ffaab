"""Loops as text for JavaScript: what a page in a browser needs to run a model.

A population becomes an object whose methods are its loops, over arrays (rows, lanes) in one piece,
a lane being a neuron. Numbers are in `p`, so that a page may change them: `derive` then works out
anew those that follow from what may change.
"""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from hh_sde.equations.dynamics import Dynamics
from hh_sde.equations.expressions import Expression, Symbol, names, rewritten
from hh_sde.equations.infix import CHOICE, WIDTH, Style, infix, products
from hh_sde.equations.loops import LOOPS, Loop, NeuronLoops, Output, Stage, needed, sources
from hh_sde.equations.part import dt
from hh_sde.equations.quantities import Assignment, Variable
from hh_sde.equations.sharing import SharedExponentials

#: The loops that are written, of those of LOOPS.
WRITTEN = (
    "drift",
    "euler",
    "tamed",
    "rush_larsen",
    "gates_flow",
    "V_flow",
    "make_outputs",
    "add_noise",
    "add_ito_correction",
)
#: Names that Python allows and JavaScript does not.
_RESERVED = frozenset(
    (
        "case", "catch", "const", "debugger", "default", "delete", "do", "enum", "export",
        "extends", "function", "implements", "instanceof", "interface", "let", "new", "null",
        "package", "private", "protected", "public", "static", "super", "switch", "this", "throw",
        "typeof", "var", "void", "eval", "arguments", "true", "false",
    )
)  # fmt: skip


class Script(NamedTuple):
    """A population in JavaScript.

    Attributes
    ----------
    text : str
        An object: `rows` and their `units`, `gates`, `outputs`, `sums`, `terms`, and methods.
    numbers : dict of str to float
        What stands in `p`, in its order.
    curves : list of float
        Points of tabulated rates.
    """

    text: str
    numbers: dict[str, float]
    curves: list[float]


def script(population: Dynamics, free: Collection[str] = ()) -> Script:
    """The loops of a population, whose neurons are alike, as JavaScript.

    Parameters
    ----------
    population : Dynamics
    free : collection of str
        The parameters that may be changed.

    Raises
    ------
    ValueError
        If a number differs between neurons.
    """
    parameters = population.parameters
    shared = SharedExponentials(population.assignments, parameters, population.names)
    differing = [name for name, one in parameters.table.items() if not one.uniform]
    if differing:
        raise ValueError(f"{', '.join(differing)}: neurons with numbers of their own")
    loops = NeuronLoops(population, shared.assignments)
    wanted = [_loop(loops, name) for name in WRITTEN]
    wanted.append(Loop("steady", "state", NeuronLoops.steady.__doc__ or "", loops.steady()))
    printed = [_Printed(loop, loops.definitions, population) for loop in wanted]
    derived = _derived(population, free)
    read = dict.fromkeys(name for one in printed for name in one.read)
    read |= dict.fromkeys(name for a in derived for name in (a.target.name, *names(a.value)))
    places = {name: f"p[{k}]" for k, name in enumerate(read)}
    members = [
        f"rows: [{_quoted(population.rows)}]",
        f"units: [{_quoted(one.units for one in population.variables)}]",
        f"gates: [{_quoted(one.name for one in population.variables if _is_gate(one))}]",
        f"outputs: {len(population.outputs)}",
        f"sums: [{_quoted(symbol.name for symbol in population.coupled)}]",
        f"terms: {len(population.terms)}",
        _derive(derived, places),
        *(one.method(places) for one in printed),
    ]
    text = "{\n" + textwrap.indent(",\n".join(members), "  ") + ",\n}"
    numbers = {name: float(parameters.table[name].values[0]) for name in read}
    curves = [0.0, *(float(y) for curve in parameters.curves for y in curve)]  # counted from 1
    return Script(text, numbers, curves)


def _is_gate(variable: Variable) -> bool:
    """Whether it is a gate of the neuron's own channels."""
    return variable.role["role"] == "gate"


def _loop(loops: NeuronLoops, name: str) -> Loop:
    make = getattr(loops, name)
    return Loop(name, LOOPS[name], make.__doc__ or "", make())


def _derived(population: Dynamics, free: Collection[str]) -> list[Assignment]:
    """How those numbers follow that depend on what is free, each after what it needs."""
    changing = set(free)
    found = []
    for name, value in population.parameters.definitions.items():
        if changing & set(names(value)):
            changing.add(name)
            found.append(Assignment(population.parameters.table[name].symbol, value))
    return found


def _derive(derived: Sequence[Assignment], places: dict[str, str]) -> str:
    """The method that works them out in `p`."""
    own = dict.fromkeys(name for a in derived for name in (*names(a.value), a.target.name))
    lines = [f"let {_name(name)} = {places[name]};" for name in own]
    for a in derived:
        target = a.target.name
        lines += _wrapped(f"{places[target]} = {_name(target)} = {_text(a.value)};")
    return _method("derive", ["p"], "Numbers that follow from others.", lines)


def _method(name: str, arguments: Sequence[str], comment: str, lines: Iterable[str]) -> str:
    body = textwrap.indent("\n".join([f"// {comment}", *lines]), "  ")
    return f"{name}({', '.join(arguments)}) {{\n{body}\n}}"


class _Printed:
    """One loop: its lines, and the numbers that they read."""

    def __init__(self, loop: Loop, definitions: Sequence[Assignment], population: Dynamics) -> None:
        self.loop = loop
        self.read: dict[str, None] = {}
        self._parameters = population.parameters.table
        self._sources = sources(population)
        self._definitions = {a.target.name: a for a in definitions}
        self._lines: list[str] = []
        self._known: set[str] = set()
        self._declared: set[str] = set()
        for stage in loop.stages:
            self._stage(stage)

    def method(self, places: dict[str, str]) -> str:
        """The text of the loop as a method; `places` says where numbers are."""
        arguments = ["lanes", *self.loop.arguments.split(", "), "p", "curves"]
        lines = [f"const {_name(name)} = {places[name]};" for name in self.read]
        if "inv_dt" in self._known:
            lines.append(f"const inv_dt = {_text(1.0 / dt)};")
        if self._lines:
            lines.append("for (let lane = 0; lane < lanes; lane++) {")
            lines += [f"  {part}" for line in self._lines for part in _wrapped(line)]
            lines.append("}")
        comment = " ".join(self.loop.description.split("\n\n")[0].split())
        return _method(self.loop.name, arguments, comment, lines)

    def _stage(self, stage: Stage) -> None:
        """A stage's lines. V is that of the state: no method of a page holds it elsewhere."""
        self._known.discard("V")
        values = [assignment.value for assignment in stage.assignments]
        values += [output.value for output in stage.outputs]
        wanted = [name for value in values for name in names(value)]
        for assignment in needed(wanted, self._definitions, self._known):
            self._assign(assignment.target.name, assignment.value)
        for assignment in stage.assignments:
            self._assign(assignment.target.name, assignment.value)
        for output in stage.outputs:
            self._store(output)

    def _load(self, name: str) -> None:
        if name in self._known:
            return
        self._known.add(name)
        if name in self._parameters:
            self.read[name] = None
        elif name in self._sources:
            array, row, _ = self._sources[name]
            self._declare(name, _element(array, row))
        elif name not in ("dt", "c", "inv_dt"):
            raise KeyError(f"{self.loop.name}: nothing gives {name}")

    def _assign(self, name: str, value: Expression) -> None:
        for read in names(value):
            self._load(read)
        self._declare(name, _text(value))
        self._known.add(name)

    def _declare(self, name: str, text: str) -> None:
        let = "" if name in self._declared else "let "
        self._declared.add(name)
        self._lines.append(f"{let}{_name(name)} = {text};")

    def _store(self, output: Output) -> None:
        for read in names(output.value):
            self._load(read)
        self._lines.append(f"{_element(output.array, output.row)} = {_text(output.value)};")


def _element(array: str, row: int) -> str:
    before = {0: "", 1: "lanes + "}.get(row, f"{row} * lanes + ")
    return f"{array}[{before}lane]"


def _call(function: str, arguments: list[str]) -> str:
    if function.startswith("table_"):
        arguments = [*arguments[:3], "curves", *arguments[3:]]
    return f"{function}({', '.join(arguments)})"


def _choice(left: str, right: str, yes: str, no: str) -> tuple[str, float]:
    return f"{left} > {right} ? {yes} : {no}", CHOICE


_STYLE = Style(products, _call, choice=_choice)


def _text(e: Expression) -> str:
    """The expression as JavaScript."""
    return infix(_renamed(e), _STYLE)


def _renamed(e: Expression) -> Expression:
    return rewritten(e, lambda one: Symbol(_name(one.name)) if isinstance(one, Symbol) else None)


def _name(name: str) -> str:
    return f"{name}$" if name in _RESERVED else name


def _quoted(texts: Iterable[str]) -> str:
    return ", ".join(f'"{text}"' for text in texts)


def _wrapped(line: str) -> list[str]:
    """A line, broken between words if it is long."""
    if len(line) <= WIDTH:
        return [line]
    return textwrap.wrap(
        line, WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
    )
