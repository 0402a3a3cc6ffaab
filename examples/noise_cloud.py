"""A thousand noisy trials start together. After a few spikes their phases cover the whole cycle.

    python examples/noise_cloud.py [--quick] [--out noise_cloud.png]

Left, V of the trials, and without noise (white). Right, the density of states in the plane of V and
n, from the seventh period on, with the limit cycle: noise moves the state along the cycle more than
away from it.

Writes noise_cloud.png.
"""

import argparse

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LogNorm

import hh_sde as hh

parser = argparse.ArgumentParser()
parser.add_argument("--quick", action="store_true")
parser.add_argument("--out", default="noise_cloud.png")
asked = parser.parse_args()
trials = 50 if asked.quick else 1000
noisy = hh.Network(1, stimulus=10.0, noise=hh.CurrentNoise(sigma=2.0))
run = {"t_end": 200.0, "dt": 0.02, "method": "strang", "record": ["V", "n"]}
ds = hh.solve(noisy, **run, save_dt=0.1, trials=trials, rng=1).isel(neuron=0)
cycle = hh.solve(noisy.replace(noise=None), **run).isel(neuron=0)

length = ds.hh.intervals().interval_length
print(f"{length.size} intervals of {length.mean():.2f} ms, standard deviation {length.std():.2f}")

with plt.style.context("dark_background"):
    fig, (left, right) = plt.subplots(
        1, 2, figsize=(11, 4.2), width_ratios=[1.7, 1], layout="constrained"
    )
    bins = [np.arange(0.0, 75.0, 0.1) + 0.05, np.linspace(-80.0, 45.0, 251)]
    early = ds.sel(time=slice(0.1, 75.0))
    time = np.broadcast_to(early.time, early.V.transpose("trial", "time").shape)
    shade = {"cmap": "magma", "norm": LogNorm(1, trials), "rasterized": True}
    left.hist2d(time.ravel(), early.V.transpose("trial", "time").values.ravel(), bins, **shade)
    left.plot(cycle.time, cycle.V, color="white", lw=0.8)
    left.set(xlim=(0, 74), ylim=(-80, 45), xlabel="time (ms)", ylabel="V (mV)")
    late = ds.sel(time=slice(100.0, None))
    bins = [bins[1], np.linspace(0.3, 0.8, 251)]
    shade["norm"] = LogNorm(1)
    right.hist2d(late.V.values.ravel(), late.n.values.ravel(), bins, **shade)
    once = cycle.sel(time=slice(170.0, 185.0))
    right.plot(once.V, once.n, color="white", lw=0.8)
    right.set(xlabel="V (mV)", ylabel="n, activation of the K channels")
    for ax in (left, right):
        ax.set_facecolor("black")
    fig.savefig(asked.out, dpi=130)
