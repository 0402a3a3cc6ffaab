"""Derivatives of the functions of `elementary`, for Jacobians and tangents."""

import math

from hh_sde.kernels.elementary import LINOID_SERIES, SMALL, exp, fmuladd
from hh_sde.kernels.jit import expression

# Of the odd powers in 1/2 + 2 B2 u + 4 B4 u^3 + ..., the derivative of linoid. At |u| = SMALL the
# next term is below 3e-18, and 1 + u - u q keeps all but 4 bits.
D1, D3, D5, D7, D9, D11 = (2 * k * a / b for k, (a, b) in enumerate(LINOID_SERIES, start=1))


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
