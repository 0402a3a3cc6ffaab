"""The functions of `elementary` in single precision: shorter polynomials, twice as many lanes."""

import math

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from hh_sde.kernels import elementary
from hh_sde.kernels.elementary import fmuladd, of_precision, reduction_of_exp
from hh_sde.kernels.jit import expression

ONE = np.float32(1.0)
LOG2_E = np.float32(math.log2(math.e))
# ln 2 in two parts; the high one has 9 trailing zero bits, so k * LN2_HIGH is exact.
LN2_HIGH = np.float32(0.693359375)
LN2_LOW = np.float32(math.log(2.0) - 0.693359375)
# Adding 1.5 * 2^23 rounds to an integer and leaves that integer in the low bits.
ROUND_TO_INT = np.float32(12582912.0)
EXP_MAX, EXP_MIN = np.float32(88.0), np.float32(-87.0)
# (e^r - 1)/r for |r| <= ln(2)/2: interpolated as in `elementary`, relative error below 1e-8
E1, E2, E3, E4, E5 = (
    np.float32(e)
    for e in (0.5, 0.1666657702559799, 0.041666554662050534, 0.008363173074513711,
              0.001392617611993558)
)  # fmt: skip


@intrinsic
def power_of_2(typingctx, shifted):
    """2^k of the integer k in the low bits of a number to which ROUND_TO_INT was added."""

    def codegen(context, builder, signature, args):
        bits = builder.bitcast(args[0], ir.IntType(32))
        bits = builder.shl(builder.add(bits, bits.type(127)), bits.type(23))
        return builder.bitcast(bits, ir.FloatType())

    return types.float32(types.float32), codegen


@expression
def expm1_over(r):
    """(e^r - 1)/r for |r| <= ln(2)/2; exactly 1 at 0."""
    p = fmuladd(E5, r, E4)
    p = fmuladd(p, r, E3)
    p = fmuladd(p, r, E2)
    p = fmuladd(p, r, E1)
    return fmuladd(p, r, ONE)


reduce_exp = reduction_of_exp(LOG2_E, LN2_HIGH, LN2_LOW, ROUND_TO_INT, EXP_MIN, EXP_MAX, power_of_2)
exp, linoid, linoid_of, decayed, relaxed, positive_root, absolute_root = of_precision(
    np.float32, reduce_exp, expm1_over
)

log_of_double, power_of_double = elementary.log, elementary.power


@expression
def log(x):
    """ln x for positive normal x: by way of double precision."""
    return np.float32(log_of_double(x))


@expression
def power(x, exponent):
    """x^exponent for positive normal x: by way of double precision."""
    return np.float32(power_of_double(x, exponent))
