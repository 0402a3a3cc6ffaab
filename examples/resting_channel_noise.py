"""Channel noise at rest: fewer channels, larger fluctuations, and spontaneous spikes.

    python examples/resting_channel_noise.py [--quick]

Writes resting_channel_noise.png.
"""

import sys

import matplotlib.pyplot as plt
import numpy as np

import hh_sde as hh

areas = np.array([10.0, 100.0, 1000.0])  # um^2, one for each of three neurons without coupling
net = hh.Network(3, noise=hh.ConductanceNoise(area=areas))
t_end = 200.0 if "--quick" in sys.argv else 2000.0
ds = hh.solve(net, t_end, dt=0.02, method="lie_trotter", rng=1, save_dt=0.1)
late = ds.sel(time=slice(50.0, None))
fig, axes = plt.subplots(3, sharex=True, figsize=(6, 5), layout="constrained")
for i, ax in enumerate(axes):
    hh.plot.traces(late, neurons=i, color=hh.plot.COLOURS[i], lw=0.7, ax=ax)
    spread, rate = float(late.V[:, i].std()), float(late.hh.rates().rate[i])
    text = f"{areas[i]:g} µm²: {rate:.1f} Hz, standard deviation of V {spread:.2f} mV"
    ax.set_title(text, fontsize="small", loc="left")
    ax.label_outer()
    print(text)
fig.savefig("resting_channel_noise.png", dpi=150)
