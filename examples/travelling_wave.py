"""A wave circulates around a ring of excitatory neurons: at its start one direction was blocked.

    python examples/travelling_wave.py [--quick]

Writes travelling_wave.png.
"""

import sys

import numpy as np

import hh_sde as hh

n = 60 if "--quick" in sys.argv else 100
net = hh.Network(
    n,
    synapses="AMPA",
    weights=0.06 * hh.topology.ring(k=10),  # mS/cm^2, five neighbours on each side
    noise=hh.CurrentNoise(sigma=0.5),
)
neuron = np.arange(n)
excited = neuron < 5
refractory = neuron >= n - 20  # sodium channels inactivated, potassium channels open
x0 = {
    "V": np.where(excited, 0.0, -65.0),
    "m": np.where(excited, 0.9, 0.05),
    "h": np.where(refractory, 0.05, 0.6),
    "n": np.where(refractory, 0.75, 0.32),
}
ds = hh.solve(net, 300.0, dt=0.02, method="strang", rng=1, x0=x0, record=["V", "spikes"],
              save_dt=0.5)  # fmt: skip
spikes = ds.hh.spikes().to_dataframe()
turns = np.diff(spikes.spike_time[spikes.neuron == n // 2])
print(f"once around in {turns.mean():.1f} ms")
ds.hh.plot.traces(figsize=(6, 3.5)).figure.savefig("travelling_wave.png", dpi=150)
