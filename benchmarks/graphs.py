"""How long a graph of about 10^6 edges takes to build, by each rule, beside a random matrix.

    python benchmarks/graphs.py

10,000 neurons with 100 inputs each. The second column is the time over that of
`scipy.sparse.random_array` for as many entries.
"""

import time

import numpy as np
import scipy.sparse

from hh_sde import Normal, topology

N, K = 10_000, 100
POSITIONS = np.random.default_rng(0).uniform(0.0, 1000.0, (N, 2))  # um
RULES = {
    "random": topology.random(p=K / N, rng=1),
    "random, weights drawn": topology.random(p=K / N, weight=Normal(1.0, 0.2), rng=1),
    "fixed_indegree": topology.fixed_indegree(k=K, rng=1),
    "fixed_outdegree": topology.fixed_outdegree(k=K, rng=1),
    "ring": topology.ring(k=K),
    "small_world": topology.small_world(k=K, p=0.1, rng=1),
    "distance": topology.distance(scale=42.0, positions=POSITIONS, rng=1),
}


def seconds(make) -> float:
    """The least of three times."""
    laps = []
    for _ in range(3):
        start = time.perf_counter()
        make()
        laps.append(time.perf_counter() - start)
    return min(laps)


if __name__ == "__main__":
    generator = np.random.default_rng(1)
    unit = seconds(
        lambda: scipy.sparse.random_array((N, N), density=K / N, format="csr", rng=generator)
    )
    print(f"{'scipy.sparse.random_array':26}{unit:8.2f} s")
    for name, rule in RULES.items():
        took = seconds(lambda rule=rule: rule.matrix(N, N, same=True))
        edges = rule.matrix(N, N, same=True).nnz
        print(f"{name:26}{took:8.2f} s{took / unit:8.2f}{edges:12,} edges")
