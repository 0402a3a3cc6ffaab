"""The pyloric rhythm of crab and lobster: three mutually inhibiting cells burst in sequence.

    python examples/pyloric.py [--quick]

The network of Prinz, Bucher & Marder (2004), Nat. Neurosci. 7, 1345, figure 3e, with cells AB/PD 2,
LP 4 and PY 1 of its table 2: conductances in mS/cm^2, synapses in nS for an area of 0.628e-3 cm^2,
as in Conductor.jl, those of the cells also as in mackelab/pyloric. Fifteen features of the rhythm
are printed with the mean and standard deviation of the biological rhythm (table 1). The order of
burst onsets and ends is the biological one. Twelve features are within two standard deviations; the
other three mean that PY starts too early relative to LP.

Writes pyloric.png.
"""

import sys

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import hh_sde as hh

quick = "--quick" in sys.argv
t_end, transient = (9000.0, 3000.0) if quick else (25000.0, 3000.0)
AREA = 0.628e-3  # cm^2
names = ("g_Na", "g_CaT", "g_CaS", "g_A", "g_KCa", "g_Kd", "g_H", "g_L")
conductances = {
    "AB": (100.0, 2.5, 6.0, 50.0, 5.0, 100.0, 0.01, 0.0),
    "LP": (100.0, 0.0, 4.0, 20.0, 0.0, 25.0, 0.05, 0.03),
    "PY": (100.0, 2.5, 2.0, 50.0, 0.0, 125.0, 0.05, 0.01),
}
synapses = [  # nS
    ("glutamatergic", "AB", "LP", 30.0), ("cholinergic", "AB", "LP", 30.0),
    ("glutamatergic", "AB", "PY", 10.0), ("cholinergic", "AB", "PY", 3.0),
    ("glutamatergic", "LP", "AB", 30.0), ("glutamatergic", "LP", "PY", 1.0),
    ("glutamatergic", "PY", "LP", 30.0),
]  # fmt: skip
living = {  # mean, standard deviation
    "period (ms)": (1509, 279), "burst of AB (ms)": (582, 133), "burst of LP (ms)": (399, 113),
    "burst of PY (ms)": (530, 150), "end of AB to start of LP (ms)": (221, 109),
    "end of LP to start of PY (ms)": (-61, 60), "start of AB to start of LP (ms)": (803, 169),
    "start of AB to start of PY (ms)": (1141, 216), "duty cycle of AB": (0.385, 0.040),
    "duty cycle of LP": (0.264, 0.059), "duty cycle of PY": (0.348, 0.054),
    "gap of phase from AB to LP": (0.148, 0.065), "gap of phase from LP to PY": (-0.040, 0.034),
    "phase of LP": (0.533, 0.054), "phase of PY": (0.758, 0.060),
}  # fmt: skip

cell = hh.CELLS["prinz_abpd"]
net = hh.Network(
    {
        name: hh.Population(1, cell(**dict(zip(names, g, strict=True))))
        for name, g in conductances.items()
    },
    synapses=[
        hh.SYNAPSES[kind](nS * 1e-6 / AREA, source=source, target=target)
        for kind, source, target, nS in synapses
    ],
)
ds = hh.solve(net, t_end, dt=0.05 if quick else 0.02, method="strang", record=["V", "spikes"],
              save_dt=0.5)  # fmt: skip


def bursts(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Starts and ends of the bursts of a cell: silence of a quarter second parts them."""
    time = ds.hh.population(name).hh.spikes(start=transient).spike_time.values
    first = np.flatnonzero(np.diff(time) > 250.0) + 1
    return time[first[:-1]], time[first[1:] - 1]


starts, ends = {}, {}
for name in conductances:
    starts[name], ends[name] = bursts(name)
cycles = []
for begin, end in zip(starts["AB"][:-1], starts["AB"][1:], strict=True):
    row = {"period (ms)": end - begin}
    at = {}
    for name in conductances:
        k = np.searchsorted(starts[name], begin)
        if k < len(starts[name]):
            at[name] = starts[name][k] - begin, ends[name][k] - begin
    if len(at) < len(conductances):
        break  # the last cycle is not over
    for name, (first, last) in at.items():
        row[f"burst of {name} (ms)"] = last - first
        row[f"duty cycle of {name}"] = (last - first) / (end - begin)
        row[f"start of AB to start of {name} (ms)"] = first
        row[f"phase of {name}"] = first / (end - begin)
    for one, other in (("AB", "LP"), ("LP", "PY")):
        gap = at[other][0] - at[one][1]
        row[f"end of {one} to start of {other} (ms)"] = gap
        row[f"gap of phase from {one} to {other}"] = gap / (end - begin)
    cycles.append(row)
found = pd.DataFrame(cycles).mean()
table = pd.DataFrame(living, index=["living", "s.d."]).T
table.insert(0, "model", found[table.index])
table["within 2 s.d."] = (table.model - table.living).abs() <= 2 * table["s.d."]
print(f"{len(cycles)} cycles")
print(table.round(3))

fig, axes = plt.subplots(4, 1, figsize=(7, 5.5), height_ratios=[1, 1, 1, 1.1], layout="constrained")
window = transient, min(transient + 6500.0, t_end)
for ax, name, color in zip(axes, conductances, hh.plot.COLOURS, strict=False):
    V = ds.hh.population(name).V.isel(neuron=0).sel(time=slice(*window))
    ax.plot(V.time / 1e3, V, color=color, lw=0.6)
    ax.set(xlim=np.array(window) / 1e3, ylabel=f"{name}\nV (mV)")
    ax.spines[["top", "right"]].set_visible(False)
    ax.tick_params(labelbottom=name == "PY")
axes[2].set_xlabel("time (s)")
for k, (name, color) in enumerate(zip(conductances, hh.plot.COLOURS, strict=False)):
    phase = found.get(f"phase of {name}", 0.0)
    axes[3].barh(k, found[f"duty cycle of {name}"], left=phase, height=0.35, color=color)
    mean, sd = living.get(f"phase of {name}", (0.0, 0.0))
    duty = living[f"duty cycle of {name}"][0]
    axes[3].barh(k + 0.4, duty, left=mean, height=0.2, color="0.8")
    if sd:
        axes[3].errorbar(mean, k + 0.4, xerr=2 * sd, color="0.3", capsize=3, lw=1)
axes[3].set(yticks=range(3), yticklabels=list(conductances), xlim=(0, 1.2), ylim=(2.7, -0.4),
            xlabel="phase; grey: living, its onset within two standard deviations")  # fmt: skip
axes[3].spines[["top", "right"]].set_visible(False)
fig.savefig("pyloric.png", dpi=150)
