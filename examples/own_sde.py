"""A user-defined SDE: FitzHugh-Nagumo with multiplicative noise, by two methods on one path.

    python examples/own_sde.py [--quick]

Writes own_sde.png. Equations: FitzHugh 1961, doi:10.1016/S0006-3495(61)86902-6.
"""

import sys

import matplotlib.pyplot as plt
import numpy as np

import hh_sde as hh


def f(x, t):
    v, w = x
    return np.array([v - v**3 / 3 - w + 0.5, 0.08 * (v + 0.7 - 0.8 * w)])


def G(x, t):
    return np.diag([0.05, 0.1 * x[1]])


sde = hh.SDE(f, G, x0=[-1.0, 1.0], noise_type="diagonal", names=["v", "w"])
t_end = 20.0 if "--quick" in sys.argv else 200.0
path = sde.path(1, dt=0.05)
fig, ax = plt.subplots(figsize=(8, 3), layout="constrained")
for method, line in (("sdeint.itoEuler", "-"), ("sdeint.itoSRI2", "--")):
    ds = hh.solve(sde, t_end, dt=0.05, method=method, path=path)
    ax.plot(ds.time, ds.x.sel(component="v"), line, lw=1.0, label=method)
ax.set(xlabel="time", ylabel="v")
ax.legend(frameon=False, fontsize="small")
fig.savefig("own_sde.png", dpi=150)
