"""What a sweep costs, beside a loop over its points and beside Brian2; and how it grows.

    python benchmarks/sweeps.py [--points 10000] [--repeats 3] [--trials 1000000] [--out docs]
    python benchmarks/sweeps.py --parts workers --out docs

The same points, drawn at random over (g_Na, g_K, I, sigma), for 200 ms, spikes kept, one thread, in
rounds that take all in turn: `hh.sweep`; a Python loop of `hh.solve` over 500 of them, scaled up;
as many trials of one point; and Brian2 standalone with the points as a neuron group (its time steps
alone), in an environment of its own that is made under --environments. Then: two threads, and two
workers of a dask cluster, over one; what a sweep takes beside its tasks; the most memory of a
process over the number of trials; so many trials of the question's pair for 100 ms, of which rates
and intervals are kept; and how many tasks a scheduler hands out. Parts
not named are taken from what was written before. Needs the extra sweep. Writes sweeps_KIND.json and
.md.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import processor
import xarray as xr
from cobahh import ONE_THREAD, environment

import hh_sde as hh
from hh_sde.sweeps import tasks

HERE = Path(__file__).parent
DURATION, DT = 200.0, 0.01  # ms
LONGER = 20  # times as long, for how two workers do with tasks of seconds
LOOPED = 500
NET = hh.Network(1, stimulus=10.0, noise=hh.CurrentNoise(1.0))
PAIR = hh.Network(
    2,
    stimulus=10.0,
    synapses=hh.Synapse.sigmoidal(weights=[[0, 0.1], [0.1, 0]]),
    noise=hh.CurrentNoise(1.0),
)
KEPT = {"rates": {}, "interval_histogram": {"bins": np.arange(0.0, 100.0, 0.5)}}


def drawn(points: int) -> dict[str, np.ndarray]:
    """The points, by Brian2's names."""
    rng = np.random.default_rng(1)
    limits = {"g_Na": (100, 130), "g_K": (30, 40), "I": (8, 14), "sigma": (0.5, 2)}
    return {name: rng.uniform(*limit, points) for name, limit in limits.items()}


def over(points: dict[str, np.ndarray]) -> dict[str, xr.DataArray]:
    """The same by ours."""
    names = {"g_Na": "cell.g_Na", "g_K": "cell.g_K", "I": "stimulus", "sigma": "noise.sigma"}
    return {names[name]: xr.DataArray(one, dims="sample") for name, one in points.items()}


def swept(points: dict[str, np.ndarray], longer: int = 1, **options: Any) -> xr.Dataset:
    return hh.sweep(
        NET, over(points), longer * DURATION, dt=DT, rng=1, progress=False,
        **{"threads": 1, **options},
    )  # fmt: skip


def looped(points: dict[str, np.ndarray]) -> int:
    """A loop over some of them."""
    found = 0
    for k in range(min(LOOPED, points["I"].size)):
        cell = NET.cell(g_Na=points["g_Na"][k], g_K=points["g_K"][k])
        noise = hh.CurrentNoise(points["sigma"][k])
        net = NET.replace(cell=cell, stimulus=points["I"][k], noise=noise)
        ds = hh.solve(net, DURATION, dt=DT, rng=k, record=("spikes",), progress=False)
        found += ds.sizes["spike"]
    return found


def brian2(python: Path, points: dict[str, np.ndarray], repeats: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "points.npz"
        np.savez(file, **points)
        asked = {"file": str(file), "duration": DURATION, "dt": DT, "repeats": repeats}
        done = subprocess.run(
            [python, HERE / "peers" / "sweep_brian2.py", json.dumps(asked)],
            capture_output=True, text=True, check=True, env={**os.environ, **ONE_THREAD},
        )  # fmt: skip
    return json.loads(done.stdout.strip().splitlines()[-1])


def seconds(function: Callable[[], Any]) -> float:
    begin = time.perf_counter()
    function()
    return time.perf_counter() - begin


# -- beside others ---------------------------------------------------------------------------------


def beside(points: dict[str, np.ndarray], repeats: int, python: Path | None) -> dict[str, Any]:
    many = points["I"].size
    few = {name: one[:64] for name, one in points.items()}
    swept(few)
    looped(points)
    laps: dict[str, list[float]] = {"sweep": [], "loop": [], "trials": [], "brian2": []}
    spikes = {}
    for _ in range(repeats):
        laps["sweep"].append(seconds(lambda: swept(points)))
        laps["loop"].append(seconds(lambda: looped(points)) * many / min(LOOPED, many))
        laps["trials"].append(
            seconds(
                lambda: hh.solve(
                    NET, DURATION, dt=DT, rng=1, trials=many, record=("spikes",), progress=False
                )
            )
        )
        if python is not None:
            found = brian2(python, points, 1)
            laps["brian2"] += found["seconds"]
            spikes["brian2"] = found["spikes"]
    spikes["sweep"] = swept(points).sizes["spike"]
    return {"laps": {k: v for k, v in laps.items() if v}, "spikes": spikes}


# -- growth ----------------------------------------------------------------------------------------


def workers(points: dict[str, np.ndarray], repeats: int) -> dict[str, Any]:
    """One and two threads, one and two workers, and what a sweep takes beside its tasks."""
    from distributed import Client, LocalCluster

    laps: dict[str, list[float]] = {"1 thread": [], "2 threads": []}
    beside_tasks = []
    for _ in range(repeats):
        for n in (1, 2):
            name = f"{n} thread{'s' * (n > 1)}"
            laps[name].append(seconds(lambda n=n: swept(points, threads=n)))
        beside_tasks.append(overhead(points))
    for n in (1, 2):
        name = f"{n} thread{'s' * (n > 1)}, long"
        laps[name] = [seconds(lambda n=n: swept(points, LONGER, threads=n))]
    for n in (1, 2):
        with (
            LocalCluster(n_workers=n, threads_per_worker=1, dashboard_address=None) as cluster,
            Client(cluster) as client,
            tempfile.TemporaryDirectory() as folder,
        ):
            few = {name: one[:64] for name, one in points.items()}
            swept(few, client=client, store=Path(folder) / "first.zarr")
            name = f"{n} worker{'s' * (n > 1)}"
            laps[name] = [
                seconds(lambda k=k: swept(points, client=client, store=Path(folder) / f"{k}.zarr"))
                for k in range(repeats)
            ]
            laps[f"{name}, long"] = [
                seconds(
                    lambda: swept(points, LONGER, client=client, store=Path(folder) / "long.zarr")
                )
            ]
            if n == 2:
                begin = time.perf_counter()
                client.gather(client.map(lambda k: k, range(2000), pure=False))
                rate = 2000 / (time.perf_counter() - begin)
    return {"laps": laps, "beside tasks": beside_tasks, "tasks per second": rate}


def overhead(points: dict[str, np.ndarray]) -> float:
    """The part of a sweep's time that is not in its tasks."""
    inside = 0.0
    own = tasks.timed

    def timed(*args: Any) -> Any:
        nonlocal inside
        ds, took = own(*args)
        inside += took
        return ds, took

    tasks.timed = timed
    try:
        whole = seconds(lambda: swept(points))
    finally:
        tasks.timed = own
    return 1.0 - inside / whole


def pair(trials: int) -> dict[str, Any]:
    """So many trials of the question's pair, in this process."""
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "pair.zarr"
        begin = time.perf_counter()
        ds = hh.sweep(
            PAIR, {"stimulus": [10.0]}, 100.0, dt=DT, trials=trials, rng=1, reduce=KEPT,
            store=store, progress=False,
        )  # fmt: skip
        took = time.perf_counter() - begin
        size = sum(file.stat().st_size for file in store.rglob("*") if file.is_file())
        rate = float(ds.rate.mean())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"trials": trials, "seconds": took, "MiB": peak, "bytes": size, "rate": rate}


def grown(numbers: list[int]) -> list[dict[str, Any]]:
    """The same for several numbers of trials, each in a process of its own."""
    found = []
    for trials in numbers:
        done = subprocess.run(
            [sys.executable, __file__, "--pair", str(trials)],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        found.append(json.loads(done.stdout.strip().splitlines()[-1]))
    return found


# -- the table -------------------------------------------------------------------------------------


def markdown(result: dict[str, Any]) -> str:
    laps = {name: statistics.median(one) for name, one in result["beside"]["laps"].items()}
    ours, many = laps["sweep"], result["points"]
    steps = many * DURATION / DT
    words = {
        "sweep": "`hh.sweep`",
        "trials": "as many trials of one point",
        "loop": f"a Python loop of `solve` ({LOOPED} points, scaled up)",
        "brian2": "Brian2 standalone, points as neurons, its time steps only",
    }
    lines = [
        f"{many:,} points of (g_Na, g_K, I, sigma), {DURATION:g} ms, spikes, one thread:",
        "",
        "| | seconds | ns per point and step | relative to `hh.sweep` |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| {words[name]} | {one:.3g} | {1e9 * one / steps:.3g} | {one / ours:.3g} |"
        for name, one in laps.items()
    ]
    growth = result["workers"]
    of = {name: statistics.median(one) for name, one in growth["laps"].items()}
    more = {kind: of[f"1 {kind}, long"] / of[f"2 {kind}s, long"] for kind in ("thread", "worker")}
    lines += [
        "",
        f"Two threads are {of['1 thread'] / of['2 threads']:.2f} times as fast as one, and two "
        f"workers of a dask cluster with a store {of['1 worker'] / of['2 workers']:.2f} times as "
        f"fast as one. With {LONGER} times the duration ({of['1 worker, long']:.0f} s) the factors "
        f"are {more['thread']:.2f} and {more['worker']:.2f}. The overhead of a sweep besides its "
        f"tasks is {100 * statistics.median(growth['beside tasks']):.1f} % of its time. The "
        f"scheduler dispatched {growth['tasks per second']:.0f} empty tasks per second.",
        "",
        "The two coupled neurons, 100 ms, keeping rates and a histogram of inter-spike intervals, "
        "with a store, on all cores:",
        "",
        "| trials | seconds | peak memory, MiB | store, bytes per trial |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| {one['trials']:,} | {one['seconds']:.3g} | {one['MiB']:.0f} | "
        f"{one['bytes'] / one['trials']:.1f} |"
        for one in result["pair"]
    ]
    return "\n".join([*lines, "", model(result)]) + "\n"


def model(result: dict[str, Any]) -> str:
    """A thousand cores, from what was measured here."""
    largest = result["pair"][-1]
    core_seconds = largest["seconds"] * result["cores"] / largest["trials"]
    task, cores, trials = 3.0, 1000, 1e9
    hours = trials * core_seconds / cores / 3600
    needed = cores / task
    return (
        f"From this table, one trial takes {1e3 * core_seconds:.2g} ms of one core. 10^9 trials on "
        f"{cores:,} cores then take {hours:.2g} hours, if tasks of {task:g} s keep the cores busy. "
        f"This is {needed:.0f} tasks per second, where the scheduler here dispatched "
        f"{result['workers']['tasks per second']:.0f}, and "
        f"{trials * largest['bytes'] / largest['trials'] / 2**30:.2g} GiB of results."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--points", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--trials", type=int, default=1_000_000)
    parser.add_argument("--environments", type=Path, default=Path("environments"))
    parser.add_argument("--without-brian2", action="store_true")
    parts = ("beside", "workers", "pair")
    parser.add_argument("--parts", nargs="*", choices=parts, default=parts)
    parser.add_argument("--pair", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, default=processor.RESULTS)
    options = parser.parse_args()
    if options.pair:
        print(json.dumps(pair(options.pair)))
        return
    kept = options.out / f"sweeps_{processor.kind()}.json"
    before = json.loads(kept.read_text()) if set(options.parts) < set(parts) else {}
    wants_peer = "beside" in options.parts and not options.without_brian2
    python = environment(options.environments) if wants_peer else None
    points = drawn(options.points)
    numbers = [n for n in (1_000, 10_000, 100_000) if n < options.trials] + [options.trials]
    measure = {
        "beside": lambda: beside(points, options.repeats, python),
        "workers": lambda: workers(points, options.repeats),
        "pair": lambda: grown(numbers),
    }
    result = {**before, "points": options.points, "cores": len(os.sched_getaffinity(0))}
    result |= {part: measure[part]() for part in options.parts}
    processor.write(options.out, "sweeps", result, markdown(result))


if __name__ == "__main__":
    main()
