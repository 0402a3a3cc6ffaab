"""What the compiled Jacobian saves scipy's implicit solvers, which otherwise take differences of f.

    OPENBLAS_NUM_THREADS=1 python benchmarks/jacobian.py [--t-end 100] [--repeats 3] [--out results]

One cell, the question's two neurons and 50 coupled cells, spiking, without noise, at the tolerances
of `solve`. Counted are all calls of f, those for differences too, in the same run with and without
the Jacobian; times are the processor's, the least of rounds in which both take their turn, so that
BLAS is to have one thread. Writes jacobian_KIND.json and .md for this kind of processor.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import processor
import scipy.integrate

import hh_sde as hh

TOLERANCE = 1e-8  # rtol and atol of `solve`
SOLVERS = ("Radau", "LSODA")


def networks() -> dict[str, hh.Network]:
    """The models by name."""
    synapses = hh.Synapse.sigmoidal(weights=[[0, 0.1], [0.1, 0]])
    # currents that differ, so that no two cells do the same
    currents = np.linspace(8.0, 12.0, 50)
    return {
        "one cell": hh.Network(1, stimulus=10.0),
        "two neurons": hh.Network(2, stimulus=[10.0, 9.0], synapses=synapses),
        "50 cells": hh.Network(50, stimulus=currents, synapses=hh.Synapse.sigmoidal(0.002)),
    }


def run(sde: hh.SDE, solver: str, t_end: float, jac: bool) -> dict[str, float]:
    """One solution: its steps, calls of f, Jacobians and seconds."""
    calls = 0

    def f(t: float, x: np.ndarray) -> np.ndarray:
        nonlocal calls
        calls += 1
        return sde.f(x, t)

    options = {"jac": lambda t, x: sde.jac(x, t)} if jac else {}
    start = time.process_time()
    found = scipy.integrate.solve_ivp(
        f, (0.0, t_end), sde.x0, method=solver, rtol=TOLERANCE, atol=TOLERANCE, **options
    )
    seconds = time.process_time() - start
    if not found.success:
        raise RuntimeError(f"{solver}: {found.message}")
    return {"steps": found.t.size - 1, "f": calls, "jacobians": int(found.njev), "s": seconds}


def measure(t_end: float, repeats: int) -> list[dict]:
    """A row for each model and solver, with the Jacobian and with differences."""
    rows = []
    for name, net in networks().items():
        sde = net.sde()
        for solver in SOLVERS:
            run(sde, solver, 1.0, jac=True)  # compiled
            rounds = [
                {kind: run(sde, solver, t_end, kind == "with") for kind in ("without", "with")}
                for _ in range(repeats)
            ]
            row: dict = {"model": name, "d": sde.d, "solver": f"scipy.{solver}"}
            for kind in ("without", "with"):
                row[kind] = rounds[0][kind] | {"s": min(one[kind]["s"] for one in rounds)}
            rows.append(row)
    return rows


def markdown(rows: list[dict], t_end: float) -> str:
    """A line for each model and solver: by differences, and with the Jacobian."""
    lines = [
        "| model | d | method | steps | calls of f | ratio | Jacobians | time | ratio |",
        "| --- | ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in rows:
        before, now = row["without"], row["with"]
        steps, calls, jacobians = (
            f"{before[name]:,} → {now[name]:,}" for name in ("steps", "f", "jacobians")
        )
        times = f"{1e3 * before['s']:.0f} → {1e3 * now['s']:.0f} ms"
        lines.append(
            f"| {row['model']} | {row['d']} | {row['solver']} | {steps} | {calls} | "
            f"{now['f'] / before['f']:.2f} | {jacobians} | {times} | {now['s'] / before['s']:.2f} |"
        )
    lines.append(
        f"\n{t_end:g} ms, rtol = atol = {TOLERANCE:g}. Left of each arrow: Jacobian by finite "
        "differences; right: `sde.jac`.\n"
    )
    return "\n".join(lines)


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--t-end", type=float, default=100.0, help="ms")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=Path, default=processor.RESULTS)
    options = parser.parse_args()
    rows = measure(options.t_end, options.repeats)
    processor.write(options.out, "jacobian", {"rows": rows}, markdown(rows, options.t_end))


if __name__ == "__main__":
    main()
