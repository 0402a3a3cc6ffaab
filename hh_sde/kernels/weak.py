"""What `steps.dri1` does with the lanes' own processes, and its coefficients."""

from math import copysign, sqrt
from typing import NamedTuple

from hh_sde.kernels.jit import shared
from hh_sde.kernels.rows import row


class Tableau(NamedTuple):
    """The coefficients of a scheme of `methods.weak`, without those that follow from others.

    Of columns the third stages are H_3^k = x + h A1 f(x) - B1 sqrt(h) g_k(x), and J_3^k, which lies
    opposite of J_2^k. There beta1 and beta3 are those of the second stages, beta2 and beta4 their
    negatives, and beta3_1 = -2 beta3.
    """

    alpha: tuple[float, float, float]
    A0: tuple[float, float, float]  # A0_21, A0_31, A0_32
    B0: tuple[float, float]  # B0_2, B0_3
    A1: float
    B1: float
    B2: tuple[float, float]  # B2_21, B2_22 = B2_23
    beta1: tuple[float, float]  # beta1_1, beta1_2
    beta2: float
    beta3: float
    beta4: float


#: Kutta's scheme of order 3 without noise; with it the error constants of second order are least.
DRI1 = Tableau(
    alpha=(1 / 6, 2 / 3, 1 / 6),
    A0=(1 / 2, -1.0, 2.0),
    B0=((6 - sqrt(6)) / 10, (3 + 2 * sqrt(6)) / 5),
    A1=342 / 491,
    B1=3 * sqrt(38 / 491),
    B2=(-214 / 513 * sqrt(1105 / 991), -491 / 513 * sqrt(221 / 4955)),
    beta1=(193 / 684, 491 / 1368),
    beta2=sqrt(491 / 38) / 6,
    beta3=4955 / 14144,
    beta4=-sqrt(4955 / 221) / 8,
)
B0_2, B0_3 = DRI1.B0
A1, B1, BETA2, BETA3, BETA4 = DRI1.A1, DRI1.B1, DRI1.beta2, DRI1.beta3, DRI1.beta4
B2_1, B2_2 = DRI1.B2
BETA1_1, BETA1_2 = DRI1.beta1
#: sum_j B2_2j, of noise that is the same at all stages.
B2 = B2_1 + 2 * B2_2
#: A standard normal number is beyond this, on either side, with probability 1/3.
THIRD = 0.9674215661017010
ROOT_3 = sqrt(3.0)


@shared("void(real*, i64, i64, i64, i64, i64, f64)")
def take_few_values(dW, columns, kinds, first, many, steps, root):
    """Of each row normals of standard deviation `root` to those of few values with their moments.

    The first kind to sqrt(3) root times -1, 0, 1, a second one to root times -1, 1; zeros stay.
    """
    second = columns // 2
    for k in range(steps):
        for i in range(k * columns + first, k * columns + first + many):
            dW[i] = copysign(ROOT_3 * root, dW[i]) if abs(dW[i]) > THIRD * root else 0.0
            if kinds == 2 and dW[second + i] != 0.0:
                dW[second + i] = copysign(root, dW[second + i])


@shared("void(real*, real*, real*, real*, f64, real*, real*, i64, i64)")
def own_stages(now, up, down, I, h, change, weights, first, used):
    """Amplitudes times increments of a process, as far as its own stages go, and B2 g/sqrt(h)."""
    root = sqrt(h)
    for i in range(first, first + used):
        both, apart = up[i] + down[i], up[i] - down[i]
        mean = BETA1_1 * now[i] + BETA1_2 * both - 2.0 * BETA3 * now[i]
        change[i] = I[i] * mean + 0.5 * BETA2 / root * (I[i] * I[i] - h) * apart
        weights[i] = (B2_1 * now[i] + B2_2 * both) / root


@shared("void(real*, real*, real*, f64, real*, i64, i64)")
def other_stages(I, up, down, h, change, first, used):
    """What the stages add that other processes move."""
    root = sqrt(h)
    for i in range(first, first + used):
        change[i] += BETA3 * I[i] * (up[i] + down[i]) + BETA4 * root * (up[i] - down[i])


@shared("void(real*, real*, real*, i64, i64[:], i64, real*, i64, i64)")
def moves(weights, I, S, k, process, lanes, out, first, used):
    """weights_l I_kl of the other processes l, of each amplitude's own; 0 for l = k."""
    I_k, S_k = row(I, k, lanes, "I_k"), row(S, k, lanes, "S_k")
    for e in range(process.size):
        j = process[e]
        sign = 1.0 if j < k else -1.0
        part = 0.0 if j == k else 0.5
        w, I_j, S_j = (
            row(weights, e, lanes, "w"), row(I, j, lanes, "I_j"), row(S, j, lanes, "S_j"),
        )  # fmt: skip
        moved = row(out, e, lanes, "moved")
        for i in range(first, first + used):
            moved[i] = part * w[i] * (I_k[i] * I_j[i] + sign * S_k[i] * S_j[i])


@shared("void(real*, real*, real*, real*, f64, real*, i64, i64)")
def move_V(AI, AS, I_k, S_k, factor, V, first, used):
    """V + factor sum_l A_l I_kl of the noise on V, whose processes come before k."""
    for i in range(first, first + used):
        V[i] += 0.5 * factor * (I_k[i] * AI[i] + S_k[i] * AS[i])
