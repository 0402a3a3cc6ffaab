"""Measures and plots of sweeps: what is asked of all cells is what is asked of each."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import xarray as xr

import hh_sde as hh
from hh_sde.accessor import HHAccessor

NET = hh.Network(
    {"E": hh.Population(2, stimulus=9.0)}, synapses="AMPA", weights=0.02, noise=hh.CurrentNoise(1.0)
)
OVER = {"E.stimulus": [8.0, 10.0], "noise.sigma": [0.5, 1.0, 2.0]}
RECORD = (*NET.variables, "I_AMPA", "I_Na", "spikes")
CELL = {"stimulus": 10.0, "sigma": 2.0}

#: Arguments of what needs some.
ARGUMENTS = {
    "autocorrelogram": {"bin": 2.0, "max_lag": 20.0},
    "crosscorrelogram": {"i": 0, "j": 1, "bin": 2.0, "max_lag": 20.0},
    "fano_factor": {"window": 20.0},
    "first_passage": {"level": -20.0},
    "lfp": {"excitatory": ["AMPA"], "inhibitory": []},
    "population": {"name": "E"},
    "psth": {"bin": 10.0},
    "window": {"start": 10.0, "stop": 45.0},
}
#: What is not of cells, and what says that a sweep has it not; each with what is said.
REFUSED = {
    "currents": "recorded with a sweep, record=",
    "conductances": "recorded with a sweep, record=",
    "noise": "cells of a sweep have networks of their own",
}
#: What hands over to other libraries, or takes two results, whose tests see to its labels.
OTHERS = {"to_neo", "to_nwb", "to_pynapple", "isi_distance", "spike_distance", "action_potentials",
          "interval_distance"}  # fmt: skip
MEASURES = [
    name for name in dir(HHAccessor)
    if not name.startswith("_") and name not in OTHERS | {"plot"} | REFUSED.keys()
]  # fmt: skip


@pytest.fixture(scope="module")
def swept():
    options = {"trials": 2, "rng": 1, "save_dt": 0.1, "progress": False}
    return hh.sweep(NET, OVER, 60.0, record=RECORD, **options)


@pytest.fixture(scope="module")
def spikes(swept):
    return swept[["spike_time", "spike_start", "spike_count"]]


def asked(ds, name):
    measure = getattr(ds.hh, name)
    given = ARGUMENTS.get(name, {})
    return measure(**given) if callable(measure) else measure


@pytest.mark.parametrize("name", MEASURES)
def test_a_measure_of_all_is_that_of_each(name, swept):
    whole, alone = asked(swept, name), asked(swept.sel(CELL), name)
    if "spike" in whole.dims or "interval" in whole.dims:
        if name == "window":
            whole = whole.hh.spikes()
            alone = alone.hh.spikes()
        here = np.ones(whole.sizes[next(iter(whole.dims))], bool)
        if name in ("spikes", "intervals", "window"):
            for dim, value in CELL.items():
                here &= whole[dim].values == value
            kept = "interval_length" if name == "intervals" else "spike_time"
            np.testing.assert_array_equal(whole[kept].values[here], alone[kept].values)
            assert 0 < here.sum() < here.size
            return
    there = whole.sel(CELL)
    for key, one in alone.items() if isinstance(alone, xr.Dataset) else [(name, alone)]:
        found = there[key] if isinstance(there, xr.Dataset) else there
        if "spike" not in one.dims:
            np.testing.assert_allclose(found.transpose(*one.dims), one, rtol=1e-12)


@pytest.mark.parametrize("name", REFUSED)
def test_what_a_sweep_has_not_says_why(name, swept):
    for ds in (swept, swept.sel(CELL)):
        with pytest.raises(ValueError, match=REFUSED[name]):
            asked(ds, name)


def test_a_window_is_that_of_every_cell(swept, spikes):
    part, alone = swept.hh.window(10.0, 45.0), spikes.hh.window(10.0, 45.0)
    np.testing.assert_array_equal(part.spike_count, alone.spike_count)
    assert part.spike_count.sum() == part.sizes["spike"] < swept.sizes["spike"]
    assert (float(part.time[0]), float(part.time[-1])) == (10.0, 45.0)
    assert part.hh.rates().rate.equals(swept.hh.rates(start=10.0, stop=45.0).rate)
    again = hh.rerun(alone.sel(CELL))
    np.testing.assert_array_equal(again.spike_time, alone.sel(CELL).hh.spikes().spike_time)
    alone.sel(CELL).hh.validate()


def test_what_is_wrong_with_the_spikes_of_a_sweep_is_said(spikes):
    assert spikes.hh.validate() is not None
    for change, message in (
        ({"spike_start": spikes.spike_start + 10**6}, "lead out of spike_time"),
        ({"spike_start": spikes.spike_start.astype(float)}, "must be whole numbers"),
        ({"spike_count": spikes.spike_count.sum("trial")}, "over the same dims"),
    ):
        with pytest.raises(ValueError, match=message):
            spikes.assign(change).hh.validate()


#: What is drawn of one cell, of traces with spikes and of spikes alone.
OF_CELLS = ["traces", "gates", "currents", "phase_plane", "spectrum"]
OF_SPIKES = ["raster", "psth", "interval_histogram", "correlogram"]


@pytest.mark.parametrize("name", OF_CELLS + OF_SPIKES)
def test_a_plot_takes_a_cell_and_asks_for_one(name, swept, spikes):
    for ds in (swept, spikes) if name in OF_SPIKES else (swept,):
        assert getattr(ds.sel(CELL).hh.plot, name)().has_data()
        with pytest.raises(ValueError, match=r"choose one value along 'stimulus' first"):
            getattr(ds.hh.plot, name)()
    plt.close("all")


def test_the_marks_of_a_raster_are_the_spikes_of_the_cell(spikes):
    ax = spikes.sel(CELL).hh.plot.raster(rows="trial", neurons=1)
    drawn = np.concatenate([line.get_xdata() for line in ax.lines])
    own = spikes.sel(CELL).sel(neuron=1).hh.spikes().spike_time
    np.testing.assert_array_equal(np.sort(drawn), np.sort(own))
    with pytest.raises(ValueError, match="choose one value along 'sigma'"):
        spikes.sel(stimulus=8.0).hh.spikes().hh.plot.raster()
    plt.close("all")


def test_a_measure_that_was_taken_of_a_sweep_asks_too(swept):
    with pytest.raises(ValueError, match="choose one value along 'stimulus'"):
        swept.hh.psth(10.0).hh.plot.psth()
    with pytest.raises(ValueError, match="choose one value along 'stimulus'"):
        swept.hh.power_spectrum().hh.plot.spectrum()


def test_the_overview_of_a_sweep_is_its_rate_over_what_varies(swept, spikes):
    rate = spikes.hh.rates().rate.mean(("trial", "neuron"))
    for ds in (swept, spikes, spikes.hh.spikes()):
        figure = ds.hh.plot()
        (cells,) = figure.axes[0].collections
        np.testing.assert_allclose(cells.get_array(), rate.values.ravel())
    curve = spikes.sel(stimulus=8.0).hh.plot().axes[0].lines[0]
    np.testing.assert_allclose(curve.get_ydata(), rate.sel(stimulus=8.0))
    one = spikes.sel(sigma=1.0).hh.plot(trial=1, neurons=0).axes[0].lines[0].get_ydata()
    np.testing.assert_allclose(one, spikes.hh.rates().rate.sel(sigma=1.0, trial=1, neuron=0))
    assert spikes.sel(CELL).hh.plot().axes[0].has_data()
    assert len(swept.sel(CELL).hh.plot().axes) == 3
    with pytest.raises(ValueError, match="there is no trial 7"):
        spikes.hh.plot(trial=7)
    wide = spikes.expand_dims(g_Na=[120.0])
    with pytest.raises(ValueError, match="over one dim or two, and this has g_Na, stimulus, sigma"):
        wide.hh.plot()
    plt.close("all")


def test_the_overview_of_what_was_kept_in_place_of_spikes():
    reduce = ["rates", "interval_statistics"]
    ds = hh.sweep(NET, OVER, 40.0, trials=2, rng=1, reduce=reduce, progress=False)
    figure = ds.hh.plot()
    labels = [ax.get_ylabel() for ax in figure.axes[3:]]
    assert [ax.collections[0].get_array().size for ax in figure.axes[:3]] == [6, 6, 6]
    assert "firing rate (Hz)" in labels
    ds.hh.validate()
    traces = hh.sweep(NET, OVER, 1.0, rng=1, record=("V",), reduce="moments", progress=False)
    with pytest.raises(ValueError, match="choose one value along 'stimulus'"):
        traces.hh.plot()
    plt.close("all")
