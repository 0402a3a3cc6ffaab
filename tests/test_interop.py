"""Spikes and traces for other libraries: the same there as here."""

import sys
from datetime import UTC, datetime

import numpy as np
import pytest

import hh_sde as hh
from hh_sde import interop


@pytest.fixture(scope="module")
def net():
    return hh.Network(
        {
            "E": hh.Population(2, stimulus=10.0, noise=hh.CurrentNoise(2.0)),
            "I": hh.Population(1, "wang_buzsaki", 2.0),
        }
    )


@pytest.fixture(scope="module")
def ds(net):
    return hh.solve(net, 60.0, dt=0.02, rng=1, trials=[3, 5], save_dt=0.1)


#: Of the neurons of `net`.
POPULATIONS = [("E", 0), ("E", 1), ("I", 0)]


def train_of(ds, trial, neuron):
    found = ds.hh.spikes()
    return found.spike_time.values[(found.trial == trial) & (found.neuron == neuron)]


@pytest.mark.parametrize(
    ("package", "extra", "export"),
    [
        ("neo", "neo", interop.to_neo),
        ("pynapple", "pynapple", interop.to_pynapple),
        ("pynwb", "nwb", lambda ds: interop.to_nwb(ds, "never.nwb")),
    ],
)
def test_a_missing_package_names_its_extra(package, extra, export, monkeypatch, ds):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError, match=rf"pip install 'hh_sde\[{extra}\]'"):
        export(ds)


# -- neo -------------------------------------------------------------------------------------------


def test_neo_holds_the_same_spikes(ds):
    pytest.importorskip("neo")
    block = ds.hh.to_neo()
    assert len(block.segments) == 2
    for trial, segment in zip((3, 5), block.segments, strict=True):
        assert segment.annotations == {"trial": trial}
        assert len(segment.spiketrains) == 3
        for neuron, train in enumerate(segment.spiketrains):
            np.testing.assert_array_equal(train.magnitude, train_of(ds, trial, neuron))
            population, index = POPULATIONS[neuron]
            assert train.annotations == {
                "trial": trial, "neuron": neuron, "population": population, "index": index,
            }  # fmt: skip
            assert str(train.units.dimensionality) == "ms"
            assert train.t_stop.item() == 60.0
        (signal,) = segment.analogsignals
        np.testing.assert_array_equal(signal.magnitude, ds.V.sel(trial=trial))
        np.testing.assert_allclose(signal.times.rescale("ms").magnitude, ds.time, atol=1e-9)
        assert str(signal.units.dimensionality) == "mV"
        assert signal.array_annotations["population"].tolist() == ["E", "E", "I"]
    part = ds.hh.population("I").hh.to_neo(start=10.0)
    (train,) = part.segments[0].spiketrains
    assert (train.annotations["population"], train.annotations["index"]) == ("I", 0)
    assert (train.t_start, train.annotations["neuron"]) == (10.0, 2)


def test_neo_of_one_run_of_one_kind(noisy_pair):
    pytest.importorskip("neo")
    ds = hh.solve(noisy_pair, 10.0, rng=1)
    block = ds.hh.to_neo()
    assert block.segments[0].analogsignals[0].shape == (1001, 2)
    part = ds.isel(neuron=1).hh.to_neo(start=2.0, stop=4.0).segments[0]
    np.testing.assert_array_equal(
        part.analogsignals[0].magnitude[:, 0], ds.V.sel(neuron=1, time=slice(2.0, 4.0))
    )
    assert not ds.hh.spikes().hh.to_neo().segments[0].analogsignals
    assert len(block.segments) == 1
    assert [one.annotations for one in block.segments[0].spiketrains] == [
        {"neuron": 0}, {"neuron": 1},
    ]  # fmt: skip


def test_trains_go_through_neo_and_back(ds):
    pytest.importorskip("neo")
    trains = hh.SpikeTimes(list(ds.hh.to_neo().segments[1].spiketrains))
    for neuron in range(3):
        mine = trains.spike_time[trains.train == neuron]
        np.testing.assert_allclose(mine, train_of(ds, 5, neuron), rtol=1e-15)


# -- pynapple --------------------------------------------------------------------------------------


def test_pynapple_holds_the_same_spikes(ds):
    pytest.importorskip("pynapple")
    group = ds.hh.to_pynapple()
    assert len(group) == 6
    unit = 0
    for trial in (3, 5):
        for neuron in range(3):
            np.testing.assert_allclose(
                group[unit].times(), 1e-3 * train_of(ds, trial, neuron), atol=1e-9
            )
            row = {name: group.get_info(name)[unit] for name in ("trial", "neuron", "population")}
            assert row == {"trial": trial, "neuron": neuron, "population": POPULATIONS[neuron][0]}
            assert group.get_info("index_in_population")[unit] == POPULATIONS[neuron][1]
            unit += 1
    assert group.time_support.values.tolist() == [[0.0, 0.06]]
    inhibitory = group[group.get_info("population") == "I"]
    assert list(inhibitory.keys()) == [2, 5]


def test_pynapple_takes_neurons_that_are_silent():
    pytest.importorskip("pynapple")
    ds = hh.solve(hh.Network(2, stimulus=[0.0, 10.0]), 50.0, record=("spikes",))
    group = ds.hh.to_pynapple()
    assert [len(group[k]) for k in (0, 1)] == [0, 4]


# -- NWB -------------------------------------------------------------------------------------------


def opened(path):
    """What a file holds: units as a table, and each acquisition."""
    pynwb = pytest.importorskip("pynwb")
    with pynwb.NWBHDF5IO(str(path), mode="r") as io:
        file = io.read()
        units = file.units.to_dataframe()
        series = {
            name: (one.data[:] * one.conversion, one.rate, one.starting_time, one.unit)
            for name, one in file.acquisition.items()
        }
        return units, series, file.session_start_time


def test_nwb_holds_the_same_spikes_and_potentials(ds, tmp_path):
    pytest.importorskip("pynwb")
    path = tmp_path / "run.nwb"
    began = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
    ds.hh.to_nwb(path, session_start_time=began, about={"keywords": ["squid"]})
    units, series, start = opened(path)
    assert start == began
    assert len(units) == 6
    for unit, (trial, neuron) in enumerate((t, n) for t in (3, 5) for n in range(3)):
        row = units.iloc[unit]
        np.testing.assert_allclose(row.spike_times, 1e-3 * train_of(ds, trial, neuron), rtol=1e-15)
        assert (row.trial, row.neuron) == (trial, neuron)
        assert (row.population, row["index"]) == POPULATIONS[neuron]
        np.testing.assert_allclose(row.obs_intervals, [[0.0, 0.06]])
    assert set(series) == {"V_trial_3", "V_trial_5"}
    for trial in (3, 5):
        values, rate, first, unit = series[f"V_trial_{trial}"]
        np.testing.assert_allclose(values, 1e-3 * ds.V.sel(trial=trial), rtol=1e-15)
        assert (rate, first, unit) == (pytest.approx(1e4), 0.0, "volts")
    with pytest.raises(FileExistsError, match="exists: remove it"):
        ds.hh.to_nwb(path)


def test_nwb_of_spikes_alone_and_of_one_run(net, tmp_path):
    pytest.importorskip("pynwb")
    spikes = hh.solve(net, 60.0, dt=0.02, rng=1, record=("spikes",))
    spikes.hh.to_nwb(tmp_path / "spikes.nwb")
    units, series, _ = opened(tmp_path / "spikes.nwb")
    assert not series
    assert "trial" not in units
    assert units.population.tolist() == ["E", "E", "I"]
    one = hh.solve(hh.Network(1, stimulus=10.0), 20.0).hh.window(5.0, 20.0)
    one.hh.to_nwb(tmp_path / "one.nwb")
    units, series, _ = opened(tmp_path / "one.nwb")
    values, rate, first, _ = series["V"]
    assert (values.shape, first) == ((1501, 1), pytest.approx(5e-3))
    assert rate == pytest.approx(1e5)
    np.testing.assert_allclose(units.spike_times[0], 1e-3 * one.hh.spikes().spike_time)
