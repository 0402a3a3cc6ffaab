# ruff: noqa: F821
# mypy: disable-error-code="name-defined"
"""Steps of the tangent flow: how a small displacement v of the state moves, beside the state.

`equations.template` puts the text below the mark behind a model's loops `jacobian` and `tangent`,
so that these are that model's own; it is not run from here.

A function `name_tangent(m, kept, h, first, last, grid)` stands for `steps.advance` of the scheme
`name`: it moves each vector of m.tangent.v by the derivative of the scheme's step, and x by that
step itself, the one that `solve` makes, which m.tangent.step is the address of. The noise must not
depend on the state: then it drops out of the derivative.
"""

import numpy as np

from hh_sde.kernels.coupling import I_at, add, couple
from hh_sde.kernels.jit import call, expression, maker, stepper

# -- the steps --


@expression
def outputs_of(m, x):
    """What the neurons send besides variables, of the state x, into its rows after those."""
    if OUTPUTS:
        t = m.tangent
        make_outputs(x, x.shape[1], t.p, t.q, t.curves, t.ranges)


@expression
def displaced_outputs(m, x, v):
    """How that changes along v, into the same rows of v."""
    if OUTPUTS:
        t = m.tangent
        displace_outputs(x, x.shape[1], v, t.p, t.q, t.curves, t.ranges)


@expression
def sums_of(m, x, sums):
    """Synaptic and gap sums of x."""
    couple(x, sums, m.n_neurons, m.trials, m.start, m.source, m.weight, m.blocks, m.block_weight)


@expression
def times_jacobian(m, k, node, x, v):
    """J(x) v into m.tangent.slopes for each vector, with the current at a node of step k."""
    t, I = m.tangent, I_at(m, k, node)
    outputs_of(m, x)
    sums_of(m, x, m.sums)
    for j in range(v.shape[0]):
        displaced_outputs(m, x, v[j])
        sums_of(m, v[j], t.sums)
        tangent(x, x.shape[1], I, m.sums, v[j], t.sums, t.slopes[j], t.p, t.q, t.curves, t.ranges)


@expression
def move_state(m, kept, h, k, grid):
    """The scheme's own step of x; whether it stays finite."""
    return call(m.tangent.step, (m, kept, h, k, k + 1, grid)) == 1


@stepper
def euler_maruyama_tangent(m, kept, h, first, last, grid):
    """v + h J(x) v."""
    v, slopes = m.tangent.v, m.tangent.slopes
    for k in range(first, last):
        times_jacobian(m, k, 0, m.x, v)
        for j in range(v.shape[0]):
            add(m, v[j], slopes[j], h, v[j])
        if not move_state(m, kept, h, k, grid):
            return first - k - 1
    return last - first


@stepper
def heun_tangent(m, kept, h, first, last, grid):
    """v + h/2 (J(x) v + J(x*) (v + h J(x) v)), the predictor x* being where `heun` left it."""
    v, ahead, slopes = m.tangent.v, m.tangent.ahead, m.tangent.slopes
    for k in range(first, last):
        times_jacobian(m, k, 0, m.x, v)
        for j in range(v.shape[0]):
            add(m, v[j], slopes[j], h, ahead[j])
            add(m, v[j], slopes[j], 0.5 * h, v[j])
        if not move_state(m, kept, h, k, grid):
            return first - k - 1
        times_jacobian(m, k, 1, m.work[2], ahead)
        for j in range(v.shape[0]):
            add(m, v[j], slopes[j], 0.5 * h, v[j])
    return last - first


@maker
def flat_tangent(x, v, I, places, shape, wiring, p, q, curves, ranges):
    """J(x) v of a flat state (d,) of one trial."""
    n = I.size
    start, source, weight, blocks, block_weight = wiring
    state, vector, dv, flat = np.empty(shape), np.empty(shape), np.empty(shape), np.empty(x.size)
    put_in_rows(x, places, state)
    put_in_rows(v, places, vector)
    if OUTPUTS:
        make_outputs(state, n, p, q, curves, ranges)
        displace_outputs(state, n, vector, p, q, curves, ranges)
    sums, vector_sums = np.empty(((start.size - 1) // n, n)), np.empty(((start.size - 1) // n, n))
    couple(state, sums, n, 1, start, source, weight, blocks, block_weight)
    couple(vector, vector_sums, n, 1, start, source, weight, blocks, block_weight)
    tangent(state, n, I, sums, vector, vector_sums, dv, p, q, curves, ranges)
    put_in_state(dv, places, flat)
    return flat


@maker
def flat_jacobian(x, I, places, shape, trials, wiring, entries, p, q, curves, ranges):
    """The derivatives that make up J of a flat state (d,), or of (d, trials) in one row.

    (entries, lanes); a lane is a neuron of a trial, trials being fastest.
    """
    lanes, n = shape[1], shape[1] // trials
    start, source, weight, blocks, block_weight = wiring
    state, sums = np.empty(shape), np.empty(((start.size - 1) // n, lanes))
    put_in_rows(x, places, state)
    if OUTPUTS:
        make_outputs(state, lanes, p, q, curves, ranges)
    couple(state, sums, n, trials, start, source, weight, blocks, block_weight)
    found = np.zeros((entries, lanes))
    jacobian(state, lanes, I, sums, found, p, q, curves, ranges)
    return found
