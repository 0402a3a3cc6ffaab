"""Firing is most regular at an intermediate noise intensity (Pikovsky & Kurths 1997).

    python examples/coherence_resonance.py [--quick]

Writes coherence_resonance.png.
"""

import sys

import hh_sde as hh

quick = "--quick" in sys.argv
net = hh.Network(1, stimulus=6.0)  # at rest without noise
ds = hh.studies.noise_sweep(
    net,
    [1.0, 3.0, 8.0, 24.0] if quick else [0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 24.0],
    t_end=300.0 if quick else 4000.0,
    trials=4 if quick else 40,
    rng=1,
)
best = ds.isel(sigma=int(ds.cv.argmin("sigma")))
print(f"most regular at sigma = {float(best.sigma):g}: CV {float(best.cv):.3f}")
ds.hh.plot().savefig("coherence_resonance.png", dpi=150)
