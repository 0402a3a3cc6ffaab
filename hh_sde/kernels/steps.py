# ruff: noqa: F821
# mypy: disable-error-code="name-defined"
"""The steps of the integrators.

`writer` puts the text below the mark behind a model's physics, so that `drift`, `euler`, `relax`,
`flow` and their like are that model's own; it is not run from here.

A step takes the lanes `m` from t to t + h. On entry m.I holds the injected current at the nodes
that METHODS states for the scheme. m.kick[0] holds the increments A dW of the noise on V, m.xi[0]
those of the Wiener processes of gates, states and coloured noise. Where METHODS asks for it,
m.kick[1] and m.xi[1] hold I_(1,0)/h, or the increments of the first half of the step, in place of
dW, and m.areas holds iterated integrals.
"""

import numpy as np

from hh_sde.kernels.coupling import (
    Lanes,
    all_finite,
    couple,
    detect,
    excursions,
    fill,
    inject,
    is_diagonal,
    kicks,
)
from hh_sde.kernels.jit import kernel

# -- the steps --


@kernel
def euler_maruyama(m, h):
    """x + f h + A dW (Maruyama 1955)."""
    couple(m.x, m.u, m.first_synapse, m.n_neurons, m.trials, m.start, m.source, m.weight)
    euler(m.x, m.I[0], m.u, m.kick[0], m.xi[0], h, m.p, m.q, m.curves)


@kernel
def tamed_euler(m, h):
    """x + f h/(1 + h |f|) + A dW, |f| of each neuron (Hutzenthaler, Jentzen & Kloeden 2012)."""
    couple(m.x, m.u, m.first_synapse, m.n_neurons, m.trials, m.start, m.source, m.weight)
    tamed(m.x, m.I[0], m.u, m.kick[0], m.xi[0], h, m.p, m.q, m.curves)


@kernel
def milstein(m, h):
    """Euler-Maruyama, and 1/2 g g' (dW^2 - h) of noise whose columns commute (Milstein 1975)."""
    couple(m.x, m.u, m.first_synapse, m.n_neurons, m.trials, m.start, m.source, m.weight)
    if m.noisy:
        milstein_euler(m.x, m.I[0], m.u, m.kick[0], m.xi[0], h, m.p, m.q, m.curves)
    else:
        euler(m.x, m.I[0], m.u, m.kick[0], m.xi[0], h, m.p, m.q, m.curves)


@kernel
def exponential_euler(m, h):
    """Gates by their exact flow, V by Euler, both from the old state (Rush & Larsen 1978)."""
    couple(m.x, m.u, m.first_synapse, m.n_neurons, m.trials, m.start, m.source, m.weight)
    rush_larsen(m.x, m.I[0], m.u, m.kick[0], m.xi[0], h, m.p, m.q, m.curves)


@kernel
def lie_trotter(m, h):
    """Gates by their exact flow at the old V, then V by its exact flow with the new gates."""
    relax(m.x, m.xi[0], h, m.p, m.q, m.curves)
    couple(m.x, m.u, m.first_synapse, m.n_neurons, m.trials, m.start, m.source, m.weight)
    flow(m.x, m.x[0], m.I[0], m.u, m.kick[0], h, m.p, m.q, m.curves)


@kernel
def tau_leap(m, h):
    """Channels by exchanges of whole ones at the old V, then V by its exact flow with the new."""
    used = m.x[:, : m.n_neurons * m.trials]  # no SIMD here that would need the padding
    leap(used, m.xi[0], h, m.p, m.q, m.curves)
    couple(m.x, m.u, m.first_synapse, m.n_neurons, m.trials, m.start, m.source, m.weight)
    flow(m.x, m.x[0], m.I[0], m.u, m.kick[0], h, m.p, m.q, m.curves)


@kernel
def strang(m, h):
    """Gates by half a step, V with its noise by a whole one, gates by half a step backwards.

    The step of V is exact in law but for inputs that depend on V, gap currents and blocks. Those
    are frozen at the middle of the step, where half the step and the noise of its first half lead:
    this keeps order 2, and weak order 2 too, as that noise has the variance of its own and the
    covariance with the whole one that the noise at the middle has. Noise of gates and states goes
    with the half steps in which they move, each with its own half of the increment.
    """
    relax(m.x, m.xi[1], 0.5 * h, m.p, m.q, m.curves)
    couple(m.x, m.u, m.first_synapse, m.n_neurons, m.trials, m.start, m.source, m.weight)
    if FROZEN:
        middle = m.work[0]
        add(m.x, m.x, 0.0, middle)
        flow(middle, m.x[0], m.I[0], m.u, m.kick[1], 0.5 * h, m.p, m.q, m.curves)
        couple(middle, m.u, m.first_synapse, m.n_neurons, m.trials, m.start, m.source, m.weight)
        flow(m.x, middle[0], m.I[0], m.u, m.kick[0], h, m.p, m.q, m.curves)
    else:
        flow(m.x, m.x[0], m.I[0], m.u, m.kick[0], h, m.p, m.q, m.curves)
    add(m.xi[0], m.xi[1], -1.0, m.xi[0])
    relax_back(m.x, m.xi[0], 0.5 * h, m.p, m.q, m.curves)


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


@kernel
def heun(m, h):
    """Predictor x + f h + G dW, then the means of both drifts and of both G (Ruemelin 1982).

    f is here the drift of the Stratonovich equation.
    """
    f, f_predicted, predicted = m.work[0], m.work[1], m.work[2]
    couple(m.x, m.u, m.first_synapse, m.n_neurons, m.trials, m.start, m.source, m.weight)
    drift(m.x, m.I[0], m.u, f, m.p, m.q, m.curves)
    if m.noisy:
        correct(m.x, -1.0, f, m.p, m.q, m.curves)
    add(m.x, f, h, predicted)
    add_row(m.kick[0], 1.0, predicted[0])
    spread(m.x, m.xi[0], 1.0, predicted, m.p, m.q, m.curves)
    couple(predicted, m.u, m.first_synapse, m.n_neurons, m.trials, m.start, m.source, m.weight)
    drift(predicted, m.I[1], m.u, f_predicted, m.p, m.q, m.curves)
    if m.noisy:
        correct(predicted, -1.0, f_predicted, m.p, m.q, m.curves)
    spread(m.x, m.xi[0], 0.5, m.x, m.p, m.q, m.curves)
    spread(predicted, m.xi[0], 0.5, m.x, m.p, m.q, m.curves)
    add(m.x, f, 0.5 * h, m.x)
    add(m.x, f_predicted, 0.5 * h, m.x)
    add_row(m.kick[0], 1.0, m.x[0])


@kernel
def sra1(m, h):
    """SRA1 of Roessler (2010), table 6.3: strong order 1.5 for additive noise."""
    f, f_stage, stage = m.work[0], m.work[1], m.work[2]
    couple(m.x, m.u, m.first_synapse, m.n_neurons, m.trials, m.start, m.source, m.weight)
    drift(m.x, m.I[0], m.u, f, m.p, m.q, m.curves)
    add(m.x, f, 0.75 * h, stage)
    add_row(m.kick[1], 1.5, stage[0])
    spread(m.x, m.xi[1], 1.5, stage, m.p, m.q, m.curves)
    couple(stage, m.u, m.first_synapse, m.n_neurons, m.trials, m.start, m.source, m.weight)
    drift(stage, m.I[1], m.u, f_stage, m.p, m.q, m.curves)
    spread(m.x, m.xi[0], 1.0, m.x, m.p, m.q, m.curves)
    add(m.x, f, h / 3.0, m.x)
    add(m.x, f_stage, 2.0 * h / 3.0, m.x)
    add_row(m.kick[0], 1.0, m.x[0])


@kernel
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
            spread(m.x, m.areas[:terms, k], sign / sqrt(h), stage, m.p, m.q, m.curves)
            add_row(m.areas[terms, k], sign / sqrt(h), stage[0])
            amplitudes(stage, amplitude, m.p, m.q, m.curves)
            add_row(amplitude[k], 0.5 * sqrt(h) * sign, change[k])
    spread(m.x, m.xi[0], 1.0, m.x, m.p, m.q, m.curves)
    push(m.x, change, m.x, m.p, m.q, m.curves)
    add(m.x, f, 0.5 * h, m.x)
    add(m.x, f_next, 0.5 * h, m.x)
    add_row(m.kick[0], 1.0, m.x[0])


@kernel
def flat_amplitudes(x, n_neurons, p, q, curves):
    """sqrt(radicand) of every term in every neuron, (terms, n_neurons), of a flat state."""
    s = np.empty((TERMS, n_neurons))
    amplitudes(x.reshape(x.size // n_neurons, n_neurons), s, p, q, curves)
    return s


@kernel
def flat_correction(x, n_neurons, p, q, curves):
    """1/2 sum_k (dg_k) g_k of a flat state (d,)."""
    state = x.reshape(x.size // n_neurons, n_neurons)
    out = np.zeros_like(state)
    correct(state, 1.0, out, p, q, curves)
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
def window(
    x, n_neurons, trials, first_synapse, start, source, weight, p, q, curves,
    noise_start, noise_source, noise_weight, I, dW, areas, h, first_step, begin, save_every, rows,
    out, rule, armed, last_spike, event_lane, event_time, counts,
):  # fmt: skip
    """Steps first_step + begin + 1, ... of grid step h; one for each row of dW.

    Parameters
    ----------
    x : (variables, lanes) array, overwritten with the last state
    I : (nodes, steps or 1, n_neurons) array of currents; one step if they are constant
    noise_start, noise_source, noise_weight : Links, rows of A: dV_i gets sum_k A_ik dW_k
    dW : (steps, 1 or 2, processes * trials) array: dW, and a second one where the scheme asks for
        it; first the processes of the noise on V, then TERMS of each neuron; none: no noise
    areas : (steps or 0, TERMS + 1, TERMS, n_neurons * trials) array
    rows : (k,) indices of the variables to keep
    out : (saves, k, n_neurons * trials) array, filled after each step that save_every divides
    rule : (3,) array: threshold, re-arm level, lockout of the spikes; threshold nan: none wanted
    armed, last_spike : (lanes,) arrays, the state of the spike detection, overwritten
    event_lane, event_time : (capacity,) arrays, filled with the spikes found
    counts : (2,) int array: spikes found, and states of gates seen outside [0, 1]

    Returns
    -------
    The number of steps made: fewer than rows of dW if the last one gave a state that is not finite,
    or if there is no room for another step's spikes.
    """
    lanes = x.shape[1]
    used = n_neurons * trials
    m = Lanes(
        x,
        np.zeros((I.shape[0], lanes)),
        np.zeros(((start.size - 1) // n_neurons, lanes)),
        np.zeros((2, lanes)),
        np.zeros((2, TERMS, lanes)),
        np.zeros((areas.shape[1], areas.shape[2], lanes)),
        np.empty((4, x.shape[0], lanes)),
        n_neurons,
        trials,
        first_synapse,
        start,
        source,
        weight,
        p,
        q,
        curves,
        dW.shape[2] > 0,
    )
    diagonal = is_diagonal(noise_start, noise_source)
    before = np.empty(lanes)
    spiking = not np.isnan(rule[0])
    saved = 0
    for k in range(dW.shape[0]):
        if spiking and counts[0] + used > event_time.size:
            return k
        if k == 0 or I.shape[1] > 1:
            for node in range(I.shape[0]):
                inject(I[node, k], trials, m.I[node])
        for which in range(dW.shape[1]):
            kicks(
                diagonal,
                noise_start,
                noise_source,
                noise_weight,
                dW[k, which],
                trials,
                m.kick[which],
            )
            if TERMS and dW.shape[2]:
                own = dW.shape[2] - TERMS * used
                fill(dW[k, which, own:], used, m.xi[which])
        for l in range(areas.shape[1] if areas.shape[0] else 0):
            m.areas[l, :, :used] = areas[k, l]
        if spiking:
            before[:] = x[0]
        step(m, h)
        if not all_finite(x[0], used):
            return k + 1
        if spiking:
            time = (first_step + begin + k) * h
            detect(
                before, x[0], used, time, h, rule, armed, last_spike, event_lane, event_time, counts
            )
        counts[1] += excursions(x, FREE, used)
        if BOUNDED:
            bound(x, p, q, curves)
        if (begin + k + 1) % save_every == 0:
            # a gate that is not finite makes V so in the next step; a saved state is seen whole
            for v in range(1, x.shape[0]):
                if not all_finite(x[v], used):
                    return k + 1
            for row in range(rows.size):
                out[saved, row] = x[rows[row], :used]
            saved += 1
    return dW.shape[0]
