"""Ten minutes of simulated time: V sampled at 1 kHz, and spikes detected at every step.

    python examples/long_run.py [--quick]

Writes long_run.png.
"""

import sys

import matplotlib.pyplot as plt

import hh_sde as hh

minutes = 0.1 if "--quick" in sys.argv else 10.0
net = hh.Network(1, stimulus=6.0, noise=hh.CurrentNoise(sigma=1.0))
ds = hh.solve(
    net, minutes * 60e3, dt=0.1, method="strang", rng=1, save_dt=1.0, record=("V", "spikes")
)
print(f"{ds.sizes['spike']} spikes, {ds.nbytes / 1e6:.1f} MB")
print(ds.hh.interval_statistics().to_dataframe().T)
fig, axes = plt.subplots(3, figsize=(7, 7), layout="constrained")
hh.plot.traces(ds.sel(time=slice(2000.0, 3000.0)), lw=1, ax=axes[0])
hh.plot.psth(ds, bin=1000.0, ax=axes[1])
hh.plot.interval_histogram(ds, bins=100, log=True, ax=axes[2])
fig.savefig("long_run.png", dpi=150)
