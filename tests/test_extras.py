"""Measures that other libraries make, and what is said without them."""

import sys

import numpy as np
import pytest
import xarray as xr
from trains import ragged

import hh_sde as hh
from hh_sde import measures


@pytest.mark.parametrize(
    ("package", "measure"),
    [
        ("efel", measures.action_potentials),
        ("pyspike", measures.isi_distance),
        ("pyspike", measures.spike_distance),
    ],
)
def test_a_missing_package_names_its_extra(package, measure, monkeypatch, noisy_pair):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError, match=rf"pip install 'hh_sde\[{package}\]'"):
        measure(hh.solve(noisy_pair, 5.0, rng=1))


def test_action_potentials_are_those_of_the_trace():
    pytest.importorskip("efel")
    ds = hh.solve(hh.Network(2, stimulus=[0.0, 10.0]), 80.0)
    found = measures.action_potentials(ds)
    V = ds.V.sel(neuron=1)
    crossings = ds.hh.spikes().spike_time.values
    assert found.neuron.values.tolist() == [1] * len(crossings)
    for k, start in enumerate(crossings):
        stop = crossings[k + 1] if k + 1 < len(crossings) else 80.0
        cycle = V.sel(time=slice(start, stop))
        assert found.peak[k] == pytest.approx(float(cycle.max()), abs=1e-3)
        assert found.peak_time[k] == pytest.approx(float(cycle.idxmax()), abs=0.011)
        if stop < 80.0:
            assert found.ahp[k] == pytest.approx(float(cycle.min()), abs=1e-3)
    assert (found.threshold < -40).all()
    assert (found.half_width > 0.5).all()
    assert (found.half_width < 3).all()


def test_action_potentials_cut_off_by_the_record_keep_their_rows():
    pytest.importorskip("efel")
    whole = hh.solve(hh.Network(1, stimulus=10.0), 80.0)
    expected = measures.action_potentials(whole)
    for start, stop in [(0.0, 31.8), (0.0, 32.5), (0.0, 33.5), (2.1, 50.0), (17.5, 80.0)]:
        found = measures.action_potentials(whole.sel(time=slice(start, stop)))
        same = expected.isel(spike=np.isin(expected.peak_time.round(2), found.peak_time.round(2)))
        assert found.sizes["spike"] == same.sizes["spike"] > 0
        np.testing.assert_allclose(found.peak, same.peak, atol=1e-9)
        assert not (found.half_width > 3).any()
        for name in ("threshold", "half_width", "ahp"):
            inner = found[name][1:-1]
            assert np.isfinite(inner).all()
            np.testing.assert_allclose(inner, same[name][1:-1], atol=1e-6)


def test_action_potentials_of_trials_and_of_none(noisy_pair):
    pytest.importorskip("efel")
    ds = hh.solve(noisy_pair, 40.0, rng=1, trials=2)
    found = measures.action_potentials(ds)
    one = measures.action_potentials(ds.sel(trial=1))
    xr.testing.assert_equal(
        found.isel(spike=found.trial.values == 1).drop_vars("trial"),
        one.drop_vars("trial", errors="ignore"),
    )
    silent = measures.action_potentials(hh.solve(hh.Network(1), 10.0))
    assert silent.sizes["spike"] == 0


def test_isi_distance_of_regular_trains():
    """|a - b| / max(a, b) for intervals a and b."""
    pytest.importorskip("pyspike")
    trains = [np.arange(0.0, 120.1, step) for step in (4.0, 6.0, 8.0)]
    found = measures.isi_distance(ragged([*trains, []], 120.0)).isi_distance
    expected = [[0, 1 / 3, 1 / 2], [1 / 3, 0, 1 / 4], [1 / 2, 1 / 4, 0]]
    np.testing.assert_allclose(found[:3, :3], expected, atol=1e-12)
    assert np.isnan(found[3]).all()
    assert found.dims == ("neuron", "neuron_other")


def test_spike_distance_tells_shifts():
    pytest.importorskip("pyspike")
    train = np.arange(0.0, 200.1, 10.0)
    trials = [[train, train], [train, train[:-1] + 2.0]]
    ds = ragged(trials, 200.0, trials=True)
    found = measures.spike_distance(ds).spike_distance
    assert found.sel(trial=0).max() == 0
    assert 0.1 < found.sel(trial=1, neuron=0, neuron_other=1) < 0.25  # 2 of 10 ms
    assert measures.isi_distance(ds).isi_distance.max() < 0.05
    across = measures.spike_distance(ds, between="trial").spike_distance
    assert across.dims == ("neuron", "trial", "trial_other")
    assert across.sel(neuron=0).max() == 0
    with pytest.raises(ValueError, match="no dim 'I' to compare along; there are trial, neuron"):
        measures.spike_distance(ds, between="I")
