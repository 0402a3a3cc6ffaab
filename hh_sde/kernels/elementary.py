"""exp, log, sin and cos as branch-free polynomials that LLVM turns into SIMD.

`math.exp` and its kin are calls into libm: a loop that holds one is not vectorised. These are
plain arithmetic, so a loop over lanes becomes vector instructions. NaN and infinity go through.

Every multiply-add is the intrinsic `llvm.fmuladd`, never a fast-math licence to contract: what is
fused is then fixed for a machine, and a lane's result does not depend on its place in a block.
"""

import math

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from hh_sde.kernels.jit import expression

LOG2_E = 1.4426950408889634
# ln 2 in two parts; the high one has 32 trailing zero bits, so k * LN2_HIGH is exact.
LN2_HIGH = float.fromhex("0x1.62e42fee00000p-1")
LN2_LOW = float.fromhex("0x1.a39ef35793c76p-33")
# Adding 1.5 * 2^52 rounds to an integer and leaves that integer in the low bits.
ROUND_TO_INT = 6755399441055744.0
EXP_MAX = 709.0  # exp(709) is finite; beyond it the result goes to infinity by the last product
EXP_MIN = -708.0  # exp(-708) is the last normal number; below it exp is held there


@intrinsic
def fmuladd(typingctx, a, b, c):
    """a * b + c, fused where the machine can; in single precision if all three are."""
    real = types.float32 if a == b == c == types.float32 else types.float64

    def codegen(context, builder, signature, args):
        kind = context.get_value_type(real)
        function = builder.module.declare_intrinsic(
            "llvm.fmuladd", [kind], ir.FunctionType(kind, [kind] * 3)
        )
        return builder.call(function, args)

    return real(real, real, real), codegen


@intrinsic
def bits_of(typingctx, x):
    """The 64 bits of a float64, as int64."""

    def codegen(context, builder, signature, args):
        return builder.bitcast(args[0], ir.IntType(64))

    return types.int64(types.float64), codegen


@intrinsic
def from_bits(typingctx, i):
    """The float64 that has these 64 bits."""

    def codegen(context, builder, signature, args):
        return builder.bitcast(args[0], ir.DoubleType())

    return types.float64(types.int64), codegen


# Near-minimax polynomials: interpolation at the Chebyshev points of the interval, which leaves
# relative errors below 2e-17; the tests work them out anew. (e^r - 1)/r for |r| <= ln(2)/2:
E1, E2, E3, E4, E5 = (
    0.5000000000000006,
    0.1666666666666667,
    0.04166666666657314,
    0.008333333333326141,
    0.0013888888932488599,
)
E6, E7, E8, E9, E10 = (
    0.00019841269874800493,
    2.4801504346997686e-05,
    2.7557255425746435e-06,
    2.7626357241447223e-07,
    2.510520637395701e-08,
)
# (artanh(s)/s - 1)/s^2 in s^2, for s up to (sqrt(2) - 1)/(sqrt(2) + 1):
L0, L1, L2, L3 = 0.3333333333333335, 0.19999999999949752, 0.14285714312987743, 0.1111110556739754
L4, L5, L6 = 0.09091444562630861, 0.07665860800278021, 0.07308224842521703
# (sin(a)/a - 1)/a^2 and (cos(a) - 1 + a^2/2)/a^4 in a^2, for a up to pi/4:
S0, S1, S2 = -0.16666666666666666, 0.008333333333330948, -0.00019841269836758574
S3, S4, S5 = 2.755731610255244e-06, -2.5051131845003624e-08, 1.5918129294866608e-10
C0, C1, C2 = 0.041666666666666664, -0.0013888888888887398, 2.480158729876569e-05
C3, C4, C5 = -2.7557317271729793e-07, 2.08761462684032e-09, -1.1382632425521717e-11


# u/(1 - e^-u) = 1 + u/2 + B2 u^2 + B4 u^4 + ...: Bernoulli numbers over factorials, as fractions;
# of the last its derivative alone has need
LINOID_SERIES = (
    (1, 12), (-1, 720), (1, 30240), (-1, 1209600), (1, 47900160), (-691, 1307674368000),
)  # fmt: skip
B2, B4, B6, B8, B10 = (a / b for a, b in LINOID_SERIES[:5])
SMALL = 0.25  # the series' next term is then below 4e-17, and 1 - e keeps all but 3 bits


@expression
def expm1_over(r):
    """(e^r - 1)/r for |r| <= ln(2)/2; exactly 1 at 0."""
    p = fmuladd(E10, r, E9)
    p = fmuladd(p, r, E8)
    p = fmuladd(p, r, E7)
    p = fmuladd(p, r, E6)
    p = fmuladd(p, r, E5)
    p = fmuladd(p, r, E4)
    p = fmuladd(p, r, E3)
    p = fmuladd(p, r, E2)
    p = fmuladd(p, r, E1)
    return fmuladd(p, r, 1.0)


@expression
def power_of_2(shifted):
    """2^k of the integer k in the low bits of a number to which ROUND_TO_INT was added."""
    return from_bits((bits_of(shifted) + 1023) << 52)


def reduction_of_exp(log2_e, ln2_high, ln2_low, round_to_int, least, largest, power_of_2):
    """How an argument of exp is reduced, with the constants of a precision."""

    @expression
    def reduce_exp(x):
        """k, r and 2^k with x = k ln 2 + r, |r| <= ln(2)/2."""
        x = largest if x > largest else x
        x = least if x < least else x
        shifted = fmuladd(x, log2_e, round_to_int)
        k = shifted - round_to_int
        r = fmuladd(k, -ln2_low, fmuladd(k, -ln2_high, x))
        return k, r, power_of_2(shifted)

    return reduce_exp


reduce_exp = reduction_of_exp(LOG2_E, LN2_HIGH, LN2_LOW, ROUND_TO_INT, EXP_MIN, EXP_MAX, power_of_2)


def of_precision(real, reduce_exp, expm1_over):
    """exp, linoid, linoid_of, decayed, relaxed, positive_root and absolute_root in a precision.

    Of the parts that are its own: how an argument of exp is reduced, and a polynomial.
    """
    zero, half, one, two = real(0.0), real(0.5), real(1.0), real(2.0)
    small = real(SMALL)
    b2, b4, b6, b8, b10 = (real(b) for b in (B2, B4, B6, B8, B10))

    @expression
    def exp(x):
        """e^x; held at the ends of the range of the precision's numbers."""
        _, r, power = reduce_exp(x)
        return power * fmuladd(expm1_over(r), r, one)

    @expression
    def linoid(u):
        """u/(1 - e^-u), and 1 at u = 0: full accuracy everywhere, no branch, no division by zero.

        With -u = k ln 2 + r and q = (e^r - 1)/r: for k = 0, r is -u itself and the quotient is
        1/q; otherwise 1 - 2^k (1 + r q) is not small and is used as it stands.
        """
        k, r, power = reduce_exp(-u)
        q = expm1_over(r)
        near = k == zero
        numerator = one if near else u
        denominator = q if near else one - power * fmuladd(q, r, one)
        return numerator / denominator

    @expression
    def linoid_of(u, e):
        """u/(1 - e) where e = exp(-u) is at hand: a series takes over where 1 - e loses digits."""
        near = abs(u) < small
        z = u * u
        series = fmuladd(z, b10, b8)
        series = fmuladd(series, z, b6)
        series = fmuladd(series, z, b4)
        series = fmuladd(series, z, b2)
        series = fmuladd(series, z, fmuladd(u, half, one))
        quotient = u / (one - (two if near else e))
        return series if near else quotient

    @expression
    def decayed(z):
        """1 - exp(-z) for z >= 0, within [0, 1]."""
        k, r, power = reduce_exp(-z)
        q = expm1_over(r)
        return -r * q if k == zero else one - power * fmuladd(q, r, one)

    @expression
    def relaxed(x, a, b, h):
        """dx/dt = a (1 - x) - b x after a time h, a and b >= 0.

        That is x + (x_inf - x)(1 - exp(-(a + b) h)). It stays in [0, 1], rounding included: x_inf
        and the last factor lie in [0, 1], the difference of two numbers in [0, 1] rounds to one in
        [-x, 1 - x] rounded, and x plus that to one in [0, 1].
        """
        total = a + b
        x_inf = a / total if total > zero else x
        return x + (x_inf - x) * decayed(total * h)

    @expression
    def positive_root(x):
        """sqrt(x), and 0 where x is negative; NaN at NaN."""
        return math.sqrt(zero if x < zero else x)

    @expression
    def absolute_root(x):
        """sqrt(|x|)"""
        return math.sqrt(abs(x))

    return exp, linoid, linoid_of, decayed, relaxed, positive_root, absolute_root


#: exp has a relative error below 4e-16 on [-708, 709].
exp, linoid, linoid_of, decayed, relaxed, positive_root, absolute_root = of_precision(
    float, reduce_exp, expm1_over
)


@expression
def table_value(V, start, inverse_step, curves, begin, points):
    """Linear interpolation in a table, constant beyond its ends, NaN at NaN."""
    position = (V - start) * inverse_step
    if position != position:
        return position
    position = min(max(position, 0.0), points - 1.0)
    k = min(math.floor(position), points - 2)
    left = curves[begin + k]
    return left + (position - k) * (curves[begin + k + 1] - left)


SQRT_HALF_BITS = 0x3FE6A09E667F3BCD
ONE_BITS = 0x3FF0000000000000


@expression
def log(x):
    """ln x for positive normal x: x = 2^k y, y in [sqrt(1/2), sqrt(2)), 2 artanh((y-1)/(y+1))."""
    bits = bits_of(x)
    k = (bits - SQRT_HALF_BITS) >> 52
    y = from_bits(bits - (k << 52))
    s = (y - 1.0) / (y + 1.0)
    z = s * s
    p = fmuladd(L6, z, L5)
    p = fmuladd(p, z, L4)
    p = fmuladd(p, z, L3)
    p = fmuladd(p, z, L2)
    p = fmuladd(p, z, L1)
    p = fmuladd(p, z, L0)
    artanh = fmuladd(s * z, p, s)
    # k as a float: an int64 conversion has no SIMD instruction before AVX-512, this has.
    kf = from_bits(k + 0x4338000000000000) - ROUND_TO_INT
    return fmuladd(kf, LN2_HIGH, fmuladd(kf, LN2_LOW, 2.0 * artanh))


@expression
def power(x, exponent):
    """x^exponent for positive normal x."""
    return exp(exponent * log(x))


@expression
def cos_sin_turns(v):
    """cos(2 pi v), sin(2 pi v) for v in [0, 1): the quadrant, then [-pi/4, pi/4]."""
    shifted = fmuladd(v, 4.0, ROUND_TO_INT)
    quadrant = bits_of(shifted)
    theta = fmuladd(-0.25, shifted - ROUND_TO_INT, v) * (2.0 * math.pi)
    z = theta * theta
    s = fmuladd(S5, z, S4)
    s = fmuladd(s, z, S3)
    s = fmuladd(s, z, S2)
    s = fmuladd(s, z, S1)
    s = fmuladd(s, z, S0)
    s = fmuladd(s * z, theta, theta)
    c = fmuladd(C5, z, C4)
    c = fmuladd(c, z, C3)
    c = fmuladd(c, z, C2)
    c = fmuladd(c, z, C1)
    c = fmuladd(c, z, C0)
    c = fmuladd(c, z, -0.5)
    c = fmuladd(c, z, 1.0)
    odd = (quadrant & 1) != 0
    cosine = s if odd else c
    sine = c if odd else s
    # quadrants 1 and 2 have negative cosine, 2 and 3 negative sine
    cosine = from_bits(bits_of(cosine) ^ (((quadrant + 1) & 2) << 62))
    sine = from_bits(bits_of(sine) ^ ((quadrant & 2) << 62))
    return cosine, sine
