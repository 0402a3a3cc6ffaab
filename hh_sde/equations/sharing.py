"""Few exponentials that serve all rates: exp(k V) for few k, of which whole powers give the others.

Where scales are in small whole ratios, as 80, 20, 10 and 8 are, one exponential and products of it
serve all. A rate is rewritten with them; a division by a parameter becomes a product.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from hh_sde.equations.expressions import (
    Binary,
    Call,
    Expression,
    Negative,
    Symbol,
    call,
    operands,
    rewritten,
)
from hh_sde.equations.quantities import Assignment, Names, Parameters
from hh_sde.equations.rates import V

_SHARED = ("exp", "linoid", "linoid_slope")
#: exp(k x) with k up to this is had by multiplication from exp(x).
MOST_POWERS = 12
#: A rate whose factor exp(mid/scale) would lie beyond exp(+-this) gets an exponential of its own.
LARGEST_SHIFT = 40.0


class SharedExponentials:
    """The exponentials of a population's rates, and its equations rewritten with them."""

    def __init__(
        self, assignments: Sequence[Assignment], parameters: Parameters, names: Names
    ) -> None:
        self._parameters, self._names = parameters, names
        self._given = assignments
        every = [k for a in assignments for k in self._slopes_in(a.value)]
        slopes = [k for k in every if k is not None]
        bases: list[float] = []
        found = {k: _power_of(k, bases) for k in sorted(set(slopes), key=abs)}
        # numbered as they are first used, so that the text does not depend on their sizes
        values = list(dict.fromkeys(found[k][0] for k in slopes))
        self._powers = {k: (values.index(base), power) for k, (base, power) in found.items()}
        self._bases = [
            parameters.new(f"slope{index}", k, "1/mV", f"slope of the exponential expV{index}")
            for index, k in enumerate(values)
        ]
        self._derived: dict[Expression, Symbol] = {}
        # which exponential serves which rate: of the numbers, the text depends on this alone
        self.shape = tuple(None if k is None else self._powers[k] for k in every)
        self.assignments = self._rewritten()

    def _rewritten(self) -> tuple[Assignment, ...]:
        """expV0 = exp(slope0 V) and its powers, then the equations with them."""
        rewritten_ones = [
            a._replace(value=rewritten(a.value, partial(self._rule, owner=a.target.name)))
            for a in self._given
        ]
        return (*self._exponentials(), *rewritten_ones)

    # -- which exponentials ------------------------------------------------------------------------

    def _slopes_in(self, e: Expression) -> list[float | None]:
        """Slopes of the exponentials in it, in their order; None for one that is not shared."""
        found = [self._slope(e)] if isinstance(e, Call) and e.function in _SHARED else []
        return found + [slope for part in operands(e) for slope in self._slopes_in(part)]

    def _slope(self, e: Call) -> float | None:
        """k if it can be had from exp(k V)."""
        parts = _mid_and_scale(e.arguments[0])
        if parts is None:
            return None
        sign, mid, scale = parts
        middles, scales = self._parameters.values(mid), self._parameters.values(scale)
        if middles.ndim == 2 or scales.ndim == 2:  # whatever the points: a part runs as the whole
            return None
        if np.any(scales != scales[0]) or np.any(np.abs(middles / scales) > LARGEST_SHIFT):
            return None
        return float((sign if e.function == "exp" else -sign) / scales[0])

    def _exponentials(self) -> list[Assignment]:
        found: dict[tuple[int, int], Assignment] = {}
        for index, slope in enumerate(self._bases):
            meaning = f"shared exponential, slope slope{index}"
            found[index, 1] = Assignment(
                _exponential(index, 1), call("exp", V * slope), "1", meaning
            )
        for index, power in sorted(set(self._powers.values())):
            _multiply(index, power, found)
        return list(found.values())

    # -- rewriting ---------------------------------------------------------------------------------

    def _rule(self, e: Expression, owner: str) -> Expression | None:
        match e:
            case Binary("*", Symbol() as r, Call("exp", (argument,)) as exponential):
                slope = self._slope_or_none(exponential)
                if slope is not None and r.name in self._parameters.table:
                    at_0 = r * self._at_0(argument)
                    units = self._parameters.table[r.name].units
                    name = f"{owner}_at_0"
                    return self._number(name, at_0, units, f"{owner} at V = 0") * slope
            case Call("exp", (argument,)):
                slope = self._slope_or_none(e)
                if slope is not None:
                    return self._factor(owner, argument) * slope
            case Call("linoid" | "linoid_slope" as function, (argument,)):
                slope = self._slope_or_none(e)
                if slope is not None:
                    shared = self._factor(owner, -argument) * slope
                    return call(f"{function}_of", self._scaled(argument), shared)
            case Binary("/", numerator, Symbol(name)) if name in self._parameters.table:
                return rewritten(numerator, partial(self._rule, owner=owner)) * self._inverse(name)
        return self._scaled(e) if _mid_and_scale(e) is not None else None

    def _slope_or_none(self, e: Call) -> Symbol | None:
        slope = self._slope(e)
        return None if slope is None else _exponential(*self._powers[slope])

    def _at_0(self, argument: Expression) -> Expression:
        """The exponential of the argument at V = 0."""
        parts = _mid_and_scale(argument)
        assert parts is not None
        sign, mid, scale = parts
        return call("exp", -mid / scale if sign > 0 else mid / scale)

    def _factor(self, owner: str, argument: Expression) -> Symbol:
        return self._number(f"{owner}_factor", self._at_0(argument), "1", f"of {owner} at V = 0")

    def _scaled(self, e: Expression) -> Expression:
        """(V - mid) * (1/scale) for (V - mid)/scale."""
        match e:
            case Negative(operand):
                return -self._scaled(operand)
            case Binary("/", numerator, Symbol(name)):
                return numerator * self._inverse(name)
        return e

    def _inverse(self, divisor: str) -> Symbol:
        units = self._parameters.table[divisor].units
        units = f"1/({units})" if "/" in units else f"1/{units}"
        return self._number(f"inv_{divisor}", 1.0 / Symbol(divisor), units, f"1/{divisor}")

    def _number(self, name: str, value: Expression, units: str, meaning: str) -> Symbol:
        """The parameter of this value, made once."""
        if value not in self._derived:
            self._derived[value] = self._parameters.derived(name, value, units, meaning)
        return self._derived[value]


def _mid_and_scale(e: Expression) -> tuple[float, Symbol, Symbol] | None:
    """(sign, mid, scale) of +-(V - mid)/scale."""
    match e:
        case Binary("/", Binary("-", Symbol("V"), Symbol() as mid), Symbol() as scale):
            return 1.0, mid, scale
        case Negative(operand):
            parts = _mid_and_scale(operand)
            return None if parts is None else (-parts[0], *parts[1:])
    return None


def _exponential(index: int, power: int) -> Symbol:
    return Symbol(f"expV{index}" if power == 1 else f"expV{index}_{power}")


def _multiply(index: int, power: int, found: dict[tuple[int, int], Assignment]) -> None:
    """The power of an exponential, and those that it is a product of."""
    if (index, power) in found:
        return
    half, rest = (power // 2, power // 2) if power % 2 == 0 else (power - 1, 1)
    _multiply(index, half, found)
    _multiply(index, rest, found)
    value = _exponential(index, half) * _exponential(index, rest)
    found[index, power] = Assignment(_exponential(index, power), value, "1", f"expV{index}^{power}")


def _power_of(k: float, bases: list[float]) -> tuple[float, int]:
    """A base and n with k = n * base; k itself becomes a base if there is none."""
    for base in bases:
        ratio = k / base
        if 0 < ratio <= MOST_POWERS and abs(ratio - round(ratio)) < 1e-12 * ratio:
            return base, round(ratio)
    bases.append(k)
    return k, 1
