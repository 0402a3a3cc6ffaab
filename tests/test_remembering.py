"""Runs in which spikes and potentials are on their way go on, split and join bit by bit."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import hh_sde as hh
from hh_sde import continuation
from hh_sde.methods.tangent import tangent_flow

exponential = hh.SYNAPSES["exponential"]
OPTIONS = {"dt": 0.05, "rng": 7, "method": "lie_trotter", "trials": 3}
FORMS = {
    "states": {},
    "rare states": {"save_dt": 0.4},
    "V and spikes": {"record": ("V", "spikes"), "save_dt": 0.4},
    "spikes": {"record": ("spikes",)},
}
#: Where runs are cut: in a millisecond, with spikes and trains on their way.
CUT, END = 20.4, 40.0


@pytest.fixture(scope="module")
def net():
    """Delays of both kinds, plasticity, trains of each neuron and shared ones, noise."""
    rule = hh.SpikeRule(threshold=-20.0, rearm=-30.0, lockout=2.0)
    populations = {
        "E": hh.Population(3, "morris_lecar", 45.0, noise=hh.CurrentNoise(30.0)),
        "I": hh.Population(2, "morris_lecar", 30.0),
    }
    synapses = [
        exponential(
            2.0, tau=5.0, E=0.0, source="E", delay=3.15, spike_rule=rule,
            plasticity=hh.ShortTermPlasticity(0.4, tau_rec=100.0, tau_facil=50.0),
        ),
        exponential(0.5, tau=3.0, E=0.0, name="outside", source=hh.PoissonInput(900.0), delay=0.7),
        exponential(
            np.full((2, 4), 0.3), tau=3.0, E=0.0, name="shared", target="I",
            source=hh.PoissonInput(200.0, n=4, shared=True),
            plasticity=hh.ShortTermPlasticity(0.4, tau_rec=20.0),
        ),
        hh.SYNAPSES["AMPA"](0.5, source="E", target="I", delay=1.25),
        hh.GapJunction(0.1),
    ]  # fmt: skip
    return hh.Network(populations, synapses=synapses)


def spikes(ds):
    """(trial, neuron, time) of all, in one order."""
    found = ds.hh.spikes()
    return sorted(
        zip(found.trial.values, found.neuron.values, found.spike_time.values, strict=True)
    )


def same(rest, whole, alike=("trial",)):
    """The run that went on is the later part of the long one, and ends in the same state."""
    for name, one in whole.data_vars.items():
        later = one.sel(time=rest.time) if "time" in one.dims else one
        if "spike" not in one.dims:
            np.testing.assert_array_equal(rest[name], later, err_msg=str(name))
    state, known = continuation.last_state(rest), continuation.last_state(whole)
    assert {f"carried_{name}" for name in ("slots", "history", "armed", "resources")} <= set(state)
    assert state.drop_attrs().equals(known.drop_attrs())


@pytest.mark.parametrize("method", ["lie_trotter", "strang", "heun"])
@pytest.mark.parametrize("form", FORMS)
def test_a_run_that_goes_on_is_the_rest_of_a_long_one(form, method, net):
    options = {**OPTIONS, **FORMS[form], "method": method}
    first = hh.solve(net, CUT, **options)
    rest = hh.solve(net, END, x0=first, **options)
    whole = hh.solve(net, END, **options)
    same(rest, whole)
    if "spikes" in options.get("record", ()):
        assert spikes(rest)
        assert spikes(first) + spikes(rest) != []
        assert sorted(spikes(first) + spikes(rest)) == spikes(whole)
    kept = continuation.last_state(first)
    assert all(np.any(kept[f"carried_{name}"] != 0) for name in ("slots", "history"))
    assert np.any(kept.carried_resources.isel(resources_dim1=0) > 0)
    assert hh.rerun(rest).identical(rest)


def test_what_is_on_its_way_makes_a_difference(net):
    """Else the tests of this file could not fail: without each of them the rest is another."""
    options = {**OPTIONS, "noise": "ignore"}
    first = hh.solve(net, CUT, **options)
    rest = hh.solve(net, END, x0=first, **options)
    for name in ("slots", "history", "resources"):
        state = continuation.last_state(first).copy(deep=True)
        state[f"carried_{name}"][:] = 0.0
        emptied = first.assign_attrs(last_state=continuation.as_text(state))
        assert not rest.V.equals(hh.solve(net, END, x0=emptied, **options).V), name


def test_threads_chunks_records_and_trials_change_nothing(net, monkeypatch):
    from hh_sde.methods import inputs

    whole = hh.solve(net, END, **OPTIONS)
    for change in (
        {"threads": 2},
        {"threads": 3},
        {"save_dt": 0.2},
        {"record": ("V",)},
        {"record": ("g_exponential", "V"), "save_dt": 0.4},
        {"trials": [2, 0]},
        {"trials": [1]},
        {"discard": CUT},
    ):
        ds = hh.solve(net, END, **OPTIONS | change)
        wanted = whole.sel(trial=ds.trial, time=ds.time)
        for name in set(ds.data_vars) & set(net.variables):
            np.testing.assert_array_equal(ds[name], wanted[name], err_msg=f"{change} {name}")
    monkeypatch.setattr(inputs, "_IN_WINDOW", 400)
    assert whole.identical(hh.solve(net, END, **OPTIONS))


def test_the_spikes_of_threads_are_the_same(net):
    options = {**OPTIONS, "record": ("spikes",)}
    one, two = (hh.solve(net, END, threads=threads, **options) for threads in (1, 2))
    assert spikes(one) == spikes(two)


@pytest.mark.parametrize("form", ["rare states", "spikes"])
def test_a_run_goes_on_from_a_file(form, net, tmp_path):
    options = {**OPTIONS, **FORMS[form]}
    hh.solve(net, CUT, **options).to_netcdf(tmp_path / "run.nc")
    stored = xr.load_dataset(tmp_path / "run.nc")
    same(hh.solve(net, END, x0=stored, **options), hh.solve(net, END, **options))
    assert hh.Network.from_dataset(stored) == net


def test_a_transient_is_left_out(net):
    options = {**OPTIONS, "record": ("V", "spikes")}
    first = hh.solve(net, 12.4, discard=5.0, **options)
    rest = hh.solve(net, END, x0=first, discard=CUT - 12.4, **options)
    same(rest, hh.solve(net, END, discard=CUT, **options))


@pytest.mark.parametrize("stop", ["first spike", hh.Threshold("V", -10.0)])
def test_trials_that_stop_leave_the_others_as_they_are(net, stop):
    """Where half of them have, the others are begun anew from where they are."""
    options = {**OPTIONS, "trials": 8, "record": ("V",)}
    net = net.replace(
        populations={
            name: one.replace(stimulus=one.stimulus * 0.9) for name, one in net.populations.items()
        }
    )
    stopped = hh.solve(net, 60.0, stop=stop, **options)
    whole = hh.solve(net, 60.0, **options)
    times = stopped.stop_time.values
    assert np.unique(times[np.isfinite(times)]).size > 4
    for trial in range(8):
        one = stopped.V.sel(trial=trial)
        on = ~(one.time.values > times[trial])
        np.testing.assert_array_equal(one[on], whole.V.sel(trial=trial, time=one.time)[on])


def test_an_interrupted_run_goes_on(net, monkeypatch):
    from hh_sde.methods import compiled

    options = {**OPTIONS, "record": ("V", "spikes"), "save_dt": 0.4}
    whole = hh.solve(net, END, **options)
    left, advance, block = iter(range(9)), compiled.Block.advance, compiled.Block.__init__

    def interrupted(self, start, stop):
        if next(left, None) is None:
            raise KeyboardInterrupt
        return advance(self, start, stop)

    def of_short_windows(self, *args):
        block(self, *args)
        self.inputs.largest = 50

    with monkeypatch.context() as patch:
        patch.setattr(compiled.Block, "__init__", of_short_windows)
        patch.setattr(compiled.Block, "advance", interrupted)
        with pytest.raises(hh.Interrupted) as info:
            hh.solve(net, END, **options)
    part = info.value.dataset
    assert 10.0 < part.attrs["t_end"] < END
    rest = hh.solve(net, END, x0=part, **options)
    same(rest, whole)
    assert sorted(spikes(part) + spikes(rest)) == spikes(whole)


def test_a_state_without_what_is_on_its_way_is_warned_of(net):
    first = hh.solve(net, CUT, **OPTIONS)
    bare = first.drop_attrs().assign_attrs({name: first.attrs[name] for name in ("dt", "method")})
    for name in bare.variables:
        bare[name].attrs = first[name].attrs
    with pytest.warns(UserWarning, match="on their way"):
        hh.solve(net, END, x0=bare, **OPTIONS)
    with pytest.warns(UserWarning, match="on their way"):
        hh.solve(net, END, x0=first, **OPTIONS | {"dt": 0.025, "rng": 1})
    later = net.replace(synapses=(*net.synapses[:-2], net.synapses[-2].replace(delay=2.5)))
    with pytest.raises(ValueError, match="its own network"):
        hh.solve(later, END, x0=first, **OPTIONS)


def test_single_precision_is_near(net):
    """The same trains and noise, rounded: apart by rounding that grows with time."""
    options = {**OPTIONS, "trials": 1}
    double = hh.solve(net, 10.0, **options)
    single = hh.solve(net, 10.0, dtype="float32", **options)
    assert single.V.dtype == np.float32
    np.testing.assert_allclose(single.V, double.V, atol=2e-2)
    np.testing.assert_allclose(single.g_outside, double.g_outside, rtol=1e-5, atol=1e-6)
    cut = hh.solve(net, 5.4, dtype="float32", **options)
    rest = hh.solve(net, 10.0, x0=cut, dtype="float32", **options)
    np.testing.assert_array_equal(rest.V, single.V.sel(time=rest.time))


# -- who does not take it --------------------------------------------------------------------------


@pytest.mark.parametrize("late", ["event-driven", "delay"])
def test_what_takes_functions_of_the_state_alone_refuses(late, net):
    keep = net.synapses[1:2] if late == "event-driven" else net.synapses[3:4]
    own = net.replace(
        synapses=keep, populations={k: p.replace(noise=None) for k, p in net.populations.items()}
    )
    others = [
        name
        for name, method in hh.METHODS.items()
        if not method.compiled and method.interpretation != "chain"
    ]
    for method in others:
        with pytest.raises(ValueError, match="spikes and past potentials are no part of x"):
            hh.solve(own, 1.0, method=method)
    sde = own.sde()
    for function in (sde.f, sde.jac):
        with pytest.raises(ValueError, match="depends on spikes and potentials of the past"):
            function(sde.x0, 0.0)
    with pytest.raises(ValueError, match="event-driven synapses or delays"):
        tangent_flow(sde, sde.x0, np.eye(sde.d)[:1], dt=0.01, n_steps=5)
    counted = {
        k: p.replace(cell=hh.CELLS["hodgkin_huxley"], noise=hh.ConductanceNoise(area=10.0))
        for k, p in own.populations.items()
    }
    with pytest.raises(ValueError, match="neurons without synapses"):
        hh.solve(own.replace(populations=counted), 1.0, method="gillespie")


def test_delays_do_not_move_the_equilibrium():
    """Of the classic cell with a strong synapse, which does move it."""
    edges = pd.DataFrame({"source": [0, 1], "target": [1, 0], "weight": 9.0, "delay": [1.0, 2.0]})
    late = hh.Network(2, synapses=hh.Synapse.sigmoidal(edges, delay=0.5))
    at_once = hh.Network(2, synapses=hh.Synapse.sigmoidal(9.0))
    np.testing.assert_allclose(late.equilibrium(), at_once.equilibrium(), atol=1e-9)
    alone = hh.Network(2).equilibrium()
    assert abs(late.equilibrium()[0] - alone[0]) > 0.1
