"""Simulations per second for inference: rows as lanes, beside a Python loop over time steps.

    python benchmarks/simulator.py [--rows 4000] [--looped 5] [--repeats 3] [--out results]

The regular-spiking cell of Pospischil et al. (2008) with a step of current and white noise for 120
ms, by Euler's method at 0.01 ms: g_Na and g_K to the seven summaries of sbi's Hodgkin-Huxley
tutorial. The loop is written as simulators there are: numpy's functions of one number, steady state
and time constant of each gate. Both take one thread, in rounds in turn; the median of the rounds is
given. Without noise the two are held to the same numbers first. Writes simulator_KIND.json and .md.

Ours once with V kept at every step, as the loop has it, and once with V at every tenth, of which
the moments are as good.
"""

import argparse
import statistics
import time
from pathlib import Path

import numpy as np
import processor

import hh_sde as hh

T_END, DT, ONSET, OFFSET = 120.0, 0.01, 10.0, 110.0  # ms
CURRENT, SIGMA = 3.25, 0.1  # uA/cm^2, uA/cm^2 ms^0.5
V_T = -55.0  # mV
LOW, HIGH = (0.5, 1e-4), (80.0, 15.0)  # mS/cm^2, of g_Na and g_K
NET = hh.Network(
    1,
    "pospischil_RS",
    stimulus=hh.StepCurrent(CURRENT, start=ONSET, stop=OFFSET),
    noise=hh.CurrentNoise(SIGMA),
)


def simulator(net=NET, save_dt=DT):
    """Ours."""
    summary = {"step_response": {"onset": ONSET, "offset": OFFSET}}
    return hh.simulator(
        net, ["cell.g_Na", "cell.g_K"], summary, T_END, dt=DT, save_dt=save_dt, rng=1
    )


def linoid(u):
    """u / (1 - exp(-u)), 1 at 0."""
    return 1.0 + 0.5 * u if np.abs(u) < 1e-6 else u / (1.0 - np.exp(-u))


def alpha_m(V):
    return 0.32 * 4.0 * linoid((V - V_T - 13.0) / 4.0)


def beta_m(V):
    return 0.28 * 5.0 * linoid((V_T + 40.0 - V) / 5.0)


def alpha_h(V):
    return 0.128 * np.exp((V_T + 17.0 - V) / 18.0)


def beta_h(V):
    return 4.0 / (1.0 + np.exp((V_T + 40.0 - V) / 5.0))


def alpha_n(V):
    return 0.032 * 5.0 * linoid((V - V_T - 15.0) / 5.0)


def beta_n(V):
    return 0.5 * np.exp((V_T + 10.0 - V) / 40.0)


def steady(alpha, beta):
    """The steady state of a gate and its time constant (ms), of V."""
    return lambda V: alpha(V) / (alpha(V) + beta(V)), lambda V: 1.0 / (alpha(V) + beta(V))


m_inf, tau_m = steady(alpha_m, beta_m)
h_inf, tau_h = steady(alpha_h, beta_h)
n_inf, tau_n = steady(alpha_n, beta_n)


def p_inf(V):
    return 1.0 / (1.0 + np.exp(-(V + 35.0) / 10.0))


def tau_p(V):
    return 1000.0 / (3.3 * np.exp((V + 35.0) / 20.0) + np.exp(-(V + 35.0) / 20.0))


def trace(g_Na, g_K, sigma, rng):
    """V over time (mV), step by step."""
    time = np.arange(round(T_END / DT) + 1) * DT
    injected = np.where((time >= ONSET) & (time < OFFSET), CURRENT, 0.0)
    dW = np.sqrt(DT) * rng.standard_normal(time.size)
    V, m, h, n, p = (np.empty(time.size) for _ in range(5))
    V[0] = -70.0
    m[0], h[0], n[0], p[0] = m_inf(V[0]), h_inf(V[0]), n_inf(V[0]), p_inf(V[0])
    for k in range(time.size - 1):
        current = injected[k] - (
            g_Na * m[k] ** 3 * h[k] * (V[k] - 50.0)
            + (g_K * n[k] ** 4 + 0.07 * p[k]) * (V[k] + 100.0)
            + 0.1 * (V[k] + 70.0)
        )
        V[k + 1] = V[k] + DT * current + sigma * dW[k]
        m[k + 1] = m[k] + DT * (m_inf(V[k]) - m[k]) / tau_m(V[k])
        h[k + 1] = h[k] + DT * (h_inf(V[k]) - h[k]) / tau_h(V[k])
        n[k + 1] = n[k] + DT * (n_inf(V[k]) - n[k]) / tau_n(V[k])
        p[k + 1] = p[k] + DT * (p_inf(V[k]) - p[k]) / tau_p(V[k])
    return time, V


def summaries(time, V):
    """Spikes, mean and sd of V before the step, mean, sd, skewness and kurtosis during it."""
    rest, step = V[time < ONSET], V[(time >= ONSET) & (time < OFFSET)]
    away = (step - step.mean()) / step.std()
    above = V >= 0.0
    upward = time[1:][above[1:] & ~above[:-1]]
    spikes = np.sum((upward >= ONSET) & (upward < OFFSET))
    return np.array(
        [
            spikes,
            rest.mean(),
            rest.std(),
            step.mean(),
            step.std(),
            np.mean(away**3),
            np.mean(away**4),
        ]
    )


def loop(rows, sigma=SIGMA, seed=1):
    """A simulation after the other."""
    rng = np.random.default_rng(seed)
    return np.array([summaries(*trace(*row, sigma, rng)) for row in rows])


def seconds(function, *arguments):
    start = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - start


def compare(rows, looped, repeats):
    """Simulations in a second: of the loop, and of ours with V at every step and at every tenth."""
    drawn = np.random.default_rng(0).uniform(LOW, HIGH, (rows, 2))
    difference = np.max(
        np.abs(simulator(NET.replace(noise=()))(drawn[:3]) / loop(drawn[:3], 0.0) - 1)
    )
    assert difference < 1e-6, f"the two disagree by {difference:.2g}"
    ours = [simulator(), simulator(save_dt=10 * DT)]
    for one in ours:
        one(drawn)  # compiled before the clock starts
    rounds = [
        [looped / seconds(loop, drawn[:looped]), *(rows / seconds(one, drawn) for one in ours)]
        for _ in range(repeats)
    ]
    return list(map(statistics.median, zip(*rounds, strict=True)))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=4000, help="of ours in a round")
    parser.add_argument("--looped", type=int, default=5, help="of the loop in a round")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=Path, default=processor.RESULTS)
    options = parser.parse_args()
    speeds = compare(options.rows, options.looped, options.repeats)
    names = [
        "a Python loop over time steps",
        f"`hh.simulator`, {options.rows:,} rows, V at every step",
        f"`hh.simulator`, {options.rows:,} rows, V every 0.1 ms",
    ]
    lines = ["| | simulations per second | ratio |", "|---|---:|---:|"]
    lines += [
        f"| {name} | {speed:,.4g} | {speed / speeds[0]:,.0f} |"
        for name, speed in zip(names, speeds, strict=True)
    ]
    result = dict(zip(names, speeds, strict=True)) | {
        "looped": options.looped,
        "repeats": options.repeats,
    }
    processor.write(options.out, "simulator", result, "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
