"""The cells of CELLS against the papers' formulas, scipy, and published values."""

import numpy as np
import pytest
import scipy.integrate
import scipy.optimize
from papers import PAPERS, two_compartments

import hh_sde as hh

INSTANTANEOUS = ("wang_buzsaki", "morris_lecar")
POOLED = ("traub_ca3", "prinz_abpd")


def test_every_cell_has_its_paper():
    assert set(PAPERS) == set(hh.CELLS)


@pytest.mark.parametrize("cell", PAPERS)
def test_the_drift_is_that_of_the_paper(cell):
    """And its derivative along any direction, from differences; V keeps off the kinks of minima."""
    rhs, I, _ = PAPERS[cell]
    net = hh.Network(1, cell=cell, stimulus=I)
    sde = net.sde()
    rng = np.random.default_rng(1)
    pools = [label["role"] == "concentration" for label in net.labels.values()][1:]
    with np.errstate(over="ignore"):
        for V in rng.uniform(-100, 60, 30):
            scale = np.where(pools, 0.015, 1.0)
            x = np.array([V, *(scale * rng.uniform(0.01, 1, sde.d - 1))])
            expected = rhs(0.0, x, I)
            np.testing.assert_allclose(sde.f(x, 0.0), expected, rtol=1e-11, atol=1e-11)
            v = rng.normal(size=sde.d) * np.array([1.0, *scale])
            h = 1e-6
            change = (rhs(0.0, x + h * v, I) - rhs(0.0, x - h * v, I)) / (2 * h)
            np.testing.assert_allclose(sde.jac.times(x, 0.0, v), change, rtol=1e-5, atol=1e-4)


def crossing(level):
    def event(t, x, *_):
        return x[0] - level

    event.direction = 1.0
    return event


@pytest.mark.parametrize("cell", PAPERS)
def test_the_spikes_are_those_of_scipy(cell):
    """Times of the upward crossings, of an integrator of order 2."""
    rhs, I, t_end = PAPERS[cell]
    net = hh.Network(1, cell=cell, stimulus=I)
    rule = hh.SpikeRule(50.0, 10.0) if cell == "hodgkin_huxley_1952" else hh.SpikeRule()
    x0 = net.sde().x0
    exact = scipy.integrate.solve_ivp(
        rhs, (0, t_end), x0, "LSODA", rtol=1e-10, atol=1e-13, args=(I,),
        events=crossing(rule.threshold),
    )  # fmt: skip
    ds = hh.solve(net, t_end, dt=0.002, method="strang", x0=x0, record="spikes", spike_rule=rule)
    assert len(ds.spike_time) == len(exact.t_events[0]) >= 3
    np.testing.assert_allclose(ds.spike_time, exact.t_events[0], atol=0.01)


@pytest.mark.parametrize("cell", INSTANTANEOUS + POOLED)
@pytest.mark.parametrize(("method", "order"), [("strang", 2.0), ("lie_trotter", 1.0)])
def test_splitting_keeps_its_order(cell, method, order):
    """The last variable at 1 ms, which is the concentration where there is one: what follows V at
    once and what currents feed is held at the middle of a step."""
    rhs, I, _ = PAPERS[cell]
    net = hh.Network(1, cell=cell, stimulus=I)
    x0 = net.steady_state(-30.0)
    exact = scipy.integrate.solve_ivp(
        rhs, (0, 1.0), x0, "DOP853", rtol=1e-12, atol=1e-14, args=(I,)
    ).y[-1, -1]
    last = net.variables[-1]
    errors = [
        abs(float(hh.solve(net, 1.0, dt=dt, method=method, x0=x0)[last][-1, 0]) - exact)
        for dt in (0.004, 0.002)
    ]
    assert np.log2(errors[0] / errors[1]) == pytest.approx(order, abs=0.05)


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


@pytest.mark.parametrize("cell", PAPERS)
def test_a_cell_comes_back_from_its_description(cell):
    net = hh.Network(2, cell=cell, stimulus=1.0)
    ds = hh.solve(net, 0.1, method="strang")  # compiled for the spikes above
    assert hh.Network.from_dataset(ds) == net


# -- published values ------------------------------------------------------------------------------


def spikes(cell, stimulus, t_end, dt=0.01, **options):
    net = hh.Network(1, cell=cell, stimulus=stimulus)
    return hh.solve(
        net, t_end, dt=dt, method="strang", record="spikes", **options
    ).spike_time.values


def after_a_shock(shock, temperature, t_end=10.0):
    """V of the axon on a grid of 0.005 ms, and of the paper's equations by scipy."""
    cell = hh.CELLS["hodgkin_huxley_1952"](temperature=temperature)
    net = hh.Network(1, cell=cell)
    x0 = net.steady_state(0.0)
    x0[0] = shock
    ds = hh.solve(net, t_end, dt=0.005, method="strang", x0=x0)
    exact = scipy.integrate.solve_ivp(
        PAPERS["hodgkin_huxley_1952"][0], (0, t_end), x0, "LSODA", ds.time.values,
        args=(0.0, 3 ** ((temperature - 6.3) / 10)), rtol=1e-10, atol=1e-12,
    )  # fmt: skip
    return ds.time.values, ds.V[:, 0].values, exact.y[0]


@pytest.mark.parametrize(("shock", "peak"), [(90.0, 0.3), (15.0, 1.1), (7.0, 3.4), (6.0, 0.0)])
def test_a_shock_of_7_mV_makes_the_axon_fire_and_one_of_6_mV_does_not(shock, peak):
    """Hodgkin & Huxley 1952, figure 12: times of the peaks, to 0.1 ms, as read off the figure in
    github.com/stevehaigh/hodgkin-huxley-1952; none at 6 mV, which is V's maximum."""
    time, V, exact = after_a_shock(shock, 6.3)
    np.testing.assert_allclose(V, exact, atol=0.05)
    assert time[V.argmax()] == pytest.approx(peak, abs=0.1)
    assert V.max() == 6.0 if shock == 6.0 else V.max() > 100.0


def test_an_action_potential_is_shorter_in_the_warm():
    """The rates are 3^1.25 = 3.9 times as large at 18.5 degC as at 6 degC, and the time above half
    of the peak is 1.524 and 0.421 ms after 15 mV: 3.6 times as short, by scipy."""
    for temperature, width in ((6.0, 1.524), (18.5, 0.421)):
        _, V, exact = after_a_shock(15.0, temperature)
        for one in (V, exact):
            assert 0.005 * (one > 0.5 * one.max()).sum() == pytest.approx(width, abs=0.006)


@pytest.mark.parametrize(("I", "rate"), [(5.1, 194.0), (10.1, 288.0), (15.1, 353.0), (19.3, 400.5)])
def test_wang_buzsaki_fires_as_fast_as_published(I, rate):
    """Wang & Buzsaki 1996, figure 1A, as it is in ModelDB 26997, where a pixel is 0.09 uA/cm^2 and
    1.4 Hz: up to 400 Hz."""
    assert 1e3 / np.diff(spikes("wang_buzsaki", I, 150.0))[-1] == pytest.approx(rate, abs=3.0)


@pytest.mark.parametrize(("between", "I"), [((-40.0, 0.0), 93.858), ((0.0, 20.0), 212.019)])
def test_morris_lecar_begins_and_ends_to_oscillate_where_it_should(between, I):
    """Hopf bifurcations, by scipy: the trace of the equations' derivative is 0 there."""
    rhs = PAPERS["morris_lecar"][0]

    def trace(V):
        x = np.array([V, 0.5 * (1 + np.tanh((V - 2) / 30))])
        steps = 1e-4 * np.eye(2)
        return sum((rhs(0, x + h, 0) - rhs(0, x - h, 0))[i] for i, h in enumerate(steps)) / 2e-4

    def growth(I):
        net = hh.Network(1, cell="morris_lecar", stimulus=I)
        return np.linalg.eigvals(net.sde().jac(net.equilibrium(), 0.0)).real.max()

    V = scipy.optimize.brentq(trace, *between)
    there = -20.0 * rhs(0, np.array([V, 0.5 * (1 + np.tanh((V - 2) / 30))]), 0)[0]
    assert there == pytest.approx(I, abs=1e-3)
    inward = 0.001 if I < 100 else -0.001
    assert growth(there + inward) > 0 > growth(there - inward)


def test_connor_stevens_rests_where_its_equations_do():
    """By scipy."""
    rhs = PAPERS["connor_stevens"][0]
    rest = scipy.optimize.root(lambda x: rhs(0, x, 0.0), [-68.0, 0.01, 0.97, 0.16, 0.54, 0.29]).x
    x = hh.Network(1, cell="connor_stevens").equilibrium()
    np.testing.assert_allclose(x, rest, rtol=1e-8)
    assert x[0] == pytest.approx(-67.978, abs=1e-3)


@pytest.mark.parametrize(
    ("changes", "I", "rate"), [({}, 8.4, 7.80), ({"g_A": 0.0, "E_L": -72.8}, 8.8, 79.1)]
)
def test_the_A_current_lets_a_cell_fire_slowly(changes, I, rate):
    """Connor & Stevens 1971: with it the rate rises from 0, and without it, with a leak by which
    spikes begin at about the same current, from 79 Hz. Rates by scipy, from the paper's equations;
    0.2 uA/cm^2 below there are no lasting spikes."""
    cell = hh.CELLS["connor_stevens"](**changes)
    assert 1e3 / np.diff(spikes(cell, I, 800.0))[-1] == pytest.approx(rate, rel=0.01)
    assert len(spikes(cell, I - 0.2, 800.0)) < 3


def test_traub_miles_has_its_threshold_near_50_mV():
    """Brette et al. 2007, appendix 2: V_T = -63 mV sets the threshold to around -50 mV. It is taken
    where V begins to rise by 10 mV/ms."""
    net = hh.Network(1, cell="traub_miles")
    V = hh.solve(net, 200.0, dt=0.005, method="strang").V[:, 0].values
    threshold = V[np.argmax(np.diff(V) > 0.05)]
    assert threshold == pytest.approx(-50.0, abs=2.0)
    lifted = hh.Network(1, cell=hh.CELLS["traub_miles"](V_T=-53.0), stimulus=1.0)
    V = hh.solve(lifted, 200.0, dt=0.005, method="strang").V[:, 0].values
    assert V[np.argmax(np.diff(V) > 0.05)] - threshold == pytest.approx(10.0, abs=2.0)


PYRAMIDAL, INTERNEURON = np.pi * 96.0**2 * 1e-8, np.pi * 67.0**2 * 1e-8  # cm^2


def pulse(nA, area, start, stop):
    return hh.StepCurrent(nA * 1e-3 / area, start, stop)


def test_regular_spikes_adapt_and_fast_ones_do_not():
    """Pospischil et al. 2008, pulses of 400 ms of the authors' code (ModelDB 123623, demo_PY_RS.hoc
    and demo_IN_FS.hoc): 0.75 nA into the pyramidal cell, 0.5 nA into the interneuron."""
    regular = np.diff(spikes("pospischil_RS", pulse(0.75, PYRAMIDAL, 300.0, 700.0), 800.0))
    assert np.all(np.diff(regular) > 0)
    assert regular[-1] > 3 * regular[0]
    fast = np.diff(spikes("pospischil_FS", pulse(0.5, INTERNEURON, 300.0, 700.0), 800.0))
    assert np.ptp(fast) < 0.01 * fast.mean()


@pytest.mark.parametrize(("g_CaL", "bursts"), [(0.1, 0), (0.17, 1), (0.2, 2), (0.22, 4)])
def test_the_L_current_makes_bursts(g_CaL, bursts):
    """Pospischil et al. 2008, figure 5B, conductances as in the authors' code (demo_PY_IB.hoc):
    regular spiking; one burst, then regular; two bursts, then regular; repetitive bursting. A burst
    is of spikes less than 40 ms apart."""
    cell = hh.CELLS["pospischil_IB"](g_CaL=g_CaL)
    found = spikes(cell, pulse(0.15, PYRAMIDAL, 500.0, 2500.0), 2500.0, dt=0.02)
    near = np.diff(found) < 40.0
    assert np.sum(near & ~np.concatenate([[False], near[:-1]])) == bursts


def test_the_T_current_makes_a_spike_after_hyperpolarisation():
    """Pospischil et al. 2008, as in the authors' code (demo_PY_LTS.hoc): from -60 mV, a pulse of
    -0.075 nA is followed by a spike, and none without the current."""
    for g_CaT, expected in ((0.4, 1), (0.0, 0)):
        cell = hh.CELLS["pospischil_LTS"](E_L=-60.0, g_CaT=g_CaT)
        found = spikes(cell, pulse(-0.075, PYRAMIDAL, 600.0, 1000.0), 1200.0, dt=0.02)
        assert np.sum(found > 1000.0) == expected


def two(x0, g_c, t_end, level):
    """Two compartments by scipy, and the upward crossings of a level of the soma."""
    return scipy.integrate.solve_ivp(
        two_compartments, (0, t_end), x0, "LSODA", rtol=1e-8, atol=1e-8, args=(0.75, g_c),
        events=crossing(level), max_step=0.5,
    )  # fmt: skip


def test_two_compartments_burst_as_published():
    """Pinsky & Rinzel 1994, figure 2A, with 2.1 mS/cm^2 and 0.75 uA/cm^2, all else beginning at
    rest and closed: crossings of 0 mV in the solution of ModelDB 35358 (xpp.dat, every 0.3 ms and
    to 1e-4), and a spike and three small ones in each burst."""
    solved = two(np.zeros(8), 2.1, 1500.0, 60.0)
    published = [13.8, 92.4, 434.7, 929.1, 1423.2]
    np.testing.assert_allclose(solved.t_events[0], published, rtol=2e-3, atol=0.3)
    V = solved.y[0]
    peaks = solved.t[1:-1][(V[1:-1] > V[:-2]) & (V[1:-1] > V[2:]) & (V[1:-1] > 30.0)][-4:]
    np.testing.assert_allclose(peaks, [1423.2, 1427.1, 1429.2, 1433.4], atol=3.0)


def test_one_compartment_is_the_limit_of_two():
    """Pinsky & Rinzel 1994: when tightly coupled, two compartments are one, which does not burst.
    As the conductance between them grows, their first spikes come nearer to those of the one, about
    twice as near at twice the conductance."""
    net = hh.Network(1, cell="traub_ca3", stimulus=0.75)
    one = hh.solve(net, 200.0, dt=0.005, method="strang", record="spikes").spike_time.values[:3]
    V, *rest, Ca = net.sde().x0
    x0 = np.array([V + 60, V + 60, *rest, Ca * 25000])
    errors = [
        np.abs(two(x0, g_c, 200.0, 60.0).t_events[0][:3] - one).max() for g_c in (200.0, 400.0)
    ]
    assert errors[1] < 0.6 * errors[0]
    assert errors[1] < 1.0
    assert np.min(np.diff(one)) > 50.0


def test_the_pacemaker_bursts_as_its_equations_do():
    """17 spikes each 1.503 s, by scipy from the equations of Prinz, Billimoria & Marder 2003."""
    found = spikes("prinz_abpd", 0.0, 4500.0, dt=0.02)
    rhs, I, _ = PAPERS["prinz_abpd"]
    x0 = hh.Network(1, cell="prinz_abpd").sde().x0
    exact = scipy.integrate.solve_ivp(
        rhs, (0, 4500.0), x0, "LSODA", rtol=1e-9, atol=1e-12, args=(I,), events=crossing(0.0)
    ).t_events[0]
    starts, expected = (times[1:][np.diff(times) > 300.0] for times in (found, exact))
    np.testing.assert_allclose(starts, expected, rtol=5e-4)
    assert starts[2] - starts[1] == pytest.approx(1503.0, abs=1.0)
    assert np.sum((found >= starts[1]) & (found < starts[2])) == 17
