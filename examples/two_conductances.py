"""For which g_Na and g_K does a neuron fire? Each combination is a neuron of an uncoupled network.

    python examples/two_conductances.py [--quick]

Writes two_conductances.png.
"""

import sys

import numpy as np
import xarray as xr

import hh_sde as hh

n = 6 if "--quick" in sys.argv else 25
pairs = xr.Dataset(coords={"g_Na": np.linspace(60.0, 180.0, n), "g_K": np.linspace(18.0, 54.0, n)})
pairs = pairs.stack(neuron=["g_Na", "g_K"])
cell = hh.CELLS["hodgkin_huxley"].replace(g_Na=pairs.g_Na.values, g_K=pairs.g_K.values)
net = hh.Network(n * n, cell=cell, stimulus=10.0)
spikes = hh.solve(net, 600.0, dt=0.05, method="strang", record=("spikes",), discard=100.0)
rate = spikes.hh.rates().assign_coords(pairs.coords).unstack("neuron")
for name in ("g_Na", "g_K"):
    rate[name].attrs.update(long_name=name, units="mS/cm^2")
print(rate.rate.to_pandas().iloc[:: n // 5, :: n // 5].round(1))  # Hz
ax = rate.hh.plot.heatmap(x="g_K", y="g_Na", z="rate")
ax.plot(36.0, 120.0, "w+", ms=10)  # the classic cell
ax.figure.savefig("two_conductances.png", dpi=150)
