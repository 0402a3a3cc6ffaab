"""What is looked at after each step, and kept: spikes, states outside [0, 1], states at the saves.

Everything here is compiled once, not once for each model.
"""

from typing import NamedTuple

import numpy as np

from hh_sde.kernels.jit import expression, shared


class Kept(NamedTuple):
    """What is kept of the steps of a window."""

    save_every: int
    closes: bool  # whether the state to save is the one that `advance` leaves in Lanes.work[1]
    rows: np.ndarray  # (k,): indices of the variables
    out: np.ndarray  # (saves, k, n_neurons * trials)
    bounded: np.ndarray  # (k, 3): what must stay in [0, 1]: row, first lane, lanes
    looked_at: int  # rows that must be finite after each step: V, which all else in a neuron moves
    rule: tuple[float, float, float]  # threshold, re-arm level, lockout; threshold nan: no spikes
    seen: np.ndarray  # (3, lanes): V before the step, 1 where a crossing counts, last spike
    spikes: np.ndarray  # (2, capacity): lanes and times of those found
    counts: np.ndarray  # (2,): spikes found, and states of gates seen outside [0, 1]


@expression
def detect(V, first, used, lanes, time, h, threshold, rearm, lockout, seen, spikes, room, counts):
    """Spikes between `time` and `time + h`, as `hh_sde.measures.spikes` defines them."""
    crossed = 0
    for i in range(first, first + used):
        crossed |= (seen[i] < threshold) & (V[i] >= threshold)
    if crossed:
        for i in range(first, first + used):
            if seen[i] < threshold and V[i] >= threshold and seen[lanes + i] > 0.0:
                seen[lanes + i] = 0.0
                fraction = (threshold - seen[i]) / (V[i] - seen[i])
                spike = time + fraction * h
                if spike - seen[2 * lanes + i] >= lockout:
                    seen[2 * lanes + i] = spike
                    spikes[counts[0]] = i
                    spikes[room + counts[0]] = spike
                    counts[0] += 1
    for i in range(first, first + used):
        seen[lanes + i] = 1.0 if V[i] < rearm else seen[lanes + i]
        seen[i] = V[i]


@shared(
    "bool(real*, i64, i64, i64, i64, i64[:,:], f64, f64, f64, f64, f64, f64*, f64*, i64, i64*)"
)  # fmt: skip
def watch(
    x, lanes, first, used, rows, bounded, time, h, threshold, rearm, lockout, seen, spikes, room,
    counts,
):  # fmt: skip
    """Look at the state after the step from `time`; False if one of the first rows is not finite.

    The arrays are those of `Kept`, spikes (2, room) and seen (3, lanes).
    """
    bad = 0
    for v in range(rows):
        for i in range(v * lanes + first, v * lanes + first + used):
            bad |= not np.isfinite(x[i])
    if bad:
        return False
    outside = 0
    for k in range(bounded.shape[0]):
        begin = bounded[k, 0] * lanes + bounded[k, 1]
        for i in range(begin, begin + bounded[k, 2]):
            outside += (x[i] < 0.0) | (x[i] > 1.0)
    counts[1] += outside
    if threshold == threshold:
        detect(
            x, first, used, lanes, time, h, threshold, rearm, lockout, seen, spikes, room, counts
        )
    return True


@expression
def watched(m, kept, time, h):
    """`watch` for the lanes m."""
    return watch(
        m.x, m.x.shape[1], m.own.lane, m.own.used, kept.looked_at, kept.bounded, time, h,
        kept.rule[0], kept.rule[1], kept.rule[2], kept.seen, kept.spikes, kept.spikes.shape[1],
        kept.counts,
    )  # fmt: skip


@shared("bool(real[:,:], i64, i64, i64[:], real[:,:,:], i64)")
def save(x, first, used, rows, out, number):
    """Rows of the state into a save; False if a variable is not finite."""
    # a gate that is not finite makes V so in the next step; a saved state is seen whole
    bad = 0
    for v in range(1, x.shape[0]):
        for i in range(first, first + used):
            bad |= not np.isfinite(x[v, i])
    if bad:
        return False
    for k in range(rows.size):
        for i in range(first, first + used):
            out[number, k, i] = x[rows[k], i]
    return True
