"""The elementary rate functions over lanes. One loop each, so that each becomes SIMD."""

import math

from hh_sde.kernels.elementary import exp, linoid
from hh_sde.kernels.jit import expression, kernel
from hh_sde.kernels.tables import CONSTANT, EXPONENTIAL, INF_TAU, LINOID, SIGMOID


@kernel
def exponential(V, p, out):
    """rate exp((V - mid)/scale)"""
    for i in range(V.size):
        out[i] = p[0, i] * exp((V[i] - p[1, i]) * p[2, i])


@kernel
def sigmoid(V, p, out):
    """rate/(1 + exp(-(V - mid)/scale))"""
    for i in range(V.size):
        out[i] = p[0, i] / (1.0 + exp((p[1, i] - V[i]) * p[2, i]))


@kernel
def linoid_rate(V, p, out):
    """rate u/(1 - exp(-u)), u = (V - mid)/scale"""
    for i in range(V.size):
        out[i] = p[0, i] * linoid((V[i] - p[1, i]) * p[2, i])


@kernel
def constant(V, p, out):
    """rate, whatever V is; NaN where V is, so that a broken state stays visible"""
    for i in range(V.size):
        out[i] = p[0, i] if V[i] == V[i] else V[i]


@expression
def position_on(grid, points, V):
    """Index of the grid point left of V and the fraction beyond it, held at the grid's ends."""
    position = (V - grid[0]) * grid[1]
    position = min(max(position, 0.0), points - 1.0)
    k = min(math.floor(position), points - 2)
    return k, position - k


@kernel
def tabulated(V, grid, values, out):
    """Linear interpolation in a table, constant beyond its ends, NaN at NaN"""
    for i in range(V.size):
        if math.isnan(V[i]):
            out[i] = V[i]
        else:
            k, fraction = position_on(grid, values.size, V[i])
            out[i] = values[k] + fraction * (values[k + 1] - values[k])


@kernel
def rate(tables, r, V, out):
    """Rate number r of the tables at V."""
    kind = tables.rate_kind[r]
    p = tables.rate_parameters[r]
    if kind == EXPONENTIAL:
        exponential(V, p, out)
    elif kind == SIGMOID:
        sigmoid(V, p, out)
    elif kind == LINOID:
        linoid_rate(V, p, out)
    elif kind == CONSTANT:
        constant(V, p, out)
    else:
        begin, points = tables.curve_span[r]
        tabulated(V, tables.curve_grid[r], tables.curve_values[begin : begin + points], out)


@kernel
def gate_rates(tables, gate, V, a, b):
    """alpha (into a) and beta (into b) of a gate, whichever way it is given."""
    rate(tables, tables.gate_rates[gate, 0], V, a)
    rate(tables, tables.gate_rates[gate, 1], V, b)
    if tables.gate_form[gate] == INF_TAU:
        for i in range(V.size):
            x_inf = a[i]
            a[i] = x_inf / b[i]
            b[i] = (1.0 - x_inf) / b[i]
