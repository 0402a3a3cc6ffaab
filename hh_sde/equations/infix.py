"""Expressions as lines of text, with the parentheses that keep the order of what is rounded."""

from __future__ import annotations

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


def _python_choice(condition: str, yes: str, no: str) -> str:
    return f"{yes} if {condition} else {no}"


class Style(NamedTuple):
    """How a language has powers (and how tightly they hold), calls, numbers and choices."""

    power: Callable[[str, int], tuple[str, float]]
    call: Callable[[str, list[str]], str]
    number: Callable[[float], str] = repr
    choice: Callable[[str, str, str], str] = _python_choice


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
            condition = f"{infix(left, style, SUM)} > {infix(right, style, SUM)}"
            branches = infix(yes, style, SUM), infix(no, style, SUM)
            return style.choice(condition, *branches), CHOICE
    raise TypeError(f"{e!r} is not printed")
