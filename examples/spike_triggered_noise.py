"""Which noise makes a resting neuron fire? The spike-triggered average of the noise current.

    python examples/spike_triggered_noise.py [--quick]

Writes spike_triggered_noise.png. The noise is not recorded: `ds.hh.noise` recomputes it from the
seed.
"""

import sys

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr

import hh_sde as hh

quick = "--quick" in sys.argv
net = hh.Network(1, stimulus=5.0, noise=hh.CurrentNoise(2.0))  # at rest without noise
t_end = 300.0 if quick else 4000.0
ds = hh.solve(
    net, t_end, dt=0.02, method="strang", rng=1, trials=4 if quick else 40, record=("spikes",)
)
spikes = ds.hh.window(50.0, t_end - 5.0)  # those that have noise on both sides
lags = np.arange(-30.0, 5.0, 0.1)

noise = ds.hh.noise(spacing=0.1).I_noise
times = spikes.spike_time + xr.DataArray(lags, dims="lag")
around = noise.sel(trial=spikes.trial, neuron=spikes.neuron, time=times, method="ffill")

average = around.mean("spike")
error = around.std("spike") / np.sqrt(spikes.sizes["spike"])
strongest = int(average.argmax("lag"))
print(
    f"{spikes.sizes['spike']} spikes; the noise is strongest {-lags[strongest]:.1f} ms before: "
    f"{float(average[strongest]):.1f} uA/cm^2"
)
fig, ax = plt.subplots(figsize=(5, 3), layout="constrained")
ax.axhline(0.0, color="#999999", lw=0.8)
ax.plot(lags, average, color=hh.plot.COLOURS[0], lw=1.2)
ax.fill_between(lags, average - error, average + error, alpha=0.3, color=hh.plot.COLOURS[0], lw=0)
ax.set(xlabel="time from the spike (ms)", ylabel="mean noise current (µA/cm²)")
fig.savefig("spike_triggered_noise.png", dpi=150)
