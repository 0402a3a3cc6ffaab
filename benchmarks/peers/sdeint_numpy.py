"""sdeint.itoEuler with a vectorised numpy f and G: trials are independent neurons' copies."""

import numpy as np
import sdeint
from common import Case, run


def prepare(case: Case):
    n = case.neurons * case.trials
    weights = np.kron(np.array([[0, 0.1], [0.1, 0]]), np.eye(case.trials)) if case.coupled else None
    G = np.zeros(((5 if case.coupled else 4) * n, n))
    G[:n] = np.eye(n)

    def f(x, t):
        V, m, h, k, *s = x.reshape(-1, n)
        alpha_m = (0.1 * V + 4.0) / (1.0 - np.exp(-0.1 * V - 4.0))
        beta_m = 4.0 * np.exp((-65.0 - V) / 18.0)
        alpha_h = 0.07 * np.exp((-65.0 - V) / 20.0)
        beta_h = 1.0 / (1.0 + np.exp(-0.1 * V - 3.5))
        alpha_k = (0.01 * V + 0.55) / (1.0 - np.exp(-0.1 * V - 5.5))
        beta_k = 0.125 * np.exp((-65.0 - V) / 80.0)
        dV = 10.0 - 120.0 * m**3 * h * (V - 50.0) - 36.0 * k**4 * (V + 77.0) - 0.3 * (V + 54.387)
        slopes = [
            alpha_m * (1 - m) - beta_m * m,
            alpha_h * (1 - h) - beta_h * h,
            alpha_k * (1 - k) - beta_k * k,
        ]
        if case.coupled:
            dV = dV + (20.0 - V) * (weights @ s[0])
            slopes.append(5.0 * (1 - s[0]) / (1.0 + np.exp((-3.0 - V) / 8.0)) - s[0])
        return np.concatenate([dV, *slopes])

    x0 = np.repeat([-65.0, 0.0529, 0.5961, 0.3177, 0.0021][: len(G) // n], n)
    times = np.arange(case.steps + 1) * case.dt

    def simulate():
        states = sdeint.itoEuler(f, lambda x, t: G, x0, times, generator=np.random.default_rng(1))
        return float(states[-1, :n].mean())

    return simulate


run(prepare)
