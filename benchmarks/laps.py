"""Measurements of whichever hh_sde stands first on PYTHONPATH: python laps.py GROUP ROUNDS.

Prints {name: the least of all rounds} as JSON. Only what every commit has is used. Costs of a step
are differences between a long and a short run, so that what a call costs is off.
"""

import functools
import inspect
import json
import sys
import time
from collections.abc import Callable

import hh_sde as hh

NEURONS, DT = 512, 0.01
NOISES = {
    "conductance": hh.ConductanceNoise(area=100.0),
    "paired": hh.ConductanceNoise(area=100.0, paired=True),
    "shielded": hh.ShieldedNoise(area=100.0),
}
METHODS = ("euler_maruyama", "lie_trotter", "strang")
SHORT = 2  # steps

Laps = dict[str, Callable[[], float]]


def two_neurons(noise=None) -> hh.Network:
    """The question's two neurons."""
    synapses = hh.Synapse.sigmoidal(weights=[[0, 0.1], [0.1, 0]])
    return hh.Network(2, stimulus=10.0, synapses=synapses, noise=noise or hh.CurrentNoise(1.0))


def free(noise) -> hh.Network:
    """512 neurons without synapses."""
    return hh.Network(NEURONS, stimulus=10.0, noise=noise)


def seconds(net: hh.Network, steps: int, method: str = "euler_maruyama", **options) -> float:
    """What a run of so many steps takes, spikes alone being kept."""
    options = {"dt": DT, "rng": 1, "record": ("spikes",), "progress": False, **options}
    start = time.perf_counter()
    hh.solve(net, steps * DT, method=method, **options)
    return time.perf_counter() - start


def normals(m: int, steps: int) -> Laps:
    """ns for a normal number of m processes, drawn in windows that stay in the cache."""
    path = hh.BrownianPath(1, m=m, dt=DT)

    def lap() -> float:
        start = time.perf_counter()
        for k in range(16):
            path.increments(k * steps, (k + 1) * steps)
        return 1e9 * (time.perf_counter() - start) / (16 * m * steps)

    return {"normal": lap}


def long_and_short(name: str, net: hh.Network, steps: int, method: str, **options) -> Laps:
    """Two runs, whose difference is what the steps cost; see `per_step`."""
    return {
        f"{name}, {n} steps": functools.partial(seconds, net, n, method, **options)
        for n in (steps, SHORT)
    }


def neurons() -> Laps:
    """512 neurons: methods, without noise, in float32, and a normal number."""
    white, steps = free(hh.CurrentNoise(1.0)), 20_000
    laps = normals(NEURONS, 128)
    for method in METHODS:
        laps |= long_and_short(method, white, steps, method)
    laps |= long_and_short("quiet", free(()), steps, "euler_maruyama", rng=None)
    if "dtype" in inspect.signature(hh.solve).parameters:
        laps |= long_and_short("float32", white, steps, "euler_maruyama", dtype="float32")
    return laps


def channels() -> Laps:
    """512 neurons with channel noise, each method, and a normal number of 28 processes each."""
    laps = normals(28 * NEURONS, 4)
    for noise, record in NOISES.items():
        for method in METHODS:
            laps |= long_and_short(f"{noise}, {method}", free(record), 1000, method)
    return laps


def single() -> Laps:
    """One trial of two neurons."""
    return long_and_short("two neurons", two_neurons(), 100_000, "euler_maruyama")


def threads() -> Laps:
    """1,000 trials of two neurons, and a trial of 16,384, on one and on two threads."""
    net, large = two_neurons(), hh.Network(16_384, stimulus=10.0, noise=hh.CurrentNoise(1.0))
    laps = {}
    for n in (1, 2):
        laps[f"{n} threads"] = functools.partial(seconds, net, 10_000, trials=1000, threads=n)
        laps[f"one trial, {n} threads"] = functools.partial(seconds, large, 10_000, threads=n)
    return laps


def calls() -> Laps:
    """What a call costs whatever its steps."""
    of_two, of_channels = two_neurons(), free(NOISES["conductance"])
    return {
        "call, two neurons": lambda: seconds(of_two, 1),
        "call, channels": lambda: seconds(of_channels, 1),
    }


def per_step(least: dict[str, float]) -> dict[str, float]:
    """Of each long and short run ns per neuron and step; the rest as it is."""
    found = {name: value for name, value in least.items() if not name.endswith(" steps")}
    for name, value in least.items():
        label, _, number = name.rpartition(", ")
        if number != f"{SHORT} steps" and number.endswith(" steps"):
            steps = int(number.removesuffix(" steps"))
            lanes = 2 if label == "two neurons" else NEURONS
            short = least[f"{label}, {SHORT} steps"]
            found[label] = 1e9 * (value - short) / (lanes * (steps - SHORT))
    return found


def in_rounds(laps: Laps, rounds: int) -> dict[str, float]:
    """The least of each, all in turn in every round, after one that compiles."""
    for lap in laps.values():
        lap()
    times = [{name: lap() for name, lap in laps.items()} for _ in range(rounds)]
    return per_step({name: min(one[name] for one in times) for name in laps})


def first(new_shape: bool) -> dict[str, float]:
    """CPU seconds of this process up to the first result, and of another shape after it."""
    seconds(two_neurons(), 1000)
    used = time.process_time()
    if not new_shape:
        return {"first": used}
    noise = (hh.CurrentNoise(1.0), hh.OrnsteinUhlenbeckCurrent(mean=0.0, sigma=1.0, tau=3.0))
    seconds(two_neurons(noise), 1000)
    return {"new shape": time.process_time() - used}


GROUPS = {f.__name__: f for f in (neurons, channels, single, threads, calls)}

if __name__ == "__main__":
    group, rounds = sys.argv[1:]
    if group in GROUPS:
        found = in_rounds(GROUPS[group](), int(rounds))
    else:
        found = first(new_shape=group == "new shape")
    print(json.dumps({"laps": found, "of": hh.__file__}))
