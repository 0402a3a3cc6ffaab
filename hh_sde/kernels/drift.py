"""The drift f of a network, stage by stage over lanes: the one statement of the physics.

C dV/dt = I - sum_channels g prod(x^power) (V - E) + sum_synapses B(V) (E - V) (W s) + gap currents
dx/dt   = alpha(V) (1 - x) - beta(V) x            for every gate x
ds/dt   = alpha(V_pre) (1 - s) - beta(V_pre) s    for every synapse's gate s
"""

import numpy as np

from hh_sde.kernels.jit import kernel
from hh_sde.kernels.rates import gate_rates, rate
from hh_sde.kernels.tables import unpack


@kernel
def relax(a, b, x, dx):
    """dx/dt = alpha (1 - x) - beta x"""
    for i in range(x.size):
        dx[i] = a[i] * (1.0 - x[i]) - b[i] * x[i]


@kernel
def multiply_power(x, power, product):
    """product *= x^power"""
    for _ in range(power):
        for i in range(x.size):
            product[i] *= x[i]


@kernel
def add_ohmic(conductance, V, E, total):
    """total += conductance (E - V)"""
    for i in range(V.size):
        total[i] += conductance[i] * (E[i] - V[i])


@kernel
def inject(I, trials, total):
    """total = I, the same in every trial of a neuron"""
    for i in range(I.size):
        total[i * trials : (i + 1) * trials] = I[i]


@kernel
def weighted_sum(links, first_row, n_neurons, trials, s, out):
    """out_i = sum_j W_ij s_j in every trial, added up in the order of j"""
    if trials == 1:
        for i in range(n_neurons):
            row = first_row + i
            total = 0.0
            for e in range(links.start[row], links.start[row + 1]):
                total += links.weight[e] * s[links.source[e]]
            out[i] = total
        return
    for i in range(n_neurons):
        row = first_row + i
        target = out[i * trials : (i + 1) * trials]
        target[:] = 0.0
        for e in range(links.start[row], links.start[row + 1]):
            weight = links.weight[e]
            begin = links.source[e] * trials
            source = s[begin : begin + trials]
            for k in range(trials):
                target[k] += weight * source[k]


@kernel
def add_gap_currents(links, first_row, n_neurons, trials, V, total):
    """total_i += sum_j W_ij (V_j - V_i)"""
    for i in range(n_neurons):
        row = first_row + i
        for e in range(links.start[row], links.start[row + 1]):
            weight = links.weight[e]
            begin = links.source[e] * trials
            for k in range(trials):
                lane = i * trials + k
                total[lane] += weight * (V[begin + k] - V[lane])


@kernel
def drift(x, I, tables, work, dx):
    """f at the state x (variables, lanes) and currents I (n_neurons,), into dx (variables, lanes).

    `work` is scratch of shape (3, lanes).
    """
    n_neurons = tables.n_neurons
    trials = x.shape[1] // n_neurons
    V = x[0]
    total = dx[0]
    a = work[0]
    b = work[1]
    conductance = work[2]

    inject(I, trials, total)
    for c in range(tables.g.shape[0]):
        conductance[:] = tables.g[c]
        for gate in range(tables.channel_gates[c], tables.channel_gates[c + 1]):
            gate_rates(tables, gate, V, a, b)
            relax(a, b, x[1 + gate], dx[1 + gate])
            multiply_power(x[1 + gate], tables.gate_power[gate], conductance)
        add_ohmic(conductance, V, tables.E[c], total)

    n_synapses = tables.synapse_rates.shape[0]
    first_synapse = 1 + tables.gate_rates.shape[0]
    for k in range(n_synapses):
        s = x[first_synapse + k]
        rate(tables, tables.synapse_rates[k, 0], V, a)
        rate(tables, tables.synapse_rates[k, 1], V, b)
        relax(a, b, s, dx[first_synapse + k])
        weighted_sum(tables.links, k * n_neurons, n_neurons, trials, s, conductance)
        if tables.synapse_rates[k, 2] >= 0:
            rate(tables, tables.synapse_rates[k, 2], V, a)
            multiply_power(a, 1, conductance)
        add_ohmic(conductance, V, tables.synapse_E[k], total)
    add_gap_currents(tables.links, n_synapses * n_neurons, n_neurons, trials, V, total)

    for i in range(V.size):
        total[i] /= tables.C[i]


@kernel
def flat_drift(x, I, program, lanes, curves, weights):
    """f of a flat state (d,) of one trial, as sdeint and scipy call it."""
    tables = unpack(program, lanes, curves, weights)
    n = tables.n_neurons
    d = x.size
    memory = np.empty(d + 3 * n)
    dx = memory[:d]
    work = memory[d:].reshape(3, n)
    drift(x.reshape(d // n, n), I, tables, work, dx.reshape(d // n, n))
    return dx


@kernel
def gate_curves(V, program, lanes, curves, weights):
    """(alpha, beta) of every gate of the neuron in the first lane, at potentials V: (2, N_g, V)."""
    column = np.repeat(lanes[:, 0], V.size).reshape(lanes.shape[0], V.size)
    tables = unpack(program, column, curves, weights)
    n_gates = tables.gate_rates.shape[0]
    out = np.empty((2, n_gates, V.size))
    for gate in range(n_gates):
        gate_rates(tables, gate, V, out[0, gate], out[1, gate])
    return out


@kernel
def steady_state(V, program, lanes, curves, weights):
    """The state (variables, lanes) with potentials V and every gate at alpha/(alpha + beta)."""
    tables = unpack(program, lanes, curves, weights)
    n_gates = tables.gate_rates.shape[0]
    n_synapses = tables.synapse_rates.shape[0]
    x = np.empty((1 + n_gates + n_synapses, V.size))
    a = np.empty(V.size)
    b = np.empty(V.size)
    x[0] = V
    for gate in range(n_gates):
        gate_rates(tables, gate, V, a, b)
        x[1 + gate] = a / (a + b)
    for k in range(n_synapses):
        rate(tables, tables.synapse_rates[k, 0], V, a)
        rate(tables, tables.synapse_rates[k, 1], V, b)
        x[1 + n_gates + k] = a / (a + b)
    return x
