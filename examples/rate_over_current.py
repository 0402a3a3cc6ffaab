"""The f-I curve with and without noise: noise makes the onset of firing continuous.

    python examples/rate_over_current.py [--quick]

Writes rate_over_current.png.
"""

import sys

import numpy as np

import hh_sde as hh

quick = "--quick" in sys.argv
ds = hh.studies.rate_curve(
    hh.Network(1),
    currents=np.arange(4.0, 14.1, 2.0 if quick else 0.5),
    sigmas=[0.0, 2.0],
    t_end=300.0 if quick else 600.0,
    discard=100.0,
    trials=2 if quick else 6,
    rng=1,
)
print(ds.rate.sel(start="rest").to_pandas().T.round(1))  # Hz
ds.hh.plot().savefig("rate_over_current.png", dpi=150)
