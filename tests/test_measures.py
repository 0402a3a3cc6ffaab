"""Spikes, rates, intervals and gates."""

import numpy as np
import pytest
import xarray as xr

import hh_sde as hh
from hh_sde import measures


def trace(values, dt=1.0, **dims):
    """A Dataset with one V (time,) or several V (neuron, time) or (trial, neuron, time)."""
    V = np.asarray(values, dtype=float)
    V = V.reshape((1,) * (3 - V.ndim) + V.shape).transpose(0, 2, 1)
    ds = xr.Dataset(
        {"V": (("trial", "time", "neuron"), V)},
        coords={
            "trial": np.arange(V.shape[0]),
            "time": dt * np.arange(V.shape[1]),
            "neuron": np.arange(V.shape[2]),
        },
    )
    return ds if dims.get("trials") else ds.isel(trial=0, drop=True)


def times(values, **rule):
    return measures.spikes(trace(values), hh.SpikeRule(**rule)).spike_time.values.tolist()


def test_times_are_interpolated():
    assert times([-60, -10, 30, -60]) == [1.25]
    assert times([-60, 0, 30, -60]) == [1.0]
    assert times([-60, -30, 30, -60], threshold=-10.0) == [pytest.approx(1 + 20 / 60)]


def test_rearming():
    wiggle = [-60, 10, -5, 10, -30, 10, -45, 10]
    assert times(wiggle) == [pytest.approx(60 / 70), pytest.approx(6 + 45 / 55)]
    assert len(times(wiggle, rearm=None)) == 4
    assert len(times(wiggle, rearm=-20.0)) == 3
    assert len(times(wiggle, rearm=-50.0)) == 1


def test_lockout():
    fast = [-60, 10] * 6
    assert len(times(fast)) == 6
    assert np.diff(times(fast, lockout=3.0)).min() >= 3.0
    assert len(times(fast, lockout=3.0)) == 3


def test_a_record_that_starts_above_the_threshold_has_no_spike_there():
    assert times([30, 10, -60, 20]) == [pytest.approx(2 + 60 / 80)]
    assert times([30, 10, 5]) == []
    assert times([-60.0]) == []


def test_the_count_does_not_depend_on_dt_with_noise():
    """At sigma = 6 single-level crossings multiply; re-armed spikes of one path do not."""
    net = hh.Network(1, stimulus=10.0, noise=hh.CurrentNoise(6.0))
    fine = hh.solve(net, 2000.0, dt=0.005, rng=2, record=["V"])
    counts = {
        rearm: [
            measures.spikes(fine.isel(time=slice(None, None, k)), hh.SpikeRule(rearm=rearm)).sizes[
                "spike"
            ]
            for k in (1, 4, 16)
        ]
        for rearm in (-40.0, None)
    }
    assert np.ptp(counts[-40.0]) <= 1
    assert np.ptp(counts[None]) > 5


def test_ragged_over_trials_and_neurons():
    V = np.full((2, 3, 8), -60.0)
    V[0, 1, [2, 6]] = 20.0
    V[1, 2, 4] = 20.0
    found = measures.spikes(trace(V, trials=True))
    assert found.neuron.values.tolist() == [1, 1, 2]
    assert found.trial.values.tolist() == [0, 0, 1]
    rates = measures.rates(found)
    assert rates["count"].values.tolist() == [[0, 2, 0], [0, 0, 1]]
    assert rates.rate.sel(trial=0, neuron=1).item() == pytest.approx(1e3 * 2 / 7)
    intervals = measures.intervals(found)
    assert intervals.interval_length.values.tolist() == [4.0]
    assert intervals.neuron.values.tolist() == [1]
    assert intervals.interval_start.values.tolist() == [1.75]


def test_intervals_do_not_join_neurons_or_trials():
    V = np.full((2, 2, 12), -60.0)
    V[:, :, [2, 7]] = 20.0
    assert measures.intervals(trace(V, trials=True)).interval_length.values.tolist() == [5.0] * 4


def test_silence_is_not_an_error():
    ds = hh.solve(hh.Network(2), 10.0)
    assert ds.hh.spikes().sizes["spike"] == 0
    assert ds.hh.rates().rate.values.tolist() == [0.0, 0.0]
    assert ds.hh.intervals().sizes["interval"] == 0


def test_the_rule_stands_in_the_attributes_and_is_not_mixed():
    ds = trace([-60, 10, -60, 10])
    rule = hh.SpikeRule(threshold=-10.0, rearm=None, lockout=0.5)
    found = measures.spikes(ds, rule)
    assert found.attrs["spike_threshold"] == -10.0
    assert found.attrs["spike_rearm"] == "none"
    assert found.attrs["spike_lockout"] == 0.5
    assert measures.rates(found, rule).attrs["spike_rearm"] == "none"
    with pytest.raises(ValueError, match="found by another rule"):
        measures.rates(found, hh.SpikeRule())


def test_spikes_go_through_netcdf(tmp_path, noisy_pair):
    found = hh.solve(noisy_pair, 50.0, rng=1, trials=2).hh.spikes()
    found.to_netcdf(tmp_path / "spikes.nc")
    stored = xr.load_dataset(tmp_path / "spikes.nc")
    assert stored.identical(found)
    assert measures.rates(stored).identical(measures.rates(found))


def test_gates_is_the_questions_matrix(noisy_pair):
    ds = hh.solve(noisy_pair, 1.0, rng=1, trials=3)
    X = ds.hh.gates
    assert X.dims == ("trial", "time", "neuron", "gate")
    assert X.gate.values.tolist() == ["m", "h", "n"]
    assert np.array_equal(X.sel(gate="h"), ds.h)
    with pytest.raises(ValueError, match="no gates in this Dataset; it has V"):
        measures.gates(ds[["V"]])


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"threshold": np.nan}, "must be finite"),
        ({"rearm": 10.0}, r"rearm must not lie above threshold \(0.0 mV\), got 10"),
        ({"lockout": -1.0}, "lockout must not be negative"),
        ({"threshold": "high"}, "SpikeRule.threshold must be a number"),
        ({"rearm": [1.0]}, "SpikeRule.rearm must be one number"),
    ],
)
def test_bad_rules(rule, message):
    with pytest.raises((TypeError, ValueError), match=message):
        hh.SpikeRule(**rule)


def test_what_is_no_rule_is_refused():
    ds = trace([-60, 10, -60, 10])
    for given in (ds, measures.spikes(ds)):
        with pytest.raises(TypeError, match=r"rule must be a SpikeRule, .* got 0.5"):
            measures.rates(given, 0.5)


def test_attributes_of_the_users_own_do_not_disturb_the_rule():
    found = measures.spikes(trace([-60, 10, -60, 10])).assign_attrs(mine=[1, 2])
    assert np.all(measures.rates(found, hh.SpikeRule()).rate > 0)


def test_spikes_need_potentials(noisy_pair):
    with pytest.raises(
        ValueError, match=r"spikes need the variable V .* has s\('time', 'neuron'\)"
    ):
        hh.solve(noisy_pair, 1.0, rng=1, record=["s"]).hh.spikes()
