"""SDEs whose solution is known in closed form: along the path, or in mean and covariance.

Each is stated once, as expressions: its SDE follows from them, which every method of every library
takes, and solutions that are expressions too are held against it by Ito's formula.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.linalg

from hh_sde.brownian import BrownianPath
from hh_sde.memory import require as see_room
from hh_sde.problems.along import Along
from hh_sde.records import see_kind, single
from hh_sde.sde import SDE
from hh_sde.tables import Described, Description

Moments = tuple[np.ndarray, np.ndarray]

_KLOEDEN_PLATEN = "Kloeden & Platen 1999, section 4.4, doi:10.1007/978-3-662-12616-5"
_GARDINER = "Gardiner 2009, Stochastic Methods, 4th ed."
#: Derivatives of columns along each other that are worked out, a second or two.
_MOST_SLOPES = 100_000


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
        solution(t, W) -> x (d,), where it is a function of the Wiener processes W (m,) at t: an
        `Along` where it is an expression.
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
        SDE.from_expressions(
            {"x": "mu*x"},
            {"x": "sigma*x"},
            x0={"x": x0},
            parameters={"mu": mu, "sigma": sigma},
            interpretation=interpretation,
        ),
        "dx = mu x dt + sigma x dW: x = x0 exp((mu - sigma^2/2) t + sigma W), in Stratonovich's "
        "calculus x0 exp(mu t + sigma W)",
        moments,
        Along.of(["x0*exp(mu*t + sigma*W)"], x0=x0, mu=mu - shift, sigma=sigma),
        reference=_KLOEDEN_PLATEN,
    )


def additive(a: float = 0.1, b: float = 0.05, x0: float = 1.0) -> SolvedProblem:
    """dx = (b/sqrt(1 + t) - x/(2 (1 + t))) dt + a b/sqrt(1 + t) dW."""

    def moments(t: float) -> Moments:
        return np.array([(x0 + b * t) / np.sqrt(1 + t)]), np.array([[(a * b) ** 2 * t / (1 + t)]])

    return SolvedProblem(
        SDE.from_expressions(
            {"x": "b/sqrt(1 + t) - x/(2*(1 + t))"},
            {"x": "a*b/sqrt(1 + t)"},
            x0={"x": x0},
            parameters={"a": a, "b": b},
        ),
        "dx = (b/sqrt(1+t) - x/(2(1+t))) dt + a b/sqrt(1+t) dW: x = (x0 + b (t + a W))/sqrt(1+t)",
        moments,
        Along.of(["(x0 + b*(t + a*W))/sqrt(1 + t)"], x0=x0, a=a, b=b),
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
        SDE.from_expressions({"x": "-x*(1 - x**2)/4"}, {"x": "(1 - x**2)/2"}, x0={"x": x0}),
        "dx = -x (1 - x^2)/4 dt + (1 - x^2)/2 dW: x = tanh(W/2 + artanh x0)",
        moments,
        Along.of(["tanh(W/2 + atanh(x0))"], x0=x0),
        reference=_KLOEDEN_PLATEN,
    )


def commutative(d: int = 4, m: int = 10) -> SolvedProblem:
    """dx = A x dt + sum_k B x dW_k: A = -3/2 and B = 1/5 on the diagonal, 1/20 and 1/100 off it."""
    size = single(d, "d", positive=True) * (single(d, "d") + single(m, "m", positive=True))
    see_room(16.0 * size, f"matrices of {d} components and {m} processes", "take fewer")
    if d * m * m > _MOST_SLOPES:
        raise ValueError(
            f"d m^2 must be at most {_MOST_SLOPES}, since the derivative of each column along each "
            f"other is worked out; got d = {d} and m = {m}"
        )
    variables = [f"x{i + 1}" for i in range(d)]
    others = {x: " + ".join(one for one in variables if one != x) or "0" for x in variables}
    return _linear(
        SDE.from_expressions(
            {x: f"-3/2*{x} + ({others[x]})/20" for x in variables},
            {f"W{k + 1}": {x: f"B{x}" for x in variables} for k in range(m)},
            where={f"B{x}": f"{x}/5 + ({others[x]})/100" for x in variables},
            x0=dict.fromkeys(variables, 1.0),
        ),
        "Roessler 2010, equation 7.4 as sdeint quotes it, doi:10.1137/09076636X",
    )


def stiff(rate: float = 25.0, sigma: float = 1.0) -> SolvedProblem:
    """dx = A x dt + sigma x dW, A = rate [[-1, 1], [1, -1]]: x_1 and x_2 meet at 2 rate."""
    return _linear(
        SDE.from_expressions(
            {"x1": "rate*(x2 - x1)", "x2": "rate*(x1 - x2)"},
            {"W": {"x1": "sigma*x1", "x2": "sigma*x2"}},
            x0={"x1": 1.0, "x2": 0.0},
            parameters={"rate": rate, "sigma": sigma},
        ),
        "Kloeden & Platen 1999, section 12.3, doi:10.1007/978-3-662-12616-5",
        dt=2.0**-12,
    )


def _linear(sde: SDE, reference: str, dt: float = 2.0**-10) -> SolvedProblem:
    """dx = A x dt + sum_k B x dW_k, where A and B are symmetric and commute."""
    d, m, x0 = sde.d, sde.m, sde.x0
    A = np.stack([sde.f(e, 0.0) for e in np.eye(d)], axis=1)
    B = np.stack([sde.G(e, 0.0)[:, 0] for e in np.eye(d)], axis=1)

    def moments(t: float) -> Moments:
        mean = scipy.linalg.expm(A * t) @ x0
        # P = E x x^T: dP/dt = A P + P A + m B P B, with A and B symmetric
        generator = np.kron(A, np.eye(d)) + np.kron(np.eye(d), A) + m * np.kron(B, B)
        square = (scipy.linalg.expm(generator * t) @ np.outer(x0, x0).ravel()).reshape(d, d)
        return mean, square - np.outer(mean, mean)

    return SolvedProblem(
        sde,
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
        SDE.from_expressions({"x": "x/2 + sqrt(x**2 + 1)"}, {"x": "sqrt(x**2 + 1)"}, x0={"x": 0.0}),
        "dx = (x/2 + sqrt(x^2 + 1)) dt + sqrt(x^2 + 1) dW: x = sinh(t + W)",
        moments,
        Along.of(["sinh(t + W)"]),
        reference=(
            "Debrabant & Roessler 2009, Appl. Numer. Math. 59, 582, doi:10.1016/j.apnum.2008.03.012"
        ),
        functional=lambda x: np.polynomial.Polynomial([0.0, 8.0, -6.0, 1.0])(np.arcsinh(x[0])),
        expectation=lambda t: t**3 - 3 * t**2 + 2 * t,
    )


def rotation(a: float = 1.0) -> SolvedProblem:
    """A point that turns by the angle a I, I the integral of W_1 dW_2: noise does not commute."""

    def solution(t: float, W: np.ndarray, I: np.ndarray) -> np.ndarray:
        return np.array([W[0], np.cos(a * I[0, 1]), np.sin(a * I[0, 1])])

    def moments(t: float) -> Moments:
        mean = np.array([0.0, 1 / np.sqrt(np.cosh(a * t)), 0.0])
        second = 1 / np.sqrt(np.cosh(2 * a * t))  # E cos(2 a I)
        # E W_1 sin(a I) = 0: given W_1 the law of I is even
        return mean, np.diag([t, 0.5 * (1 + second) - mean[1] ** 2, 0.5 * (1 - second)])

    return SolvedProblem(
        SDE.from_expressions(
            {"x": 0, "u": "-(a*x)**2*u/2", "v": "-(a*x)**2*v/2"},
            {"W1": {"x": 1}, "W2": {"u": "-a*x*v", "v": "a*x*u"}},
            x0={"x": 0.0, "u": 1.0, "v": 0.0},
            parameters={"a": a},
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
        SDE.from_expressions(
            {"x": "-k*x"}, {"x": "sigma"}, x0={"x": x0}, parameters={"k": k, "sigma": sigma}
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
        SDE.from_expressions(
            {"x": "v", "v": "-omega**2*x"},
            {"W": {"v": "sigma"}},
            x0={"x": x0, "v": 0.0},
            parameters={"omega": omega, "sigma": sigma},
        ),
        "dx = v dt, dv = -omega^2 x dt + sigma dW: normal, with a turning mean",
        moments,
        reference=_GARDINER,
    )
