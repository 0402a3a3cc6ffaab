"""Derivatives of the functions of `elementary`, for Jacobians and tangents."""

import math

from hh_sde.kernels.elementary import exp, fmuladd
from hh_sde.kernels.jit import expression

# u/(1 - e^-u) = 1 + u/2 + B2 u^2 + B4 u^4 + ...: coefficients of its derivative's odd powers
D1, D3, D5, D7, D9, D11 = 1 / 6, -1 / 180, 1 / 5040, -1 / 151200, 1 / 4790016, -691 / 108972864000
SMALL = 0.25  # the series' next term is then below 3e-18, and 1 + u - u q keeps all but 4 bits


@expression
def linoid_slope_of(u, e):
    """The derivative of u/(1 - e^-u), where e = exp(-u) is at hand.

    With q = 1/(1 - e) it is q (1 + u - u q); near 0, where that loses digits, a series.
    """
    small = abs(u) < SMALL
    z = u * u
    series = fmuladd(z, D11, D9)
    series = fmuladd(series, z, D7)
    series = fmuladd(series, z, D5)
    series = fmuladd(series, z, D3)
    series = fmuladd(series, z, D1)
    series = fmuladd(series, u, 0.5)
    q = 1.0 / (1.0 - (2.0 if small else e))
    return series if small else q * (1.0 + u - u * q)


@expression
def linoid_slope(u):
    """The derivative of u/(1 - e^-u)."""
    return linoid_slope_of(u, exp(-u))


@expression
def table_slope(V, start, inverse_step, curves, begin, points):
    """The slope of the line in which `table_value` lies; 0 beyond the table's ends."""
    position = (V - start) * inverse_step
    if not 0.0 <= position < points - 1.0:
        return 0.0 if position == position else position
    k = min(math.floor(position), points - 2)
    return (curves[begin + k + 1] - curves[begin + k]) * inverse_step
