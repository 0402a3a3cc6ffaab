"""Expressions as LaTeX, with the field's symbols."""

from __future__ import annotations

from collections.abc import Mapping

from hh_sde.equations.expressions import (
    Binary,
    Call,
    Choice,
    Expression,
    Negative,
    Number,
    Power,
    Symbol,
    call,
)

_SUM, _PRODUCT, _ATOM = 0, 1, 2
#: What a name begins with, and its symbol with the rest of the name as index.
_LETTERS = {
    "alpha": r"\alpha",
    "beta": r"\beta",
    "tau": r"\tau",
    "sigma": r"\sigma",
    "gbar": r"\bar g",
    "noise": "W",
    "mean": r"\mu",
    "sd": "s",
    "block": "B",
}


def latex(e: Expression, names: Mapping[str, str], level: int = _SUM) -> str:
    """The expression; `names` has the LaTeX of its symbols where `symbol` would not do."""
    text, own = _latex(e, names)
    return rf"\left({text}\right)" if own < level else text


def _latex(e: Expression, names: Mapping[str, str]) -> tuple[str, int]:
    match e:
        case Symbol(name):
            return names.get(name) or symbol(name), _ATOM
        case Number(value):
            return number(value), _ATOM
        case Binary("/", top, bottom):
            return rf"\frac{{{latex(top, names)}}}{{{latex(bottom, names)}}}", _PRODUCT
        case Binary("*", left, right):
            return rf"{latex(left, names, _PRODUCT)}\,{latex(right, names, _PRODUCT)}", _PRODUCT
        case Binary(operator, left, right):
            return f"{latex(left, names)} {operator} {latex(right, names, _PRODUCT)}", _SUM
        case Negative(operand):
            return f"-{latex(operand, names, _PRODUCT)}", _SUM
        case Power(base, exponent):
            return f"{latex(base, names, _ATOM)}^{{{exponent}}}", _ATOM
        case Choice(left, right, yes, no):
            condition = f"{latex(left, names)} > {latex(right, names)}"
            rows = rf"{latex(yes, names)} & {condition} \\ {latex(no, names)} & \text{{else}}"
            return rf"\begin{{cases}} {rows} \end{{cases}}", _ATOM
        case Call(function, arguments):
            return _call(function, arguments, names)
    raise TypeError(f"{e!r} is not printed")


def _call(
    function: str, arguments: tuple[Expression, ...], names: Mapping[str, str]
) -> tuple[str, int]:
    first = arguments[0]
    if function == "exp":
        return f"e^{{{latex(first, names)}}}", _ATOM
    if function == "linoid":
        return _latex(first / (1.0 - call("exp", -first)), names)
    if function == "log":
        return rf"\ln\left({latex(first, names)}\right)", _ATOM
    if function == "power":
        return f"{latex(first, names, _ATOM)}^{{{latex(arguments[1], names)}}}", _ATOM
    if function in ("sqrt", "root"):
        return rf"\sqrt{{{latex(first, names)}}}", _ATOM
    if function == "table_value":
        return rf"\text{{table}}({latex(first, names)})", _ATOM
    inside = ", ".join(latex(argument, names) for argument in arguments)
    return rf"\operatorname{{{function}}}({inside})", _ATOM


def symbol(name: str) -> str:
    """A name as the field writes it: alpha_m, gbar_Na, I_stim, s_AMPA."""
    letter, _, index = name.partition("_")
    if letter == "inf" and index:
        return rf"{symbol(index)}_{{\infty}}"
    letter = _LETTERS.get(letter, letter) if index else letter
    if len(letter) > 1 and not letter.startswith("\\"):
        letter = rf"\mathrm{{{letter}}}"
    index = index.replace("_", r"\_")
    upright = index if len(index) == 1 else rf"\mathrm{{{index}}}"
    return f"{letter}_{{{upright}}}" if index else letter


def number(value: float) -> str:
    """A number, with powers of ten."""
    text = f"{value:.10g}"
    if "e" not in text:
        return text
    mantissa, exponent = text.split("e")
    return rf"{mantissa} \cdot 10^{{{int(exponent)}}}"
