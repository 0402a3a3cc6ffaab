"""The schema of results, files, and making a run again from its result."""

import numpy as np
import pint_xarray  # noqa: F401  (registers Dataset.pint)
import pytest
import scipy.sparse
import xarray as xr

import hh_sde as hh
from hh_sde import dataset


def networks():
    n = 6
    rng = np.random.default_rng(0)
    weights = scipy.sparse.random_array((n, n), density=0.6, rng=rng)
    table = hh.Tabulated.sample(lambda V: 1 / (1 + np.exp(-(V + 30) / 7)), step=1.0)
    gate = hh.Gate("p", 2, x_inf=table, tau=hh.Constant(3.0))
    classic = hh.CELLS["hodgkin_huxley"]
    own = classic.replace(
        name="own", channels=(*classic.channels, hh.Channel("M", g=0.5, E=-90.0, gates=(gate,)))
    )
    return {
        "plain": hh.Network(1),
        "pair": hh.Network(
            2, stimulus=10.0, synapses=hh.Synapse.sigmoidal(0.1), noise=hh.CurrentNoise(1.0)
        ),
        "dense weights": hh.Network(n, synapses=hh.Synapse.sigmoidal(rng.uniform(0, 0.1, (n, n)))),
        "sparse weights": hh.Network(
            n, synapses=[hh.SYNAPSES["AMPA"](weights), hh.GapJunction(weights)]
        ),
        "arrays": hh.Network(
            20, cell=classic.replace(g_K=rng.uniform(30, 40, 20)), stimulus=np.arange(20.0)
        ),
        "correlated": hh.Network(5, noise=hh.CurrentNoise(1.0, correlation=0.5 * np.eye(5) + 0.5)),
        "own channel": hh.Network(2, cell=own, stimulus=5.0),
        "stimuli": hh.Network(
            2,
            stimulus=hh.ConstantCurrent([1.0, 2.0])
            + hh.StepCurrent(3.0, start=0.5)
            + hh.PulseTrain(5.0, start=0.1, width=0.2, period=0.5, count=3)
            + hh.SineCurrent(1.0, frequency=100.0)
            + hh.SampledCurrent(rng.normal(size=(40, 2)), dt=0.05, interpolation="linear"),
        ),
    }


@pytest.mark.parametrize("name", networks())
@pytest.mark.parametrize("form", ["memory", "netCDF", "zarr"])
def test_the_dataset_makes_its_run_again_bitwise(name, form, tmp_path):
    net = networks()[name]
    trials = {"trials": 2} if net.noise else {}
    ds = hh.solve(net, 2.0, dt=0.02, rng=5 if net.noise else None, **trials)
    stored = ds
    if form == "netCDF":
        ds.to_netcdf(tmp_path / "run.nc")
        stored = xr.load_dataset(tmp_path / "run.nc")
    if form == "zarr":
        ds.to_zarr(tmp_path / "run.zarr", consolidated=False)
        stored = xr.open_zarr(tmp_path / "run.zarr", consolidated=False).load()
    assert stored.identical(ds)
    again = hh.Network.from_dataset(stored)
    assert again == net
    seed = int(stored.attrs["rng_entropy"]) if "rng_entropy" in stored.attrs else None
    repeated = hh.solve(again, stored.attrs["t_end"], dt=stored.attrs["dt"], rng=seed, **trials)
    assert repeated.identical(ds)


def test_every_network_is_different():
    found = list(networks().values())
    assert [found.index(net) for net in found] == list(range(len(found)))


@pytest.mark.parametrize("name", networks())
def test_schema(name):
    net = networks()[name]
    trials = {"trials": 2, "rng": 5} if net.noise else {}
    ds = hh.solve(net, 1.0, dt=0.02, **trials)
    assert dataset.validate(ds) is ds
    assert ds.hh.validate() is ds
    assert ds.V.dims == (*(["trial"] if net.noise else []), "time", "neuron")
    assert tuple(v for v in ds.data_vars if "time" in ds[v].dims) == net.variables
    assert ds.V.attrs["units"] == "mV"


def test_long_arrays_are_variables_and_short_ones_are_text():
    nets = networks()
    assert "network_synapses_0_weights" in hh.solve(nets["dense weights"], 0.1).data_vars
    ds = hh.solve(nets["sparse weights"], 0.1)
    assert ds["network_synapses_0_weights_data"].attrs["units"] == "mS/cm^2"
    assert len(ds.attrs["network"]) < 5000
    pair = hh.solve(nets["pair"], 0.1, rng=1)
    assert set(pair.data_vars) == {"V", "m", "h", "n", "s"}


def test_attributes_tell_how_to_run_it_again_and_nothing_that_changes(noisy_pair):
    first = hh.solve(noisy_pair, 1.0, rng=np.random.SeedSequence(7, spawn_key=(3,)))
    second = hh.solve(noisy_pair, 1.0, rng=np.random.SeedSequence(7, spawn_key=(3,)))
    assert first.identical(second)
    assert first.attrs["rng_entropy"] == "7"
    assert first.attrs["rng_spawn_key"] == "3"
    assert {"method", "dt", "t_end", "noise_type", "interpretation", "numba_version"} <= set(
        first.attrs
    )


def test_entropy_is_recorded_when_none_is_given(noisy_pair):
    ds = hh.solve(noisy_pair, 1.0)
    again = hh.solve(noisy_pair, 1.0, rng=int(ds.attrs["rng_entropy"]))
    assert np.array_equal(ds.V, again.V)
    assert not np.array_equal(hh.solve(noisy_pair, 1.0).V, ds.V)


def test_units_are_understood_by_pint(noisy_pair):
    ds = hh.solve(networks()["sparse weights"], 1.0)
    quantified = ds.drop_vars(
        [v for v in ds.data_vars if v.endswith(("indices", "indptr"))]
    ).pint.quantify()
    assert str(quantified.V.pint.units) == "millivolt"
    assert str(quantified.m.pint.units) == "dimensionless"
    weights = quantified["network_synapses_0_weights_data"].pint.to("S/m^2")
    factor = weights.pint.magnitude / ds["network_synapses_0_weights_data"].values
    np.testing.assert_allclose(factor, 10.0)
    rates = hh.solve(noisy_pair, 20.0, rng=1).hh.rates().pint.quantify()
    assert str(rates.rate.pint.to("1/s").pint.units) == "1 / second"


def test_validate_lists_every_fault(noisy_pair):
    ds = hh.solve(noisy_pair, 1.0, rng=1)
    broken = ds.transpose("neuron", "time").assign_attrs(flag=True).isel(time=slice(None, None, -1))
    del broken.attrs["method"]
    broken["V"].attrs.clear()
    with pytest.raises(ValueError, match="does not keep to the schema") as info:
        broken.hh.validate()
    for fault in (
        "V has no attribute 'units'",
        "no attribute 'method'",
        "attribute 'flag' is bool",
        "time does not increase",
        "V has dims ('neuron', 'time')",
    ):
        assert fault in str(info.value)
    with pytest.raises(TypeError, match=r"takes an xarray.Dataset, got int"):
        hh.validate(3)


def test_validate_knows_spikes(noisy_pair):
    options = {"rng": 1, "trials": 2}
    alone = hh.solve(noisy_pair, 50.0, record=("spikes",), **options)
    both = hh.solve(noisy_pair, 50.0, record=("V", "spikes"), save_dt=1.0, **options)
    for ds in (alone, both):
        assert ds.hh.validate() is ds
        with pytest.raises(ValueError, match=r"there are 2 spikes, but n_spikes is \d+"):
            ds.isel(spike=slice(2)).hh.validate()
    with pytest.raises(ValueError, match="spike_time is missing, or has other dims than spike"):
        both.drop_vars("spike_time").hh.validate()
    with pytest.raises(ValueError, match="trial is missing, or has other dims than spike"):
        both.drop_vars("spike_trial").hh.validate()
    both["V"] = both.V.transpose("neuron", "time", "trial")
    with pytest.raises(ValueError, match="V has dims"):
        both.hh.validate()


def test_last_states_are_labelled(noisy_pair, tmp_path):
    options = {"rng": 1, "trials": 2}
    part = hh.solve(noisy_pair, 1.0, record=["V"], **options)
    alone = hh.solve(noisy_pair, 1.0, record=("spikes",), **options)
    whole = hh.solve(noisy_pair, 1.0, **options)
    for name, (units, _) in noisy_pair.labels.items():
        for ds in (part, alone):
            last = ds[f"last_{name}"]
            assert last.attrs["units"] == units
            assert last.attrs["time"] == 1.0
            assert np.array_equal(last, whole[name].isel(time=-1))
    assert part.last_V.dims == ("trial", "neuron")
    assert alone.last_V.dims == ("of_trial", "of_neuron")
    assert alone.spike_armed.values.all()
    assert np.isnan(alone.last_spike_time).all()
    for ds in (part, alone):
        ds.pint.quantify()
        ds.to_zarr(tmp_path / "state.zarr", consolidated=False, mode="w")
        assert xr.open_zarr(tmp_path / "state.zarr", consolidated=False).load().identical(ds)


def test_a_dataset_without_a_network_says_so(noisy_pair):
    with pytest.raises(ValueError, match="no attribute 'network'"):
        hh.Network.from_dataset(xr.Dataset())
    ds = hh.solve(networks()["dense weights"], 0.1).drop_vars("network_synapses_0_weights")
    with pytest.raises(
        ValueError, match="'network_synapses_0_weights' of the description is missing"
    ):
        hh.Network.from_dataset(ds)
