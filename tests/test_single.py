"""Single precision: the same loops, paths and results as in double precision, rounded."""

import json

import numba as nb
import numpy as np
import pytest
import scipy.special
from shared import ENGINE, KINDS, SMALL, quick_ones, slow_ones

import hh_sde as hh
from hh_sde.kernels import single

EPS = float(np.finfo(np.float32).eps)


def over_lanes(function):
    @nb.njit(error_model="numpy")
    def loop(x, out):
        for i in range(x.size):
            out[i] = function(x[i])

    def call(x):
        out = np.empty_like(x)
        loop(x, out)
        return out.astype(float)

    return call


def test_exp():
    x = np.random.default_rng(1).uniform(-87, 88, 20_000).astype(np.float32)
    np.testing.assert_allclose(over_lanes(single.exp)(x), np.exp(x.astype(float)), rtol=2 * EPS)
    assert over_lanes(single.exp)(np.zeros(1, np.float32))[0] == 1.0
    assert np.isnan(over_lanes(single.exp)(np.full(1, np.nan, np.float32))[0])


def test_linoid_and_decayed():
    u = np.concatenate([np.linspace(-40, 40, 4001), [1e-7, -1e-7, 1e-30]]).astype(np.float32)
    u = u[u != 0]
    exact = 1.0 / scipy.special.exprel(-u.astype(float))
    np.testing.assert_allclose(over_lanes(single.linoid)(u), exact, rtol=3 * EPS)
    assert over_lanes(single.linoid)(np.zeros(1, np.float32))[0] == 1.0
    z = np.abs(u)
    np.testing.assert_allclose(
        over_lanes(single.decayed)(z), -np.expm1(-z.astype(float)), rtol=3 * EPS
    )


def test_relaxed_stays_between_0_and_1():
    rng = np.random.default_rng(2)
    numbers = rng.random((4, 20_000)).astype(np.float32) * np.array([[1], [50], [50], [10]])
    numbers[0, :100], numbers[0, 100:200] = 0.0, 1.0

    @nb.njit
    def loop(x, a, b, h, out):
        for i in range(x.size):
            out[i] = single.relaxed(x[i], a[i], b[i], h[i])

    out = np.empty(20_000, np.float32)
    loop(*numbers.astype(np.float32), out)
    assert out.min() >= 0.0
    assert out.max() <= 1.0


@pytest.fixture(scope="module")
def pair():
    return hh.Network(
        2,
        stimulus=10.0,
        synapses=hh.Synapse.sigmoidal(weights=[[0, 0.1], [0.2, 0]]),
        noise=hh.CurrentNoise(1.0),
    )


def single_and_double(net, method, **options):
    options = {"dt": 0.01, "rng": 1, "method": method} | options
    return tuple(hh.solve(net, 5.0, dtype=dtype, **options) for dtype in ("float32", "float64"))


def fitting(net):
    noise_type = net.sde().noise_type
    return [name for name in ENGINE if noise_type in hh.METHODS[name].strong_order]


# the same steps are written in either precision; one of each kind
@pytest.mark.parametrize("method", quick_ones(ENGINE, KINDS))
def test_a_path_is_that_of_double_precision_rounded(pair, method):
    found, exact = single_and_double(pair, method)
    assert found.V.dtype == np.float32
    assert exact.V.dtype == np.float64
    assert 0 < abs(found.V - exact.V).max() < 0.02  # the rise of a spike magnifies rounding
    assert json.loads(found.attrs["arguments"])["dtype"] == "float32"


NOISES = {
    "conductance": hh.ConductanceNoise(area=1000.0),
    "subunit": hh.SubunitNoise(area=1000.0),
    "shielded": hh.ShieldedNoise(area=1000.0),
    "effective": hh.EffectiveConductanceNoise(area=1000.0),
    "colored": [hh.CurrentNoise(0.5), hh.OrnsteinUhlenbeckCurrent(0.0, 1.0, 2.0)],
}


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("method", slow_ones(["euler_maruyama", "strang"], "strang"))
def test_every_noise_is_that_of_double_precision_rounded(noise, method):
    net = hh.Network(1, cell=SMALL, stimulus=6.0, noise=NOISES[noise])
    found, exact = single_and_double(net, method)
    assert 0 < abs(found.V - exact.V).max() < 0.02
    for name in net.variables[1:]:
        assert abs(found[name] - exact[name]).max() < 2e-4, name


def test_how_it_is_computed_makes_no_difference(pair):
    options = {"rng": 3, "dt": 0.01, "dtype": "float32", "save_dt": 0.1}
    whole = hh.solve(pair, 20.0, trials=9, **options)
    threads = hh.solve(pair, 20.0, trials=9, threads=2, **options)
    part = hh.solve(pair, 20.0, trials=[7, 2], **options)
    assert np.array_equal(whole.V, threads.V)
    assert np.array_equal(whole.V.sel(trial=[7, 2]), part.V)
    begun = hh.solve(pair, 8.0, trials=9, **options)
    rest = hh.solve(pair, 20.0, trials=9, x0=begun, **options)
    assert np.array_equal(whole.V.sel(time=20.0), rest.V.sel(time=20.0))
    assert hh.rerun(whole).identical(whole)


def test_numpy_types_name_a_precision_too(pair):
    assert hh.solve(pair, 1.0, rng=1, dtype=np.float32).identical(
        hh.solve(pair, 1.0, rng=1, dtype="float32")
    )


def test_spikes_and_statistics(pair):
    options = {"rng": 3, "dt": 0.01, "trials": 20}
    found = hh.solve(pair, 100.0, dtype="float32", record=("spikes",), **options)
    exact = hh.solve(pair, 100.0, record=("spikes",), **options)
    assert found.sizes["spike"] == exact.sizes["spike"]
    mean = hh.solve(pair, 5.0, dtype="float32", reduce=("mean", "var"), **options)
    double = hh.solve(pair, 5.0, reduce=("mean", "var"), **options)
    np.testing.assert_allclose(mean.V_mean, double.V_mean, atol=1e-3)
    np.testing.assert_allclose(mean.V_var, double.V_var, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dtype": "float16"}, "dtype must be 'float64' or 'float32', got 'float16'"),
        ({"dtype": np.int64}, "dtype must be"),
        ({"dtype": "half of it"}, "dtype must be"),
        ({"dtype": "float32", "method": "sdeint.itoEuler"}, "computes in float64"),
        ({"dtype": "float32", "method": "scipy.DOP853", "noise": "ignore"}, "computes in float64"),
        ({"dtype": "float32", "noise": "ignore"}, "without noise a slope of V"),
    ],
)
def test_where_it_must_not_be_used(pair, options, message):
    with pytest.raises(ValueError, match=message):
        hh.solve(pair, 1.0, rng=1 if options.get("noise") is None else None, **options)


def test_the_chain_of_channels_is_in_double_precision():
    net = hh.Network(1, noise=hh.ConductanceNoise(area=100.0))
    for method in ("gillespie", "tau_leap"):
        with pytest.raises(ValueError, match="computes in float64"):
            hh.solve(net, 1.0, rng=1, method=method, dtype="float32")
