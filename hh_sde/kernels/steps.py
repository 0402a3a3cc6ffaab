# ruff: noqa: F821
# mypy: disable-error-code="name-defined"
"""The steps of the integrators.

`equations.template` puts the text below the mark behind a model's loops, so that `drift`, `euler`,
`gates_flow`, `V_flow` and their like are that model's own; it is not run from here.

A step takes the lanes `m` from t to t + h. On entry m.I holds the injected current at the nodes
that METHODS states for the scheme. m.kick[0] holds the increments A dW of the noise on V, m.xi[0]
those of the Wiener processes of gates, states and coloured noise. Where METHODS asks for it,
m.kick[1] and m.xi[1] hold I_(1,0)/h, or the increments of the first half of the step, in place of
dW, and m.areas holds iterated integrals.
"""

import numpy as np

from hh_sde.kernels.coupling import (
    all_finite,
    copy,
    couple,
    detect,
    excursions,
    fill,
    inject,
    kicks,
    lanes_of,
    save,
)
from hh_sde.kernels.jit import expression, kernel

# -- the steps --


@expression
def euler_maruyama(m, h):
    """x + f h + A dW (Maruyama 1955)."""
    couple(m.x, m.u, m.first_synapse, m.n_neurons, m.trials, m.start, m.source, m.weight)
    euler(m.x, m.I[0], m.u, m.kick[0], m.xi[0], h, m.p, m.q, m.curves)


@expression
def tamed_euler(m, h):
    """x + f h/(1 + h |f|) + A dW, |f| of each neuron (Hutzenthaler, Jentzen & Kloeden 2012)."""
    couple(m.x, m.u, m.first_synapse, m.n_neurons, m.trials, m.start, m.source, m.weight)
    tamed(m.x, m.I[0], m.u, m.kick[0], m.xi[0], h, m.p, m.q, m.curves)


@expression
def milstein(m, h):
    """Euler-Maruyama, and 1/2 g g' (dW^2 - h) of noise whose columns commute (Milstein 1975)."""
    couple(m.x, m.u, m.first_synapse, m.n_neurons, m.trials, m.start, m.source, m.weight)
    if m.noisy:
        milstein_euler(m.x, m.I[0], m.u, m.kick[0], m.xi[0], h, m.p, m.q, m.curves)
    else:
        euler(m.x, m.I[0], m.u, m.kick[0], m.xi[0], h, m.p, m.q, m.curves)


@expression
def exponential_euler(m, h):
    """Gates by their exact flow, V by Euler, both from the old state (Rush & Larsen 1978)."""
    couple(m.x, m.u, m.first_synapse, m.n_neurons, m.trials, m.start, m.source, m.weight)
    rush_larsen(m.x, m.I[0], m.u, m.kick[0], m.xi[0], h, m.p, m.q, m.curves)


@expression
def lie_trotter(m, h):
    """Gates by their exact flow at the old V, then V by its exact flow with the new gates."""
    gates_flow(m.x, m.xi[0], h, m.p, m.q, m.curves)
    couple(m.x, m.u, m.first_synapse, m.n_neurons, m.trials, m.start, m.source, m.weight)
    V_flow(m.x, m.x[0], m.I[0], m.u, m.kick[0], h, m.p, m.q, m.curves)


@expression
def tau_leap(m, h):
    """Channels by exchanges of whole ones at the old V, then V by its exact flow with the new."""
    used = m.x[:, : m.n_neurons * m.trials]  # no SIMD here that would need the padding
    exchange_channels(used, m.xi[0], h, m.p, m.q, m.curves)
    couple(m.x, m.u, m.first_synapse, m.n_neurons, m.trials, m.start, m.source, m.weight)
    V_flow(m.x, m.x[0], m.I[0], m.u, m.kick[0], h, m.p, m.q, m.curves)


@expression
def strang(m, h):
    """Gates by half a step, V with its noise by a whole one, gates by half a step backwards.

    The step of V is exact in law but for inputs that depend on V, gap currents and blocks. Those
    are frozen at the middle of the step, where half the step and the noise of its first half lead:
    this keeps order 2, and weak order 2 too, as that noise has the variance of its own and the
    covariance with the whole one that the noise at the middle has. Noise of gates and states goes
    with the half steps in which they move, each with its own half of the increment.
    """
    gates_flow(m.x, m.xi[1], 0.5 * h, m.p, m.q, m.curves)
    couple(m.x, m.u, m.first_synapse, m.n_neurons, m.trials, m.start, m.source, m.weight)
    if V_DEPENDENT_CONDUCTANCE:
        middle = m.work[0]
        add(m.x, m.x, 0.0, middle)
        V_flow(middle, m.x[0], m.I[0], m.u, m.kick[1], 0.5 * h, m.p, m.q, m.curves)
        couple(middle, m.u, m.first_synapse, m.n_neurons, m.trials, m.start, m.source, m.weight)
        V_flow(m.x, middle[0], m.I[0], m.u, m.kick[0], h, m.p, m.q, m.curves)
    else:
        V_flow(m.x, m.x[0], m.I[0], m.u, m.kick[0], h, m.p, m.q, m.curves)
    add(m.xi[0], m.xi[1], -1.0, m.xi[0])
    gates_flow_reversed(m.x, m.xi[0], 0.5 * h, m.p, m.q, m.curves)


@kernel
def add(x, slope, factor, out):
    """out = x + factor slope"""
    for v in range(x.shape[0]):
        for i in range(x.shape[1]):
            out[v, i] = x[v, i] + factor * slope[v, i]


@kernel
def add_row(row, factor, out):
    """out += factor row"""
    for i in range(row.size):
        out[i] += factor * row[i]


@expression
def heun(m, h):
    """Predictor x + f h + G dW, then the means of both drifts and of both G (Ruemelin 1982).

    f is here the drift of the Stratonovich equation.
    """
    f, f_predicted, predicted = m.work[0], m.work[1], m.work[2]
    couple(m.x, m.u, m.first_synapse, m.n_neurons, m.trials, m.start, m.source, m.weight)
    drift(m.x, m.I[0], m.u, f, m.p, m.q, m.curves)
    if m.noisy:
        add_ito_correction(m.x, -1.0, f, m.p, m.q, m.curves)
    add(m.x, f, h, predicted)
    add_row(m.kick[0], 1.0, predicted[0])
    add_noise(m.x, m.xi[0], 1.0, predicted, m.p, m.q, m.curves)
    couple(predicted, m.u, m.first_synapse, m.n_neurons, m.trials, m.start, m.source, m.weight)
    drift(predicted, m.I[1], m.u, f_predicted, m.p, m.q, m.curves)
    if m.noisy:
        add_ito_correction(predicted, -1.0, f_predicted, m.p, m.q, m.curves)
    add_noise(m.x, m.xi[0], 0.5, m.x, m.p, m.q, m.curves)
    add_noise(predicted, m.xi[0], 0.5, m.x, m.p, m.q, m.curves)
    add(m.x, f, 0.5 * h, m.x)
    add(m.x, f_predicted, 0.5 * h, m.x)
    add_row(m.kick[0], 1.0, m.x[0])


@expression
def sra1(m, h):
    """SRA1 of Roessler (2010), table 6.3: strong order 1.5 for additive noise."""
    f, f_stage, stage = m.work[0], m.work[1], m.work[2]
    couple(m.x, m.u, m.first_synapse, m.n_neurons, m.trials, m.start, m.source, m.weight)
    drift(m.x, m.I[0], m.u, f, m.p, m.q, m.curves)
    add(m.x, f, 0.75 * h, stage)
    add_row(m.kick[1], 1.5, stage[0])
    add_noise(m.x, m.xi[1], 1.5, stage, m.p, m.q, m.curves)
    couple(stage, m.u, m.first_synapse, m.n_neurons, m.trials, m.start, m.source, m.weight)
    drift(stage, m.I[1], m.u, f_stage, m.p, m.q, m.curves)
    add_noise(m.x, m.xi[0], 1.0, m.x, m.p, m.q, m.curves)
    add(m.x, f, h / 3.0, m.x)
    add(m.x, f_stage, 2.0 * h / 3.0, m.x)
    add_row(m.kick[0], 1.0, m.x[0])


@expression
def sri2(m, h):
    """SRI2 of Roessler (2010), section 6: strong order 1 for any noise.

    x + (f(x) + f(H))h/2 + sum_k g_k dW_k + sum_k (g_k(H + v_k) - g_k(H - v_k)) sqrt(h)/2 with
    H = x + f(x) h and v_k = sum_l g_l(x) I_(l,k)/sqrt(h). Noise on V is constant, so only the
    lanes' own processes have the last sum; their v_k holds the noise on V all the same.
    """
    f, f_next, ahead, stage = m.work[0], m.work[1], m.work[2], m.work[3]
    couple(m.x, m.u, m.first_synapse, m.n_neurons, m.trials, m.start, m.source, m.weight)
    drift(m.x, m.I[0], m.u, f, m.p, m.q, m.curves)
    add(m.x, f, h, ahead)
    couple(ahead, m.u, m.first_synapse, m.n_neurons, m.trials, m.start, m.source, m.weight)
    drift(ahead, m.I[1], m.u, f_next, m.p, m.q, m.curves)
    terms = m.areas.shape[1]
    change = np.zeros_like(m.xi[0])
    amplitude = np.empty_like(m.xi[0])
    for k in range(terms):
        for sign in (1.0, -1.0):
            add(ahead, ahead, 0.0, stage)
            add_noise(m.x, m.areas[:terms, k], sign / sqrt(h), stage, m.p, m.q, m.curves)
            add_row(m.areas[terms, k], sign / sqrt(h), stage[0])
            noise_amplitudes(stage, amplitude, m.p, m.q, m.curves)
            add_row(amplitude[k], 0.5 * sqrt(h) * sign, change[k])
    add_noise(m.x, m.xi[0], 1.0, m.x, m.p, m.q, m.curves)
    add_columns(m.x, change, m.x, m.p, m.q, m.curves)
    add(m.x, f, 0.5 * h, m.x)
    add(m.x, f_next, 0.5 * h, m.x)
    add_row(m.kick[0], 1.0, m.x[0])


@kernel
def flat_amplitudes(x, n_neurons, p, q, curves):
    """sqrt(radicand) of every term in every neuron, (terms, n_neurons), of a flat state."""
    s = np.empty((TERMS, n_neurons))
    noise_amplitudes(x.reshape(x.size // n_neurons, n_neurons), s, p, q, curves)
    return s


@kernel
def flat_correction(x, n_neurons, p, q, curves):
    """1/2 sum_k (dg_k) g_k of a flat state (d,)."""
    state = x.reshape(x.size // n_neurons, n_neurons)
    out = np.zeros_like(state)
    add_ito_correction(state, 1.0, out, p, q, curves)
    return out.reshape(x.size)


@kernel
def flat_drift(x, I, first_synapse, start, source, weight, p, q, curves):
    """f of a flat state (d,) of one trial, as sdeint and scipy call it."""
    n = I.size
    state = x.reshape(x.size // n, n)
    dx = np.empty_like(state)
    u = np.empty(((start.size - 1) // n, n))
    couple(state, u, first_synapse, n, 1, start, source, weight)
    drift(state, I, u, dx, p, q, curves)
    return dx.reshape(x.size)


@kernel
def window(x, equations, inputs, kept, h, first_step, begin):
    """Steps first_step + begin + 1, ... of grid step h; one for each row of inputs.dW.

    Parameters
    ----------
    x : (variables, lanes) array, overwritten with the last state
    equations : Equations
    inputs : Inputs
    kept : Kept, whose `out` is filled after each step begin + k that save_every divides, and its
        spikes and counts as they are found

    Returns
    -------
    The number of steps made: fewer than rows of dW if the last one gave a state that is not finite,
    or if there is no room for another step's spikes.
    """
    m = lanes_of(x, equations, inputs, TERMS)
    n_neurons, trials = m.n_neurons, m.trials
    used = n_neurons * trials
    # taken out of their tuples once: numba counts references to every array of a tuple it passes
    I, dW, areas = inputs.I, inputs.dW, inputs.areas
    start, source, weight = inputs.start, inputs.source, inputs.weight
    m_I, kick, xi, m_areas = m.I, m.kick, m.xi, m.areas
    before, armed, last_spike = kept.before, kept.armed, kept.last_spike
    event_lane, event_time, counts = kept.event_lane, kept.event_time, kept.counts
    rows, out, rule, free = kept.rows, kept.out, kept.rule, kept.free
    V = x[0]
    spiking = not np.isnan(rule[0])
    saved = 0
    for k in range(dW.shape[0]):
        if spiking and counts[0] + used > event_time.size:
            return k
        if k == 0 or I.shape[1] > 1:
            for node in range(I.shape[0]):
                inject(I[node, k], trials, m_I[node])
        for which in range(dW.shape[1] if m.noisy else 0):
            row = dW[k, which]
            kicks(inputs.diagonal, start, source, weight, row, n_neurons, trials, kick[which])
            if TERMS:
                fill(row, row.size - TERMS * used, used, xi[which])
        if areas.shape[0]:
            for a in range(m_areas.shape[0]):
                fill(areas[k, a].ravel(), 0, used, m_areas[a])
        if spiking:
            copy(V, before)
        step(m, h)
        if not all_finite(V, used):
            return k + 1
        if spiking:
            time = (first_step + begin + k) * h
            detect(
                before, V, used, time, h, rule, armed, last_spike, event_lane, event_time, counts
            )
        counts[1] += excursions(x, free, used)
        if BOUNDED:
            bound(x, m.p, m.q, m.curves)
        if (begin + k + 1) % kept.save_every == 0:
            if not save(x, used, rows, out[saved]):
                return k + 1
            saved += 1
    return dW.shape[0]
