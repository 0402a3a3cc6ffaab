"""Runs of strang, which leaves its steps half done, go on as if they had not been cut."""

import numpy as np
import pytest
import xarray as xr

import hh_sde as hh
from hh_sde import continuation

OPTIONS = {"dt": 0.02, "rng": 1, "method": "strang"}
#: What a run keeps; save_dt divides none of the times at which runs are cut.
FORMS = {
    "states": {},
    "rare states": {"save_dt": 0.2},
    "V": {"record": ("V",)},
    "V and spikes": {"record": ("V", "spikes"), "save_dt": 0.2},
    "currents": {"record": ("I_Na", "p_K"), "save_dt": 0.2},
    "states, currents and spikes": {"record": ("V", "m", "h", "n", "s", "g_Na", "spikes")},
    "spikes": {"record": ("spikes",)},
}


@pytest.fixture(scope="module")
def net():
    return hh.Network(
        2, stimulus=10.0, synapses=hh.Synapse.sigmoidal(0.1), noise=hh.CurrentNoise(2.0)
    )


def spikes(ds):
    """(trial, neuron, time) of all, in one order."""
    found = ds.hh.spikes()
    trial = found.trial if "trial" in found else xr.zeros_like(found.neuron)
    return sorted(zip(trial.values, found.neuron.values, found.spike_time.values, strict=True))


def same(rest, whole):
    """The run that went on is the later part of the long one, and ends in the same state."""
    for name in set(whole.data_vars):
        later = whole[name].sel(time=rest.time) if "time" in whole[name].dims else whole[name]
        if "spike" not in later.dims:
            np.testing.assert_array_equal(rest[name], later, err_msg=name)
    state, known = continuation.last_state(rest), continuation.last_state(whole)
    assert state.drop_attrs().equals(known.drop_attrs())
    assert {"open_m", "open_h", "open_n", "open_s"} <= set(state)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("trials", [None, [4, 0, 7]])
def test_a_run_that_goes_on_is_the_rest_of_a_long_one(form, trials, net):
    options = {**OPTIONS, **FORMS[form]}
    first = hh.solve(net, 25.0, trials=trials, **options)
    rest = hh.solve(net, 50.0, x0=first, **options)
    whole = hh.solve(net, 50.0, trials=trials, **options)
    same(rest, whole)
    assert hh.rerun(rest).identical(rest)
    if "spikes" in options.get("record", ()):
        assert spikes(rest)
        assert sorted(spikes(first) + spikes(rest)) == spikes(whole)


@pytest.mark.parametrize("form", FORMS)
def test_some_of_the_trials_go_on_alone(form, net):
    options = {**OPTIONS, **FORMS[form]}
    first = hh.solve(net, 20.0, trials=[4, 0, 7], **options)
    rest = hh.solve(net, 40.0, trials=[7, 4], x0=first, **options)
    same(rest, hh.solve(net, 40.0, trials=[7, 4], **options))
    assert hh.rerun(rest).identical(rest)
    if form != "spikes":
        one = hh.solve(net, 40.0, x0=first.sel(trial=7), **options)
        assert continuation.last_state(one).equals(
            continuation.last_state(rest).sel(trial=7, drop=True)
        )
        assert hh.rerun(one).identical(one)


@pytest.mark.parametrize("form", FORMS)
def test_a_transient_may_be_cut_off_anywhere(form, net):
    options = {**OPTIONS, **FORMS[form], "trials": 2}
    first = hh.solve(net, 30.0, discard=10.0, **options)
    rest = hh.solve(net, 60.0, discard=20.0, x0=first, **options)
    same(rest, hh.solve(net, 60.0, discard=50.0, **options))
    assert hh.rerun(rest).identical(rest)


@pytest.mark.parametrize("form", ["states", "V and spikes", "spikes"])
@pytest.mark.parametrize("store", ["netCDF", "zarr"])
def test_a_run_goes_on_from_a_file(form, store, net, tmp_path):
    options = {**OPTIONS, **FORMS[form], "trials": 2}
    first = hh.solve(net, 20.0, **options)
    if store == "netCDF":
        first.to_netcdf(tmp_path / "run.nc")
        stored = xr.load_dataset(tmp_path / "run.nc")
    else:
        first.to_zarr(tmp_path / "run.zarr", consolidated=False)
        stored = xr.open_zarr(tmp_path / "run.zarr", consolidated=False).load()
    same(hh.solve(net, 40.0, x0=stored, **options), hh.solve(net, 40.0, **options))


@pytest.mark.parametrize("change", [{"dt": 0.01}, {"method": "lie_trotter"}])
def test_other_steps_and_methods_go_on_from_the_closed_state(change, net):
    first = hh.solve(net, 5.0, **OPTIONS)
    x0 = np.concatenate([first[name].isel(time=-1) for name in net.variables])
    options = {**OPTIONS, **change, "noise": "ignore", "rng": None}
    closed = hh.solve(net, 5.0, x0=x0, **options)
    rest = hh.solve(net, 10.0, x0=first, **options)
    np.testing.assert_array_equal(rest.V, closed.V)


def test_the_middle_of_a_run_is_gone_on_from_with_whole_steps(net):
    first = hh.solve(net, 5.0, **OPTIONS)
    part = first.isel(time=slice(101))
    assert continuation.last_state(first.hh.window(0.0, 2.0)).data_vars == {}
    rest = hh.solve(net, 5.0, x0=part, **OPTIONS)
    np.testing.assert_allclose(rest.V, first.V.sel(time=rest.time), atol=1e-3)
    closed = hh.solve(net, 5.0, x0=first.hh.window(0.0, 2.0), **OPTIONS)
    np.testing.assert_array_equal(rest.V, closed.V)


@pytest.mark.parametrize("form", ["states", "states and spikes", "spikes"])
def test_a_gate_that_was_displaced_is_where_a_run_goes_on_from(form, net):
    """Not the open gates of the state before."""
    record = {
        "states": None,
        "states and spikes": (*net.variables, "spikes"),
        "spikes": ("spikes",),
    }
    first = hh.solve(net, 5.0, **OPTIONS | {"record": record[form]})
    if form == "spikes":
        state = continuation.last_state(first).copy(deep=True)
        state.last_n[{"neuron": 0}] += 0.01
        displaced = first.assign_attrs(last_state=continuation.as_text(state))
        x0 = np.concatenate([state[f"last_{name}"] for name in net.variables])
    else:
        displaced = first.copy(deep=True)
        displaced.n[{"time": -1, "neuron": 0}] += 0.01
        x0 = np.concatenate([displaced[name].isel(time=-1) for name in net.variables])
    options = {**OPTIONS, "noise": "ignore", "rng": None}
    rest = hh.solve(net, 10.0, x0=displaced, **options)
    np.testing.assert_array_equal(rest.V, hh.solve(net, 5.0, x0=x0, **options).V)
    undisturbed = hh.solve(net, 10.0, x0=first, **options)
    assert abs(rest.V - undisturbed.V).max() > 0.01
