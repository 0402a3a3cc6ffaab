"""Independent noise desynchronises coupled neurons; coupling synchronises them.

    python examples/desynchronisation.py [--quick]

Writes desynchronisation.png.
"""

import sys

import hh_sde as hh

quick = "--quick" in sys.argv
net = hh.Network(4, stimulus=10.0, synapses=hh.GapJunction(0.05))
ds = hh.studies.synchrony(
    net,
    couplings=[0.0, 1.0, 4.0] if quick else [0.0, 0.5, 1.0, 2.0, 4.0, 8.0],
    sigmas=[0.5, 4.0] if quick else [0.25, 0.5, 1.0, 2.0, 4.0, 8.0],
    t_end=150.0 if quick else 1000.0,
    trials=3 if quick else 20,
    rng=1,
)
print(ds.chi_squared.to_pandas().round(3))
ds.hh.plot().savefig("desynchronisation.png", dpi=150)
