"""A few long-range connections synchronise a ring: small worlds (Watts & Strogatz 1998).

    python examples/small_world_synchrony.py [--quick]

Writes small_world_synchrony.png.
"""

import sys

import numpy as np
import xarray as xr
from scipy.sparse.csgraph import shortest_path

import hh_sde as hh

quick = "--quick" in sys.argv
n, k = (40, 6) if quick else (400, 6)
ps = [0.0, 1.0] if quick else [0.0, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0]
seeds = range(2 if quick else 10)
t_end = 120.0 if quick else 600.0


def measured(p: float, seed: int) -> list[float]:
    """Synchrony of V, path length and clustering, of one graph and one noise."""
    graph = hh.topology.small_world(k=k, p=p, weight=0.02, rng=seed)
    scatter = np.random.default_rng(seed).standard_normal(n)
    net = hh.Network(
        n,
        synapses=hh.GapJunction(graph),
        stimulus=10.0 * (1 + 0.02 * scatter),
        noise=hh.CurrentNoise(sigma=1.0),
    )
    ds = hh.solve(net, t_end, dt=0.05, method="strang", rng=seed, record="V", save_dt=0.5,
                  discard=t_end / 2, x0={"V": hh.Uniform(-70.0, -50.0)})  # fmt: skip
    edges = graph.matrix(n, n, same=True) != 0
    inputs = edges.sum(axis=1)
    clustering = (edges @ edges.astype(int)).multiply(edges).sum() / np.sum(inputs * (inputs - 1))
    return [float(ds.hh.synchrony().chi_squared), shortest_path(edges).mean(), clustering]


found = np.array([[measured(p, seed) for seed in seeds] for p in ps])
mean, error = found.mean(axis=1), found.std(axis=1, ddof=1) / np.sqrt(len(seeds))
labels = {"units": "1", "long_name": "synchrony chi² of V"}
ds = xr.Dataset(
    {
        "chi_squared": ("p", mean[:, 0], labels),
        "low": ("p", mean[:, 0] - 2 * error[:, 0]),
        "high": ("p", mean[:, 0] + 2 * error[:, 0]),
    },
    coords={"p": ("p", ps, {"units": "1", "long_name": "probability that an edge is rewired"})},
)
print(ds.to_dataframe().round(3))
ax = hh.plot.curve(ds, x="p", y="chi_squared", low="low", high="high", label="synchrony",
                   figsize=(5.5, 3.8))  # fmt: skip
for column, name, marker in ((1, "path length", "s"), (2, "clustering", "^")):
    ax.plot(ps, mean[:, column] / mean[0, column], f"{marker}--", color=hh.plot.COLOURS[column],
            ms=4, lw=1, label=f"{name}, of that of the ring")  # fmt: skip
ax.set_xscale("symlog", linthresh=0.005, linscale=0.3)
ax.set_xticks([0.0, 0.01, 0.1, 1.0], ["0", "0.01", "0.1", "1"])
ax.set(ylim=(0, 1.05), ylabel="")
ax.legend(frameon=False, fontsize="small")
ax.figure.savefig("small_world_synchrony.png", dpi=150)
