"""An analysis with xarray only: the spike-triggered average of V over many trials.

    python examples/own_analysis.py [--quick]

Writes own_analysis.png.
"""

import sys

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr

import hh_sde as hh

quick = "--quick" in sys.argv
net = hh.Network(1, stimulus=6.0, noise=hh.CurrentNoise(2.0))
ds = hh.solve(
    net, 200.0 if quick else 2000.0, dt=0.02, method="strang", rng=1,
    trials=3 if quick else 20, save_dt=0.1, record=["V"],
)  # fmt: skip
spikes = ds.hh.spikes()
lags = xr.DataArray(np.arange(-20.0, 10.0, 0.1), dims="lag", attrs={"units": "ms"})
inside = (spikes.spike_time > 20.0) & (spikes.spike_time < float(ds.time[-1]) - 10.0)
spikes = spikes.isel(spike=inside.values)
around = ds.V.sel(
    trial=spikes.trial, neuron=spikes.neuron, time=spikes.spike_time + lags, method="nearest"
)
average, spread = around.mean("spike"), around.std("spike")
print(f"{spikes.sizes['spike']} spikes; V 5 ms before: {float(average[150]):.2f} mV")
fig, ax = plt.subplots(figsize=(5, 3), layout="constrained")
ax.plot(lags, average, color=hh.plot.COLOURS[0])
ax.fill_between(lags, average - spread, average + spread, alpha=0.2, color=hh.plot.COLOURS[0])
ax.set(xlabel="time from the spike (ms)", ylabel="V (mV)")
fig.savefig("own_analysis.png", dpi=150)
