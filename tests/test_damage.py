"""Damaged results and hostile input end in errors that name what is wrong."""

import json

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import xarray as xr

import hh_sde as hh
from hh_sde import memory
from hh_sde.topology import EdgeList


def exponential(weights=0.1, **fields):
    return hh.SYNAPSES["exponential"](weights, tau=5.0, E=0.0, **fields)


@pytest.fixture(scope="module")
def net():
    return hh.Network(
        {"E": hh.Population(3, stimulus=10.0), "I": hh.Population(2, stimulus=12.0)},
        noise=hh.CurrentNoise(1.0),
    )


@pytest.fixture(scope="module")
def spikes(net):
    return hh.solve(net, 20.0, dt=0.05, rng=1, trials=2, record=("spikes",))


@pytest.fixture(scope="module")
def traces(net):
    return hh.solve(net, 20.0, dt=0.05, rng=1, trials=2, x0=net.steady_state(-60.0))


def arguments(**changes):
    return json.dumps({"t_end": 20.0, "dt": 0.05, "method": "euler_maruyama", **changes})


#: An attribute, its damage, what is done with the result, and what the error says.
ATTRIBUTES = {
    "no JSON": ("populations", "{", lambda ds: ds.hh.rates(), "populations.*values by name"),
    "no mapping": ("populations", "[3]", lambda ds: ds.hh.rates(), "populations.*by name"),
    "nested deep": ("populations", "[" * 9999, lambda ds: ds.hh.rates(), "populations"),
    "sizes as text": ("populations", '{"E": "3"}', lambda ds: ds.hh.rates(), "how many neurons"),
    "too few": (
        "populations", '{"A": 1}', lambda ds: ds.hh.rates(by="population"),
        r"populations'.*\{\"A\": 1\}, is of the neurons 0 to 0, and it has the neurons \[0, 0, 1",
    ),
    "too few to choose": (
        "populations", '{"E": 3}', lambda ds: ds.hh.population("E"), "neurons 0 to 2, and it has"
    ),
    "a number": ("neurons", 5, lambda ds: ds.hh.rates(), "neurons'.*list of one or more diff"),
    "twice": ("neurons", "[0, 0]", lambda ds: ds.hh.rates(), "neurons'.*different"),
    "none": ("neurons", "[]", lambda ds: ds.hh.plot.raster(), "neurons'.*one or more"),
    "not a number": ("trials", "[NaN, 1]", lambda ds: ds.hh.rates(), "trials'.*different"),
    "end before start": ("t_end", -1.0, lambda ds: ds.hh.rates(), "t_end'.*not before"),
    "text as time": ("t_end", "20", lambda ds: ds.hh.window(0.0, 5.0), "t_end'.*finite number"),
    "an array": ("n_spikes", np.array([1, 2]), lambda ds: ds.hh.rates(), "n_spikes'.*finite"),
    "arguments": ("arguments", "[]", lambda ds: hh.rerun(ds), "arguments'.*values by name"),
    "no t_end": ("arguments", '{"dt": 0.05}', lambda ds: hh.rerun(ds), "arguments'.*with t_end"),
    "strange": ("arguments", arguments(zz=1), lambda ds: hh.rerun(ds), "no parameter 'zz'"),
    "no rule": (
        "arguments", arguments(spike_rule={"level": 1}), lambda ds: hh.rerun(ds),
        "SpikeRule has no parameter 'level'",
    ),
    "entropy": ("rng_entropy", "-1", lambda ds: hh.rerun(ds), "rng_entropy'.*whole number from 0"),
    "entropy 2": ("rng_entropy", "1.5", lambda ds: hh.rerun(ds), "rng_entropy'.*whole number"),
    "key": ("rng_spawn_key", "a", lambda ds: hh.rerun(ds), "rng_spawn_key'.*whole numbers"),
    "pool": ("rng_pool_size", "99999999", lambda ds: hh.rerun(ds), "rng_pool_size'.*to 9999"),
    "x0": ("x0", "{", lambda ds: hh.rerun(ds), "x0'.*values by name"),
    "x0 is gone": ("x0", "given", lambda ds: hh.rerun(ds), "too large to be kept in its result"),
    "path": ("path", 3.0, lambda ds: hh.rerun(ds), "path' .*must be text, got 3.0"),
    "schema": ("schema_version", np.array([1, 2]), lambda ds: hh.rerun(ds), "this Dataset is of"),
    "cut state": ("last_state", "{", lambda ds: hh.solve(ds_net(ds), 30.0, x0=ds), "no such text"),
}  # fmt: skip


def ds_net(ds):
    return hh.Network.from_dataset(ds)


@pytest.mark.parametrize("case", ATTRIBUTES)
def test_damaged_attributes_are_named(case, spikes):
    name, damage, use, message = ATTRIBUTES[case]
    with pytest.raises((TypeError, ValueError), match=f"(?s){message}"):
        use(spikes.assign_attrs({name: damage}))


def put(name, value):
    """A Dataset whose variable has another value in the middle, or all of another kind."""

    def damaged(ds):
        one = ds[name]
        if isinstance(value, float):
            values = one.values.astype(float)
            values.flat[one.size // 2] = value
        else:
            values = np.full(one.shape, value)
        made = {name: (one.dims, values, one.attrs)}
        return ds.assign_coords(made) if name in ds.coords else ds.assign(made)

    return damaged


#: Damage to variables of spikes and of traces, what is done, and what the error says.
OF_SPIKES = {
    "a time": (put("spike_time", np.nan), lambda ds: ds.hh.rates(), "spike_time of spikes must be"),
    "a neuron": (put("neuron", np.nan), lambda ds: ds.hh.window(1.0, 9.0), "neuron of spikes must"),
    "no trial": (lambda ds: ds.drop_vars("trial"), lambda ds: ds.hh.rates(), "has its trial"),
    "one trial": (
        lambda ds: ds.drop_vars("trial").assign(trial=0), lambda ds: ds.hh.plot(), "has its trial"
    ),
    "a stranger": (put("neuron", 9.0), lambda ds: ds.hh.rates(), "spikes of neuron 9"),
    "train times": (put("spike_time", np.nan), hh.SpikeTimes, "times must be finite.*got nan"),
    "train": (put("neuron", np.nan), hh.SpikeTimes, "neuron must be finite"),
    "train of none": (put("neuron", 7.0), hh.SpikeTimes, "spikes of neuron 7.*not among the neu"),
}  # fmt: skip
OF_TRACES = {
    "dates": (put("time", "x"), lambda ds: ds.hh.spikes(), "time must be numbers"),
    "no times": (lambda ds: ds.isel(time=slice(0)), lambda ds: ds.hh.plot(), "time must be a row"),
    "complex": (put("V", 1j), lambda ds: ds.hh.synchrony(), "V must hold real numbers, got compl"),
    "dates of a gate": (put("m", "x"), lambda ds: ds.hh.currents(), "m of this Dataset must be nu"),
    "no neurons": (
        lambda ds: ds.isel(neuron=slice(0)), lambda ds: ds.hh.rates(), "V is empty: nothing of it"
    ),
    "a mean": (
        lambda ds: ds.mean("trial", keep_attrs=True),
        lambda ds: hh.solve(ds_net(ds), 30.0, dt=0.05, x0=ds), "x0 is of a run of several trials",
    ),
    "no attributes": (
        lambda ds: ds.drop_attrs(),
        lambda ds: hh.solve(hh.Network(5), 30.0, dt=0.05, x0=ds), "x0 does not say how it was made",
    ),
    "initial state": (
        lambda ds: ds.assign_attrs(initial_state="{"), lambda ds: hh.rerun(ds), "no such text"
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", OF_SPIKES)
def test_damaged_spikes_are_named(case, spikes):
    damage, use, message = OF_SPIKES[case]
    one_trial = spikes.isel(spike=spikes.trial.values == 0)
    with pytest.raises((TypeError, ValueError), match=message):
        use(damage(one_trial.assign_attrs(n_spikes=one_trial.sizes["spike"])))


@pytest.mark.parametrize("case", OF_TRACES)
def test_damaged_traces_are_named(case, traces):
    damage, use, message = OF_TRACES[case]
    with pytest.raises((TypeError, ValueError), match=message):
        use(damage(traces))


def test_trains_are_those_of_their_neurons_in_whatever_order(spikes):
    one = spikes.isel(spike=spikes.trial.values == 1)
    known, turned = hh.SpikeTimes(one), hh.SpikeTimes(one.assign_attrs(neurons="[4, 2, 0, 3, 1]"))
    assert np.array_equal(np.array([4, 2, 0, 3, 1])[turned.train], known.train)


def test_a_file_that_was_not_written_to_its_end_is_named(spikes, tmp_path):
    path = tmp_path / "run.nc"
    spikes.to_netcdf(path)
    path.write_bytes(path.read_bytes()[:5000])
    for take in (hh.rerun, hh.Network.from_dataset):
        with pytest.raises(ValueError, match=r"run.nc cannot be read.* was not written to its end"):
            take(path)
    with pytest.raises(FileNotFoundError):
        hh.rerun(tmp_path / "other.nc")


#: What would take more memory than a GiB.
LARGE = {
    "shared trains": lambda: exponential(source=hh.PoissonInput(1e-6, n=2**30, shared=True)),
    "given trains": lambda: exponential(
        source=hh.SpikeTimes(spike_time=[0.5], train=[0], n=2**31 - 1)
    ),
    "sparse": lambda: exponential(scipy.sparse.coo_array(([1.0], ([0], [0])), (2**41, 2**41))),
}


@pytest.mark.parametrize("case", LARGE)
def test_what_does_not_fit_is_refused_before_it_is_made(case, monkeypatch):
    monkeypatch.setattr(memory, "available", lambda: 2.0**30)
    with pytest.raises(ValueError, match=r"would take .* does not fit: 1 GiB of memory are free"):
        hh.Network(2, synapses=LARGE[case]()).sde()


@pytest.mark.parametrize("source", [1e300, 2**63, -1, 0.5, np.nan])
def test_edges_are_numbers_of_neurons(source):
    table = pd.DataFrame({"source": [source], "target": [0], "weight": [0.1]})
    with pytest.raises(ValueError, match=r"source of the edges must be whole numbers, from 0 to"):
        exponential(table)


@pytest.mark.parametrize("shape", ["ab", 3, (2,), (2, 2.5), (-1, 2), (True, 2), (2**70, 2)])
def test_the_shape_of_edges_is_two_numbers(shape):
    with pytest.raises(ValueError, match=r"shape of the edges must be (two|a whole) number"):
        EdgeList(source=[1], target=[0], shape=shape)


@pytest.mark.parametrize(
    "part", [{"cell": hh.CELLS["hodgkin_huxley"](g_Na=[1.0, 2.0, 3.0])},
             {"noise": hh.CurrentNoise([1.0, 2.0, 3.0])}]
)  # fmt: skip
def test_what_does_not_fit_a_population_names_it(part):
    with pytest.raises(ValueError, match=r"population I: .* has 3 values; 2 neurons take one"):
        hh.Network({"E": hh.Population(3), "I": hh.Population(2, **part)}).sde()


def test_a_synapse_does_not_bear_the_name_of_another_populations_channel():
    parts = {"E": hh.Population(2), "I": hh.Population(2, "morris_lecar")}
    with pytest.raises(ValueError, match="I_Na is the current of a channel of population E; give"):
        hh.Network(parts, synapses=exponential(name="Na", source="E", target="I")).sde()


def test_attributes_that_a_result_lacks_are_named():
    with pytest.raises(ValueError, match="has no attribute 'neurons': it is no result"):
        xr.Dataset({"spike_time": ("spike", [1.0]), "neuron": ("spike", [0])}).hh.rates()
