"""Voltage clamp: the sodium and potassium currents of the squid axon at command potentials.

    python examples/voltage_clamp.py [--quick]

Writes voltage_clamp.png.
"""

import sys

import matplotlib.pyplot as plt
import numpy as np

import hh_sde as hh

levels = np.arange(-60.0, 80.0, 40.0 if "--quick" in sys.argv else 10.0)  # mV, one for each neuron
net = hh.Network(len(levels))
ds = hh.voltage_clamp(net, {0.0: -65.0, 1.0: levels}, 9.0, dt=0.02)
small = hh.Network(1, noise=hh.ConductanceNoise(area=2.0))  # 120 Na and 36 K channels
noisy = hh.voltage_clamp(small, {0.0: -65.0, 1.0: 0.0}, 9.0, dt=0.02, method="tau_leap", rng=1)

fig, axes = plt.subplots(3, figsize=(6, 8), layout="constrained")
colours = plt.get_cmap("viridis")(np.linspace(0, 0.9, len(levels)))
for i, colour in enumerate(colours):
    axes[0].plot(ds.time, ds.I_ion[:, i], color=colour, lw=1, label=f"{levels[i]:g} mV")
axes[0].set(xlabel="time (ms)", ylabel="current (µA/cm²)", title="Total ionic current")
axes[0].legend(
    frameon=False, ncols=1, fontsize="x-small", loc="center left", bbox_to_anchor=(1, 0.5)
)
late = ds.isel(time=-1)
axes[1].axhline(0.0, color="0.8", lw=0.8)
axes[1].plot(levels, ds.I_Na.sel(time=slice(1.0, None)).min("time").where(levels < 50.0), "o-",
             label="I_Na, largest inward")  # fmt: skip
axes[1].plot(levels, late.I_K, "s-", label="I_K, late")
axes[1].set(xlabel="V (mV)", ylabel="current (µA/cm²)", title="I-V curve")
axes[1].legend(frameon=False)
for name, colour in (("p_Na", hh.plot.COLOURS[0]), ("p_K", hh.plot.COLOURS[1])):
    axes[2].plot(noisy.time, noisy[name], color=colour, lw=0.8, label=name)
    exact = hh.voltage_clamp(net.replace(n_neurons=1), {0.0: -65.0, 1.0: 0.0}, 9.0, record=[name])
    axes[2].plot(exact.time, exact[name], color=colour, lw=2, alpha=0.5)
axes[2].set(xlabel="time (ms)", ylabel="open fraction", title="At 0 mV: 2 µm², and many channels")
axes[2].legend(frameon=False)
fig.savefig("voltage_clamp.png", dpi=150)
print(f"I_Na is largest at {levels[int(ds.I_Na.min('time').argmin('neuron'))]:g} mV")
