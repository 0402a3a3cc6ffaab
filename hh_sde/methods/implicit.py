"""Drift-implicit steps, the equation of each being solved by Newton's method.

    y = x + (1 - theta) h f(x, t) + theta h f(y, t + h) + G(x, t) dW

is A-stable from theta = 1/2 on, in mean square too (Higham 2000, doi:10.1137/S003614299834736X):
a step may be longer than the fastest time constant.
"""

from __future__ import annotations

import numpy as np

from hh_sde.methods.batches import resolvent_of
from hh_sde.methods.method import (
    EVERY_NOISE_1,
    HALF_UNLESS_ADDITIVE,
    TWO_IF_ADDITIVE,
    Failed,
    Method,
    Problem,
    Run,
)
from hh_sde.methods.newton import bracketed_newton, newton, shortened_newton
from hh_sde.methods.own import stepping
from hh_sde.sde import Function


def drift_implicit(theta: float) -> Run:
    """The `run` of the stochastic theta method."""

    def step_of(problem: Problem) -> _ThetaStep:
        return _ThetaStep(problem, theta)

    return stepping(step_of)


class _ThetaStep:
    """A step of `hh_sde.integrator` for a problem."""

    def __init__(self, problem: Problem, theta: float) -> None:
        self.theta = theta
        self.numbers = problem.trials
        self.resolvent = resolvent_of(problem.sde, len(problem.trials))
        self.V = getattr(problem.sde.jac, "potentials", None)

    def __call__(
        self,
        f: Function,
        G: Function,
        x: np.ndarray,
        t: float,
        h: float,
        dW: np.ndarray,
        extra: np.ndarray | None,
    ) -> np.ndarray:
        begin = x + np.einsum("dmk,mk->dk", G(x, t), dW) if len(dW) else x
        known = begin if self.theta == 1.0 else begin + (1.0 - self.theta) * h * f(x, t)
        try:
            y, solved = self._solved(f, known, t + h, self.theta * h, begin)
        except np.linalg.LinAlgError:
            y, solved = x, np.zeros(x.shape[1], dtype=bool)
        if not solved.all():
            trial = self.numbers[min(int(np.argmin(solved)), len(self.numbers) - 1)]
            raise Failed(
                f"Newton's method did not solve the implicit step from t = {t:g} to {t + h:g} ms "
                f"(trial {trial}): take a smaller dt than {h:g} ms; or see that f is smooth and "
                "jac, where it is given, its derivative"
            )
        return y

    def _solved(
        self, f: Function, known: np.ndarray, t: float, h: float, begin: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """y = known + h f(y, t) from `begin` on, and of which trials that was found."""

        def residual(y: np.ndarray) -> np.ndarray:
            return known + h * f(y, t) - y

        def step(y: np.ndarray, r: np.ndarray) -> np.ndarray:
            return self.resolvent(y, t, h, r)

        def settling(y: np.ndarray, r: np.ndarray) -> np.ndarray:
            return self.resolvent(y, t, h, r, holding_V=True)

        y, solved = newton(residual, step, begin)
        if solved.all():
            return y, solved
        if self.V is None:
            other, found = shortened_newton(residual, step, begin)
        else:
            other, found = bracketed_newton(residual, step, settling, self.V, begin)
        return np.where(solved, y, other), solved | found


#: Entries of `hh_sde.METHODS`.
SCHEMES = {
    "drift_implicit_euler": Method(
        run=drift_implicit(1.0),
        summary="Euler-Maruyama with the drift at the end of the step: L-stable, by Newton",
        interpretation="ito",
        strong_order=HALF_UNLESS_ADDITIVE,
        deterministic_order=1.0,
        weak_order=EVERY_NOISE_1,
        reference="Kloeden & Platen 1999, section 12.2, doi:10.1007/978-3-662-12616-5",
    ),
    "drift_implicit_trapezoidal": Method(
        run=drift_implicit(0.5),
        summary="Euler-Maruyama with the mean of the drifts at both ends: A-stable, by Newton",
        interpretation="ito",
        strong_order=HALF_UNLESS_ADDITIVE,
        deterministic_order=2.0,
        weak_order=TWO_IF_ADDITIVE,
        reference="Higham 2000, SIAM J. Numer. Anal. 38, 753, doi:10.1137/S003614299834736X",
    ),
}
