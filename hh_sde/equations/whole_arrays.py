"""Equations as functions of whole arrays, in the arrays of whatever library has them.

Any ordered list of assignments becomes a function of plain lines, each after what it needs, in the
order of what is rounded that the compiled loops have too. What the lines call, a `Language` brings.
"""

from __future__ import annotations

import linecache
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import count
from typing import Any, NamedTuple

import numpy as np

from hh_sde.equations.expressions import Expression, names
from hh_sde.equations.infix import ATOM, Style, infix, products, wrapped
from hh_sde.equations.quantities import Assignment
from hh_sde.kernels.elementary import LINOID_SERIES, SMALL


class Language(NamedTuple):
    """A library of arrays.

    Attributes
    ----------
    name : str
        As messages call it.
    functions : mapping of name to callable
        What expressions call, of its arrays; see `elementary`.
    array : callable
        array(values): numbers as its array, in double precision; what is one already is looked at.
    constant : callable
        constant(values): numpy's numbers as what stands beside its arrays and can be kept.
    stack, join : callable
        Of a list of arrays: along a new first axis, and along the first axis.
    sums : callable
        sums(values, places, n): zeros (n, ...) to which values (k, ...) are added at places (k,).
    currents : callable
        currents(function, t): what a numpy function of times (1,) gives, at a time.
    called : callable
        called(function, x, t): what a function of its arrays gives at numpy's x, as numpy's.
    """

    name: str
    functions: Mapping[str, Callable[..., Any]]
    array: Callable[[Any], Any]
    constant: Callable[[Any], Any]
    stack: Callable[[Sequence[Any]], Any]
    join: Callable[[Sequence[Any]], Any]
    sums: Callable[[Any, Any, int], Any]
    currents: Callable[[Callable[..., Any], Any], Any]
    called: Callable[..., np.ndarray]


def _call(function: str, arguments: list[str]) -> str:
    if function.startswith("table_"):
        arguments = ["curves", *arguments]
    return f"{function}({', '.join(arguments)})"


def _choice(left: str, right: str, yes: str, no: str) -> tuple[str, float]:
    return f"where({left} > {right}, {yes}, {no})", ATOM


_STYLE = Style(products, _call, choice=_choice)
_numbered = count()


def text(
    name: str,
    arguments: Sequence[str],
    assignments: Sequence[Assignment],
    outputs: Sequence[Expression],
    description: str = "",
) -> str:
    """The function of these arguments that gives a tuple of the outputs, as Python.

    Parameters
    ----------
    name : str
    arguments : sequence of str
        Names of the symbols that it is given; of tabulated rates `curves` too.
    assignments : sequence of Assignment
        In the order in which each follows from those before it. Those that no output needs are left
        out.
    outputs : sequence of Expression
    description : str
        Its docstring.

    Raises
    ------
    KeyError
        If something is needed that is neither given nor assigned.

    Examples
    --------
    >>> from hh_sde.equations.expressions import Symbol, call
    >>> x, k, rate = Symbol("x"), Symbol("k"), Symbol("rate")
    >>> needed, other = Assignment(rate, k * x**2), Assignment(Symbol("other"), x)
    >>> print(text("f", ["x", "k"], [needed, other], [-rate * x], "The drift."))
    def f(x, k):
        \"\"\"The drift.\"\"\"
        rate = k * x * x
        return (
            -rate * x,
        )
    <BLANKLINE>
    """
    needed = list(_needed(assignments, outputs, set(arguments), name))
    lines = [f'"""{description}"""'] if description else []
    for target, value, *_ in needed:
        lines += wrapped(f"{target.name} = {infix(value, _STYLE)}")
    lines += ["return (", *(f"    {infix(value, _STYLE)}," for value in outputs), ")"]
    body = "\n".join(f"    {line}" for line in lines)
    return f"def {name}({', '.join(arguments)}):\n{body}\n"


def _needed(
    assignments: Sequence[Assignment], outputs: Sequence[Expression], given: set[str], name: str
) -> Iterator[Assignment]:
    """The assignments that outputs depend on, in their order; a name may be assigned anew."""
    wanted = {one for value in outputs for one in names(value)}
    found = []
    for assignment in reversed(assignments):
        if assignment.target.name in wanted:
            wanted.discard(assignment.target.name)
            wanted.update(names(assignment.value))
            found.append(assignment)
    if not wanted <= given:
        raise KeyError(f"{name}: nothing gives {', '.join(sorted(wanted - given))}")
    return reversed(found)


def function(source: str, language: Language) -> Callable[..., tuple[Any, ...]]:
    """The function that `text` wrote, in the arrays of a library."""
    place = f"<hh_sde equations {next(_numbered)}, {language.name}>"
    space: dict[str, Any] = dict(language.functions)
    before = set(space)
    exec(compile(source, place, "exec"), space)  # names are those of `quantities.Names`
    linecache.cache[place] = (len(source), None, source.splitlines(keepends=True), place)
    (name,) = set(space) - before - {"__builtins__"}
    return space[name]


# -- what expressions call -------------------------------------------------------------------------


def elementary(xp: Any) -> dict[str, Callable[..., Any]]:
    """The functions of expressions, of what `xp` has: where, exp, expm1, log, sqrt, abs, floor,
    and the functions of angles.

    They can be differentiated everywhere, as often as one likes. Where a formula divides 0 by 0,
    another one is taken, and the first is evaluated elsewhere: a derivative passes through both.
    """
    where = xp.where

    def away_from_0(u: Any) -> tuple[Any, Any]:
        near = xp.abs(u) < SMALL
        return near, where(near, 1.0 + 0.0 * u, u)

    def linoid(u: Any) -> Any:
        """u/(1 - e^-u), and its series near 0; no exponential overflows."""
        near, far = away_from_0(u)
        size = xp.abs(far)
        quotient = where(far > 0.0, size, size * xp.exp(-size)) / -xp.expm1(-size)
        return where(near, _series(where(near, u, 0.0 * u)), quotient)

    def linoid_slope(u: Any) -> Any:
        """The derivative of that."""
        near, far = away_from_0(u)
        size = xp.abs(far)
        q = where(far > 0.0, 1.0 + 0.0 * far, -xp.exp(-size)) / -xp.expm1(-size)  # 1/(1 - e^-u)
        slope = q * (1.0 + far - far * q)
        return where(near, _series_slope(where(near, u, 0.0 * u)), slope)

    def decayed(z: Any) -> Any:
        return -xp.expm1(-z)

    def relaxed(x: Any, a: Any, b: Any, h: Any) -> Any:
        total = a + b
        still = total <= 0.0
        x_inf = where(still, x, a / where(still, 1.0 + 0.0 * total, total))
        return x + (x_inf - x) * decayed(total * h)

    def root(R: Any) -> Any:
        """sqrt(R), and 0 with the slope 0 where R is not above 0; NaN at NaN."""
        none = R <= 0.0
        return where(none, 0.0 * R, xp.sqrt(where(none, 1.0 + 0.0 * R, R)))

    return {
        "where": where,
        "exp": xp.exp,
        "log": xp.log,
        "sqrt": xp.sqrt,
        "abs": xp.abs,
        "power": lambda x, k: x**k,
        **{name: getattr(xp, name) for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh")},
        **{f"a{name}": getattr(xp, f"arc{name}") for name in ("sin", "cos", "tan")},
        **{f"a{name}": getattr(xp, f"arc{name}") for name in ("sinh", "cosh", "tanh")},
        "linoid": linoid,
        "linoid_slope": linoid_slope,
        "linoid_of": lambda u, e: linoid(u),
        "linoid_slope_of": lambda u, e: linoid_slope(u),
        "decayed": decayed,
        "relaxed": relaxed,
        "root": root,
        "positive_root": root,
        "absolute_root": lambda R: root(xp.abs(R)),
        "min": lambda a, b: where(b > a, a, b),
        "max": lambda a, b: where(a > b, a, b),
    }


def tables(xp: Any, as_index: Callable[[Any], Any]) -> dict[str, Callable[..., Any]]:
    """Tabulated rates: straight lines between the points, constant beyond the ends."""

    def place(V: Any, start: Any, inv_step: Any, points: Any) -> tuple[Any, Any]:
        position = (V - start) * inv_step
        k = xp.floor(position)
        k = xp.where(k < 0.0, 0.0 * k, xp.where(k > points - 2.0, points - 2.0 + 0.0 * k, k))
        return position - k, k

    def ends(curves: Any, begin: Any, k: Any) -> tuple[Any, Any]:
        at = as_index(begin + k)
        return curves[at], curves[at + 1]

    def table_value(curves: Any, V: Any, start: Any, inv_step: Any, begin: Any, points: Any) -> Any:
        share, k = place(V, start, inv_step, points)
        left, right = ends(curves, begin, k)
        held = xp.where(share < 0.0, 0.0 * share, xp.where(share > 1.0, 1.0 + 0.0 * share, share))
        return left + held * (right - left)

    def table_slope(curves: Any, V: Any, start: Any, inv_step: Any, begin: Any, points: Any) -> Any:
        share, k = place(V, start, inv_step, points)
        left, right = ends(curves, begin, k)
        inside = xp.where(share < 0.0, 0.0, xp.where(share > 1.0, 0.0, 1.0))
        return inside * (right - left) * inv_step

    return {"table_value": table_value, "table_slope": table_slope}


def _series(u: Any) -> Any:
    """u/(1 - e^-u) near 0."""
    z = u * u
    found = _EVEN[-1] * z
    for b in reversed(_EVEN[:-1]):
        found = (found + b) * z
    return 1.0 + 0.5 * u + found


def _series_slope(u: Any) -> Any:
    """Its derivative."""
    z = u * u
    found = 2.0 * len(_EVEN) * _EVEN[-1] * u
    for k in range(len(_EVEN) - 1, 0, -1):
        found = found * z + 2.0 * k * _EVEN[k - 1] * u
    return 0.5 + found


#: Coefficients of u^2, u^4, ...
_EVEN = [a / b for a, b in LINOID_SERIES]
