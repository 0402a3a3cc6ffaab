"""Spike statistics in float32 and in float64, from a million inter-spike intervals each.

    python benchmarks/single.py [--intervals 1000000] [--out results]

For each case: the mean interval and CV with standard errors (trials are independent), the distance
W1 of the two interval distributions (the mean difference of their quantiles), and the same distance
between two seeds in float64, which is the sampling error. Writes single_KIND.json and .md.
"""

import argparse
from pathlib import Path
from typing import NamedTuple

import numpy as np
import processor
import scipy.stats

import hh_sde as hh

CASES = {
    "one cell, I = 10, sigma = 1": (hh.Network(1, stimulus=10.0, noise=hh.CurrentNoise(1.0)), 15.0),
    "one cell, I = 5, sigma = 4": (hh.Network(1, stimulus=5.0, noise=hh.CurrentNoise(4.0)), 20.0),
    "two coupled neurons": (
        hh.Network(
            2,
            stimulus=10.0,
            synapses=hh.Synapse.sigmoidal(weights=[[0, 0.1], [0.1, 0]]),
            noise=hh.CurrentNoise(1.0),
        ),
        14.6,
    ),
    "channel noise, 100 um^2, I = 6": (
        hh.Network(1, stimulus=6.0, noise=hh.ConductanceNoise(area=100.0)),
        2.0,  # a tenth: a step costs 25 times as much
    ),
}
TRIALS = 1000


class Intervals(NamedTuple):
    """Of all trials; means and CVs of each trial."""

    pooled: np.ndarray
    means: np.ndarray
    cvs: np.ndarray


def intervals(net: hh.Network, t_end: float, dtype: str, seed: int) -> Intervals:
    """Intervals between spikes of each neuron after a transient of 50 ms."""
    ds = hh.solve(
        net, t_end, dt=0.01, rng=seed, trials=TRIALS, record=("spikes",), discard=50.0, dtype=dtype
    )
    order = np.lexsort((ds.spike_time, ds.neuron, ds.trial))
    time, trial, neuron = (ds[n].values[order] for n in ("spike_time", "trial", "neuron"))
    same = (np.diff(trial) == 0) & (np.diff(neuron) == 0)
    steps, of = np.diff(time)[same], trial[1:][same]
    groups = [steps[of == k] for k in range(TRIALS)]
    return Intervals(
        steps,
        np.array([group.mean() for group in groups]),
        np.array([group.std() / group.mean() for group in groups]),
    )


def with_error(values: np.ndarray) -> str:
    return f"{values.mean():.5g} ± {values.std() / np.sqrt(values.size):.1g}"


def rows(wanted: int) -> list[tuple[str, ...]]:
    """A line for each case: its mean interval, ms, says how long it runs for so many intervals."""
    found = []
    for name, (net, mean) in CASES.items():
        t_end = float(np.ceil(wanted * mean / TRIALS / net.n_neurons)) + 50.0
        double, single = (intervals(net, t_end, d, 1) for d in ("float64", "float32"))
        other = intervals(net, t_end, "float64", 2)
        fresh = intervals(net, t_end, "float32", 3)
        t = (fresh.means.mean() - double.means.mean()) / np.hypot(
            *(one.means.std() / np.sqrt(TRIALS) for one in (fresh, double))
        )
        found.append(
            (
                name,
                f"{double.pooled.size:,}",
                with_error(double.means),
                with_error(single.means),
                with_error(double.cvs),
                with_error(single.cvs),
                f"{scipy.stats.wasserstein_distance(double.pooled, single.pooled):.1g}",
                f"{scipy.stats.wasserstein_distance(double.pooled, fresh.pooled):.1g}",
                f"{scipy.stats.wasserstein_distance(double.pooled, other.pooled):.1g}",
                f"{t:+.1f}",
            )
        )
        print(*found[-1], sep=" | ", flush=True)
    return found


HEADER = (
    "case", "intervals", "mean, float64 (ms)", "mean, float32", "CV, float64", "CV, float32",
    "W1, same seed (ms)", "W1, other seed", "W1 of two seeds in float64", "z of the means",
)  # fmt: skip


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--intervals", type=int, default=1_000_000)
    parser.add_argument("--out", type=Path, default=processor.RESULTS)
    options = parser.parse_args()
    found = rows(options.intervals)
    lines = [HEADER, tuple("---" for _ in HEADER), *found]
    text = "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"
    result = {line[0]: dict(zip(HEADER[1:], line[1:], strict=True)) for line in found}
    processor.write(options.out, "single", result, text)


if __name__ == "__main__":
    main()
