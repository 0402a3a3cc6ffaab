# ruff: noqa: F821
# mypy: disable-error-code="name-defined, no-redef"
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
from hh_sde.kernels.jit import call_void, expression, kernel, maker, stepper
from hh_sde.kernels.watch import watched
from hh_sde.kernels.weak import (
    A1,
    B0_2,
    B0_3,
    B1,
    B2,
    move_V,
    moves,
    other_stages,
    own_stages,
)

# -- the steps --


@expression
def outputs_of(m, x):
    """What the neurons send besides variables, of the state x, into its rows after those."""
    if OUTPUTS:
        make_outputs(x, x.shape[1], m.p, m.q, m.curves, m.ranges)


@kernel
def fill_outputs(x, p, q, curves, ranges):
    """The same for lanes x (rows, lanes) that are not being stepped."""
    make_outputs(x, x.shape[1], p, q, curves, ranges)


# -- without delays and events --


@expression
def sum_inputs(m, x):
    """Synaptic and gap sums of the state x."""
    if m.sums.shape[0]:
        outputs_of(m, x)
        meet(m.own)
        couple_rows(
            x, m.sums, x.shape[1], m.sums.shape[0], m.own.first, m.own.neurons, m.n_neurons,
            m.trials, m.start, m.source, m.weight, m.blocks, m.block_weight,
        )  # fmt: skip
        meet(m.own)


@expression
def send_and_receive(m, step, h):
    """What follows from a step for later ones, and what arrives at its end."""


# -- with delays or events --


@expression
def sum_inputs(m, x):  # noqa: F811
    """The same; some of what they add up left its neuron earlier."""
    if m.sums.shape[0]:
        outputs_of(m, x)
        meet(m.own)
        if m.own.number == 0:
            call_void(
                m.way.sums,
                (
                    m.way.events, x, m.sums, m.n_neurons, m.trials,
                    m.start, m.source, m.weight, m.blocks, m.block_weight,
                ),
            )  # fmt: skip
        meet(m.own)


@expression
def send_and_receive(m, step, h):  # noqa: F811
    """Spikes are sent, and those that are due arrive."""
    meet(m.own)
    if m.own.number == 0:
        call_void(m.way.after, (m.way.events, m.x, m.n_neurons, m.trials, step, h))
    meet(m.own)


# -- schemes --


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
def set_time(m, t):
    """The time, which the last row of the state is."""
    for i in range(m.own.lane, m.own.lane + m.own.lanes):
        m.x[m.x.shape[0] - 1, i] = t


@expression
def f(m, x, k, node, out):
    """The drift at a state, with the current at a node of step k."""
    sum_inputs(m, x)
    drift(x, lanes(m), I_at(m, k, node), m.sums, out, m.p, m.q, m.curves, m.ranges)


@expression
def ito_correction(m, x, factor, out):
    """out + factor times 1/2 sum_k (dg_k) g_k, where there is noise."""
    if m.noisy:
        add_ito_correction(x, lanes(m), factor, out, m.p, m.q, m.curves, m.ranges)


@expression
def own_noise(m, x, dW, factor, out):
    """out + factor G dW, of the lanes' own processes."""
    add_noise(x, lanes(m), dW, factor, out, m.p, m.q, m.curves, m.ranges)


@expression
def flow_of_gates(m, x, dW, h):
    """All but V, and what moves with it, by its exact flow over h."""
    gates_flow(x, lanes(m), dW, h, m.p, m.q, m.curves, m.ranges)


@expression
def flow_of_V(m, x, held, k, kind, h):
    """V by its exact flow over h, then concentrations; what follows V is held as it is in `held`.

    With noise of the kind that METHODS asks for. The sums are those that were made last.
    """
    V_flow(
        x, lanes(m), held, I_at(m, k, 0), m.sums, A_dW(m, k, kind), h, m.p, m.q, m.curves, m.ranges
    )
    if POOLS:
        pool_flow(x, lanes(m), held, h, m.p, m.q, m.curves, m.ranges)


@expression
def euler_maruyama(m, k, h):
    """x + f h + A dW (Maruyama 1955)."""
    sum_inputs(m, m.x)
    euler(
        m.x, lanes(m), I_at(m, k, 0), m.sums, A_dW(m, k, 0), dW(m, k, 0), h,
        m.p, m.q, m.curves, m.ranges,
    )  # fmt: skip


@expression
def tamed_euler(m, k, h):
    """x + f h/(1 + h |f|) + A dW, |f| of each neuron (Hutzenthaler, Jentzen & Kloeden 2012)."""
    sum_inputs(m, m.x)
    tamed(
        m.x, lanes(m), I_at(m, k, 0), m.sums, A_dW(m, k, 0), dW(m, k, 0), h,
        m.p, m.q, m.curves, m.ranges,
    )  # fmt: skip


@expression
def milstein(m, k, h):
    """Euler-Maruyama, and 1/2 g g' (dW^2 - h) of noise whose columns commute (Milstein 1975)."""
    sum_inputs(m, m.x)
    if m.noisy:
        milstein_euler(
            m.x, lanes(m), I_at(m, k, 0), m.sums, A_dW(m, k, 0), dW(m, k, 0), h,
            m.p, m.q, m.curves, m.ranges,
        )  # fmt: skip
    else:
        euler(
            m.x, lanes(m), I_at(m, k, 0), m.sums, A_dW(m, k, 0), dW(m, k, 0), h,
            m.p, m.q, m.curves, m.ranges,
        )  # fmt: skip


@expression
def exponential_euler(m, k, h):
    """Gates by their exact flow, V by Euler, both from the old state (Rush & Larsen 1978)."""
    sum_inputs(m, m.x)
    rush_larsen(
        m.x, lanes(m), I_at(m, k, 0), m.sums, A_dW(m, k, 0), dW(m, k, 0), h,
        m.p, m.q, m.curves, m.ranges,
    )  # fmt: skip


@expression
def lie_trotter(m, k, h):
    """Gates by their exact flow at the old V, then V by its exact flow with the new gates."""
    flow_of_gates(m, m.x, dW(m, k, 0), h)
    sum_inputs(m, m.x)
    flow_of_V(m, m.x, m.x[0], k, 0, h)


@expression
def tau_leap(m, k, h):
    """Channels by exchanges of whole ones at the old V, then V by its exact flow with the new."""
    exchange_channels(m.x, lanes(m), dW(m, k, 0), h, m.p, m.q, m.curves, m.ranges)
    sum_inputs(m, m.x)
    flow_of_V(m, m.x, m.x[0], k, 0, h)


@expression
def V_step(m, h, k):
    """V with its noise by a whole step of its flow, seen from the middle of the step.

    It is exact in law but for inputs that depend on V, gap currents, blocks and concentrations.
    Those are frozen at the middle of the step, where half the step and the noise of its first half
    lead: this keeps order 2, and weak order 2 too, as that noise has the variance of its own and
    the covariance with the whole one that the noise at the middle has.
    """
    sum_inputs(m, m.x)
    if V_DEPENDENT_CONDUCTANCE:
        middle = m.work[0]
        add(m, m.x, m.x, 0.0, middle)
        flow_of_V(m, middle, m.x[0], k, 1, 0.5 * h)
        sum_inputs(m, middle)
        flow_of_V(m, m.x, middle[0], k, 0, h)
    else:
        flow_of_V(m, m.x, m.x[0], k, 0, h)


@expression
def strang(m, k, h):
    """Gates by half a step, V by a whole one, gates by half a step backwards (Strang 1968).

    Noise of gates and states goes with the half steps in which they move, each with its own half of
    the increment.
    """
    flow_of_gates(m, m.x, dW(m, k, 1), 0.5 * h)
    V_step(m, h, k)
    add(m, dW(m, k, 0), dW(m, k, 1), -1.0, dW(m, k, 0))
    gates_flow_reversed(m.x, lanes(m), dW(m, k, 0), 0.5 * h, m.p, m.q, m.curves, m.ranges)


@expression
def strang_open(m, k, h):
    """The same where gates have no noise, left before the last half step of the gates.

    That half step and the first one of the next step are at the same V: one whole step.
    """
    flow_of_gates(m, m.x, dW(m, k, 0), h if m.opened[0] else 0.5 * h)
    m.opened[0] = 1
    V_step(m, h, k)


@expression
def close_strang_open(m, h):
    """Put a copy of the state with that half step made into m.work[1]."""
    add(m, m.x, m.x, 0.0, m.work[1])
    flow_of_gates(m, m.work[1], dW(m, 0, 0), 0.5 * h)


@expression
def along_path(m, k, dW_part, I_part):
    """Moved by the noise alone: by dW_part dW + I_part I_(1,0)/h."""
    add_row(m, A_dW(m, k, 0), dW_part, m.x[0])
    add_row(m, A_dW(m, k, 1), I_part, m.x[0])
    own_noise(m, m.x, dW(m, k, 0), dW_part, m.x)
    own_noise(m, m.x, dW(m, k, 1), I_part, m.x)


@expression
def straight_flow_of_gates(m, k, dW_part, h):
    """All but V by its flow over h, while its own noise goes straight by dW_part dW."""
    part = m.columns[0]
    add(m, part, part, -1.0, part)
    add(m, part, dW(m, k, 0), dW_part, part)
    flow_of_gates(m, m.x, part, h)


@expression
def straight_flow_of_V(m, x, held, k, dW_part, h):
    """V by its flow over h, while its noise goes straight by dW_part dW; see `flow_of_V`."""
    part = m.work[1, 0]
    add_row(m, part, -1.0, part)
    add_row(m, A_dW(m, k, 0), dW_part, part)
    V_flow_driven(x, lanes(m), held, I_at(m, k, 0), m.sums, part, h, m.p, m.q, m.curves, m.ranges)
    if POOLS:
        pool_flow(x, lanes(m), held, h, m.p, m.q, m.curves, m.ranges)


@expression
def shifted_strang(m, k, h):
    """Strang's splitting along a path of three straight pieces, for additive noise.

    Foster, dos Reis & Strange (2023) put such a path in place of W: up by a at once, over the step
    by c, and by the rest at once. It has the integral of W over the step if a = I_(1,0)/h - c/2.
    Order 1.5 needs more, since gates see V at two places only: the mean of
    (a^2 + (a + c)^2)/2 must be h/2, that of W^2 over a step, and so it is for c = sqrt(2/3) dW.
    """
    c = 0.816496580927726
    along_path(m, k, -0.5 * c, 1.0)
    straight_flow_of_gates(m, k, 0.5 * c, 0.5 * h)
    sum_inputs(m, m.x)
    if V_DEPENDENT_CONDUCTANCE:  # what follows V at once sees it at these two places too
        begun, ahead = m.work[2], m.work[0]
        add(m, m.x, m.x, 0.0, begun)
        add(m, m.x, m.x, 0.0, ahead)
        straight_flow_of_V(m, ahead, begun[0], k, c, h)
        straight_flow_of_V(m, m.x, begun[0], k, 0.5 * c, 0.5 * h)
        sum_inputs(m, ahead)
        straight_flow_of_V(m, m.x, ahead[0], k, 0.5 * c, 0.5 * h)
    else:
        straight_flow_of_V(m, m.x, m.x[0], k, c, h)
    straight_flow_of_gates(m, k, 0.5 * c, 0.5 * h)
    along_path(m, k, 1.0 - 0.5 * c, -1.0)


@expression
def heun(m, k, h):
    """Predictor x + f h + G dW, then the means of both drifts and of both G (Ruemelin 1982).

    f is here the drift of the Stratonovich equation. The predictor stays in m.work[2], where
    `kernels.tangent` takes it from.
    """
    slope, slope_predicted, predicted = m.work[0], m.work[1], m.work[2]
    f(m, m.x, k, 0, slope)
    ito_correction(m, m.x, -1.0, slope)
    add(m, m.x, slope, h, predicted)
    add_row(m, A_dW(m, k, 0), 1.0, predicted[0])
    own_noise(m, m.x, dW(m, k, 0), 1.0, predicted)
    f(m, predicted, k, 1, slope_predicted)
    ito_correction(m, predicted, -1.0, slope_predicted)
    own_noise(m, m.x, dW(m, k, 0), 0.5, m.x)
    own_noise(m, predicted, dW(m, k, 0), 0.5, m.x)
    add(m, m.x, slope, 0.5 * h, m.x)
    add(m, m.x, slope_predicted, 0.5 * h, m.x)
    add_row(m, A_dW(m, k, 0), 1.0, m.x[0])


@expression
def sra1(m, k, h):
    """SRA1 of Roessler (2010), table 6.3: strong order 1.5 for additive noise.

    Where its amplitudes follow the time, they are those of the end of the step, and with I_(1,0)/h
    comes the difference to those of its beginning.
    """
    slope, slope_stage, stage, ahead = m.work[0], m.work[1], m.work[2], m.work[3]
    f(m, m.x, k, 0, slope)
    add(m, m.x, slope, 0.75 * h, stage)
    add_row(m, A_dW(m, k, 1), 1.5, stage[0])
    if TIME:
        add(m, m.x, slope, h, ahead)
        own_noise(m, ahead, dW(m, k, 1), 1.5, stage)
    else:
        own_noise(m, m.x, dW(m, k, 1), 1.5, stage)
    f(m, stage, k, 1, slope_stage)
    if TIME:
        own_noise(m, m.x, dW(m, k, 1), 1.0, m.x)
        own_noise(m, ahead, dW(m, k, 1), -1.0, m.x)
        own_noise(m, ahead, dW(m, k, 0), 1.0, m.x)
    else:
        own_noise(m, m.x, dW(m, k, 0), 1.0, m.x)
    add(m, m.x, slope, h / 3.0, m.x)
    add(m, m.x, slope_stage, 2.0 * h / 3.0, m.x)
    add_row(m, A_dW(m, k, 0), 1.0, m.x[0])


@expression
def add_of(m, k, amplitudes, factor, out):
    """out + factor times the amplitudes of process k of each lane, both (amplitudes, lanes)."""
    for e in range(m.process.size):
        if m.process[e] == k:
            add_row(m, amplitudes[e], factor, out[e])


@expression
def sri2(m, k, h):
    """SRI2 of Roessler (2010), section 6: strong order 1 for any noise.

    x + (f(x) + f(H))h/2 + sum_k g_k dW_k + sum_k (g_k(H + v_k) - g_k(H - v_k)) sqrt(h)/2 with
    H = x + f(x) h and v_k = sum_l g_l(x) I_(l,k)/sqrt(h). Noise on V is constant, so only the
    lanes' own processes have the last sum; their v_k holds the noise on V all the same.
    """
    slope, slope_ahead, ahead, stage = m.work[0], m.work[1], m.work[2], m.work[3]
    f(m, m.x, k, 0, slope)
    add(m, m.x, slope, h, ahead)
    f(m, ahead, k, 1, slope_ahead)
    terms = m.areas.shape[1]
    change, amplitude = m.columns[0], m.columns[1]
    add(m, change, change, -1.0, change)
    for i in range(terms):
        for sign in (1.0, -1.0):
            add(m, ahead, ahead, 0.0, stage)
            own_noise(m, m.x, m.areas[k, i], sign / sqrt(h), stage)
            add_row(m, m.areas[k, i, terms], sign / sqrt(h), stage[0])
            noise_amplitudes(stage, lanes(m), amplitude, m.p, m.q, m.curves, m.ranges)
            add_of(m, i, amplitude, 0.5 * sqrt(h) * sign, change)
    own_noise(m, m.x, dW(m, k, 0), 1.0, m.x)
    add_columns(m.x, lanes(m), change, m.x, m.p, m.q, m.curves, m.ranges)
    add(m, m.x, slope, 0.5 * h, m.x)
    add(m, m.x, slope_ahead, 0.5 * h, m.x)
    add_row(m, A_dW(m, k, 0), 1.0, m.x[0])


@expression
def amplitudes(m, x, k, out):
    """Those of process k of each lane at the state x, into their rows of out."""
    every = m.columns[4]
    noise_amplitudes(x, lanes(m), every, m.p, m.q, m.curves, m.ranges)
    add_of(m, k, out, -1.0, out)
    add_of(m, k, every, 1.0, out)


@expression
def moved(m, x, parts, factor, out):
    """out = x + factor times the columns of G with amplitudes that are given."""
    scaled = m.columns[4]
    add(m, scaled, scaled, -1.0, scaled)
    add(m, scaled, parts, factor, scaled)
    add(m, x, x, 0.0, out)
    add_columns(out, lanes(m), scaled, out, m.p, m.q, m.curves, m.ranges)


@expression
def dri1(m, k, h):
    """DRI1 of Debrabant & Roessler (2009): weak order 2 for any noise, see `methods.weak`.

    Processes on V have constant weights: of them the stages of columns are the columns themselves.
    Those of a neuron's own move that neuron alone, so that their amplitudes are taken at the stages
    of all neurons at once; between neurons all else comes with the drift. Nothing is left out.
    """
    slope, total, ahead, stage = m.work[0], m.work[1], m.work[2], m.work[3]
    f(m, m.x, k, 0, slope)
    add(m, m.x, slope, 0.5 * h, stage)
    add_row(m, A_dW(m, k, 0), B0_2, stage[0])
    own_noise(m, m.x, dW(m, k, 0), B0_2, stage)
    f(m, stage, k, 1, total)
    add(m, m.x, slope, -h, stage)
    add(m, stage, total, 2.0 * h, stage)
    add_row(m, A_dW(m, k, 0), B0_3, stage[0])
    own_noise(m, m.x, dW(m, k, 0), B0_3, stage)
    f(m, stage, k, 2, ahead)
    add(m, ahead, total, 4.0, total)
    add(m, total, slope, 1.0, total)
    terms = m.dW.shape[2]
    if m.noisy and terms:
        now, up, down, change = m.columns[0], m.columns[1], m.columns[2], m.columns[3]
        weights, lane, used = m.columns[5], m.own.lane, m.own.lanes
        I, S, AI, AS = dW(m, k, 0), dW(m, k, 1), A_dW(m, k, 0), A_dW(m, k, 1)
        add(m, m.x, slope, A1 * h, ahead)
        noise_amplitudes(m.x, lanes(m), now, m.p, m.q, m.curves, m.ranges)
        alone = change  # until it is filled
        for i in range(terms):
            add(m, alone, alone, -1.0, alone)
            add_of(m, i, now, B1 * sqrt(h), alone)
            moved(m, ahead, alone, 1.0, stage)
            amplitudes(m, stage, i, up)
            moved(m, ahead, alone, -1.0, stage)
            amplitudes(m, stage, i, down)
        for e in range(m.process.size):
            dW_e = I[m.process[e]]
            own_stages(now[e], up[e], down[e], dW_e, h, change[e], weights[e], lane, used)
        parts = now  # which is not needed any more
        for i in range(terms):
            moves(weights, I, S, i, m.process, lanes(m), parts, lane, used)
            moved(m, m.x, parts, 1.0, stage)
            move_V(AI, AS, I[i], S[i], B2 / sqrt(h), stage[0], lane, used)
            amplitudes(m, stage, i, up)
            moved(m, m.x, parts, -1.0, stage)
            move_V(AI, AS, I[i], S[i], -B2 / sqrt(h), stage[0], lane, used)
            amplitudes(m, stage, i, down)
            for e in range(m.process.size):
                if m.process[e] == i:
                    other_stages(I[i], up[e], down[e], h, change[e], lane, used)
        add_columns(m.x, lanes(m), change, m.x, m.p, m.q, m.curves, m.ranges)
    add(m, m.x, total, h / 6.0, m.x)
    add_row(m, A_dW(m, k, 0), 1.0, m.x[0])


@maker
def flat_amplitudes(x, places, shape, p, q, curves, ranges):
    """root(R) of every noise term in every neuron, (terms, n_neurons), of a flat state."""
    state = np.empty(shape)
    put_in_rows(x, places, state)
    s = np.zeros((TERMS, shape[1]))
    noise_amplitudes(state, shape[1], s, p, q, curves, ranges)
    return s


@maker
def flat_correction(x, places, shape, p, q, curves, ranges):
    """1/2 sum_k (dg_k) g_k of a flat state (d,)."""
    state, out, flat = np.empty(shape), np.zeros(shape), np.empty(x.size)
    put_in_rows(x, places, state)
    add_ito_correction(state, shape[1], 1.0, out, p, q, curves, ranges)
    put_in_state(out, places, flat)
    return flat


@maker
def flat_drift(x, I, places, shape, trials, wiring, p, q, curves, ranges):
    """f of a flat state (d,), as sdeint and scipy call it, or of (d, trials) in one row."""
    lanes, n = shape[1], shape[1] // trials
    state, dx, flat = np.empty(shape), np.empty(shape), np.empty(x.size)
    put_in_rows(x, places, state)
    if OUTPUTS:
        make_outputs(state, lanes, p, q, curves, ranges)
    start, source, weight, blocks, block_weight = wiring
    u = np.empty(((start.size - 1) // n, lanes))
    couple(state, u, n, trials, start, source, weight, blocks, block_weight)
    drift(state, lanes, I, u, dx, p, q, curves, ranges)
    put_in_state(dx, places, flat)
    return flat


@stepper
def advance(m, kept, h, first, last, grid):
    """Make steps first ... last - 1 of those whose noise is there; `grid` is the grid step of 0.

    Returns
    -------
    The number of steps made: fewer if there is no room for another step's spikes, and negative if
    the last one gave a V that is not finite.
    """
    used = m.own.used
    spiking = kept.rule[0] == kept.rule[0]
    for k in range(first, last):
        if TIME:
            set_time(m, (grid + k) * h)
        full = spiking and kept.counts[0] + used > kept.spikes.shape[1]
        if stops(m.own, full):  # as all others do who share the block
            return k - first
        step(m, k, h)
        if not watched(m, kept, (grid + k) * h, h):
            leave(m.own)
            return first - k - 1
        if BOUNDED:
            bound(m.x, lanes(m), m.p, m.q, m.curves, m.ranges)
        send_and_receive(m, grid + k, h)
    close(m, h)
    return last - first
