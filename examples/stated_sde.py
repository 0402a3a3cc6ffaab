"""Can noise make a density bimodal? An SDE from expressions, in both calculi.

    python examples/stated_sde.py [--quick]

Without noise x tends to 1/2. The diffusion, proportional to x (1 - x), vanishes at 0 and 1, and
strong noise drives x there. The stationary density is bimodal for sigma^2 > 4 in the Stratonovich
calculus, and for sigma^2 > 2 in the Ito calculus; in between the calculus decides. Lines are the
exact stationary densities.

Writes stated_sde.png. The model: Horsthemke & Lefever 1984, Noise-Induced Transitions,
doi:10.1007/3-540-36852-3.
"""

import sys

import matplotlib.pyplot as plt
import numpy as np

import hh_sde as hh

trials = 2000 if "--quick" in sys.argv else 50_000
t_end, dt = 20.0, 0.005
sigmas = [1.0, 3.0**0.5, 2.5]
x = np.linspace(0.002, 0.998, 499)
u = x * (1.0 - x)
edges = np.linspace(0.0, 1.0, 41)

fig, axes = plt.subplots(1, 3, figsize=(9, 3), sharey=True, layout="constrained")
for sigma, ax in zip(sigmas, axes, strict=True):
    for calculus, power, color in (("stratonovich", 1, "C0"), ("ito", 2, "C1")):
        sde = hh.SDE.from_expressions(
            {"x": "1/2 - x"},
            {"x": "sigma*x*(1 - x)"},
            x0={"x": 0.5},
            parameters={"sigma": sigma},
            interpretation=calculus,
        )
        ds = hh.solve(sde, t_end, dt=dt, method="milstein", rng=1, trials=trials, save_dt=t_end)
        last = ds.x.isel(time=-1, component=0)
        ax.hist(last, edges, density=True, color=color, alpha=0.35)
        # f and g = sigma u have the density exp(int 2 f/g^2)/g, in Ito's calculus over g^2
        density = np.exp(-1.0 / (sigma**2 * u)) / u**power
        ax.plot(x, density / (density.sum() * (x[1] - x[0])), color=color, label=calculus)
        outside = float((abs(last - 0.5) > 0.25).mean())
        print(f"sigma^2 = {sigma**2:.2f}, {calculus:12} beyond 1/4 and 3/4: {outside:.3f}")
    ax.set(title=rf"$\sigma^2$ = {sigma**2:.3g}", xlabel="x")
axes[0].set(ylabel="density")
axes[0].legend(frameon=False, fontsize="small")
fig.savefig("stated_sde.png", dpi=150)
