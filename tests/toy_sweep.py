"""A sweep whose cells cost nothing, for the tests of stores and tasks."""

import os
import time
from pathlib import Path

import numpy as np

from hh_sde.sweeps.coordinates import Coordinate
from hh_sde.sweeps.plan import Plan

SIGMAS = [0.5, 1.0, 2.0, 4.0, 8.0]
CELLS = ("trial", "neuron")


def plan(sigmas=3, trials=10, blocks=(2, 4), **changes):
    """A plan of sigma and trials; 6 tasks, where nothing else is said."""
    sigma = Coordinate("sigma", ("sigma",), np.array(SIGMAS[:sigmas]), {"units": "uA/cm^2*ms^0.5"})
    kind = Coordinate("kind", ("sigma",), np.array(["low", "high", "high", "b", "a"][:sigmas]))
    arguments = {"dt": 0.01, "t_end": 5.0, **changes.pop("arguments", {})}
    return Plan(
        network='{"cell": {"g_Na": 120.0}, "n": 2}',
        sizes={"sigma": sigmas, "trial": trials},
        coordinates=(sigma, kind),
        arguments=arguments,
        seed={"rng_entropy": "1"},
        spikes_per_neuron=8,
        blocks=dict(zip(("sigma", "trial"), blocks, strict=True)) if blocks else {},
        **changes,
    )


def compute(plan, region):
    """V over time, spikes, and a sum over the trials of the block."""
    labels = plan.labels(region)
    time.sleep(plan.arguments.get("seconds", 0.0))
    if plan.arguments.get("fails_at") in labels.sigma.values:
        raise FloatingPointError("V became NaN")
    if plan.arguments.get("kills_at") in labels.sigma.values:
        os._exit(1)
    V = np.array([[values(s, t) for t in labels.trial.values] for s in labels.sigma.values])
    count = np.floor(V[:, :, 0] * 8).astype(np.int64)
    start = np.cumsum(count) - count.ravel()
    times = [x + np.arange(n) for x, n in zip(V[:, :, 1].ravel(), count.ravel(), strict=True)]
    swept = ("sigma", *CELLS)
    return labels.assign(
        V=(("sigma", "trial", "time", "neuron"), V, {"units": "mV", "long_name": "potential"}),
        spike_time=("spike", np.concatenate(times), {"units": "ms"}),
        spike_start=(swept, start.reshape(count.shape)),
        spike_count=(swept, count),
        total=(("sigma", "trial_block"), V.sum(axis=(1, 2, 3))[:, None]),
    ).assign_coords(
        time=("time", 0.1 * np.arange(3), {"units": "ms"}), population=("neuron", ["E", "I"])
    )


def values(sigma, trial):
    """Numbers (3 times, 2 neurons) from 0 to 1, those of this cell."""
    return np.random.default_rng([int(8 * sigma), int(trial)]).random((3, 2))


def files(store):
    """The files of a store but for those of its own group, by name."""
    return {
        str(file.relative_to(store)): file.read_bytes()
        for file in sorted(Path(store).rglob("*"))
        if file.is_file() and file.relative_to(store).parts[0] != "sweep"
    }
