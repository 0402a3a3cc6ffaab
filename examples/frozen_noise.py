"""Frozen noise from a pandas Series: the same current in every trial, with independent noise.

    python examples/frozen_noise.py [--quick]

Writes frozen_noise.png. The experiment: Mainen & Sejnowski 1995, doi:10.1126/science.7770778.
"""

import sys

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import hh_sde as hh

t_end, trials = (200.0, 10) if "--quick" in sys.argv else (1000.0, 50)
time = np.arange(0.0, t_end, 0.5)  # ms
fluctuating = pd.Series(np.random.default_rng(2).normal(6.0, 20.0, time.size), index=time)
fluctuating = fluctuating.rolling(10, min_periods=1).mean()

fig, axes = plt.subplots(3, sharex=True, figsize=(7, 6), layout="constrained")
axes[0].plot(fluctuating, color="black", lw=0.8)
axes[0].set(ylabel="frozen current\n(µA/cm²)")
for ax, stimulus in zip(axes[1:], (hh.SampledCurrent(fluctuating), 6.0), strict=True):
    net = hh.Network(1, stimulus=stimulus, noise=hh.CurrentNoise(sigma=1.0))
    ds = hh.solve(net, t_end, dt=0.02, method="strang", rng=1, trials=trials, record=("spikes",))
    hh.plot.raster(ds, rows="trial", ax=ax)
    ax.label_outer()
    count = ds.hh.rates()["count"]
    print(f"spikes in a trial: mean {float(count.mean()):.1f}, variance {float(count.var()):.1f}")
axes[1].set_title("frozen current", loc="left", fontsize="small")
axes[2].set_title("constant current", loc="left", fontsize="small")
fig.savefig("frozen_noise.png", dpi=150)
