"""What does not depend on the cell: currents, noise and synaptic sums for every lane."""

from typing import NamedTuple

import numpy as np

from hh_sde.kernels.jit import kernel


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


@kernel
def inject(I, trials, out):
    """The current of each neuron in all its trials."""
    for i in range(I.size):
        for k in range(trials):
            out[i * trials + k] = I[i]


@kernel
def is_diagonal(start, source):
    """True if row i holds one entry, in column i."""
    for i in range(start.size - 1):
        if start[i] != i or start[i + 1] != i + 1 or source[i] != i:
            return False
    return True


@kernel
def kicks(diagonal, start, source, weight, dW, trials, out):
    """out_i = sum_k A_ik dW_k in every trial, added up in the order of k."""
    n_neurons = start.size - 1
    if diagonal and trials == 1:
        for i in range(n_neurons):
            out[i] = weight[i] * dW[i]
    else:
        many_trials(dW, out, 0, n_neurons, trials, start, source, weight)


@kernel
def all_finite(V, lanes):
    """True if none of the first lanes of V is NaN or infinite."""
    bad = 0
    for i in range(lanes):
        bad |= not np.isfinite(V[i])
    return bad == 0


@kernel
def fill(flat, lanes, out):
    """Rows of `lanes` numbers one after the other in `flat`, into the rows of `out`."""
    for t in range(out.shape[0]):
        begin = t * lanes
        for i in range(lanes):
            out[t, i] = flat[begin + i]


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
