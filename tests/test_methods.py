"""Methods against each other, exact solutions, and single calls of their libraries."""

import numpy as np
import pytest
import sdeint
from shared import of_neurons

import hh_sde as hh
from conftest import linear_sde
from hh_sde.methods import sdeint_

STOCHASTIC = [name for name, method in hh.METHODS.items() if method.strong_order]
SDEINT = [name for name in STOCHASTIC if name.startswith("sdeint.")]


def path_of(sde, dt, rng=1):
    return hh.BrownianPath(rng, m=sde.m, dt=dt, area_groups=sde.area_groups)


# -- the same numbers as one call of the library --------------------------------------------------


@pytest.mark.parametrize("method", SDEINT)
@pytest.mark.parametrize("dt", [2.0**-6, 0.01])
def test_windows_give_what_one_call_gives(method, dt, noisy_pair, monkeypatch):
    monkeypatch.setattr(sdeint_, "_LONGEST_WINDOW", 37)
    steps = 200
    sde = noisy_pair.sde()
    path = path_of(sde, dt)
    ds = hh.solve(noisy_pair, steps * dt, dt=dt, method=method, path=path)
    dW, I = path.increments(0, steps), path.integrals(0, steps, areas=False)
    function = getattr(sdeint, method.split(".")[1])
    integrals = {}
    if "SRI2" in method:
        integrals = {"I": I}
    if "SRS2" in method or "KP2iS" in method:
        integrals = {"J": I + 0.5 * dt * np.eye(2)}
    if "KP2iS" in method:
        integrals["rtol"] = 1e-8
    one_call = function(sde.f, sde.G, sde.x0, np.arange(steps + 1) * dt, dW=dW, **integrals)
    flat = np.concatenate([ds[name].values for name in noisy_pair.variables], axis=1)
    if dt == 2.0**-6:  # exact in binary, so sdeint's own h = t_end/steps is dt itself
        assert np.array_equal(flat, one_call)
    else:
        np.testing.assert_allclose(flat, one_call, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("method", SDEINT)
def test_any_window_length_gives_the_same_bits(method, noisy_pair, monkeypatch):
    results = []
    for window in (10**6, 64, 7):
        monkeypatch.setattr(sdeint_, "_LONGEST_WINDOW", window)
        results.append(hh.solve(noisy_pair, 3.0, dt=0.01, method=method, rng=1))
    for other in results[1:]:
        assert other.identical(results[0])


def test_the_engine_takes_the_same_steps_as_itoEuler(noisy_pair):
    engine = hh.solve(noisy_pair, 50.0, rng=1)
    library = hh.solve(noisy_pair, 50.0, rng=1, method="sdeint.itoEuler")
    for name in noisy_pair.variables:
        np.testing.assert_allclose(engine[name], library[name], rtol=1e-9, atol=1e-9)


def test_the_same_holds_with_everything_at_once():
    """Correlated noise, heterogeneous cells, pulses, two synapses, gap junctions, trials."""
    n = 5
    rng = np.random.default_rng(4)
    net = hh.Network(
        n,
        cell=hh.CELLS["hodgkin_huxley"].replace(
            g_K=rng.uniform(30, 40, n), C=rng.uniform(0.8, 1.2, n)
        ),
        stimulus=hh.ConstantCurrent(8.0) + hh.PulseTrain(5.0, start=1.0, width=0.5, period=3.0),
        synapses=[
            hh.SYNAPSES["AMPA"](weights=rng.uniform(0, 0.1, (n, n))),
            hh.SYNAPSES["GABA_A"](weights=0.05),
            hh.GapJunction(0.02),
        ],
        noise=hh.CurrentNoise(rng.uniform(0, 2, n), correlation=0.4),
    )
    engine = hh.solve(net, 20.0, rng=2, trials=3)
    library = hh.solve(net, 20.0, rng=2, trials=3, method="sdeint.itoEuler")
    np.testing.assert_allclose(engine.V, library.V, rtol=1e-8, atol=1e-8)
    assert float(np.abs(engine.V.diff("trial")).max()) > 1


# -- exact solutions ------------------------------------------------------------------------------


def test_passive_membrane_is_an_ornstein_uhlenbeck_process():
    """Mean and variance of Euler-Maruyama's stationary law, C V' = -g V + sigma xi: the recursion
    V <- (1 - g h/C) V + sigma/C dW has variance (sigma/C)^2 h/(1 - (1 - g h/C)^2) exactly."""
    g, C, sigma, h = 0.5, 2.0, 3.0, 0.25
    cell = hh.Cell("passive", (hh.Channel("L", g=g, E=-60.0),), C=C, V0=-60.0)
    net = hh.Network(4, cell=cell, noise=hh.CurrentNoise(sigma))
    trials = 5000
    ds = hh.solve(net, 60.0, dt=h, rng=7, trials=trials, save_dt=60.0)
    V = ds.V.isel(time=-1).values.ravel() + 60.0
    variance = (sigma / C) ** 2 * h / (1 - (1 - g * h / C) ** 2)
    # false alarms: 4.5 standard errors, 7 in 10^6
    assert abs(V.mean()) < 4.5 * np.sqrt(variance / V.size)
    assert abs(V.var() / variance - 1) < 4.5 * np.sqrt(2 / V.size)


@pytest.mark.parametrize("correlation", [0.0, 0.6, 1.0])
def test_noise_has_the_correlation_asked_for(correlation):
    cell = hh.Cell("capacitor", (hh.Channel("L", g=0.0, E=0.0),), C=2.0, V0=0.0)
    net = hh.Network(3, cell=cell, noise=hh.CurrentNoise([1.0, 2.0, 3.0], correlation=correlation))
    V = hh.solve(net, 4.0, dt=1.0, rng=5, trials=20_000, save_dt=4.0).V.isel(time=-1).values
    expected = np.full((3, 3), correlation)
    np.fill_diagonal(expected, 1.0)
    expected *= np.outer([1, 2, 3], [1, 2, 3]) * 4.0 / 2.0**2
    se = np.sqrt((expected**2 + np.outer(np.diag(expected), np.diag(expected))) / len(V))
    assert np.all(np.abs(V.T @ V / len(V) - expected) < 4.5 * se)


def exact_linear(path, steps, dt, interpretation):
    W = path.increments(0, steps).sum(axis=0)
    drift = -0.5 - (0.5 * 0.4**2 if interpretation == "ito" else 0.0)
    return np.array([1.0, 2.0]) * np.exp(drift * steps * dt + 0.4 * W)


@pytest.mark.parametrize("method", SDEINT)
@pytest.mark.parametrize("interpretation", ["ito", "stratonovich"])
def test_strong_order_and_limit_on_geometric_brownian_motion(method, interpretation):
    """Root mean square error at t = 1 over 100 paths against the exact solution, for either
    calculus: a missing or doubled drift correction has another limit and shows as slope 0."""
    sde = linear_sde(interpretation)
    fine = path_of(sde, 2.0**-8, rng=11)
    factors, trials = [1, 2, 4, 8, 16], 100
    squares = np.empty((len(factors), trials))
    for i, k in enumerate(factors):
        dt = 2.0**-8 * k
        ds = hh.solve(
            sde, 1.0, dt=dt, method=method, path=fine.coarsen(k), trials=trials, save_dt=1.0
        )
        for trial in range(trials):
            exact = exact_linear(fine.of_trial(trial), 256, 2.0**-8, interpretation)
            squares[i, trial] = np.sum((ds.x[trial, -1].values - exact) ** 2)
    low, high = slope_interval(squares, np.log(factors))
    order = hh.METHODS[method].strong_order["diagonal"]
    assert low - 0.05 < order < high + 0.05


def slope_interval(squares, log_steps, rng=0):
    """99.9 % bootstrap interval over paths of the slope of log(rms error) against log(step)."""
    resample = np.random.default_rng(rng).integers(0, squares.shape[1], (2000, squares.shape[1]))
    errors = 0.5 * np.log(squares[:, resample].mean(axis=2))
    slopes = np.polyfit(log_steps, errors, 1)[0]
    return np.quantile(slopes, [0.0005, 0.9995])


def test_the_order_test_fails_without_the_drift_correction():
    wrong = linear_sde()
    wrong = hh.SDE(
        f=wrong.f, G=wrong.G, x0=wrong.x0, noise_type="diagonal", correction=lambda x, t: 0.0 * x
    )
    fine = path_of(wrong, 2.0**-8, rng=11)
    errors = []
    for k in (1, 16):
        ds = hh.solve(
            wrong, 1.0, dt=2.0**-8 * k, method="sdeint.stratHeun", path=fine.coarsen(k), save_dt=1.0
        )
        errors.append(np.abs(ds.x[-1].values - exact_linear(fine, 256, 2.0**-8, "ito")).max())
    assert errors[0] > 0.5 * errors[1]


@pytest.mark.parametrize("method", ["sdeint.itoSRI2", "sdeint.stratSRS2", "sdeint.stratKP2iS"])
def test_levy_areas_reach_the_method(method):
    """dx = dW_1, dy = x dW_2 does not commute: y is the iterated integral I_12 itself."""
    sde = hh.SDE(
        f=lambda x, t: np.zeros(2),
        G=lambda x, t: np.array([[1.0, 0.0], [0.0, x[0]]]),
        x0=[0.0, 0.0],
        correction=lambda x, t: np.zeros(2),
    )
    fine = path_of(sde, 2.0**-6)
    ds = hh.solve(sde, 1.0, dt=2.0**-4, method=method, path=fine.coarsen(4))
    I_12 = fine.coarsen(64).integrals(0, 1)[0, 0, 1]
    assert float(ds.x[-1, 1]) == pytest.approx(I_12, abs=1e-12)


def test_areas_between_blocks_are_not_needed(monkeypatch):
    """Two copies of a non-commuting pair in one SDE, in two groups: as each alone."""

    def G(x, t):
        return np.array([[1.0, 0.0], [0.0, x[0]]])

    def both(x, t):
        out = np.zeros((4, 4))
        out[:2, :2], out[2:, 2:] = G(x[:2], t), G(x[2:], t)
        return out

    sde = hh.SDE(f=lambda x, t: -x, G=both, x0=np.ones(4), area_groups=[0, 0, 1, 1])
    path = path_of(sde, 2.0**-5)
    ds = hh.solve(sde, 1.0, dt=2.0**-5, method="sdeint.itoSRI2", path=path)
    dW, I = path.increments(0, 32), path.integrals(0, 32)
    for block in (slice(0, 2), slice(2, 4)):
        alone = sdeint.itoSRI2(
            lambda x, t: -x, G, np.ones(2), np.arange(33) * 2.0**-5,
            dW=dW[:, block].copy(), I=I[:, block, block].copy(),
        )  # fmt: skip
        np.testing.assert_allclose(ds.x.values[:, block], alone, atol=1e-12)


# -- limits on the question's network -------------------------------------------------------------


@pytest.mark.parametrize("method", of_neurons(STOCHASTIC, slow=["drift_implicit"]))
def test_small_noise_tends_to_the_ode_linearly(method, pair):
    dt = 0.0002 if method == "tamed_euler" else 0.005  # taming delays spikes
    plain = hh.solve(pair, 10.0, dt=dt, method=method, save_dt=0.1)
    distances = []
    for sigma in (1e-2, 1e-3):
        net = hh.Network(2, stimulus=10.0, synapses=pair.synapses, noise=hh.CurrentNoise(sigma))
        ds = hh.solve(net, 10.0, dt=dt, method=method, rng=1, save_dt=0.1)
        distances.append(float(abs(ds.V - plain.V).max()))
    assert distances[0] / distances[1] == pytest.approx(10.0, rel=0.05)
    exact = hh.solve(pair, 10.0, dt=0.1, method="scipy.odeint")
    assert float(abs(plain.V - exact.V).max()) < 5.0  # mV: an error on the steep flank of a spike


def test_ito_and_stratonovich_routes_meet_as_dt_shrinks(noisy_pair):
    sde = noisy_pair.sde()
    fine = path_of(sde, 0.00125)
    distances = []
    for k in (8, 4, 2, 1):
        runs = [
            hh.solve(
                noisy_pair, 10.0, dt=0.00125 * k, method=method, path=fine.coarsen(k), save_dt=1.0
            )
            for method in (
                "sdeint.itoEuler",
                "sdeint.stratHeun",
                "sdeint.itoSRI2",
                "sdeint.stratSRS2",
            )
        ]
        distances.append(max(float(abs(run.V - runs[0].V).max()) for run in runs[1:]))
    assert distances[-1] < 1.0  # in the rise of a spike of 100 mV
    slope = np.polyfit(np.log([8, 4, 2, 1]), np.log(distances), 1)[0]
    assert 0.8 < slope < 1.3  # additive noise: strong order 1


# -- stimuli with jumps under error control -------------------------------------------------------


@pytest.mark.parametrize("method", ["scipy.DOP853", "scipy.LSODA", "scipy.Radau", "scipy.odeint"])
def test_narrow_pulses_are_not_stepped_over(method):
    """Capacitor charged by pulses: V rises by amplitude * width/C at each, exactly."""
    cell = hh.Cell("capacitor", (hh.Channel("L", g=0.0, E=0.0),), V0=0.0)
    pulses = hh.PulseTrain(10.0, start=100.0, width=0.01, period=100.0, count=3)
    ds = hh.solve(hh.Network(1, cell=cell, stimulus=pulses), 400.0, dt=1.0, method=method)
    expected = 0.1 * np.clip(np.ceil((ds.time.values - 100.0) / 100.0), 0, 3)
    np.testing.assert_allclose(ds.V.values[:, 0], expected, atol=1e-6)


def test_euler_counts_a_pulse_from_its_first_step_to_its_last():
    cell = hh.Cell("capacitor", (hh.Channel("L", g=0.0, E=0.0),), V0=0.0)
    pulse = hh.StepCurrent(10.0, start=0.3, stop=0.7)
    for method in ("euler_maruyama", "sdeint.itoEuler"):
        ds = hh.solve(hh.Network(1, cell=cell, stimulus=pulse), 1.0, dt=0.1, method=method)
        np.testing.assert_allclose(ds.V.values[:, 0], [0, 0, 0, 0, 1, 2, 3, 4, 4, 4, 4], atol=1e-12)


# -- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", [m for m in hh.METHODS if m.startswith("scipy.")])
def test_ode_methods_refuse_noise_unless_told(method, noisy_pair, pair):
    with pytest.raises(ValueError, match=r"does not take additive noise; .*noise='ignore'"):
        hh.solve(noisy_pair, 1.0, method=method, rng=1)
    ds = hh.solve(noisy_pair, 1.0, method=method, noise="ignore")
    assert ds.attrs["noise"] == "ignored"
    assert ds.attrs["noise_type"] == "none"
    assert np.array_equal(ds.V, hh.solve(pair, 1.0, method=method).V)


@pytest.mark.parametrize("method", STOCHASTIC)
def test_noise_can_be_ignored_everywhere(method, noisy_pair, pair):
    ds = hh.solve(noisy_pair, 1.0, method=method, noise="ignore")
    assert np.array_equal(ds.V, hh.solve(pair, 1.0, method=method).V)


def test_stratonovich_methods_refuse_an_ito_problem_without_correction():
    sde = hh.SDE(f=lambda x, t: -x, G=lambda x, t: np.diag(x), x0=[1.0], noise_type="diagonal")
    with pytest.raises(ValueError, match="no drift correction to become stratonovich"):
        hh.solve(sde, 1.0, dt=0.1, method="sdeint.stratHeun", rng=1)


def test_the_engine_refuses_an_sde_without_tables():
    sde = hh.SDE(f=lambda x, t: -x, G=lambda x, t: np.eye(1), x0=[1.0], noise_type="additive")
    with pytest.raises(ValueError, match=r"takes a Network; .* choose from .*sdeint.itoEuler"):
        hh.solve(sde, 1.0, dt=0.1, rng=1, method="euler_maruyama")


def test_every_method_states_what_it_is():
    for method in hh.METHODS.values():
        assert method.interpretation in ("ito", "stratonovich", "ode", "chain")
        assert {*method.strong_order, *method.weak_order} <= set(hh.sde.NOISE_TYPES)
        assert bool(method.noise_types) == (method.interpretation not in ("ode", "chain"))
        assert method.reference
        assert method.summary
