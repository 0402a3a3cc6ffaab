"""Peak memory of sdeint.itoSRI2 in windows: 50 neurons, 50 and 150 Wiener processes.

    python benchmarks/sdeint_memory.py [--steps 100000]

With 50 processes: current noise on every membrane. With 150: current noise and noise on two gates
(the gates' noise written as an own SDE around the network's f), general noise, three processes a
neuron. A single call of sdeint would hold steps * m^2 iterated integrals, 8 bytes each, four times
over while it draws them.
"""

import argparse
import multiprocessing
import resource
import time

import numpy as np

import hh_sde as hh

NEURONS = 50


def network():
    return hh.Network(
        NEURONS,
        stimulus=10.0,
        synapses=hh.Synapse.sigmoidal(0.002),
        noise=hh.CurrentNoise(1.0),
    )


def with_gate_noise():
    """sqrt(h (1 - h)) and sqrt(n (1 - n)) noise, scaled down, beside the current noise."""
    n = NEURONS
    sde = network().sde()

    def column(kind, i):
        row = (0, 2 * n, 3 * n)[kind] + i

        def g(x, t):
            out = np.zeros(sde.d)
            out[row] = 1.0 if kind == 0 else 0.01 * np.sqrt(max(x[row] * (1 - x[row]), 0.0))
            return out

        return g

    columns = [column(kind, i) for i in range(n) for kind in range(3)]
    return hh.SDE(
        f=sde.f,
        G=lambda x, t: np.stack([g(x, t) for g in columns], axis=1),
        x0=sde.x0,
        area_groups=np.repeat(np.arange(n), 3),
        columns=columns,
    )


def measure(make, steps, queue):
    start = time.perf_counter()
    ds = hh.solve(make(), 0.01 * steps, dt=0.01, method="sdeint.itoSRI2", rng=1, save_dt=1.0)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    assert all(np.all(np.isfinite(ds[name])) for name in ds.data_vars)
    queue.put((peak, time.perf_counter() - start))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=100_000)
    steps = parser.parse_args().steps
    context = multiprocessing.get_context("spawn")
    for make, m in ((network, NEURONS), (with_gate_noise, 3 * NEURONS)):
        queue = context.Queue()
        process = context.Process(target=measure, args=(make, steps, queue))
        process.start()
        peak, seconds = queue.get()
        process.join()
        alone = steps * m * m * 8 / 1024**3
        print(
            f"{m} Wiener processes, {steps} steps: peak {peak:.2f} GiB in all, {seconds:.0f} s; "
            f"their iterated integrals alone would take {alone:.1f} GiB"
        )


if __name__ == "__main__":
    main()
