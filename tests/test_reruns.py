"""A result is made again of what it says of itself, bit for bit."""

import json
import warnings

import numpy as np
import pytest
import xarray as xr
from test_dataset import networks

import hh_sde as hh
from hh_sde import provenance
from hh_sde.arguments import layout


@pytest.fixture(scope="module")
def net():
    return hh.Network(
        2, stimulus=8.0, synapses=hh.Synapse.sigmoidal(0.1), noise=hh.CurrentNoise(2.0)
    )


@pytest.mark.parametrize("name", networks())
@pytest.mark.parametrize("form", ["memory", "netCDF", "zarr"])
def test_a_network_in_a_file_is_made_again(name, form, tmp_path):
    model = networks()[name]
    trials = {"trials": 2, "rng": 5} if model.noise else {}
    ds = hh.solve(model, 1.0, dt=0.02, **trials)
    stored = ds
    if form == "netCDF":
        ds.to_netcdf(tmp_path / "run.nc")
        stored = xr.load_dataset(tmp_path / "run.nc")
    if form == "zarr":
        ds.to_zarr(tmp_path / "run.zarr", consolidated=False)
        stored = xr.open_zarr(tmp_path / "run.zarr", consolidated=False).load()
    assert hh.rerun(stored).identical(ds)


WAYS = {
    "defaults": {"rng": 1},
    "seed of another pool": {"rng": np.random.SeedSequence(1, pool_size=8)},
    "spawned seed": {"rng": np.random.SeedSequence([3, 4], spawn_key=(2, 1))},
    "generator": {"rng": np.random.default_rng(1), "trials": 2},
    "no seed given": {},
    "own numbers": {"rng": 1, "trials": np.array([4, 9]), "save_dt": 0.1},
    "one variable": {"rng": 1, "record": "V", "trials": 2, "discard": 1.0},
    "spikes": {"rng": 1, "record": ("spikes",), "trials": 3},
    "spikes and rule": {
        "rng": 1, "record": ("V", "spikes"), "save_dt": 1.0,
        "spike_rule": hh.SpikeRule(-10.0, rearm=None, lockout=1.0),
    },
    "statistics": {"rng": 1, "trials": [2, 5, 7], "reduce": ("mean", "var"), "save_dt": 0.2},
    "sdeint": {"rng": 1, "method": "sdeint.itoSRI2", "trials": 2},
    "threads": {"rng": 1, "trials": 4, "threads": 2, "method": "strang"},
    "no noise": {"noise": "ignore", "method": "scipy.LSODA", "rtol": 1e-7},
    "path": {"path": lambda net: net.sde().path(7, 0.02)},
    "path of a trial": {"path": lambda net: net.sde().path(7, 0.02, trial=3), "record": ["V"]},
    "path on another grid": {"path": lambda net: net.sde().path(7, 0.01).refine().coarsen(4)},
    "state": {"x0": lambda net: net.steady_state(-50.0), "rng": 1, "trials": 2},
    "state and spikes": {"x0": lambda net: net.steady_state(-50.0), "rng": 1, "record": "spikes"},
}  # fmt: skip


def options_of(way, net):
    return {
        name: value(net) if callable(value) and not isinstance(value, hh.SpikeRule) else value
        for name, value in WAYS[way].items()
    }


@pytest.mark.parametrize("way", WAYS)
def test_every_way_to_solve_is_made_again(way, net):
    ds = hh.solve(net, 20.0, dt=0.02, **options_of(way, net))
    again = hh.rerun(ds)
    assert again.identical(ds)
    other = {"noise": None, "method": None} if way == "no noise" else {}
    changed = hh.rerun(ds, rng=99, path=None, **other, rtol=None)
    assert not changed.drop_attrs().equals(ds.drop_attrs())  # it is the seed that does it


@pytest.mark.parametrize("method", ["gillespie", "tau_leap"])
def test_whole_channels_are_made_again(method):
    net = hh.Network(1, stimulus=10.0, noise=hh.ConductanceNoise(area=20.0))
    ds = hh.solve(net, 5.0, dt=0.05, method=method, rng=1, trials=2, save_dt=0.5)
    assert hh.rerun(ds).identical(ds)
    rest = hh.solve(net, 10.0, dt=0.05, method=method, rng=1, x0=ds, record=["V"], save_dt=0.5)
    assert hh.rerun(rest).identical(rest)


@pytest.mark.parametrize("record", [("V",), ("V", "spikes"), ("spikes",), None])
def test_a_continued_run_is_made_again(record, net):
    options = {"dt": 0.02, "rng": 1, "record": record}
    half = hh.solve(net, 20.0, trials=[3, 1], **options)
    rest = hh.solve(net, 40.0, x0=half, **options)
    assert hh.rerun(rest).identical(rest)
    if record != ("spikes",):
        one = hh.solve(net, 40.0, x0=half.sel(trial=1), **options)
        assert one.attrs["trial"] == 1
        assert hh.rerun(one).identical(one)
        both = hh.solve(net, 60.0, x0=rest, **options)
        alone = hh.solve(net, 60.0, x0=one, **options)
        known = both.sel(trial=1).hh.spikes().spike_time
        assert alone.hh.spikes().spike_time.equals(known)


def test_of_a_part_only_its_trials_are_run(net):
    ds = hh.solve(net, 20.0, dt=0.02, rng=1, trials=5, record=("V", "spikes"), save_dt=0.1)
    some = hh.rerun(ds.isel(trial=[3, 1]))
    assert some.trial.values.tolist() == [3, 1]
    assert some.V.identical(ds.V.isel(trial=[3, 1]))
    one = hh.rerun(ds.sel(trial=4))
    assert one.V.identical(ds.V.sel(trial=4))
    spikes = hh.solve(net, 20.0, dt=0.02, rng=1, trials=5, record=("spikes",))
    traces = hh.rerun(spikes, record=("V",), trials=[2], save_dt=0.1)
    assert traces.V.equals(ds.V.sel(trial=[2]))
    assert hh.rerun(ds, threads=2).identical(ds)
    quiet = hh.rerun(ds, noise="ignore", trials=None)
    assert quiet.attrs["noise_type"] == "none"


def test_an_interrupted_run_is_made_again_as_far_as_it_went(net, monkeypatch):
    updates = []

    class Pressed:
        def __init__(self, *args):
            pass

        def __enter__(self):
            return self

        def __exit__(self, *error):
            pass

        def update(self, done):
            updates.append(done)
            if len(updates) == 2:
                raise KeyboardInterrupt

    monkeypatch.setattr("hh_sde.runs.Progress", Pressed)
    with pytest.raises(hh.Interrupted) as info:
        hh.solve(net, 500.0, dt=0.01, rng=1, trials=20)
    monkeypatch.undo()
    part = info.value.dataset
    assert part.attrs["t_end"] < 500.0
    assert hh.rerun(part).V.identical(part.V)


def test_an_sde_of_ones_own_is_given_again():
    sde = hh.SDE(
        f=lambda x, t: -x, G=lambda x, t: np.eye(2), x0=[1.0, 2.0], noise_type="additive",
        names=["u", "v"],
    )  # fmt: skip
    ds = hh.solve(sde, 2.0, dt=0.1, rng=1, trials=2)
    with pytest.raises(ValueError, match="describes no network: give the model"):
        hh.rerun(ds)
    assert hh.rerun(ds, sde).identical(ds)
    half = hh.solve(sde, 1.0, dt=0.1, rng=1, trials=2, record=["v"])
    rest = hh.solve(sde, 2.0, dt=0.1, rng=1, x0=half)
    assert rest.identical(hh.rerun(rest, sde))


def test_other_versions_and_processors_are_warned_of(net):
    ds = hh.solve(net, 1.0, dt=0.02, rng=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        hh.rerun(ds)
    other = ds.assign_attrs(numba_version="0.1", processor="x86_64 abacus")
    with pytest.warns(UserWarning, match="numba version 0.1 then, .* now; processor x86_64 abacus"):
        hh.rerun(other)
    study = hh.studies.noise_sweep(net, [1.0], t_end=20.0, trials=2, rng=1)
    with pytest.warns(UserWarning, match="hh sde version 0.0 then"):
        hh.rerun(study.assign_attrs(hh_sde_version="0.0"))


def test_what_cannot_be_made_again_says_why(net, monkeypatch):
    with pytest.raises(ValueError, match="no attribute 'arguments': it is not a result of solve"):
        hh.rerun(xr.Dataset())
    with pytest.raises(ValueError, match="there is no study 'rate_curv'; did you mean rate_curve"):
        hh.rerun(
            xr.Dataset(attrs={"arguments": "{}", "study": "rate_curv", "network": net.describe()})
        )
    sde = net.sde()
    groups = np.arange(sde.m) + 1 if np.ptp(sde.area_groups) == 0 else np.zeros(sde.m, int)
    path = hh.BrownianPath(1, m=sde.m, dt=0.02, area_groups=groups)
    with pytest.raises(ValueError, match="cannot be made again of its description, 'first step"):
        hh.rerun(hh.solve(net, 1.0, dt=0.02, path=path))
    monkeypatch.setattr(layout, "LARGEST_INITIAL_STATE", 10)
    ds = hh.solve(net, 1.0, dt=0.02, rng=1, x0=sde.x0)
    with pytest.raises(ValueError, match="was too large to be kept in its result: give it, x0="):
        hh.rerun(ds)
    assert hh.rerun(ds, x0=sde.x0).identical(ds)
    broken = hh.solve(net, 1.0, dt=0.02, rng=1, record=("spikes",))
    broken.attrs["last_state"] = json.dumps({"variables": {"last_V": {}}})
    with pytest.raises(ValueError, match="the state of a run is no such text as solve makes"):
        hh.solve(net, 2.0, dt=0.02, rng=1, x0=broken)


def test_the_form_of_a_paths_grid_is_understood(net):
    path = net.sde().path(3, 0.03, trial=5).refine().refine().coarsen(3)
    attrs = {**provenance.seed_attributes(path.seed), "path": path.grid, "dt": path.dt}
    again = provenance.path_of(attrs, net.sde())
    assert again.grid == path.grid
    assert np.array_equal(again.increments(0, 9), path.increments(0, 9))


def test_a_result_in_a_file_is_made_again_from_its_path(net, tmp_path):
    ds = hh.solve(net, 5.0, dt=0.02, rng=1)
    path = tmp_path / "run.nc"
    ds.to_netcdf(path)
    for one in (path, str(path)):
        assert hh.rerun(one).identical(ds)
        assert hh.Network.from_dataset(one) == net
    for take, name in ((hh.rerun, "rerun"), (hh.Network.from_dataset, "Network.from_dataset")):
        with pytest.raises(TypeError, match=rf"^{name} takes a Dataset, got the DataArray V: give"):
            take(ds.V)
        with pytest.raises(FileNotFoundError):
            take(tmp_path / "none.nc")


@pytest.mark.parametrize("record", [None, ("V", "spikes"), ("spikes",)])
def test_a_window_is_made_again_as_that_window(record, net):
    ds = hh.solve(net, 60.0, dt=0.02, rng=1, trials=3, record=record)
    part = ds.hh.window(20.0, 50.0)
    assert hh.rerun(part).identical(part)
    assert hh.rerun(part, t_end=40.0).attrs["t_end"] == 40.0
    other = hh.rerun(part, rng=5)
    assert (other.attrs["t_start"], other.attrs["t_end"]) == (20.0, 50.0)


@pytest.mark.parametrize("record", [None, ("V", "spikes")])
def test_spikes_of_traces_are_made_again(record, net):
    ds = hh.solve(net, 60.0, dt=0.02, rng=1, trials=3, record=record)
    rule = None if record else hh.SpikeRule(-10.0, rearm=None)
    for spikes in (ds.hh.spikes(rule), ds.hh.window(10.0, 40.0).hh.spikes(rule)):
        assert spikes.sizes["spike"]
        assert hh.rerun(spikes).identical(spikes)
    for part in (ds.sel(trial=2), ds.sel(trial=[0, 2]), ds.sel(trial=1).hh.window(10.0, 40.0)):
        spikes = part.hh.spikes(rule)
        again = hh.rerun(spikes)
        assert again.drop_attrs().identical(spikes.drop_attrs())
        assert again.attrs["t_end"] == spikes.attrs["t_end"]
    traces = hh.rerun(ds.sel(trial=2).hh.spikes(), record=("V",))
    assert traces.V.identical(ds.V.sel(trial=2))
