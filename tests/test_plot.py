"""Pictures: what is in them. (How they look is for eyes.)"""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import xarray as xr
from conftest import linear_sde

import hh_sde as hh
from hh_sde import plot


@pytest.fixture(autouse=True)
def close():
    yield
    plt.close("all")


@pytest.fixture
def result(noisy_pair):
    return hh.solve(noisy_pair, 40.0, rng=1, trials=2)


def test_overview_of_two(result, tmp_path):
    fig = result.hh.plot()
    voltages, gates, raster = fig.axes
    assert len(voltages.lines) == 2
    np.testing.assert_array_equal(voltages.lines[1].get_ydata(), result.V.sel(trial=0, neuron=1))
    assert [line.get_label() for line in gates.lines] == ["m", "h", "n", "s"]
    assert len(raster.lines[0].get_xdata()) == result.sel(trial=0).hh.spikes().sizes["spike"]
    assert voltages.get_ylabel() == "V (mV)"
    assert raster.get_xlabel() == "time (ms)"
    fig.savefig(tmp_path / "two.png")


def test_another_trial(result):
    line = result.hh.plot(trial=1).axes[0].lines[0]
    np.testing.assert_array_equal(line.get_ydata(), result.V.sel(trial=1, neuron=0))
    with pytest.raises(ValueError, match=r"there is no trial 5; there are \[0, 1\]"):
        result.hh.plot(trial=5)
    with pytest.raises(ValueError, match="this result has no trials"):
        result.sel(trial=0).hh.plot(trial=1)


def test_many_neurons_become_an_image(tmp_path):
    ds = hh.solve(hh.Network(200, stimulus=np.linspace(5, 15, 200)), 30.0, save_dt=0.1)
    fig = ds.hh.plot()
    assert len(fig.axes[0].collections) == 1
    assert fig.axes[-1].get_ylabel() == "V (mV)"  # the colour bar
    fig.savefig(tmp_path / "many.png")


@pytest.mark.parametrize(("record", "parts"), [(["V"], 2), (["m", "h"], 1), (["V", "s"], 3)])
def test_what_was_not_recorded_is_left_out(record, parts, noisy_pair):
    ds = hh.solve(noisy_pair, 10.0, rng=1, record=record)
    assert len(ds.hh.plot().axes) == parts


def test_an_own_sde():
    ds = hh.solve(linear_sde(), 1.0, dt=0.1, method="sdeint.itoEuler", rng=1)
    assert len(ds.hh.plot().axes[0].lines) == 2


def test_nothing_to_draw():
    with pytest.raises(ValueError, match="nothing to draw"):
        xr.Dataset({"a": ("time", [1.0])}).hh.plot()


def test_parts_take_axes(result):
    _, axes = plt.subplots(3)
    for part, ax in zip((plot.traces, plot.gates, plot.raster), axes, strict=True):
        assert part(result, ax=ax) is ax
    assert plot.traces(result).figure is not axes[0].figure
