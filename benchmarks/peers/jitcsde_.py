"""jitcsde: C compiled from symbolic expressions, with its own integrator held at steps of dt.

It has no Euler step. Its method for additive noise is Roessler's Runge-Kutta scheme SRA: two drifts
and an error estimate in each step, and two random numbers for every variable, gates included.
"""

import numpy as np
import symengine
from common import Case, run
from jitcsde import jitcsde, y

ANY = 1e9  # a tolerance that every step meets


def drift(case: Case):
    """The slope of every variable; y(v * neurons + i) is variable v of neuron i."""
    n, exp = case.neurons, symengine.exp
    voltages, *gates = [[] for _ in range(5 if case.coupled else 4)]
    for i in range(n):
        V, m, h, k, *s = (y(v * n + i) for v in range(len(gates) + 1))
        dV = 10.0 - 120.0 * m**3 * h * (V - 50.0) - 36.0 * k**4 * (V + 77.0) - 0.3 * (V + 54.387)
        rates = [
            ((0.1 * V + 4.0) / (1.0 - exp(-0.1 * V - 4.0)), 4.0 * exp((-65.0 - V) / 18.0)),
            (0.07 * exp((-65.0 - V) / 20.0), 1.0 / (1.0 + exp(-0.1 * V - 3.5))),
            ((0.01 * V + 0.55) / (1.0 - exp(-0.1 * V - 5.5)), 0.125 * exp((-65.0 - V) / 80.0)),
        ]
        if case.coupled:
            dV = dV + (20.0 - V) * 0.1 * y(4 * n + 1 - i)
            rates.append((5.0 / (1.0 + exp((-3.0 - V) / 8.0)), 1.0))
        voltages.append(dV)
        for slopes, x, (alpha, beta) in zip(gates, (m, h, k, *s), rates, strict=True):
            slopes.append(alpha * (1 - x) - beta * x)
    return sum(gates, voltages)


def build(case: Case, sigma: float = 1.0):
    n, f = case.neurons, drift(case)
    integrator = jitcsde(
        f, [sigma] * n + [0.0] * (len(f) - n), n=len(f), additive=True, verbose=False
    )
    # its own compiler flags, -O3 -ffast-math -march=native among them; simplifying only takes time
    integrator.compile_C(simplify=False)
    # no error is too large, so every step is accepted, and no step may be longer than dt
    integrator.set_integration_parameters(
        atol=ANY, rtol=ANY, first_step=case.dt, max_step=case.dt, min_step=1e-10
    )
    return integrator


def prepare(case: Case):
    integrator = build(case)
    rest = [-65.0, 0.0529, 0.5961, 0.3177, 0.0021]
    start = np.repeat(rest[: integrator.n // case.neurons], case.neurons)

    def simulate():
        integrator.set_seed(1)
        integrator.set_initial_value(start, 0.0)
        return float(integrator.integrate(case.steps * case.dt)[: case.neurons].mean())

    return simulate


run(prepare)
