"""The schema of results, files, and making a run again from its result."""

import base64
import json
import tracemalloc
import zlib
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pint_xarray  # noqa: F401  (registers Dataset.pint)
import pytest
import scipy.sparse
import xarray as xr
from hypothesis import HealthCheck, given, settings

import hh_sde as hh
from hh_sde import continuation, dataset, descriptions


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


@pytest.mark.parametrize("name", networks())
def test_nothing_but_results_stands_among_the_variables(name):
    net = networks()[name]
    ds = hh.solve(net, 0.1, dt=0.02, **({"rng": 5} if net.noise else {}))
    assert tuple(ds.data_vars) == net.variables
    assert set(ds.dims) == {"time", "neuron"}
    assert len(ds.to_dataframe()) == ds.sizes["time"] * ds.sizes["neuron"]


def test_a_thousand_neurons_with_sparse_weights_are_one_clean_table(tmp_path):
    n = 1000
    rng = np.random.default_rng(1)
    weights = scipy.sparse.csr_array(rng.random((n, n)) * (rng.random((n, n)) < 0.1))
    net = hh.Network(n, synapses=hh.SYNAPSES["AMPA"](1e-4 * weights), noise=hh.CurrentNoise(1.0))
    traces = hh.solve(net, 0.2, dt=0.1, rng=1)
    spikes = hh.solve(net.replace(stimulus=40.0), 3.0, dt=0.02, rng=1, record=("spikes",))
    assert len(traces.to_dataframe()) == 3 * n
    assert list(spikes.to_dataframe()) == ["spike_time", "neuron"]
    assert len(spikes.to_dataframe()) == spikes.sizes["spike"] > n / 2
    for ds, model in ((traces, net), (spikes, net.replace(stimulus=40.0))):
        assert max(map(len, str(ds).splitlines())) < 100
        ds.to_netcdf(tmp_path / "run.nc")
        ds.to_zarr(tmp_path / "run.zarr", consolidated=False, mode="w")
        for stored in (
            xr.load_dataset(tmp_path / "run.nc"),
            xr.open_zarr(tmp_path / "run.zarr", consolidated=False).load(),
        ):
            assert stored.identical(ds)
            assert hh.Network.from_dataset(stored) == model


OLD = Path(__file__).parent / "old"


def test_old_results_read_on():
    """Files of schema 1, as version 0.1.0 wrote them before there was a `schema_version`."""
    old = xr.load_dataset(OLD / "run.nc")
    net = hh.Network.from_dataset(old)
    ds = hh.upgrade(old)
    assert hh.Network.from_dataset(ds) == net
    assert tuple(ds.data_vars) == net.variables
    assert ds.attrs["schema_version"] == dataset.SCHEMA_VERSION
    assert ds.m.attrs == net.labels["m"]
    assert hh.upgrade(ds) is ds
    assert old.hh.gates.gate.values.tolist() == ["m", "h", "n"]
    again = hh.solve(net, 1.0, dt=0.02, rng=5, trials=2, save_dt=0.5)
    np.testing.assert_array_equal(ds.V[:, 0], again.V[:, 0])
    with pytest.raises(ValueError, match="of schema 1, whose noise was drawn from its seed"):
        old.hh.noise()
    old.hh.validate()


def test_old_channels_and_spikes_read_on():
    channels = hh.upgrade(xr.load_dataset(OLD / "channels.nc"))
    conducting = channels.filter_by_attrs(conducting=1)
    assert {name: one.attrs["channel"] for name, one in conducting.data_vars.items()} == {
        "m3h1": "Na",
        "n4": "K",
    }
    spikes = xr.load_dataset(OLD / "spikes.nc")
    net = hh.Network.from_dataset(spikes)
    rest = hh.solve(net, 40.0, dt=0.02, rng=5, x0=spikes, record=("V", "spikes"))
    V, armed = (spikes[name].values for name in ("last_V", "spike_armed"))
    np.testing.assert_array_equal(rest.V[:, 0], V)
    quiet = hh.solve(net, 20.02, dt=0.02, noise="ignore", x0=spikes, record=("spikes",))
    kept = continuation.last_state(quiet)
    np.testing.assert_array_equal(kept.spike_armed, armed)
    np.testing.assert_array_equal(kept.last_spike_time, spikes.last_spike_time)


def test_an_old_study_reads_on():
    old = xr.load_dataset(OLD / "study.nc")
    ds = hh.upgrade(old)
    assert ds.error.sel(scheme="strang").dims == ("dt",)
    with (
        pytest.warns(UserWarning, match="declared orders outside the interval"),
        pytest.warns(UserWarning, match="other noise of the same seed"),
    ):
        again = hh.rerun(old)
    np.testing.assert_allclose(again.error, ds.error, rtol=0.5)  # of 4 trials
    assert again.scheme.values.tolist() == ds.scheme.values.tolist()


def test_an_old_name_of_a_field_is_read():
    """`block` of a synapse is `voltage_block` now, `source` of one `reference`."""
    synapse = hh.SYNAPSES["AMPA"](0.1, voltage_block=hh.Sigmoid(1.0, -20.0, 16.0))
    tree = descriptions.encode(synapse, "it")
    tree["block"], tree["source"] = tree.pop("voltage_block"), tree.pop("reference")
    assert descriptions.decode(tree, "it") == synapse


def test_what_of_an_old_result_cannot_be_read_stays_and_is_told():
    old = xr.load_dataset(OLD / "run.nc").drop_vars("network_synapses_1_weights")
    with pytest.warns(UserWarning, match="stays as it is: .*'network_synapses_1_weights'"):
        ds = hh.upgrade(old)
    assert "network_stimulus_values" in ds
    with pytest.raises(ValueError, match=r"is of schema 3; this version .* up to 2"):
        hh.upgrade(xr.Dataset(attrs={"schema_version": 3}))


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
    quantified = hh.solve(networks()["sparse weights"], 1.0).pint.quantify()
    assert str(quantified.V.pint.units) == "millivolt"
    assert str(quantified.m.pint.units) == "dimensionless"
    noise = hh.solve(noisy_pair, 20.0, rng=1).hh.noise().pint.quantify()
    assert noise.I_noise.pint.to("A/m^2").pint.magnitude == pytest.approx(
        0.01 * noise.I_noise.pint.magnitude
    )
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
    with pytest.raises(TypeError, match=r"takes a Dataset, got int: 3"):
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
    assert set(alone.dims) == {"spike"}
    for name, labels in noisy_pair.labels.items():
        for ds in (part, continuation.last_state(alone)):
            last = ds[f"last_{name}"]
            assert last.attrs["units"] == labels["units"]
            assert last.attrs["time"] == 1.0
            assert last.dims == ("trial", "neuron")
            assert np.array_equal(last, whole[name].isel(time=-1))
    state = continuation.last_state(alone)
    assert state.spike_armed.dtype == bool
    assert state.spike_armed.values.all()
    assert np.isnan(state.last_spike_time).all()
    for ds in (part, alone):
        ds.pint.quantify()
        ds.to_zarr(tmp_path / "state.zarr", consolidated=False, mode="w")
        assert xr.open_zarr(tmp_path / "state.zarr", consolidated=False).load().identical(ds)


def test_a_dataset_without_a_network_says_so(noisy_pair):
    with pytest.raises(ValueError, match="no attribute 'network'"):
        hh.Network.from_dataset(xr.Dataset())
    ds = xr.load_dataset(OLD / "run.nc").drop_vars("network_synapses_1_weights")
    with pytest.raises(
        ValueError, match="'network_synapses_1_weights' of the description is missing"
    ):
        hh.Network.from_dataset(ds)


def described(net):
    """A Dataset with the description of a network, as a file would have it."""
    return xr.Dataset(attrs={"network": net.describe()})


def deflated(array, **changes):
    """A long array as descriptions have it, with parts of it changed."""
    text = base64.b64encode(zlib.compress(np.asarray(array).tobytes())).decode()
    known = {"dtype": np.asarray(array).dtype.str, "shape": list(np.shape(array)), "base64": text}
    return {"type": "deflated", **known, **changes}


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
    (lambda: xr.Dataset(attrs={"network": "{}"}), "describes no network but {}"),
    (lambda: xr.Dataset(attrs={"network": '{"type": []}'}), r"unknown kind of record \[\]"),
    (
        lambda: xr.Dataset(attrs={"network": '{"type": "ConstantCurrent", "amplitude": 1}'}),
        r"describes no network but ConstantCurrent\(amplitude=1.0\)",
    ),
    (lambda: xr.Dataset(attrs={"network": '{"type": "Netwrok"}'}), r"did you mean Network\?"),
    (lambda: xr.Dataset(attrs={"network": '{"type": "Stimulus"}'}), "unknown kind of record"),
    (
        lambda: xr.Dataset(attrs={"network": '{"type": "Network"}'}),
        "network: Network lacks n_neurons",
    ),
    (
        lambda: changed("plain", "n_neurons", to=10**30),
        "network: the tables of n_neurons = 10+ .* not fit",
    ),
    (lambda: changed("plain", "cell", to={"type": "Constant", "rate": 1.0}), "cell must be a Cell"),
    (lambda: changed("plain", "cell", "C", to="1"), "network.cell: C must be a number"),
    (lambda: changed("plain", "cell", "C", to=NETWORK), "network.cell.C: Network lacks n_neurons"),
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
        lambda: xr.load_dataset(OLD / "run.nc").assign(network_stimulus_values=("q", ["x"] * 20)),
        "network.stimulus.values: the variable 'network_stimulus_values' holds <U1, not numbers",
    ),
    *(
        (lambda to=to: changed("arrays", "stimulus", "amplitude", to=to), message)
        for to, message in (
            (deflated(np.arange(20.0), dtype="O"), "amplitude: 'O' is not a type of numbers"),
            (deflated(np.arange(20.0), shape=20), "shape must be whole numbers, got 20"),
            (deflated(np.arange(20.0), shape=[-20]), r"shape must be whole numbers, got \(-20,\)"),
            (deflated(np.arange(20.0), shape=[10**15]), "an array of shape .* does not fit"),
            (deflated(np.arange(20.0), shape=[21]), "there are not the 168 bytes of an array of"),
            (deflated(np.arange(20.0), shape=[19]), "there are not the 152 bytes of an array of"),
            (deflated(np.zeros(10**7), shape=[20]), "there are not the 160 bytes of an array of"),
            (deflated(np.arange(20.0), base64=3), "base64 must be text, got 3"),
            (deflated(np.arange(20.0), base64="*"), "amplitude: "),
            (
                deflated(np.arange(20.0), base64="AAAA"),
                "amplitude: Error -3 while decompressing data",
            ),
            (deflated(np.full(20, np.nan)), "ConstantCurrent.amplitude must be finite"),
        )
    ),
    (
        lambda: changed(
            "sparse weights", "synapses", 0, "weights", "indices", to=deflated([10**8] * 24)
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
    text = net.describe()
    older = json.loads(text)
    for one in (older["cell"], older["synapses"][0]):
        for later in ("source", "target", "delay"):
            one.pop(later, None)
        one["source"] = one.pop("reference")
    assert hh.Network.from_dataset(xr.Dataset(attrs={"network": json.dumps(older)})) == net
    both = text.replace('"source": null', '"source": "another"')
    with pytest.raises(ValueError, match="source = 'another' names a population, and this network"):
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
    {"type": "array", "name": "network_synapses_0_weights_data"}, deflated([-1, 7, 2**31 - 1]),
    deflated(np.full(24, -(2**31))), deflated(np.zeros(24), base64="AAAA"),
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
