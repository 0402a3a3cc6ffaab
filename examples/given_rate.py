"""Which potassium conductance makes the classic cell fire at 60 Hz? Above 40.5 it stops firing.

    python examples/given_rate.py [--quick]

Writes given_rate.png.
"""

import sys

from scipy.optimize import brentq

import hh_sde as hh

t_end, xtol = (200.0, 0.1) if "--quick" in sys.argv else (500.0, 1e-4)
classic = hh.Network(1, stimulus=10.0)


def run(g_K):
    net = classic.replace(cell=classic.cell.replace(g_K=g_K))
    return hh.solve(net, t_end, dt=0.02, method="strang")


def rate(g_K):
    return 1e3 / run(g_K).hh.intervals(start=50.0).interval_length.mean().item()  # Hz


g_K = brentq(lambda g_K: rate(g_K) - 60.0, 30.0, 40.5, xtol=xtol)
print(f"g_K = {g_K:.4g} mS/cm^2 fires at {rate(g_K):.3f} Hz, 36 at {rate(36.0):.3f} Hz")
ax = run(36.0).hh.plot.traces(color="0.7", label="36 mS/cm²", lw=1)
hh.plot.traces(run(g_K), label=f"{g_K:.4g} mS/cm²: 60 Hz", lw=1, ax=ax)
ax.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, frameon=False)
ax.set_xlim(0, 150)
ax.figure.savefig("given_rate.png", dpi=150)
