"""scipy's ODE integrators: for problems without noise."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import islice, pairwise
from typing import Any

import numpy as np
import scipy.integrate

from hh_sde.methods.method import Failed, Problem, finite_part

_Function = Callable[[np.ndarray, float], np.ndarray]

#: Solvers that take derivatives of f.
_IMPLICIT = (scipy.integrate.Radau, scipy.integrate.LSODA)
#: Grid steps between two signs of life, and between two restarts of odeint.
_WINDOW = 2**12
#: A piece between two breakpoints is evaluated no later than this before its end, ms: at the end
#: itself the next piece begins.
_BEFORE = 2e-9
#: A grid point this fraction of dt beyond a step belongs to the step.
_SAME_POINT = 1e-6


def odeint(problem: Problem) -> Iterator[np.ndarray]:
    """scipy.integrate.odeint, restarted at breakpoints and from window to window."""
    breaks = _breakpoints(problem)
    x = problem.x0[0]
    for start, stop in problem.windows(_WINDOW):
        times = problem.times(start, stop)
        inside = breaks[(breaks > times[0]) & (breaks < times[-1])]
        edges = [times[0], *inside, times[-1]]
        for edge in inside:  # a grid time that is the edge but for rounding is the edge
            times[np.abs(times - edge) <= _BEFORE] = edge
        states = np.empty((len(times), x.size))
        for begin, end in pairwise(edges):
            wanted = np.flatnonzero((times > begin) & (times <= end))
            x, states[wanted] = _odeint_piece(problem, x, begin, end, times[wanted])
        finite, diverged = finite_part(states[1:], start)
        yield problem.saves(start, finite)
        if diverged:
            raise diverged


def _odeint_piece(
    problem: Problem, x: np.ndarray, begin: float, end: float, wanted: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The state at `end` and those at the times `wanted`, all in (begin, end]."""
    grid = np.unique(np.concatenate([[begin], wanted, [end]]))
    jac = problem.sde.jac
    states, info = scipy.integrate.odeint(
        _until(problem, problem.sde.f, end),
        x,
        grid,
        Dfun=jac and _until(problem, jac, end),
        rtol=problem.rtol,
        atol=problem.atol,
        tcrit=[end],
        mxstep=100_000,
        full_output=True,
    )
    if info["message"] != "Integration successful.":
        raise Failed(f"scipy.integrate.odeint: {info['message']}")
    return states[-1], states[np.searchsorted(grid, wanted)]


def adaptive(solver: type[scipy.integrate.OdeSolver]) -> Callable[[Problem], Iterator[np.ndarray]]:
    """A method out of one of scipy's OdeSolver classes, restarted at breakpoints."""

    def trajectory(problem: Problem) -> Iterator[np.ndarray]:
        points = _points(problem, solver)
        for start, stop in problem.windows(_WINDOW):
            states, error = _reached(points, stop - start, problem.sde.d)
            finite, diverged = finite_part(states, start)
            yield problem.saves(start, finite)
            if diverged or error:
                raise diverged or error  # type: ignore[misc]

    return trajectory


def _reached(
    points: Iterator[np.ndarray], n: int, d: int
) -> tuple[np.ndarray, BaseException | None]:
    """The next n states, or those before an exception, and the exception."""
    states: list[np.ndarray] = []
    try:
        for point in islice(points, n):
            states.append(point)
    except (Exception, KeyboardInterrupt) as error:
        return np.array(states).reshape(-1, d), error
    return np.array(states), None


def _points(problem: Problem, solver: type[scipy.integrate.OdeSolver]) -> Iterator[np.ndarray]:
    """The states at the grid times after the first, one by one."""
    x = problem.x0[0]
    begin, end = problem.times(0, 0)[0], problem.times(problem.n_steps, problem.n_steps)[0]
    edges = [begin, *_breakpoints(problem), end]
    done = 0  # grid points
    for begin, end in pairwise(edges):
        options: dict[str, Any] = {"rtol": problem.rtol, "atol": problem.atol}
        if problem.sde.jac is not None and issubclass(solver, _IMPLICIT):
            options["jac"] = _reversed(_until(problem, problem.sde.jac, end))
        run = solver(
            _reversed(_until(problem, problem.sde.f, end)),
            begin,
            x,
            end,
            **options,
        )
        while run.status == "running":
            message = run.step()
            if run.status == "failed":
                raise Failed(f"scipy.integrate.{solver.__name__}: {message}")
            reached = math.floor(run.t / problem.dt + _SAME_POINT) - problem.first_step
            if reached > done:
                yield from run.dense_output()(problem.times(done + 1, reached)).T
                done = reached
        x = run.y


def _breakpoints(problem: Problem) -> np.ndarray:
    if problem.sde.breakpoints is None:
        return np.empty(0)
    first, last = problem.first_step, problem.first_step + problem.n_steps
    times = np.sort(problem.sde.breakpoints(first * problem.dt, last * problem.dt))
    # two that differ by rounding are one: no solver takes a step that short
    return times[np.diff(times, prepend=-np.inf) > 2 * _BEFORE]


def _until(problem: Problem, f: _Function, end: float) -> _Function:
    """f or jac in a piece that ends at `end`."""
    last = end - _BEFORE
    if problem.sde.breakpoints is None:
        return f
    return lambda x, t: f(x, min(t, last))


def _reversed(f: _Function) -> Callable[..., np.ndarray]:
    return lambda t, x: f(x, t)
