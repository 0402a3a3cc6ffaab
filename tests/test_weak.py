"""Weak order 2: the scheme against the equation's generator, and in law."""

import itertools

import numpy as np
import pytest

import hh_sde as hh
from hh_sde.methods import weak
from hh_sde.methods.batches import over_trials
from hh_sde.methods.weak import DRI1, Tableau, step_of
from hh_sde.problems import PROBLEMS

#: RI5 of Roessler 2009, another member of the class.
RI5 = Tableau(
    alpha=(1 / 10, 3 / 14, 24 / 35),
    A0=(1.0, 25 / 144, 35 / 144),
    B0=(1 / 3, -5 / 6),
    A1=1 / 4,
    B1=1 / 2,
    B2=(1.0, 0.0),
    beta1=(1.0, -1.0),
    beta2=1.0,
    beta3=-1 / 4,
    beta4=1 / 2,
)


# -- exactly: increments have few values ----------------------------------------------------------


def values_of_increments(m):
    """I and S (m, values) of a step h = 1, and their probabilities."""
    parts = [[(-(3**0.5), 1 / 6), (0.0, 2 / 3), (3**0.5, 1 / 6)]] * m
    parts += [[(-1.0, 1 / 2), (1.0, 1 / 2)]] * (m if m > 1 else 0)  # for pairs of columns
    found = list(itertools.product(*parts))
    values = np.array([[value for value, _ in one] for one in found]).T
    S = values[m:] if m > 1 else np.ones((1, len(found)))
    return values[:m], S, np.array([np.prod([p for _, p in one]) for one in found])


def expectation(step, f, G, x0, t, h, steps, functional):
    """Its exact mean after some steps, over all values that the increments can have."""
    x, weights = np.array(x0, dtype=float)[:, None], np.ones(1)
    I, S, p = values_of_increments(G(x, t).shape[1])
    for k in range(steps):
        n = len(weights)
        x, weights = np.repeat(x, len(p), axis=1), np.repeat(weights, len(p)) * np.tile(p, n)
        x = step(f, G, x, t + k * h, h, np.tile(I, n) * h**0.5, np.tile(S, n) * h**0.5)
    return functional(x) @ weights


# -- the order conditions, by the generator -------------------------------------------------------


class Polynomial(dict):
    """In x, y and t: a coefficient for each triple of powers."""

    def __add__(self, other):
        return Polynomial({k: self.get(k, 0.0) + other.get(k, 0.0) for k in {*self, *other}})

    def __mul__(self, other):
        found = Polynomial()
        for (a, u), (b, v) in itertools.product(self.items(), other.items()):
            found += Polynomial({tuple(np.add(a, b).tolist()): u * v})
        return found

    def d(self, variable):
        """Its derivative."""
        down = np.eye(3, dtype=int)[variable]
        return Polynomial(
            {tuple((k - down).tolist()): c * k[variable] for k, c in self.items() if k[variable]}
        )

    def __call__(self, x, y, t):
        return sum(c * x**i * y**j * t**k for (i, j, k), c in self.items()) + 0.0 * x


def of(**coefficients):
    """of(xxy=2.0, one=1.0) is 2 x^2 y + 1."""
    return Polynomial(
        {tuple(name.replace("one", "").count(v) for v in "xyt"): c
         for name, c in coefficients.items()}
    )  # fmt: skip


# any polynomials do: two components, three columns that commute with no other, all with time
DRIFT = [of(one=1.0, x=-0.5, xy=0.33, yt=-0.5), of(y=0.25, xx=-0.2, t=0.33)]
COLUMNS = [
    [of(one=1.0, x=0.33, yy=-0.2), of(x=0.25, t=0.5)],
    [of(y=0.5, x=-0.33, xt=0.25), of(one=1.0, xx=-0.17)],
    [of(xy=0.25, one=-1.0), of(y=0.33, x=0.2, t=-0.33)],
]
START = (0.3, -0.2, 0.1)
TEST_FUNCTIONS = [
    of(**{name: 1.0}) for name in ("x", "y", "xx", "xy", "yyy", "xxy", "xxxx", "xyyyyy")
]


def generated(u):
    """du/dt + f . grad u + 1/2 sum_k g_k g_k^T : hessian of u"""
    found = u.d(2)
    for i in range(2):
        found += DRIFT[i] * u.d(i)
        for j in range(2):
            for g in COLUMNS:
                found += of(one=0.5) * g[i] * g[j] * u.d(i).d(j)
    return found


GENERATED = [(u, generated(u), generated(generated(u))) for u in TEST_FUNCTIONS]


def f(x, t):
    return np.array([component(*x, t) for component in DRIFT])


def G(x, t):
    return np.array([[g[i](*x, t) for g in COLUMNS] for i in range(2)])


def error(step):
    """Of the terms 1, h and h^2 of E u after one step, which are to be u, L u and L^2 u/2.

    That mean is a polynomial in h, since f, G and u are, of which odd moments drop out.
    """
    sizes = np.arange(1, 9) / 256
    *x0, t = START
    worst = 0.0
    for u, first, second in GENERATED:
        means = [
            expectation(step, f, G, x0, t, h, 1, lambda x, u=u, h=h: u(*x, t + h)) for h in sizes
        ]
        found = np.polynomial.Polynomial.fit(sizes, means, 7).convert().coef[:3]
        wanted = [u(*START), first(*START), second(*START) / 2]
        worst = max(worst, np.abs(found - wanted).max())
    return worst


@pytest.mark.parametrize("tableau", [DRI1, RI5], ids=["DRI1", "RI5"])
def test_one_step_is_right_up_to_h_squared(tableau):
    assert error(step_of(tableau)) < 1e-6


def places(tableau):
    """(field, index) of each coefficient."""
    for field, value in tableau._asdict().items():
        for i in range(len(value)) if isinstance(value, tuple) else [None]:
            yield field, i


@pytest.mark.parametrize(("field", "i"), list(places(DRI1)))
def test_with_one_coefficient_wrong_it_is_not(field, i):
    old = getattr(DRI1, field)
    new = 1.02 * old if i is None else (*old[:i], 1.02 * old[i], *old[i + 1 :])
    assert error(step_of(DRI1._replace(**{field: new}))) > 1e-3


def test_with_areas_that_are_correlated_it_is_not(monkeypatch):
    """One sign for all pairs of a column: enough for two columns, and not for three."""

    def correlated(k, h, I, S):
        found = 0.5 * I[k] * I
        found[:k] += 0.5 * h**0.5 * S[:k]
        found[k + 1 :] -= 0.5 * h**0.5 * S[k]
        found[k] = 0.0
        return found

    monkeypatch.setattr(weak, "_integrals", correlated)
    assert error(step_of(DRI1)) > 1e-2


def test_what_is_left_out_for_special_noise_is_zero():
    """Of additive and diagonal noise."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(3, 5))
    dW, S = rng.choice([-1.0, 0.0, 1.0], (3, 5)), rng.choice([-1.0, 1.0], (3, 5))

    def drift(x, t):
        return np.sin(x[::-1]) + t

    def additive_G(x, t):
        return np.broadcast_to(np.exp(-t) * np.arange(9.0).reshape(3, 3, 1), (3, 3, x.shape[1]))

    def diagonal_G(x, t):
        return np.eye(3)[:, :, None] * np.cos(x + t)[:, None]

    for name, diffusion in {"additive": additive_G, "diagonal": diagonal_G}.items():
        special, general = (
            step_of(DRI1, kind)(drift, diffusion, x, 0.2, 0.3, dW, S) for kind in (name, "general")
        )
        np.testing.assert_allclose(special, general, rtol=1e-13, atol=1e-13)


# -- whole runs, still exactly --------------------------------------------------------------------

#: Steps of equal size to t_end, and of which moment the error is taken.
RUNS = {
    "linear": (0.25, (1, 2, 4, 8)),
    "hyperbolic": (0.25, (1, 2, 4, 8)),
    "geometric": (1.0, (1, 2, 4, 8)),
    "stiff": (0.04, (2, 4, 8)),
    "ornstein_uhlenbeck": (0.5, (1, 2, 4, 8)),
    "rotation": (0.5, (1, 2, 3, 4)),
}


@pytest.mark.parametrize("name", RUNS)
def test_weak_order_two_of_second_moments(name):
    """Without sampling: over all the values that the increments of all steps can have."""
    problem, (t_end, steps) = PROBLEMS[name], RUNS[name]
    f, G = over_trials(problem.sde, 10**9)
    mean, covariance = problem.moments(t_end)
    wanted = np.trace(covariance) + mean @ mean
    for kind in {problem.sde.noise_type, "general"} if name != "rotation" else {"general"}:
        errors = [
            expectation(step_of(DRI1, kind), f, G, problem.sde.x0, 0.0, t_end / n, n,
                        lambda x: (x**2).sum(axis=0)) - wanted
            for n in steps
        ]  # fmt: skip
        slopes = -np.diff(np.log(np.abs(errors))) / np.diff(np.log(steps))
        print(name, kind, errors, slopes)
