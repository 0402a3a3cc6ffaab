"""Ten neurons with all-to-all coupling, each with its own current and noise: no new equations.

    python examples/ten_neurons.py [--quick]

Writes ten_neurons.png.
"""

import sys

import numpy as np

import hh_sde as hh

net = hh.Network(
    10,
    stimulus=np.linspace(6.0, 14.0, 10),
    synapses=hh.Synapse.sigmoidal(weights=0.02),  # between any two different neurons
    noise=hh.CurrentNoise(sigma=1.0),
)
ds = hh.solve(net, 60.0 if "--quick" in sys.argv else 300.0, dt=0.02, method="strang", rng=1)
print(ds.hh.rates().rate.values)
ds.hh.plot().savefig("ten_neurons.png", dpi=150)
