"""Steps that follow the error, for one or a few trials: halved on the path, which stays one.

A step of the grid is made at once and in two halves. Where the two do not agree it is given up, and
either half is tried in its place, down to any depth. The increments of the halves are those of the
path between the points that were visited before (`BrownianPath.refine`): nothing is drawn anew, so
that giving up steps, which depends on the noise, does not change its law (Gaines & Lyons 1997,
doi:10.1137/S0036139995286515; Rackauckas & Nie 2017, doi:10.3934/dcdsb.2017133).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from hh_sde.brownian import BrownianPath
from hh_sde.methods.method import Failed, Method, Problem, Run, each_trial
from hh_sde.sde import SDE

#: How often a step is halved at most.
_HALVINGS = 24
#: Grid steps between two signs of life.
_WINDOW = 2**8
#: Steps, and numbers, of which the increments are had together.
_BLOCK, _IN_BLOCK = 2**8, 2**14


class Slopes(NamedTuple):
    """f and G where a step begins."""

    f: np.ndarray  # (d,)
    G: np.ndarray  # (d, m)


#: step(sde, x, slopes, t, h, dW, I_10) -> x; the last two are (m,).
Step = Callable[[SDE, np.ndarray, Slopes, float, float, np.ndarray, np.ndarray], np.ndarray]


class Scheme(NamedTuple):
    """A step, and whether it takes I_(1,0) beside dW."""

    step: Step
    time_integrals: bool


class HalvedSteps:
    """One trial of a problem.

    Attributes
    ----------
    accepted, rejected : int
        Steps that the states are made of, and those that were tried and halved.
    """

    def __init__(self, problem: Problem, scheme: Scheme) -> None:
        self.problem = problem
        self.sde = problem.sde
        self.scheme = scheme
        self.grids = [_Grid(problem.path, scheme.time_integrals)]
        self.accepted = self.rejected = 0

    def over(self, x: np.ndarray, level: int, i: int) -> np.ndarray:
        """The state at the end of step i of the grid at `level` halvings, which begins at x."""
        h = self._h(level)
        slopes = self.slopes(x, i * h)
        whole = self.step(x, slopes, i * h, h, self.noise(level, i, 1)[0])
        return self.halved(x, slopes, whole, level, i)

    def halved(
        self, x: np.ndarray, slopes: Slopes, whole: np.ndarray, level: int, i: int
    ) -> np.ndarray:
        """The same, where one step leads to `whole`."""
        h, t = self._h(level + 1), i * self._h(level)
        first, second = self.noise(level + 1, 2 * i, 2)
        middle = self.step(x, slopes, t, h, first)
        end = self.step(middle, self.slopes(middle, t + h), t + h, h, second)
        if self.agree(x, whole, end):
            self.accepted += 2
            return end
        self.rejected += 1
        if level == _HALVINGS:
            raise Failed(self._too_deep(t, 2 * h))
        middle = self.halved(x, slopes, middle, level + 1, 2 * i)
        return self.over(middle, level + 1, 2 * i + 1)

    def slopes(self, x: np.ndarray, t: float) -> Slopes:
        return Slopes(self.sde.f(x, t), self.sde.G(x, t))

    def step(
        self, x: np.ndarray, slopes: Slopes, t: float, h: float, noise: np.ndarray
    ) -> np.ndarray:
        """x after one step, with dW and I_(1,0) of it, (2, m)."""
        return self.scheme.step(self.sde, x, slopes, t, h, *noise)

    def noise(self, level: int, i: int, many: int) -> np.ndarray:
        """dW and I_(1,0) of steps from i on of the grid at `level` halvings, (many, 2, m)."""
        while level >= len(self.grids):
            self.grids.append(self.grids[-1].halved())
        return self.grids[level].noise(i, many)

    def agree(self, x: np.ndarray, whole: np.ndarray, end: np.ndarray) -> bool:
        """Whether the end by one step and by two is the same within the tolerances."""
        size = np.maximum(np.abs(x), np.abs(end))
        allowed = self.problem.atol + self.problem.rtol * size
        return bool(np.all(np.isfinite(end) & (np.abs(whole - end) <= allowed)))

    def _h(self, level: int) -> float:
        return self.problem.dt / 2**level

    def _too_deep(self, t: float, h: float) -> str:
        trial = int(self.problem.trials[0])
        return (
            f"the step fell below {h:.2g} ms at t = {t:g} ms (trial {trial}), and one step and two "
            f"halves still differ by more than rtol = {self.problem.rtol:g} and atol = "
            f"{self.problem.atol:g} allow: give larger ones; or the state grows beyond all bounds, "
            "or f or G jumps there"
        )


class _Grid:
    """The noise of a path, some steps at a time."""

    def __init__(self, path: BrownianPath | None, time_integrals: bool) -> None:
        self.path = path
        self.time_integrals = time_integrals
        m = 0 if path is None else path.m
        self.size = 2 * max(1, min(_BLOCK, _IN_BLOCK // max(1, m)) // 2)
        self.block = -1
        self.values = np.zeros((self.size, 2, m))

    def halved(self) -> _Grid:
        return _Grid(self.path and self.path.refine(), self.time_integrals)

    def noise(self, i: int, many: int) -> np.ndarray:
        """Of one step, or of two from an even i on: dW and I_(1,0), 0 where nobody asks for it."""
        block, within = divmod(i, self.size)
        if self.path is not None and block != self.block:
            start, stop = block * self.size, (block + 1) * self.size
            if self.time_integrals:
                both = self.path.with_time_integrals(start, stop, [self.path.trial])
                self.values = np.stack(both, axis=1)
            else:
                self.values[:, 0] = self.path.increments(start, stop)
            self.block = block
        return self.values[within : within + many]


def halved_steps(scheme: Scheme) -> Run:
    """The `run` of a scheme with step control, trial by trial."""

    def trajectory(problem: Problem) -> Iterator[np.ndarray]:
        trial, report = HalvedSteps(problem, scheme), problem.report
        x = problem.x0[0]
        for start, stop in problem.windows(_WINDOW):
            states, error = _states(trial, x, start, stop)
            for name in ("accepted", "rejected"):
                report[f"steps_{name}"] = report.get(f"steps_{name}", 0) + getattr(trial, name)
            trial.accepted = trial.rejected = 0
            yield problem.saves(start, states)
            if error:
                raise error
            x = states[-1]

    return each_trial(trajectory)


def _states(
    trial: HalvedSteps, x: np.ndarray, start: int, stop: int
) -> tuple[np.ndarray, BaseException | None]:
    """The states after grid steps start + 1 ... stop, or those before an exception, and that."""
    states: list[np.ndarray] = []
    try:
        with np.errstate(all="ignore"):  # what is not finite does not agree
            for step in range(start, stop):
                x = trial.over(x, 0, trial.problem.first_step + step)
                states.append(x)
    except (Exception, KeyboardInterrupt) as error:
        return np.array(states).reshape(len(states), x.size), error
    return np.array(states), None


def heun(
    sde: SDE, x: np.ndarray, slopes: Slopes, t: float, h: float, dW: np.ndarray, I_10: np.ndarray
) -> np.ndarray:
    """x + the means of f h and G dW at x and at x + f h + G dW; f is Stratonovich's drift."""
    ahead = x + h * slopes.f + slopes.G @ dW
    f, G = sde.f(ahead, t + h), sde.G(ahead, t + h)
    return x + 0.5 * (h * (slopes.f + f) + (slopes.G + G) @ dW)


def sra1(
    sde: SDE, x: np.ndarray, slopes: Slopes, t: float, h: float, dW: np.ndarray, I_10: np.ndarray
) -> np.ndarray:
    """SRA1 of Roessler (2010), table 6.3, for G that depends on t alone."""
    G, mean = sde.G(x, t + h), I_10 / h
    stage = x + 0.75 * h * slopes.f + 1.5 * (G @ mean)
    drift = (slopes.f + 2.0 * sde.f(stage, t + 0.75 * h)) / 3.0
    return x + h * drift + G @ dW + (slopes.G - G) @ mean


_HALVED = "each step of dt halved on its path until rtol and atol are met"
_STEP_CONTROL = (
    "Gaines & Lyons 1997, SIAM J. Appl. Math. 57, 1455, doi:10.1137/S0036139995286515; "
    "Rackauckas & Nie 2017, Discrete Contin. Dyn. Syst. B 22, 2731, doi:10.3934/dcdsb.2017133"
)

#: Entries of `hh_sde.METHODS`.
SCHEMES = {
    "adaptive_heun": Method(
        run=halved_steps(Scheme(heun, time_integrals=False)),
        summary=f"stochastic Heun, {_HALVED}",
        interpretation="stratonovich",
        strong_order={"additive": 1.0, "diagonal": 1.0, "commutative": 1.0},
        deterministic_order=None,
        tolerances=("rtol", "atol"),
        tolerance=1e-3,
        reference=_STEP_CONTROL,
    ),
    "adaptive_sra1": Method(
        run=halved_steps(Scheme(sra1, time_integrals=True)),
        summary=f"SRA1 for additive noise, {_HALVED}",
        interpretation="ito",
        strong_order={"additive": 1.5},
        deterministic_order=None,
        tolerances=("rtol", "atol"),
        tolerance=1e-3,
        reference=f"Roessler 2010, doi:10.1137/09076636X; {_STEP_CONTROL}",
    ),
}
