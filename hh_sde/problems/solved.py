"""SDEs whose solution is known in closed form: along the path, or in mean and covariance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.linalg

from hh_sde.brownian import BrownianPath
from hh_sde.memory import require as see_room
from hh_sde.records import see_kind, single
from hh_sde.sde import SDE
from hh_sde.tables import Described, Description

Moments = tuple[np.ndarray, np.ndarray]

_KLOEDEN_PLATEN = "Kloeden & Platen 1999, section 4.4, doi:10.1007/978-3-662-12616-5"
_GARDINER = "Gardiner 2009, Stochastic Methods, 4th ed."


@dataclass(frozen=True, eq=False, repr=False)
class SolvedProblem(Described):
    """An SDE and what is known of its solution.

    Parameters
    ----------
    sde : SDE
    summary : str
        The equation and its solution.
    moments : callable or None
        moments(t) -> mean (d,) and covariance (d, d) at time t, or None where they are not known.
    solution : callable or None
        solution(t, W) -> x (d,), where it is a function of the Wiener processes W (m,) at t.
    integral : callable or None
        The same of the iterated integrals I (m, m) from 0 to t beside them.
    reference : str
        Where the solution stands.
    functional : callable or None
        functional(x) -> (trials,) of states (d, trials), whose mean is known: for weak errors.
    expectation : callable or None
        expectation(t) -> its mean at time t.
    t_end, dt : float
        A time to compare at, and a finest grid of paths of which every fourth to 64th point gives
        steps in the asymptotic range of explicit methods.

    Examples
    --------
    >>> import hh_sde as hh
    >>> problem = hh.problems.PROBLEMS["cubic"]
    >>> path = problem.sde.path(1, dt=2.0**-10)
    >>> ds = hh.solve(problem.sde, 1.0, dt=2.0**-10, method="sdeint.itoSRI2", path=path)
    >>> bool(abs(ds.x[-1] - problem.exact(path, 1.0)).max() < 1e-3)
    True
    """

    sde: SDE
    summary: str
    moments: Callable[[float], Moments] | None = None
    solution: Callable[[float, np.ndarray], np.ndarray] | None = None
    integral: Callable[[float, np.ndarray, np.ndarray], np.ndarray] | None = None
    reference: str = ""
    functional: Callable[[np.ndarray], np.ndarray] | None = None
    expectation: Callable[[float], float] | None = None
    t_end: float = 1.0
    dt: float = 2.0**-10

    def __post_init__(self) -> None:
        see_kind(self.sde, SDE, "SolvedProblem: sde")
        super().__post_init__()

    def description(self) -> Description:
        """Its equation and solution, the kind of its noise, what is known, its reference."""
        known = ["along the path"] if self.pathwise else []
        known += ["in mean and covariance"] if self.moments else []
        equation = f"{self.sde.interpretation}, {self.sde.noise_type} noise"
        size = f"d = {self.sde.d}, m = {self.sde.m}"
        parameters = f"{equation}; {size}; known {' and '.join(known) or 'not at all'}"
        return Description(self.summary, parameters, self.reference)

    #: Which component is compared: all.
    variable = None

    @property
    def model(self) -> SDE:
        """What `hh_sde.solve` takes."""
        return self.sde

    @property
    def pathwise(self) -> bool:
        """Whether the solution along a path is known."""
        return self.solution is not None or self.integral is not None

    def knows(self, path: BrownianPath, t: float, trials: int) -> bool:
        """Whether the solution at time t is known along the path of so many trials."""
        return self.pathwise

    def exact(self, path: BrownianPath, t: float) -> np.ndarray:
        """The solution x (d,) at time t along a path.

        Raises
        ------
        ValueError
            If t is no point of the path's grid, the path has another number of processes, or only
            moments are known.
        """
        see_kind(path, BrownianPath, "path")
        t = single(t, "t")
        steps = round(t / path.dt)
        if not (t >= 0 and abs(steps * path.dt - t) <= 1e-9 * max(t, path.dt)):
            raise ValueError(f"t = {t} is not a point of the path's grid of step {path.dt:g}")
        if path.m != self.sde.m:
            raise ValueError(
                f"path has m = {path.m}, this problem has m = {self.sde.m}; "
                "problem.sde.path(rng, dt) makes one that fits"
            )
        if steps == 0 and self.pathwise:
            return np.array(self.sde.x0)
        if self.solution is not None:
            return self.solution(t, path.increments(0, steps).sum(axis=0))
        if self.integral is not None:
            whole = path.coarsen(steps)
            return self.integral(t, whole.increments(0, 1)[0], whole.integrals(0, 1)[0])
        raise ValueError("of this problem only moments are known, not the solution along a path")


def geometric(
    mu: float = 1.01, sigma: float = 0.87, x0: float = 0.5, interpretation: str = "ito"
) -> SolvedProblem:
    """dx = mu x dt + sigma x dW, or the same with o dW in Stratonovich's calculus."""
    shift = 0.5 * sigma**2 if interpretation == "ito" else 0.0
    growth = mu + 0.5 * sigma**2 - shift  # of the mean

    def moments(t: float) -> Moments:
        mean = x0 * np.exp(growth * t)
        return np.array([mean]), np.array([[mean**2 * np.expm1(sigma**2 * t)]])

    return SolvedProblem(
        SDE(
            f=lambda x, t: mu * x,
            G=lambda x, t: sigma * x[:, None],
            x0=np.array([x0]),
            noise_type="diagonal",
            interpretation=interpretation,
            correction=lambda x, t: 0.5 * sigma**2 * x,
        ),
        "dx = mu x dt + sigma x dW: x = x0 exp((mu - sigma^2/2) t + sigma W), in Stratonovich's "
        "calculus x0 exp(mu t + sigma W)",
        moments,
        lambda t, W: x0 * np.exp((mu - shift) * t + sigma * W),
        reference=_KLOEDEN_PLATEN,
    )


def additive(a: float = 0.1, b: float = 0.05, x0: float = 1.0) -> SolvedProblem:
    """dx = (b/sqrt(1 + t) - x/(2 (1 + t))) dt + a b/sqrt(1 + t) dW."""

    def moments(t: float) -> Moments:
        return np.array([(x0 + b * t) / np.sqrt(1 + t)]), np.array([[(a * b) ** 2 * t / (1 + t)]])

    return SolvedProblem(
        SDE(
            f=lambda x, t: b / np.sqrt(1 + t) - x / (2 * (1 + t)),
            G=lambda x, t: np.array([[a * b / np.sqrt(1 + t)]]),
            x0=np.array([x0]),
            noise_type="additive",
        ),
        "dx = (b/sqrt(1+t) - x/(2(1+t))) dt + a b/sqrt(1+t) dW: x = (x0 + b (t + a W))/sqrt(1+t)",
        moments,
        lambda t, W: (x0 + b * (t + a * W)) / np.sqrt(1 + t),
        reference="prob_sde_additive of SDEProblemLibrary.jl",
    )


def cubic(x0: float = 0.5) -> SolvedProblem:
    """dx = -x (1 - x^2)/4 dt + (1 - x^2)/2 dW."""
    # Gauss and Hermite's rule: tanh is smooth over the width of a normal law
    nodes, weights = np.polynomial.hermite_e.hermegauss(120)
    weights = weights / weights.sum()

    def moments(t: float) -> Moments:
        x = np.tanh(0.5 * np.sqrt(t) * nodes + np.arctanh(x0))
        mean = weights @ x
        return np.array([mean]), np.array([[weights @ x**2 - mean**2]])

    return SolvedProblem(
        SDE(
            f=lambda x, t: -0.25 * x * (1 - x**2),
            G=lambda x, t: 0.5 * (1 - x**2)[:, None],
            x0=np.array([x0]),
            noise_type="diagonal",
            correction=lambda x, t: -0.25 * x * (1 - x**2),
        ),
        "dx = -x (1 - x^2)/4 dt + (1 - x^2)/2 dW: x = tanh(W/2 + artanh x0)",
        moments,
        solution=lambda t, W: np.tanh(0.5 * W + np.arctanh(x0)),
        reference=_KLOEDEN_PLATEN,
    )


def commutative(d: int = 4, m: int = 10) -> SolvedProblem:
    """dx = A x dt + sum_k B x dW_k: A = -3/2 and B = 1/5 on the diagonal, 1/20 and 1/100 off it."""
    size = single(d, "d", positive=True) * (single(d, "d") + single(m, "m", positive=True))
    see_room(16.0 * size, f"matrices of {d} components and {m} processes", "take fewer")
    A = np.full((d, d), 1 / 20) + np.diag(np.full(d, -3 / 2 - 1 / 20))
    B = np.full((d, d), 1 / 100) + np.diag(np.full(d, 1 / 5 - 1 / 100))
    return _linear(
        A,
        B,
        m,
        np.ones(d),
        "Roessler 2010, equation 7.4 as sdeint quotes it, doi:10.1137/09076636X",
    )


def stiff(rate: float = 25.0, sigma: float = 1.0) -> SolvedProblem:
    """dx = A x dt + sigma x dW, A = rate [[-1, 1], [1, -1]]: x_1 and x_2 meet at 2 rate."""
    A = rate * np.array([[-1.0, 1.0], [1.0, -1.0]])
    return _linear(
        A,
        sigma * np.eye(2),
        1,
        np.array([1.0, 0.0]),
        "Kloeden & Platen 1999, section 12.3, doi:10.1007/978-3-662-12616-5",
        dt=2.0**-12,
    )


def _linear(
    A: np.ndarray, B: np.ndarray, m: int, x0: np.ndarray, reference: str, dt: float = 2.0**-10
) -> SolvedProblem:
    """dx = A x dt + sum_k B x dW_k, where A and B are symmetric and commute."""
    d = len(x0)

    def moments(t: float) -> Moments:
        mean = scipy.linalg.expm(A * t) @ x0
        # P = E x x^T: dP/dt = A P + P A + m B P B, with A and B symmetric
        generator = np.kron(A, np.eye(d)) + np.kron(np.eye(d), A) + m * np.kron(B, B)
        square = (scipy.linalg.expm(generator * t) @ np.outer(x0, x0).ravel()).reshape(d, d)
        return mean, square - np.outer(mean, mean)

    return SolvedProblem(
        SDE(
            f=lambda x, t: A @ x,
            G=lambda x, t: np.repeat((B @ x)[:, None], m, axis=1),
            x0=x0,
            noise_type="commutative",
            correction=lambda x, t: 0.5 * m * (B @ B @ x),
            columns=[lambda x, t: B @ x] * m,
        ),
        "dx = A x dt + sum_k B x dW_k, A and B commute: x = exp((A - m B^2/2) t + B sum_k W_k) x0",
        moments,
        lambda t, W: scipy.linalg.expm((A - 0.5 * m * B @ B) * t + B * np.sum(W)) @ x0,
        reference=reference,
        dt=dt,
    )


def hyperbolic() -> SolvedProblem:
    """dx = (x/2 + sqrt(x^2 + 1)) dt + sqrt(x^2 + 1) dW, from 0.

    For weak errors: with p(z) = z^3 - 6 z^2 + 8 z, E p(arsinh x) = t^3 - 3 t^2 + 2 t.
    """

    def moments(t: float) -> Moments:
        mean = np.exp(t / 2) * np.sinh(t)
        square = 0.5 * (np.exp(2 * t) * np.cosh(2 * t) - 1)
        return np.array([mean]), np.array([[square - mean**2]])

    return SolvedProblem(
        SDE(
            f=lambda x, t: 0.5 * x + np.sqrt(x**2 + 1),
            G=lambda x, t: np.sqrt(x**2 + 1)[:, None],
            x0=np.array([0.0]),
            noise_type="diagonal",
            correction=lambda x, t: 0.5 * x,
        ),
        "dx = (x/2 + sqrt(x^2 + 1)) dt + sqrt(x^2 + 1) dW: x = sinh(t + W)",
        moments,
        lambda t, W: np.sinh(t + W),
        reference=(
            "Debrabant & Roessler 2009, Appl. Numer. Math. 59, 582, doi:10.1016/j.apnum.2008.03.012"
        ),
        functional=lambda x: np.polynomial.Polynomial([0.0, 8.0, -6.0, 1.0])(np.arcsinh(x[0])),
        expectation=lambda t: t**3 - 3 * t**2 + 2 * t,
    )


def rotation(a: float = 1.0) -> SolvedProblem:
    """A point that turns by the angle a I, I the integral of W_1 dW_2: noise does not commute."""

    def f(x: np.ndarray, t: float) -> np.ndarray:
        return -0.5 * (a * x[0]) ** 2 * np.array([np.zeros_like(x[0]), x[1], x[2]])

    def G(x: np.ndarray, t: float) -> np.ndarray:
        none = np.zeros_like(x[0])
        return np.array([[none + 1.0, none], [none, -a * x[0] * x[2]], [none, a * x[0] * x[1]]])

    def solution(t: float, W: np.ndarray, I: np.ndarray) -> np.ndarray:
        return np.array([W[0], np.cos(a * I[0, 1]), np.sin(a * I[0, 1])])

    def moments(t: float) -> Moments:
        mean = np.array([0.0, 1 / np.sqrt(np.cosh(a * t)), 0.0])
        second = 1 / np.sqrt(np.cosh(2 * a * t))  # E cos(2 a I)
        # E W_1 sin(a I) = 0: given W_1 the law of I is even
        return mean, np.diag([t, 0.5 * (1 + second) - mean[1] ** 2, 0.5 * (1 - second)])

    return SolvedProblem(
        SDE(
            f=f,
            G=G,
            x0=np.array([0.0, 1.0, 0.0]),
            noise_type="general",
            correction=f,
        ),
        "dx = dW_1, d(u, v) = a x (-v, u) dW_2 - (a x)^2/2 (u, v) dt: u + i v = exp(i a I_12)",
        moments,
        integral=solution,
        reference="Levy 1951, Proc. 2nd Berkeley Symp., 171, for the law of the iterated integral",
    )


def ornstein_uhlenbeck(k: float = 2.0, sigma: float = 0.5, x0: float = 1.0) -> SolvedProblem:
    """dx = -k x dt + sigma dW."""

    def moments(t: float) -> Moments:
        variance = -(sigma**2) * np.expm1(-2 * k * t) / (2 * k)
        return np.array([x0 * np.exp(-k * t)]), np.array([[variance]])

    return SolvedProblem(
        SDE(
            f=lambda x, t: -k * x,
            G=lambda x, t: np.array([[sigma]]),
            x0=np.array([x0]),
            noise_type="additive",
        ),
        "dx = -k x dt + sigma dW: normal, x0 e^(-k t) and sigma^2 (1 - e^(-2 k t))/(2 k)",
        moments,
        reference=_GARDINER,
    )


def oscillator(omega: float = 2.0, sigma: float = 0.5, x0: float = 1.0) -> SolvedProblem:
    """dx = v dt, dv = -omega^2 x dt + sigma dW."""

    def moments(t: float) -> Moments:
        c, s = np.cos(omega * t), np.sin(omega * t)
        wiggle = s * c / omega
        xx, vv = (t - wiggle) / (2 * omega**2), (t + wiggle) / 2
        xv = s**2 / (2 * omega**2)
        return np.array([x0 * c, -omega * x0 * s]), sigma**2 * np.array([[xx, xv], [xv, vv]])

    return SolvedProblem(
        SDE(
            f=lambda x, t: np.array([x[1], -(omega**2) * x[0]]),
            G=lambda x, t: np.array([[0.0], [sigma]]),
            x0=np.array([x0, 0.0]),
            noise_type="additive",
            names=["x", "v"],
        ),
        "dx = v dt, dv = -omega^2 x dt + sigma dW: normal, with a turning mean",
        moments,
        reference=_GARDINER,
    )
