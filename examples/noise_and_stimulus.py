"""Where does noise make firing regular? Rate and CV over stimulus and noise, 20 trials each.

    python examples/noise_and_stimulus.py [--quick]

Writes noise_and_stimulus.png.
"""

import sys

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LogNorm

import hh_sde as hh

quick = "--quick" in sys.argv
over = {
    "stimulus": np.linspace(4.0, 10.0, 4 if quick else 13),
    "noise.sigma": np.geomspace(0.5, 16.0, 4 if quick else 11).round(2),
}
ds = hh.sweep(
    hh.Network(1, noise=hh.CurrentNoise(1.0)),
    over,
    400.0 if quick else 1100.0,
    discard=100.0,
    dt=0.02,
    method="lie_trotter",
    trials=4 if quick else 20,
    reduce=["rates", "interval_statistics"],
    rng=1,
).isel(neuron=0)
ds["rate"] = ds.rate.mean("trial", keep_attrs=True)
ds["interval_cv"] = ds.interval_cv.where(ds.interval_number >= 20)

# at the smallest currents nothing fires without noise: there the CV has a least value
best = ds.interval_cv.fillna(np.inf).idxmin("sigma")
for I in (4.0, 10.0):
    cv = ds.interval_cv.sel(stimulus=I)
    at = best.sel(stimulus=I)
    print(f"I = {I:g}: most regular at sigma = {float(at):g}, CV {float(cv.sel(sigma=at)):.2f}")

fig, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
ds.hh.plot.heatmap(x="stimulus", y="sigma", z="rate", ax=axes[0])
shades = {"cmap": "magma", "norm": LogNorm(0.15, 3.0)}
ds.hh.plot.heatmap(x="stimulus", y="sigma", z="interval_cv", ax=axes[1], **shades)
axes[1].plot(best.stimulus, best, "w.")  # the most regular
fig.savefig("noise_and_stimulus.png", dpi=150)
