"""The Markov chain of ion channels coupled to V, exactly: Gillespie (1977), with thinning.

Between two transitions V relaxes monotonically towards V_inf. It is kept in a band: there no rate
is above its largest value at the band's two ends, since all rates are monotone in V, and Poisson
events drawn with the largest rates are kept with the probability rate(V)/largest. Where V reaches
an end of its band, or the grid of the output a point, the event drawn is forgotten and another
drawn, which changes nothing in law: Poisson events have no memory.

References
----------
Gillespie (1977), J. Phys. Chem. 81, 2340, doi:10.1021/j100540a008 (the direct method: propensities,
and the choice among them).
Lewis & Shedler (1979), Nav. Res. Logist. Q. 26, 403, doi:10.1002/nav.3800260304 (thinning).
Anderson, Ermentrout & Thomas (2015), J. Comput. Neurosci. 38, 67, doi:10.1007/s10827-014-0528-2
(propensities that change with V between the transitions of channels).
"""

from typing import NamedTuple

import numpy as np

from hh_sde.kernels.elementary import decayed, log
from hh_sde.kernels.jit import call_void, expression, kernel, maker
from hh_sde.kernels.random import waits_and_choices
from hh_sde.kernels.rows import row

BAND = 1.0  # mV
TOO_FAR = 1e9  # mV
TOO_OFTEN = 1e12  # transitions in a ms: a run that would not end
FEW, MANY = 8, 32  # random numbers made at a time: first, and then
NO_BAND = -(2**62)


class Chain(NamedTuple):
    """The Markov chain of all channels of a neuron: their states in one row of counts.

    A class of transitions is what one kind of subunit does: class 2 k, gate k opens; 2 k + 1, it
    closes. The class's transitions are entries start[class] to start[class + 1].
    """

    C: np.ndarray  # (n_neurons,)
    leak: np.ndarray  # (2, n_neurons): sums of g and of g E over the channels without gates
    g_single: np.ndarray  # (channels, n_neurons): g of one channel
    E: np.ndarray  # (channels, n_neurons)
    conducting: np.ndarray  # (channels,): their open states
    conducts: np.ndarray  # (states,) bool: whether it is one of those
    number: np.ndarray  # (states, n_neurons): of the channels that the state belongs to
    start: np.ndarray  # (classes + 1,)
    source: np.ndarray  # (transitions,)
    target: np.ndarray  # (transitions,)
    multiplicity: np.ndarray  # (transitions,): rate over that of one subunit
    by_tau: np.ndarray  # (gates,) bool: x_inf and tau are monotone in V, not alpha and beta


class GateRates(NamedTuple):
    """The loop of a model that gives alpha and beta of its gates, and the numbers that it takes."""

    address: int
    p: np.ndarray
    q: np.ndarray  # (rows, n_neurons)
    curves: np.ndarray


class Pieces(NamedTuple):
    """A window of time, cut at the points of the output grid and at jumps of the current."""

    edges: np.ndarray  # (pieces + 1,) ms
    steps: np.ndarray  # (pieces,): step of the output grid
    saves: np.ndarray  # (pieces,): number of the save at its end, or -1
    current: np.ndarray  # (pieces or 1, n_neurons)


class ChainLanes(NamedTuple):
    """The states of all lanes: lane = neuron * trials + trial. All but the address change."""

    V: np.ndarray  # (lanes,)
    counts: np.ndarray  # (lanes, states) of int: channels in each state
    armed: np.ndarray  # (lanes,) of bool: whether the next crossing is a spike
    last_spike: np.ndarray  # (lanes,) ms
    n_transitions: np.ndarray  # (lanes,) of int
    key: np.ndarray  # (2,), with the trials' numbers the address of the random numbers
    trials: np.ndarray  # (trials,)
    first_neuron: int  # the number of the first of these neurons in the network


class ChainKept(NamedTuple):
    """What is kept of a window."""

    rows: np.ndarray  # (k,): indices of the variables
    out: np.ndarray  # (saves, k, lanes)
    rule: np.ndarray  # (3,): threshold, re-arm level, lockout; threshold nan: no spikes
    spike_lane: np.ndarray  # (capacity,)
    spike_time: np.ndarray  # (capacity,)
    found: np.ndarray  # (1,): spikes, also those for which there was no room


class Relaxation(NamedTuple):
    """V between two transitions: dV/dt = rate (V_inf - V), or `slope` where no channel conducts."""

    V_inf: float
    rate: float
    slope: float


class Work(NamedTuple):
    """What is worked out for one lane at a time."""

    free: np.ndarray  # (classes,): subunits that can make the transitions of each class
    lower: np.ndarray  # (classes,): bounds of the rate of one subunit over the band
    upper: np.ndarray
    band: np.ndarray  # (1,): whose bounds these are
    waits: np.ndarray  # (MANY,): exponential numbers of mean 1
    choices: np.ndarray  # (MANY,): uniform ones
    drawn: np.ndarray  # (3,): the draws that these are, from, up to; and the next one
    V: np.ndarray  # (1, 2)
    alphas: np.ndarray  # (gates, 2): at V, or at one V in the first (gates,) of the memory
    betas: np.ndarray
    q: np.ndarray  # (rows, 2): the numbers of this neuron, for two V
    q_one: np.ndarray  # (rows, 1): and for one


# -- V -----------------------------------------------------------------------------------------


@expression
def relaxation(count, chain, neuron, J):
    """The relaxation of V with so many channels in each state.

    J is the current at V = 0 that there is without the channels that are counted.
    """
    G = chain.leak[0, neuron]
    for c in range(chain.conducting.size):
        g = chain.g_single[c, neuron] * count[chain.conducting[c]]
        G += g
        J += g * chain.E[c, neuron]
    C = chain.C[neuron]
    return Relaxation(J / G if G > 0.0 else np.inf * J, G / C, J / C)


@expression
def relaxed_V(V, relaxing, tau):
    """V after a time tau without transitions."""
    if relaxing.rate > 0.0:
        return V + (relaxing.V_inf - V) * decayed(relaxing.rate * tau)
    return V + relaxing.slope * tau


@expression
def time_to(level, V, relaxing):
    """When V is at a level between V and V_inf."""
    if relaxing.rate > 0.0:
        return log((relaxing.V_inf - V) / (relaxing.V_inf - level)) / relaxing.rate
    return (level - V) / relaxing.slope


@expression
def add_spike(time, lane, lanes, kept):
    """A spike, if it does not come too soon after the last one; see `watch.detect`."""
    if time - lanes.last_spike[lane] >= kept.rule[2]:
        lanes.last_spike[lane] = time
        if kept.found[0] < kept.spike_time.size:
            kept.spike_lane[kept.found[0]] = lane
            kept.spike_time[kept.found[0]] = time
        kept.found[0] += 1  # also of those for which there is no room


# -- propensities ------------------------------------------------------------------------------


@expression
def count_free_subunits(count, chain, free):
    """How many subunits could open and close, of each gate."""
    for c in range(free.size):
        free[c] = 0.0
        for e in range(chain.start[c], chain.start[c + 1]):
            free[c] += count[chain.source[e]] * chain.multiplicity[e]


@expression
def rates_at(V, gate_rates, alphas, betas, q, many):
    """alpha and beta of every gate at `many` V."""
    call_void(
        gate_rates.address,
        (
            row(V, 0, 0, "any"), many, many, row(alphas, 0, 0, "any"), row(betas, 0, 0, "any"),
            row(gate_rates.p, 0, 0, "any"), row(q, 0, 0, "any"),
            row(gate_rates.curves, 0, 0, "any"),
        ),
    )  # fmt: skip


@kernel
def bound_rates(band, chain, gate_rates, work):
    """Bounds of the rates of one subunit, for each class, over a band of V."""
    work.band[0] = band
    work.V[0, 0] = band * BAND
    work.V[0, 1] = (band + 1) * BAND
    rates_at(work.V, gate_rates, work.alphas, work.betas, work.q, np.int64(2))
    a, b, lower, upper = work.alphas, work.betas, work.lower, work.upper
    for g in range(chain.by_tau.size):
        if chain.by_tau[g]:  # alpha = x_inf/tau, beta = (1 - x_inf)/tau
            shorter = 1.0 / max(a[g, 0] + b[g, 0], a[g, 1] + b[g, 1])
            longer = 1.0 / min(a[g, 0] + b[g, 0], a[g, 1] + b[g, 1])
            first = a[g, 0] / (a[g, 0] + b[g, 0])
            second = a[g, 1] / (a[g, 1] + b[g, 1])
            upper[2 * g] = max(first, second) / shorter
            lower[2 * g] = min(first, second) / longer
            upper[2 * g + 1] = (1.0 - min(first, second)) / shorter
            lower[2 * g + 1] = (1.0 - max(first, second)) / longer
        else:
            upper[2 * g] = max(a[g, 0], a[g, 1])
            lower[2 * g] = min(a[g, 0], a[g, 1])
            upper[2 * g + 1] = max(b[g, 0], b[g, 1])
            lower[2 * g + 1] = min(b[g, 0], b[g, 1])


@kernel
def rate_at(V, c, gate_rates, work):
    """The rate of one subunit of class c."""
    work.V[0, 0] = V
    rates_at(work.V, gate_rates, work.alphas, work.betas, work.q_one, np.int64(1))
    rates = work.alphas if c % 2 == 0 else work.betas
    return row(rates, 0, 0, "any")[c // 2]


@expression
def total_propensity(work):
    """The sum a_0 of all propensities, at their bounds."""
    a_0 = 0.0
    for c in range(work.free.size):
        a_0 += work.free[c] * work.upper[c]
    return a_0


# -- events ------------------------------------------------------------------------------------


@expression
def next_event(a_0, step, lane, lanes, work):
    """When the next event comes, and where in [0, a_0) its choice falls."""
    drawn, trials = work.drawn, lanes.trials
    if drawn[2] == drawn[1]:
        size = FEW if drawn[1] == 0 else MANY
        drawn[0], drawn[1] = drawn[2], drawn[2] + size
        waits_and_choices(
            lanes.key, drawn[0], size, step, lanes.first_neuron + lane // trials.size,
            trials[lane % trials.size], work.waits, work.choices,
        )  # fmt: skip
    k = drawn[2] - drawn[0]
    drawn[2] += 1
    return work.waits[k] / a_0, work.choices[k] * a_0


@expression
def choose_class(choice, work):
    """The class of transitions whose propensity the choice falls into, and where in it.

    (-1, 0) if it falls into none, since the sum of the propensities was rounded.
    """
    c = 0
    propensity = work.free[0] * work.upper[0]
    while choice >= propensity and c < work.free.size - 1:
        choice -= propensity
        c += 1
        propensity = work.free[c] * work.upper[c]
    if choice < propensity:
        return c, choice
    return -1, 0.0


@expression
def choose_transition(c, subunit, count, chain):
    """The transition of a class to which this one of its free subunits belongs."""
    e, last = chain.start[c], chain.start[c + 1] - 1
    while e < last:
        free = count[chain.source[e]] * chain.multiplicity[e]
        if subunit < free:
            break
        subunit -= free
        e += 1
    return e


@expression
def make_transition(c, e, count, chain, work):
    """One channel changes its state; whether that changes what conducts."""
    source, target = chain.source[e], chain.target[e]
    count[source] -= 1
    count[target] += 1
    work.free[c] -= 1.0
    work.free[c ^ 1] += 1.0
    return chain.conducts[source] or chain.conducts[target]


@expression
def happens(V, choice, c, gate_rates, work):
    """Whether the event is kept, and the subunit whose transition it is.

    Where in its subunit's share of the propensity the choice fell is uniform again.
    """
    share = choice / work.upper[c]
    subunit = min(np.int64(share), np.int64(work.free[c]) - 1)
    level = (share - subunit) * work.upper[c]
    return level <= work.lower[c] or level <= rate_at(V, c, gate_rates, work), subunit


# -- lanes -------------------------------------------------------------------------------------


@kernel
def advance(lane, piece, pieces, chain, gate_rates, lanes, kept, work):
    """One lane over one piece; False if V or the propensities go beyond all bounds."""
    neuron, count = lane // lanes.trials.size, lanes.counts[lane]
    threshold, rearm = kept.rule[0], kept.rule[1]  # nan: nothing compares
    V, armed = lanes.V[lane], lanes.armed[lane]
    J = pieces.current[piece if pieces.current.shape[0] > 1 else 0, neuron] + chain.leak[1, neuron]
    relaxing = relaxation(count, chain, neuron, J)
    remaining = pieces.edges[piece + 1] - pieces.edges[piece]
    band = np.int64(np.floor(V / BAND)) if abs(V) < TOO_FAR else NO_BAND
    bounded = False
    while band != NO_BAND:
        if band != work.band[0]:
            bound_rates(band, chain, gate_rates, work)
        low, high = band * BAND, (band + 1) * BAND
        a_0 = total_propensity(work)
        bounded = a_0 < TOO_OFTEN
        if not bounded:
            break
        wait, choice = next_event(a_0, pieces.steps[piece], lane, lanes, work)
        tau = min(wait, remaining)
        V_next = relaxed_V(V, relaxing, tau)
        crosses = (V_next > high and relaxing.V_inf > high) or (
            V_next < low and relaxing.V_inf < low
        )
        if crosses:
            end = high if V_next > high else low
            tau = min(max(time_to(end, V, relaxing), 0.0), tau)
            band += 1 if V_next > high else -1
            V_next = end
        if armed and V < threshold <= V_next:
            time = min(time_to(threshold, V, relaxing), tau)
            add_spike(time + (pieces.edges[piece + 1] - remaining), lane, lanes, kept)
            armed = False
        armed = armed or V_next < rearm
        V = V_next
        if crosses:
            remaining -= tau
            continue
        if not wait < remaining:
            break
        remaining -= wait
        c, choice = choose_class(choice, work)
        if c < 0:
            continue
        kept_event, subunit = happens(V, choice, c, gate_rates, work)
        if kept_event:
            lanes.n_transitions[lane] += 1
            e = choose_transition(c, subunit, count, chain)
            if make_transition(c, e, count, chain, work):
                relaxing = relaxation(count, chain, neuron, J)
    lanes.V[lane], lanes.armed[lane] = V, armed
    return bounded


@kernel
def save_lane(save, lane, chain, lanes, kept):
    """V and fractions of channels into one save."""
    neuron = lane // lanes.trials.size
    for r in range(kept.rows.size):
        state = kept.rows[r] - 1
        fraction = lanes.counts[lane, state] / chain.number[state, neuron]
        kept.out[save, r, lane] = lanes.V[lane] if state < 0 else fraction


@maker
def room_to_work(chain, rows):
    """`Work`, with nothing in it."""
    classes = chain.start.size - 1
    return Work(
        free=np.empty(classes),
        lower=np.empty(classes),
        upper=np.empty(classes),
        band=np.empty(1, np.int64),
        waits=np.empty(MANY),
        choices=np.empty(MANY),
        drawn=np.zeros(3, np.int64),
        V=np.empty((1, 2)),
        alphas=np.empty((classes // 2, 2)),
        betas=np.empty((classes // 2, 2)),
        q=np.empty((rows, 2)),
        q_one=np.empty((rows, 1)),
    )


@maker
def gillespie_window(first, last, lanes, pieces, chain, gate_rates, kept):
    """The chain of lanes first ... last - 1 over the pieces of time.

    Returns
    -------
    (step, lane) of the first failure, the lane then being left where it failed; (-1, -1): none.
    """
    work = room_to_work(chain, gate_rates.q.shape[0])
    failed_step, failed_lane = -1, -1
    for lane in range(first, last):
        for k in range(work.q.shape[0]):
            work.q[k] = work.q_one[k] = gate_rates.q[k, lane // lanes.trials.size]
        work.band[0] = NO_BAND
        count_free_subunits(lanes.counts[lane], chain, work.free)
        for piece in range(pieces.steps.size):
            step = pieces.steps[piece]
            if piece == 0 or step != pieces.steps[piece - 1]:
                work.drawn[:] = 0
            if not advance(lane, piece, pieces, chain, gate_rates, lanes, kept, work):
                if failed_lane < 0 or step < failed_step:
                    failed_step, failed_lane = step, lane
                break
            if pieces.saves[piece] >= 0:
                save_lane(pieces.saves[piece], lane, chain, lanes, kept)
    return failed_step, failed_lane
