"""What does not depend on the cell: inputs, synaptic sums and what is kept of every lane.

Everything here is compiled once, not once for each model. The loops are explicit: a slice that is
assigned to makes numba compile what would write its error message, which takes longer than the
loops of a model.
"""

from typing import NamedTuple

import numpy as np

from hh_sde.kernels.jit import expression, kernel


class Lanes(NamedTuple):
    """A block of lanes in one step: its state, its inputs, and its model's numbers.

    Trials are fastest: lane = neuron * trials + trial. Rows are padded to a multiple of 8.
    """

    x: np.ndarray  # (variables, lanes)
    I: np.ndarray  # (nodes, lanes): injected current at the step's nodes
    u: np.ndarray  # (inputs, lanes): synaptic and gap sums
    kick: np.ndarray  # (2, lanes): A dW, and a second one where the scheme asks for it
    xi: np.ndarray  # (2, terms, lanes): the same for the lanes' own processes, without A
    areas: np.ndarray  # (terms + 1, terms, lanes): I_(l,k), and A I_(.,k) for the current noise
    work: np.ndarray  # (4, variables, lanes)
    n_neurons: int
    trials: int
    first_synapse: int  # its row in x
    start: np.ndarray  # links
    source: np.ndarray
    weight: np.ndarray
    p: np.ndarray
    q: np.ndarray
    curves: np.ndarray
    noisy: bool  # False where the noise is ignored: corrections for it are then left out


class Equations(NamedTuple):
    """The numbers of a model, for the trials of a block."""

    n_neurons: int
    trials: int
    first_synapse: int  # its row in the state
    start: np.ndarray  # links
    source: np.ndarray
    weight: np.ndarray
    p: np.ndarray
    q: np.ndarray
    curves: np.ndarray


class Inputs(NamedTuple):
    """What drives the steps of a window."""

    I: np.ndarray  # (nodes, steps or 1, n_neurons): currents; one step if they are constant
    dW: np.ndarray  # (steps, 1 or 2, processes * trials): see `steps`; first those of noise on V
    areas: np.ndarray  # (steps or 0, terms + 1, terms, n_neurons * trials)
    start: np.ndarray  # Connectivity, rows of A: dV_i gets sum_k A_ik dW_k
    source: np.ndarray
    weight: np.ndarray
    diagonal: bool  # row i of A holds one entry, in column i


class Kept(NamedTuple):
    """What is kept of the steps of a window: states at the saves, spikes, excursions."""

    save_every: int
    rows: np.ndarray  # (k,): indices of the variables
    out: np.ndarray  # (saves, k, n_neurons * trials)
    free: np.ndarray  # (2,): rows that may leave [0, 1], from and up to
    rule: np.ndarray  # (3,): threshold, re-arm level, lockout; threshold nan: no spikes wanted
    armed: np.ndarray  # (lanes,): the state of the detection
    last_spike: np.ndarray  # (lanes,)
    before: np.ndarray  # (lanes,): V before the step
    event_lane: np.ndarray  # (capacity,): spikes found
    event_time: np.ndarray
    counts: np.ndarray  # (2,): spikes found, and states of gates seen outside [0, 1]


@kernel
def couple(x, u, first_synapse, n_neurons, trials, start, source, weight):
    """Synaptic sums W s of the state x, and gap sums W V after them, into u.

    u_i = sum_j W_ij s_j in every trial, added up in the order of j.
    """
    n_synapses = x.shape[0] - first_synapse
    for s in range(u.shape[0]):
        row = first_synapse + s if s < n_synapses else 0
        if trials == 1:
            one_trial(x[row], u[s], s * n_neurons, n_neurons, start, source, weight)
        else:
            many_trials(x[row], u[s], s * n_neurons, n_neurons, trials, start, source, weight)


@kernel
def one_trial(s, out, first_row, n_neurons, start, source, weight):
    """W s where a lane is a neuron. Unsigned indices spare the look at each for being negative."""
    for i in range(n_neurons):
        total = 0.0
        end = np.uint64(start[first_row + i + 1])
        e = np.uint64(start[first_row + i])
        while e < end:
            total += weight[e] * s[np.uint64(source[e])]
            e += np.uint64(1)
        out[i] = total


@kernel
def many_trials(s, out, first_row, n_neurons, trials, start, source, weight):
    """W s for all trials of each neuron at once."""
    for i in range(n_neurons):
        target = out[i * trials : (i + 1) * trials]
        for k in range(trials):
            target[k] = 0.0
        for e in range(start[first_row + i], start[first_row + i + 1]):
            w = weight[e]
            begin = source[e] * trials
            terms = s[begin : begin + trials]
            for k in range(trials):
                target[k] += w * terms[k]


@expression
def lanes_of(x, e, inputs, terms):
    """The lanes of a block, with room made here: LLVM then knows that it does not overlap."""
    lanes = x.shape[1]
    return Lanes(
        x,
        np.zeros((inputs.I.shape[0], lanes)),
        np.zeros(((e.start.size - 1) // e.n_neurons, lanes)),
        np.zeros((2, lanes)),
        np.zeros((2, terms, lanes)),
        np.zeros((inputs.areas.shape[1], inputs.areas.shape[2], lanes)),
        np.empty((4, x.shape[0], lanes)),
        e.n_neurons,
        e.trials,
        e.first_synapse,
        e.start,
        e.source,
        e.weight,
        e.p,
        e.q,
        e.curves,
        inputs.dW.shape[2] > 0,
    )


@kernel
def kicks(diagonal, start, source, weight, dW, n_neurons, trials, out):
    """out_i = sum_k A_ik dW_k in every trial, added up in the order of k."""
    if diagonal and trials == 1:
        for i in range(n_neurons):
            out[i] = weight[i] * dW[i]
    else:
        many_trials(dW, out, 0, n_neurons, trials, start, source, weight)


@kernel
def inject(I, trials, out):
    """The current of each neuron in all its trials."""
    for i in range(I.size):
        for k in range(trials):
            out[i * trials + k] = I[i]


@kernel
def copy(row, out):
    """The numbers of a row, which may be shorter than `out`."""
    for i in range(row.size):
        out[i] = row[i]


@kernel
def fill(flat, begin, used, out):
    """Rows of `used` numbers one after the other in `flat`, into the rows of `out`."""
    for t in range(out.shape[0]):
        first = begin + t * used
        for i in range(used):
            out[t, i] = flat[first + i]


@kernel
def save(x, used, rows, out):
    """Rows of the state into a save; False if a variable is not finite."""
    # a gate that is not finite makes V so in the next step; a saved state is seen whole
    for v in range(1, x.shape[0]):
        if not all_finite(x[v], used):
            return False
    for k in range(rows.size):
        row = x[rows[k]]
        for i in range(used):
            out[k, i] = row[i]
    return True


@kernel
def all_finite(V, lanes):
    """True if none of the first lanes of V is NaN or infinite."""
    bad = 0
    for i in range(lanes):
        bad |= not np.isfinite(V[i])
    return bad == 0


@kernel
def excursions(x, free, lanes):
    """How many gates and states (all but V and the free rows) are outside [0, 1]."""
    count = 0
    for v in range(1, x.shape[0]):
        if free[0] <= v < free[1]:
            continue
        row = x[v]
        for i in range(lanes):
            count += (row[i] < 0.0) | (row[i] > 1.0)
    return count


@kernel
def detect(before, V, lanes, time, h, rule, armed, last_spike, event_lane, event_time, counts):
    """Spikes between `time` and `time + h`, as `hh_sde.measures.spikes` defines them."""
    threshold, rearm, lockout = rule[0], rule[1], rule[2]
    crossed = 0
    for i in range(lanes):
        crossed |= (before[i] < threshold) & (V[i] >= threshold)
    if crossed:
        for i in range(lanes):
            if before[i] < threshold and V[i] >= threshold and armed[i]:
                armed[i] = False
                fraction = (threshold - before[i]) / (V[i] - before[i])
                spike = time + fraction * h
                if spike - last_spike[i] >= lockout:
                    last_spike[i] = spike
                    event_lane[counts[0]] = i
                    event_time[counts[0]] = spike
                    counts[0] += 1
    for i in range(lanes):
        armed[i] |= V[i] < rearm
