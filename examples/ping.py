"""Gamma rhythm by excitation and inhibition (PING): 400 pyramidal cells and 100 interneurons.

    python examples/ping.py [--quick]

The excitatory cells receive a current, and all cells are noisy. Spikes of the excitatory cells make
the interneurons fire. Their inhibition suppresses all excitatory cells until it has decayed
(Boergers & Kopell 2003, Neural Comput. 15, 509). Cells and synapses are those of Boergers, An
Introduction to Modeling Neuronal Dynamics (2017), chapter 30. There, one cell of each kind has a
period of 19.9 ms. It is 20.9 ms (48 Hz) if, as here, a synapse has one gate instead of two, and m
of the excitatory cells is a variable. The network is a little slower.

Writes ping.png.
"""

import sys

import matplotlib.pyplot as plt
import numpy as np
from scipy.signal import periodogram

import hh_sde as hh

quick = "--quick" in sys.argv
n_E, n_I = (80, 20) if quick else (400, 100)
t_end = 300.0 if quick else 2000.0
pyramidal = hh.CELLS["traub_miles"](g_K=80.0, g_L=0.1, E_K=-100.0, E_L=-67.0, V_T=-67.0)
AMPA = hh.SYNAPSES["AMPA"](
    weights=0.0, alpha=hh.Sigmoid(rate=1 / 0.5, mid=0.0, scale=5.0), beta=hh.Constant(1 / 3.0)
)
GABA_A = hh.SYNAPSES["GABA_A"](
    weights=0.0, alpha=hh.Sigmoid(rate=1 / 0.5, mid=0.0, scale=5.0), beta=hh.Constant(1 / 9.0),
    E=-75.0,
)  # fmt: skip


def half(g: float, n: int, seed: int) -> hh.topology.Topology:
    """Half of all pairs; a neuron's n sources have the conductance g together, on average."""
    return hh.topology.random(p=0.5, weight=g / (0.5 * n), rng=seed)


noise = hh.CurrentNoise(sigma=0.5)
net = hh.Network(
    {
        "E": hh.Population(n_E, pyramidal, stimulus=1.4, noise=noise),
        "I": hh.Population(n_I, "wang_buzsaki", noise=noise),
    },
    synapses=[
        AMPA.replace(weights=half(0.25, n_E, 1), source="E", target="I"),
        GABA_A.replace(weights=half(0.25, n_I, 2), source="I", target="E"),
        GABA_A.replace(weights=half(0.25, n_I, 3), source="I", target="I"),
    ],
)
ds = hh.solve(net, t_end, dt=0.05, method="strang", rng=1, record=["spikes"],
              x0={"V": hh.Normal(-65.0, 5.0)})  # fmt: skip
bin = 1.0  # ms
rates = ds.hh.psth(bin, start=100.0, by="population").rate
frequency, power = periodogram(rates.transpose("population", "time"), fs=1e3 / bin)
peak = frequency[power.sum(axis=0).argmax()]
mean = ds.hh.rates(start=100.0, by="population").rate
print(f"gamma: {peak:.1f} Hz; E cells fire at {mean.sel(population='E').item():.1f} Hz, "
      f"I cells at {mean.sel(population='I').item():.1f} Hz")  # fmt: skip

fig, (raster, rate, spectrum) = plt.subplots(
    3, 1, figsize=(7, 6.5), height_ratios=[2, 1, 1], layout="constrained"
)
ds.hh.plot.raster(ax=raster)
raster.set(xlim=(100, 300), xlabel="")
ds.hh.plot.psth(by="population", bin=bin, ax=rate)
rate.set(xlim=(100, 300), ylabel="rate (Hz)")
rate.get_legend().remove()
for one, color, name in zip(power, hh.plot.COLOURS, ("E", "I"), strict=False):
    spectrum.plot(frequency, np.sqrt(one), color=color, label=name)
spectrum.set(
    xlim=(0, 200), ylim=(0, None), xlabel="frequency (Hz)", ylabel="spectrum\n(Hz$^{1/2}$)"
)
spectrum.axvline(peak, color="0.5", ls=":", lw=1)
spectrum.annotate(f"{peak:.0f} Hz", (peak, spectrum.get_ylim()[1]), xytext=(4, -10),
                  textcoords="offset points", color="0.3")  # fmt: skip
spectrum.spines[["top", "right"]].set_visible(False)
fig.savefig("ping.png", dpi=150)
