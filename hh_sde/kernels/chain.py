# ruff: noqa: F821
# mypy: disable-error-code="name-defined"
"""The Markov chain of ion channels coupled to V, simulated exactly.

`equations.template` puts the text below the mark behind a model's loops, so that `gate_rates` is
that model's own; it is not run from here.

Between two transitions V goes exactly and without turning to where the open channels draw it. V is
kept in a band: there no rate is above its largest value at the band's two ends, since all rates are
monotone in V, and Poisson events drawn with the largest rates are kept with the probability
rate(V)/largest (thinning: Lewis & Shedler 1979, Nav. Res. Logist. Q. 26, 403,
doi:10.1002/nav.3800260304). Where V reaches an end of its band, or the grid of the output a point,
the event drawn is forgotten and another drawn, which changes nothing in law: Poisson events have no
memory.
"""

import numpy as np

from hh_sde.kernels.elementary import decayed, log
from hh_sde.kernels.jit import kernel, maker
from hh_sde.kernels.random import waits_and_choices

# -- the steps --

BAND = 1.0  # mV
TOO_FAR = 1e9  # mV
TOO_OFTEN = 1e12  # transitions in a ms: a run that would not end
FEW, MANY = 8, 32  # random numbers made at a time: first, and then


@kernel
def weigh(count, chain, weight):
    """How many subunits could open and close, for each gate: the weights of its two classes."""
    for c in range(weight.size):
        weight[c] = 0.0
        for e in range(chain.start[c], chain.start[c + 1]):
            weight[c] += count[chain.source[e]] * chain.multiplicity[e]


@kernel
def course(count, conducting, unit, E, G, J, C):
    """(target, k, slope) of V: dV/dt = k (target - V), or the slope where no channel conducts.

    G and J are the conductance and the current at V = 0 that there always are.
    """
    for c in range(conducting.size):
        g = unit[c] * count[conducting[c]]
        G += g
        J += g * E[c]
    return (J / G if G > 0.0 else np.inf * J), G / C, J / C


@kernel
def moved(V, target, k, slope, tau):
    """V after a time tau without transitions."""
    if k > 0.0:
        return V + (target - V) * decayed(k * tau)
    return V + slope * tau


@kernel
def time_to(level, V, target, k, slope):
    """When V is at a level between V and the target."""
    if k > 0.0:
        return log((target - V) / (target - level)) / k
    return (level - V) / slope


@kernel
def limit_rates(band, chain, pair, a, b, p, q, curves, largest, smallest):
    """Bounds of the rates of one subunit, for each class, over a band of V."""
    pair[0, 0] = band * BAND
    pair[0, 1] = (band + 1) * BAND
    gate_rates(pair, 2, a, b, p, q, curves)
    for g in range(chain.by_tau.size):
        if chain.by_tau[g]:  # alpha = x_inf/tau, beta = (1 - x_inf)/tau
            shorter = 1.0 / max(a[g, 0] + b[g, 0], a[g, 1] + b[g, 1])
            longer = 1.0 / min(a[g, 0] + b[g, 0], a[g, 1] + b[g, 1])
            first = a[g, 0] / (a[g, 0] + b[g, 0])
            second = a[g, 1] / (a[g, 1] + b[g, 1])
            largest[2 * g] = max(first, second) / shorter
            smallest[2 * g] = min(first, second) / longer
            largest[2 * g + 1] = (1.0 - min(first, second)) / shorter
            smallest[2 * g + 1] = (1.0 - max(first, second)) / longer
        else:
            largest[2 * g] = max(a[g, 0], a[g, 1])
            smallest[2 * g] = min(a[g, 0], a[g, 1])
            largest[2 * g + 1] = max(b[g, 0], b[g, 1])
            smallest[2 * g + 1] = min(b[g, 0], b[g, 1])


@kernel
def note_spike(spike, lockout, lane, last_spike, lanes, times, found):
    """A spike, if it does not come too soon after the last one; see `coupling.detect`."""
    if spike - last_spike[lane] >= lockout:
        last_spike[lane] = spike
        if found[0] < times.size:
            lanes[found[0]] = lane
            times[found[0]] = spike
        found[0] += 1  # also of those for which there is no room


@kernel
def chosen_source(which, e, last, count, source, multiplicity):
    """Of the transitions e ... last, the one to which subunit number `which` belongs."""
    while e < last:
        part = count[source[e]] * multiplicity[e]
        if which < part:
            break
        which -= part
        e += 1
    return e


@kernel
def save_lane(V, count, neuron, lane, chain, rows, out):
    """V and fractions of channels into one save (kept rows, lanes)."""
    for r in range(rows.size):
        row = rows[r]
        out[r, lane] = V if row == 0 else count[row - 1] / chain.number[row - 1, neuron]


@maker
def gillespie_window(
    first, last, V, counts, edges, steps, saves, current, chain, p, q, curves, key, trials, rows,
    out, rule, armed, last_spike, event_lane, event_time, found, fired,
):  # fmt: skip
    """The chain of lanes first ... last - 1 over the pieces of time between `edges`.

    Parameters
    ----------
    V : (lanes,) array, overwritten
    counts : (lanes, states) int array, overwritten: channels in each state
    edges : (pieces + 1,) array, ms: the points of the output grid, and jumps of the current
    steps : (pieces,) array: to which step of the output grid a piece belongs
    saves : (pieces,) array: which save its end is; -1: none
    current : (pieces or 1, n_neurons) array
    chain : ChainTable
    key, trials : address of the random numbers
    rows : (k,) indices of the variables to keep
    out : (saves, k, lanes) array
    rule, armed, last_spike, event_lane, event_time : as in `steps.window`
    found : (1,) int array: spikes, also those for which there was no room
    fired : (lanes,) int array: transitions, added up

    Returns
    -------
    (step, lane) of the first failure, the lane then being left as it was; (-1, -1): none.
    """
    classes = chain.start.size - 1
    weight = np.empty(classes)
    largest = np.empty(classes)
    smallest = np.empty(classes)
    waits = np.empty(MANY)
    choices = np.empty(MANY)
    at_V = np.empty((1, 1))
    at_ends = np.empty((1, 2))
    alpha, beta = np.empty((2, classes // 2, 1))
    alphas, betas = np.empty((2, classes // 2, 2))
    numbers = np.empty((q.shape[0], 2))
    conducting, conducts = chain.conducting, chain.conducts
    start, source, goal = chain.start, chain.source, chain.target
    multiplicity = chain.multiplicity
    threshold, rearm = rule[0], rule[1]  # nan: no spikes wanted, and nothing compares
    failed_step, failed_lane = -1, -1
    for lane in range(first, last):
        neuron, member = lane // trials.size, lane % trials.size
        numbers[:, 0] = q[:, neuron]
        numbers[:, 1] = q[:, neuron]
        one = numbers[:, :1].copy()
        count = counts[lane]
        unit, E = chain.g_single[:, neuron].copy(), chain.E[:, neuron].copy()
        G, C = chain.leak[0, neuron], chain.C[neuron]
        weigh(count, chain, weight)
        v = V[lane]
        primed = armed[lane]
        known = np.int64(-(2**62))  # the band whose rates are at hand
        transitions = 0
        draw, ready, made = 0, 0, 0
        for piece in range(steps.size):
            if piece == 0 or steps[piece] != steps[piece - 1]:
                draw, ready, made = 0, 0, 0
            I = current[piece if current.shape[0] > 1 else 0, neuron] + chain.leak[1, neuron]
            target, k, slope = course(count, conducting, unit, E, G, I, C)
            left = edges[piece + 1] - edges[piece]
            finite = abs(v) < TOO_FAR
            band = np.int64(np.floor(v / BAND)) if finite else known
            while finite:
                if band != known:
                    limit_rates(
                        band, chain, at_ends, alphas, betas, p, numbers, curves, largest, smallest
                    )
                    known = band
                    low, high = band * BAND, (band + 1) * BAND
                total = 0.0
                for c in range(classes):
                    total += weight[c] * largest[c]
                if not total < TOO_OFTEN:
                    finite = False
                    break
                if draw == ready:
                    size = FEW if ready == 0 else MANY
                    trial = trials[member]
                    waits_and_choices(key, draw, size, steps[piece], neuron, trial, waits, choices)
                    made, ready = draw, draw + size
                wait = waits[draw - made] / total
                choice = choices[draw - made] * total
                draw += 1
                tau = wait if wait < left else left
                new = moved(v, target, k, slope, tau)
                crossing = (new > high and target > high) or (new < low and target < low)
                if crossing:
                    level = high if new > high else low
                    tau = min(max(time_to(level, v, target, k, slope), 0.0), tau)
                    band += 1 if new > high else -1
                    new = level
                if primed:
                    if v < threshold <= new:
                        primed = new < rearm
                        spike = min(time_to(threshold, v, target, k, slope), tau)
                        spike += edges[piece + 1] - left
                        note_spike(spike, rule[2], lane, last_spike, event_lane, event_time, found)
                else:
                    primed = new < rearm
                v = new
                if crossing:
                    left -= tau
                    continue
                if not wait < left:
                    break
                left -= wait
                c = 0
                part = weight[0] * largest[0]
                while choice >= part and c < classes - 1:
                    choice -= part
                    c += 1
                    part = weight[c] * largest[c]
                if not choice < part:  # the sum of the parts was rounded
                    continue
                # where in its subunit's share of the hazard the choice fell is uniform again
                subunit = choice / largest[c]
                which = min(np.int64(subunit), np.int64(weight[c]) - 1)
                bar = (subunit - which) * largest[c]
                if bar > smallest[c]:
                    at_V[0, 0] = v
                    gate_rates(at_V, 1, alpha, beta, p, one, curves)
                    if bar > (alpha[c // 2, 0] if c % 2 == 0 else beta[c // 2, 0]):
                        continue
                e = chosen_source(which, start[c], start[c + 1] - 1, count, source, multiplicity)
                left_state, entered = source[e], goal[e]
                count[left_state] -= 1
                count[entered] += 1
                weight[c] -= 1.0
                weight[c ^ 1] += 1.0
                transitions += 1
                if conducts[left_state] or conducts[entered]:
                    target, k, slope = course(count, conducting, unit, E, G, I, C)
            if not finite:
                if failed_lane < 0 or steps[piece] < failed_step:
                    failed_step, failed_lane = steps[piece], lane
                break
            if saves[piece] >= 0:
                save_lane(v, count, neuron, lane, chain, rows, out[saves[piece]])
        V[lane] = v
        armed[lane] = primed
        fired[lane] += transitions
    return failed_step, failed_lane
