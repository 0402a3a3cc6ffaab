"""The cells of CELLS with instantaneous gates, against the papers' formulas and scipy."""

import numpy as np
import pytest
import scipy.integrate

import hh_sde as hh


def wang_buzsaki(t, x, I):
    """Wang & Buzsaki 1996, equations 2.1 to 2.3 and their rates."""
    V, h, n = x
    alpha_m = -0.1 * (V + 35) / (np.exp(-0.1 * (V + 35)) - 1)
    beta_m = 4 * np.exp(-(V + 60) / 18)
    alpha_h = 0.07 * np.exp(-(V + 58) / 20)
    beta_h = 1 / (np.exp(-0.1 * (V + 28)) + 1)
    alpha_n = -0.01 * (V + 34) / (np.exp(-0.1 * (V + 34)) - 1)
    beta_n = 0.125 * np.exp(-(V + 44) / 80)
    m = alpha_m / (alpha_m + beta_m)
    return np.array(
        [
            I - 35 * m**3 * h * (V - 55) - 9 * n**4 * (V + 90) - 0.1 * (V + 65),
            5 * (alpha_h * (1 - h) - beta_h * h),
            5 * (alpha_n * (1 - n) - beta_n * n),
        ]
    )


def morris_lecar(t, x, I):
    """Morris & Lecar 1981, with hyperbolic functions as in the paper."""
    V, w = x
    m = 0.5 * (1 + np.tanh((V + 1.2) / 18))
    w_inf = 0.5 * (1 + np.tanh((V - 2) / 30))
    current = 4.4 * m * (V - 120) + 8 * w * (V + 84) + 2 * (V + 60)
    return np.array([(I - current) / 20, 0.04 * np.cosh((V - 2) / 60) * (w_inf - w)])


CELLS = {"wang_buzsaki": (wang_buzsaki, 1.0), "morris_lecar": (morris_lecar, 100.0)}


@pytest.mark.parametrize("cell", CELLS)
def test_the_drift_is_that_of_the_paper(cell):
    rhs, I = CELLS[cell]
    sde = hh.Network(1, cell=cell, stimulus=I).sde()
    rng = np.random.default_rng(1)
    for V in rng.uniform(-100, 60, 30):
        x = np.array([V, *rng.uniform(0, 1, sde.d - 1)])
        np.testing.assert_allclose(sde.f(x, 0.0), rhs(0.0, x, I), rtol=1e-12, atol=1e-12)
        v = rng.normal(size=sde.d)
        h = 1e-6
        change = (rhs(0.0, x + h * v, I) - rhs(0.0, x - h * v, I)) / (2 * h)
        np.testing.assert_allclose(sde.jac.times(x, 0.0, v), change, rtol=1e-6, atol=1e-5)


def upward(t, x, I):
    return x[0]


upward.direction = 1.0


@pytest.mark.parametrize("cell", CELLS)
def test_the_spikes_are_those_of_scipy(cell):
    """Times of the crossings of 0 mV over five periods, of an integrator of order 2."""
    rhs, I = CELLS[cell]
    net = hh.Network(1, cell=cell, stimulus=I)
    t_end = 100.0 if cell == "wang_buzsaki" else 600.0
    exact = scipy.integrate.solve_ivp(
        rhs, (0, t_end), net.sde().x0, "DOP853", rtol=1e-11, atol=1e-12, args=(I,), events=upward
    )
    spikes = hh.solve(net, t_end, dt=0.005, method="strang", record="spikes").spike_time
    assert len(spikes) == len(exact.t_events[0]) >= 5
    np.testing.assert_allclose(spikes, exact.t_events[0], atol=0.01)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize(("method", "order"), [("strang", 2.0), ("lie_trotter", 1.0)])
def test_splitting_keeps_its_order_with_instantaneous_gates(cell, method, order):
    """V at 1 ms. In the fast upstroke of one of the cells the next term of the error is not small:
    an order of 2 shows as 1.93."""
    rhs, I = CELLS[cell]
    net = hh.Network(1, cell=cell, stimulus=I)
    x0 = np.array([-30.0, *net.sde().x0[1:]])
    exact = scipy.integrate.solve_ivp(
        rhs, (0, 1.0), x0, "DOP853", rtol=1e-12, atol=1e-12, args=(I,)
    ).y[0, -1]
    errors = [
        abs(float(hh.solve(net, 1.0, dt=dt, method=method, x0=x0).V[-1, 0]) - exact)
        for dt in (0.002, 0.001)
    ]
    assert np.log2(errors[0] / errors[1]) == pytest.approx(order, abs=0.1)


def test_an_instantaneous_gate_is_no_variable_and_is_seen_in_the_kinetics():
    net = hh.Network(2, cell="wang_buzsaki")
    assert net.variables == ("V", "h", "n")
    kinetics = net.kinetics([-60.0, -35.0, 0.0])
    assert kinetics.gate.values.tolist() == ["m", "h", "n"]
    m = kinetics.sel(gate="m")
    V = np.array([-60.0, -35.0, 0.0])
    alpha = np.where(
        V == -35, 1.0, -0.1 * (V + 35) / np.expm1(-0.1 * (V + 35) - 1e-300 * (V == -35))
    )
    expected = alpha / (alpha + 4 * np.exp(-(V + 60) / 18))
    np.testing.assert_allclose(m.x_inf, expected, rtol=1e-14)
    assert np.all(m.tau == 0)
    assert np.all(np.isnan(m.alpha))
    assert np.all(kinetics.sel(gate="n").tau > 0)
    assert "m" in str(net.equations())


def test_instantaneous_gates_have_no_noise_and_the_others_have():
    net = hh.Network(1, cell="wang_buzsaki", noise=hh.ConductanceNoise(numbers={"Na": 1000}))
    assert net.variables == ("V", "h0", "h1", "n")
    assert net.sde().m == 2
    ds = hh.solve(net, 1.0, rng=1)
    np.testing.assert_allclose(ds.h0 + ds.h1, 1.0, atol=1e-12)
    with pytest.raises(ValueError, match="numbers: 'Ca' is not a channel with gates"):
        hh.Network(1, cell="morris_lecar", noise=hh.ConductanceNoise(numbers={"Ca": 100}))
    counted = hh.Network(1, cell="morris_lecar", noise=hh.ConductanceNoise(numbers={"K": 100}))
    with pytest.raises(ValueError, match="gate m is instantaneous; tau_leap takes them"):
        hh.solve(counted, 1.0, method="gillespie")


def test_what_a_gate_is_given_by():
    with pytest.raises(ValueError, match="or x_inf alone; got tau"):
        hh.Gate("m", 1, tau=hh.Constant(1.0))
    with pytest.raises(ValueError, match="x_inf of gate m must lie between 0 and 1"):
        hh.Gate("m", 1, x_inf=hh.Constant(2.0))
    with pytest.raises(ValueError, match="x_inf of gate m must lie between 0 and 1"):
        hh.Gate("m", 1, x_inf=hh.TimeConstant(hh.Constant(1.0), hh.Constant(1.0)))
    with pytest.raises(TypeError, match=r"SteadyState\.beta must be a Rate, got 1\.0"):
        hh.SteadyState(hh.Constant(1.0), 1.0)


@pytest.mark.parametrize("cell", CELLS)
def test_a_cell_comes_back_from_its_description(cell):
    net = hh.Network(2, cell=cell, stimulus=1.0)
    ds = hh.solve(net, 0.1)
    assert hh.Network.from_dataset(ds) == net
