"""The functions of `elementary` in single precision: shorter polynomials, twice as many lanes."""

import math

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from hh_sde.kernels.elementary import fmuladd, of_precision
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
def bits_of(typingctx, x):
    """The 32 bits of a float32, as int32."""

    def codegen(context, builder, signature, args):
        return builder.bitcast(args[0], ir.IntType(32))

    return types.int32(types.float32), codegen


@intrinsic
def power_of_2(typingctx, i):
    """2^k of an integer k that is in the low bits of a float32 whose bits these are."""

    def codegen(context, builder, signature, args):
        bits = builder.shl(builder.add(args[0], args[0].type(127)), args[0].type(23))
        return builder.bitcast(bits, ir.FloatType())

    return types.float32(types.int32), codegen


@expression
def expm1_over(r):
    """(e^r - 1)/r for |r| <= ln(2)/2; exactly 1 at 0."""
    p = fmuladd(E5, r, E4)
    p = fmuladd(p, r, E3)
    p = fmuladd(p, r, E2)
    p = fmuladd(p, r, E1)
    return fmuladd(p, r, ONE)


@expression
def reduce_exp(x):
    """k, r and 2^k with x = k ln 2 + r, |r| <= ln(2)/2."""
    x = EXP_MAX if x > EXP_MAX else x
    x = EXP_MIN if x < EXP_MIN else x
    shifted = fmuladd(x, LOG2_E, ROUND_TO_INT)
    k = shifted - ROUND_TO_INT
    r = fmuladd(k, -LN2_LOW, fmuladd(k, -LN2_HIGH, x))
    return k, r, power_of_2(bits_of(shifted))


exp, linoid, linoid_of, decayed, relaxed, positive_root, absolute_root = of_precision(
    np.float32, reduce_exp, expm1_over
)
