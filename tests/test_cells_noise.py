"""Channel noise on every cell of CELLS, in voltage clamp, against the binomial law.

Of N channels (or gates) that are open with the probability p, the open fraction has the mean p and
the variance p (1 - p)/N. A false alarm in 10^5 is allowed for each number, of which there are fewer
than 300: one in 300 for the whole file, and the seeds are fixed.
"""

import numpy as np
import pytest
from scipy import stats
from shared import quick_ones

import hh_sde as hh
from hh_sde.markov import scheme

SIGMAS = stats.norm.isf(0.5e-5)
#: mV, where channels open in part; elsewhere -40.
CLAMPED = {"hodgkin_huxley_1952": 25.0, "pospischil_LTS": -50.0}
#: Many, so that no occupancy comes near 0, and the calcium that channels carry hardly fluctuates.
MANY = 10**8
TRIALS = 2000
#: A cell, one that counts V from elsewhere, one with an instantaneous gate, one with a pool. The
#: others' loops are written in the same way, and compiling them takes minutes.
QUICK = ("hodgkin_huxley", "hodgkin_huxley_1952", "wang_buzsaki", "traub_ca3")


def gated(cell):
    return [channel for channel in cell.channels if channel.variable_gates]


def see_binomial(x, p, N, what):
    """See that numbers (trials,) have that mean and variance."""
    variance = p * (1 - p) / N
    assert abs(x.mean() - p) < SIGMAS * np.sqrt(variance / len(x)), what
    # of the variance of n numbers: that of a normal law, and what its fourth cumulant adds
    kurtosis = (1 - 6 * p * (1 - p)) / (N * p * (1 - p))
    spread = variance * np.sqrt(2 / (len(x) - 1) + kurtosis / len(x))
    assert abs(x.var(ddof=1) - variance) < SIGMAS * spread, what


def at_the_end(name, noise, V):
    """Variables in voltage clamp, long after the beginning at the steady state without noise."""
    net = hh.Network(1, cell=name, noise=noise)
    variables = [variable for variable in net.variables if variable != "V"]
    ds = hh.voltage_clamp(
        net, V, 6000.0, dt=10.0, trials=TRIALS, rng=5, save_dt=6000.0, record=variables
    )
    return net, ds.isel(time=-1, neuron=0)


@pytest.mark.parametrize("name", hh.CELLS)
def test_states_have_the_multinomial_law(name):
    """What the tests below see in samples: exactly, and of the schemes of all cells."""
    net = hh.Network(1, cell=name)
    kinetics = net.kinetics([CLAMPED.get(name, -40.0)]).isel(V=0)
    for channel in gated(net.cell):
        gates = kinetics.sel(gate=[gate.name for gate in channel.variable_gates])
        x, tau = gates.x_inf.values, gates.tau.values
        states = scheme(channel)
        p = states.equilibrium(x)
        powers = [gate.power for gate in channel.variable_gates]
        assert p[states.open] == pytest.approx(np.prod(x**powers), rel=1e-12)
        np.testing.assert_allclose(
            states.covariance(x / tau, (1 - x) / tau), np.diag(p) - np.outer(p, p), atol=1e-9
        )


@pytest.mark.parametrize("name", quick_ones(hh.CELLS, QUICK))
def test_gates_with_noise_of_their_own_are_binomial(name):
    V = CLAMPED.get(name, -40.0)
    numbers = {channel.name: MANY for channel in gated(hh.CELLS[name])}
    net, ds = at_the_end(name, hh.SubunitNoise(numbers=numbers), V)
    x_inf = net.kinetics([V]).x_inf[:, 0]
    gates = [gate.name for channel in gated(net.cell) for gate in channel.variable_gates]
    for gate in gates:
        see_binomial(ds[gate].values, float(x_inf.sel(gate=gate)), MANY, gate)


@pytest.mark.parametrize("name", quick_ones(hh.CELLS, QUICK))
def test_open_channels_are_binomial(name):
    """The open state; what follows at once is a factor on its conductance."""
    V = CLAMPED.get(name, -40.0)
    channels = gated(hh.CELLS[name])
    noise = hh.ConductanceNoise(numbers={channel.name: MANY for channel in channels})
    net, ds = at_the_end(name, noise, V)
    x_inf = net.kinetics([V]).x_inf[:, 0]
    for channel in channels:
        p = np.prod([float(x_inf.sel(gate=g.name)) ** g.power for g in channel.variable_gates])
        (state,) = ds.filter_by_attrs(channel=channel.name, conducting=1).data_vars
        see_binomial(ds[state].values, p, MANY, channel.name)


CHAINS = ["hodgkin_huxley", "hodgkin_huxley_1952", "traub_miles", "pospischil_FS"]


@pytest.mark.parametrize("name", CHAINS)
def test_whole_channels_are_binomial(name):
    """Of 40 channels each, one by one: in a membrane so large that V stays."""
    V, N = CLAMPED.get(name, -40.0), 40
    cell = hh.CELLS[name](C=2.0**330)
    noise = hh.ConductanceNoise(numbers={channel.name: N for channel in gated(cell)})
    net = hh.Network(1, cell=cell, noise=noise)
    ds = hh.solve(
        net, 60.0, dt=20.0, method="gillespie", trials=TRIALS, rng=6, x0=net.steady_state(V)
    ).isel(time=-1, neuron=0)
    x_inf = net.kinetics([V]).x_inf[:, 0]
    for channel in gated(cell):
        p = np.prod([float(x_inf.sel(gate=g.name)) ** g.power for g in channel.variable_gates])
        (state,) = ds.filter_by_attrs(channel=channel.name, conducting=1).data_vars
        see_binomial(ds[state].values, p, N, channel.name)


@pytest.mark.parametrize("name", sorted(set(hh.CELLS) - set(CHAINS)))
def test_the_chain_says_why_it_takes_no_other_cell(name):
    numbers = {channel.name: 40 for channel in gated(hh.CELLS[name])}
    net = hh.Network(1, cell=name, noise=hh.ConductanceNoise(numbers=numbers))
    with pytest.raises(ValueError, match=r"gillespie .*(pools|instantaneous|monotone|x_inf)"):
        hh.solve(net, 1.0, method="gillespie")
