"""Neurons whose potential is held, against exact relaxation and binomial variances."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy import stats
from scipy.integrate import solve_ivp

import hh_sde as hh

STEPS = {0.0: -65.0, 2.0: [0.0, 30.0], 7.0: -90.0}
STEPS_OF_ONE = {0.0: -65.0, 2.0: 0.0}
GATES = ["m", "h", "n"]


def relaxed(net, times, levels, changes):
    """Gates of the first neuron, (gates, times): exponentials from level to level."""
    kinetics = net.kinetics(np.unique(levels)).sel(gate=GATES)
    x = kinetics.x_inf.sel(V=levels[0]).values
    found = np.empty((len(GATES), len(times)))
    for level, start, stop in zip(levels, changes, [*changes[1:], np.inf], strict=True):
        x_inf, tau = (kinetics[name].sel(V=level).values[:, None] for name in ("x_inf", "tau"))
        on = times >= start - 1e-9
        found[:, on] = x_inf + (x[:, None] - x_inf) * np.exp(-(times[on] - start) / tau)
        x = (x_inf + (x[:, None] - x_inf) * np.exp(-(stop - start) / tau)).ravel()
    return found


@pytest.mark.parametrize("dt", [0.01, 0.5])
def test_gates_relax_exactly_at_any_step(dt):
    net = hh.Network(2)
    ds = hh.voltage_clamp(net, STEPS, 12.0, dt=dt, record=["V", *GATES])
    wanted = relaxed(net, ds.time.values, [-65.0, 0.0, -90.0], [0.0, 2.0, 7.0])
    found = np.stack([ds[name].sel(neuron=0) for name in GATES])
    assert np.allclose(found, wanted, rtol=0, atol=1e-12)
    assert np.array_equal(np.unique(ds.V.sel(neuron=1)), [-90.0, -65.0, 30.0])
    hh.validate(ds)


def test_currents_are_those_of_the_gates_and_of_the_held_potential():
    net = hh.Network(2, stimulus=7.0)
    ds = hh.voltage_clamp(net, STEPS, 12.0)
    x = hh.voltage_clamp(net, STEPS, 12.0, record=GATES)
    assert np.allclose(ds.I_Na, 120.0 * x.m**3 * x.h * (ds.V - 50.0), rtol=1e-12)
    assert np.allclose(ds.I_K, 36.0 * x.n**4 * (ds.V + 77.0), rtol=1e-12)
    assert np.allclose(ds.p_K, x.n**4, rtol=1e-12)
    assert np.allclose(ds.I_ion, ds.I_Na + ds.I_K + ds.I_L, rtol=1e-12)
    assert set(ds.data_vars) == {
        "V", "I_Na", "I_K", "I_L", "I_ion", "g_Na", "g_K", "g_L", "p_Na", "p_K"
    }  # fmt: skip
    assert hh.Network.from_dataset(ds) == net


NOISY = hh.Network(2, stimulus=7.0, noise=hh.ConductanceNoise(area=20.0))
TIMES = np.linspace(0.0, 3.0, 40)
HELD = {
    "a level": -30.0,
    "levels": np.array([-30.0, -70.0 / 3.0]),
    "steps": STEPS,
    "a stimulus": -65.0 + hh.RampCurrent(80.0, 1.0, 3.0),
    "a series": pd.Series(-60.0 + TIMES**3, index=TIMES),
    "samples": xr.DataArray(
        np.sin(np.outer(TIMES, [1.0, 20.0])) - 60.0, {"time": TIMES}, ("time", "neuron")
    ),
}


@pytest.mark.parametrize("V", HELD)
@pytest.mark.parametrize("stored", [False, True])
def test_a_clamped_run_is_made_again(V, stored, tmp_path):
    options = {"rng": 3, "trials": [4, 1], "save_dt": 0.05, "discard": 0.5}
    ds = hh.voltage_clamp(NOISY, HELD[V], 8.0, **options)
    if stored:
        ds.to_netcdf(tmp_path / "clamp.nc")
        stored = xr.load_dataset(tmp_path / "clamp.nc")
    assert hh.rerun(stored if stored else ds).identical(ds)


def test_a_clamped_run_is_made_again_otherwise():
    options = {"rng": 3, "trials": 3, "method": "tau_leap", "record": ["I_ion", "m3h1"]}
    ds = hh.voltage_clamp(NOISY, STEPS, 8.0, **options)
    assert hh.rerun(ds).identical(ds)
    for some in (ds.isel(trial=[2, 0]), ds.isel(trial=1)):
        assert hh.rerun(some).drop_attrs().identical(some.drop_attrs())
    other = hh.rerun(ds, V=-20.0, record=None)
    assert other.identical(hh.voltage_clamp(NOISY, -20.0, 8.0, **{**options, "record": None}))
    quiet = hh.voltage_clamp(hh.Network(1), STEPS_OF_ONE, 8.0)
    assert hh.rerun(quiet).identical(quiet)
    assert not hh.rerun(ds, rng=4).I_ion.equals(ds.I_ion)


def test_a_ramp_against_scipy():
    """Held from step to step, V of a ramp lags by half a step: the error halves with dt."""
    net = hh.Network(1)
    ramp = -65.0 + hh.RampCurrent(80.0, 1.0, 5.0)

    def slope(t, x):
        V = float(ramp.current(np.array([[t]]))[0, 0])
        at = net.kinetics([V])
        return [float(at.alpha[k, 0]) * (1 - x[k]) - float(at.beta[k, 0]) * x[k] for k in range(3)]

    start = net.steady_state()[1:4]
    exact = solve_ivp(slope, (0.0, 4.0), start, rtol=1e-9, atol=1e-11, max_step=0.2).y[:, -1]
    errors = []
    for dt in (0.02, 0.01):
        ds = hh.voltage_clamp(net, ramp, 4.0, dt=dt, record=GATES)
        errors.append(np.array([float(ds[name][-1, 0]) for name in GATES]) - exact)
    assert np.all(np.abs(errors[1]) < 2e-3)
    assert np.allclose(errors[0] / errors[1], 2.0, rtol=0.05)


@pytest.mark.parametrize("method", ["lie_trotter", "tau_leap"])
@pytest.mark.parametrize("V", [-50.0, -20.0])
def test_open_channels_have_a_binomial_variance(method, V):
    """At a false alarm in 10^4 for each of eight numbers; the seed is fixed."""
    trials, area = 2000, 20.0
    net = hh.Network(1, noise=hh.ConductanceNoise(area=area))
    ds = hh.voltage_clamp(
        net, V, 60.0, dt=0.05, trials=trials, rng=3, discard=50.0, save_dt=10.0, method=method
    )
    kinetics = net.kinetics([V])
    m, h, n = (float(kinetics.x_inf.sel(gate=gate)[0]) for gate in GATES)
    for name, p, density in (("p_Na", m**3 * h, 60), ("p_K", n**4, 18)):
        found, N = ds[name].isel(time=-1, neuron=0).values, area * density
        variance = p * (1 - p) / N
        z = (found.mean() - p) / np.sqrt(variance / trials)
        assert abs(z) < stats.norm.isf(0.5e-4), name
        # the variance of a variance, with the binomial's own fourth moment
        kurtosis = (1 - 6 * p * (1 - p)) / (N * p * (1 - p))
        spread = variance * np.sqrt(2 / (trials - 1) + kurtosis / trials)
        # the diffusion takes no square root of a negative number: of few channels it is another
        tolerance = stats.norm.isf(0.5e-4) * spread
        if method == "tau_leap" or N * p > 5:
            assert abs(found.var(ddof=1) - variance) < tolerance, name


def test_variance_over_mean_of_the_current_tells_the_channels_number():
    """Non-stationary noise analysis (Sigworth 1980): var I = i I - I^2/N over trials.

    i is the current of one channel, in uA/cm^2 of the whole membrane; within 5 %.
    """
    N = 3600
    net = hh.Network(1, noise=hh.ConductanceNoise(numbers={"Na": 100, "K": N}))
    ds = hh.voltage_clamp(net, {0.0: -90.0, 1.0: 0.0}, 9.0, dt=0.05, trials=3000, rng=1,
                          method="tau_leap", record=["I_K"])  # fmt: skip
    I = ds.I_K.isel(neuron=0).sel(time=slice(2.0, None))
    mean, variance = I.mean("trial").values, I.var("trial", ddof=1).values
    (single, minus_inv_N), *_ = np.linalg.lstsq(np.stack([mean, mean**2], 1), variance, rcond=None)
    assert np.isclose(single, 36.0 * 77.0 / N, rtol=0.05)
    assert np.isclose(-1.0 / minus_inv_N, N, rtol=0.1)


def test_an_action_potential_clamp_repeats_the_currents_of_its_source():
    """V of a run, given back, gives its currents but for what half a step makes."""
    net = hh.Network(1, stimulus=10.0)
    run = hh.solve(net, 20.0, method="exponential_euler", x0=net.steady_state(-60.0))
    ds = hh.voltage_clamp(net, run.V, 20.0)
    assert np.allclose(ds.V, run.V, rtol=0, atol=1e-12)
    assert np.allclose(ds.I_Na, run.hh.currents().I_Na, rtol=1e-9, atol=1e-9)


def test_synapses_and_gap_junctions_are_held_at_both_ends():
    weights = [[0.0, 0.5], [0.0, 0.0]]
    net = hh.Network(
        2, synapses=[hh.SYNAPSES["AMPA"](weights=weights), hh.GapJunction(0.2)],
        noise=hh.OrnsteinUhlenbeckCurrent(mean=1.0, sigma=0.0, tau=3.0),
    )  # fmt: skip
    ds = hh.voltage_clamp(net, {0.0: -65.0, 1.0: [-65.0, 20.0]}, 10.0)
    s = hh.voltage_clamp(net, {0.0: -65.0, 1.0: [-65.0, 20.0]}, 10.0, record=["s"]).s
    assert float(s[-1, 1]) > 0.5
    assert np.allclose(ds.I_AMPA[:, 0], 0.5 * s[:, 1] * (ds.V[:, 0] - 0.0), rtol=1e-12)
    assert np.allclose(ds.I_gap[:, 0], 0.2 * (ds.V[:, 0] - ds.V[:, 1]), rtol=1e-12, atol=1e-12)
    assert np.array_equal(np.unique(ds.V), [-65.0, 20.0])
    others = [name for name in ds if str(name).startswith("I_") and name != "I_ion"]
    assert np.allclose(ds.I_ion, sum(ds[name] for name in others), rtol=1e-12)


def test_protocols_that_say_the_same():
    net = hh.Network(2)
    times = np.array([0.0, 4.0, 10.0])
    levels = np.array([-65.0, -25.0, -25.0])
    both = np.stack([levels, levels + 10.0], axis=1)
    wanted = hh.voltage_clamp(net, pd.DataFrame(both, index=times), 12.0)
    array = hh.solve(net, 10.0).V.interp(time=times).copy(data=both)
    ramp = -65.0 + hh.RampCurrent(40.0, 0.0, 4.0) + np.array([0.0, 10.0])
    for V in (array, ramp):
        found = hh.voltage_clamp(net, V, 12.0)
        assert np.allclose(found.V, wanted.V, rtol=0, atol=1e-10)
        assert np.allclose(found.I_Na, wanted.I_Na, rtol=1e-9)
    alone = hh.voltage_clamp(net, pd.Series(levels, index=times), 12.0)
    assert np.allclose(alone.V[:, 1], wanted.V[:, 0], rtol=0, atol=1e-10)
    step = -65.0 + hh.StepCurrent(65.0, start=2.0)
    mapped = hh.voltage_clamp(net, {0.0: -65.0, 2.0: 0.0}, 12.0)
    assert np.array_equal(hh.voltage_clamp(net, step, 12.0).I_K, mapped.I_K)


def test_some_trials_alone_and_a_part_of_the_record():
    net = hh.Network(1, noise=hh.ConductanceNoise(area=100.0))
    arguments = {"rng": 1, "dt": 0.05}
    whole = hh.voltage_clamp(net, STEPS | {2.0: 0.0}, 12.0, trials=4, **arguments)
    some = hh.voltage_clamp(
        net, STEPS | {2.0: 0.0}, 12.0, trials=[3], discard=2.0, save_dt=0.5, record=["V", "I_ion"],
        **arguments,
    )  # fmt: skip
    assert list(some.data_vars) == ["V", "I_ion"]
    there = whole.sel(trial=[3]).isel(time=slice(40, None, 10))
    assert np.array_equal(some.I_ion, there.I_ion)
    assert np.array_equal(some.V, there.V)


@pytest.mark.parametrize(
    ("V", "error", "message"),
    [
        ([-65.0], ValueError, r"V has shape \(1,\); a network of 2 neurons takes one number"),
        ("rest", TypeError, "V must be a number, an array .*, a mapping of times, samples"),
        (np.inf, ValueError, "V must be finite"),
        ({1.0: -65.0}, ValueError, "beginning with the time 0"),
        ({0.0: -65.0, 1.005: 0.0}, ValueError, "V changes at 1.005 ms, which is no multiple"),
        ({0.0: -65.0, 1.0: [0.0]}, ValueError, r"V from 1 ms on has shape \(1,\)"),
        (pd.Series([1.0, 2.0], index=[1.0, 0.0]), ValueError, "times of V must be .* and rise"),
        (hh.SampledCurrent(np.ones((5, 3)), dt=1.0), ValueError, "V has values for 3 neurons"),
    ],
)
def test_what_cannot_be_held(V, error, message):
    with pytest.raises(error, match=message):
        hh.voltage_clamp(hh.Network(2), V, 2.0)


def test_what_cannot_be_clamped():
    white = hh.Network(1, noise=hh.CurrentNoise(1.0))
    with pytest.raises(ValueError, match="CurrentNoise acts on V alone, which is held"):
        hh.voltage_clamp(white, -65.0, 2.0, rng=1)
    with pytest.raises(TypeError, match="takes a Network, got SDE"):
        hh.voltage_clamp(white.sde(), -65.0, 2.0)
    with pytest.raises(ValueError, match=r"method must be one of lie_trotter, tau_leap"):
        hh.voltage_clamp(hh.Network(1), -65.0, 2.0, method="euler_maruyama")
    with pytest.raises(ValueError, match=r"no variable 'I_stim'.*choose from V, I_Na"):
        hh.voltage_clamp(hh.Network(1), -65.0, 2.0, record=["I_stim"])
    current = hh.solve(hh.Network(1), 1.0, record=["I_Na"]).I_Na
    with pytest.raises(ValueError, match="V must be in mV, got 'uA/cm"):
        hh.voltage_clamp(hh.Network(1), current, 2.0)
