"""f, G and what follows from them as functions of NumPy, of one state or of several: no compilation.

Their text is written from the expressions, as that of the loops is, and names stand for arrays
(trials,), or for single numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, cached_property
from typing import Any

import numpy as np

from hh_sde.equations.expressions import FUNCTIONS, Expression, names
from hh_sde.equations.infix import SIGN, Style, infix
from hh_sde.equations.quantities import Assignment, needed
from hh_sde.equations.stated import Stated

#: f(x, t) of states (d,) or (d, trials).
Function = Callable[[np.ndarray, float], np.ndarray]
_STYLE = Style(lambda base, n: (f"{base}**{n}", SIGN), lambda f, a: f"{f}({', '.join(a)})")
#: Random states at which columns are seen to commute; the last ones are near the initial state.
_STATES, _WIDEST = 16, 0.5
_ROUNDING = 1e-9


class Functions:
    """The functions of an SDE of one's own.

    Parameters
    ----------
    stated : Stated
    """

    def __init__(self, stated: Stated) -> None:
        self._stated = stated
        self.d, self.m = len(stated.variables), len(stated.processes)
        self._entries = [
            ((term.to[0][0], stated.process_of(term)), term.amplitude) for term in stated.terms
        ]
        self.drift = cache(self._drift)
        self.jac = cache(self._jac)

    def _drift(self, calculus: str) -> Function:
        rows = [((row,), f) for row, f in enumerate(self._stated.drift_in(calculus))]
        return self.function("f", rows, (self.d,))

    def _jac(self, calculus: str) -> Jacobian:
        entries = list(self._stated.jacobian(calculus).items())
        return Jacobian(self.function("jac", entries, (self.d, self.d)))

    @cached_property
    def G(self) -> Function:
        """G(x, t) -> (d, m), or (d, m, trials)."""
        return self.function("G", self._entries, (self.d, self.m))

    @cached_property
    def columns(self) -> list[Function]:
        """The columns of G."""
        return [
            self.function(
                f"g_{process}",
                [((row,), g) for (row, of), g in self._entries if of == process],
                (self.d,),
            )
            for process in range(self.m)
        ]

    @cached_property
    def correction(self) -> Function:
        """c(x, t) = 1/2 sum_k (dg_k) g_k -> (d,), or (d, trials)."""
        rows = [((row,), c) for row, c in enumerate(self._stated.corrections)]
        return self.function("correction", rows, (self.d,))

    def function(
        self, name: str, values: Sequence[tuple[tuple[int, ...], Expression]], shape: Sequence[int]
    ) -> Function:
        """A function of x and t that gives an array of a shape, 0 where no value is said."""
        text = self._text(name, values, tuple(shape))
        space = {"np": np, "out_checked": self._checked} | {k: f.value for k, f in FUNCTIONS.items()}
        table = self._stated.parameters.table
        space |= {key: parameter.values[0] for key, parameter in table.items()}
        exec(compile(text, f"<{name} of expressions>", "exec"), space)
        made: Function = space[name]
        return made

    def _text(
        self, name: str, values: Sequence[tuple[tuple[int, ...], Expression]], shape: tuple[int, ...]
    ) -> str:
        stated = self._stated
        read = {one for _, value in values for one in names(value)}
        definitions = {a.target.name: a for a in stated.assignments}
        before: list[Assignment] = needed(read, definitions)
        read |= {one for a in before for one in names(a.value)}
        time = stated.time_symbol.name
        lines = [f"def {name}(state, {time}):", "    state = out_checked(state)"]
        lines += [
            f"    {v.symbol.name} = state[{row}]"
            for row, v in enumerate(stated.variables)
            if v.symbol.name in read
        ]
        lines += [f"    {a.target.name} = {infix(a.value, _STYLE)}" for a in before]
        lines += [f"    out = np.zeros({shape} + state.shape[1:])"]
        known: dict[Expression, str] = {}
        for place, value in values:
            at = f"out[{', '.join(map(str, place))}]"
            lines += [f"    {at} = {known.get(value) or infix(value, _STYLE)}"]
            known.setdefault(value, at)  # worked out once
        return "\n".join([*lines, "    return out"])

    def _checked(self, x: Any) -> np.ndarray:
        """A state, or those of several trials."""
        x = np.asarray(x, dtype=float)
        if x.ndim not in (1, 2) or len(x) != self.d:
            raise ValueError(f"x must have shape ({self.d},) or ({self.d}, trials), got {x.shape}")
        return x


class Jacobian:
    """jac(x, t) -> (d, d), or (d, d, trials), and the equation of implicit steps."""

    def __init__(self, function: Function) -> None:
        self._function = function

    def __call__(self, x: np.ndarray, t: float) -> np.ndarray:
        return self._function(x, t)

    def solve(self, x: np.ndarray, t: float, h: float, r: np.ndarray) -> np.ndarray:
        """v with (1 - h J(x, t)) v = r, for the states of several trials at once, (d, trials)."""
        matrices = np.eye(len(x)) - h * np.moveaxis(self._function(x, t), -1, 0)
        return np.linalg.solve(matrices, r.T[..., None])[..., 0].T


def kind_of_noise(stated: Stated, x0: np.ndarray) -> tuple[str, np.ndarray]:
    """The type of noise, and the area group of each process.

    Whether columns commute is seen at random states around x0, not by rearranging expressions.
    """
    m = len(stated.processes)
    alone = np.arange(m)
    if not any(stated.depends_on):
        return "additive", alone
    if stated.diagonal:
        return "diagonal", alone
    pairs = _not_commuting(stated, x0)
    if not pairs:
        return "commutative", alone
    groups = alone.copy()
    for k, l in pairs:
        groups[groups == groups[l]] = groups[k]
    return "general", np.unique(groups, return_inverse=True)[1]


def _not_commuting(stated: Stated, x0: np.ndarray) -> list[tuple[int, int]]:
    """Pairs of processes whose columns do not commute; those of which nothing is known among them."""
    found = stated.commutators()
    if not found:
        return []
    values = [((i, j), e) for i, (_, _, *both) in enumerate(found) for j, e in enumerate(both)]
    both = Functions(stated).function("both", values, (len(found), 2))
    rng = np.random.default_rng(0)
    spread = _WIDEST * 0.5 ** np.arange(_STATES)
    moved = rng.normal(size=(2, x0.size, _STATES)) * spread
    with np.errstate(all="ignore"):
        x = x0[:, None] * (1.0 + moved[0]) + moved[1]
        one, other = np.moveaxis(both(x, rng.uniform()), 1, 0)
    size = np.maximum(np.abs(one), np.abs(other))
    seen = np.isfinite(size)
    same = np.where(seen, np.abs(one - other) <= _ROUNDING * size, True).all(axis=1)
    commute = same & seen.any(axis=1)
    return [(k, l) for (k, l, *_), yes in zip(found, commute, strict=True) if not yes]
