"""Two coupled neurons that fire in synchrony: the question from which this library began.

    python examples/two_neurons.py [--quick]

Writes two_neurons.png.
"""

import sys

import hh_sde as hh

net = hh.Network(2, stimulus=10.0, synapses=hh.Synapse.sigmoidal(weights=[[0, 0.1], [0.1, 0]]))
ds = hh.solve(net, 60.0 if "--quick" in sys.argv else 200.0, dt=0.01, method="strang")
period = float(ds.hh.intervals().interval_length[-1])
print(f"period {period:.4f} ms, peak of s {float(ds.s.max()):.4f}")
ds.hh.plot().savefig("two_neurons.png", dpi=150)
