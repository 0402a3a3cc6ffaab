"""What the chain of ion channels costs: exactly, by tau leaping, and as a diffusion.

    python benchmarks/chain.py [--areas 1 10 100] [--seconds 0.2] [--repeats 3] [--out results]

A free cell at I = 10 uA/cm^2, one thread: `gillespie` in ns for a transition and in seconds for a
simulated second of one neuron; `tau_leap` and ConductanceNoise by `euler_maruyama` in ns for a step
of one neuron. Figures are medians over the repeats, the methods in turn in every round. What a call
costs besides, measured on a short run, is taken off. Writes chain.json.
"""

import argparse
import json
import statistics
import time
from pathlib import Path

import hh_sde as hh

LANES = 16  # trials of the methods with a step, which work on several lanes at once


def network(area):
    return hh.Network(1, stimulus=10.0, noise=hh.ConductanceNoise(area=area))


def lap(net, t_end, **options):
    """Seconds that a run takes, and its transitions."""
    start = time.perf_counter()
    ds = hh.solve(net, t_end, rng=1, record=("spikes",), **options)
    return time.perf_counter() - start, ds.attrs.get("transition_events", 0)


def exact(net, t_end):
    """ns for a transition, and seconds for a simulated second."""
    options = {"dt": 0.1, "method": "gillespie"}
    fixed, few = lap(net, 0.1, **options)
    taken, many = lap(net, t_end, **options)
    return 1e9 * (taken - fixed) / (many - few), (taken - fixed) / (t_end - 0.1) * 1e3


def stepping(net, method, t_end, dt=0.01):
    """ns for a step of a neuron."""
    options = {"dt": dt, "method": method, "trials": LANES}
    fixed, _ = lap(net, dt, **options)
    taken, _ = lap(net, t_end, **options)
    return 1e9 * (taken - fixed) / (LANES * (t_end / dt - 1))


def measure(area, seconds):
    net = network(area)
    net.sde()  # what is computed once for a network
    t_end = round(1e3 * seconds * max(1.0, 100.0 / area))  # alike many transitions
    event, second = exact(net, t_end)
    return {
        "gillespie_ns_per_transition": event,
        "gillespie_s_per_simulated_s": second,
        "tau_leap_ns_per_step": stepping(net, "tau_leap", 10.0),
        "euler_maruyama_ns_per_step": stepping(net, "euler_maruyama", 20.0),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--areas", type=float, nargs="+", default=[1.0, 10.0, 100.0])
    parser.add_argument("--seconds", type=float, default=0.2, help="simulated, at 100 um^2")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=Path, default=None)
    options = parser.parse_args()
    for area in options.areas:  # compile before the clock starts
        measure(area, 0.001)
    rounds = [
        {area: measure(area, options.seconds) for area in options.areas}
        for _ in range(options.repeats)
    ]
    results = {}
    print(
        f"{'um^2':>6} {'ns/transition':>14} {'s per s':>8} {'tau ns/step':>12} {'EM ns/step':>11}"
    )
    for area in options.areas:
        names = rounds[0][area]
        found = {name: statistics.median(one[area][name] for one in rounds) for name in names}
        results[f"{area:g}"] = found
        event, second, tau, euler = found.values()
        print(f"{area:6g} {event:14.1f} {second:8.3f} {tau:12.0f} {euler:11.0f}")
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / "chain.json").write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
