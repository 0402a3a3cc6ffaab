# ruff: noqa: F821
# mypy: disable-error-code="name-defined"
"""The steps of the integrators.

`equations.template` puts the text below the mark behind a model's loops, so that `drift`, `euler`,
`gates_flow`, `V_flow` and their like are that model's own; it is not run from here.

A step takes the lanes `m` from t to t + h, the k-th of those whose inputs are there. m.I[k] holds
the injected current at the nodes that METHODS states for the scheme. m.A_dW[k, 0] holds the
increments A dW of the noise on V, m.dW[k, 0] those of the Wiener processes of gates, states and
coloured noise. Where METHODS asks for it, m.A_dW[k, 1] and m.dW[k, 1] hold I_(1,0)/h, or the
increments of the first half of the step, in place of dW, and m.areas[k] holds iterated integrals.
"""

import numpy as np

from hh_sde.kernels.coupling import I_at, add, add_row, couple
from hh_sde.kernels.jit import expression, maker, stepper
from hh_sde.kernels.watch import watched

# -- the steps --


@expression
def sum_inputs(m, x):
    """Synaptic and gap sums of the state x."""
    if m.sums.shape[0]:
        couple(x, m.sums, m.first_synapse, m.n_neurons, m.trials, m.start, m.source, m.weight)


@expression
def lanes(m):
    """Numbers in a row."""
    return m.x.shape[1]


@expression
def A_dW(m, k, kind):
    """Increments of the noise on V in step k; where there is none, zeros for all steps."""
    return m.A_dW[k * m.noisy, kind]


@expression
def dW(m, k, kind):
    """Those of the lanes' own processes, (terms, lanes)."""
    return m.dW[k * m.noisy, kind]


@expression
def euler_maruyama(m, k, h):
    """x + f h + A dW (Maruyama 1955)."""
    sum_inputs(m, m.x)
    euler(m.x, lanes(m), I_at(m, k, 0), m.sums, A_dW(m, k, 0), dW(m, k, 0), h, m.p, m.q, m.curves)


@expression
def tamed_euler(m, k, h):
    """x + f h/(1 + h |f|) + A dW, |f| of each neuron (Hutzenthaler, Jentzen & Kloeden 2012)."""
    sum_inputs(m, m.x)
    tamed(m.x, lanes(m), I_at(m, k, 0), m.sums, A_dW(m, k, 0), dW(m, k, 0), h, m.p, m.q, m.curves)


@expression
def milstein(m, k, h):
    """Euler-Maruyama, and 1/2 g g' (dW^2 - h) of noise whose columns commute (Milstein 1975)."""
    sum_inputs(m, m.x)
    if m.noisy:
        milstein_euler(
            m.x, lanes(m), I_at(m, k, 0), m.sums, A_dW(m, k, 0), dW(m, k, 0), h, m.p, m.q, m.curves
        )
    else:
        euler(
            m.x, lanes(m), I_at(m, k, 0), m.sums, A_dW(m, k, 0), dW(m, k, 0), h, m.p, m.q, m.curves
        )


@expression
def exponential_euler(m, k, h):
    """Gates by their exact flow, V by Euler, both from the old state (Rush & Larsen 1978)."""
    sum_inputs(m, m.x)
    rush_larsen(
        m.x, lanes(m), I_at(m, k, 0), m.sums, A_dW(m, k, 0), dW(m, k, 0), h, m.p, m.q, m.curves
    )


@expression
def lie_trotter(m, k, h):
    """Gates by their exact flow at the old V, then V by its exact flow with the new gates."""
    gates_flow(m.x, lanes(m), dW(m, k, 0), h, m.p, m.q, m.curves)
    sum_inputs(m, m.x)
    V_flow(m.x, lanes(m), m.x[0], I_at(m, k, 0), m.sums, A_dW(m, k, 0), h, m.p, m.q, m.curves)
    if POOLS:
        pool_flow(m.x, lanes(m), m.x[0], h, m.p, m.q, m.curves)


@expression
def tau_leap(m, k, h):
    """Channels by exchanges of whole ones at the old V, then V by its exact flow with the new."""
    used = m.n_neurons * m.trials  # no SIMD here that would need the padding
    exchange_channels(m.x, lanes(m), used, dW(m, k, 0), h, m.p, m.q, m.curves)
    sum_inputs(m, m.x)
    V_flow(m.x, lanes(m), m.x[0], I_at(m, k, 0), m.sums, A_dW(m, k, 0), h, m.p, m.q, m.curves)
    if POOLS:
        pool_flow(m.x, lanes(m), m.x[0], h, m.p, m.q, m.curves)


@expression
def V_step(m, h, k):
    """V with its noise by a whole step of its flow, seen from the middle of the step.

    It is exact in law but for inputs that depend on V, gap currents and blocks, and concentrations,
    which move with it. Those are frozen at the middle of the step, where half the step and the
    noise of its first half lead: this keeps order 2, and weak order 2 too, as that noise has the
    variance of its own and the covariance with the whole one that the noise at the middle has.
    """
    sum_inputs(m, m.x)
    if V_DEPENDENT_CONDUCTANCE:
        middle = m.work[0]
        add(m.x, m.x, 0.0, middle)
        V_flow(
            middle, lanes(m), m.x[0], I_at(m, k, 0), m.sums, A_dW(m, k, 1), 0.5 * h, m.p, m.q,
            m.curves,
        )  # fmt: skip
        if POOLS:
            pool_flow(middle, lanes(m), m.x[0], 0.5 * h, m.p, m.q, m.curves)
        sum_inputs(m, middle)
        V_flow(
            m.x, lanes(m), middle[0], I_at(m, k, 0), m.sums, A_dW(m, k, 0), h, m.p, m.q, m.curves
        )
        if POOLS:
            pool_flow(m.x, lanes(m), middle[0], h, m.p, m.q, m.curves)
    else:
        V_flow(m.x, lanes(m), m.x[0], I_at(m, k, 0), m.sums, A_dW(m, k, 0), h, m.p, m.q, m.curves)


@expression
def strang(m, k, h):
    """Gates by half a step, V by a whole one, gates by half a step backwards (Strang 1968).

    Noise of gates and states goes with the half steps in which they move, each with its own half of
    the increment.
    """
    gates_flow(m.x, lanes(m), dW(m, k, 1), 0.5 * h, m.p, m.q, m.curves)
    V_step(m, h, k)
    add(dW(m, k, 0), dW(m, k, 1), -1.0, dW(m, k, 0))
    gates_flow_reversed(m.x, lanes(m), dW(m, k, 0), 0.5 * h, m.p, m.q, m.curves)


@expression
def strang_open(m, k, h):
    """The same where gates have no noise, left before the last half step of the gates.

    That half step and the first one of the next step are at the same V: one whole step.
    """
    gates_flow(m.x, lanes(m), dW(m, k, 0), h if m.opened[0] else 0.5 * h, m.p, m.q, m.curves)
    m.opened[0] = 1
    V_step(m, h, k)


@expression
def close_strang_open(m, h):
    """Put a copy of the state with that half step made into m.work[1]."""
    add(m.x, m.x, 0.0, m.work[1])
    gates_flow(m.work[1], lanes(m), dW(m, 0, 0), 0.5 * h, m.p, m.q, m.curves)


@expression
def heun(m, k, h):
    """Predictor x + f h + G dW, then the means of both drifts and of both G (Ruemelin 1982).

    f is here the drift of the Stratonovich equation. The predictor stays in m.work[2], where
    `kernels.tangent` takes it from.
    """
    f, f_predicted, predicted = m.work[0], m.work[1], m.work[2]
    sum_inputs(m, m.x)
    drift(m.x, lanes(m), I_at(m, k, 0), m.sums, f, m.p, m.q, m.curves)
    if m.noisy:
        add_ito_correction(m.x, lanes(m), -1.0, f, m.p, m.q, m.curves)
    add(m.x, f, h, predicted)
    add_row(A_dW(m, k, 0), 1.0, predicted[0])
    add_noise(m.x, lanes(m), dW(m, k, 0), 1.0, predicted, m.p, m.q, m.curves)
    sum_inputs(m, predicted)
    drift(predicted, lanes(m), I_at(m, k, 1), m.sums, f_predicted, m.p, m.q, m.curves)
    if m.noisy:
        add_ito_correction(predicted, lanes(m), -1.0, f_predicted, m.p, m.q, m.curves)
    add_noise(m.x, lanes(m), dW(m, k, 0), 0.5, m.x, m.p, m.q, m.curves)
    add_noise(predicted, lanes(m), dW(m, k, 0), 0.5, m.x, m.p, m.q, m.curves)
    add(m.x, f, 0.5 * h, m.x)
    add(m.x, f_predicted, 0.5 * h, m.x)
    add_row(A_dW(m, k, 0), 1.0, m.x[0])


@expression
def sra1(m, k, h):
    """SRA1 of Roessler (2010), table 6.3: strong order 1.5 for additive noise."""
    f, f_stage, stage = m.work[0], m.work[1], m.work[2]
    sum_inputs(m, m.x)
    drift(m.x, lanes(m), I_at(m, k, 0), m.sums, f, m.p, m.q, m.curves)
    add(m.x, f, 0.75 * h, stage)
    add_row(A_dW(m, k, 1), 1.5, stage[0])
    add_noise(m.x, lanes(m), dW(m, k, 1), 1.5, stage, m.p, m.q, m.curves)
    sum_inputs(m, stage)
    drift(stage, lanes(m), I_at(m, k, 1), m.sums, f_stage, m.p, m.q, m.curves)
    add_noise(m.x, lanes(m), dW(m, k, 0), 1.0, m.x, m.p, m.q, m.curves)
    add(m.x, f, h / 3.0, m.x)
    add(m.x, f_stage, 2.0 * h / 3.0, m.x)
    add_row(A_dW(m, k, 0), 1.0, m.x[0])


@expression
def sri2(m, k, h):
    """SRI2 of Roessler (2010), section 6: strong order 1 for any noise.

    x + (f(x) + f(H))h/2 + sum_k g_k dW_k + sum_k (g_k(H + v_k) - g_k(H - v_k)) sqrt(h)/2 with
    H = x + f(x) h and v_k = sum_l g_l(x) I_(l,k)/sqrt(h). Noise on V is constant, so only the
    lanes' own processes have the last sum; their v_k holds the noise on V all the same.
    """
    f, f_next, ahead, stage = m.work[0], m.work[1], m.work[2], m.work[3]
    sum_inputs(m, m.x)
    drift(m.x, lanes(m), I_at(m, k, 0), m.sums, f, m.p, m.q, m.curves)
    add(m.x, f, h, ahead)
    sum_inputs(m, ahead)
    drift(ahead, lanes(m), I_at(m, k, 1), m.sums, f_next, m.p, m.q, m.curves)
    terms = m.areas.shape[1]
    change, amplitude = m.columns[0], m.columns[1]
    add(change, change, -1.0, change)
    for i in range(terms):
        for sign in (1.0, -1.0):
            add(ahead, ahead, 0.0, stage)
            add_noise(m.x, lanes(m), m.areas[k, i], sign / sqrt(h), stage, m.p, m.q, m.curves)
            add_row(m.areas[k, i, terms], sign / sqrt(h), stage[0])
            noise_amplitudes(stage, lanes(m), amplitude, m.p, m.q, m.curves)
            add_row(amplitude[i], 0.5 * sqrt(h) * sign, change[i])
    add_noise(m.x, lanes(m), dW(m, k, 0), 1.0, m.x, m.p, m.q, m.curves)
    add_columns(m.x, lanes(m), change, m.x, m.p, m.q, m.curves)
    add(m.x, f, 0.5 * h, m.x)
    add(m.x, f_next, 0.5 * h, m.x)
    add_row(A_dW(m, k, 0), 1.0, m.x[0])


@maker
def flat_amplitudes(x, n_neurons, p, q, curves):
    """root(R) of every noise term in every neuron, (terms, n_neurons), of a flat state."""
    s = np.empty((TERMS, n_neurons))
    noise_amplitudes(x.reshape(x.size // n_neurons, n_neurons), n_neurons, s, p, q, curves)
    return s


@maker
def flat_correction(x, n_neurons, p, q, curves):
    """1/2 sum_k (dg_k) g_k of a flat state (d,)."""
    state = x.reshape(x.size // n_neurons, n_neurons)
    out = np.zeros_like(state)
    add_ito_correction(state, state.shape[1], 1.0, out, p, q, curves)
    return out.reshape(x.size)


@maker
def flat_drift(x, I, first_synapse, start, source, weight, p, q, curves):
    """f of a flat state (d,) of one trial, as sdeint and scipy call it."""
    n = I.size
    state = x.reshape(x.size // n, n)
    dx = np.empty_like(state)
    u = np.empty(((start.size - 1) // n, n))
    couple(state, u, first_synapse, n, 1, start, source, weight)
    drift(state, state.shape[1], I, u, dx, p, q, curves)
    return dx.reshape(x.size)


@stepper
def advance(m, kept, h, first, last, grid):
    """Make steps first ... last - 1 of those whose noise is there; `grid` is the grid step of 0.

    Returns
    -------
    The number of steps made: fewer if there is no room for another step's spikes, and negative if
    the last one gave a V that is not finite.
    """
    used = m.n_neurons * m.trials
    spiking = kept.rule[0] == kept.rule[0]
    for k in range(first, last):
        if spiking and kept.counts[0] + used > kept.spikes.shape[1]:
            return k - first
        step(m, k, h)
        if not watched(m, kept, (grid + k) * h, h):
            return first - k - 1
        if BOUNDED:
            bound(m.x, lanes(m), m.p, m.q, m.curves)
    close(m, h)
    return last - first
