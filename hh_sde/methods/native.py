"""What methods of other libraries of arrays share: their f and G, and windows of all trials."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from hh_sde.equations.functions import Functions, language
from hh_sde.methods.method import Diverged, Problem, Reached
from hh_sde.sde import SDE, native


class Native(NamedTuple):
    """f(x, t) and G(x, t) of an equation in a library's arrays.

    `batches` tells whether they also take states (d, trials).
    """

    f: Callable[..., Any]
    G: Callable[..., Any]
    batches: bool


def native_functions(sde: SDE, library: str, takes_batches: Callable[[SDE], bool]) -> Native:
    """f and G in the arrays of a library, in the interpretation that the equation is in."""
    if sde.arrays == library:
        G = native(sde.G) if sde.m else _no_noise(library, sde.d)
        return Native(native(sde.f), G, takes_batches(sde))
    made = sde.program.in_arrays(library)
    if not sde.m:
        return Native(made.f, _no_noise(library, sde.d), True)
    restated = sde.interpretation == "stratonovich" and sde.noise_type != "additive"
    return Native(_stratonovich(made) if restated else made.f, made.G, True)


@lru_cache(maxsize=32)
def _no_noise(library: str, d: int) -> Callable[..., Any]:
    """G without columns: the same function each time, as of `_stratonovich`."""
    constant = language(library).constant
    return lambda x, t: constant(np.zeros((d, 0, *x.shape[1:])))


@lru_cache(maxsize=32)
def _stratonovich(made: Functions) -> Callable[..., Any]:
    """One for each: what is compiled of it is found by the function."""
    return lambda x, t: made.f(x, t) - made.correction(x, t)


def over_windows(
    problem: Problem, advance: Callable[[np.ndarray, int, int], np.ndarray], largest: int
) -> Iterator[np.ndarray]:
    """The `run` of a method that makes many steps of all trials at once.

    Parameters
    ----------
    problem : Problem
    advance : callable
        advance(x, start, stop): from the states (trials, d) after `start` steps those after each of
        the steps up to `stop`, (steps, trials, d).
    largest : int
        Steps of a window.
    """
    x = problem.x0
    for start, stop in problem.windows(largest):
        states = advance(x, start, stop)
        bad = ~np.isfinite(states)
        made = int(bad.any(axis=(1, 2)).argmax()) if bad.any() else len(states)
        saved = problem.saves(start, states[:made])
        if made:
            step = problem.reached.step
            problem.reach(Reached(step, states[step - start - 1].copy()))
        yield saved[..., problem.keep]
        if made < len(states):
            trial, component = np.argwhere(bad[made])[0]
            raise Diverged(start + made + 1, int(component), int(trial))
        x = states[-1]


def noise_of(problem: Problem, integrals: bool) -> Callable[[int, int], tuple[np.ndarray, ...]]:
    """(start, stop) -> dW and, where they are wanted, I_(1,0) of the steps: (steps, m, trials)."""
    path, first, trials = problem.path, problem.first_step, problem.trials

    def noise(start: int, stop: int) -> tuple[np.ndarray, ...]:
        shape = (stop - start, problem.sde.m, len(trials))
        if path is None:
            return tuple(np.zeros(shape) for _ in range(1 + integrals))
        window = (first + start, first + stop, trials)
        both = path.with_time_integrals(*window) if integrals else (path.lanes(*window),)
        return tuple(values.reshape(shape) for values in both)

    return noise
