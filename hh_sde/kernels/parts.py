"""What the state is made of: each kind of variable writes its own drift, noise and exact flow.

A part knows the rows of its variables. Its lines use y5 for the variable in row 5, a2 and b2 for
the rates of gate 2, h for the step, xi3 for the increment of the third Wiener process of a lane,
and `rh` for 1/h. A new kind of variable is a class here.

In the drift, noise is dx = f dt + sqrt(R) dW with the radicand R. In the flow over a step at a
fixed potential every part has the exact mean and variance of its own equation: the variance of a
share of N two-state channels that stay or change with probabilities p is p (1 - p)/N each.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from hh_sde.kernels.tables import PairTable


class Term(NamedTuple):
    """A Wiener process in every lane: dy_row = sign sqrt(radicand) dW for each (row, sign)."""

    to: tuple[tuple[int, str], ...]
    radicand: str
    slope: str | None  # derivative of the radicand along the term's own direction; None: 0
    reads: frozenset[int]  # rows on which the radicand depends, 0 for V


class Part:
    """Base: one or more variables in consecutive rows."""

    rows: tuple[int, ...] = ()
    first_term = 0  # number of its first Wiener process

    def prepare(self) -> list[str]:
        """Lines that its other lines need, after the rates."""
        return []

    def slopes(self) -> list[str]:
        """Lines that give f5, the drift of row 5."""
        raise NotImplementedError

    def terms(self) -> list[Term]:
        """Its noise."""
        return []

    def flow(self, backward: bool) -> list[str]:
        """Lines that take y5 over a step h at fixed V, noise included."""
        raise NotImplementedError

    def leap(self) -> list[str]:
        """Lines that do the same where channels are counted: whole channels change their state."""
        return self.flow(backward=False)

    def steady(self) -> list[str]:
        """Lines that give y5 at the steady state."""
        raise NotImplementedError

    def bound(self, policy: str) -> list[str]:
        """Lines that bring y5 back into [0, 1]."""
        return []


class GatePart(Part):
    """dx = (alpha (1 - x) - beta x) dt + sqrt((alpha (1 - x) + beta x)/N) dW (Fox & Lu 1994)."""

    def __init__(self, row: int, rate: int, inverse_number: str | None = None) -> None:
        self.rows = (row,)
        self.x, self.a, self.b = f"y{row}", f"a{rate}", f"b{rate}"
        self.inverse_number = inverse_number

    def slopes(self) -> list[str]:
        return [f"f{self.rows[0]} = {self.a} * (1.0 - {self.x}) - {self.b} * {self.x}"]

    def terms(self) -> list[Term]:
        if self.inverse_number is None:
            return []
        (row,), x, a, b, share = self.rows, self.x, self.a, self.b, self.inverse_number
        radicand = f"({a} * (1.0 - {x}) + {b} * {x}) * {share}"
        return [Term(((row, "+"),), radicand, f"({b} - {a}) * {share}", frozenset({0, row}))]

    def flow(self, backward: bool) -> list[str]:
        x, a, b = self.x, self.a, self.b
        if self.inverse_number is None:
            return [f"{x} = relaxed({x}, {a}, {b}, h)"]
        opening, closing = f"open{self.rows[0]}", f"close{self.rows[0]}"
        variance = (
            f"(1.0 - {x}) * {opening} * (1.0 - {opening}) + {x} * {closing} * (1.0 - {closing})"
        )
        return [
            *_changes(opening, closing, a, b),
            f"noise = root(({variance}) * {self.inverse_number} * rh) * xi{self.first_term}",
            f"{x} = {x} + ((1.0 - {x}) * {opening} - {x} * {closing}) + noise",
        ]

    def steady(self) -> list[str]:
        return [f"{self.x} = {self.a} / ({self.a} + {self.b})"]

    def bound(self, policy: str) -> list[str]:
        x = self.x
        if self.inverse_number is None:
            return []
        if policy == "reflect":
            return [f"{x} = abs({x})", f"{x} = abs(1.0 - abs(1.0 - {x}))"]
        return [f"{x} = min(max({x}, 0.0), 1.0)"]


class StatesPart(Part):
    """Occupancies of a channel's states: a Langevin equation with noise on every transition.

    A transition from i to j at the rate r moves r y_i dt + sqrt(r y_i/N) dW (Fox & Lu 1994, in the
    form of Orio & Soudry 2012, doi:10.1371/journal.pone.0036670, one process for a pair, and of Pu
    & Thomas 2020, doi:10.1162/neco_a_01312, one process for each transition).
    """

    def __init__(
        self,
        first_row: int,
        rates: Sequence[int],
        levels: Sequence[Sequence[int]],
        pairs: Sequence[PairTable],
        paired: bool,
        inverse_number: str,
        number: str,
    ) -> None:
        self.rows = tuple(range(first_row, first_row + len(levels)))
        self.levels = levels
        self.rates = rates
        self.pairs = pairs
        self.paired = paired
        self.inverse_number = inverse_number
        self.number = number
        self.policy = "none"

    def _pair(self, pair: PairTable) -> tuple[str, str, str, str]:
        """The two variables and the two rates of a pair."""
        rate = self.rates[pair.gate]
        return (
            f"y{self.rows[pair.source]}",
            f"y{self.rows[pair.target]}",
            f"{pair.opening}.0 * a{rate}",
            f"{pair.closing}.0 * b{rate}",
        )

    def slopes(self) -> list[str]:
        lines, gains = [], dict.fromkeys(self.rows, "")
        for k, pair in enumerate(self.pairs):
            source, target, opening, closing = self._pair(pair)
            flux = f"flux{self.rows[0]}_{k}"
            lines.append(f"{flux} = {opening} * {source} - {closing} * {target}")
            gains[self.rows[pair.source]] += f" - {flux}"
            gains[self.rows[pair.target]] += f" + {flux}"
        return [*lines, *(f"f{row} ={gain}" for row, gain in gains.items())]

    def terms(self) -> list[Term]:
        return [term for pair in self.pairs for term in self._terms_of(pair)]

    def _terms_of(self, pair: PairTable) -> list[Term]:
        source, target, opening, closing = self._pair(pair)
        to = ((self.rows[pair.source], "-"), (self.rows[pair.target], "+"))
        forth = (f"{opening} * {source}", f"-{opening}", to[0][0])
        back = (f"{closing} * {target}", f"{closing}", to[1][0])
        ways = [way for way, noisy in zip((forth, back), pair.noisy, strict=True) if noisy]
        groups = [ways] if self.paired and ways else [[way] for way in ways]
        return [
            Term(
                to,
                f"({' + '.join(way[0] for way in group)}) * {self.inverse_number}",
                f"({' + '.join(way[1] for way in group)}) * {self.inverse_number}",
                frozenset({0, *(way[2] for way in group)}),
            )
            for group in groups
        ]

    def flow(self, backward: bool) -> list[str]:
        """Pair after pair, each an exchange with its exact flow; the sum of a pair stays."""
        order, term = [], self.first_term
        for pair in self.pairs:
            order.append((pair, term))
            term += len(self._terms_of(pair))
        lines = []
        for pair, first in reversed(order) if backward else order:
            lines += self._exchange(pair, first)
        return lines

    def _exchange(self, pair: PairTable, term: int) -> list[str]:
        source, target, opening, closing = self._pair(pair)
        # of the noise of one transition alone; both together are y forth (1 - forth) + ...
        both = f"0.5 * forth * back * ({source} + {target})"
        spread_forth = f"({source} * forth * (1.0 - forth - back) + {both})"
        spread_back = f"({target} * back * (1.0 - forth - back) + {both})"
        ways = [way for way, n in zip((spread_forth, spread_back), pair.noisy, strict=True) if n]
        groups = [" + ".join(ways)] if self.paired and ways else ways
        noise = [
            f"root(({group}) * {self.inverse_number} * rh) * xi{term + k}"
            for k, group in enumerate(groups)
        ]
        return [
            *_changes("forth", "back", opening, closing),
            f"move = {' + '.join([f'({source} * forth - {target} * back)', *noise])}",
            *self._kept_inside(source, target),
            f"{source} = {source} - move",
            f"{target} = {target} + move",
        ]

    def leap(self) -> list[str]:
        """Pair after pair, each channel of the two states changes to the other or does not.

        Takes one Wiener process for every transition, of which uniform numbers are made.
        """
        lines = []
        for k, pair in enumerate(self.pairs):
            source, target, opening, closing = self._pair(pair)
            ways = [
                f"binomial({count}, {p}, uniform_of(xi{self.first_term + term} * sqrt(rh)))"
                for count, p, term in (("lower", "forth", 2 * k), ("upper", "back", 2 * k + 1))
            ]
            lines += [
                *_changes("forth", "back", opening, closing),
                f"lower = np.rint({source} * {self.number})",
                f"upper = np.rint({target} * {self.number})",
                f"move = {' - '.join(ways)}",
                f"{source} = (lower - move) / {self.number}",
                f"{target} = (upper + move) / {self.number}",
            ]
        return lines

    def _kept_inside(self, source: str, target: str) -> list[str]:
        """No more moves than there is: what is below 0 afterwards is cut off, or mirrored."""
        if self.policy == "reflect":
            mirror = [
                f"move = 2.0 * {source} - move if move > {source} else move",
                f"move = -2.0 * {target} - move if move < -{target} else move",
            ]
        else:
            mirror = []
        if self.policy in ("clip", "reflect"):
            return [*mirror, f"move = min(max(move, -{target}), {source})"]
        return []

    def steady(self) -> list[str]:
        powers = self.levels[-1]
        lines = []
        for row, level in zip(self.rows, self.levels, strict=True):
            factors = [str(float(math.prod(map(math.comb, powers, level))))]
            for r, p, k in zip(self.rates, powers, level, strict=True):
                factors += [f"inf{r}"] * k + [f"(1.0 - inf{r})"] * (p - k)
            lines.append(f"y{row} = {' * '.join(factors)}")
        return [*(f"inf{r} = a{r} / (a{r} + b{r})" for r in self.rates), *lines]

    def bound(self, policy: str) -> list[str]:
        """What is below 0 is cut off or mirrored, and all is scaled so that the sum is 1."""
        kept = "abs({})" if policy == "reflect" else "max({}, 0.0)"
        names = [f"y{row}" for row in self.rows]
        return [
            *(f"{y} = {kept.format(y)}" for y in names),
            f"total = {' + '.join(names)}",
            *(f"{y} = {y} / total" for y in names),
        ]


class FluctuationPart(Part):
    """z, a part of the open fraction's fluctuation: dz = -w z dt + sqrt(2 w R) dW.

    The open fraction of N channels has the stationary autocovariance prod x^p (x + (1 - x)
    e^(-t/tau))^p / N less its value at infinity: a sum of exponentials, one for each way to choose
    k of the subunits of every gate, with w = sum k (alpha + beta) (Linaro, Storace & Giugliano
    2011, doi:10.1371/journal.pcbi.1001102, for the channels of Hodgkin & Huxley).
    """

    def __init__(
        self,
        row: int,
        rates: Sequence[int],
        powers: Sequence[int],
        chosen: Sequence[int],
        inverse_number: str,
    ) -> None:
        self.rows = (row,)
        self.rates = rates
        self.w = " + ".join(
            f"{k}.0 * (a{r} + b{r})" for r, k in zip(rates, chosen, strict=True) if k
        )
        factors = [str(float(math.prod(map(math.comb, powers, chosen)))), inverse_number]
        for r, p, k in zip(rates, powers, chosen, strict=True):
            factors += [f"inf{r}"] * (2 * p - k) + [f"(1.0 - inf{r})"] * k
        self.variance = " * ".join(factors)

    def prepare(self) -> list[str]:
        return [f"inf{r} = a{r} / (a{r} + b{r})" for r in self.rates]

    def slopes(self) -> list[str]:
        return [f"f{self.rows[0]} = -({self.w}) * y{self.rows[0]}"]

    def terms(self) -> list[Term]:
        radicand = f"2.0 * ({self.w}) * ({self.variance})"
        return [Term(((self.rows[0], "+"),), radicand, None, frozenset({0}))]

    def flow(self, backward: bool) -> list[str]:
        y = f"y{self.rows[0]}"
        return [
            f"z = ({self.w}) * h",
            f"noise = root(({self.variance}) * decayed(2.0 * z) * rh) * xi{self.first_term}",
            f"{y} = {y} - {y} * decayed(z) + noise",
        ]

    def steady(self) -> list[str]:
        return [f"y{self.rows[0]} = 0.0"]


class ColoredPart(Part):
    """Ornstein-Uhlenbeck: dy = (mean - y)/tau dt + s sqrt(2/tau) dW, y of variance s^2."""

    def __init__(self, row: int, mean: str, variance: str, rate: str) -> None:
        self.rows = (row,)
        self.mean, self.variance, self.rate = mean, variance, rate

    def slopes(self) -> list[str]:
        return [f"f{self.rows[0]} = ({self.mean} - y{self.rows[0]}) * {self.rate}"]

    def terms(self) -> list[Term]:
        radicand = f"2.0 * {self.variance} * {self.rate}"
        return [Term(((self.rows[0], "+"),), radicand, None, frozenset())]

    def flow(self, backward: bool) -> list[str]:
        y = f"y{self.rows[0]}"
        spread = f"root({self.variance} * decayed(2.0 * {self.rate} * h) * rh)"
        return [
            f"{y} = {y} + ({self.mean} - {y}) * decayed({self.rate} * h)"
            f" + {spread} * xi{self.first_term}"
        ]

    def steady(self) -> list[str]:
        return [f"y{self.rows[0]} = {self.mean}"]


def _changes(forth: str, back: str, opening: str, closing: str) -> list[str]:
    """Probabilities that one of two states is left for the other within h."""
    return [
        f"total = {opening} + {closing} + 1e-300",  # not 0/0 where both rates are 0
        "changed = decayed(total * h) / total",
        f"{forth} = {opening} * changed",
        f"{back} = {closing} * changed",
    ]
