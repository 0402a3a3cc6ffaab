"""Which method for which step? Every method of the engine on one Brownian path.

    python examples/which_method.py [--quick]

Writes which_method.png.
"""

import sys

import hh_sde as hh

quick = "--quick" in sys.argv
net = hh.Network(1, stimulus=10.0, noise=hh.CurrentNoise(2.0))
methods = ["euler_maruyama", "heun", "sra1", "exponential_euler", "lie_trotter", "strang"]
ds = hh.studies.compare_methods(
    net, methods, t_end=50.0 if quick else 500.0, trials=4 if quick else 40, rng=1
)
print(ds.path_error.to_pandas().round(3))
ds.hh.plot().savefig("which_method.png", dpi=150)
