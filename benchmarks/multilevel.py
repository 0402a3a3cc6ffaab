"""Where multilevel Monte Carlo pays: its cost and that of plain Monte Carlo at equal error.

    python benchmarks/multilevel.py [--relative 0.01 0.001 0.0002] [--repeats 100] [--out results]

A neuron of the classic cell at 10 uA/cm^2 with white noise of 1 uA/cm^2 ms^0.5, from rest: V at 20
ms, the time of the first spike, and the number of spikes in 20 ms, each to several relative errors.
Plain Monte Carlo uses its best single step, which follows from the levels, and as many samples as
its variance requires; its time is extrapolated from a part of them. Then `--repeats` estimates with
different seeds at the first of the errors are compared with one at the last. One thread; Lie
splitting. Writes multilevel_KIND.json and .md.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
import processor

import hh_sde as hh
from hh_sde.studies.observed import of_name
from hh_sde.studies.subject import Subject

NET = hh.Network(1, stimulus=10.0, noise=hh.CurrentNoise(1.0))
T_END = 20.0  # ms
SIZES = {"mean_V": 70.0, "first_spike": 1.9, "spike_count": 2.0}  # what errors are relative to
TIMED = 4096  # samples of plain Monte Carlo that are timed


def plain(name: str, ds: Any, rmse: float) -> dict[str, float]:
    """The cost of plain Monte Carlo for the same error, at its best step."""
    steps = int(np.ceil(T_END / float(ds.plain_dt)))
    observable = of_name(name, Subject(NET), T_END, None, None, None)
    seconds = []
    for seed in range(2):  # the first is warm too: mlmc ran the same loops
        began = time.perf_counter()
        run = hh.solve(
            NET, T_END, dt=T_END / steps, method="lie_trotter", trials=TIMED, rng=seed,
            progress=False, **observable.options,
        )  # fmt: skip
        values = observable.values(run)
        seconds.append(time.perf_counter() - began)
    alpha = float(ds.alpha.fillna(1.0).clip(0.5, 1.0))  # as mlmc takes it, of weak order 1
    bias = float(ds.bias) * (T_END / steps / float(ds.dt[-1])) ** alpha
    samples = float(values.var(ddof=1)) / (rmse**2 - bias**2)
    return {"dt": T_END / steps, "samples": samples, "seconds": min(seconds) / TIMED * samples}


def measured(relative: list[float]) -> list[dict[str, Any]]:
    """Every observable at every error."""
    rows = []
    for name, size in SIZES.items():
        for one in relative:
            rmse = one * size
            began = time.perf_counter()
            ds = hh.studies.mlmc(NET, name, T_END, rmse=rmse, rng=1)
            seconds = time.perf_counter() - began
            row = {"observable": name, "relative": one, "rmse": rmse, "seconds": seconds}
            row |= {"estimate": float(ds.estimate), "levels": ds.sizes["level"]}
            row |= {key: float(ds[key]) for key in ("alpha", "beta", "gamma", "cost_ratio")}
            row["variance"] = ds.variance.values.tolist()
            row["samples"] = ds.samples.values.tolist()
            row["plain"] = plain(name, ds, rmse)
            rows.append(row)
            print(row, flush=True)
    return rows


def covered(relative: float, finest: float, repeats: int) -> dict[str, int]:
    """How many of the estimates are within twice the error that was asked for."""
    found = {}
    for name, size in SIZES.items():
        truth = hh.studies.mlmc(NET, name, T_END, rmse=finest * size, rng=10**6)
        errors = [
            float(hh.studies.mlmc(NET, name, T_END, rmse=relative * size, rng=seed).estimate)
            - float(truth.estimate)
            for seed in range(1000, 1000 + repeats)
        ]
        found[name] = int((np.abs(errors) <= 2 * relative * size).sum())
        print(name, found[name], "of", repeats, flush=True)
    return found


def markdown(result: dict[str, Any]) -> str:
    """Seconds of both and their ratio."""
    lines = [
        "| observable | relative error | levels | alpha, beta | multilevel, s | plain, s | "
        "plain, dt in ms | ratio plain/multilevel, time | ratio, steps |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in result["rows"]:
        alone = row["plain"]
        lines.append(
            f"| `{row['observable']}` | {100 * row['relative']:g} % | {row['levels']} | "
            f"{row['alpha']:.1f}, {row['beta']:.1f} | {row['seconds']:.3g} | "
            f"{alone['seconds']:.3g} | {alone['dt']:.2g} | {alone['seconds'] / row['seconds']:.2g} "
            f"| {row['cost_ratio']:.2g} |"
        )
    if result["covered"]:
        said = ", ".join(f"{n} of `{name}`" for name, n in result["covered"].items())
        lines.append(
            f"\nOf {result['repeats']} estimates with a requested relative error of "
            f"{100 * result['relative'][0]:g} %, so many are within twice this error: {said}."
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--relative", nargs="*", type=float, default=[0.01, 0.001, 0.0002])
    parser.add_argument("--repeats", type=int, default=100)
    parser.add_argument("--out", type=Path, default=processor.RESULTS)
    options = parser.parse_args()
    for name in SIZES:  # compiles
        hh.studies.mlmc(NET, name, T_END, rmse=0.05 * SIZES[name], rng=0)
    result: dict[str, Any] = {"relative": options.relative, "repeats": options.repeats}
    result["rows"] = measured(options.relative)
    result["covered"] = {}
    if options.repeats:
        result["covered"] = covered(options.relative[0], options.relative[-1], options.repeats)
    processor.write(options.out, "multilevel", result, markdown(result))


if __name__ == "__main__":
    main()
