"""solve(): grids, records, trials, continuation, failures, interruption, memory, own SDEs."""

import copy
import dataclasses
import json
import pickle
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
import xarray as xr
from shared import of_neurons, slow_ones

import hh_sde as hh
from conftest import linear_sde
from hh_sde import continuation
from hh_sde.methods import sdeint_

STOCHASTIC = [name for name, method in hh.METHODS.items() if method.strong_order]
NOT_CHAIN = [name for name, method in hh.METHODS.items() if method.interpretation != "chain"]


@pytest.mark.parametrize("method", of_neurons(NOT_CHAIN))
def test_save_dt_and_record_select_from_the_full_result(method, noisy_pair):
    options = {"method": method, "dt": 0.02}
    options |= {"noise": "ignore"} if method.startswith("scipy.") else {"rng": 3}
    full = hh.solve(noisy_pair, 2.0, **options)
    part = hh.solve(noisy_pair, 2.0, save_dt=0.1, record=["s", "V"], **options)
    assert [name for name in part.data_vars if "time" in part[name].dims] == ["V", "s"]
    thinned = full[["V", "s"]].isel(time=slice(None, None, 5))
    np.testing.assert_array_equal(part.V, thinned.V)
    np.testing.assert_array_equal(part.s, thinned.s)
    np.testing.assert_allclose(part.time, thinned.time)


@pytest.mark.parametrize("method", STOCHASTIC)
def test_trials_are_addressed(method, noisy_pair):
    ensemble = hh.solve(noisy_pair, 1.0, dt=0.05, method=method, rng=1, trials=4)
    alone = hh.solve(noisy_pair, 1.0, dt=0.05, method=method, rng=1, trials=[2])
    first = hh.solve(noisy_pair, 1.0, dt=0.05, method=method, rng=1)
    assert np.array_equal(ensemble.V.sel(trial=[2]), alone.V)
    assert np.array_equal(ensemble.V.sel(trial=0), first.V)
    assert "trial" not in first.dims
    assert not np.any(ensemble.V[0, 1:] == ensemble.V[1, 1:])


def test_threads_do_not_change_the_result(noisy_pair):
    one = hh.solve(noisy_pair, 5.0, rng=1, trials=7)
    for threads in (2, 3, 20):
        assert hh.solve(noisy_pair, 5.0, rng=1, trials=7, threads=threads).identical(one)


@pytest.mark.parametrize("method", ["euler_maruyama", "sdeint.itoEuler", "sdeint.itoSRI2"])
@pytest.mark.parametrize("trials", [None, 3])
def test_a_continued_run_is_the_long_run(method, trials, noisy_pair):
    options = {"method": method, "rng": 8, "dt": 0.01, "trials": trials, "save_dt": 0.05}
    whole = hh.solve(noisy_pair, 4.0, **options)
    half = hh.solve(noisy_pair, 2.0, **options)
    rest = hh.solve(noisy_pair, 4.0, x0=half, **options)
    assert np.array_equal(rest.time, whole.time[40:])
    assert np.array_equal(rest.V, whole.V.isel(time=slice(40, None)))
    assert np.array_equal(rest.s, whole.s.isel(time=slice(40, None)))
    assert rest.attrs["x0"] == "given"
    assert rest.attrs["t_start"] == 2.0


def test_trials_carry_over_when_a_run_is_continued(noisy_pair):
    half = hh.solve(noisy_pair, 1.0, rng=1, trials=[4, 9])
    assert hh.solve(noisy_pair, 2.0, rng=1, x0=half).trial.values.tolist() == [4, 9]


def test_initial_states_by_array(noisy_pair):
    x0 = noisy_pair.steady_state(-60.0)
    ds = hh.solve(noisy_pair, 0.1, x0=x0, rng=1, trials=2)
    assert np.all(ds.V.isel(time=0) == -60.0)
    each = np.stack([x0, noisy_pair.steady_state(-70.0)])
    ds = hh.solve(noisy_pair, 0.1, x0=each, rng=1, trials=2)
    assert ds.V.isel(time=0, neuron=1).values.tolist() == [-60.0, -70.0]


@pytest.mark.parametrize("method", ["euler_maruyama", "sdeint.itoEuler", "sdeint.itoSRI2"])
def test_a_run_that_blows_up_says_where_and_keeps_the_rest(method, noisy_pair):
    with pytest.raises(
        hh.IntegrationError, match=r"became NaN or infinite at t = .*smaller dt"
    ) as info:
        hh.solve(noisy_pair, 50.0, dt=0.2, method=method, rng=1, trials=[5, 6])
    error = info.value
    assert error.variable in noisy_pair.variables
    assert error.neuron in (0, 1)
    assert error.trial in (5, 6)
    ds = error.dataset
    assert error.time == pytest.approx(float(ds.time[-1]) + 0.2)
    assert all(np.all(np.isfinite(ds[name])) for name in noisy_pair.variables)
    assert ds.sizes["time"] > 5
    ds.hh.validate()


def test_both_engines_blow_up_at_the_same_step(noisy_pair):
    times = []
    for method in ("euler_maruyama", "sdeint.itoEuler"):
        with pytest.raises(hh.IntegrationError) as info:
            hh.solve(noisy_pair, 50.0, dt=0.1, method=method, rng=1, trials=3, save_dt=0.5)
        times.append(info.value.time)
        last_save = np.floor((times[-1] - 0.1) / 0.5 + 1e-9) * 0.5
        assert float(info.value.dataset.time[-1]) == pytest.approx(last_save)
    assert times[0] == pytest.approx(times[1], abs=0.1001)


@pytest.mark.parametrize("kind", [ZeroDivisionError, MemoryError, TypeError, RuntimeError])
@pytest.mark.parametrize("method", ["sdeint.itoEuler", "scipy.DOP853"])
def test_an_error_in_the_users_f_passes_through_and_keeps_what_was_computed(kind, method):
    def f(x, t):
        if t > 0.55:
            raise kind("no drift here")
        return -x

    sde = hh.SDE(f=f, G=lambda x, t: np.zeros((1, 0)), x0=[1.0], noise_type="additive")
    with pytest.raises(kind, match="no drift here") as info:
        hh.solve(sde, 1.0, dt=0.1, method=method)
    assert not isinstance(info.value, hh.IntegrationError)
    assert "stopped after" in info.value.__notes__[0]
    if method == "sdeint.itoEuler":
        assert info.value.dataset.sizes["time"] == 7


@pytest.mark.parametrize("method", ["scipy.Radau", "scipy.DOP853", "sdeint.stratKP2iS"])
def test_an_integrator_that_gives_up_is_an_integration_error(method):
    sde = hh.SDE(f=lambda x, t: x**2, G=lambda x, t: np.zeros((1, 0)), x0=[1.0])  # 1/(1 - t)
    with pytest.raises(hh.IntegrationError, match=r"(?s)(scipy|sdeint).* stopped after") as info:
        hh.solve(sde, 2.0, dt=0.1, method=method)
    assert 0.5 <= float(info.value.dataset.time[-1]) <= 1.1
    assert not isinstance(info.value, hh.DivergenceError)


def test_errors_pickle_with_their_dataset(noisy_pair):
    with pytest.raises(hh.DivergenceError) as info:
        hh.solve(noisy_pair, 50.0, dt=0.2, rng=1, trials=[5, 6])
    found = info.value
    for error in (
        found,
        hh.IntegrationError("no convergence", found.dataset),
        hh.Interrupted("interrupted", found.dataset),
    ):
        for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):  # those of xarray
            again = pickle.loads(pickle.dumps(error, protocol))
            assert type(again) is type(error)
            assert str(again) == str(error)
            assert again.dataset.identical(error.dataset)
            own = {name: value for name, value in vars(error).items() if name != "dataset"}
            assert own.items() <= vars(again).items()
    assert copy.copy(found).time == found.time
    assert issubclass(hh.DivergenceError, hh.IntegrationError)
    assert issubclass(hh.Interrupted, KeyboardInterrupt)


#: Sends Ctrl-C some time after a run began; a background job would ignore the signal.
CTRL_C = """
import os, signal, threading
import hh_sde as hh
from hh_sde import runs
signal.signal(signal.SIGINT, signal.default_int_handler)
begin = runs._iterate
def iterate(method, problem):
    threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGINT)).start()
    yield from begin(method, problem)
"""


@pytest.mark.parametrize(
    "method",
    slow_ones(
        ["euler_maruyama", "sdeint.itoEuler", "sdeint.stratKP2iS", "scipy.DOP853"],
        "sdeint.itoEuler",
    ),
)
def test_ctrl_c_propagates_and_keeps_what_was_computed(method):
    t_end = 1000.0 if method == "sdeint.stratKP2iS" else 100_000.0  # it makes all steps in one call
    noise = "ignore" if "scipy" in method else None
    script = f"""{CTRL_C}
net = hh.Network(2, stimulus=10.0, noise=hh.CurrentNoise(1.0))
options = dict(method={method!r}, save_dt=1.0, noise={noise!r})
hh.solve(net, 1.0, dt=0.01, **options)
runs._iterate = iterate
try:
    hh.solve(net, {t_end}, dt=0.001, **options)
except hh.Interrupted as interrupted:
    ds = interrupted.dataset
    ds.hh.validate()
    print(float(ds.time[-1]), float(ds.V.min()), str(interrupted))
"""
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    reached, lowest, message = run.stdout.split(maxsplit=2)
    assert 0 < float(reached) < t_end
    assert -110 < float(lowest) < 0
    assert message.startswith(f"interrupted after {float(reached):g} ms")


def test_an_own_sde_with_its_names():
    ds = hh.solve(linear_sde(), 1.0, dt=0.1, method="sdeint.itoEuler", rng=1, trials=2)
    assert ds.x.dims == ("trial", "time", "component")
    assert ds.component.values.tolist() == ["x[0]", "x[1]"]
    ds.hh.validate()
    named = hh.SDE(
        f=lambda x, t: -x, G=lambda x, t: np.zeros((2, 0)), x0=[1.0, 2.0], names=["a", "b"]
    )
    ds = hh.solve(named, 1.0, dt=0.5, method="scipy.DOP853", record=["b"])
    assert ds.component.values.tolist() == ["b"]
    np.testing.assert_allclose(ds.x[:, 0], 2 * np.exp(-ds.time), rtol=1e-6)


def test_memory_of_sdeint_is_bounded_by_its_window(monkeypatch):
    """One call for these steps would hold iterated integrals of steps * m^2 numbers."""
    m, steps = 20, 4_000
    single_call = steps * m * m * 8
    sde = hh.SDE(
        f=lambda x, t: -x,
        G=lambda x, t: np.eye(m),
        x0=np.zeros(m),
        area_groups=np.arange(m) // 2,
        columns=[lambda x, t, k=k: np.eye(m)[k] for k in range(m)],
    )
    monkeypatch.setattr(sdeint_, "_WINDOW", 2**17)
    options = {"dt": 0.01, "method": "sdeint.itoSRI2", "rng": 1, "save_dt": 1.0}
    hh.solve(sde, 1.0, **options)
    tracemalloc.start()
    hh.solve(sde, 0.01 * steps, **options)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 0.4 * single_call


BAD = {
    "unknown method": (
        {"method": "euler"},
        r"no method 'euler'; did you mean euler_maruyama\? choose from euler_maruyama",
    ),
    "method of another library": ({"method": "itoeuler"}, r"did you mean sdeint.itoEuler"),
    "method as a list": ({"method": ["heun"]}, "must be the name of a method or a"),
    "t_end in the past": (
        {"t_end": 0.0},
        r"t_end must be finite and later than the start \(0 ms\), got 0.0",
    ),
    "infinite t_end": ({"t_end": np.inf}, r"t_end must be finite"),
    "t_end nan": ({"t_end": np.nan}, r"t_end must be finite"),
    "t_end True": ({"t_end": True}, r"t_end must be a number, got True \(bool\)"),
    "t_end as datetime64": (
        {"t_end": np.datetime64("2020-01-01")},
        r"t_end must be a number, got .*datetime64",
    ),
    "dt as timedelta64": ({"dt": np.timedelta64(1, "ms")}, r"dt must be a number, got .*timedelta"),
    "masked t_end": ({"t_end": np.ma.masked}, r"t_end must be a number, got masked"),
    "complex t_end": ({"t_end": 1 + 0j}, r"t_end must be a number"),
    "more steps than there are numbers": (
        {"t_end": 2.0**49 * 0.25, "dt": 0.25, "record": ["V"], "save_dt": 2.0**49 * 0.25},
        r"addressed by 2\^48 steps .*take a larger dt",
    ),
    "save_dt as text": ({"save_dt": "1"}, r"save_dt must be a number, got '1'"),
    "save_dt True": ({"save_dt": True}, r"save_dt must be a number, got True"),
    "save_dt nan": ({"save_dt": np.nan}, r"save_dt = nan ms must be a multiple"),
    "discard as text": ({"discard": "1"}, r"discard must be a number, got '1'"),
    "negative discard": ({"discard": -1.0}, r"discard must not be negative, got -1.0"),
    "spike for spikes": (
        {"record": ["V", "spike"]},
        r"'spike'; did you mean spikes\? .* s, .*spikes",
    ),
    "huge rng": ({"rng": 10**5000}, r"rng must be less than 2\^8192, got int"),
    "huge negative rng": ({"rng": -(10**5000)}, r"rng must not be negative, got int"),
    "huge t_end": ({"t_end": 1e300}, r"2\^48 steps of the finest grid, and step 1e\+302 would"),
    "huge whole t_end": ({"t_end": 10**5000}, r"t_end is too large, got int"),
    "huge save_dt": ({"save_dt": 1e300}, r"save_dt = 1e\+300 ms: .*2\^48 steps"),
    "huge trials": ({"trials": 10**5000}, r"there is none for trial numbers so large"),
    "discard of all": ({"discard": 1.0}, r"discard = 1.0 ms must be shorter than the run of 1 ms"),
    "record as a number": ({"record": 5}, r"record must be a name or a sequence of names, got 5"),
    "reduce as a number": ({"reduce": 5}, r"reduce must be a name or a sequence of names, got 5"),
    "unknown statistic": ({"reduce": "men"}, r"no statistic 'men'; did you mean mean\?"),
    "trials True": ({"trials": True}, r"trials must be a number or a list of trial numbers"),
    "trials as text": ({"trials": "12"}, r"trials must be a number or a list of trial numbers"),
    "trials of bools": ({"trials": [True]}, r"trials must be a number or a list of trial numbers"),
    "trials as timedelta64": ({"trials": np.timedelta64(3)}, r"trials must be a number or a list"),
    "masked trials": (
        {"trials": np.ma.array([1, 2], mask=[0, 1])},
        r"trials must not be masked",
    ),
    "a trial beyond the numbers": (
        {"trials": [2**32]},
        r"there is none for trial 4294967296; take smaller numbers",
    ),
    "trials beyond the numbers": ({"trials": 2**32 + 1}, r"addressed by 2\^32 trials"),
    "masked x0": ({"x0": np.ma.array(np.zeros(10), mask=True)}, r"x0 must be an array of real"),
    "x0 as text": ({"x0": ["1"] * 10}, r"x0 must be an array of real numbers"),
    "complex x0": ({"x0": np.zeros(10) * 1j}, r"x0 must be an array of real numbers"),
    "threads True": ({"threads": True}, r"threads must be 1, 2, 3"),
    "rtol True": ({"rtol": True, "method": "sdeint.stratKP2iS"}, r"rtol must be a number"),
    "atol nan": (
        {"atol": np.nan, "method": "scipy.LSODA", "noise": "ignore"},
        r"atol must be positive and finite, got nan",
    ),
    "t_end off the grid": ({"dt": 0.3}, r"t_end = 1.0 ms must be a multiple of dt = 0.3 ms"),
    "dt as text": ({"dt": "0.01"}, r"dt must be a number, got '0.01' \(str\)"),
    "t_end as text": ({"t_end": "5"}, r"t_end must be a number, got '5' \(str\)"),
    "negative dt": ({"dt": -0.1}, r"dt must be positive and finite, got -0.1"),
    "nan dt": ({"dt": float("nan")}, r"dt must be positive and finite, got nan"),
    "save_dt off the grid": ({"save_dt": 0.015}, r"save_dt = 0.015 ms must be a multiple of dt"),
    "save_dt does not divide": ({"save_dt": 0.3}, r"must end on a save; save_dt = 0.3 is 30 steps"),
    "unknown variable": (
        {"record": ["V", "u"]},
        r"record: there is no variable 'u'; choose from V, m",
    ),
    "no variable": ({"record": []}, r"record is empty; choose from V, m"),
    "no trials": ({"trials": 0}, r"trials must be 1, 2, 3, ..., got 0"),
    "negative trial": ({"trials": [-1]}, r"trial numbers must be different and not negative"),
    "trial twice": ({"trials": [1, 1]}, r"trial numbers must be different"),
    "trials as float": ({"trials": [0.5]}, r"trials must be a number or a list of trial numbers"),
    "x0 of another size": ({"x0": np.zeros(9)}, r"x0 has shape \(9,\); this problem takes \(10,\)"),
    "x0 with nan": ({"x0": np.full(10, np.nan)}, r"x0 must be finite"),
    "rng": ({"rng": 1.5}, r"rng must be an int, .* got 1.5"),
    "threads": ({"threads": 0}, r"threads must be 1, 2, 3"),
    "rtol": ({"rtol": 0.0, "method": "sdeint.stratKP2iS"}, r"rtol must be positive"),
    "noise": ({"noise": "off"}, r"noise must be None or 'ignore', got 'off'"),
    "path of another dt": (
        {"path": hh.BrownianPath(1, m=2, dt=0.02)},
        r"path has m = 2 and dt = 0.02",
    ),
    "path of another m": ({"path": hh.BrownianPath(1, m=3, dt=0.01)}, r"path has m = 3"),
    "path and rng": ({"path": hh.BrownianPath(1, m=2, dt=0.01), "rng": 1}, r"give rng or path"),
    "not a path": ({"path": 3}, r"path must be a BrownianPath, got int"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_arguments_are_named(case, noisy_pair):
    changes, message = BAD[case]
    arguments = {"t_end": 1.0, "dt": 0.01, **changes}
    with pytest.raises((TypeError, ValueError), match=message):
        hh.solve(noisy_pair, **arguments)


def test_a_model_of_another_kind():
    with pytest.raises(TypeError, match="solve takes a Network or an SDE, got str"):
        hh.solve("net", 1.0)


def test_continuing_needs_a_state_and_a_later_end(noisy_pair):
    means = hh.solve(noisy_pair, 1.0, rng=1, trials=2, reduce="mean")
    with pytest.raises(ValueError, match=r"x0 lacks V, m, h, n, s: .* not from statistics"):
        hh.solve(noisy_pair, 2.0, x0=means)
    with pytest.raises(ValueError, match="x0 has no time"):
        hh.solve(noisy_pair, 2.0, x0=means.drop_vars("time")[["V_mean"]])
    part = hh.solve(noisy_pair, 1.0, rng=1, record=["V"], save_dt=0.1)
    with pytest.raises(ValueError, match=r"x0 ends at 0.5 ms, but its last state is that of 1 ms"):
        hh.solve(noisy_pair, 2.0, x0=part.sel(time=slice(0.0, 0.55)))
    whole = hh.solve(noisy_pair, 1.0, rng=1)
    with pytest.raises(ValueError, match=r"later than the start \(1 ms\)"):
        hh.solve(noisy_pair, 1.0, x0=whole)
    with pytest.raises(ValueError, match=r"the last time of x0 = 1.0 ms must be a multiple of dt"):
        hh.solve(noisy_pair, 3.0, dt=0.3, x0=whole)


BAD_SDES = {
    "f": (
        {"f": lambda x, t: np.zeros(3)},
        r"f\(x0, 0\) must have shape \(2,\) like x0, got \(3,\)",
    ),
    "G": ({"G": lambda x, t: np.zeros(2)}, r"G\(x0, 0\) must have shape \(2, m\), got \(2,\)"),
    "x0": ({"x0": [np.inf, 0.0]}, "x0 must be finite"),
    "noise_type": ({"noise_type": "white"}, "noise_type must be one of additive, diagonal"),
    "interpretation": ({"interpretation": "Ito"}, "interpretation must be one of ito, strat"),
    "names": ({"names": ["a", "a"]}, "names must be 2 different names"),
    "diagonal": (
        {"noise_type": "diagonal", "G": lambda x, t: np.zeros((2, 3))},
        "diagonal noise has m = d = 2 columns, got 3",
    ),
    "area groups": ({"area_groups": [0]}, r"area_groups must have shape \(2,\)"),
}


@pytest.mark.parametrize("case", BAD_SDES)
def test_bad_sdes(case):
    changes, message = BAD_SDES[case]
    arguments = {"f": lambda x, t: -x, "G": lambda x, t: np.eye(2), "x0": [1.0, 2.0], **changes}
    with pytest.raises(ValueError, match=message):
        hh.SDE(**arguments)


def test_progress_bar(noisy_pair, capsys):
    hh.solve(noisy_pair, 5.0, rng=1, progress=True)
    assert "100%" in capsys.readouterr().err
    hh.solve(noisy_pair, 5.0, rng=1)
    assert capsys.readouterr().err == ""


def test_a_path_brings_its_trial(noisy_pair):
    path = hh.BrownianPath(1, m=2, dt=0.01)
    ensemble = hh.solve(noisy_pair, 1.0, rng=1, trials=9)
    for trial in (0, 7):
        alone = hh.solve(noisy_pair, 1.0, path=path.of_trial(trial))
        assert np.array_equal(alone.V, ensemble.V.sel(trial=trial))
        assert f"trial {trial}" in alone.attrs["path"]
    with pytest.raises(ValueError, match="path is that of trial 7"):
        hh.solve(noisy_pair, 1.0, path=path.of_trial(7), trials=2)


def test_continuing_some_trials_of_an_ensemble(noisy_pair):
    whole = hh.solve(noisy_pair, 2.0, rng=1, trials=4)
    half = hh.solve(noisy_pair, 1.0, rng=1, trials=4)
    one = hh.solve(noisy_pair, 2.0, rng=1, x0=half.isel(trial=2))
    assert np.array_equal(one.V[-1], whole.V.sel(trial=2)[-1])
    turned = hh.solve(noisy_pair, 2.0, rng=1, x0=half, trials=[3, 1])
    assert np.array_equal(turned.V[:, -1], whole.V.sel(trial=[3, 1])[:, -1])
    with pytest.raises(ValueError, match=r"x0 has no trials \[7\]; it has \[0, 1, 2, 3\]"):
        hh.solve(noisy_pair, 2.0, rng=1, x0=half, trials=[7])


def test_an_sde_whose_functions_were_exchanged_is_not_run_by_the_engine(noisy_pair):
    sde = noisy_pair.sde()
    assert np.array_equal(
        hh.solve(sde, 0.1, rng=1).x[-1, :2], hh.solve(noisy_pair, 0.1, rng=1).V[-1]
    )
    other = dataclasses.replace(sde, f=lambda x, t: 0.0 * x)
    with pytest.raises(ValueError, match="has another f, G or interpretation"):
        hh.solve(other, 0.1, rng=1, method="euler_maruyama")
    assert hh.solve(other, 0.1, rng=1).attrs["method"] == "sdeint.itoEuler"


def test_a_network_that_has_run_can_be_pickled_and_copied(noisy_pair):
    hh.solve(noisy_pair, 0.1, rng=1)
    assert pickle.loads(pickle.dumps(noisy_pair)) == noisy_pair
    assert copy.deepcopy(noisy_pair) == noisy_pair


@pytest.mark.parametrize("method", [m for m in hh.METHODS if m.startswith("scipy.")])
def test_breakpoints_that_differ_by_rounding_are_one(method):
    stimulus = hh.StepCurrent(5.0, start=0.3) + hh.SampledCurrent(np.arange(20.0), dt=0.1)
    ds = hh.solve(hh.Network(1, stimulus=stimulus), 1.0, dt=0.1, method=method)
    assert ds.sizes["time"] == 11


# -- nothing is ignored, nothing too large -------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rtol": 1e-6}, "euler_maruyama has no use for rtol: .* for adaptive_heun, .*scipy"),
        ({"atol": 1e-6, "method": "sdeint.stratKP2iS"}, "no use for atol: .* is for adaptive_heun"),
        ({"threads": 2, "method": "sdeint.itoEuler"}, "runs on one thread; threads is for"),
        (
            {"rng": 1, "method": "scipy.LSODA", "noise": "ignore"},
            "scipy.LSODA takes no noise, so that rng has no",
        ),
        (
            {"trials": 2, "method": "scipy.LSODA", "noise": "ignore"},
            "so that the 2 trials are equal: leave it out",
        ),
        ({"record": ["spikes"], "save_dt": 0.1}, "save_dt spaces traces"),
    ],
)
def test_what_a_method_cannot_use_is_refused(options, message, noisy_pair):
    with pytest.raises(ValueError, match=message):
        hh.solve(noisy_pair, 1.0, **options)


def test_what_a_model_cannot_use_is_warned_of(pair):
    with pytest.warns(
        UserWarning, match="this model has no noise, so that rng has no effect; noise='ignore' says"
    ):
        hh.solve(pair, 0.1, rng=1)
    with pytest.warns(
        UserWarning, match="no noise, so that the 3 trials are equal; noise='ignore'"
    ):
        hh.solve(pair, 0.1, trials=3)
    meant = hh.solve(pair, 0.1, trials=3, rng=1, noise="ignore")
    assert (meant.sizes["trial"], meant.attrs["noise"]) == (3, "ignored")
    each = np.stack([pair.steady_state(-60.0), pair.steady_state(-70.0)])
    ds = hh.solve(pair, 0.1, trials=2, x0=each)
    assert hh.solve(pair, 0.2, x0=ds).sizes["trial"] == 2


def test_tolerances_stand_in_the_attributes_of_methods_that_use_them(noisy_pair):
    ds = hh.solve(noisy_pair, 0.1, dt=0.05, method="sdeint.stratKP2iS", rtol=1e-6, rng=1)
    assert ds.attrs["rtol"] == 1e-6
    assert "atol" not in ds.attrs
    assert "rtol" not in hh.solve(noisy_pair, 0.1, rng=1).attrs


@pytest.mark.parametrize(
    ("noisy", "interpretation", "method"),
    [
        (True, "ito", "sdeint.itoEuler"),
        (True, "stratonovich", "sdeint.stratHeun"),
        (False, "ito", "scipy.DOP853"),
    ],
)
def test_the_default_method_takes_the_model(noisy, interpretation, method, pair):
    sde = linear_sde(interpretation)
    sde = sde if noisy else sde.without_noise()
    assert hh.solve(sde, 1.0, dt=0.1).attrs["method"] == method
    assert hh.solve(sde, 1.0, dt=0.1, noise="ignore").attrs["method"] == "scipy.DOP853"
    assert hh.solve(pair, 0.1).attrs["method"] == "euler_maruyama"


def test_a_result_that_does_not_fit_is_refused_before_it_is_made(noisy_pair):
    tracemalloc.start()
    with pytest.raises(ValueError, match=r"saved states .* would take 36.4 TiB, .*save_dt"):
        hh.solve(noisy_pair, 5e9, dt=0.01)
    with pytest.raises(ValueError, match=r"the states of 4294967296 trials would take 640 GiB"):
        hh.solve(noisy_pair, 1.0, trials=2**32)
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()


def test_memory_that_the_system_does_not_tell_of(monkeypatch):
    from hh_sde import memory

    assert 2**20 < memory.available() < 2**60

    def unknown(*arguments):
        raise OSError

    monkeypatch.setattr(memory.Path, "read_text", unknown)
    monkeypatch.setattr(memory.os, "sysconf", unknown, raising=False)
    assert memory.available() == np.inf
    memory.require(1e30, "everything", "take less")


# -- spikes beside traces, transients, last states ------------------------------------------------

SPIKING = {"dt": 0.02, "rng": 4, "trials": 3}


@pytest.fixture
def spiking():
    return hh.Network(2, stimulus=10.0, noise=hh.CurrentNoise(8.0))


@pytest.mark.parametrize("save_dt", [0.02, 1.0, 5.0])
def test_spikes_beside_traces_are_found_at_every_step(save_dt, spiking):
    ds = hh.solve(spiking, 100.0, save_dt=save_dt, record=("V", "spikes"), threads=2, **SPIKING)
    alone = hh.solve(spiking, 100.0, record=("spikes",), **SPIKING)
    fine = hh.solve(spiking, 100.0, **SPIKING)
    assert np.array_equal(ds.V, fine.V.sel(time=ds.time, method="nearest"))
    found = ds.hh.spikes()
    for name in ("spike_time", "neuron", "trial"):
        assert np.array_equal(found[name], alone[name])
        np.testing.assert_allclose(found[name], fine.hh.spikes()[name], rtol=1e-12)
    assert found.sizes["spike"] > 20
    assert ds.hh.rates().rate.identical(alone.hh.rates().rate)
    assert np.array_equal(ds.spike_time, alone.spike_time)
    assert np.array_equal(ds.spike_neuron, alone.neuron)
    assert np.array_equal(ds.spike_trial, alone.trial)
    assert ds.spike_time.dims == ds.spike_neuron.dims == ("spike",)
    ds.hh.validate()


def test_parts_of_a_result_with_spikes_keep_their_own(spiking, tmp_path):
    ds = hh.solve(spiking, 100.0, save_dt=5.0, record=("V", "spikes"), **SPIKING)
    rates = ds.hh.rates()
    assert ds.isel(neuron=[1]).hh.rates().equals(rates.isel(neuron=[1]))
    assert ds.sel(trial=[2, 0]).hh.rates().equals(rates.sel(trial=[2, 0]))
    assert np.array_equal(ds.sel(trial=1).hh.rates().rate, rates.rate.sel(trial=1))
    late = ds.sel(time=slice(50.0, None)).hh.rates()
    assert late.rate.identical(ds.hh.rates(start=50.0).rate)
    ds.to_netcdf(tmp_path / "both.nc")
    assert xr.load_dataset(tmp_path / "both.nc").hh.rates().identical(rates)
    with pytest.raises(ValueError, match="found by another rule"):
        ds.hh.rates(hh.SpikeRule(threshold=-10.0))
    with pytest.raises(ValueError, match="one time"):
        ds.isel(time=-1).hh.spikes()


RECORDS = {
    "spikes": ("spikes",),
    "one variable": ("V",),
    "V and spikes": ("V", "spikes"),
    "all": ("V", "m", "h", "n", "spikes"),
}


@pytest.mark.parametrize("record", RECORDS)
@pytest.mark.parametrize("trials", [None, 3])
def test_every_result_can_be_continued(record, trials, spiking, tmp_path):
    options = {**SPIKING, "trials": trials, "record": RECORDS[record]}
    options |= {} if record == "spikes" else {"save_dt": 0.1}
    options |= {"spike_rule": hh.SpikeRule(-20.0, -60.0, 9.0)} if record != "one variable" else {}
    whole = hh.solve(spiking, 120.0, **options)
    cuts = (30.0, 43.2, 44.4)  # above threshold or not armed yet somewhere
    parts = [hh.solve(spiking, cuts[0], **options)]
    for end in (*cuts[1:], 120.0):
        parts[-1].to_netcdf(tmp_path / "part.nc")
        stored = xr.load_dataset(tmp_path / "part.nc")
        assert stored.identical(parts[-1])
        stored.hh.validate()
        parts.append(hh.solve(spiking, end, x0=stored, **options))
    if record != "one variable":
        columns = [[part.hh.spikes()[name] for name in ("spike_time", "neuron")] for part in parts]
        joined = np.concatenate(columns, axis=1)
        expected = np.stack([whole.hh.spikes()[name] for name in ("spike_time", "neuron")])
        assert expected.shape[1] > 10
        assert sorted(map(tuple, joined.T)) == sorted(map(tuple, expected.T))
    if record != "spikes":
        assert np.array_equal(parts[-1].V.isel(time=-1), whole.V.isel(time=-1))
    last, known = (continuation.last_state(ds).drop_attrs(deep=False) for ds in (parts[-1], whole))
    assert last.identical(known)
    assert known


def test_traces_put_together_have_the_spikes_of_one_long_run(spiking):
    options = {**SPIKING, "trials": 3, "record": ["V"], "save_dt": 0.1}
    whole = hh.solve(spiking, 120.0, **options)
    first = hh.solve(spiking, 43.2, **options)
    second = hh.solve(spiking, 120.0, x0=first, **options).isel(time=slice(1, None))
    joined = xr.concat([first[["V"]], second[["V"]]], "time")
    assert joined.hh.spikes().drop_attrs().identical(whole.hh.spikes().drop_attrs())
    assert joined.hh.rates().rate.identical(whole.hh.rates().rate)
    late = joined.hh.window(30.0, 100.0)
    assert late.hh.rates().rate.identical(whole.hh.rates(start=30.0, stop=100.0).rate)
    assert np.array_equal(joined.hh.noise().dW_V, whole.hh.noise().dW_V)


@pytest.mark.parametrize(
    "rule",
    [
        hh.SpikeRule(threshold=-45.0, rearm=-100.0),  # armed once
        hh.SpikeRule(threshold=-45.0, rearm=None, lockout=20.0),  # every other spike
    ],
)
def test_the_spike_rule_goes_on_where_it_was(rule):
    net = hh.Network(1, stimulus=10.0)
    options = {"record": ("spikes",), "spike_rule": rule}
    whole = hh.solve(net, 60.0, **options)
    assert 0 < whole.sizes["spike"] < 4
    for cut in np.arange(1.0, 40.0, 3.0):
        half = hh.solve(net, cut, **options)
        rest = hh.solve(net, 60.0, x0=half, **options)
        joined = np.concatenate([half.spike_time, rest.spike_time])
        np.testing.assert_allclose(joined, whole.spike_time, rtol=1e-12)
    other = hh.solve(net, 60.0, x0=half, record=("spikes",))  # by another rule it begins anew
    assert other.sizes["spike"] == 1


def test_continuing_chosen_trials_of_spikes(spiking):
    half = hh.solve(spiking, 30.0, record=("spikes",), **SPIKING)
    whole = hh.solve(spiking, 60.0, record=("spikes",), **SPIKING)
    options = {"dt": 0.02, "rng": 4, "record": ("spikes",), "x0": half}
    assert json.loads(hh.solve(spiking, 60.0, **options).attrs["trials"]) == [0, 1, 2]
    part = hh.solve(spiking, 60.0, trials=[2], **options)
    late = whole.spike_time[(whole.trial == 2) & (whole.spike_time > 30.0)]
    assert np.array_equal(part.spike_time, late)


def test_a_single_time_is_continued(noisy_pair):
    half = hh.solve(noisy_pair, 1.0, rng=1)
    whole = hh.solve(noisy_pair, 2.0, rng=1)
    for last in (half.isel(time=-1), half.isel(time=[-1])):
        assert np.array_equal(hh.solve(noisy_pair, 2.0, rng=1, x0=last).V[-1], whole.V[-1])


def test_an_own_sde_is_continued_whatever_was_recorded():
    options = {"dt": 0.1, "rng": 1, "trials": 2}
    whole = hh.solve(linear_sde(), 2.0, **options)
    half = hh.solve(linear_sde(), 1.0, record=["x[1]"], **options)
    assert "last_x" not in half
    assert set(half.dims) == {"trial", "time", "component"}
    rest = hh.solve(linear_sde(), 2.0, x0=half, **options)
    np.testing.assert_allclose(rest.x[:, -1], whole.x[:, -1], rtol=1e-12)
    half.hh.validate()


@pytest.mark.parametrize("method", ["euler_maruyama", "strang", "sdeint.itoEuler"])
def test_a_transient_is_run_and_not_kept(method, noisy_pair):
    options = {"dt": 0.02, "rng": 3, "method": method, "save_dt": 0.1}
    whole = hh.solve(noisy_pair, 4.0, **options)
    late = hh.solve(noisy_pair, 4.0, discard=1.5, **options)
    for name in noisy_pair.variables:
        assert np.array_equal(late[name], whole[name].isel(time=slice(15, None)))
    np.testing.assert_allclose(late.time, whole.time[15:])
    assert (late.attrs["t_start"], late.attrs["discard"]) == (1.5, 1.5)
    assert hh.solve(noisy_pair, 4.0, discard=0.0, **options).identical(whole)


def test_rates_without_a_transient(spiking):
    whole = hh.solve(spiking, 100.0, record=("spikes",), **SPIKING)
    late = hh.solve(spiking, 100.0, discard=40.0, record=("spikes",), **SPIKING)
    assert late.hh.rates().rate.identical(whole.hh.rates(start=40.0).rate)
    assert float(late.spike_time.min()) >= 40.0


def test_memory_of_spikes_does_not_grow_with_the_duration():
    net = hh.Network(1, stimulus=2.0)
    peaks = []
    for t_end in (6_000.0, 24_000.0):  # both more than the steps of a window
        tracemalloc.start()
        hh.solve(net, t_end, record=("spikes",))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 2**20  # 16 bytes a step would be 29 MB


INTERRUPTED = f"""{CTRL_C}
import numpy as np
net = hh.Network(2, stimulus=10.0, noise=hh.CurrentNoise(1.0))
options = dict(dt=0.01, rng=1, RECORD)
hh.solve(net, 1.0, **options)
runs._iterate = iterate
try:
    hh.solve(net, 1e6, **options)
except hh.Interrupted as interrupted:
    part = interrupted.dataset
runs._iterate = begin
part.hh.validate()
reached = part.attrs["t_end"]
assert 0 < reached < 1e6
end = round(reached + 100.0, 2)
rest = hh.solve(net, end, x0=part, **options)
short = {{**options, "record": ("spikes",)}}
short.pop("save_dt", None)
whole = hh.solve(net, end, **short)
if "spikes" in options["record"]:
    found = [one.hh.spikes() for one in (part, rest, whole)]
    pairs = [list(zip(one.neuron.values, one.spike_time.values)) for one in found]
    assert sorted(pairs[0] + pairs[1]) == sorted(pairs[2])
from hh_sde.continuation import last_state
assert np.array_equal(last_state(rest).last_m, last_state(whole).last_m)
"""


@pytest.mark.parametrize(
    "record",
    ["record=('spikes',)", "record=('V', 'spikes'), save_dt=1.0", "record=['V'], save_dt=1.0"],
)
def test_an_interrupted_run_says_what_it_reached_and_is_continued(record):
    script = INTERRUPTED.replace("RECORD", record)
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize("record", [None, ("V", "spikes"), ["V"]])
def test_an_interrupted_transient(record, monkeypatch, noisy_pair):
    from hh_sde import runs

    begin = runs._iterate

    def iterate(method, problem):
        yield from begin(method, problem)
        raise KeyboardInterrupt

    monkeypatch.setattr(runs, "_iterate", iterate)
    with pytest.raises(hh.Interrupted, match="interrupted after 1 ms") as info:
        hh.solve(noisy_pair, 4.0, rng=1, discard=1.0, record=record, save_dt=0.1)
    ds = info.value.dataset
    assert (ds.sizes["time"], ds.attrs["t_end"]) == (0, 1.0)
    monkeypatch.undo()
    rest = hh.solve(noisy_pair, 4.0, rng=1, x0=ds)
    assert np.array_equal(rest.V[-1], hh.solve(noisy_pair, 4.0, rng=1).V[-1])
    monkeypatch.setattr(runs, "_iterate", iterate)
    with pytest.raises(hh.Interrupted, match="interrupted after 1 ms") as info:
        hh.solve(noisy_pair, 4.0, rng=1, discard=1.0, trials=2, reduce="mean", save_dt=0.1)
    reduced = info.value.dataset
    assert (reduced.sizes["time"], reduced.attrs["t_end"]) == (0, 1.0)


def interrupt(monkeypatch, windows, steps):
    """Ctrl-C in the engine after so many windows, of so many steps each."""
    from hh_sde.methods import compiled

    left = iter(range(windows))
    advance = compiled.Block.advance

    def interrupted(block, start, stop):
        if next(left, None) is None:
            raise KeyboardInterrupt
        return advance(block, start, stop)

    block = compiled.Block.__init__

    def of_short_windows(self, problem, *args):
        block(self, problem, *args)
        self.inputs.largest = steps

    monkeypatch.setattr(compiled.Block, "__init__", of_short_windows)
    monkeypatch.setattr(compiled.Block, "advance", interrupted)


@pytest.mark.parametrize("record", [("spikes",), ("V", "spikes"), None])
def test_an_interrupted_transient_leaves_none_of_its_spikes(record, spiking, monkeypatch):
    options = {**SPIKING, "record": record}
    options |= {} if record == ("spikes",) else {"save_dt": 0.1}
    whole = hh.solve(spiking, 120.0, discard=60.0, **options)
    with monkeypatch.context() as patch:
        interrupt(patch, windows=2, steps=1000)
        with pytest.raises(hh.Interrupted, match="interrupted after 40 ms") as info:
            hh.solve(spiking, 120.0, discard=60.0, **options)
    part = info.value.dataset
    assert (part.attrs["t_start"], part.attrs["t_end"]) == (40.0, 40.0)
    assert part.sizes.get("spike", 0) == 0
    rest = hh.solve(spiking, 120.0, x0=part, discard=20.0, **options)
    for name in whole.data_vars:
        assert np.array_equal(rest[name], whole[name], equal_nan=name == "last_spike_time")


@pytest.mark.parametrize("record", [("V",), ("V", "spikes"), ("V", "m", "h", "n", "spikes")])
def test_a_run_interrupted_between_saves_goes_on_from_the_last(record, spiking, monkeypatch):
    options = {**SPIKING, "record": record, "save_dt": 20.0}
    whole = hh.solve(spiking, 120.0, **options)
    with monkeypatch.context() as patch:
        interrupt(patch, windows=5, steps=300)  # 30 ms
        with pytest.raises(hh.Interrupted, match="interrupted after 20 ms") as info:
            hh.solve(spiking, 120.0, **options)
    part = info.value.dataset
    assert (part.time.values.tolist(), part.attrs["t_end"]) == ([0.0, 20.0], 20.0)
    assert "spikes" not in record or float(part.spike_time.max()) <= 20.0
    rest = hh.solve(spiking, 120.0, x0=part, **options)
    assert np.array_equal(rest.V, whole.V.isel(time=slice(1, None)))
    if "spikes" in record:
        joined = np.concatenate([part.spike_time, rest.spike_time])
        np.testing.assert_allclose(np.sort(joined), np.sort(whole.spike_time), rtol=1e-12)


@pytest.mark.parametrize("trials", [None, 2])
def test_an_own_sde_interrupted_between_saves_goes_on_from_the_last(trials):
    interrupting = [True]

    def f(x, t):
        if t > 1.25 and interrupting:
            raise KeyboardInterrupt
        return -0.5 * x

    sde = hh.SDE(f=f, G=lambda x, t: np.diag(0.4 * x), x0=[1.0, 2.0], noise_type="diagonal")
    options = {"dt": 0.1, "rng": 1, "record": ["x[1]"], "save_dt": 0.5, "trials": trials}
    with pytest.raises(hh.Interrupted) as info:
        hh.solve(sde, 4.0, **options)
    part = info.value.dataset
    assert (float(part.time[-1]), part.attrs["t_end"]) == (1.0, 1.0)
    interrupting.clear()
    rest = hh.solve(sde, 4.0, x0=part, **options)
    whole = hh.solve(sde, 4.0, **options).sel(time=slice(1.0, None))
    np.testing.assert_allclose(rest.x, whole.x, rtol=1e-12)


@pytest.mark.parametrize("record", [("V",), ("V", "spikes"), ("V", "m", "h", "n", "spikes"), None])
def test_a_state_is_found_by_its_labels(record, spiking):
    half = hh.solve(spiking, 30.0, record=record, save_dt=0.1, **SPIKING)
    options = {**SPIKING, "trials": None, "record": record, "save_dt": 0.1}
    rest = hh.solve(spiking, 60.0, x0=half, **options)
    turned = hh.solve(spiking, 60.0, x0=half.isel(neuron=[1, 0]).transpose(), **options)
    assert turned.drop_attrs().identical(rest.drop_attrs())
    one = half.isel(neuron=1)
    for wrong in (half.isel(neuron=[0, 0]), half.isel(neuron=[1]), one):
        with pytest.raises(
            ValueError, match=r"the neurons \[.*\]; this model takes each of \[0, 1"
        ):
            hh.solve(spiking, 60.0, x0=wrong, **options)
    with pytest.raises(ValueError, match=r"trials of x0 must be different .*, got \[0, 0\]"):
        hh.solve(spiking, 60.0, x0=half.isel(trial=[0, 0]), **options)
    with pytest.raises(
        ValueError, match=r"the trials of x0 must be whole numbers, got array\(\[0.5"
    ):
        hh.solve(spiking, 60.0, x0=half.assign_coords(trial=[0.5, 1.5, 2.5]), **options)


def test_one_neuron_and_components_by_their_labels():
    half = hh.solve(hh.Network(1, stimulus=10.0), 1.0)
    whole = hh.solve(hh.Network(1, stimulus=10.0), 2.0)
    rest = hh.solve(hh.Network(1, stimulus=10.0), 2.0, x0=half.isel(neuron=0))
    assert np.array_equal(rest.V[-1], whole.V[-1])
    options = {"dt": 0.1, "rng": 1}
    half = hh.solve(linear_sde(), 1.0, **options)
    rest = hh.solve(linear_sde(), 2.0, x0=half, **options)
    turned = hh.solve(linear_sde(), 2.0, x0=half.isel(component=[1, 0]), **options)
    assert turned.identical(rest)


def test_the_last_state_and_the_traces_end_together(spiking):
    options = {**SPIKING, "save_dt": 0.1}
    first = hh.solve(spiking, 20.0, record=["V"], **options)
    second = hh.solve(spiking, 40.0, record=["V"], x0=first, **options)
    joined = second.assign({name: first[name] for name in first if name.startswith("last_")})
    with pytest.raises(ValueError, match=r"x0 ends at 40 ms, but its last state is that of 20 ms"):
        hh.solve(spiking, 60.0, x0=joined, **options)
    late = second.assign_attrs(save_dt=1e9).sel(time=slice(0.0, 30.0))
    with pytest.raises(ValueError, match=r"x0 ends at 30 ms, but its last state is that of 40 ms"):
        hh.solve(spiking, 60.0, x0=late, **options)
    with pytest.raises(ValueError, match=r"x0 does not say how it was made, its attributes are"):
        hh.solve(spiking, 60.0, x0=second.drop_attrs(), **options)
    timeless = second.copy()
    timeless["last_V"] = second.last_V.drop_attrs()
    with pytest.raises(ValueError, match=r"last_V must say in its attribute 'time' when it was"):
        hh.solve(spiking, 60.0, x0=timeless, **options)
    spikes = {**options, "trials": None, "record": [*spiking.variables, "spikes"]}
    whole = hh.solve(spiking, 30.0, **{**spikes, "trials": 3})
    cut = whole.isel(time=slice(None, -1))
    with pytest.raises(ValueError, match=r"x0 ends at 29.9 ms, .* 30 ms: .*drop_vars\(\['spike_a"):
        hh.solve(spiking, 60.0, x0=cut, **options)
    traces = cut.drop_vars(["spike_armed", "last_spike_time"], errors="ignore")
    assert float(hh.solve(spiking, 60.0, x0=traces, **options).time[0]) == pytest.approx(29.9)
    armed = whole.assign(spike_armed=whole.spike_armed.astype(float))
    with pytest.raises(ValueError, match="spike_armed must be truth values, got float64"):
        hh.solve(spiking, 60.0, x0=armed, **spikes)
    for run in (whole, hh.solve(spiking, 40.0, x0=whole, **spikes)):
        with pytest.raises(ValueError, match=r"of a run of several trials.* x0.sel\(trial=0\)"):
            hh.solve(spiking, 60.0, x0=run.mean("trial", keep_attrs=True), **spikes)
    with pytest.raises(ValueError, match="the times of x0 must rise"):
        hh.solve(spiking, 60.0, x0=traces.isel(time=slice(None, None, -1)), **options)


def test_only_the_last_values_of_the_model_are_a_last_state(spiking):
    half = hh.solve(spiking, 30.0, save_dt=0.1, **SPIKING)
    own = half.assign(last_x=((), 1.0, {"time": 12.0}))
    assert float(hh.solve(spiking, 40.0, x0=own, **SPIKING).time[0]) == 30.0
    part = hh.solve(spiking, 30.0, save_dt=0.1, record=["V"], **SPIKING)
    part.last_V.attrs["time"] = "noon"
    with pytest.raises(ValueError, match=r"last_V must say in its attribute 'time' .* got 'noon'"):
        hh.solve(spiking, 40.0, x0=part, **SPIKING)
    part.last_V.attrs["time"] = 30.0
    text = part.assign(last_V=part.last_V.astype(str).assign_attrs(part.last_V.attrs))
    with pytest.raises(TypeError, match="x0: last_V must be numbers, got array"):
        hh.solve(spiking, 40.0, x0=text, **SPIKING)


def test_a_path_of_another_trial_than_those_of_x0_is_refused(noisy_pair):
    half = hh.solve(noisy_pair, 1.0, rng=1, trials=[4, 7])
    path = noisy_pair.sde().path(1, 0.01)
    seventh = path.of_trial(7)
    with pytest.raises(
        ValueError, match=r"path is that of trial 7, but x0 has the trials \[4, 7\]"
    ):
        hh.solve(noisy_pair, 2.0, x0=half, path=seventh)
    both = hh.solve(noisy_pair, 2.0, x0=half, path=path)
    one = hh.solve(noisy_pair, 2.0, x0=half.sel(trial=7), path=seventh)
    assert np.array_equal(one.V, both.V.sel(trial=7))


def test_a_two_step_method_begins_at_0_and_keeps_its_transient():
    method = "sdeint.stratKP2iS"
    two_step = [name for name, other in hh.METHODS.items() if other.steps > 1]
    assert two_step == [method, "torchsde.reversible_heun"]
    sde = linear_sde("stratonovich")
    half = hh.solve(sde, 1.0, dt=0.1, rng=1, method=method)
    with pytest.raises(ValueError, match=r"from 2 states, and with x0 that ends at 1 ms there is"):
        hh.solve(sde, 2.0, dt=0.1, rng=1, method=method, x0=half)
    with pytest.raises(ValueError, match=r"discard = 0.5 ms .* Take sdeint.stratHeun, sdeint"):
        hh.solve(sde, 2.0, dt=0.1, rng=1, method=method, discard=0.5)
    start = half.isel(time=[0])
    assert hh.solve(sde, 1.0, dt=0.1, rng=1, method=method, x0=start).x.identical(half.x)
