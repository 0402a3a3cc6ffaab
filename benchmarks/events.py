"""What event-driven synapses cost: spikes times their targets, not synapses times steps.

    python benchmarks/events.py [--neurons 2000]

Leaky membranes that receive the spikes of as many given trains, through 0, 10, 100 and 1,000
synapses of each: silent ones, then at two rates. Silent synapses should cost nothing, and an
arrival should cost the same however many there are. Times are the best of several runs, each less
that of a run of one step, which holds what is made once.
"""

import argparse
import time

import numpy as np

import hh_sde as hh

T_END, DT, REPEATS = 200.0, 0.05, 5
LEAKY = hh.Cell("leaky", (hh.Channel("L", g=0.1, E=-65.0),), V0=-65.0)


def network(n: int, fan_out: int, rate: float) -> tuple[hh.Network, int]:
    """The network, and how many spikes arrive in it."""
    rng = np.random.default_rng(1)
    trains = [np.sort(rng.uniform(0.0, T_END, rng.poisson(rate * T_END / 1e3))) for _ in range(n)]
    weights = hh.topology.fixed_outdegree(k=fan_out, weight=1e-4, rng=1) if fan_out else 0.0
    synapse = hh.SYNAPSES["exponential"](weights, tau=5.0, E=0.0, source=hh.SpikeTimes(trains))
    return hh.Network(n, LEAKY, synapses=synapse), fan_out * sum(map(len, trains))


def seconds(net: hh.Network) -> float:
    """Of all steps but the first, in the fastest of some runs."""
    return fastest(net, T_END) - fastest(net, DT)


def fastest(net: hh.Network, t_end: float) -> float:
    found = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        hh.solve(net, t_end, dt=DT, method="lie_trotter", record=("V",), save_dt=t_end)
        found.append(time.perf_counter() - start)
    return min(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--neurons", type=int, default=2000)
    n = parser.parse_args().neurons
    steps = round(T_END / DT)
    bare, _ = network(n, 0, 0.0)
    seconds(bare)
    base = seconds(bare)
    each = 1e9 * base / (n * steps)
    print(f"{n} neurons, {steps} steps; without synapses {each:.1f} ns per neuron and step")
    print("| synapses | Hz | arrivals | time over that without synapses | ns per arrival |")
    print("| --- | --- | --- | --- | --- |")
    for fan_out in (10, 100, 1000):
        for rate in (0.0, 5.0, 50.0):
            net, arrivals = network(n, fan_out, rate)
            taken = seconds(net)
            each = f"{1e9 * (taken - base) / arrivals:.1f}" if arrivals else "-"
            print(f"| {n * fan_out:,} | {rate:g} | {arrivals:,} | {taken / base:.2f} | {each} |")


if __name__ == "__main__":
    main()
