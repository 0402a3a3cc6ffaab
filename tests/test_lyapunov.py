"""Lyapunov exponents: of linear equations, limit cycles, noisy neurons, and sheared cycles."""

import numpy as np
import pytest
import scipy.integrate

import hh_sde as hh
from hh_sde.studies import lyapunov

NET = hh.Network(1, stimulus=10.0)
DRIFT = np.array([[-1.0, 0.0], [0.3, -2.0]])


def linear(x, t):
    return DRIFT @ x


def unit(x, t):
    return np.eye(2)


@pytest.mark.parametrize("method", ["heun", "euler_maruyama"])
def test_of_a_linear_equation_they_are_its_eigenvalues(method):
    """To the last digits those of the scheme: log(1 + h l + h^2 l^2/2)/h, and log(1 + h l)/h."""
    h, rates = 0.02, np.diag(DRIFT)
    sde = hh.SDE(linear, unit, x0=[1.0, 0.0], noise_type="additive")
    ds = lyapunov(
        sde, 2, 30.0, 2, dt=h, discard=10.0, renormalise=1.0, rng=1, method=method
    )  # fmt: skip
    expected = np.log1p(h * rates + (0.5 * (h * rates) ** 2 if method == "heun" else 0.0)) / h
    np.testing.assert_allclose(ds.exponent, expected, rtol=2e-4)
    np.testing.assert_allclose(ds.exponent_sum, expected.sum(), rtol=1e-6)
    assert ds.exponent.attrs["units"] == "1/ms"


def test_a_limit_cycle_has_0_and_noise_makes_it_negative():
    """Without noise the interval holds 0 and is narrow; common noise makes trials alike."""
    cycle = lyapunov(NET, t_end=600.0, rng=1)
    assert cycle.exponent_low[0] < 0 < cycle.exponent_high[0]
    assert cycle.exponent_high[0] - cycle.exponent_low[0] < 0.04
    noisy = lyapunov(NET.replace(noise=hh.CurrentNoise(3.0)), t_end=600.0, trials=6, rng=1)
    assert noisy.exponent_high[0] < -0.01


def test_the_engine_and_numpy_agree():
    """A network's f as a drift of one's own, by differences, against the compiled derivative."""
    options = {"t_end": 40.0, "discard": 10.0, "trials": 2, "rng": 1, "renormalise": 0.5}
    net = NET.replace(noise=hh.CurrentNoise(1.0))
    sde = net.sde()
    own = hh.SDE(sde.f, sde.G, x0=sde.x0, noise_type="additive", vectorized=True)
    found = [lyapunov(one, 2, **options).exponent.values for one in (net, own)]
    np.testing.assert_allclose(*found, rtol=1e-5)


def test_the_largest_is_found_wherever_it_is():
    """Of an equation that the first variable does not feel, as another neuron's."""
    rates = np.array([-2.0, -0.5])
    sde = hh.SDE(lambda x, t: rates * x, lambda x, t: np.zeros((2, 0)), x0=[1.0, 1.0])
    for exponents in (1, 2):
        ds = lyapunov(sde, exponents, 40.0, dt=0.01, discard=20.0, renormalise=0.5)
        np.testing.assert_allclose(ds.exponent, sorted(rates)[::-1][:exponents], atol=1e-3)
    both = hh.Network({"silent": hh.Population(1), "firing": hh.Population(1, stimulus=10.0)})
    ds = lyapunov(both, t_end=400.0)
    assert ds.exponent_low[0] < 0 < ds.exponent_high[0]


def hopf(shear):
    """The normal form of a Hopf bifurcation with shear and additive noise, all else 1."""

    def f(x, t):
        r2 = x[0] ** 2 + x[1] ** 2
        return np.stack(
            [x[0] - x[1] - (x[0] - shear * x[1]) * r2, x[1] + x[0] - (shear * x[0] + x[1]) * r2]
        )

    def G(x, t):
        return np.broadcast_to(np.eye(2).reshape((2, 2) + (1,) * (x.ndim - 1)), (2, *x.shape))

    return hh.SDE(f, G, x0=[1.0, 0.0], noise_type="additive", vectorized=True)


@pytest.mark.slow
def test_shear_turns_synchronisation_into_chaos():
    """Doan, Engel, Lamb & Rasmussen (2018), doi:10.1088/1361-6544/aad208: the largest exponent is
    negative for small shear and positive for large. The sum of both is the mean divergence, 2 - 4
    E r^2, whatever the shear, and r has the density r exp(r^2 - r^4/2).
    """
    weight = [
        scipy.integrate.quad(lambda r, k=k: r**k * np.exp(r**2 - r**4 / 2), 0, 6)[0] for k in (1, 3)
    ]
    divergence = 2.0 - 4.0 * weight[1] / weight[0]
    found = {
        shear: lyapunov(
            hopf(shear), 2, 200.0, 100, dt=0.002, discard=10.0, renormalise=0.1,
            confidence=0.999, rng=1,
        )
        for shear in (0.5, 10.0)
    }  # fmt: skip
    assert found[0.5].exponent_high[0] < 0 < found[10.0].exponent_low[0]
    for ds in found.values():
        assert ds.exponent_sum_low < divergence < ds.exponent_sum_high


@pytest.mark.parametrize(
    ("net", "options", "said"),
    [
        (NET.replace(noise=hh.SubunitNoise(100.0)), {}, "depends on the state and moves"),
        (NET, {"exponents": 5}, "exponents must be at most d = 4, got 5"),
        (NET, {"method": "strang"}, "there is no method of lyapunov 'strang'"),
        (NET, {"renormalise": 0.3}, "must be multiples of renormalise = 0.3 ms"),
        (NET, {"discard": 100.004}, "discard = 100.004 ms must be a multiple of dt"),
        (NET, {"discard": 999.0}, "10 of it must fit between them"),
    ],
)
def test_what_does_not_fit_is_refused(net, options, said):
    with pytest.raises(ValueError, match=said):
        lyapunov(net, **{"t_end": 1000.0, "rng": 1, **options})


def test_steps_are_one():
    with pytest.raises(TypeError, match="dt must be a number"):
        lyapunov(NET, dt=[0.01, 0.02])


@pytest.mark.parametrize(
    ("f", "said"),
    [
        (lambda x, t: x**3 + 1.0, r"the state became infinite at .* ms: give a smaller dt"),
        (lambda x, t: np.array([[-1.0, 5.0], [0.0, -40.0]]) @ x, "no longer linearly independent"),
    ],
)
@pytest.mark.filterwarnings("ignore:overflow", "ignore:invalid")
def test_what_cannot_be_measured_says_so(f, said):
    sde = hh.SDE(f, lambda x, t: np.zeros((2, 0)), x0=[1.0, 0.5])
    with pytest.raises(hh.IntegrationError, match=said):
        lyapunov(sde, 2, 20.0, discard=10.0, renormalise=1.0, rng=1)
