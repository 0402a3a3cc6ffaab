"""What is given in place of something else is refused by name; found by the campaign of `fuzz`."""

import numpy as np
import pytest
import xarray as xr

import hh_sde as hh
from hh_sde import memory
from hh_sde.equations.shown import Equations
from hh_sde.markov import scheme
from hh_sde.sweeps import Plan, Simulator, network_of, rerun_part

NET = hh.Network(1)
NOISY = NET.replace(noise=hh.CurrentNoise(1.0))
CHANNEL = hh.CELLS["hodgkin_huxley"].channels[0]
SCHEME = scheme(CHANNEL)
PROBLEM = hh.problems.PROBLEMS["linear"]
REFERENCED = hh.problems.PROBLEMS["fitzhugh_nagumo"]
TRACES = xr.Dataset(
    {"V": (("time", "neuron"), np.zeros((3, 2)), {"units": "mV"})},
    coords={"time": [0.0, 1.0, 2.0], "neuron": [0, 1]},
)
NO_NEURONS = TRACES.V.isel(neuron=0, drop=True).to_dataset()
SPECTRUM = xr.Dataset(
    {"power": (("frequency", "neuron"), np.ones((3, 1)))},
    coords={"frequency": [0.0, 1.0, 2.0], "neuron": [0]},
)
SPIKES = hh.solve(NET, 1.0, record="spikes")
COUNTED = xr.Dataset(
    {"spike_count": (("point", "neuron"), [[2]]), "spike_time": ("spike", [1.0])},
    attrs={"t_start": 0.0, "t_end": 9.0},
)

#: A call, and what its error says.
REFUSED = {
    "upgrade": (lambda: hh.upgrade(0), "upgrade takes a Dataset, got int: 0"),
    "accessor": (lambda: hh.accessor.HHAccessor(NET), "upgrade takes a Dataset, got a Network"),
    "to_neo": (lambda: hh.interop.to_neo(3), "to_neo takes a Dataset"),
    "to_nwb": (lambda: hh.interop.to_nwb(NET, "x.nwb"), "to_nwb takes a Dataset"),
    "to_pynapple": (lambda: hh.interop.to_pynapple(NET), "to_pynapple takes a Dataset"),
    "NeuroML": (lambda: hh.interop.neuroml.write(3, "x.nml"), "net must be Network, got 3"),
    "equations": (lambda: Equations(0, False), "population must be Dynamics, got 0"),
    "scheme": (lambda: scheme(3), "channel must be Channel, got 3"),
    "generator": (lambda: SCHEME.generator([1.0], [1.0, 2.0]), "alpha must be 2 numbers, one for"),
    "covariance": (lambda: SCHEME.covariance([0.0, 1.0], [0.0, 1.0]), "rates are both 0"),
    "equilibrium": (lambda: SCHEME.equilibrium([0.1, 1.5]), "x_inf must be probabilities"),
    "parts": (lambda: NET.with_parts({"E": hh.Population(1)}), "parts must be populations by the"),
    "a part": (lambda: NET.with_parts({"": 3}), "each of the parts must be Population, got 3"),
    "problem": (lambda: hh.problems.SolvedProblem(3, "a"), "SolvedProblem: sde must be SDE"),
    "reference": (
        lambda: hh.problems.SolvedProblem(PROBLEM.sde, "a", reference=3), "reference must be str"
    ),
    "path": (lambda: PROBLEM.exact(3, 1.0), "path must be BrownianPath, got 3"),
    "time": (lambda: PROBLEM.exact(PROBLEM.sde.path(1, 0.1), [0.1]), "t must be one number"),
    "referenced": (lambda: REFERENCED.exact(3, 1.0), "path must be BrownianPath, got 3"),
    "orders": (
        lambda: hh.Method(hh.METHODS["heun"].run, "a", "ito", 1.0, "", strong_order=3),
        "strong_order must be Mapping, got 3",
    ),
    "weak orders": (
        lambda: hh.Method(hh.METHODS["heun"].run, "a", "ito", 1.0, "", weak_order=np.ones(1)),
        "weak_order must be Mapping, got",
    ),
    "a direction": (
        lambda: hh.derivative_along(lambda x, t: x[:, None], True, 0.0, True), "arrays of one shape"
    ),
    "processes": (
        lambda: hh.problems.commutative(m=1000), "d m.2 must be at most 100000.* d = 4 and m = 1000"
    ),
    "a single trial": (
        lambda: hh.sensitivity(NET, ["stimulus"], "mean_V", 1.0, trials=1), "trials must be 2, 3, 4"
    ),
    "a trial of returns": (
        lambda: hh.studies.mean_return_phase(NOISY, trials=1), "trials must be 2, 3, 4"
    ),
    "a frequency": (
        lambda: hh.plot.spectrum(SPECTRUM, max_frequency={"V": 1.0}), "max_frequency must be"
    ),
    "problems": (lambda: hh.studies.measured_orders(["heun"], ["m"]), "there is no problem 'm'"),
    "a problem": (
        lambda: hh.studies.measured_orders(["heun"], {"m": 3}), "each of the problems must be Sol"
    ),
    "summary": (lambda: hh.SUMMARIES["rate"](3), "rate takes a Dataset"),
    "no spikes": (lambda: hh.SUMMARIES["rate"](TRACES), "this Dataset has no spike_count, spike_"),
    "no V": (lambda: hh.SUMMARIES["V_moments"](COUNTED), "this Dataset has no V"),
    "other spikes": (lambda: hh.SUMMARIES["interval_mean"](COUNTED), "counts others than the 1"),
    "simulator": (lambda: Simulator(3, ("V",), 1, 1, 1, 1), "net must be Network, got 3"),
    "client": (
        lambda: hh.sweep(NET, {"stimulus": [1.0]}, 1.0, client="x"), "client must be a distributed"
    ),
    "of no sweep": (lambda: network_of(3), "network_of takes a Dataset"),
    "no sweep": (lambda: rerun_part(TRACES), "has no attribute 'sweep': it is not of a sweep"),
    "plan": (lambda: Plan("{}", {"a": 1}, (3,)), "coordinates must be Coordinate, got 3"),
    "table": (
        lambda: hh.tables.Table("A", "a", check=max, describe=max, entries=3),
        "the entries of a table must be Mapping",
    ),
    "axes": (lambda: hh.plot.traces(TRACES, ax=0.5), "ax must be Axes, got 0.5"),
    "a trial": (
        lambda: hh.plot.traces(TRACES.expand_dims(trial=[0, 1]), trial=0.5),
        "there is no trial 0.5; there are",
    ),
    "half a neuron": (lambda: hh.plot.traces(TRACES, neurons=0.5), "be whole numbers, got 0.5"),
    "no neurons": (lambda: hh.plot.traces(NO_NEURONS), "there are no neurons along a dim"),
    "spectrum": (
        lambda: hh.measures.spike_spectrum(SPIKES, max_frequency=np.eye(2)), "max_frequency must be"
    ),
    "currents": (
        lambda: hh.solve(NET, 1.0).assign_coords(neuron=[0.0]).hh.currents(), "has the neurons .0.0"
    ),
    "a neuron": (
        lambda: hh.Network(2, stimulus=[1.0, 2.0]).of_neuron(2).stimulus, "there is no neuron 2"
    ),
    "frequency": (lambda: hh.plot.spectrum(SPECTRUM, max_frequency=-1.0), "must be positive"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_something_else_is_named(case):
    call, message = REFUSED[case]
    with pytest.raises((TypeError, ValueError), match=message):
        call()


@pytest.mark.parametrize("method", [name for name in hh.METHODS if name.startswith("sdeint")])
def test_an_equation_may_give_lists(method):
    kind = "stratonovich" if "strat" in method else "ito"
    made = [
        hh.solve(
            hh.SDE(
                f=lambda x, t, of=of: of([-x[0], -x[1]]),
                G=lambda x, t, of=of: of([[0.1, 0.0], [0.0, 0.2]]),
                x0=[1.0, 2.0], noise_type="additive", interpretation=kind,
            ), 0.05, dt=0.01, rng=1, method=method,
        ).x
        for of in (list, np.array)
    ]  # fmt: skip
    np.testing.assert_array_equal(*made)


#: What would take more memory than there is.
LARGE = {
    "a clamp": lambda: hh.voltage_clamp(NET, -65.0, 2**31 - 1),
    "processes": lambda: hh.problems.commutative(m=2**31),
    "components": lambda: hh.problems.commutative(d=2**31),
    "frequencies": lambda: hh.measures.spike_spectrum(SPIKES, max_frequency=2.0**53),
    "trials of orders": lambda: hh.studies.measured_orders(["heun"], ["cubic"], trials=2**31),
    "bins": lambda: hh.plot.interval_histogram(
        hh.solve(hh.Network(1, stimulus=10.0), 60.0, record="spikes"), bins=2**31
    ),
}


@pytest.mark.parametrize("case", LARGE)
def test_what_does_not_fit_is_refused(case, monkeypatch):
    monkeypatch.setattr(memory, "available", lambda: 2.0**30)
    with pytest.raises(ValueError, match="which does not fit: 1 GiB of memory are free"):
        LARGE[case]()


def test_what_is_missing_says_what_that_means():
    net = hh.Network({"E": hh.Population(1), "I": hh.Population(1, "morris_lecar")})
    ds = hh.solve(net, 1.0, record=("V", "m", "I_Ca"))
    assert "nan_means" not in ds.V.attrs
    for name in ("m", "I_Ca"):
        assert ds[name].isnull().any()
        assert "population has no such" in ds[name].nan_means
    assert "population has no such" in hh.solve(net, 1.0).hh.currents().I_Ca.nan_means


def test_what_does_not_vary_has_no_missing_variance():
    net = hh.Network(1, noise=hh.ShieldedNoise(area=100.0))
    missing = net.shielding([-65.0, 2.0**63]).missing
    assert np.isfinite(missing.sel(V=-65.0)).all()
    assert missing.isnull().any()
    assert missing.nan_means == "the open fraction does not vary"


def test_the_room_in_a_store_says_what_it_is(tmp_path):
    pytest.importorskip("zarr", minversion="3")
    net = hh.Network(1, stimulus=10.0)
    ds = hh.sweep(net, {"stimulus": [6.0, 10.0]}, 50.0, store=tmp_path / "out.zarr", progress=False)
    assert ds.spike_time.isnull().any()
    assert "did not need" in ds.spike_time.nan_means


def test_traces_after_a_stop_say_what_is_missing():
    net = hh.Network(1, stimulus=10.0, noise=hh.CurrentNoise(1.0))
    stop = hh.Threshold("V", -60.0, direction="up")
    ds = hh.solve(net, 5.0, stop=stop, trials=2, rng=1, record="V")
    assert ds.V.isnull().any()
    assert ds.V.nan_means == "after stop_time"
    assert "nan_means" not in hh.solve(net, 1.0, stop=stop.replace(level=90.0), rng=1).V.attrs


def test_the_shape_of_a_spike_that_is_cut_off_says_so():
    pytest.importorskip("efel")
    ds = hh.solve(hh.Network(1, stimulus=10.0), 40.0)
    shape = ds.hh.action_potentials()
    assert all("nan_means" in shape[name].attrs for name in ("threshold", "half_width", "ahp"))
