"""Expressions of named quantities: arithmetic, a few functions, derivatives.

An expression is what was written: nothing is reordered, merged or expanded, since each sum and
product is rounded in the order in which it stands. Only derivatives leave out what is 0 or 1.

Of SymPy, which would do as much and more, a loop would not get the order that it needs (it turns
1 - (1 - x) into x and 2 (a + b) x into (2 a + 2 b) x), every process would pay its import of a
quarter of a second or a cache of texts to avoid it, and every installation 80 MB. These classes
write the text of a model in milliseconds, so it is written anew in each process.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

#: Values of the named quantities, for `evaluate`.
Values = Mapping[str, Any]


class Expression:
    """Base: what can be added, multiplied and so on."""

    __slots__ = ()

    def __add__(self, other: Operand) -> Expression:
        return Binary("+", self, expression(other))

    def __radd__(self, other: Operand) -> Expression:
        return Binary("+", expression(other), self)

    def __sub__(self, other: Operand) -> Expression:
        return Binary("-", self, expression(other))

    def __rsub__(self, other: Operand) -> Expression:
        return Binary("-", expression(other), self)

    def __mul__(self, other: Operand) -> Expression:
        return Binary("*", self, expression(other))

    def __rmul__(self, other: Operand) -> Expression:
        return Binary("*", expression(other), self)

    def __truediv__(self, other: Operand) -> Expression:
        return Binary("/", self, expression(other))

    def __rtruediv__(self, other: Operand) -> Expression:
        return Binary("/", expression(other), self)

    def __neg__(self) -> Expression:
        return Negative(self)

    def __pow__(self, exponent: int) -> Expression:
        return self if exponent == 1 else Power(self, exponent)


Operand = Expression | float


@dataclass(frozen=True, slots=True)
class Symbol(Expression):
    """A named quantity."""

    name: str


@dataclass(frozen=True, slots=True)
class Number(Expression):
    """A number that belongs to the equation, as 1 in 1 - x."""

    value: float


@dataclass(frozen=True, slots=True)
class Binary(Expression):
    """left + right, or with -, * or / between them."""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Negative(Expression):
    """-operand"""

    operand: Expression


@dataclass(frozen=True, slots=True)
class Power(Expression):
    """base^exponent, for whole exponents above 1."""

    base: Expression
    exponent: int


@dataclass(frozen=True, slots=True)
class Call(Expression):
    """A function of FUNCTIONS, or of the kernels, of its arguments."""

    function: str
    arguments: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Choice(Expression):
    """`yes` where left > right, else `no`."""

    left: Expression
    right: Expression
    yes: Expression
    no: Expression


def expression(value: Operand) -> Expression:
    """A number as an expression."""
    return value if isinstance(value, Expression) else Number(float(value))


def call(function: str, *arguments: Operand) -> Call:
    """The function of these arguments."""
    return Call(function, tuple(map(expression, arguments)))


def total(terms: Sequence[Expression]) -> Expression:
    """Their sum from left to right, -x being taken off; 0 if there are none."""
    return _folded(terms, lambda a, b: a - b.operand if isinstance(b, Negative) else a + b, 0.0)


def product(factors: Sequence[Expression]) -> Expression:
    """Their product from left to right; 1 if there are none."""
    return _folded(factors, lambda a, b: a * b, 1.0)


def _folded(
    parts: Sequence[Expression], join: Callable[[Expression, Expression], Expression], none: float
) -> Expression:
    if not parts:
        return Number(none)
    folded = parts[0]
    for part in parts[1:]:
        folded = join(folded, part)
    return folded


def operands(e: Expression) -> tuple[Expression, ...]:
    """The expressions that it is made of, in their order."""
    match e:
        case Binary(_, left, right):
            return left, right
        case Negative(operand) | Power(operand, _):
            return (operand,)
        case Call(_, arguments):
            return arguments
        case Choice(left, right, yes, no):
            return left, right, yes, no
    return ()


def rebuilt(e: Expression, parts: tuple[Expression, ...]) -> Expression:
    """The same operation on other operands."""
    match e:
        case Binary(operator, _, _):
            return Binary(operator, *parts)
        case Negative():
            return Negative(*parts)
        case Power(_, exponent):
            return Power(parts[0], exponent)
        case Call(function, _):
            return Call(function, parts)
        case Choice():
            return Choice(*parts)
    return e


def names(e: Expression) -> Iterator[str]:
    """Names of the symbols in it, in their order, also more than once."""
    if isinstance(e, Symbol):
        yield e.name
    for part in operands(e):
        yield from names(part)


def rewritten(e: Expression, rule: Callable[[Expression], Expression | None]) -> Expression:
    """With what the rule puts in the place of its parts, the largest first."""
    new = rule(e)
    if new is not None:
        return new
    return rebuilt(e, tuple(rewritten(part, rule) for part in operands(e)))


# -- values ----------------------------------------------------------------------------------------


def evaluate(e: Expression, values: Values) -> Any:
    """Its value, with numpy; of a tabulated rate, whose points are in `curves` of the values."""
    parts = [evaluate(part, values) for part in operands(e)]
    match e:
        case Symbol(name):
            return values[name]
        case Number(value):
            return value
        case Binary(operator, _, _):
            return _ARITHMETIC[operator](*parts)
        case Negative():
            return -parts[0]
        case Power(_, exponent):
            return parts[0] ** exponent
        case Call("table_value", _):
            return _table_value(values["curves"], *parts)
        case Call(function, _):
            return FUNCTIONS[function].value(*parts)
        case Choice():
            return np.where(parts[0] > parts[1], parts[2], parts[3])
    raise TypeError(f"{e!r} has no value")


_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
}


# -- derivatives -----------------------------------------------------------------------------------

ZERO, ONE = Number(0.0), Number(1.0)


def derivative(e: Expression, along: Mapping[str, Expression]) -> Expression:
    """How fast it changes while each symbol changes by what `along` has for it, others not at all.

    A partial derivative has one symbol there with 1. A symbol that stands for an expression has the
    expression's own derivative, or its name.
    """
    match e:
        case Symbol(name):
            return along.get(name, ZERO)
        case Number():
            return ZERO
        case Binary("+", left, right):
            return _plus(derivative(left, along), derivative(right, along))
        case Binary("-", left, right):
            return _minus(derivative(left, along), derivative(right, along))
        case Binary("*", left, right):
            return _plus(
                _times(derivative(left, along), right), _times(left, derivative(right, along))
            )
        case Binary("/", left, right):
            d_left, d_right = derivative(left, along), derivative(right, along)
            return _over(_minus(d_left, _times(e, d_right)), right)
        case Negative(operand):
            return _minus(ZERO, derivative(operand, along))
        case Power(base, n):
            return _times(float(n) * base ** (n - 1), derivative(base, along))
        case Call(function, arguments):
            changes = [derivative(argument, along) for argument in arguments]
            if all(change == ZERO for change in changes):
                return ZERO
            partials = FUNCTIONS[function].partials(*arguments)
            terms = [_times(p, c) for p, c in zip(partials, changes, strict=True) if c != ZERO]
            return total(terms)
        case Choice(left, right, yes, no):
            d_yes, d_no = derivative(yes, along), derivative(no, along)
            return ZERO if d_yes == d_no == ZERO else Choice(left, right, d_yes, d_no)
    raise TypeError(f"{e!r} has no derivative")


def _plus(a: Expression, b: Expression) -> Expression:
    if a == ZERO:
        return b
    if b == ZERO:
        return a
    if isinstance(a, Negative):
        return _minus(b, a.operand)
    return a - b.operand if isinstance(b, Negative) else a + b


def _minus(a: Expression, b: Expression) -> Expression:
    if b == ZERO:
        return a
    if isinstance(b, Negative):
        return _plus(a, b.operand)
    return -b if a == ZERO else a - b


def _times(a: Expression, b: Expression) -> Expression:
    if ZERO in (a, b):
        return ZERO
    if a == ONE:
        return b
    if b == ONE:
        return a
    if isinstance(a, Negative):
        return _minus(ZERO, _times(a.operand, b))
    if isinstance(b, Negative):
        return _minus(ZERO, _times(a, b.operand))
    return a * b


def _over(a: Expression, b: Expression) -> Expression:
    if a == ZERO:
        return ZERO
    return -(a.operand / b) if isinstance(a, Negative) else a / b


# -- functions -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Function:
    """Its value with numpy, and its partial derivatives as expressions of its arguments."""

    value: Callable[..., Any]
    partials: Callable[..., tuple[Expression, ...]]


def _linoid(u: Any) -> Any:
    u = np.asarray(u, dtype=float)
    with np.errstate(invalid="ignore"):
        return np.where(u == 0.0, 1.0, -u / np.expm1(-u))


def _linoid_slope(u: Any) -> Any:
    """q (1 + u - u q) with q = 1/(1 - e^-u), and near 0 the derivative of the linoid's series."""
    u = np.asarray(u, dtype=float)
    z = u * u
    series = 0.5 + u * (1 / 6 + z * (-1 / 180 + z * (1 / 5040 + z * (-1 / 151200))))
    with np.errstate(all="ignore"):
        q = -1.0 / np.expm1(-u)
        return np.where(np.abs(u) < 0.05, series, q * (1.0 + u - u * q))


def _table_value(curves: Any, V: Any, start: Any, inv_step: Any, begin: Any, points: Any) -> Any:
    """Linear interpolation in the curve that begins there, constant beyond its ends."""
    position = np.clip((V - start) * inv_step, 0.0, points - 1.0)
    k = np.minimum(np.nan_to_num(np.floor(position)), points - 2.0)
    place = np.asarray(begin + k, dtype=np.int64)
    left = curves[place]
    return left + (position - k) * (curves[place + 1] - left)


def _no_derivative(*arguments: Expression) -> tuple[Expression, ...]:
    raise NotImplementedError("second derivatives of rates are not made")


def _no_value(*arguments: Any) -> Any:
    raise NotImplementedError("tables and their slopes have no value of their arguments alone")


#: What expressions of the physics are made of besides arithmetic.
FUNCTIONS: dict[str, Function] = {
    "exp": Function(np.exp, lambda u: (call("exp", u),)),
    "linoid": Function(_linoid, lambda u: (call("linoid_slope", u),)),
    "linoid_slope": Function(_linoid_slope, _no_derivative),
    "table_value": Function(
        _no_value, lambda *table: (call("table_slope", *table), ZERO, ZERO, ZERO, ZERO)
    ),
    "table_slope": Function(_no_value, _no_derivative),
    "sqrt": Function(np.sqrt, lambda u: (0.5 / call("sqrt", u),)),
    "log": Function(np.log, lambda u: (1.0 / u,)),
    "power": Function(np.power, lambda u, k: (k * call("power", u, k - 1.0), ZERO)),  # k fixed
    # of equations of one's own alone
    "sin": Function(np.sin, lambda u: (call("cos", u),)),
    "cos": Function(np.cos, lambda u: (-call("sin", u),)),
    "tan": Function(np.tan, lambda u: (1.0 + call("tan", u) ** 2,)),
    "sinh": Function(np.sinh, lambda u: (call("cosh", u),)),
    "cosh": Function(np.cosh, lambda u: (call("sinh", u),)),
    "tanh": Function(np.tanh, lambda u: (1.0 - call("tanh", u) ** 2,)),
    "asin": Function(np.arcsin, lambda u: (1.0 / call("sqrt", 1.0 - u**2),)),
    "acos": Function(np.arccos, lambda u: (-(1.0 / call("sqrt", 1.0 - u**2)),)),
    "atan": Function(np.arctan, lambda u: (1.0 / (1.0 + u**2),)),
    "asinh": Function(np.arcsinh, lambda u: (1.0 / call("sqrt", u**2 + 1.0),)),
    "acosh": Function(np.arccosh, lambda u: (1.0 / call("sqrt", u**2 - 1.0),)),
    "atanh": Function(np.arctanh, lambda u: (1.0 / (1.0 - u**2),)),
}
