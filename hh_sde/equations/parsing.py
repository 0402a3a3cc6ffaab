"""Expressions out of text, or out of SymPy's: read piece by piece, and nothing is executed.

Text is taken apart by Python's own parser and every piece looked at: numbers, names, + - * / **,
and the functions below. Whatever else stands there is refused.
"""

from __future__ import annotations

import ast
import keyword
import math
import re
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from hh_sde.equations.expressions import (
    ONE,
    ZERO,
    Expression,
    Negative,
    Number,
    Symbol,
    call,
    evaluate,
    names,
    product,
    total,
)
from hh_sde.errors import unknown
from hh_sde.records import shown

#: Functions by the names that are taken for them, and what they are called here.
TAKEN = {
    **{name: name for name in ("exp", "log", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh")},
    **{f"a{name}": f"a{name}" for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh")},
    **{f"arc{name}": f"a{name}" for name in ("sin", "cos", "tan")},
    **{f"arc{name}": f"a{name}" for name in ("sinh", "cosh", "tanh")},
    **{f"ar{name}": f"a{name}" for name in ("sinh", "cosh", "tanh")},
}
CONSTANTS = {"pi": math.pi}
#: What has a corner or a jump, by the names of Python, NumPy and SymPy.
_CORNERED = frozenset(
    (
        "abs", "Abs", "sign", "max", "Max", "maximum", "min", "Min", "minimum", "floor", "ceil",
        "ceiling", "round", "where", "Piecewise", "Heaviside", "heaviside", "DiracDelta", "clip",
        "Mod", "mod",
    )
)  # fmt: skip
_LONGEST, _HIGHEST_POWER = 20_000, 64
_AS_FUNCTIONS = "SDE(f=..., G=...) takes it as a function"


def parsed(given: Any, what: str, fixed: Collection[str] = ()) -> Expression:
    """An expression of text, of a number, or of SymPy.

    Parameters
    ----------
    given : str, number or sympy.Expr
    what : str
        What it is, for messages: "the drift of x".
    fixed : collection of str
        Names of numbers: what may be a power's exponent.

    Raises
    ------
    TypeError, ValueError
        If it is none of these, or has pieces that are not taken.
    """
    reader = _Reader(what, frozenset(fixed))
    if isinstance(given, str):
        return reader.of_text(given)
    if isinstance(given, bool | np.bool_):
        raise TypeError(f"{what} must be an expression, got {shown(given)}")
    if isinstance(given, int | float | np.integer | np.floating):
        return reader.number(given)
    if isinstance(given, complex | np.complexfloating):
        raise ValueError(f"{what} is {shown(given)}: expressions are of real numbers")
    if any(str(kind.__module__).startswith("sympy.") for kind in type(given).__mro__):
        return reader.of_sympy(given)
    if isinstance(given, Expression):
        return given
    raise TypeError(f"{what} must be text, a number or an expression of SymPy, got {shown(given)}")


class _Reader:
    """Reads one expression."""

    def __init__(self, what: str, fixed: frozenset[str]) -> None:
        self.what = what
        self.fixed = fixed

    def number(self, value: Any) -> Expression:
        try:
            number = float(value)
        except (OverflowError, ValueError):
            number = math.inf
        if not math.isfinite(number):
            raise ValueError(f"{self.what} has {shown(value)}, which is no finite number")
        return Negative(Number(-number)) if number < 0 else Number(number)

    # -- text --------------------------------------------------------------------------------------

    def of_text(self, text: str) -> Expression:
        if len(text) > _LONGEST:
            raise ValueError(
                f"{self.what} is a text of {len(text)} characters, and {_LONGEST} are taken: give "
                "names to parts of it (where=...)"
            )
        if "#" in text:
            raise ValueError(
                f"{self.what} holds a #, after which Python reads nothing: {shown(text)}"
            )
        try:
            return self._node(ast.parse(text.strip(), mode="eval").body)
        except SyntaxError as error:
            raise ValueError(
                f"{self.what} is no expression: {shown(text)} ({error.msg}); as in 'x - x**3/3 + I'"
            ) from None
        except (RecursionError, MemoryError):
            raise ValueError(f"{self.what} is nested too deeply: {shown(text)}") from None

    def _node(self, node: ast.AST) -> Expression:
        match node:
            case ast.Constant(value=bool() | str() | bytes() | None):
                raise self._refused(node, "which is no number")
            case ast.Constant(value=complex()):
                raise self._refused(node, "and expressions are of real numbers")
            case ast.Constant(value=int() | float() as value):
                return self.number(value)
            case ast.Name(id=name):
                return self._name(name)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return Negative(self._node(operand))
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self._node(operand)
            case ast.BinOp(left=left, op=ast.Pow(), right=right):
                return self.power(self._node(left), self._node(right))
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
                return self.binary(_ARITHMETIC[type(op)], self._node(left), self._node(right))
            case ast.BinOp(op=ast.BitXor()):
                raise self._refused(node, "and a power is written **")
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
                return self.function(name, [self._node(one) for one in arguments], node)
            case ast.IfExp() | ast.Compare() | ast.BoolOp():
                raise self._cornered(ast.unparse(node))
        raise self._refused(node, "which is no arithmetic of numbers, names and functions")

    def _name(self, name: str) -> Expression:
        if name in TAKEN:
            raise ValueError(f"{self.what}: {name} is a function, {name}(...)")
        return Symbol(name)

    def _refused(self, node: ast.AST, why: str) -> ValueError:
        return ValueError(f"{self.what} has {shown(ast.unparse(node))}, {why}")

    def _cornered(self, text: str) -> ValueError:
        return ValueError(
            f"{self.what} has {text}, and what has a corner or a jump has no derivative there, on "
            f"which a method's order rests: write it smooth, or {_AS_FUNCTIONS}"
        )

    # -- SymPy -------------------------------------------------------------------------------------

    def of_sympy(self, e: Any) -> Expression:
        import sympy

        if not isinstance(e, sympy.Expr):
            raise (
                self._cornered(str(e))
                if isinstance(e, sympy.logic.boolalg.Boolean)
                else (
                    TypeError(f"{self.what} must be an expression, got {type(e).__name__} of SymPy")
                )
            )
        try:
            return self._sympy(e)
        except RecursionError:
            raise ValueError(f"{self.what} is nested too deeply") from None

    def _sympy(self, e: Any) -> Expression:
        import sympy

        if e.is_Symbol:
            return Symbol(e.name)
        if e is sympy.I or (e.is_real is False and e.is_number):
            raise ValueError(f"{self.what} has {e}: expressions are of real numbers")
        if e.is_Rational and not e.is_Integer:
            return self.binary("/", self.number(e.p), self.number(e.q))
        if e.is_Number or e.is_NumberSymbol:
            return self.number(e)
        if e.is_Add:
            return total([self._sympy(one) for one in e.as_ordered_terms()])
        if e.is_Mul:
            return self._product(e)
        if e.is_Pow:
            return self._sympy_power(e)
        name = type(e).__name__
        if isinstance(e, sympy.core.function.AppliedUndef):
            raise ValueError(
                f"{self.what} has {e}: write variables as symbols, sympy.Symbol({name!r})"
            )
        if name in _CORNERED:
            raise self._cornered(str(e))
        known = name in TAKEN  # what stands in others may be no expression: Tuple of a Derivative
        return self.function(name, [self._sympy(one) for one in e.args] if known else [], e)

    def _product(self, e: Any) -> Expression:
        """With what has a negative power, and a number's denominator, below."""
        number, factors = e.as_coeff_mul()
        above = [] if abs(number.p if number.is_Rational else number) == 1 else [
            self.number(abs(number.p) if number.is_Rational else abs(number))
        ]  # fmt: skip
        below = [self.number(number.q)] if number.is_Rational and number.q != 1 else []
        for one in factors:
            base, exponent = one.as_base_exp()
            if exponent.is_Number and exponent.is_negative and one.is_Pow:
                below.append(self._sympy(base**-exponent))
            else:
                above.append(self._sympy(one))
        found = product(above)
        if below:
            found = self.binary("/", found, product(below))
        return Negative(found) if number.is_negative else found

    def _sympy_power(self, e: Any) -> Expression:
        base, exponent = e.as_base_exp()
        if base.is_Rational and not base.is_Integer and exponent.is_negative:
            base, exponent = 1 / base, -exponent  # as_base_exp turns 2**-x round
        if not e.is_Pow:
            return self._sympy(e)
        return self.power(self._sympy(base), self._sympy(exponent))

    # -- both --------------------------------------------------------------------------------------

    def binary(self, operator: str, left: Expression, right: Expression) -> Expression:
        if operator == "/" and _constant(right) == 0.0:
            raise ValueError(f"{self.what} has a division by 0")
        return {
            "+": lambda: left + right,
            "-": lambda: left - right,
            "*": lambda: left * right,
            "/": lambda: left / right,
        }[operator]()

    def power(self, base: Expression, exponent: Expression) -> Expression:
        n = _constant(exponent)
        if n is None:
            if set(names(exponent)) <= self.fixed:
                return call("power", base, exponent)
            return call("exp", exponent * call("log", base))
        if not math.isfinite(n):
            raise ValueError(f"{self.what} has the power {n}, which is no finite number")
        if n < 0:
            return self.binary("/", ONE, self.power(base, Number(-n)))
        if n == int(n):
            if n > _HIGHEST_POWER:
                raise ValueError(f"{self.what} has the power {n:g}; {_HIGHEST_POWER} is the most")
            return base ** int(n) if n else ONE
        return call("sqrt", base) if n == 0.5 else call("power", base, n)

    def function(self, name: str, arguments: Sequence[Expression], where: Any) -> Expression:
        if name in _CORNERED:
            text = ast.unparse(where) if isinstance(where, ast.AST) else str(where)
            raise self._cornered(text)
        if name not in TAKEN:
            hint = f", or {_AS_FUNCTIONS}"
            raise ValueError(f"{self.what}: {unknown('function', name, TAKEN)}{hint}")
        if len(arguments) != 1:
            raise ValueError(f"{self.what}: {name} takes one argument, got {len(arguments)}")
        found = call(TAKEN[name], arguments[0])
        value = _constant(found)
        return found if value is None else self.number(value)


_ARITHMETIC: dict[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
}


def _constant(e: Expression) -> float | None:
    """Its value, if it is made of numbers alone."""
    if next(names(e), None) is not None:
        return None
    with np.errstate(all="ignore"):
        return float(evaluate(e, {}))


def is_zero(e: Expression) -> bool:
    """Whether it is 0 as it stands."""
    return e == ZERO or _constant(e) == 0.0


_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def checked_name(given: Any, what: str) -> str:
    """The name of a quantity, given as text or as a symbol of SymPy.

    Raises
    ------
    TypeError, ValueError
        If it is none, or means something else.
    """
    name = given if isinstance(given, str) else getattr(given, "name", None)
    if not isinstance(name, str):
        raise TypeError(f"the name of {what} must be text, got {shown(given)}")
    if not _IDENTIFIER.fullmatch(name):
        raise ValueError(
            f"{shown(name)} is no name for {what}: letters, digits and underscores, as in V_m"
        )
    if isinstance(given, str) and keyword.iskeyword(name):  # SymPy has symbols of such names
        raise ValueError(f"{name} is a word of Python's own, and so no name for {what}")
    if name in TAKEN or name in _CORNERED:
        raise ValueError(f"{name} is a function, and so no name for {what}")
    return name
