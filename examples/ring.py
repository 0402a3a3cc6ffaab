"""A ring of 50 neurons with gap junctions: two waves propagate and annihilate where they meet.

    python examples/ring.py [--quick]

Writes ring.png.
"""

import sys

import numpy as np

import hh_sde as hh

n = 20 if "--quick" in sys.argv else 50
ring = np.roll(np.eye(n), 1, axis=0) + np.roll(np.eye(n), -1, axis=0)  # both neighbours
net = hh.Network(
    n,
    stimulus=hh.StepCurrent(np.where(np.arange(n) == n // 4, 40.0, 0.0), start=5.0, stop=7.0),
    synapses=hh.GapJunction(weights=0.5 * ring),  # mS/cm^2
    noise=hh.CurrentNoise(sigma=1.0),
)
ds = hh.solve(net, 10.0 + 0.6 * n, dt=0.02, method="strang", rng=1)
first = ds.hh.spikes().to_dataframe().groupby("neuron").spike_time.min()
print(f"{len(first)} of {n} neurons fire; the last after {first.max():.1f} ms")
ds.hh.plot.traces(figsize=(6, 3.5)).figure.savefig("ring.png", dpi=150)
