"""The polynomial functions against arithmetic in 50 digits."""

from decimal import Decimal, getcontext

import numba as nb
import numpy as np
import pytest

from hh_sde.kernels import elementary

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
