"""Multilevel estimates: against exact means, and what follows from levels."""

import functools
import json

import numpy as np
import pytest
import scipy.optimize
import scipy.stats
import xarray as xr

import hh_sde as hh
from hh_sde.studies import OBSERVABLES, mlmc, smoothed_distribution
from hh_sde.studies.levels import Ladder, Level, order_of
from hh_sde.studies.subject import Subject

E, G, SIGMA, V0, T = -60.0, 0.5, 4.0, -50.0, 4.0
PASSIVE = hh.Network(
    1,
    cell=hh.Cell("passive", (hh.Channel("L", g=G, E=E),), V0=V0),
    noise=hh.CurrentNoise(SIGMA),
)


def squares(ds):
    """(V - E)^2 at the end."""
    return ((ds.V.isel(time=-1, neuron=0, drop=True) - E) ** 2).assign_attrs(units="mV^2")


#: V - E is an Ornstein-Uhlenbeck process.
EXACT = (V0 - E) ** 2 * np.exp(-2 * G * T) + SIGMA**2 / (2 * G) * (1 - np.exp(-2 * G * T))


def estimated(seed, rmse=0.25, **options):
    return mlmc(
        PASSIVE, squares, T, rmse=rmse, method="euler_maruyama", coarsest=0.5, record=("V",),
        rng=seed, **options,
    )  # fmt: skip


def test_the_mean_is_found_to_the_error_that_is_asked_for():
    """12 estimates; an error above 3 rmse has a probability below 0.1 % in all of them."""
    found = [estimated(seed) for seed in range(12)]
    errors = np.array([float(one.estimate) - EXACT for one in found]) / 0.25
    assert np.abs(errors).max() < 3.0
    assert np.sqrt((errors**2).mean()) < 1.4  # 1 at most is expected: above with 0.7 %
    for ds in found:
        assert ds.standard_error <= 1.05 * 0.25 / np.sqrt(2)
        assert ds.bias <= 0.25 / np.sqrt(2)
        assert ds.estimate.attrs["units"] == "mV^2"


def test_orders_are_those_of_the_method():
    """Euler's: weak 1, and strong 1 with additive noise, so that variances fall by 4."""
    ds = estimated(1, pilot=20_000, rmse=0.1)
    assert float(ds.alpha) == pytest.approx(1.0, abs=0.25)
    assert float(ds.beta) == pytest.approx(2.0, abs=0.2)
    np.testing.assert_array_equal(ds.dt, 0.5 / 2.0**ds.level)
    assert ds.samples[0] > 5 * ds.samples[1]


@pytest.mark.slow
def test_two_rmse_are_kept_in_95_of_100():
    errors = np.array([float(estimated(seed).estimate) - EXACT for seed in range(100)])
    assert (np.abs(errors) < 0.5).sum() >= 95


def test_observables_may_be_any_callable():
    of = functools.partial(squares)
    ds = mlmc(PASSIVE, of, T, rmse=5.0, coarsest=0.5, pilot=100, record=("V",), rng=1)
    assert json.loads(ds.attrs["arguments"])["observable"] == "functools:partial"


def test_the_seed_alone_decides():
    first, again = estimated(3), estimated(3, threads=2)
    xr.testing.assert_identical(
        first.drop_vars(["seconds", "gamma"]), again.drop_vars(["seconds", "gamma"])
    )
    assert hh.rerun(first, observable=squares).estimate == first.estimate
    with pytest.raises(ValueError, match=r"does not hold the function .*squares: give it"):
        hh.rerun(first)


def test_entries_of_an_observable_each_have_the_error():
    levels = E + np.array([-4.0, 0.0, 4.0])

    def distribution(ds):
        return smoothed_distribution(ds.V.isel(time=-1, neuron=0, drop=True), levels, 1.0)

    ds = mlmc(PASSIVE, distribution, T, rmse=0.01, method="lie_trotter", coarsest=0.5, rng=1)
    mean = (V0 - E) * np.exp(-G * T)
    sd = np.sqrt(EXACT - mean**2)
    expected = scipy.stats.norm.cdf((levels - E - mean) / sd)
    assert ds.estimate.dims == ("threshold",)
    np.testing.assert_array_equal(ds.threshold, levels)
    np.testing.assert_allclose(ds.estimate, expected, atol=0.03)


def test_smoothing_keeps_moments_up_to_the_third():
    """Those of its derivative: the integral of (step - smoothed) s^j is 0 for j = 0 to 2, but not
    for a linear ramp.
    """
    s = np.linspace(-1.0, 1.0, 200_001)
    smooth = smoothed_distribution(xr.DataArray(s, dims="trial"), [0.0], 1.0).isel(threshold=0)
    ramp = (1.0 - s) / 2.0
    for j in range(3):
        assert np.trapezoid(((s < 0) - smooth) * s**j, s) == pytest.approx(0.0, abs=1e-5)
    assert abs(np.trapezoid(((s < 0) - ramp) * s, s)) > 0.05


@pytest.mark.parametrize("name", OBSERVABLES)
def test_named_observables(name):
    net = hh.Network(2, stimulus=10.0, noise=hh.CurrentNoise(1.0))
    rmse = {"mean_V": 3.0, "spike_count": 0.05, "rate": 5.0, "first_spike": 0.02}[name]
    ds = mlmc(net, name, 20.0, rmse=rmse, rng=1)
    expected = {"mean_V": -69.6, "spike_count": 1.98, "rate": 99.0, "first_spike": 1.85}[name]
    assert float(ds.estimate) == pytest.approx(expected, abs=3 * rmse)
    assert ds.estimate.attrs["units"] == OBSERVABLES[name].units


def test_sdes_of_ones_own():
    sde = hh.SDE(lambda x, t: -x, lambda x, t: np.ones((1, 1)), x0=[1.0], noise_type="additive")

    @hh.integrator(strong_order={"additive": 1.0}, weak_order=1.0)
    def euler(f, G, x, t, h, dW, extra):
        return x + f(x, t) * h + np.einsum("dmk,mk->dk", G(x, t), dW)

    ds = mlmc(
        sde, lambda ds: ds.x.isel(time=-1, component=0), 1.0, rmse=0.02, method=euler,
        coarsest=0.25, pilot=100, rng=1,
    )  # fmt: skip
    assert float(ds.estimate) == pytest.approx(np.exp(-1), abs=0.06)


# -- what follows from levels ---------------------------------------------------------------------


def ladder(means, variances, fine=1.0, method="heun"):
    """With levels of which these are known."""
    found = Ladder(Subject(PASSIVE), None, 1.0, method, 0.5, None, 1)
    for mean, variance in zip(means, variances, strict=True):
        n = 1001
        sums = [[n * mean], [(n - 1) * variance + n * mean**2]]
        own = np.array([[0.0], [(n - 1) * fine]])
        found.levels.append(Level(n, 1.0, n, np.array(sums), own))
    return found


def test_samples_are_those_of_least_cost():
    """Beside a numerical minimisation of the cost under the variance that is left."""
    variances = np.array([4.0, 0.5, 0.06, 0.01])
    found = ladder([1.0, 0.1, 0.05, 0.025], variances)
    samples = found.wanted(0.1)
    assert (variances / samples).sum() <= 0.1**2 / 2
    free = scipy.optimize.minimize(
        lambda n: np.exp(n) @ found.costs,
        np.log(samples),
        constraints={"type": "eq", "fun": lambda n: (variances / np.exp(n)).sum() / 0.005 - 1},
    )
    np.testing.assert_allclose(samples, np.exp(free.x), rtol=0.05)


def test_the_bias_is_the_rest_of_the_series():
    found = ladder([1.0, 0.4, 0.2, 0.1], [1.0, 0.1, 0.01, 0.001])
    assert found.alpha() == pytest.approx(1.0)
    np.testing.assert_allclose(found.bias(), 0.1)
    by_chance = ladder([1.0, 0.4, 0.2, 0.0], [1.0, 0.1, 0.01, 0.001])
    assert by_chance.bias() > 0.05


def test_a_mean_that_is_0_on_its_way_does_not_promise_a_high_order():
    """Means 2/2^l - 8/4^l, but for chance, of a method of weak order 1: 1/3 is left."""
    found = ladder([1.0, -1.0, 0.001], [1.0, 0.1, 0.01], method="euler_maruyama")
    assert found.alpha() == 1.0
    assert found.bias() > sum(2 / 2**k - 8 / 4**k for k in range(3, 40))
    assert ladder([1.0, 1.0, 0.25], [1.0, 0.1, 0.01], method="strang").alpha() > 1.99


def test_rare_differences_do_not_pass_for_none():
    found = ladder([1.0, 0.1, 0.05, 0.0], [1.0, 0.1, 0.05, 0.0])
    assert found.variances()[3, 0] > 0.01


def test_plain_monte_carlo_is_given_its_best_step():
    found = ladder([1.0, 0.4, 0.2, 0.1], [1.0, 0.1, 0.01, 0.001], fine=2.0)
    plain = found.plain(0.05)
    bias = found.bias()[0] / found.dt(3)  # of order 1

    def steps(h):
        return 2.0 / (0.05**2 - (bias * h) ** 2) / h

    best = scipy.optimize.minimize_scalar(steps, bounds=(1e-4, 0.04), method="bounded")
    assert plain.dt == pytest.approx(best.x, rel=1e-3)
    assert plain.steps == pytest.approx(best.fun, rel=1e-3)


def test_an_order_needs_two_levels():
    assert np.isnan(order_of(np.array([1.0, 0.0])))


def test_differences_that_are_hardly_ever_seen_are_warned_of():
    def fired(ds):
        return (ds.hh.rates().rate.isel(neuron=0, drop=True) > 0).astype(float)

    net = hh.Network(1, stimulus=10.0, noise=hh.CurrentNoise(1.0))
    with pytest.warns(UserWarning, match="at level 1 only 0 of 1600 samples have a value other"):
        mlmc(net, fired, 10.0, rmse=0.1, pilot=100, rng=1)


def test_too_few_levels_are_warned_of():
    with pytest.warns(UserWarning, match="with 3 levels, down to 0.125 ms, the bias is estimated"):
        estimated(1, rmse=0.1, most_levels=3)


def of_random_size(ds):
    """As many as there are spikes, or whatever else the noise decides."""
    size = 1 + int(abs(float(ds.V.sum())) * 1e3) % 1000
    return xr.DataArray(np.ones((ds.sizes["trial"], size)), dims=("trial", "number"))


@pytest.mark.parametrize(
    ("values", "levels", "width", "error", "said"),
    [
        ([1.0], [1.0], 1.0, TypeError, "values must be a DataArray"),
        (xr.DataArray([1.0], dims="trial"), ["a"], 1.0, TypeError, "levels must be numbers"),
        (xr.DataArray([1.0], dims="trial"), [2.0, 1.0], 1.0, ValueError, "rising"),
        (xr.DataArray([1.0], dims="trial"), [1.0], None, TypeError, "width must be a number"),
        (xr.DataArray([1.0], dims="trial"), [1.0], 0.0, ValueError, "width must be positive"),
    ],
)
def test_what_cannot_be_smoothed(values, levels, width, error, said):
    with pytest.raises(error, match=said):
        smoothed_distribution(values, levels, width)


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        ({"observable": "mean"}, ValueError, "there is no observable 'mean'"),
        ({"observable": 3}, TypeError, "observable must be a name or a function"),
        ({"observable": "mean_V", "record": ("V",)}, ValueError, "go with a function"),
        ({"observable": lambda ds: ds.V.mean()}, TypeError, "with the dim trial, got dims"),
        ({"observable": lambda ds: np.log(squares(ds) - 1e4)}, ValueError, "gives nan for a trial"),
        ({"observable": lambda ds: squares(ds) * 1j}, TypeError, "numbers, got 1000 of type c"),
        ({"observable": lambda ds: ds.V[:, :0]}, TypeError, "real numbers, got 0 of type float"),
        ({"observable": of_random_size, "record": ("V",)}, ValueError, "as many values of every"),
        ({"rmse": 0.0}, ValueError, "rmse must be positive"),
        ({"pilot": 3}, ValueError, "pilot must be"),
        ({"coarsest": 0.3}, ValueError, "t_end"),
        ({"method": "gillespie"}, ValueError, "a method with a strong order, got gillespie"),
        ({"model": hh.Network(1)}, ValueError, "a model without noise"),
        ({"model": hh.problems.PROBLEMS["linear"]}, TypeError, "a function of the Dataset"),
    ],
)
@pytest.mark.filterwarnings("ignore:invalid value")
def test_what_cannot_be_estimated(change, error, said):
    given = {"model": PASSIVE, "observable": "mean_V", "rmse": 1.0, "coarsest": 0.5, "rng": 1}
    given |= change
    with pytest.raises(error, match=said):
        mlmc(given.pop("model"), given.pop("observable"), T, **given)


def test_a_divergence_says_which_step_was_too_long():
    net = hh.Network(1, stimulus=10.0, noise=hh.CurrentNoise(1.0))
    with pytest.raises(hh.DivergenceError) as caught:
        mlmc(net, "mean_V", 20.0, rmse=1.0, method="euler_maruyama", rng=1)
    assert "at 0.2 ms: give a smaller coarsest step" in caught.value.__notes__[0]
