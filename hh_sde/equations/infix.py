"""Expressions as lines of text, with the parentheses that keep the order of what is rounded."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from typing import NamedTuple

from hh_sde.equations.expressions import (
    Binary,
    Call,
    Choice,
    Expression,
    Negative,
    Number,
    Power,
    Symbol,
)

#: How tightly a text holds together. A chain of products may be the right side of a product.
CHOICE, SUM, PRODUCT, CHAIN, SIGN, ATOM = 0.0, 1.0, 2.0, 2.5, 3.0, 4.0
_PRECEDENCE = {"+": SUM, "-": SUM, "*": PRODUCT, "/": PRODUCT}


#: Lines of written code are at most about this long.
WIDTH = 100


def _conditional(left: str, right: str, yes: str, no: str) -> tuple[str, float]:
    return f"{yes} if {left} > {right} else {no}", CHOICE


class Style(NamedTuple):
    """How powers, calls, numbers and choices are written in a language, and how tightly."""

    power: Callable[[str, int], tuple[str, float]]
    call: Callable[[str, list[str]], str]
    number: Callable[[float], str] = repr
    choice: Callable[[str, str, str, str], tuple[str, float]] = _conditional


def infix(e: Expression, style: Style, level: float = CHOICE) -> str:
    """The expression, in parentheses where a place of this level demands them."""
    text, own = _infix(e, style)
    return f"({text})" if own < level else text


def _infix(e: Expression, style: Style) -> tuple[str, float]:
    match e:
        case Symbol(name):
            return name, ATOM
        case Number(value):
            return style.number(value), ATOM if value >= 0 else SIGN
        case Binary(operator, left, right):
            own = _PRECEDENCE[operator]
            tighter = CHAIN if operator == "*" else own + 1
            return (
                f"{infix(left, style, own)} {operator} {infix(right, style, tighter)}",
                own,
            )
        case Negative(operand):
            product = PRODUCT <= _infix(operand, style)[1] <= CHAIN  # -x * y is (-x) * y
            return f"-{infix(operand, style, PRODUCT)}", SUM if product else SIGN
        case Power(base, exponent):
            return style.power(infix(base, style, ATOM), exponent)
        case Call(function, arguments):
            return style.call(function, [infix(a, style) for a in arguments]), ATOM
        case Choice(left, right, yes, no):
            return style.choice(*(infix(part, style, SUM) for part in (left, right, yes, no)))
    raise TypeError(f"{e!r} is not printed")


def products(base: str, exponent: int) -> tuple[str, float]:
    """A power as products, which are rounded from left to right; of the fourth, two squares."""
    if exponent == 4:
        return f"(({base} * {base}) * ({base} * {base}))", ATOM
    return " * ".join([base] * exponent), CHAIN


def wrapped(line: str) -> list[str]:
    """A line of code, broken inside parentheses if it is long."""
    if len(line) <= WIDTH:
        return [line]
    target, _, value = line.partition(" = ")
    parts = textwrap.wrap(value, WIDTH - 4, break_long_words=False, break_on_hyphens=False)
    return [f"{target} = (", *(f"    {part}" for part in parts), ")"]
