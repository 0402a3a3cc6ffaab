"""Distances between interval distributions: against scipy, and how often chance exceeds them."""

import numpy as np
import pytest
import scipy.stats
from trains import ragged

import hh_sde as hh
from hh_sde.measures import interval_distance


def renewals(rng, mean, trials=20, number=40, spread=0.3):
    """Spikes of trials whose intervals are gamma distributed, as a Dataset."""
    shape = 1 / spread**2
    trains = np.cumsum(rng.gamma(shape, mean / shape, (trials, number)), axis=1)
    return ragged([[train] for train in trains], trains.max() + 1.0, trials=True)


def test_they_are_those_of_scipy():
    rng = np.random.default_rng(1)
    a, b = renewals(rng, 15.0), renewals(rng, 16.0)
    found = interval_distance(a, b, resamples=20)
    x, y = (one.hh.intervals().interval_length.values for one in (a, b))
    expected = {
        "wasserstein": scipy.stats.wasserstein_distance(x, y),
        "ks": scipy.stats.ks_2samp(x, y).statistic,
        "mean_difference": y.mean() - x.mean(),
    }
    assert list(found.statistic.values) == list(expected)
    np.testing.assert_allclose(found.distance, list(expected.values()), rtol=1e-9)
    assert found.intervals.values.tolist() == [x.size, y.size]


def pairs(mean, spread, trials, number=60):
    rng = np.random.default_rng(7)
    for _ in range(number):
        a, b = renewals(rng, 15.0, trials), renewals(rng, mean, trials, spread=spread)
        yield interval_distance(a, b, resamples=100)


def test_chance_exceeds_its_bound_as_often_as_it_says():
    """5 % of 60 pairs of one law: more than 9 with probability 0.1 %; and a wrong mean is seen.

    That bound from shuffled intervals in place of trials would be too low for trials that differ,
    and the test below would fail.
    """
    beyond = [bool((one.distance[0] > one.by_chance[0]).item()) for one in pairs(15.0, 0.3, 10)]
    assert sum(beyond) <= 9
    assert all((one.distance[0] > one.by_chance[0]).item() for one in pairs(17.0, 0.3, 10, 5))


def of_unlike_trials(rng, trials=12):
    """The mean interval differs from trial to trial."""
    trains = [np.cumsum(rng.gamma(11, rng.normal(15.0, 1.5) / 11, 40)) for _ in range(trials)]
    return ragged([[train] for train in trains], np.max(trains) + 1.0, trials=True)


def test_trials_are_what_is_dealt_out():
    """Where trials differ, chance is more than that of intervals: 60 pairs, as above."""
    rng = np.random.default_rng(3)
    found = [
        interval_distance(of_unlike_trials(rng), of_unlike_trials(rng), resamples=100)
        for _ in range(60)
    ]
    assert sum(bool((one.distance[0] > one.by_chance[0]).item()) for one in found) <= 9


@pytest.mark.parametrize("mean", [15.0, 15.4])
def test_the_interval_of_a_distance_covers(mean):
    """95 % of 60, at the least: fewer than 51 with probability 0.1 %; none is shown where there is
    none.
    """
    truth = mean - 15.0  # all quantiles of one law are so many times those of the other
    covered = [
        bool((one.distance_low[0] <= truth).item() and (one.distance_high[0] >= truth).item())
        for one in pairs(mean, 0.3, 20)
    ]
    assert sum(covered) >= 51


def test_intervals_of_one_length_are_no_steps_of_their_own():
    """Of regular trains nothing differs; of rounded intervals scipy finds the same."""
    regular = ragged([[np.arange(1.0, 60.0) * 10.0]] * 5, 600.0, trials=True)
    found = interval_distance(regular, regular, resamples=20)
    np.testing.assert_allclose(found.distance, 0.0, atol=1e-12)
    np.testing.assert_allclose(found.by_chance, 0.0, atol=1e-12)
    rng = np.random.default_rng(2)
    lengths = np.round(rng.normal([[[15.0]], [[15.5]]], 2.0, (2, 10, 40)))
    a, b = (ragged([[np.cumsum(one)] for one in of], 1e4, trials=True) for of in lengths)
    x, y = (of[:, 1:].ravel() for of in lengths)
    found = interval_distance(a, b, resamples=20)
    assert found.distance[1] == pytest.approx(scipy.stats.ks_2samp(x, y).statistic)


def test_trials_without_intervals_tell_nothing():
    """Of 14 trials 5 fire, so that draws of few of these would be frequent."""
    rng = np.random.default_rng(1)
    trains = [np.cumsum(rng.normal(15.0, 2.0, 50)) for _ in range(5)] + [np.array([5.0])] * 9
    ds = ragged([[train] for train in trains], 1e3, trials=True)
    found = interval_distance(ds, ds, resamples=100)
    for name in ("distance_low", "distance_high", "by_chance"):
        assert np.isfinite(found[name]).all()
    alone = ragged([[np.cumsum(rng.normal(15.0, 2.0, 200))], [np.array([5.0])]], 5e3, trials=True)
    with pytest.raises(ValueError, match=r"at least 5 trials with intervals.*got 1 and 199"):
        interval_distance(alone, ds)


def test_the_interval_of_the_mean_covers():
    """95 % of 60: fewer than 51 with probability 0.1 %."""
    covered = [
        bool((one.distance_low[2] <= 0.5).item() and (one.distance_high[2] >= 0.5).item())
        for one in pairs(15.5, 0.3, 40)
    ]
    assert sum(covered) >= 51


def test_points_of_sweeps_are_compared_one_by_one():
    net = hh.Network(1, stimulus=10.0, noise=hh.CurrentNoise(2.0))
    ds = hh.sweep(net, {"noise.sigma": [1.0, 3.0]}, 300.0, trials=8, rng=1)
    with pytest.raises(ValueError, match="several of sigma: choose with sel or isel"):
        interval_distance(ds, ds)
    found = ds.sel(sigma=1.0).hh.interval_distance(ds.sel(sigma=3.0), resamples=20)
    assert found.distance.sel(statistic="ks") > 0.2


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"stop": 60.0}, "and 100 of these, of each result, got 20 and"),
        ({"resamples": 2}, "resamples must be an int of at least 20, got 2"),
        ({"confidence": 95}, "confidence must be between 0 and 1, got 95"),
    ],
)
def test_what_tells_nothing_is_refused(options, said):
    ds = renewals(np.random.default_rng(1), 15.0)
    with pytest.raises(ValueError, match=said):
        interval_distance(ds, ds, **options)


def test_what_is_no_number_is_refused():
    ds = renewals(np.random.default_rng(1), 15.0)
    assert interval_distance(ds, ds, resamples=np.int64(20)).attrs["resamples"] == 20
    with pytest.raises(TypeError, match=r"confidence must be a number.*got 'high'"):
        interval_distance(ds, ds, confidence="high")


def test_the_other_must_be_a_result_too():
    with pytest.raises(TypeError, match="takes a Dataset, got list"):
        interval_distance(renewals(np.random.default_rng(1), 15.0), [1.0, 2.0])
