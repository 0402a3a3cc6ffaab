"""f, G and what follows from them of an SDE of one's own: functions of one state or of several."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache, cached_property
from typing import Any

import numpy as np

from hh_sde.equations.expressions import Expression
from hh_sde.equations.functions import Functions, merged
from hh_sde.equations.numpy_ import language
from hh_sde.equations.stated import Stated
from hh_sde.equations.whole_arrays import Language, function, text

#: f(x, t) of states (d,) or (d, trials).
Function = Callable[..., Any]
#: Of each value where it stands in an array.
Entries = Sequence[tuple[tuple[int, ...], Expression]]
#: Random states at which columns are seen to commute; the last ones are near the initial state.
_STATES, _WIDEST = 16, 0.5
_ROUNDING = 1e-9


class StatedFunctions:
    """The functions of an SDE of one's own, in the arrays of a library.

    All take x (d,) or (d, trials), t in ms, and other values of parameters by name.

    Parameters
    ----------
    stated : Stated
    lang : Language, optional
        Default: NumPy.

    Attributes
    ----------
    texts : list of str
        What was written for them.
    """

    def __init__(self, stated: Stated, lang: Language | None = None) -> None:
        self._stated = stated
        self._lang = language() if lang is None else lang
        self._with_numpy = self._lang is language()
        self.d, self.m = len(stated.variables), len(stated.processes)
        self._entries = [
            ((term.to[0][0], stated.process_of(term)), term.amplitude) for term in stated.terms
        ]
        self._parameters = {
            name: one.values[0] if self._with_numpy else self._lang.constant(one.values[0])
            for name, one in stated.parameters.table.items()
        }
        self.texts: list[str] = []
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
        """The diffusion: (d, m), or (d, m, trials)."""
        return self.function("G", self._entries, (self.d, self.m))

    @cached_property
    def columns(self) -> list[Function]:
        """The columns of G."""
        by_process: list[list[tuple[tuple[int, ...], Expression]]] = [[] for _ in range(self.m)]
        for (row, process), g in self._entries:
            by_process[process].append(((row,), g))
        return [self.function("g", column, (self.d,)) for column in by_process]

    @cached_property
    def correction(self) -> Function:
        """1/2 sum_k (dg_k) g_k: (d,), or (d, trials)."""
        rows = [((row,), c) for row, c in enumerate(self._stated.corrections)]
        return self.function("correction", rows, (self.d,))

    def function(self, name: str, entries: Entries, shape: Sequence[int]) -> Function:
        """The function that gives an array of a shape, 0 where nothing is said."""
        stated, lang = self._stated, self._lang
        states = [variable.symbol.name for variable in stated.variables]
        arguments = [*states, stated.time_symbol.name, *self._parameters]
        values = list(dict.fromkeys(value for _, value in entries))  # each is worked out once
        numbers_of = {value: number for number, value in enumerate(values)}
        which = [numbers_of[value] for _, value in entries]

        @cache
        def written() -> Callable[..., Any]:
            source = text(name, arguments, stated.assignments, values)
            self.texts.append(source)
            return function(source, lang)

        together = self._filled if self._with_numpy else self._stacked
        defaults = tuple(self._parameters.values())

        def of_state(x: Any, t: Any, parameters: Mapping[str, Any] | None = None) -> Any:
            x = self._states(x)
            numbers = defaults if parameters is None else self._numbers(parameters)
            t = t if self._with_numpy else lang.array(t)
            found = written()(*x, t, *numbers)
            return together(x, [found[k] for k in which], entries, tuple(shape))

        if not self._with_numpy:  # whose functions are written when they are first called
            written()
        return of_state

    def _states(self, x: Any) -> Any:
        """A state, or those of several trials."""
        x = self._lang.array(x)
        if x.ndim not in (1, 2) or len(x) != self.d:
            raise ValueError(
                f"x must have shape ({self.d},) or ({self.d}, trials), got {tuple(x.shape)}"
            )
        return x

    @property
    def parameters(self) -> dict[str, Any]:
        """Those of the equations, by the names that they were given."""
        spelled = self._stated.spelled
        return {spelled[name]: value for name, value in self._parameters.items()}

    def _numbers(self, given: Mapping[str, Any]) -> list[Any]:
        """Those of the equations, some in whose place others are given."""
        return [self._lang.array(value) for value in merged(self.parameters, given).values()]

    def together(self, library: str, x0: np.ndarray, noise_type: str) -> Functions:
        """f in the calculus of the loops, G and the correction, with what goes beside them."""
        f, G, correction = self.drift(self._stated.calculus), self.G, self.correction
        text = "\n\n".join(self.texts)
        return Functions(library, f, G, correction, x0, self.m, noise_type, self.parameters, text)

    @staticmethod
    def _filled(x: Any, values: Sequence[Any], entries: Entries, shape: tuple[int, ...]) -> Any:
        out = np.zeros(shape + x.shape[1:])
        for (place, _), value in zip(entries, values, strict=True):
            out[place] = value
        return out

    def _stacked(
        self, x: Any, values: Sequence[Any], entries: Entries, shape: tuple[int, ...]
    ) -> Any:
        rows: list[Any] = [0.0] * int(np.prod(shape))
        for (place, _), value in zip(entries, values, strict=True):
            rows[np.ravel_multi_index(place, shape)] = value
        like = self._lang.constant(np.zeros(tuple(x.shape[1:])))  # not of x: G may be constant
        return self._lang.stack([like, *rows])[1:].reshape(*shape, *x.shape[1:])


class Jacobian:
    """jac(x, t) -> (d, d), or (d, d, trials), and the equation of implicit steps."""

    def __init__(self, function: Function) -> None:
        self._function = function

    def __call__(self, x: np.ndarray, t: float) -> np.ndarray:
        found: np.ndarray = self._function(x, t)
        return found

    def solve(self, x: np.ndarray, t: float, h: float, r: np.ndarray) -> np.ndarray:
        """v with (1 - h J(x, t)) v = r, for the states of several trials at once, (d, trials)."""
        matrices = np.eye(len(x)) - h * np.moveaxis(self(x, t), -1, 0)
        return np.linalg.solve(matrices, r.T[..., None])[..., 0].T


def kind_of_noise(stated: Stated, x0: np.ndarray) -> tuple[str, np.ndarray]:
    """The type of noise, and the area group of each process.

    Whether columns commute is seen at random states around x0, not by rearranging expressions.
    """
    alone = np.arange(len(stated.processes))
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
    """Pairs of processes whose columns do not commute, or are not finite at any of the states."""
    found = stated.commutators()
    if not found:
        return []
    entries = [((i, j), e) for i, (_, _, *both) in enumerate(found) for j, e in enumerate(both)]
    both = StatedFunctions(stated).function("both", entries, (len(found), 2))
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
