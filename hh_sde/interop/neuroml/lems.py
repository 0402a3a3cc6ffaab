"""Rates that a file defines by expressions of LEMS, as rates of this library.

An expression is arithmetic and a few functions; it is parsed here and computed on arrays, and no
other code runs. A function of V becomes a table, one of calcium alone what it is: a constant, a
proportion, or that up to a limit.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

import numpy as np

from hh_sde.interop.neuroml.files import Element
from hh_sde.interop.neuroml.quantities import any_quantity
from hh_sde.kinetics import Constant, Minimum, Proportional, Rate, Tabulated

#: The pool that LEMS calls caConc.
CALCIUM = "Ca"

FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "exp": np.exp, "ln": np.log, "log": np.log, "log10": np.log10, "sqrt": np.sqrt, "abs": np.abs,
    "sin": np.sin, "cos": np.cos, "tan": np.tan, "sinh": np.sinh, "cosh": np.cosh,
    "tanh": np.tanh, "H": lambda x: np.heaviside(x, 0.0),
}  # fmt: skip
#: Binary operators by how tightly they bind; `^` binds to the right.
OPERATORS: list[dict[str, Callable[[Any, Any], Any]]] = [
    {".or.": np.logical_or},
    {".and.": np.logical_and},
    {".lt.": np.less, ".gt.": np.greater, ".le.": np.less_equal, ".leq.": np.less_equal,
     ".ge.": np.greater_equal, ".geq.": np.greater_equal, ".eq.": np.equal,
     ".neq.": np.not_equal, ".ne.": np.not_equal},
    {"+": np.add, "-": np.subtract},
    {"*": np.multiply, "/": np.divide},
]  # fmt: skip
_TOKEN = re.compile(
    r"\s*(\.[a-z]+\.|(?:\d+(?:\.(?![a-z]+\.)\d*)?|\.\d+)(?:[eE][-+]?\d{1,3})?|[A-Za-z_]\w*|[-+*/^()])"
)
#: Longer expressions are not read, nor deeper ones.
LONGEST, DEEPEST = 10_000, 50


class Expression:
    """An expression of LEMS.

    Raises
    ------
    ValueError
        If the text is none.

    Examples
    --------
    >>> Expression("2 * exp(-x) ^ 2 .gt. 1").of({"x": 0.0}.__getitem__)
    np.True_
    """

    def __init__(self, text: str) -> None:
        self.text = text.strip()
        self._tokens = self._split()
        self._at = 0
        self._depth = 0
        self.of = self._binary(0)
        if self._at < len(self._tokens):
            self._wrong(self._tokens[self._at])

    def _split(self) -> list[str]:
        if len(self.text) > LONGEST:
            raise ValueError(f"an expression of more than {LONGEST} characters")
        tokens, at = [], 0
        while at < len(self.text):
            found = _TOKEN.match(self.text, at)
            if found is None:
                self._wrong(self.text[at : at + 20])
            tokens.append(found[1])
            at = found.end()
        return tokens

    def _wrong(self, what: str) -> NoReturn:
        raise ValueError(f"{what!r} is not understood in the expression {self.text!r}")

    def _next(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _binary(self, level: int) -> Callable[..., Any]:
        if level == len(OPERATORS):
            return self._signed()
        left = self._binary(level + 1)
        while self._next() in OPERATORS[level]:
            operator = OPERATORS[level][self._next()]
            self._at += 1
            left = _applied(operator, left, self._binary(level + 1))
        return left

    def _signed(self) -> Callable[..., Any]:
        self._depth += 1
        if self._depth > DEEPEST:
            raise ValueError(f"the expression {self.text[:60]!r}... is nested too deeply")
        if self._next() in ("-", "+"):
            sign = np.negative if self._next() == "-" else np.positive
            self._at += 1
            found = _applied(sign, self._signed())
        else:
            found = self._atom()
            if self._next() == "^":
                self._at += 1
                found = _applied(np.power, found, self._signed())
        self._depth -= 1
        return found

    def _atom(self) -> Callable[..., Any]:
        token = self._next()
        self._at += 1
        if token == "(":
            inner = self._binary(0)
            if self._next() != ")":
                self._wrong(self._next() or "its end")
            self._at += 1
            return inner
        if token[:1].isdigit() or re.match(r"\.\d", token):
            number = float(token)
            return lambda names: number
        if self._next() == "(":
            if token not in FUNCTIONS:
                self._wrong(token)
            return _applied(FUNCTIONS[token], self._atom())
        if not re.fullmatch(r"[A-Za-z_]\w*", token):
            self._wrong(token or "its end")
        return lambda names: names(token)


def _applied(function: Callable[..., Any], *of: Callable[..., Any]) -> Callable[..., Any]:
    return lambda names: function(*(one(names) for one in of))


class DefinedRate:
    """The exposure of a <ComponentType>, as a function of V and of calcium.

    Parameters
    ----------
    definition : Element
        The <ComponentType>.
    use : Element
        Where it is used, which gives its parameters.
    exposure : {"r", "t", "x"}
    """

    def __init__(self, definition: Element, use: Element, exposure: str) -> None:
        self.definition, self.exposure = definition, exposure
        definition.drop("name", "extends", "description")
        definition.children("Exposure", "Requirement", "Property")
        self.numbers: dict[str, float] = {}
        for one in definition.children("Constant"):
            self.numbers[one.text("name")] = _number(one, "value")
        for one in definition.children("Parameter"):
            self.numbers[one.text("name")] = _number(use, one.text("name"))
        self.variables: dict[str, Callable[..., Any]] = {}
        dynamics = definition.only("Dynamics")
        for one in dynamics.children("DerivedVariable", "ConditionalDerivedVariable"):
            self.variables[one.text("name")] = _derived(one)
        dynamics.finish()
        definition.finish()
        if exposure not in self.variables:
            definition.refuse(f"it has no DerivedVariable {exposure}")

    def __call__(self, known: Mapping[str, Any]) -> np.ndarray:
        """Its value where V (`v`, mV) and others are known."""
        found: dict[str, Any] = {**self.numbers, **known}

        def value(name: str) -> Any:
            if name not in found:
                if name not in self.variables:
                    self.definition.refuse(f"{name} in its expressions is not known here")
                found[name] = np.nan  # one that depends on itself
                found[name] = self.variables[name](value)
            return found[name]

        with np.errstate(all="ignore"):
            return np.asarray(value(self.exposure), dtype=float)


def rate(definition: Element, use: Element, exposure: str) -> Rate:
    """The rate that a <ComponentType> defines.

    Parameters
    ----------
    definition, use, exposure
        As for `DefinedRate`.

    Raises
    ------
    NeuroMLError
        If it is none of the kinds that this library has.
    """
    function = DefinedRate(definition, use, exposure)
    V, c = np.linspace(-100.0, 60.0, 33), np.geomspace(1e-6, 1e6, 97)

    def of(v: Any, calcium: Any) -> np.ndarray:
        # rateScale is the factor of a Q10, by which the gate multiplies its rates here
        found = function({"rateScale": 1.0, "v": v, "caConc": calcium})
        return np.broadcast_to(found, np.broadcast(v, calcium).shape)

    over = of(V[:, None], c)
    with use.named():
        if np.all(over == over[:1]):
            return _of_calcium(c, over[0], use)
        if np.array_equal(over, np.broadcast_to(over[:, :1], over.shape), equal_nan=True):
            return Tabulated.sample(lambda V: _filled(lambda V: of(V, 1.0), V))
    use.refuse("a rate that depends on V and on a concentration is not taken")


def _of_calcium(c: np.ndarray, values: np.ndarray, use: Element) -> Rate:
    """A function of calcium alone, from its values at concentrations c, mM."""
    if np.all(values == values[0]):
        return Constant(values[0])
    slope = float(f"{values[0] / c[0]:.12g}")
    limit = values[-1]
    for found, kind in (
        (slope * c, Proportional(CALCIUM, slope)),
        (np.minimum(slope * c, limit), Minimum((Proportional(CALCIUM, slope), Constant(limit)))),
    ):
        if np.allclose(found, values, rtol=1e-9, atol=0.0):
            return kind
    use.refuse(
        "of the functions of a concentration alone, those are taken that are proportional to it, "
        "or proportional up to a limit"
    )


def _filled(function: Callable[[np.ndarray], np.ndarray], V: np.ndarray) -> np.ndarray:
    """A function's values; where it is 0/0, the mean of those beside."""
    values = np.array(function(V))
    bad = ~np.isfinite(values)
    if bad.any():
        beside = 1e-6  # mV
        values[bad] = 0.5 * (function(V[bad] - beside) + function(V[bad] + beside))
    return values


def _number(element: Element, name: str) -> float:
    text = element.text(name)
    with element.named(f"{name} "):
        return any_quantity(text)


def _derived(element: Element) -> Callable[..., Any]:
    """What a variable is, of the names that it reads."""
    element.drop("name", "exposure", "dimension")
    if element.tag == "DerivedVariable":
        found = _expression(element, "value")
        element.finish()
        return found
    cases = [
        (_expression(one, "condition") if one.has("condition") else None, _expression(one, "value"))
        for one in element.children("Case")
    ]
    element.finish()

    def chosen(names: Callable[[str], Any]) -> Any:
        value: Any = np.nan
        for condition, of in reversed(cases):
            own = of(names)
            value = own if condition is None else np.where(condition(names), own, value)
        return value

    return chosen


def _expression(element: Element, name: str) -> Callable[..., Any]:
    text = element.text(name)
    with element.named():
        return Expression(text).of
