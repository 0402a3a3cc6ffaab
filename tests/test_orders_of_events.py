"""Orders of convergence where spikes act, and where potentials are felt late."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from shared import ENGINE

import hh_sde as hh

LEAKY = hh.Cell("leaky", (hh.Channel("L", g=0.125, E=-64.0),), V0=-64.0)


def slopes(steps, errors):
    return np.diff(np.log(errors)) / np.diff(np.log(steps))


def after_spikes(times, end):
    """V of a leaky membrane whose conductance jumps by 0.2 at these times and decays in 5 ms."""
    t, V, g = 0.0, -64.0, 0.0
    for stop in [*times, end]:
        span = (0.0, stop - t)
        f = lambda s, V, g=g: -0.125 * (V + 64.0) - g * np.exp(-s / 5.0) * V  # noqa: E731
        V = solve_ivp(f, span, [V], rtol=1e-11, atol=1e-11).y[0, -1]
        g = g * np.exp(-(stop - t) / 5.0) + 0.2
        t = stop
    return V


@pytest.mark.parametrize("method", ["lie_trotter", "strang", "heun"])
def test_with_events_the_order_is_1(method):
    """The mean error of 48 membranes, each driven by a neuron whose spike times are scipy's.

    A spike acts at the end of its step, half a step late in the mean.
    """
    n, end, rule = 48, 40.0, hh.SpikeRule(threshold=-20.0, rearm=-40.0)
    stimulus = np.linspace(8.0, 16.0, n)
    sending = hh.Population(n, stimulus=stimulus)
    tight = {"method": "scipy.DOP853", "rtol": 1e-10, "atol": 1e-10, "dt": 0.002}
    spikes = hh.solve(hh.Network(n, stimulus=stimulus), end, **tight).hh.spikes(rule)
    of = [spikes.spike_time.values[spikes.neuron.values == k] for k in range(n)]
    assert all(2 <= times.size <= 4 for times in of)
    exact = np.array([after_spikes(times, end) for times in of])
    synapse = hh.SYNAPSES["exponential"](
        0.2 * np.eye(n), tau=5.0, E=0.0, source="E", target="B", spike_rule=rule
    )
    net = hh.Network({"E": sending, "B": hh.Population(n, LEAKY)}, synapses=[synapse])
    steps, errors = [0.02, 0.01, 0.005, 0.0025], []
    for dt in steps:
        V = hh.solve(net, end, dt=dt, method=method, save_dt=end).hh.population("B").V
        errors.append(abs(V.values[-1] - exact).mean())
    slope = np.polyfit(np.log(steps), np.log(errors), 1)[0]
    order = hh.METHODS[method].order_with_events
    assert slope == pytest.approx(order, abs=0.25), (slope, errors)


W, DELAY, END, START = 0.3, 1.0, 5.0, np.array([-30.0, -50.0, 0.1, 0.3])


def late_pair(t, x, past):
    """Two leaky membranes that inhibit each other, each s felt as it was one delay ago."""
    V, s = x[:2], x[2:]
    felt = past(t - DELAY)[[3, 2]]
    alpha = 1.1 / (1 + np.exp(-(V + 40.0) / 5.0))
    dV = -0.125 * (V + 64.0) + 4.0 - W * felt * (V + 80.0)
    return np.concatenate([dV, alpha * (1 - s) - 0.19 * s])


@pytest.fixture(scope="module")
def by_steps():
    """The solution of the equations with delay, interval by interval, each with the last's past."""
    past, x = (lambda t: START), START
    for k in range(round(END / DELAY)):
        span = (k * DELAY, (k + 1) * DELAY)
        found = solve_ivp(
            late_pair, span, x, args=(past,), rtol=1e-11, atol=1e-11, dense_output=True
        )
        past, x = found.sol, found.y[:, -1]
    return x


@pytest.mark.parametrize("method", ENGINE)
def test_with_delays_a_method_keeps_its_order(method, by_steps):
    """At a time that many delays led to, from a history that is constant."""
    synapse = hh.SYNAPSES["GABA_A"](W, delay=DELAY).replace(
        alpha=hh.Sigmoid(rate=1.1, mid=-40.0, scale=5.0), beta=hh.Constant(0.19)
    )
    net = hh.Network(2, LEAKY, stimulus=4.0, synapses=synapse)
    steps = [0.1, 0.05, 0.025]
    errors = []
    for dt in steps:
        ds = hh.solve(net, END, dt=dt, method=method, x0=START).isel(time=-1)
        errors.append(np.abs(np.concatenate([ds.V, ds.s]) - by_steps).max())
    order = hh.METHODS[method].deterministic_order
    np.testing.assert_allclose(slopes(steps, errors), order, atol=0.2, err_msg=str(errors))
    at_once = hh.solve(net.replace(synapses=synapse.at_once()), END, dt=0.025, x0=START)
    assert np.abs(at_once.V[-1].values - by_steps[:2]).max() > 1.0
