"""Currents, conductances and open fractions, against the drift of V."""

import numpy as np
import pytest
import xarray as xr

import hh_sde as hh

SMALL = np.array([[0.0, 0.3, 0.1], [0.2, 0.0, 0.0], [0.0, 0.4, 0.0]])
HALF_OPEN = hh.Tabulated.sample(lambda V: 1 / (1 + np.exp(-(V + 30) / 7)), step=1.0)
M_CHANNEL = hh.Channel("M", 0.5, -90.0, (hh.Gate("w", 2, x_inf=HALF_OPEN, tau=hh.Constant(3.0)),))
# a second table, so that places in the curves count
P_CHANNEL = hh.Channel("P", 0.2, 50.0, (hh.Gate("p", 1, x_inf=HALF_OPEN.replace(start=-160.0)),))


def own_cell():
    classic = hh.CELLS["hodgkin_huxley"]
    return classic.replace(name="own", channels=(*classic.channels, M_CHANNEL, P_CHANNEL))


NETWORKS = {
    "classic": lambda: hh.Network(3, stimulus=[0.0, 5.0, 10.0]),
    "numbers of their own": lambda: hh.Network(
        3, hh.CELLS["hodgkin_huxley"].replace(g_Na=[100.0, 120.0, 140.0], C=[1.0, 2.0, 3.0])
    ),
    "wang_buzsaki": lambda: hh.Network(3, "wang_buzsaki", stimulus=1.0),
    "morris_lecar": lambda: hh.Network(3, "morris_lecar", stimulus=100.0),
    "tabulated": lambda: hh.Network(3, own_cell(), stimulus=10.0),
    "synapses": lambda: hh.Network(
        3,
        synapses=[
            hh.SYNAPSES["AMPA"](SMALL),
            hh.SYNAPSES["GABA_A"](0.2, voltage_block=hh.Sigmoid(1.0, -40.0, 8.0)),
            hh.GapJunction(SMALL.T),
            hh.GapJunction(0.05),
        ],
        stimulus=[10.0, 0.0, -5.0],
    ),
    "one synapse": lambda: hh.Network(3, synapses=hh.Synapse.sigmoidal(SMALL), stimulus=10.0),
    "states": lambda: hh.Network(3, noise=hh.ConductanceNoise(100.0), stimulus=5.0),
    "subunits": lambda: hh.Network(3, noise=hh.SubunitNoise(100.0), stimulus=5.0),
    "fluctuations": lambda: hh.Network(3, noise=hh.EffectiveConductanceNoise(100.0)),
    "coloured": lambda: hh.Network(
        3,
        noise=[
            hh.OrnsteinUhlenbeckCurrent(1.0, 2.0, 3.0),
            hh.OrnsteinUhlenbeckConductance(0.035, 0.009, 2.728, E=0.0, name="g_e"),
            hh.CurrentNoise(1.0),
        ],
    ),
    "sampled": lambda: hh.Network(
        3,
        stimulus=hh.SampledCurrent(
            np.random.default_rng(1).normal(5.0, 5.0, (30, 3)), dt=0.05, interpolation="linear"
        ),
    ),
}


def somewhere(net, trials=None):
    """A Dataset of states that have nothing to do with each other."""
    rng = np.random.default_rng(3)
    axes = {} if trials is None else {"trial": np.arange(trials)}
    axes |= {"time": 0.05 * np.arange(40.0), "neuron": np.arange(3)}
    shape = [len(axis) for axis in axes.values()]
    values = {name: (list(axes), rng.uniform(0.0, 1.0, shape)) for name in net.variables}
    values["V"] = (list(axes), rng.uniform(-100.0, 60.0, shape))
    return xr.Dataset(values, coords=axes)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("trials", [None, 2])
def test_the_currents_charge_the_membrane(name, trials):
    """C dV/dt = I_stim - sum of the others, at every state, with dV/dt of the compiled f."""
    net = NETWORKS[name]()
    f = net.sde().f
    ds = somewhere(net, trials)
    I = net.currents(ds)
    assert all(I[one].dims == ds.V.dims for one in I)
    charged = (I.I_stim - sum(I[one] for one in I if one != "I_stim")).values.reshape(-1, 40, 3)
    states = xr.concat([ds[variable] for variable in net.variables], "variable")
    states = states.transpose(..., "time", "variable", "neuron").values
    C = np.asarray(net.cell.C) * np.ones(3)
    for of_trial, flat in zip(charged, states.reshape(len(charged), 40, -1), strict=True):
        for t, I_total, x in zip(ds.time.values, of_trial, flat, strict=True):
            np.testing.assert_allclose(I_total, f(x, t)[:3] * C, rtol=1e-11, atol=1e-10)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_current_is_its_conductance_times_the_driving_force(name):
    net = NETWORKS[name]()
    ds = somewhere(net)
    I, g = net.currents(ds), net.conductances(ds)
    for channel in net.cell.channels:
        label = channel.name
        np.testing.assert_allclose(I[f"I_{label}"], g[f"g_{label}"] * (ds.V - channel.E))
        if channel.gates:
            gbar = np.asarray(channel.g)
            np.testing.assert_allclose(g[f"g_{label}"], gbar * g[f"p_{label}"], rtol=1e-14)
        else:
            assert f"p_{label}" not in g
            assert np.all(g[f"g_{label}"] == channel.g)
    for synapse in net.synapses:
        if isinstance(synapse, hh.Synapse):
            expected = g[f"g_{synapse.name}"] * (ds.V - synapse.E)
            np.testing.assert_allclose(I[f"I_{synapse.name}"], expected)


def test_open_fractions_are_those_of_the_gates_and_of_the_open_states():
    net = NETWORKS["classic"]()
    ds = somewhere(net)
    np.testing.assert_allclose(net.conductances(ds).p_Na, ds.m**3 * ds.h, rtol=1e-14)
    net = NETWORKS["states"]()
    ds = somewhere(net)
    np.testing.assert_array_equal(net.conductances(ds).p_Na, ds.m3h1)
    net = NETWORKS["morris_lecar"]()
    ds = somewhere(net)
    p = net.conductances(ds).p_Ca
    np.testing.assert_allclose(p, 0.5 * (1 + np.tanh((ds.V + 1.2) / 18)), atol=1e-15)


def test_currents_say_what_they_are():
    net = NETWORKS["coloured"]()
    ds = somewhere(net)
    I, g = net.currents(ds), net.conductances(ds)
    assert list(I) == ["I_Na", "I_K", "I_L", "I_eta", "I_g_e", "I_stim"]
    assert list(g) == ["g_Na", "g_K", "g_L", "g_e", "p_Na", "p_K"]
    np.testing.assert_array_equal(I.I_eta, -ds.eta)
    assert I.I_Na.attrs == {
        "units": "uA/cm^2",
        "long_name": "current of the channels Na, outward",
        "role": "current",
        "channel": "Na",
    }
    assert I.I_stim.attrs["long_name"] == "injected current, inward"
    assert g.g_K.attrs["units"] == "mS/cm^2"
    assert g.g_K.attrs["role"] == "conductance"
    assert g.p_K.attrs["role"] == "open fraction"
    assert list(g.filter_by_attrs(channel="K")) == ["g_K", "p_K"]
    assert I.time.identical(ds.time)


@pytest.mark.parametrize("name", ["sampled", "numbers of their own"])
def test_a_part_of_a_result_has_the_currents_of_that_part(name):
    net = NETWORKS[name]()
    ds = somewhere(net)
    I = net.currents(ds)
    chosen = {"neuron": [2, 0], "time": slice(10, 20)}
    xr.testing.assert_allclose(net.currents(ds.isel(chosen)), I.isel(chosen), rtol=1e-15)
    xr.testing.assert_allclose(net.currents(ds.isel(neuron=1)), I.isel(neuron=1), rtol=1e-15)
    xr.testing.assert_allclose(net.currents(ds.isel(time=-1)), I.isel(time=-1), rtol=1e-15)
    turned = net.currents(ds.transpose("neuron", "time", ...))
    xr.testing.assert_allclose(turned.transpose("time", "neuron"), I, rtol=1e-15)


@pytest.mark.parametrize(
    ("name", "make", "message"),
    [
        ("classic", lambda ds: ds[["V", "m"]], r"lacks h, n: .* record=\('V', 'I_Na'\)"),
        ("one synapse", lambda ds: ds.isel(neuron=[0, 1]), r"from all 3 neurons, .* has \[0, 1\]"),
        ("one synapse", lambda ds: ds.isel(neuron=[1, 0, 2]), "in their order"),
        ("classic", lambda ds: ds.assign_coords(neuron=[0, 1, 7]), "neurons .* are 0 to 2"),
        ("sampled", lambda ds: ds.drop_vars("time"), "no coordinate time, which its stimulus"),
    ],
)
def test_what_currents_do_not_follow_from_is_refused(name, make, message):
    net = NETWORKS[name]()
    ds = somewhere(net)
    with pytest.raises(ValueError, match=message):
        net.currents(make(ds))


def test_the_accessor_takes_the_network_of_the_result():
    net = NETWORKS["synapses"]()
    ds = hh.solve(net, 0.5)
    assert ds.hh.currents().identical(net.currents(ds))
    assert ds.hh.conductances().identical(net.conductances(ds))
    with pytest.raises(ValueError, match="no attribute 'network'"):
        ds.drop_attrs().hh.currents()


# -- record= --------------------------------------------------------------------------------------


RECORDED = ("V", "I_Na", "I_AMPA", "I_stim", "g_K", "p_Na")


def recording_net(**options):
    return hh.Network(
        2, synapses=hh.SYNAPSES["AMPA"](0.1), stimulus=hh.SineCurrent(20.0, 100.0), **options
    )


@pytest.mark.parametrize("method", ["euler_maruyama", "strang", "sdeint.itoEuler"])
def test_recorded_currents_are_those_of_the_states(method):
    net = recording_net(noise=hh.CurrentNoise(1.0))
    options = {"method": method, "rng": 1, "trials": 2, "save_dt": 0.05, "discard": 1.0}
    whole = hh.solve(net, 3.0, **options)
    ds = hh.solve(net, 3.0, **options, record=RECORDED)
    assert [one for one in ds.data_vars if "time" in ds[one].dims] == ["V", *RECORDED[1:]]
    for name, one in {**net.currents(whole), **net.conductances(whole)}.items():
        if name in RECORDED:
            np.testing.assert_allclose(ds[name], one, rtol=1e-14)
            assert ds[name].attrs == one.attrs
    np.testing.assert_array_equal(ds.V, whole.V)
    assert "m" not in ds
    assert hh.validate(ds) is ds


def test_a_run_with_recorded_currents_goes_on():
    net = recording_net()
    first = hh.solve(net, 1.0, record=("I_K",))
    later = hh.solve(net, 2.0, record=("I_K", "spikes"), x0=first)
    whole = hh.solve(net, 2.0, record=("I_K", "spikes"))
    np.testing.assert_array_equal(later.I_K, whole.I_K.sel(time=slice(0.995, None)))
    everything = (*net.variables, "I_K")
    assert "last_V" not in hh.solve(net, 0.1, record=everything)


def test_statistics_of_currents():
    net = recording_net(noise=hh.CurrentNoise(1.0))
    ds = hh.solve(net, 1.0, rng=1, trials=3, record=("I_K",))
    reduced = hh.solve(net, 1.0, rng=1, trials=3, record=("I_K",), reduce=("mean", "var"))
    np.testing.assert_allclose(reduced.I_K_mean, ds.I_K.mean("trial"), rtol=1e-12)
    np.testing.assert_allclose(reduced.I_K_var, ds.I_K.var("trial", ddof=1), rtol=1e-9)
    assert reduced.I_K_var.attrs["units"] == "(uA/cm^2)^2"


def test_an_exact_chain_records_currents():
    net = hh.Network(2, stimulus=10.0, noise=hh.ConductanceNoise(10.0))
    options = {"method": "gillespie", "rng": 1, "dt": 0.1}
    ds = hh.solve(net, 1.0, **options, record=("V", "I_Na", "p_K"))
    whole = hh.solve(net, 1.0, **options)
    np.testing.assert_array_equal(ds.I_Na, net.currents(whole).I_Na)
    np.testing.assert_array_equal(ds.p_K, whole.n4)


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ("I_na", r"record: there is no variable 'I_na'; did you mean I_Na\? choose from V, m, "),
        ("I_GABA", "choose from V, m, h, n, s, I_Na, I_K, I_L, I_AMPA, I_stim, g_Na, .*, spikes"),
    ],
)
def test_an_unknown_current_is_named_with_the_known_ones(record, message):
    with pytest.raises(ValueError, match=message):
        hh.solve(recording_net(), 1.0, record=("V", record))


def test_a_variable_comes_before_a_conductance_of_its_name():
    """Coloured conductance is a variable: recorded as one, with the state's label."""
    net = hh.Network(
        1, noise=hh.OrnsteinUhlenbeckConductance(0.035, 0.009, 2.728, E=0.0, name="g_e")
    )
    ds = hh.solve(net, 0.1, rng=1, record=("g_e", "I_g_e"))
    assert ds.g_e.attrs["long_name"] == "Ornstein-Uhlenbeck conductance"
    np.testing.assert_array_equal(ds.g_e, hh.solve(net, 0.1, rng=1).g_e)


def test_a_synapse_with_a_delay_takes_no_other_current_away():
    net = hh.Network(2, stimulus=10.0, synapses=hh.SYNAPSES["AMPA"](0.1, delay=1.0))
    ds = hh.solve(net, 1.0, record=("V", "m", "h", "n", "s", "I_Na"))
    assert list(ds.hh.currents()) == ["I_Na", "I_K", "I_L", "I_stim"]
    assert "g_AMPA" not in ds.hh.conductances()
    np.testing.assert_allclose(ds.I_Na, ds.hh.currents().I_Na)
    with pytest.raises(ValueError, match="record: there is no variable 'I_AMPA'"):
        hh.solve(net, 1.0, record="I_AMPA")


@pytest.mark.parametrize("name", ["Na", "stim", "gap"])
def test_the_name_of_a_current_is_of_one_thing(name):
    synapse = hh.SYNAPSES["exponential"](0.1, tau=2.0, E=0.0, name=name)
    with pytest.raises(ValueError, match=f"synapse {name}: I_{name} is the current of"):
        hh.Network(1, synapses=synapse)
