"""The polynomial functions against arithmetic in 50 digits."""

import math
from decimal import Decimal, getcontext

import numba as nb
import numpy as np
import pytest

from hh_sde.kernels import elementary, single

getcontext().prec = 50
EPS = 2.0**-52


def over_lanes(function):
    @nb.njit(error_model="numpy")
    def loop(x, out):
        for i in range(x.size):
            out[i] = function(x[i])

    def call(x):
        out = np.empty_like(x)
        loop(x, out)
        return out

    return call


exp = over_lanes(elementary.exp)
log = over_lanes(elementary.log)
linoid = over_lanes(elementary.linoid)


def relative_error(values, exact):
    return max(abs(float(Decimal(float(v)) / e - 1)) for v, e in zip(values, exact, strict=True))


def test_exp():
    x = np.random.default_rng(1).uniform(-708, 709, 2000)
    assert relative_error(exp(x), [Decimal(v).exp() for v in x.tolist()]) < 2 * EPS
    assert exp(np.zeros(1))[0] == 1.0


def test_log():
    x = np.concatenate([np.random.default_rng(2).uniform(0, 3, 2000), [2.0**-52, 1 - EPS / 2]])
    assert relative_error(log(x), [Decimal(v).ln() for v in x.tolist()]) < 4 * EPS
    assert log(np.ones(1))[0] == 0.0


def test_linoid_has_full_accuracy_at_and_around_its_removable_singularity():
    u = np.concatenate(
        [np.linspace(-40, 40, 1001), 10.0 ** np.arange(-15, 1), -(10.0 ** np.arange(-15, 1))]
    )
    u = u[u != 0]
    exact = [Decimal(v) / (1 - (-Decimal(v)).exp()) for v in u.tolist()]
    assert relative_error(linoid(u), exact) < 4 * EPS
    assert np.all(linoid(np.array([0.0, -0.0, 5e-324, 1e-300])) == 1.0)


def test_naive_linoid_would_fail_that_test():
    u = np.array([5e-9])
    naive = u / (1 - np.exp(-u))
    assert relative_error(naive, [Decimal(u[0]) / (1 - (-Decimal(u[0])).exp())]) > 1e-9


@pytest.mark.parametrize("function", [exp, linoid])
def test_nan_goes_through(function):
    assert np.isnan(function(np.array([np.nan]))[0])


def test_cos_sin():
    @nb.njit
    def loop(v, c, s):
        for i in range(v.size):
            c[i], s[i] = elementary.cos_sin_turns(v[i])

    v = np.arange(4096) / 4096.0
    c, s = np.empty_like(v), np.empty_like(v)
    loop(v, c, s)
    # numpy's own argument 2 pi v is rounded: 2 pi * eps
    np.testing.assert_allclose(c, np.cos(2 * np.pi * v), atol=8 * EPS, rtol=0)
    np.testing.assert_allclose(s, np.sin(2 * np.pi * v), atol=8 * EPS, rtol=0)


# -- the coefficients ------------------------------------------------------------------------------


def decimal_pi():
    """By Machin's formula."""

    def artan_of_inverse(n):
        return sum((-1) ** k / (Decimal(2 * k + 1) * Decimal(n) ** (2 * k + 1)) for k in range(40))

    return 4 * (4 * artan_of_inverse(5) - artan_of_inverse(239))


def interpolated(derivatives, a, b, degree):
    """Coefficients of the polynomial through a power series at the Chebyshev points of [a, b]."""
    n = degree + 1
    pi = decimal_pi()

    def cos(x):
        return sum((-1) ** k * x ** (2 * k) / math.factorial(2 * k) for k in range(60))

    points = [(a + b) / 2 + (b - a) / 2 * cos(pi * (2 * k + 1) / (2 * n)) for k in range(n)]
    rows = [
        [x**j for j in range(n)] + [sum(c * x**k for k, c in enumerate(derivatives))]
        for x in points
    ]
    for i in range(n):  # Gauss-Jordan
        rows[i] = [value / rows[i][i] for value in rows[i]]
        for k in range(n):
            if k != i:
                rows[k] = [u - rows[k][i] * v for u, v in zip(rows[k], rows[i], strict=True)]
    return [float(row[-1]) for row in rows]


def test_the_coefficients_are_those_of_interpolation_at_chebyshev_points():
    half_ln_2 = Decimal(2).ln() / 2
    quarter = (decimal_pi() / 4) ** 2
    widest = ((Decimal(2).sqrt() - 1) / (Decimal(2).sqrt() + 1)) ** 2
    zero, terms = Decimal(0), range(40)
    factorial = [Decimal(math.factorial(k)) for k in range(100)]
    e = elementary
    cases = [
        ([1 / factorial[k + 1] for k in terms], -half_ln_2, half_ln_2,
         (1.0, e.E1, e.E2, e.E3, e.E4, e.E5, e.E6, e.E7, e.E8, e.E9, e.E10)),
        ([1 / Decimal(2 * k + 3) for k in terms], zero, widest,
         (e.L0, e.L1, e.L2, e.L3, e.L4, e.L5, e.L6)),
        ([-((-1) ** k) / factorial[2 * k + 3] for k in terms], zero, quarter,
         (e.S0, e.S1, e.S2, e.S3, e.S4, e.S5)),
        ([(-1) ** k / factorial[2 * k + 4] for k in terms], zero, quarter,
         (e.C0, e.C1, e.C2, e.C3, e.C4, e.C5)),
        ([1 / factorial[k + 2] for k in terms], -half_ln_2, half_ln_2,
         (single.E1, single.E2, single.E3, single.E4, single.E5)),
    ]  # fmt: skip
    for series, a, b, stated in cases:
        exact = interpolated(series, a, b, len(stated) - 1)
        kind = np.asarray(stated[-1]).dtype.type
        assert [kind(value) for value in exact] == list(stated)
