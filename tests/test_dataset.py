"""The schema of results, files, and making a run again from its result."""

import json
import tracemalloc

import hypothesis.strategies as st
import numpy as np
import pint_xarray  # noqa: F401  (registers Dataset.pint)
import pytest
import scipy.sparse
import xarray as xr
from hypothesis import HealthCheck, given, settings

import hh_sde as hh
from hh_sde import dataset


def networks():
    n = 6
    rng = np.random.default_rng(0)
    weights = scipy.sparse.csr_array(rng.random((n, n)) * (rng.random((n, n)) < 0.6))
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


def described(net):
    """A Dataset with the description of a network, as a file would have it."""
    text, arrays = net.describe()
    variables = {
        name: ([f"{name}_dim{axis}" for axis in range(array.ndim)], array)
        for name, (array, _) in arrays.items()
    }
    return xr.Dataset(variables, attrs={"network": text})


def changed(name, *steps, to):
    """The description of networks()[name] with the part at these steps changed."""
    ds = described(networks()[name])
    tree = json.loads(ds.attrs["network"])
    part = tree
    for step in steps[:-1]:
        part = part[step]
    part[steps[-1]] = to
    return ds.assign_attrs(network=json.dumps(tree))


NETWORK = {"type": "Network"}
DEEP = "[" * 100_000 + "]" * 100_000
HOSTILE = [
    (lambda: xr.Dataset(attrs={"network": "null"}), "describes no network but None"),
    (lambda: xr.Dataset(attrs={"network": "3"}), "describes no network but 3"),
    (lambda: xr.Dataset(attrs={"network": '"x"'}), "describes no network but 'x'"),
    (lambda: xr.Dataset(attrs={"network": "[]"}), r"describes no network but \(\)"),
    (lambda: xr.Dataset(attrs={"network": 3}), "is not a description: the JSON object must be"),
    (lambda: xr.Dataset(attrs={"network": "{"}), "is not a description: Expecting"),
    (lambda: xr.Dataset(attrs={"network": DEEP}), "is not a description: maximum recursion"),
    (lambda: xr.Dataset(attrs={"network": "9" * 5000}), "is not a description: Exceeds the limit"),
    (lambda: xr.Dataset(attrs={"network": "[" * 50 + "]" * 50}), "nested more than 32 deep"),
    (lambda: xr.Dataset(attrs={"network": "{}"}), "network: unknown kind of record None"),
    (lambda: xr.Dataset(attrs={"network": '{"type": []}'}), r"unknown kind of record \[\]"),
    (
        lambda: xr.Dataset(attrs={"network": '{"type": "ConstantCurrent", "amplitude": 1}'}),
        r"describes no network but ConstantCurrent\(amplitude=1.0\)",
    ),
    (lambda: xr.Dataset(attrs={"network": '{"type": "Netwrok"}'}), r"did you mean Network\?"),
    (lambda: xr.Dataset(attrs={"network": '{"type": "Stimulus"}'}), "unknown kind of record"),
    (lambda: xr.Dataset(attrs={"network": '{"type": "Network"}'}), "lacks the field 'n_neurons'"),
    (
        lambda: changed("plain", "n_neurons", to=10**30),
        "network: the tables of n_neurons = 10+ .* not fit",
    ),
    (lambda: changed("plain", "cell", to={"type": "Constant", "rate": 1.0}), "cell must be a Cell"),
    (lambda: changed("plain", "cell", "C", to="1"), "network.cell: C must be a number"),
    (lambda: changed("plain", "cell", "C", to=NETWORK), "network.cell.C: Network lacks the field"),
    (lambda: changed("plain", "cell", "sauce", to=""), "network.cell: Cell has no field 'sauce'"),
    (
        lambda: changed("plain", "cell", "channels", 0, "gates", 1, "alpha", "scale", to=0.0),
        r"network.cell.channels\[0\].gates\[1\].alpha: Exponential.scale must not be 0",
    ),
    (
        lambda: changed("plain", "cell", "channels", 0, "g", to=None),
        r"network.cell.channels\[0\]: g_Na must be a number",
    ),
    (
        lambda: changed("plain", "cell", "channels", 0, "gates", 0, "power", to=10**9),
        r"network.cell.channels\[0\].gates\[0\]: gate m: power must not be above",
    ),
    (
        lambda: changed("plain", "cell", "V0", to={"type": "values", "dtype": "O", "values": []}),
        "network.cell.V0: 'O' is not a type of numbers",
    ),
    (
        lambda: changed("plain", "cell", "V0", to={"type": "values", "dtype": "V9", "values": []}),
        "network.cell.V0: 'V9' is not a type of numbers",
    ),
    (
        lambda: changed("plain", "cell", "V0", to={"type": "values", "dtype": "f8", "values": "1"}),
        "network.cell.V0: values must be numbers, got '1'",
    ),
    (
        lambda: changed("plain", "cell", "V0", to={"type": "array", "name": ["x"]}),
        r"network.cell.V0: the variable \('x',\) of the description is missing",
    ),
    (
        lambda: described(networks()["arrays"]).assign(
            network_stimulus_amplitude=("q", ["x"] * 20)
        ),
        "network.stimulus.amplitude: the variable 'network_stimulus_amplitude' holds <U1, not numb",
    ),
    (
        lambda: described(networks()["sparse weights"]).assign(
            network_synapses_0_weights_indices=lambda ds: (
                ds.network_synapses_0_weights_indices * 0 + 10**8
            )
        ),
        r"network.synapses\[0\].weights: it is a damaged sparse matrix: indices must",
    ),
    (
        lambda: changed("sparse weights", "synapses", 0, "weights", "shape", to=[6, 10**30]),
        r"network.synapses\[0\].weights: ",
    ),
    (
        lambda: changed("sparse weights", "synapses", 0, "weights", "shape", to="ab"),
        r"network.synapses\[0\].weights: shape must be two whole numbers, got 'ab'",
    ),
    (lambda: changed("stimuli", "stimulus", "terms", to=[]), "network.stimulus: StimulusSum.terms"),
    (
        lambda: changed("stimuli", "stimulus", "terms", 1, to=3),
        "StimulusSum.terms must be Stimulus",
    ),
    (lambda: changed("pair", "noise", to=[3]), "network: noise must be None, one of CurrentNoise"),
]


@pytest.mark.parametrize(("make", "message"), HOSTILE)
def test_a_description_that_is_none_is_refused_with_its_place(make, message):
    with pytest.raises(ValueError, match=message):
        hh.Network.from_dataset(make())


def test_citations_of_older_files_are_read():
    net = hh.Network(2, synapses=hh.SYNAPSES["AMPA"](0.1, reference="a paper"))
    text, _ = net.describe()
    assert text.count('"reference": ') == 2
    older = xr.Dataset(attrs={"network": text.replace('"reference": ', '"source": ')})
    assert hh.Network.from_dataset(older) == net
    both = text.replace('"reference": "a paper"', '"reference": "a paper", "source": "another"')
    with pytest.raises(ValueError, match="Synapse has no field 'source'"):
        hh.Network.from_dataset(xr.Dataset(attrs={"network": both}))


def test_a_description_of_many_neurons_takes_no_memory_to_refuse():
    ds = changed("plain", "n_neurons", to=10**12)
    tracemalloc.start()
    with pytest.raises(ValueError, match="does not fit"):
        hh.Network.from_dataset(ds)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10**7


def places(tree, at=()):
    """The steps to every part of a tree."""
    yield at
    if isinstance(tree, list):
        tree = dict(enumerate(tree))
    for step, part in tree.items() if isinstance(tree, dict) else ():
        yield from places(part, (*at, step))


JUNK = [
    None, True, -1, 0, 2, 5001, 10**30, 1e308, float("nan"), float("inf"), "", "x", "m", "f8", "O",
    [], [[]], [0, 10**9], {}, {"type": None}, {"type": "csr"}, {"type": "values"}, {"type": "Gate"},
    {"type": "array", "name": "network_synapses_0_weights_indptr"},
    {"type": "array", "name": "network_synapses_0_weights_data"},
    {"type": "values", "dtype": "<i8", "values": [-1, 2**62]},
    {"type": "Constant", "rate": 1e300}, {"type": "ConstantCurrent", "amplitude": 1.0},
]  # fmt: skip


@settings(max_examples=300, deadline=None, derandomize=True, database=None,
          suppress_health_check=list(HealthCheck))  # fmt: skip
@given(data=st.data())
def test_any_change_to_a_description_gives_a_network_or_a_value_error(data):
    nets = ("sparse weights", "own channel", "stimuli", "correlated", "channel noise")
    ds = DESCRIBED[data.draw(st.sampled_from(nets))]
    tree = json.loads(ds.attrs["network"])
    for _ in range(data.draw(st.integers(1, 3))):
        *way, last = data.draw(st.sampled_from(list(places(tree))[1:]))
        part = tree
        for step in way:
            part = part[step]
        other = tree
        for step in data.draw(st.sampled_from(list(places(tree)))):
            other = other[step]
        part[last] = json.loads(json.dumps(data.draw(st.sampled_from([*JUNK, other]))))
        if isinstance(part, dict) and data.draw(st.booleans()):
            part.pop(data.draw(st.sampled_from(list(part))))
    if data.draw(st.booleans()):
        name = data.draw(st.sampled_from(["", *map(str, ds.data_vars)]))
        if name:
            values = ds[name].values.copy()
            values.flat[data.draw(st.integers(0, values.size - 1))] = data.draw(
                st.sampled_from([-1, 7, 2**31 - 1, -(2**31)])
            )
            ds = ds.assign({name: (ds[name].dims, values)})
    try:
        net = hh.Network.from_dataset(ds.assign_attrs(network=json.dumps(tree)))
    except ValueError:
        return
    assert isinstance(net, hh.Network)


DESCRIBED = {
    name: described(net)
    for name, net in {
        **networks(),
        "channel noise": hh.Network(
            2,
            noise=[
                hh.ConductanceNoise(numbers={"Na": 600.0}, transitions=[("Na", "m0h1->m1h1")]),
                hh.CurrentNoise(1.0, correlation=0.5),
                hh.OrnsteinUhlenbeckCurrent(1.0, 2.0, 3.0),
            ],
        ),
    }.items()
}


def test_numbers_of_a_rate_have_the_unit_of_their_slot():
    table = hh.Tabulated.sample(lambda V: 1 / (1 + np.exp(-(V + 30) / 7)), step=10.0)
    many = hh.Constant(np.linspace(1.0, 2.0, 20))
    gates = (
        hh.Gate("p", 2, x_inf=table, tau=many),
        hh.Gate("q", 1, alpha=table, beta=many),
    )
    cell = hh.Cell("own", (hh.Channel("X", 1.0, 0.0, gates),))
    synapse = hh.SYNAPSES["AMPA"](0.1, block=table, beta=many)
    _, arrays = hh.Network(20, cell=cell, synapses=synapse).describe()
    units = {name.removeprefix("network_"): unit for name, (_, unit) in arrays.items()}
    assert units == {
        "cell_channels_0_gates_0_x_inf_values": "1",
        "cell_channels_0_gates_0_tau_rate": "ms",
        "cell_channels_0_gates_1_alpha_values": "1/ms",
        "cell_channels_0_gates_1_beta_rate": "1/ms",
        "synapses_0_block_values": "1",
        "synapses_0_beta_rate": "1/ms",
    }
