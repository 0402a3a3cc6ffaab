"""Lanes, and what reaches them from outside: synaptic sums, injected current, noise.

Everything here is compiled once, not once for each model.
"""

from typing import Any, NamedTuple

import numpy as np

from hh_sde.kernels.jit import expression, kernel, shared
from hh_sde.kernels.random import draw
from hh_sde.kernels.rows import row
from hh_sde.kernels.weak import take_few_values


class Tangent(NamedTuple):
    """What moves small displacements of the state beside it; see `kernels.tangent`."""

    step: int  # address of the scheme's `steps.advance` for the state
    v: np.ndarray  # (vectors, variables, lanes): the displacements
    ahead: np.ndarray  # the same: predicted
    slopes: np.ndarray  # the same: J v
    sums: np.ndarray  # (inputs, lanes): synaptic and gap sums of a displacement
    p: np.ndarray  # numbers of the network, see the head of the module of its Jacobian
    q: np.ndarray
    curves: np.ndarray
    ranges: np.ndarray  # as of `Lanes`


class Own(NamedTuple):
    """The neurons and lanes of one thread, and where it meets the others."""

    first: int  # neuron
    neurons: int
    lane: int  # the first
    lanes: int  # with the padding, which the last thread has
    used: int  # without
    meeting: np.ndarray  # see `kernels.meeting`; (0,) where there is no need to meet
    members: int
    number: int  # of this one


class Lanes(NamedTuple):
    """A block of lanes: its state, its inputs over some steps, and its network's numbers.

    Trials are fastest: lane = neuron * trials + trial. Rows are padded to a multiple of 8. Each
    population is a range of lanes, whose variables are in the first rows; other rows are 0 there.
    `ranges` holds their number, then for each (kind, first lane, lanes with the padding, lanes
    without, its first number in p, and in curves).

    Several threads may share a block, each with a range of neurons that is its own: the arrays are
    the same, and each writes to its own lanes.
    """

    x: np.ndarray  # (variables, lanes)
    I: np.ndarray  # (steps of the window or 1, nodes, lanes): injected current at the steps' nodes
    sums: np.ndarray  # (inputs, lanes): synaptic and gap sums
    A_dW: np.ndarray  # (steps, 1 or 2, lanes): of the noise on V; a second one as METHODS asks
    dW: np.ndarray  # (steps, 1 or 2, terms, lanes): the same of the lanes' own processes
    areas: np.ndarray  # (steps, terms, terms + 1, lanes): [., k, l] I_(l,k), last A I_(.,k)
    work: np.ndarray  # (4, variables, lanes)
    columns: np.ndarray  # (2 or 6, amplitudes, lanes): of the lanes' own processes
    process: np.ndarray  # (amplitudes,): which of these each is of
    opened: np.ndarray  # (1,): whether a step of the gates is half done; see `steps.strang_open`
    at: np.ndarray  # (1,): the step of the window that is the first of A_dW and dW
    changing: int  # 1, or 0 where I is one current for all steps
    noisy: int  # 0 where there is no noise: A_dW and dW are zeros, and corrections are left out
    n_neurons: int
    trials: int
    own: Own
    start: np.ndarray  # see `equations.tables.Wiring`, with places in x
    source: np.ndarray
    weight: np.ndarray
    blocks: np.ndarray
    block_weight: np.ndarray
    p: np.ndarray  # numbers of the network, see the head of its module
    q: np.ndarray
    curves: np.ndarray
    ranges: np.ndarray
    tangent: Tangent | None = None
    way: Any = None  # `events.OnTheWay`, where there are delays or event-driven synapses


class Inputs(NamedTuple):
    """Where the noise of a window comes from.

    It is drawn some steps at a time, so that it stays in the processor's cache until it is used:
    from one domain of the random numbers for dW, from another for what METHODS asks for besides.
    Where a path cannot be drawn so simply, everything is there before, and `drawn` is False.
    """

    drawn: bool
    weak: bool  # normals are rounded to the few values of weak increments
    normals: int  # `random.normals_at`
    key: np.ndarray  # (2,)
    domains: np.ndarray  # (1 or 2,)
    scales: np.ndarray  # (1 or 2,): standard deviations
    # (2, processes * trials): of the noise on V, processes and trials; of points of a sweep these
    # have their keys in the upper halves
    addresses_V: np.ndarray
    addresses: np.ndarray  # of each range (2, its lanes): the same for a neuron's first own process
    own: np.ndarray  # (ranges, 5): first lane, lanes, neurons of all, terms, place in addresses
    start: np.ndarray  # rows of A: dV_i gets sum_k A_ik dW_k
    source: np.ndarray  # the first trial of each process
    weight: np.ndarray  # of entries, or (entries, trials)
    each: int  # whether weights differ between trials
    diagonal: bool  # row i holds one entry, in column i
    dW_V: np.ndarray  # (steps, (1 or 2) * processes on V * trials)
    dW: np.ndarray  # (steps, (1 or 2) * terms * lanes), the memory of Lanes.dW
    words: np.ndarray  # room to draw
    z: np.ndarray


@expression
def weighted_sums(s, out, to, first_row, n_neurons, trials, start, source, weight):
    """out_i = sum_j w_ij s_j for all trials of each neuron at once, added up in the order of j.

    The numbers s_j begin at s[source], the sums at out[to].
    """
    for i in range(n_neurons):
        begin = to + i * trials
        for k in range(trials):
            out[begin + k] = 0.0
        for e in range(start[first_row + i], start[first_row + i + 1]):
            w = weight[e]
            terms = source[e]
            for k in range(trials):
                out[begin + k] += w * s[terms + k]


@expression
def weighted_sums_of_each(s, out, to, n_neurons, trials, start, source, weight):
    """The same with weights that differ between trials."""
    for i in range(n_neurons):
        begin = to + i * trials
        for k in range(trials):
            out[begin + k] = 0.0
        for e in range(start[i], start[i + 1]):
            terms = source[e]
            for k in range(trials):
                out[begin + k] += weight[e * trials + k] * s[terms + k]


@expression
def weighted_sums_of_one(s, out, to, first_row, n_neurons, start, source, weight):
    """The same where a lane is a neuron."""
    for i in range(n_neurons):
        out[to + i] = 0.0
        total = out[to + i]  # of the type of out, as where it is added to itself
        for e in range(start[first_row + i], start[first_row + i + 1]):
            total += weight[e] * s[source[e]]
        out[to + i] = total


@expression
def add_blocks(x, sums, lanes, first, neurons, trials, blocks, block_weight):
    """Sums with equal weights: of all sources, less a neuron's own where it is none."""
    for b in range(block_weight.size):
        w = block_weight[b]
        row, first_target, targets, place, sources, others = (
            blocks[b, 0], blocks[b, 1], blocks[b, 2], blocks[b, 3], blocks[b, 4], blocks[b, 5],
        )  # fmt: skip
        begin, end = max(first - first_target, 0), min(first + neurons - first_target, targets)
        for k in range(trials):
            total = 0.0
            for j in range(sources):
                total += x[place + j * trials + k]
            to = row * lanes + first_target * trials + k
            for i in range(begin, end):
                own = others * x[place + i * trials + k] if others else 0.0
                sums[to + i * trials] += w * (total - own)


@shared("void(real*, real*, i64, i64, i64, i64, i64, i64, i64*, i64*, real*, i64[:,:], real[:])")
def couple_rows(
    x, sums, lanes, inputs, first, neurons, n_neurons, trials, start, source, weight, blocks,
    block_weight,
):  # fmt: skip
    """Synaptic sums W s of the state x (variables, lanes), and gap sums W V after them.

    They go into the rows of sums (inputs, lanes), for `neurons` neurons from the first on.
    """
    for k in range(inputs):
        to, row = k * lanes + first * trials, k * n_neurons + first
        if trials == 1:
            weighted_sums_of_one(x, sums, to, row, neurons, start, source, weight)
        else:
            weighted_sums(x, sums, to, row, neurons, trials, start, source, weight)
    add_blocks(x, sums, lanes, first, neurons, trials, blocks, block_weight)


@kernel
def couple(x, sums, n_neurons, trials, start, source, weight, blocks, block_weight):
    """The same of all neurons for arrays x (variables, lanes) and sums (inputs, lanes)."""
    couple_rows(
        x, sums, x.shape[1], sums.shape[0], 0, n_neurons, n_neurons, trials, start, source, weight,
        blocks, block_weight,
    )  # fmt: skip


@shared("void(real[:], i64[:], real[:,:])")
def put_in_rows(flat, places, rows):
    """A flat state into its rows (rows, n_neurons), which are 0 elsewhere."""
    for k in range(rows.shape[0]):
        for i in range(rows.shape[1]):
            rows[k, i] = 0.0
    to = row(rows, 0, 0, "rows")
    for i in range(places.size):
        to[places[i]] = flat[i]


@shared("void(real[:,:], i64[:], real[:])")
def put_in_state(rows, places, flat):
    """Rows (rows, n_neurons) into a flat state."""
    of = row(rows, 0, 0, "rows")
    for i in range(places.size):
        flat[i] = of[places[i]]


@shared("void(real*, i64, i64, i64, i64, i64*, i64*, f64*, i64, i64, i64, i64, real*)")
def increments_of_V(
    dW, width, rows, first_lane, n_neurons, start, source, weight, each, diagonal, trials, lanes,
    A_dW,
):  # fmt: skip
    """sum_k A_ik dW_k in every trial, for each of the rows of dW (rows, width).

    For so many neurons, the first trial of the first of which is first_lane.
    """
    for k in range(rows):
        if diagonal and trials == 1:
            for i in range(n_neurons):
                A_dW[k * lanes + first_lane + i] = weight[i] * dW[k * width + i]
        elif each:
            weighted_sums_of_each(
                row(dW, 1, k * width, "dW"), A_dW, k * lanes + first_lane, n_neurons, trials,
                start, source, weight,
            )  # fmt: skip
        else:
            weighted_sums(
                row(dW, 1, k * width, "dW"), A_dW, k * lanes + first_lane, 0, n_neurons, trials,
                start, source, weight,
            )  # fmt: skip


@shared("void(real*, i64, i64, i64, i64)")
def add_half(dW, columns, first, many, steps):
    """To the second kind of each row, half of the first: the law of both where METHODS asks so."""
    half = columns // 2
    for k in range(steps):
        for i in range(k * columns + first, k * columns + first + many):
            dW[half + i] += 0.5 * dW[i]


@expression
def I_at(m, k, node):
    """The injected current at a node of step k."""
    return m.I[(m.at[0] + k) * m.changing, node]


@expression
def draw_noise(m, inputs, step, steps, terms):
    """The increments of `steps` grid steps from `step` on; see `Inputs`."""
    kinds = inputs.domains.size
    on_V = inputs.addresses_V.shape[1]
    lanes = inputs.dW.shape[1] // (kinds * max(terms, 1))
    for kind in range(kinds):
        domain, scale = inputs.domains[kind], inputs.scales[kind]
        if on_V:
            draw(
                inputs.normals, inputs.key, domain, step, step + steps, inputs.addresses_V, 0,
                on_V, scale,
                row(inputs.dW_V, 1, kind * on_V, "any"), inputs.dW_V.shape[1],
                inputs.words, inputs.z,
            )  # fmt: skip
        for i in range(inputs.own.shape[0]):
            first, many, neurons = inputs.own[i, 0], inputs.own[i, 1], inputs.own[i, 2]
            for term in range(inputs.own[i, 3]):
                draw(
                    inputs.normals, inputs.key, domain, step, step + steps,
                    row(inputs.addresses, 1, inputs.own[i, 4], "any"), term * neurons, many, scale,
                    row(inputs.dW, 1, (kind * terms + term) * lanes + first, "any"),
                    inputs.dW.shape[1], inputs.words, inputs.z,
                )  # fmt: skip
    if inputs.weak:
        root, width = inputs.scales[0], inputs.dW_V.shape[1]
        take_few_values(inputs.dW_V, width, kinds, 0, width // kinds, steps, root)
        for i in range(terms):
            take_few_values(
                inputs.dW, inputs.dW.shape[1], kinds, i * lanes + m.own.lane, m.own.lanes, steps,
                root,
            )  # fmt: skip
    elif kinds == 2:
        add_half(inputs.dW_V, inputs.dW_V.shape[1], 0, inputs.dW_V.shape[1] // 2, steps)
        for i in range(terms):
            add_half(inputs.dW, inputs.dW.shape[1], i * lanes + m.own.lane, m.own.lanes, steps)


@expression
def bring_noise(m, inputs, step, steps):
    """The noise of `steps` grid steps from `step` on, to the lanes."""
    if inputs.drawn:
        draw_noise(m, inputs, step, steps, m.dW.shape[2])
    kinds = m.A_dW.shape[1]
    increments_of_V(
        inputs.dW_V, inputs.dW_V.shape[1] // kinds, steps * kinds, m.own.lane, m.own.neurons,
        inputs.start,
        inputs.source, inputs.weight, inputs.each, inputs.diagonal, m.trials, m.x.shape[1], m.A_dW,
    )  # fmt: skip


@shared("void(real*, real*, f64, real*, i64, i64, i64, i64)")
def add_lanes(x, slope, factor, out, rows, lanes, first, used):
    """out = x + factor slope in so many lanes of arrays (rows, lanes), from the first on."""
    for v in range(rows):
        for i in range(v * lanes + first, v * lanes + first + used):
            out[i] = x[i] + factor * slope[i]


@shared("void(real*, f64, real*, i64, i64)")
def add_to_lanes(row, factor, out, first, used):
    """out += factor row"""
    for i in range(first, first + used):
        out[i] += factor * row[i]


@expression
def add(m, x, slope, factor, out):
    """out = x + factor slope, of arrays (rows, lanes)."""
    add_lanes(x, slope, factor, out, x.shape[0], x.shape[1], m.own.lane, m.own.lanes)


@expression
def add_row(m, row, factor, out):
    """out += factor row"""
    add_to_lanes(row, factor, out, m.own.lane, m.own.lanes)
