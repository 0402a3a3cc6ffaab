"""Weak order 2 for any noise: stochastic Runge-Kutta schemes of Roessler's class, for own SDEs.

The engine has the same scheme for networks, `kernels.steps.dri1`. One step from x is, with three
stages each for f and for every column g_k of G,

    x + sum_i alpha_i f(H_i) h
      + sum_k sum_i (beta1_i I_k + beta2_i I_kk/sqrt(h)) g_k(H_i^k)
      + sum_k sum_i (beta3_i I_k + beta4_i sqrt(h)) g_k(J_i^k),

    H_i   = x + h sum_j A0_ij f(H_j) + B0_i sum_k I_k g_k(x),
    H_i^k = x + h A1_i f(x) + B1_i sqrt(h) g_k(x),
    J_i^k = x + sum_{l != k} I_kl/sqrt(h) sum_j B2_ij g_l(H_j^l).

I_k is the increment of three values, I_kk = (I_k^2 - h)/2, and I_kl = (I_k I_l - S_k S_l)/2 for
k < l and (I_k I_l + S_k S_l)/2 for l < k stand for the iterated integrals; S_k is sqrt(h) with the
sign of k. H_1 = H_1^k = J_1^k = x, and the third stages of columns mirror the second.

The areas S_k S_l of different pairs have to be uncorrelated, as true ones are. Products of signs
are; with sqrt(h) S_min(k,l) in their place, one sign for all pairs of a column, they are not, and
of three columns that do not commute second moments would be right to order 1 only.

References
----------
Roessler 2009, SIAM J. Numer. Anal. 47, 1713, doi:10.1137/060673308 (the class); Debrabant &
Roessler 2009, Appl. Numer. Math. 59, 582, doi:10.1016/j.apnum.2008.03.012 (DRI1).
"""

from __future__ import annotations

from math import sqrt

import numpy as np

from hh_sde.kernels.weak import DRI1, Tableau
from hh_sde.methods.method import Problem
from hh_sde.methods.own import Step, stepping
from hh_sde.sde import Function

_Signs = np.ndarray | None


def drift_stages(
    f: Function, x: np.ndarray, t: float, h: float, noise: np.ndarray, c: Tableau
) -> tuple[np.ndarray, np.ndarray]:
    """f(x), and sum_i alpha_i f(H_i); `noise` is sum_k I_k g_k(x)."""
    first = f(x, t)
    second = f(x + c.A0[0] * h * first + c.B0[0] * noise, t + c.A0[0] * h)
    stage = x + h * (c.A0[1] * first + c.A0[2] * second) + c.B0[1] * noise
    third = f(stage, t + (c.A0[1] + c.A0[2]) * h)
    return first, c.alpha[0] * first + c.alpha[1] * second + c.alpha[2] * third


def step_of(c: Tableau, noise_type: str = "general") -> Step:
    """One step of the scheme with these coefficients, as `integrator` takes it.

    Additive noise is the same at all stages of one time, and diagonal noise at all J_i^k, since
    g_k depends on x_k alone, which no other column moves: what stands there drops out.
    """

    def additive(
        f: Function,
        G: Function,
        x: np.ndarray,
        t: float,
        h: float,
        I: np.ndarray,
        S: np.ndarray | None,
    ) -> np.ndarray:
        now, later = G(x, t), G(x, t + c.A1 * h)
        _, slope = drift_stages(f, x, t, h, _product(now, I), c)
        return x + h * slope + _product(c.beta1[0] * now + 2 * c.beta1[1] * later, I)

    def diagonal(
        f: Function,
        G: Function,
        x: np.ndarray,
        t: float,
        h: float,
        I: np.ndarray,
        S: np.ndarray | None,
    ) -> np.ndarray:
        g = G(x, t)
        first, slope = drift_stages(f, x, t, h, _product(g, I), c)
        ahead = x + c.A1 * h * first
        shift = c.B1 * sqrt(h) * np.einsum("kkn->kn", g)
        up, down = G(ahead + shift, t + c.A1 * h), G(ahead - shift, t + c.A1 * h)
        return x + h * slope + _of_own_stages(g, up, down, h, I)

    def general(
        f: Function,
        G: Function,
        x: np.ndarray,
        t: float,
        h: float,
        I: np.ndarray,
        S: np.ndarray | None,
    ) -> np.ndarray:
        assert S is not None
        root, g = sqrt(h), G(x, t)
        first, slope = drift_stages(f, x, t, h, _product(g, I), c)
        ahead = x + c.A1 * h * first
        up, down = np.empty_like(g), np.empty_like(g)
        for k in range(len(I)):
            shift = c.B1 * root * g[:, k]
            up[:, k] = G(ahead + shift, t + c.A1 * h)[:, k]
            down[:, k] = G(ahead - shift, t + c.A1 * h)[:, k]
        x_next = x + h * slope + _of_own_stages(g, up, down, h, I)
        weights = (c.B2[0] * g + c.B2[1] * (up + down)) / root
        for k in range(len(I)):
            shift = _product(weights, _integrals(k, h, I, S))
            up_k, down_k = G(x + shift, t)[:, k], G(x - shift, t)[:, k]
            x_next += c.beta3 * I[k] * (up_k + down_k - 2 * g[:, k])
            x_next += c.beta4 * root * (up_k - down_k)
        return x_next

    def _of_own_stages(
        g: np.ndarray, up: np.ndarray, down: np.ndarray, h: float, I: np.ndarray
    ) -> np.ndarray:
        """The sums over g_k(H_i^k)."""
        means = _product(c.beta1[0] * g + c.beta1[1] * (up + down), I)
        return means + _product(up - down, c.beta2 / sqrt(h) * 0.5 * (I**2 - h))

    return {"additive": additive, "diagonal": diagonal}.get(noise_type, general)


def _integrals(k: int, h: float, I: np.ndarray, S: np.ndarray) -> np.ndarray:
    """I_kl for all l, with 0 for k itself."""
    signs = S[k] * S
    signs[k + 1 :] *= -1.0
    found = 0.5 * (I[k] * I + signs)
    found[k] = 0.0
    return found


def _product(G: np.ndarray, dW: np.ndarray) -> np.ndarray:
    return np.einsum("dmk,mk->dk", G, dW)


def _dri1_step(problem: Problem) -> Step:
    return step_of(DRI1, problem.sde.noise_type if problem.sde.m else "additive")


#: The `run` of DRI1 for an SDE of one's own.
dri1 = stepping(_dri1_step, "weak")
