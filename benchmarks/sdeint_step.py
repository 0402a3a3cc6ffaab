"""What a step of sdeint costs with f and G from the kernels, and with a vectorised numpy f and G.

    python benchmarks/sdeint_step.py [--neurons 2 50] [--steps 20000] [--repeats 5]

Both are given the same dW and take the same steps of itoEuler; the ratio is of medians in one run.
"""

import argparse
import statistics
import time

import numpy as np
import sdeint

import hh_sde as hh


def numpy_functions(net, weights):
    """f and G of the question's network, as a careful user would vectorise them."""
    n = net.n_neurons
    G = np.zeros((5 * n, n))
    G[:n] = np.eye(n)

    def f(x, t):
        V, m, h, k, s = x.reshape(5, n)
        u = 0.1 * V
        alpha_m = (u + 4.0) / (1.0 - np.exp(-u - 4.0))
        beta_m = 4.0 * np.exp((-65.0 - V) / 18.0)
        alpha_h = 0.07 * np.exp((-65.0 - V) / 20.0)
        beta_h = 1.0 / (1.0 + np.exp(-u - 3.5))
        alpha_k = (0.01 * V + 0.55) / (1.0 - np.exp(-u - 5.5))
        beta_k = 0.125 * np.exp((-65.0 - V) / 80.0)
        current = (
            10.0
            - 120.0 * m**3 * h * (V - 50.0)
            - 36.0 * k**4 * (V + 77.0)
            - 0.3 * (V + 54.387)
            + (20.0 - V) * (weights @ s)
        )
        return np.concatenate(
            [
                current,
                alpha_m * (1 - m) - beta_m * m,
                alpha_h * (1 - h) - beta_h * h,
                alpha_k * (1 - k) - beta_k * k,
                5.0 * (1 - s) / (1.0 + np.exp((-3.0 - V) / 8.0)) - s,
            ]
        )

    return f, lambda x, t: G


def seconds_per_step(f, G, x0, times, dW, repeats):
    laps = []
    for _ in range(repeats):
        start = time.perf_counter()
        states = sdeint.itoEuler(f, G, x0, times, dW=dW)
        laps.append((time.perf_counter() - start) / len(dW))
    return statistics.median(laps), states


def compare(n, steps, repeats, dt=0.01):
    weights = np.full((n, n), 0.1 / max(1, n - 1))
    np.fill_diagonal(weights, 0.0)
    net = hh.Network(
        n,
        stimulus=10.0,
        synapses=hh.Synapse.sigmoidal(weights),
        noise=hh.CurrentNoise(1.0),
    )
    sde = net.sde()
    dW = hh.BrownianPath(1, m=n, dt=dt).increments(0, steps)
    times = np.arange(steps + 1) * dt
    sde.f(sde.x0, 0.0)  # compiled before the clock starts
    ours, states = seconds_per_step(sde.f, sde.G, sde.x0, times, dW, repeats)
    theirs, check = seconds_per_step(*numpy_functions(net, weights), sde.x0, times, dW, repeats)
    difference = np.max(np.abs(states[:2000] - check[:2000]))
    assert difference < 1e-6, f"the two disagree by {difference}"
    return ours, theirs


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--neurons", type=int, nargs="+", default=[2, 10, 50])
    parser.add_argument("--steps", type=int, default=20_000)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    print(f"{'neurons':>8} {'kernels us/step':>16} {'numpy us/step':>14} {'ratio':>6}")
    for n in options.neurons:
        ours, theirs = compare(n, options.steps, options.repeats)
        print(f"{n:8d} {ours * 1e6:16.2f} {theirs * 1e6:14.2f} {theirs / ours:6.2f}")


if __name__ == "__main__":
    main()
