"""Initial states that are given variable by variable."""

import tomllib

import numpy as np
import pytest
from scipy import stats

import hh_sde as hh
from hh_sde.config import ConfigError, parse

START = {"V": hh.Normal(-65.0, 5.0), "n": hh.Uniform(0.2, 0.4)}


def first(net, **arguments):
    return hh.solve(net, 0.01, dt=0.01, **arguments).isel(time=0)


def test_draws_have_their_distributions(noisy_pair):
    """Kolmogorov-Smirnov over 4000 numbers each, a false alarm in 10^4; the seed is fixed."""
    begin = first(noisy_pair, rng=1, trials=2000, x0=START)
    assert stats.kstest(begin.V.values.ravel(), stats.norm(-65.0, 5.0).cdf).pvalue > 1e-4
    assert stats.kstest(begin.n.values.ravel(), stats.uniform(0.2, 0.2).cdf).pvalue > 1e-4
    numbers = np.stack([begin.V[:, 0], begin.V[:, 1], begin.n[:, 0], begin.n[:, 1]])
    others = np.corrcoef(numbers)[np.triu_indices(4, 1)]  # sd 1/sqrt(2000) each
    assert np.all(np.abs(others) < 4.5 / np.sqrt(2000))


@pytest.mark.parametrize("method", ["euler_maruyama", "strang", "sdeint.itoEuler"])
def test_some_trials_alone_are_the_same(noisy_pair, method):
    arguments = {"rng": 7, "x0": START, "method": method}
    whole = hh.solve(noisy_pair, 1.0, trials=5, **arguments)
    some = hh.solve(noisy_pair, 1.0, trials=[4, 2], **arguments)
    assert whole.sel(trial=[4, 2]).V.identical(some.V)
    assert np.unique(whole.V[:, 0]).size == 10


def test_numbers_depend_on_seed_trial_neuron_and_name_alone(noisy_pair):
    begin = first(noisy_pair, rng=1, trials=3, x0=START)
    other = first(noisy_pair.replace(n_neurons=5, synapses=()), rng=1, trials=3, x0=START)
    assert np.array_equal(other.V[:, :2], begin.V)  # of more neurons, without a variable
    assert np.array_equal(other.n[:, :2], begin.n)
    assert not np.any(first(noisy_pair, rng=2, trials=3, x0=START).V == begin.V)
    assert np.array_equal(first(noisy_pair, rng=1, x0=START).V, begin.V[0])
    path = noisy_pair.sde().path(1, dt=0.01)
    assert np.array_equal(first(noisy_pair, path=path, trials=3, x0=START).V, begin.V)


def test_what_is_not_named_rests_at_the_potential_drawn(noisy_pair):
    begin = first(noisy_pair, rng=1, trials=4, x0={"V": hh.Normal(-60.0, 8.0), "h": 0.25})
    at_rest = noisy_pair.steady_state(begin.V.values).reshape(4, -1, 2)
    for row, name in enumerate(noisy_pair.variables):
        wanted = np.full((4, 2), 0.25) if name == "h" else at_rest[:, row]
        assert np.array_equal(begin[name], wanted), name
    assert np.array_equal(at_rest[3].ravel(), noisy_pair.steady_state(begin.V.values[3]))


def test_numbers_and_arrays(pair):
    by_trial = [[-70.0, -60.0], [-50.0, -40.0], [-30.0, -20.0]]
    begin = first(pair, trials=3, x0={"V": by_trial, "m": [0.1, 0.2], "s": 0.5})
    assert np.array_equal(begin.V, by_trial)
    assert np.array_equal(begin.m, np.tile([0.1, 0.2], (3, 1)))
    assert np.all(begin.s == 0.5)
    means = first(pair, rng=1, x0={"V": hh.Normal([-70.0, -50.0], 0.0)})
    assert np.array_equal(means.V, [-70.0, -50.0])


def test_random_beginnings_are_enough_for_trials_without_noise(pair):
    """No warning of equal trials, or of a seed without use: warnings are errors here."""
    for method in ("euler_maruyama", "scipy.DOP853"):
        runs = hh.solve(pair, 1.0, rng=3, trials=2, x0=START, method=method)
        assert not np.any(runs.V[0] == runs.V[1])
        assert runs.attrs["rng_entropy"] == "3"
    with pytest.warns(UserWarning, match="trials are equal"):
        hh.solve(pair, 1.0, trials=2, x0={"V": -60.0})


@pytest.mark.parametrize(
    "x0",
    [
        {**START, "m": 0.1, "h": [0.5, 0.6]},
        {"V": hh.Normal([-70.0, -60.0], 3.0)},
        {"V": [[-70.0, -60.0], [-50.0, -40.0]]},
    ],
)
def test_a_result_is_made_again(noisy_pair, x0):
    run = hh.solve(noisy_pair, 1.0, trials=2, x0=x0)
    assert hh.rerun(run).identical(run)
    assert np.array_equal(hh.rerun(run.sel(trial=[1])).V, run.V.sel(trial=[1]))
    quiet = hh.rerun(run, noise="ignore")
    assert np.array_equal(quiet.V.isel(time=0), run.V.isel(time=0))
    hh.validate(run)


def test_channels_in_states_start_at_the_steady_state_of_v():
    net = hh.Network(2, noise=hh.ConductanceNoise(area=100.0))
    whole = first(net, rng=1, trials=3, x0={"V": hh.Normal(-60.0, 5.0)}, method="tau_leap")
    states = [name for name in net.variables if name.startswith("n")]
    total = sum(whole[name] for name in states)
    assert np.allclose(total, 1.0, rtol=0, atol=1e-12)
    counts = np.stack([whole[name] * 1800 for name in states])
    assert np.allclose(counts, np.rint(counts), rtol=0, atol=1e-9)
    with pytest.raises(ValueError, match=r"n0, n1.*add up to 1, got 1\.3"):
        first(net, rng=1, x0={"n0": 0.9, "n1": 0.4, "n2": 0.0, "n3": 0.0, "n4": 0.0})


def test_components_of_an_own_sde():
    sde = hh.SDE(f=lambda x, t: -x, G=lambda x, t: np.eye(2), x0=[1.0, 2.0], names=["v", "w"])
    runs = hh.solve(sde, 0.1, rng=1, trials=3, x0={"w": hh.Normal(5.0, 1.0)})
    begin = runs.x.isel(time=0)
    assert np.all(begin.sel(component="v") == 1.0)
    assert np.unique(begin.sel(component="w")).size == 3
    by_trial = hh.solve(sde, 0.1, rng=1, trials=3, x0={"v": [1.0, 2.0, 3.0]}).x.isel(time=0)
    assert np.array_equal(by_trial.sel(component="v"), [1.0, 2.0, 3.0])


# -- by population ---------------------------------------------------------------------------------


def two(**changes):
    noise = hh.CurrentNoise(1.0)
    parts = {
        "E": hh.Population(2, noise=noise),
        "I": hh.Population(3, "wang_buzsaki", noise=noise),
        **changes,
    }
    return hh.Network(parts)


def test_each_population_begins_with_its_own():
    net = two()
    x0 = {"E": {"V": -60.0, "n": [0.2, 0.3]}, "I": {"V": hh.Normal(-65.0, 5.0)}}
    ds = hh.solve(net, 1.0, rng=1, trials=2, x0=x0)
    begin = ds.isel(time=0)
    assert np.all(begin.V[:, :2] == -60.0)
    assert np.array_equal(begin.n[:, :2], [[0.2, 0.3]] * 2)
    whole = first(net, rng=1, trials=2, x0={"V": hh.Normal(-65.0, 5.0)})
    for name in ("V", "h", "n"):  # drawn by the number of the neuron, and all else at rest there
        assert np.array_equal(begin[name][:, 2:], whole[name][:, 2:])
    assert np.array_equal(begin.h[:, :2], first(net, rng=1, trials=2, x0={"V": -60.0}).h[:, :2])
    assert hh.rerun(ds).identical(ds)
    by_trial = {"I": {"V": [[-70.0, -60.0, -50.0], [-40.0, -30.0, -20.0]]}}
    begin = first(net, rng=1, trials=2, x0=by_trial)
    assert np.array_equal(begin.V[:, 2:], by_trial["I"]["V"])
    assert np.array_equal(begin.V[:, :2], first(net, rng=1, trials=2).V[:, :2])
    quiet = two(E=hh.Population(2), I=hh.Population(3, "wang_buzsaki"))
    assert np.unique(hh.solve(quiet, 1.0, rng=3, trials=2, x0=x0).V[:, -1, 2:]).size == 6


def test_by_population_in_a_configuration():
    text = """
    network.populations.E.n = 2
    network.populations.I = {n = 3, cell = "wang_buzsaki"}
    run.t_end = 1.0
    run.x0.E = {V = "-60 mV", n = 0.3}
    run.x0.I.V = {kind = "normal", mean = -65.0, sd = "5 mV"}
    """
    expected = {"E": {"V": -60.0, "n": 0.3}, "I": {"V": hh.Normal(-65.0, 5.0)}}
    assert parse(tomllib.loads(text)).arguments["x0"] == expected
    with pytest.raises(ConfigError, match="V: accepted: a table with a key kind"):
        parse(tomllib.loads(text.replace('kind = "normal", ', "")))


@pytest.mark.parametrize(
    ("x0", "message"),
    [
        ({"E": {"V": -60.0}, "n": 0.3}, "x0 has 'E' for a population and 'n' for all neurons"),
        ({"X": {"V": -60.0}}, "no population 'X'; choose from E, I"),
        ({"I": {"m": 0.1}}, "no variable of I 'm'; choose from V, h, n"),
        ({"I": {"V": [1.0, 2.0]}}, r"V of I has shape \(2,\); it takes .* \(3,\) or \(4, 3\)"),
        ({"I": {"V": np.inf}}, "V of I must be finite"),
        ({"I": {"n": hh.Normal(0.5, 100.0)}}, "n of neuron 2 in trial 0 .* drawn from Normal"),
    ],
)
def test_what_is_refused_by_population(x0, message):
    with pytest.raises(ValueError, match=message):
        hh.solve(two(), 1.0, rng=1, trials=4, x0=x0)


def test_populations_that_change_places_are_named():
    ds = hh.solve(two(), 1.0, rng=1)
    parts = two().populations
    swapped = hh.Network({"I": parts["I"], "E": parts["E"]})
    with pytest.raises(ValueError, match="neuron 0 is of population E there, and of I in this net"):
        hh.solve(swapped, 2.0, rng=1, x0=ds)
    renamed = hh.Network({"A": parts["E"], "B": parts["I"]})
    assert np.array_equal(
        hh.solve(renamed, 2.0, rng=1, x0=ds).V, hh.solve(two(), 2.0, rng=1, x0=ds).V
    )
    other = hh.Network({"A": parts["I"], "B": parts["E"]})
    with pytest.raises(ValueError, match=r"finite, and m of neuron 3 is nan: .* that lack it"):
        hh.solve(other, 2.0, rng=1, x0=ds)
    with pytest.raises(ValueError, match=r"'E' is given by variables, .* has none"):
        hh.solve(hh.Network(2), 1.0, x0={"E": {"V": -60.0}})


@pytest.mark.parametrize(
    ("x0", "message"),
    [
        ({"W": 1.0}, "no variable 'W'.*choose from V, m, h, n, s"),
        ({"n": 1.2}, "n of neuron 0 in trial 0 is 1.2: it must lie between 0 and 1"),
        ({"n": hh.Normal(0.5, 100.0)}, "drawn from Normal.*smaller sd, or hh_sde.Uniform"),
        ({"V": [1.0, 2.0, 3.0]}, r"V has shape \(3,\); it takes .* of shape \(2,\) or \(4, 2\)"),
        ({"V": np.nan}, "V must be finite"),
        ({"V": hh.Normal([1.0, 2.0, 3.0], 1.0)}, "arrays that do not fit 2 neurons"),
    ],
)
def test_what_is_refused(noisy_pair, x0, message):
    with pytest.raises(ValueError, match=message):
        hh.solve(noisy_pair, 1.0, rng=1, trials=4, x0=x0)


def test_what_a_distribution_refuses(noisy_pair):
    with pytest.raises(ValueError, match="Uniform: high must not lie below low"):
        hh.Uniform(1.0, 0.0)
    with pytest.raises(ValueError, match=r"Normal\.sd must not be negative"):
        hh.Normal(0.0, -1.0)
    with pytest.raises(TypeError, match="V must be a number, an array, or a distribution"):
        hh.solve(noisy_pair, 1.0, rng=1, x0={"V": "rest"})


def test_potentials_given_as_a_state_bring_up_how_they_are_given():
    net = hh.Network(3)
    for x0 in (np.full(3, -60.0), np.float64(-60.0)):
        with pytest.raises(
            ValueError, match=r"takes \(12,\) or \(1, 12\); for pot.*x0={\"V\": arr"
        ):
            hh.solve(net, 1.0, x0=x0)
    with pytest.raises(ValueError, match=r"takes \(12,\) or \(1, 12\)$"):
        hh.solve(net, 1.0, x0=np.zeros(5))
