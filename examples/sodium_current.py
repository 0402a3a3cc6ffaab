"""The sodium and potassium currents during a spike, and their conductances.

    python examples/sodium_current.py [--quick]

Writes sodium_current.png.
"""

import matplotlib.pyplot as plt

import hh_sde as hh

ds = hh.solve(hh.Network(1, stimulus=10.0), 30.0, dt=0.01, method="strang")
spike = float(ds.hh.spikes().spike_time[1])
near = ds.sel(time=slice(spike - 1.0, spike + 4.0))
parts = {"current (µA/cm²)": near.hh.currents(), "conductance (mS/cm²)": near.hh.conductances()}
print(f"I_Na between {float(parts['current (µA/cm²)'].I_Na.min()):.0f} and 0 µA/cm²")

fig, axes = plt.subplots(3, sharex=True, figsize=(5, 6), layout="constrained")
hh.plot.traces(near, color="black", ax=axes[0])
for ax, (label, part) in zip(axes[1:], parts.items(), strict=True):
    for channel, colour in zip(("Na", "K"), hh.plot.COLOURS, strict=False):
        name = f"{'I' if 'I_Na' in part else 'g'}_{channel}"
        ax.plot(part.time, part[name].squeeze(), color=colour, label=name)
    ax.set(ylabel=label, xlabel="time (ms)")
    ax.legend(frameon=False)
for ax in axes:
    ax.label_outer()
fig.savefig("sodium_current.png", dpi=150)
