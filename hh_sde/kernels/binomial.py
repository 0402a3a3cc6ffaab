"""Binomial numbers, each from one uniform number, by inversion from the mode.

References
----------
Loader (2000), Fast and accurate computation of binomial probabilities (the probability at the
mode); Kemp (1986), Commun. Stat. Theory Methods 15, 805, doi:10.1080/03610928608829152 (the search
from there).
"""

import math

from hh_sde.kernels.elementary import exp, log
from hh_sde.kernels.jit import kernel

FROM_ZERO = 10.0  # below this mean the search begins at 0, which needs no factorials
SQRT_HALF = math.sqrt(0.5)


@kernel
def uniform_of(z):
    """The uniform number in (0, 1) whose standard normal quantile is z."""
    return 0.5 * math.erfc(-SQRT_HALF * z)


@kernel
def stirling_error(n):
    """ln n! - ln(sqrt(2 pi n) (n/e)^n) for n >= 10, error below 2e-14."""
    z = 1.0 / (n * n)
    series = 1.0 / 1680.0 - z / 1188.0
    return (1.0 / 12.0 - z * (1.0 / 360.0 - z * (1.0 / 1260.0 - z * series))) / n


@kernel
def probability(k, n, p):
    """Binomial probability of k out of n, where k and n - k are at least 10."""
    rest = n - k
    q = 1.0 - p
    exponent = stirling_error(n) - stirling_error(k) - stirling_error(rest)
    exponent -= k * log(k / (n * p)) + rest * log(rest / (n * q))
    return math.sqrt(n / (2.0 * math.pi * k * rest)) * exp(exponent)


@kernel
def outward(n, p, u):
    """The number at which u is used up by the probabilities of the mode and outward from it.

    p <= 1/2. What rounding leaves of u when all probabilities are spent goes to the mode.
    """
    odds = p / (1.0 - p)
    if n * p < FROM_ZERO:
        mode = 0.0
        at_mode = exp(n * math.log1p(-p))
    else:
        mode = math.floor((n + 1.0) * p)
        at_mode = probability(mode, n, p)
    u -= at_mode
    above, below = mode, mode
    f_above, f_below = at_mode, at_mode
    while u > 0.0 and f_above + f_below > 0.0:
        f_above *= odds * (n - above) / (above + 1.0)
        above += 1.0
        u -= f_above
        if u <= 0.0:
            return above
        f_below *= below / ((n - below + 1.0) * odds)
        below -= 1.0
        u -= f_below
        if u <= 0.0:
            return below
    return mode


@kernel
def binomial(n, p, u):
    """How many of n happen, each with probability p: a function of the uniform number u.

    n is a whole number held as a float64; the result is one, from 0 to n.
    """
    if n <= 0.0 or p <= 0.0:
        return 0.0
    if p >= 1.0:
        return n
    return outward(n, p, u) if p <= 0.5 else n - outward(n, 1.0 - p, u)


@kernel
def binomials(n, p, u, out):
    """The same for arrays, for the tests."""
    for i in range(out.size):
        out[i] = binomial(n[i], p[i], u[i])
