"""jitcsde: steps that follow the error, in C that is made of the equations; noise of its own.

It draws its increments as it goes, and those between where a step was given up: a trial is the same
for the same seed, but lies along no path that other methods take.
Reference: G. Ansmann 2018, Chaos 28, 043116, doi:10.1063/1.5019320; jitcsde.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import jitcsde
import numpy as np

from hh_sde.equations.functions import Functions
from hh_sde.methods.method import Failed, Problem, each_trial, finite_part

#: Grid steps between two signs of life.
_WINDOW = 2**8


def run_of(name: str) -> Callable[[Problem], Iterator[np.ndarray]]:
    """The `run`: there is one scheme, which goes by the noise."""

    def run(problem: Problem) -> Iterator[np.ndarray]:
        made = problem.sde.program.in_arrays("symengine")
        integrator = _compiled(made, with_noise=bool(problem.sde.m))
        yield from each_trial(lambda alone: _of_trial(alone, integrator.another()))(problem)

    return run


class _Compiled:
    """An equation in C: as it stands, since simplifying takes longer than it saves, and SymPy."""

    def __init__(self, made: Functions, with_noise: bool) -> None:
        d = len(made.x0)
        y = np.array([jitcsde.y(k) for k in range(d)], dtype=object)
        g = _own_noise(np.asarray(made.G(y, jitcsde.t))) if with_noise else [0.0] * d
        # jitcsde 1.6's own step of additive noise has 1/2 where SRA1 has 3/2, and order 1
        self._of_all = {"n": d, "additive": False, "verbose": False}
        self._first = jitcsde.jitcsde(list(made.f(y, jitcsde.t)), g, **self._of_all)
        self._first.compile_C(simplify=False)

    def another(self) -> Any:
        """An integrator of its own, with the same program: `save_compiled` would compile again."""
        integrator = jitcsde.jitcsde(**self._of_all)
        integrator.jitced, integrator.compile_attempt = self._first.jitced, True
        return integrator


_compiled = lru_cache(maxsize=16)(_Compiled)


def _of_trial(problem: Problem, integrator: Any) -> Iterator[np.ndarray]:
    """One trial: the states at the points of the grid, no step being longer than dt."""
    dt, first = problem.dt, problem.first_step
    integrator.set_integration_parameters(
        rtol=problem.rtol, atol=problem.atol, first_step=dt, max_step=dt, min_step=1e-12 * dt
    )
    integrator.set_seed(_seed(problem))
    integrator.set_initial_value(problem.x0[0].copy(), first * dt)
    for start, stop in problem.windows(_WINDOW):
        states: list[np.ndarray] = []
        error: BaseException | None = None
        try:
            for time in problem.times(start, stop)[1:]:
                states.append(np.array(integrator.integrate(time)))
        except jitcsde.UnsuccessfulIntegration as failure:
            error = Failed(f"jitcsde: {failure}")
        except (Exception, KeyboardInterrupt) as caught:
            error = caught
        found = np.array(states).reshape(len(states), problem.sde.d)
        finite, diverged = finite_part(found, start)
        yield problem.saves(start, finite)
        if diverged or error:
            raise diverged or error  # type: ignore[misc]


def _own_noise(G: np.ndarray) -> list[Any]:
    """The diagonal that jitcsde takes: of each component the one process that moves it alone.

    Raises
    ------
    ValueError
        If a process moves several components, or a component is moved by several.
    """
    moved = np.array([[entry != 0 for entry in row] for row in G], dtype=bool)
    if np.any(moved.sum(axis=0) > 1) or np.any(moved.sum(axis=1) > 1):
        raise ValueError(
            "jitcsde takes noise of which every process moves one component, and every component "
            "is moved by one process at most; take noise without correlation, or another method"
        )
    return [row[of].item() if of.any() else 0.0 for row, of in zip(G, moved, strict=True)]


def _seed(problem: Problem) -> int:
    """Of a trial: by the seed of the run, and its number."""
    key = [] if problem.path is None else problem.path.seed.generate_state(4).tolist()
    return int(np.random.SeedSequence([*key, int(problem.trials[0])]).generate_state(1)[0] >> 1)
