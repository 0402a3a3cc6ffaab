"""LFP proxies, by hand."""

import numpy as np
import pytest
import xarray as xr

import hh_sde as hh


def result(**currents):
    """A Dataset like one of `solve`, of given currents (time, neuron), outward."""
    n = next(iter(currents.values())).shape
    about = {"units": "uA/cm^2", "role": "current", "long_name": "current"}
    synapses = [
        hh.SYNAPSES["AMPA"](0.1),
        hh.SYNAPSES["exponential"](0.1, tau=5.0, E=np.array([-70.0, -80.0]), name="inh"),
    ]
    net = hh.Network(2, synapses=synapses)
    return xr.Dataset(
        {
            f"I_{name}": (("time", "neuron"), values, {**about, "synapse": name})
            for name, values in currents.items()
        },
        coords={"time": 0.5 * np.arange(n[0]), "neuron": range(n[1])},
        attrs={"schema_version": 2, "network": net.describe()},
    )


@pytest.fixture
def currents():
    draw = np.random.default_rng(5).standard_normal
    return {"AMPA": draw((60, 2)), "inh": draw((60, 2))}


def test_the_sum_of_absolute_currents(currents):
    found = result(**currents).hh.lfp()
    expected = sum(abs(one).sum(axis=1) for one in currents.values())
    np.testing.assert_allclose(found.lfp, expected, rtol=1e-14)
    assert (found.lfp.dims, found.lfp.units) == (("time",), "uA/cm^2")
    only = result(**currents).hh.lfp(excitatory=("AMPA",))
    np.testing.assert_allclose(only.lfp, abs(currents["AMPA"]).sum(axis=1), rtol=1e-14)


def test_the_weighted_sum(currents):
    """Inward AMPA of 6 ms, 12 samples, ago, less 1.65 times inward GABA now."""
    found = result(**currents).hh.lfp("weighted").lfp
    inward = {name: -one.sum(axis=1) for name, one in currents.items()}
    felt = inward["AMPA"][:-12] - 1.65 * inward["inh"][12:]
    np.testing.assert_allclose(found[12:], (felt - felt.mean()) / felt.std(), atol=1e-13)
    assert np.isnan(found[:12]).all()
    assert "6 ms" in found.nan_means
    assert found.units == "1"
    named = result(**currents).hh.lfp("weighted", excitatory=["AMPA"], inhibitory=["inh"]).lfp
    assert named.equals(found)


def test_between_two_samples_the_current_is_interpolated(currents):
    ds = result(**currents)
    ds = ds.assign_coords(time=0.8 * np.arange(60))
    found = ds.hh.lfp("weighted").lfp
    I = -currents["AMPA"].sum(axis=1)
    at = np.interp(ds.time.values[8:] - 6.0, ds.time.values, I)
    felt = at + 1.65 * currents["inh"].sum(axis=1)[8:]
    np.testing.assert_allclose(found[8:], (felt - felt.mean()) / felt.std(), atol=1e-12)


def test_excitation_and_inhibition_add_up():
    """A cell at -65 mV: AMPA flows in, GABA out, and each makes the proxy larger."""
    silent = np.zeros((60, 2))
    late = silent.copy()
    late[40:] = 1.0
    for name, sign in (("AMPA", -1.0), ("inh", 1.0)):
        one = {"AMPA": silent, "inh": silent} | {name: sign * late}
        found = result(**one).hh.lfp("weighted").lfp
        assert found[-1] > 0 > found[12]


def test_of_one_population_of_a_network():
    synapses = [hh.SYNAPSES["AMPA"](0.05, source="E"), hh.SYNAPSES["GABA_A"](0.1, source="I")]
    net = hh.Network(
        {"E": hh.Population(3, stimulus=10.0), "I": hh.Population(2, stimulus=8.0)},
        synapses=synapses,
    )
    recorded = hh.solve(net, 30.0, save_dt=0.1, record=("I_AMPA", "I_GABA_A"), method="strang")
    with pytest.raises(ValueError, match=r"neurons of E, I: an LFP is made by one population"):
        recorded.hh.lfp()
    each = recorded.hh.lfp("weighted", by="population")
    assert each.lfp.sizes == {"population": 2, "time": 301}
    for name in "EI":
        alone = recorded.hh.population(name).hh.lfp("weighted")
        assert alone.lfp.equals(each.lfp.sel(population=name, drop=True))
    total = sum(abs(recorded[f"I_{name}"][:, :3]).sum("neuron") for name in ("AMPA", "GABA_A"))
    np.testing.assert_allclose(recorded.hh.population("E").hh.lfp().lfp, total, rtol=1e-12)
    whole = hh.Network(3, stimulus=10.0, synapses="AMPA", weights=0.1)
    kinds = [hh.solve(whole, 10.0, **options) for options in ({}, {"record": ("I_AMPA",)})]
    np.testing.assert_allclose(*(one.hh.lfp().lfp for one in kinds), rtol=1e-12)


def test_what_has_no_synaptic_currents_says_so(currents):
    with pytest.raises(ValueError, match="there are no currents of synapses over time"):
        hh.solve(hh.Network(2), 1.0).hh.lfp()
    with pytest.raises(ValueError, match=r"recorded current of a synapse 'GABA'.*AMPA, inh"):
        result(**currents).hh.lfp(inhibitory=["GABA"])
    with pytest.raises(ValueError, match="method must be one of sum, weighted"):
        result(**currents).hh.lfp("kernel")
    other = result(**currents).rename(I_inh="I_x")
    other["I_x"].attrs["synapse"] = "x"
    with pytest.raises(ValueError, match="whether x excites or inhibits is not known"):
        other.hh.lfp()
