"""Right-hand sides of the cells of CELLS, written from the papers: the state as in the network.

dV/dt = (I - ...)/C, then the gates; concentrations in mM, last.
"""

import numpy as np
from numpy import exp


def x_over(x, y):
    """x/(exp(x/y) - 1), and y at 0."""
    return y if x == 0 else x / np.expm1(x / y)


def gate(alpha, beta, x):
    return alpha * (1 - x) - beta * x


def squid(t, x, I, phi=1.0):
    """Hodgkin & Huxley 1952, V of the other sign."""
    V, m, h, n = x
    return np.array(
        [
            I - 120 * m**3 * h * (V - 115) - 36 * n**4 * (V + 12) - 0.3 * (V - 10.613),
            phi * gate(0.1 * x_over(25 - V, 10), 4 * exp(-V / 18), m),
            phi * gate(0.07 * exp(-V / 20), 1 / (exp((30 - V) / 10) + 1), h),
            phi * gate(0.01 * x_over(10 - V, 10), 0.125 * exp(-V / 80), n),
        ]
    )


def hodgkin_huxley(t, x, I, phi=1.0):
    """The same with V from -65 mV, so that E_Na = 50 and E_K = -77, and E_L of the question."""
    V = x[0]
    dx = squid(t, [V + 65, *x[1:]], I, phi)
    dx[0] += 0.3 * (V + 65 - 10.613) - 0.3 * (V + 54.387)
    return dx


def wang_buzsaki(t, x, I):
    """Wang & Buzsaki 1996, the single neuron."""
    V, h, n = x
    alpha_m = -0.1 * (V + 35) / (np.exp(-0.1 * (V + 35)) - 1)
    beta_m = 4 * np.exp(-(V + 60) / 18)
    alpha_h = 0.07 * np.exp(-(V + 58) / 20)
    beta_h = 1 / (np.exp(-0.1 * (V + 28)) + 1)
    alpha_n = -0.01 * (V + 34) / (np.exp(-0.1 * (V + 34)) - 1)
    beta_n = 0.125 * np.exp(-(V + 44) / 80)
    m = alpha_m / (alpha_m + beta_m)
    return np.array(
        [
            I - 35 * m**3 * h * (V - 55) - 9 * n**4 * (V + 90) - 0.1 * (V + 65),
            5 * (alpha_h * (1 - h) - beta_h * h),
            5 * (alpha_n * (1 - n) - beta_n * n),
        ]
    )


def morris_lecar(t, x, I):
    """Morris & Lecar 1981, with hyperbolic functions."""
    V, w = x
    m = 0.5 * (1 + np.tanh((V + 1.2) / 18))
    w_inf = 0.5 * (1 + np.tanh((V - 2) / 30))
    current = 4.4 * m * (V - 120) + 8 * w * (V + 84) + 2 * (V + 60)
    return np.array([(I - current) / 20, 0.04 * np.cosh((V - 2) / 60) * (w_inf - w)])


def connor_stevens(t, x, I):
    """Connor, Walter & McKown 1977, as in Dayan & Abbott 2001, chapter 6; a_inf at most 1."""
    V, m, h, n, a, b = x
    a_inf = (0.0761 * exp(0.0314 * (V + 94.22)) / (1 + exp(0.0346 * (V + 1.17)))) ** (1 / 3)
    b_inf = (1 / (1 + exp(0.0688 * (V + 53.3)))) ** 4
    tau_a = 0.3632 + 1.158 / (1 + exp(0.0497 * (V + 55.96)))
    tau_b = 1.24 + 2.678 / (1 + exp(0.0624 * (V + 50)))
    current = 120 * m**3 * h * (V - 55) + 20 * n**4 * (V + 72)
    return np.array(
        [
            I - current - 47.7 * a**3 * b * (V + 75) - 0.3 * (V + 17),
            gate(0.38 * x_over(-V - 29.7, 10), 15.2 * exp(-0.0556 * (V + 54.7)), m),
            gate(0.266 * exp(-0.05 * (V + 48)), 3.8 / (1 + exp(-0.1 * (V + 18))), h),
            gate(0.02 * x_over(-V - 45.7, 10), 0.25 * exp(-0.0125 * (V + 55.7)), n),
            (min(a_inf, 1.0) - a) / tau_a,
            (b_inf - b) / tau_b,
        ]
    )


def fast(V, m, h, n, V_T):
    """Traub & Miles 1991: the gates of Na and K."""
    v = V - V_T
    return [
        gate(0.32 * x_over(13 - v, 4), 0.28 * x_over(v - 40, 5), m),
        gate(0.128 * exp((17 - v) / 18), 4 / (1 + exp((40 - v) / 5)), h),
        gate(0.032 * x_over(15 - v, 5), 0.5 * exp((10 - v) / 40), n),
    ]


def traub_miles(t, x, I):
    """Brette et al. 2007, appendix 2, benchmark 3."""
    V, m, h, n = x
    dV = I - 100 * m**3 * h * (V - 50) - 30 * n**4 * (V + 90) - 0.05 * (V + 60)
    return np.array([dV, *fast(V, m, h, n, -63.0)])


def cortical(V, m, h, n, g_K, g_L, E_L):
    """Pospischil et al. 2008: dV/dt of what all have, and their gates."""
    dV = -50 * m**3 * h * (V - 50) - g_K * n**4 * (V + 100) - g_L * (V - E_L)
    return [dV, *fast(V, m, h, n, -55.0)]


def slow_potassium(V, p):
    tau = 1000 / (3.3 * exp((V + 35) / 20) + exp(-(V + 35) / 20))
    return (1 / (1 + exp(-(V + 35) / 10)) - p) / tau


def pospischil_RS(t, x, I):
    V, m, h, n, p = x
    dx = np.array([*cortical(V, m, h, n, 5, 0.1, -70), slow_potassium(V, p)])
    dx[0] += I - 0.07 * p * (V + 100)
    return dx


def pospischil_FS(t, x, I):
    dx = np.array(cortical(*x, 10, 0.15, -70))
    dx[0] += I
    return dx


def pospischil_IB(t, x, I):
    V, m, h, n, p, q, r = x
    dx = np.array(
        [
            *cortical(V, m, h, n, 5, 0.01, -85),
            slow_potassium(V, p),
            gate(0.055 * x_over(-27 - V, 3.8), 0.94 * exp((-75 - V) / 17), q),
            gate(0.000457 * exp((-13 - V) / 50), 0.0065 / (exp((-15 - V) / 28) + 1), r),
        ]
    )
    dx[0] += I - 0.03 * p * (V + 100) - 0.17 * q**2 * r * (V - 120)
    return dx


def pospischil_LTS(t, x, I):
    V, m, h, n, p, u = x
    s = 1 / (1 + exp(-(V + 2 + 57) / 6.2))
    u_inf = 1 / (1 + exp((V + 2 + 81) / 4))
    tau = 30.8 + (211.4 + exp((V + 2 + 113.2) / 5)) / (1 + exp((V + 2 + 84) / 3.2))
    dx = np.array(
        [
            *cortical(V, m, h, n, 5, 0.01, -85),
            slow_potassium(V, p),
            (u_inf - u) * 3**1.2 / tau,
        ]
    )
    dx[0] += I - 0.03 * p * (V + 100) - 0.4 * s**2 * u * (V - 120)
    return dx


UNIT = 0.01 / 250  # mM, what a unit of calcium is taken for


def two_compartments(t, x, I, g_c):
    """Pinsky & Rinzel 1994 as in ModelDB 35358, V from rest, Ca in its own unit; I to the soma.

    The state: V of soma and dendrite, h, n, s, c, q, Ca.
    """
    Vs, Vd, h, n, s, c, q, Ca = x
    alpha_m, beta_m = 0.32 * x_over(13.1 - Vs, 4), 0.28 * x_over(Vs - 40.1, 5)
    m = alpha_m / (alpha_m + beta_m)
    I_Ca = 10 * s**2 * (Vd - 140)
    alpha_c = exp((Vd - 10) / 11 - (Vd - 6.5) / 27) / 18.975
    beta_c = 2 * exp((6.5 - Vd) / 27) - alpha_c
    if Vd > 50:
        alpha_c, beta_c = 2 * exp((6.5 - Vd) / 27), 0.0
    somatic = 0.1 * Vs + 30 * m**2 * h * (Vs - 120) + 15 * n * (Vs + 15)
    dendritic = 0.1 * Vd + I_Ca + (0.8 * q + 15 * c * min(Ca / 250, 1)) * (Vd + 15)
    return np.array(
        [
            (-somatic + g_c / 0.5 * (Vd - Vs) + I / 0.5) / 3,
            (-dendritic + g_c / 0.5 * (Vs - Vd)) / 3,
            gate(0.128 * exp((17 - Vs) / 18), 4 / (1 + exp((40 - Vs) / 5)), h),
            gate(0.016 * x_over(35.1 - Vs, 5), 0.25 * exp(0.5 - 0.025 * Vs), n),
            gate(1.6 / (1 + exp(-0.072 * (Vd - 65))), 0.02 * x_over(Vd - 51.1, 5), s),
            gate(alpha_c, beta_c, c),
            gate(min(0.00002 * Ca, 0.01), 0.001, q),
            -0.13 * I_Ca - 0.075 * Ca,
        ]
    )


def traub_ca3(t, x, I):
    """The mean of both compartments where their potentials are one."""
    V, h, n, s, c, q, Ca = x
    soma, dendrite, *others, dCa = two_compartments(
        t, [V + 60, V + 60, h, n, s, c, q, Ca / UNIT], I, 0.0
    )
    return np.array([0.5 * (soma + dendrite), *others, dCa * UNIT])


def prinz_abpd(t, x, I):
    """Prinz, Billimoria & Marder 2003; Ca of the state in mM, of the paper in uM."""
    V, mNa, hNa, mCaT, hCaT, mCaS, hCaS, mA, hA, mKCa, mKd, mH, Ca_mM = x

    def s(mid, slope):
        return 1 / (1 + exp((V + mid) / slope))

    Ca = Ca_mM * 1e3
    E_Ca = 1e3 * 8.31446261815324 * 283.15 / (2 * 96485.33212331001) * np.log(3000 / Ca)
    I_Ca = (2.5 * mCaT**3 * hCaT + 6 * mCaS**3 * hCaS) * (V - E_Ca)
    K = 50 * mA**3 * hA + 10 * mKCa**4 + 100 * mKd**4
    current = 400 * mNa**3 * hNa * (V - 50) + I_Ca + K * (V + 80) + 0.01 * mH * (V + 20)
    tau_mCaS = 2.8 + 14 / (exp((V + 27) / 10) + exp((V + 70) / -13))
    tau_hCaS = 120 + 300 / (exp((V + 55) / 9) + exp((V + 65) / -16))
    return np.array(
        [
            I - current,
            (s(25.5, -5.29) - mNa) / (2.64 - 2.52 * s(120, -25)),
            (s(48.9, 5.18) - hNa) / (1.34 * s(62.9, -10) * (1.5 + s(34.9, 3.6))),
            (s(27.1, -7.2) - mCaT) / (43.4 - 42.6 * s(68.1, -20.5)),
            (s(32.1, 5.5) - hCaT) / (210 - 179.6 * s(55, -16.9)),
            (s(33, -8.1) - mCaS) / tau_mCaS,
            (s(60, 6.2) - hCaS) / tau_hCaS,
            (s(27.2, -8.7) - mA) / (23.2 - 20.8 * s(32.9, -15.2)),
            (s(56.9, 4.9) - hA) / (77.2 - 58.4 * s(38.9, -26.5)),
            (Ca / (Ca + 3) * s(28.3, -12.6) - mKCa) / (180.6 - 150.2 * s(46, -22.7)),
            (s(12.3, -11.8) - mKd) / (14.4 - 12.8 * s(28.3, -19.2)),
            (s(75, 5.5) - mH) / (2 / (exp((V + 169.7) / -11.6) + exp((V - 26.7) / 14.3))),
            (-14.96 * 0.628 * I_Ca - Ca + 0.05) / 200 * 1e-3,
        ]
    )


#: Of each cell its equations, a current (uA/cm^2) at which it fires, and for how long to look, ms.
PAPERS = {
    "hodgkin_huxley": (hodgkin_huxley, 10.0, 100.0),
    "hodgkin_huxley_1952": (squid, 10.0, 100.0),
    "wang_buzsaki": (wang_buzsaki, 1.0, 100.0),
    "morris_lecar": (morris_lecar, 100.0, 600.0),
    "connor_stevens": (connor_stevens, 12.0, 200.0),
    "traub_miles": (traub_miles, 2.0, 100.0),
    "pospischil_RS": (pospischil_RS, 3.0, 300.0),
    "pospischil_FS": (pospischil_FS, 4.0, 150.0),
    "pospischil_IB": (pospischil_IB, 1.0, 250.0),
    "pospischil_LTS": (pospischil_LTS, 2.0, 200.0),
    "traub_ca3": (traub_ca3, 2.0, 200.0),
    "prinz_abpd": (prinz_abpd, 0.0, 250.0),
}
