"""Lanes, and what reaches them from outside: synaptic sums, injected current, noise.

Everything here is compiled once, not once for each model.
"""

from typing import NamedTuple

import numpy as np

from hh_sde.kernels.jit import expression, kernel, shared
from hh_sde.kernels.random import draw
from hh_sde.kernels.rows import as_row


class Lanes(NamedTuple):
    """A block of lanes: its state, its inputs over some steps, and its model's numbers.

    Trials are fastest: lane = neuron * trials + trial. Rows are padded to a multiple of 8.
    """

    x: np.ndarray  # (variables, lanes)
    I: np.ndarray  # (steps, nodes, lanes): injected current at the steps' nodes
    sums: np.ndarray  # (inputs, lanes): synaptic and gap sums
    A_dW: np.ndarray  # (steps, 1 or 2, lanes): of the noise on V; the second as METHODS asks for it
    dW: np.ndarray  # (steps, 1 or 2, terms, lanes): the same of the lanes' own processes
    areas: np.ndarray  # (steps, terms, terms + 1, lanes): [., k, l] I_(l,k), the last A I_(.,k)
    work: np.ndarray  # (4, variables, lanes)
    columns: np.ndarray  # (2, terms, lanes): the same for amplitudes of the lanes' own processes
    opened: np.ndarray  # (1,): whether a step of the gates is half done; see `steps.strang_open`
    changing: int  # 1, or 0 where I is one current for all steps
    noisy: bool  # False where the noise is ignored: corrections for it are then left out
    n_neurons: int
    trials: int
    first_synapse: int  # its row in x
    start: np.ndarray  # rows of the matrices of synapses and gap junctions, one below the other
    source: np.ndarray
    weight: np.ndarray
    p: np.ndarray  # numbers of the model, see the head of its module
    q: np.ndarray
    curves: np.ndarray


class Inputs(NamedTuple):
    """What drives the steps of a window.

    The noise is drawn here, some steps at a time so that it stays in the processor's cache, from
    one domain of the random numbers for dW and another for what METHODS asks for besides. Where a
    path cannot be drawn so simply, `given` holds it.
    """

    I: np.ndarray  # (nodes, steps or 1, n_neurons): currents; one step if they are constant
    given: np.ndarray  # (steps or 0, 1 or 2, processes * trials), first those of the noise on V
    key: np.ndarray  # (2,)
    domains: np.ndarray  # (1 or 2,)
    scales: np.ndarray  # (1 or 2,): standard deviations
    process_V: np.ndarray  # addresses of the numbers for the noise on V
    trial_V: np.ndarray
    process: np.ndarray  # (n_neurons * trials,): the same for a neuron's first own process
    trial: np.ndarray
    start: np.ndarray  # rows of A: dV_i gets sum_k A_ik dW_k
    source: np.ndarray
    weight: np.ndarray
    drawn_V: np.ndarray  # (steps, (1 or 2) * processes on V * trials): room for the numbers
    drawn: np.ndarray  # (steps, (1 or 2) * terms * lanes), which may be the memory of Lanes.dW
    to_round: bool  # where it is not


@expression
def weighted_sums(s, first, out, to, first_row, n_neurons, trials, start, source, weight):
    """out_i = sum_j w_ij s_j for all trials of each neuron at once, added up in the order of j.

    The numbers s_j begin at s[first], the sums at out[to].
    """
    for i in range(n_neurons):
        begin = to + i * trials
        for k in range(trials):
            out[begin + k] = 0.0
        for e in range(start[first_row + i], start[first_row + i + 1]):
            w = weight[e]
            terms = first + source[e] * trials
            for k in range(trials):
                out[begin + k] += w * s[terms + k]


@expression
def weighted_sums_of_one(s, first, out, to, first_row, n_neurons, start, source, weight):
    """The same where a lane is a neuron."""
    for i in range(n_neurons):
        total = 0.0
        for e in range(start[first_row + i], start[first_row + i + 1]):
            total += weight[e] * s[first + source[e]]
        out[to + i] = total


@shared("void(real*, real*, i64, i64, i64, i64, i64, i64, i64*, i64*, real*)")
def couple_rows(
    x, sums, variables, lanes, first_synapse, inputs, n_neurons, trials, start, source, weight
):
    """Synaptic sums W s of the state x (variables, lanes), and gap sums W V after them.

    They go into the rows of sums (inputs, lanes).
    """
    for k in range(inputs):
        row = first_synapse + k if first_synapse + k < variables else 0
        if trials == 1:
            weighted_sums_of_one(
                x, row * lanes, sums, k * lanes, k * n_neurons, n_neurons, start, source, weight
            )  # fmt: skip
        else:
            weighted_sums(
                x, row * lanes, sums, k * lanes, k * n_neurons, n_neurons, trials, start, source,
                weight,
            )  # fmt: skip


@kernel
def couple(x, sums, first_synapse, n_neurons, trials, start, source, weight):
    """The same for arrays x (variables, lanes) and sums (inputs, lanes)."""
    couple_rows(
        as_row(x, "any"), as_row(sums, "any"), x.shape[0], x.shape[1], first_synapse,
        sums.shape[0], n_neurons, trials, as_row(start, "any"), as_row(source, "any"),
        as_row(weight, "any"),
    )  # fmt: skip


@shared("void(f64[:,:,:], i64, i64, i64, real[:,:,:])")
def inject(I, first, last, trials, out):
    """The currents at steps first ... last - 1 of each neuron in all its trials."""
    for node in range(I.shape[0]):
        for k in range(first, last):
            for i in range(I.shape[2]):
                for trial in range(trials):
                    out[k - first, node, i * trials + trial] = I[node, k, i]


@shared("void(f64[:,:], i64[:], i64[:], f64[:], i64, real[:,:,:], i64)")
def increments_of_V(dW, start, source, weight, trials, A_dW, steps):
    """sum_k A_ik dW_k in every trial, for each step and kind; see `Lanes.A_dW`."""
    n_neurons, kinds = start.size - 1, A_dW.shape[1]
    sums = np.zeros(n_neurons * trials)
    width = dW.shape[1] // kinds
    for k in range(steps):
        for kind in range(kinds):
            row = dW[k]
            if trials == 1:
                weighted_sums_of_one(
                    row, kind * width, sums, 0, 0, n_neurons, start, source, weight
                )  # fmt: skip
            else:
                weighted_sums(
                    row, kind * width, sums, 0, 0, n_neurons, trials, start, source, weight
                )  # fmt: skip
            for i in range(sums.size):
                A_dW[k, kind, i] = sums[i]


@shared("void(f64[:,:], i64)")
def add_half(drawn, steps):
    """To the second kind of each row, half of the first: the law of both where METHODS asks so."""
    half = drawn.shape[1] // 2
    for k in range(steps):
        for i in range(half):
            drawn[k, half + i] += 0.5 * drawn[k, i]


@shared("void(f64[:,:,:], i64, i64, i64, i64, f64[:,:], f64[:,:])")
def take(given, first, last, used, lanes, drawn_V, drawn):
    """Put the increments of some steps where they would have been drawn."""
    kinds = given.shape[1]
    on_V = drawn_V.shape[1] // kinds
    terms = drawn.shape[1] // (kinds * lanes)
    for k in range(first, last):
        for kind in range(kinds):
            for i in range(on_V):
                drawn_V[k - first, kind * on_V + i] = given[k, kind, i]
            for t in range(terms):
                for i in range(used):
                    column = (kind * terms + t) * lanes + i
                    drawn[k - first, column] = given[k, kind, on_V + t * used + i]


@shared("void(f64[:,:], i64, real[:,:,:,:])")
def rounded(drawn, steps, dW):
    """The numbers of the lanes' own processes, in their precision."""
    _, kinds, terms, lanes = dW.shape
    for k in range(steps):
        for kind in range(kinds):
            for t in range(terms):
                for i in range(lanes):
                    dW[k, kind, t, i] = drawn[k, (kind * terms + t) * lanes + i]


@expression
def draw_noise(inputs, step, steps, terms):
    """The increments of `steps` grid steps from `step` on; see `Inputs`."""
    kinds = inputs.domains.size
    on_V = inputs.drawn_V.shape[1] // kinds
    own = inputs.drawn.shape[1] // (kinds * max(terms, 1))
    for kind in range(kinds):
        domain, scale = inputs.domains[kind], inputs.scales[kind]
        draw(
            inputs.key, domain, step, step + steps, inputs.process_V, 0, inputs.trial_V, scale,
            inputs.drawn_V, kind * on_V,
        )  # fmt: skip
        for t in range(terms):
            draw(
                inputs.key, domain, step, step + steps, inputs.process,
                t * (inputs.start.size - 1), inputs.trial, scale, inputs.drawn,
                (kind * terms + t) * own,
            )  # fmt: skip
    if kinds == 2:
        add_half(inputs.drawn_V, steps)
        add_half(inputs.drawn, steps)


@expression
def bring(m, inputs, step, first, last, terms):
    """Currents and noise of the window's steps first ... last - 1, to the lanes.

    `step` is the first of them on the grid.
    """
    if m.changing:
        inject(inputs.I, first, last, m.trials, m.I)
    elif first == 0:
        inject(inputs.I, 0, 1, m.trials, m.I)
    if m.noisy:
        if inputs.given.shape[0]:
            used = m.n_neurons * m.trials
            take(inputs.given, first, last, used, m.x.shape[1], inputs.drawn_V, inputs.drawn)
        else:
            draw_noise(inputs, step, last - first, terms)
        if inputs.to_round:
            rounded(inputs.drawn, last - first, m.dW)
        increments_of_V(
            inputs.drawn_V, inputs.start, inputs.source, inputs.weight, m.trials, m.A_dW,
            last - first,
        )  # fmt: skip


@shared("void(real[:,:], real[:,:], f64, real[:,:])")
def add(x, slope, factor, out):
    """out = x + factor slope"""
    for v in range(x.shape[0]):
        for i in range(x.shape[1]):
            out[v, i] = x[v, i] + factor * slope[v, i]


@shared("void(real[:], f64, real[:])")
def add_row(row, factor, out):
    """out += factor row"""
    for i in range(row.size):
        out[i] += factor * row[i]
