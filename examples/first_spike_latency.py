"""How long until the first spike of a resting neuron, by noise alone? Each trial ends there.

    python examples/first_spike_latency.py [--quick]

Writes first_spike_latency.png.
"""

import sys

import matplotlib.pyplot as plt
import numpy as np

import hh_sde as hh

trials = 50 if "--quick" in sys.argv else 1000
fig, ax = plt.subplots(figsize=(6, 4), layout="constrained")
for sigma in (1.3, 1.5, 2.0):  # uA/cm^2 ms^0.5
    net = hh.Network(1, noise=hh.CurrentNoise(sigma))
    ds = hh.solve(
        net, 1000.0, dt=0.02, method="lie_trotter", rng=1, trials=trials,
        x0={"V": hh.Normal(-65.0, 2.0)}, stop="first spike", record=("spikes",),
    )  # fmt: skip
    latency = np.sort(ds.stop_time.fillna(np.inf).values)  # nan: no spike by the end
    ax.step(latency, 1.0 - np.arange(1, trials + 1) / trials, where="post", label=f"{sigma:g}")
    print(f"sigma {sigma:g}: half of the trials have fired after {np.median(latency):.0f} ms")
ax.set(xlabel="time (ms)", ylabel="fraction without a spike", yscale="log", xlim=(0, 1000))
ax.legend(title="σ (µA/cm² ms$^{1/2}$)", frameon=False)  # noqa: RUF001
fig.savefig("first_spike_latency.png", dpi=150)
