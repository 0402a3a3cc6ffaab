"""sdeint's integrators, run in windows over time so that memory stays bounded.

A window's Wiener increments and iterated integrals come from the problem's path, both together:
sdeint would otherwise draw Levy areas that have nothing to do with the increments.
Reference: M. J. Aburn, sdeint, https://pypi.org/project/sdeint/.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Generator, Iterator
from types import FrameType
from typing import Any

import numpy as np
import sdeint

from hh_sde.methods.method import Failed, Problem, finite_part

#: Numbers in a window's largest array, the iterated integrals (steps, m, m); 8 bytes each.
_WINDOW = 2**22
_LONGEST_WINDOW = 2**12


def ito_euler(problem: Problem) -> Iterator[np.ndarray]:
    """sdeint.itoEuler."""
    return _euler_like(sdeint.itoEuler, problem)


def strat_heun(problem: Problem) -> Iterator[np.ndarray]:
    """sdeint.stratHeun."""
    return _euler_like(sdeint.stratHeun, problem)


def ito_sri2(problem: Problem) -> Iterator[np.ndarray]:
    """sdeint.itoSRI2."""
    return _roessler(sdeint.itoSRI2, "I", problem)


def strat_srs2(problem: Problem) -> Iterator[np.ndarray]:
    """sdeint.stratSRS2."""
    return _roessler(sdeint.stratSRS2, "J", problem)


def strat_kp2is(problem: Problem) -> Iterator[np.ndarray]:
    """sdeint.stratKP2iS, which has two steps: one call makes them all, reading noise by window."""
    sde = problem.sde
    window = _window_steps(sde.m)
    noise = {
        "dW": _Windowed((problem.n_steps, sde.m), window, _increments(problem)),
        "J": _Windowed((problem.n_steps, sde.m, sde.m), window, _integrals(problem, "J")),
    }
    times = problem.times(0, problem.n_steps)
    yield from _call(
        problem,
        0,
        sdeint.stratKP2iS,
        _array(sde.f),
        _array(sde.G),
        problem.x0[0],
        times,
        rtol=problem.rtol,
        **noise,
    )


def _euler_like(integrate: Callable[..., Any], problem: Problem) -> Iterator[np.ndarray]:
    """Methods that compute h = (t_end - t_0)/steps and use it only as f h.

    Given the step number for the time and f dt for f, h is exactly 1 in a window of any length, and
    a run in windows is bitwise the run in one call.
    """
    sde, dt, first = problem.sde, problem.dt, problem.first_step
    increments = _increments(problem)
    x = problem.x0[0]
    for start, stop in problem.windows(_LONGEST_WINDOW):
        x = yield from _call(
            problem,
            start,
            integrate,
            lambda x, k: np.asarray(sde.f(x, k * dt)) * dt,
            lambda x, k: np.asarray(sde.G(x, k * dt)),
            x,
            np.arange(first + start, first + stop + 1, dtype=float),
            dW=increments(start, stop),
        )


def _roessler(integrate: Callable[..., Any], letter: str, problem: Problem) -> Iterator[np.ndarray]:
    sde = problem.sde
    f = _array(sde.f)
    G = list(map(_array, sde.columns)) if sde.columns else _array(sde.G)
    increments = _increments(problem)
    integrals = _integrals(problem, letter)
    x = problem.x0[0]
    for start, stop in problem.windows(_window_steps(sde.m)):
        noise = {"dW": increments(start, stop), letter: integrals(start, stop)}
        times = problem.times(start, stop)
        x = yield from _call(problem, start, integrate, f, G, x, times, **noise)


def _array(function: Callable[..., Any]) -> Callable[..., np.ndarray]:
    """f or G as sdeint takes it: arrays, where a user's own may give lists."""
    return lambda x, t: np.asarray(function(x, t))


def _call(
    problem: Problem, start: int, integrate: Callable[..., Any], *args: Any, **noise: Any
) -> Generator[np.ndarray, None, np.ndarray]:
    """Run sdeint over a window from step `start` on, yield its saves, return its last state.

    An exception that passes through sdeint would lose its states; they stand in the
    local variables y (states) and n (step) of its frame, and are yielded first. One that sdeint
    raises itself means that it gave up.
    """
    error: BaseException | None = None
    try:
        with np.errstate(all="ignore"):  # a state that is not finite is reported below
            states = integrate(*args, **noise)
    except (Exception, KeyboardInterrupt) as caught:
        frames = _frames(caught)
        stepped = [f.f_locals["y"][: f.f_locals["n"] + 1] for f in frames if _is_stepping(f)]
        states = stepped[0] if stepped else np.empty((0, problem.sde.d))
        gave_up = isinstance(caught, Exception) and _is_stepping(frames[-1])
        error = Failed(f"sdeint: {caught}") if gave_up else caught
    states, diverged = finite_part(states[1:], start)
    yield problem.saves(start, states)
    if diverged or error:
        raise diverged or error  # type: ignore[misc]
    return states[-1]


def _frames(error: BaseException) -> list[FrameType]:
    """From the one that caught the error to the one that raised it."""
    return [frame for frame, _ in traceback.walk_tb(error.__traceback__)]


def _is_stepping(frame: FrameType) -> bool:
    """Whether it is an integrator of sdeint in its loop over steps."""
    return frame.f_globals.get("__name__") == "sdeint.integrate" and "n" in frame.f_locals


def _window_steps(m: int) -> int:
    return max(1, min(_LONGEST_WINDOW, _WINDOW // max(1, m * m)))


def _increments(problem: Problem) -> Callable[[int, int], np.ndarray]:
    path, first = problem.path, problem.first_step
    if path is None:
        return lambda start, stop: np.empty((stop - start, 0))
    return lambda start, stop: path.increments(first + start, first + stop)


def _integrals(problem: Problem, letter: str) -> Callable[[int, int], np.ndarray]:
    """Iterated integrals of a window: Ito's I, or Stratonovich's J = I + dt/2 on the diagonal."""
    path, first = problem.path, problem.first_step
    if path is None:
        return lambda start, stop: np.empty((stop - start, 0, 0))
    areas = problem.sde.noise_type == "general"
    shift = 0.5 * problem.dt * np.eye(problem.sde.m) if letter == "J" else 0.0
    return lambda start, stop: path.integrals(first + start, first + stop, areas=areas) + shift


class _Windowed:
    """An array that is computed in windows of its first axis as a loop goes along it."""

    def __init__(
        self, shape: tuple[int, ...], steps: int, compute: Callable[[int, int], np.ndarray]
    ) -> None:
        self.shape = shape
        self._steps = steps
        self._compute = compute
        self._start = 0
        self._window = np.empty((0, *shape[1:]))

    def __getitem__(self, key: tuple[Any, ...]) -> np.ndarray:
        n = key[0]
        if not self._start <= n < self._start + len(self._window):
            self._start = n - n % self._steps
            self._window = self._compute(self._start, min(self._start + self._steps, self.shape[0]))
        return self._window[(n - self._start, *key[1:])]
