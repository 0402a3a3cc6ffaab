"""What is looked at after each step, and kept: spikes, states outside [0, 1], states at the saves.

Everything here is compiled once, not once for each model.
"""

from typing import NamedTuple

import numpy as np

from hh_sde.kernels.jit import shared


class Kept(NamedTuple):
    """What is kept of the steps of a window."""

    save_every: int
    rows: np.ndarray  # (k,): indices of the variables
    out: np.ndarray  # (saves, k, n_neurons * trials)
    free: tuple[int, int]  # rows that may leave [0, 1], from and up to
    rule: tuple[float, float, float]  # threshold, re-arm level, lockout; threshold nan: no spikes
    seen: np.ndarray  # (3, lanes): V before the step, 1 where a crossing counts, last spike
    spikes: np.ndarray  # (2, capacity): lanes and times of those found
    counts: np.ndarray  # (2,): spikes found, and states of gates seen outside [0, 1]


@shared("void(real[:], i64, f64, f64, f64, f64, f64, f64[:,:], f64[:,:], i64[:])")
def detect(V, used, time, h, threshold, rearm, lockout, seen, spikes, counts):
    """Spikes between `time` and `time + h`, as `hh_sde.measures.spikes` defines them."""
    before, armed, last_spike = seen[0], seen[1], seen[2]
    crossed = 0
    for i in range(used):
        crossed |= (before[i] < threshold) & (V[i] >= threshold)
    if crossed:
        for i in range(used):
            if before[i] < threshold and V[i] >= threshold and armed[i] > 0.0:
                armed[i] = 0.0
                fraction = (threshold - before[i]) / (V[i] - before[i])
                spike = time + fraction * h
                if spike - last_spike[i] >= lockout:
                    last_spike[i] = spike
                    spikes[0, counts[0]] = i
                    spikes[1, counts[0]] = spike
                    counts[0] += 1
    for i in range(used):
        armed[i] = 1.0 if V[i] < rearm else armed[i]
        before[i] = V[i]


@shared(
    "bool(real[:,:], i64, i64, i64, f64, f64, f64, f64, f64, f64[:,:], f64[:,:], i64[:])"
)  # fmt: skip
def watch(x, used, free_from, free_to, time, h, threshold, rearm, lockout, seen, spikes, counts):
    """Look at the state after the step from `time`; False if a V is not finite."""
    V = x[0]
    bad = 0
    for i in range(used):
        bad |= not np.isfinite(V[i])
    if bad:
        return False
    for v in range(1, x.shape[0]):
        if not free_from <= v < free_to:
            outside = 0
            for i in range(used):
                outside += (x[v, i] < 0.0) | (x[v, i] > 1.0)
            counts[1] += outside
    if threshold == threshold:
        detect(V, used, time, h, threshold, rearm, lockout, seen, spikes, counts)
    return True


@shared("bool(real[:,:], i64, i64[:], real[:,:,:], i64)")
def save(x, used, rows, out, number):
    """Rows of the state into a save; False if a variable is not finite."""
    # a gate that is not finite makes V so in the next step; a saved state is seen whole
    bad = 0
    for v in range(1, x.shape[0]):
        for i in range(used):
            bad |= not np.isfinite(x[v, i])
    if bad:
        return False
    for k in range(rows.size):
        for i in range(used):
            out[number, k, i] = x[rows[k], i]
    return True
