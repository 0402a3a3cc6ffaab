"""Spikes, rates, intervals and gates."""

import numpy as np
import pytest
import xarray as xr

import hh_sde as hh
from hh_sde import measures


def trace(values, dt=0.125, **dims):
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
    """Spike times in samples."""
    found = measures.spikes(trace(values), hh.SpikeRule(**rule))
    return (found.spike_time.values / 0.125).tolist()


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
    assert np.diff(times(fast, lockout=0.375)).min() >= 3.0
    assert len(times(fast, lockout=0.375)) == 3


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
    assert rates.rate.sel(trial=0, neuron=1).item() == pytest.approx(1e3 * 2 / (7 * 0.125))
    intervals = measures.intervals(found)
    assert intervals.interval_length.values.tolist() == [0.5]
    assert intervals.neuron.values.tolist() == [1]
    assert intervals.interval_start.values.tolist() == [1.75 * 0.125]


def test_intervals_do_not_join_neurons_or_trials():
    V = np.full((2, 2, 12), -60.0)
    V[:, :, [2, 7]] = 20.0
    assert measures.intervals(trace(V, trials=True)).interval_length.values.tolist() == [0.625] * 4


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


def test_spikes_of_spikes_are_themselves():
    ds = trace([-60, 10, -60, 10])
    found = ds.hh.spikes()
    assert found.hh.spikes() is found
    assert found.hh.spikes(hh.SpikeRule()) is found


def test_attributes_of_the_user_do_not_matter():
    found = trace([-60, 10, -60, 10]).hh.spikes().assign_attrs(note=[1, 2], table=np.eye(2))
    assert found.hh.rates(hh.SpikeRule())["count"].values.tolist() == [2]


def test_samples_too_far_apart_are_refused():
    """Spikes stay above 0 mV for longer than the widest spacing; more than that loses some."""
    net = hh.Network(4, stimulus=[6.5, 10.0, 30.0, 60.0])  # above 60, V hardly rises to 0
    ds = hh.solve(net, 300.0, record=["V"])
    above = (ds.V.values >= 0).astype(int)
    for neuron in range(4):
        edges = np.flatnonzero(np.diff(above[:, neuron]))
        widths = np.diff(edges)[::2] * 0.01
        assert len(widths) >= 13
        assert measures.spike_times.WIDEST < widths.min() < 0.96
    counts = ds.hh.rates()["count"]
    assert ds.isel(time=slice(None, None, 20)).hh.rates()["count"].equals(counts)
    for thinned, spacing in (
        (ds.isel(time=slice(None, None, 21)), "0.21"),
        (ds[{"time": [0, 99]}], "0.99"),
    ):
        for measure in (
            measures.spikes,
            measures.rates,
            measures.intervals,
            measures.phase_locking,
        ):
            with pytest.raises(ValueError, match=rf"{spacing} ms apart.*record=\('V', 'spikes'\)"):
                measure(thinned)
    lost = measures.detection.times_of(ds.time.values[::30], ds.V.values[::30, 3], hh.SpikeRule())
    assert len(lost) < counts[3]


def test_the_rate_of_no_numbers_is_not_zero():
    V = np.full((2, 3, 8), -60.0)
    V[1, 2, 5] = np.nan
    ds = trace(V, trials=True)
    with pytest.raises(ValueError, match="V of trial 1, neuron 2 is not finite"):
        ds.hh.rates()
    assert ds.isel(trial=[0]).hh.rates().rate.values.tolist() == [[0.0, 0.0, 0.0]]
    with pytest.raises(ValueError, match="V of neuron 0 is not finite"):
        trace([np.nan] * 5).hh.rates()


def test_some_of_the_spikes_are_not_all():
    found = hh.solve(hh.Network(2, stimulus=10.0), 100.0).hh.spikes()
    late = found.spike_time.values > 50.0
    for part in (
        found.isel(spike=late),
        found.isel(spike=slice(0, 3)),
        found.where(found.spike_time > 50.0, drop=True),
    ):
        with pytest.raises(ValueError, match=r"of 14 spikes, .* start= and stop="):
            part.hh.rates()
        with pytest.raises(ValueError, match="of 14 spikes"):
            part.hh.intervals()
    both = hh.solve(hh.Network(2, stimulus=10.0), 100.0, record=("V", "spikes"))
    with pytest.raises(ValueError, match="3 of 14 spikes"):
        both.isel(spike=slice(3)).hh.rates()


def test_a_window_of_the_record():
    ds = hh.solve(hh.Network(2, stimulus=[10.0, 12.0]), 100.0)
    found = ds.hh.spikes()
    times = found.spike_time.values[found.neuron.values == 0]
    for source in (ds, found):
        rate = source.hh.rates(start=20.0, stop=80.0)
        inside = ((times >= 20.0) & (times < 80.0)).sum()
        assert rate["count"].values[0] == inside
        assert rate.rate.values[0] == pytest.approx(1e3 * inside / 60.0)
        assert (rate.attrs["t_start"], rate.attrs["t_end"]) == (20.0, 80.0)
    exact = float(times[2])
    assert found.hh.rates(stop=exact)["count"].values[0] == 2
    assert found.hh.rates(start=exact)["count"].values[0] == len(times) - 2
    window = found.hh.spikes(start=20.0, stop=80.0)
    assert window.hh.rates().identical(rate)
    options = {"start": 20.0, "stop": 80.0}
    for measure, arguments in {
        measures.fano_factor: (10.0,),
        measures.psth: (10.0,),
        measures.autocorrelogram: (1.0, 10.0),
        measures.intervals: (),
        measures.interval_statistics: (),
        measures.phase_locking: (),
        measures.spike_spectrum: (),
    }.items():
        assert measure(ds, *arguments, **options).identical(measure(window, *arguments))


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"start": -1.0}, ValueError, "0 <= start < stop <= 100 ms"),
        ({"stop": 100.5}, ValueError, "0 <= start < stop <= 100 ms"),
        ({"start": 50.0, "stop": 50.0}, ValueError, "got 50 and 50"),
        ({"start": np.nan}, ValueError, "got nan"),
        ({"start": "1"}, TypeError, "start must be a number"),
        ({"stop": True}, TypeError, "stop must be a number"),
    ],
)
def test_bad_windows(options, error, message):
    ds = hh.solve(hh.Network(1, stimulus=10.0), 100.0, record=("spikes",))
    with pytest.raises(error, match=message):
        ds.hh.rates(**options)


@pytest.mark.parametrize("seed", range(20))
def test_one_spike_rule(seed):
    """What the kernels find step by step is what is found in the whole trace: one definition."""
    from hh_sde.kernels.watch import detect

    rng = np.random.default_rng(seed)
    rule = hh.SpikeRule(
        threshold=rng.uniform(-30, 0),
        rearm=[None, rng.uniform(-60, -30)][seed % 2],
        lockout=rng.choice([0.0, 0.47, 1.93]),
    )
    V = -30 + 25 * rng.standard_normal((400, 8))
    V[rng.random(V.shape) < 0.1] = rule.threshold  # exactly there
    seen = np.concatenate([V[0], np.ones(8), np.full(8, -np.inf)])
    spikes, counts = np.empty(8000), np.zeros(2, dtype=np.int64)
    rearm = np.inf if rule.rearm is None else rule.rearm
    for k in range(399):
        numbers = (k * 0.1, 0.1, rule.threshold, rearm, rule.lockout)
        detect(V[k + 1], 0, 8, 8, *numbers, seen, spikes, 4000, counts)
    found = counts[0]
    lanes, times = spikes[:4000], spikes[4000:]
    assert found > 50
    for lane in range(8):
        expected = measures.detection.times_of(0.1 * np.arange(400), V[:, lane].copy(), rule)
        np.testing.assert_allclose(times[:found][lanes[:found] == lane], expected, rtol=1e-12)


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
