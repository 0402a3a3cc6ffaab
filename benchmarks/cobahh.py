"""A network of 4,000 neurons (Brette et al. 2007, benchmark 3) beside Brian2: statistics and time.

    python benchmarks/cobahh.py [--seeds 10] [--repeats 5] [--timing] [--out docs]

Brian2 gets a virtual environment of its own, made under --environments and kept; that needs a
package index for pip, and a C++ compiler. It runs its own example: exponential Euler at 0.1 ms, C++
standalone with the flags that it has by default. In this a potential that stays above -20 mV is
another spike every 3 ms; two more runs, at 0.1 and 0.02 ms, count each rise once, as ours does, and
tell what of a difference is the step's. Ours is lie_trotter. Every seed has its own connections and
initial values. All run on one thread; a round of timing takes all in turn, so that a busy machine
troubles them alike. Of Brian2 the time steps alone count, not what it takes to build and to
connect; of ours all of solve, after a first call. With --timing the statistics are those that a run
before has left in --out, and only the times are taken anew. Needs matplotlib. Writes
cobahh_KIND.json, .md and .png for this kind of processor.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import processor

import hh_sde as hh

HERE = Path(__file__).parent
N_E, N_I = 3200, 800
DURATION = 1000.0  # ms
START = 100.0  # ms; what is before depends on how it begins
AREA = 2e-4  # cm^2
BIN = 5.0  # ms, of spike counts
#: A spike there: V > -20 mV, and not within 3 ms of another.
RULE = hh.SpikeRule(threshold=-20.0, rearm=None, lockout=3.0)
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


class Way(NamedTuple):
    """Who computes it, and with which step."""

    name: str
    dt: float  # ms

    def __str__(self) -> str:
        return f"{self.name}, {self.dt:g} ms"


EXAMPLE = Way("Brian2's example", 0.1)
BRIAN2 = [Way("Brian2", dt) for dt in (0.1, 0.02)]
OURS = [Way("ours", dt) for dt in (0.02, 0.05, 0.1, 0.2, 0.25)]
THEIRS = [EXAMPLE, *BRIAN2]
SHOWN = Way("ours", EXAMPLE.dt)


class Run(NamedTuple):
    """The spikes of one seed, times in ms, and the seconds that it took."""

    time: np.ndarray
    neuron: np.ndarray
    seconds: float


# -- ours ------------------------------------------------------------------------------------------


def network(seed: int) -> hh.Network:
    """The network, with connections of its own for each seed."""
    exponential, random = hh.SYNAPSES["exponential"], hh.topology.random

    def weights(nS: float, k: int) -> hh.topology.Topology:
        return random(p=0.02, weight=nS * 1e-6 / AREA, rng=np.random.SeedSequence([seed, k]))

    return hh.Network(
        {name: hh.Population(n, "traub_miles") for name, n in (("E", N_E), ("I", N_I))},
        synapses=[
            exponential(weights(6.0, 0), tau=5.0, E=0.0, source="E", spike_rule=RULE, name="e"),
            exponential(weights(67.0, 1), tau=10.0, E=-80.0, source="I", spike_rule=RULE, name="i"),
        ],
    )


def ours(net: hh.Network, seed: int, dt: float, duration: float = DURATION) -> Any:
    """The Dataset of spikes."""
    unit = 10.0 * 1e-6 / AREA  # 10 nS
    x0 = {
        "V": hh.Normal(-65.0, 5.0), "m": 0.0, "h": 0.0, "n": 0.0,
        "g_e": hh.Normal(4.0 * unit, 1.5 * unit), "g_i": hh.Normal(20.0 * unit, 12.0 * unit),
    }  # fmt: skip
    return hh.solve(
        net, duration, dt=dt, method="lie_trotter", rng=seed, x0=x0, record=("spikes",),
        spike_rule=RULE, threads=1,
    )  # fmt: skip


def run_ours(seed: int, dt: float) -> Run:
    """One seed, its time without the making of the network."""
    net = network(seed)
    ours(net, seed, dt, duration=10 * dt)
    begin = time.perf_counter()
    ds = ours(net, seed, dt)
    seconds = time.perf_counter() - begin
    return Run(ds.spike_time.values, ds.neuron.values, seconds)


# -- Brian2 ----------------------------------------------------------------------------------------


def environment(folder: Path) -> Path:
    """The python of Brian2's own environment."""
    home = folder / "brian2"
    python = home / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", home], check=True)
        packages = ["setuptools", "brian2", "numpy<2"]
        subprocess.run([python, "-m", "pip", "install", "--quiet", *packages], check=True)
    return python


class Brian2:
    """The program that Brian2 makes of it, built once and run as often as asked."""

    def __init__(self, python: Path, way: Way) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._process = subprocess.Popen(
            [python, HERE / "peers" / "cobahh_brian2.py"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, **ONE_THREAD},
        )  # fmt: skip
        self._say(
            {
                "duration": DURATION, "dt": way.dt, "folder": self._folder.name,
                "once": way != EXAMPLE,
            }
        )  # fmt: skip
        self.version = self._heard()["version"]

    def _say(self, what: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        print(json.dumps(what), file=self._process.stdin, flush=True)

    def _heard(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("{"):
                return json.loads(line)
        raise RuntimeError("Brian2 ended; what it said stands above")

    def run(self) -> Run:
        """One seed, of the operating system's."""
        self._say({"run": True})
        seconds = self._heard()["seconds"]
        found = np.load(Path(self._folder.name) / "spikes.npz")
        return Run(found["time"], found["neuron"], seconds)

    def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()
        self._folder.cleanup()


# -- statistics ------------------------------------------------------------------------------------


def intervals(run: Run) -> tuple[np.ndarray, np.ndarray]:
    """Lengths (ms) and neurons of the intervals after START."""
    kept = run.time >= START
    order = np.lexsort((run.time[kept], run.neuron[kept]))
    times, neuron = run.time[kept][order], run.neuron[kept][order]
    same = neuron[1:] == neuron[:-1]
    return np.diff(times)[same], neuron[1:][same]


def variation(run: Run, least: int = 10) -> np.ndarray:
    """The coefficient of variation of each neuron with so many intervals."""
    length, neuron = intervals(run)
    number = np.bincount(neuron, minlength=N_E + N_I)
    many = np.maximum(number, 2)
    mean = np.bincount(neuron, length, minlength=N_E + N_I) / many
    squares = np.bincount(neuron, (length - mean[neuron]) ** 2, minlength=N_E + N_I)
    return (np.sqrt(squares / (many - 1)) / np.maximum(mean, 1e-9))[number >= least]


def counts(run: Run) -> np.ndarray:
    """Spikes of the network in each bin after START."""
    return np.histogram(run.time, np.arange(START, DURATION + BIN / 2, BIN))[0]


def measured(run: Run) -> dict[str, float]:
    """The statistics that are compared."""
    kept = run.time >= START
    seconds = (DURATION - START) / 1e3
    cv, length, together = variation(run), intervals(run)[0], counts(run)
    quantiles = {
        f"{name}, {q:.0%} below": float(np.quantile(values, q))
        for name, values in (("CV of a neuron", cv), ("interval (ms)", length))
        for q in (0.1, 0.5, 0.9)
    }
    return {
        "rate of E (Hz)": float((run.neuron[kept] < N_E).sum() / N_E / seconds),
        "rate of I (Hz)": float((run.neuron[kept] >= N_E).sum() / N_I / seconds),
        **quantiles,
        f"variance/mean of spikes in {BIN:g} ms": float(together.var(ddof=1) / together.mean()),
    }


#: What is shown as a distribution: its label and its bins.
HISTOGRAMS = {
    "interval": ("inter-spike interval (ms)", np.arange(0.05, 15.0, 0.2)),
    "cv": ("CV of a neuron's intervals", np.linspace(0.0, 4.0, 41)),
}


def histograms(run: Run) -> dict[str, list[float]]:
    """Their densities."""
    of = {"interval": intervals(run)[0], "cv": variation(run)}
    return {
        name: np.histogram(of[name], edges, density=True)[0].round(5).tolist()
        for name, (_, edges) in HISTOGRAMS.items()
    }


def inside(found: np.ndarray, spread: np.ndarray) -> bool:
    """Whether the mean over seeds is within what seeds of the other show."""
    return bool(spread.min() <= found.mean() <= spread.max())


# -- table and figure ------------------------------------------------------------------------------


def result(runs: dict[Way, list[Run]], version: str) -> dict[str, Any]:
    """What is kept: statistics and histograms by seed."""
    return {
        "brian2": version,
        "statistics": {str(way): [measured(run) for run in of] for way, of in runs.items()},
        "histograms": {str(way): [histograms(run) for run in of] for way, of in runs.items()},
    }


def kept(found: dict[str, Any], name: str, reference: str) -> int:
    """How many of the statistics have their mean within the seeds of another."""
    return sum(
        inside(values(found, name, one), values(found, reference, one))
        for one in found["statistics"][name][0]
    )


def values(found: dict[str, Any], name: str, statistic: str) -> np.ndarray:
    """A statistic of each seed."""
    return np.array([one[statistic] for one in found["statistics"][name]])


def markdown(found: dict[str, Any]) -> str:
    """Statistics by row, who by column; how many agree; and the time."""
    names = list(found["statistics"])
    lines = [
        f"| mean (range) of {len(found['statistics'][names[0]])} seeds | {' | '.join(names)} |"
    ]
    lines.append("| --- |" + " ---: |" * len(names))
    statistics_of = list(found["statistics"][names[0]][0])
    for one in statistics_of:
        cells = []
        for name in names:
            x = values(found, name, one)
            cells.append(f"{x.mean():.3g} ({x.min():.3g} to {x.max():.3g})")
        lines.append(f"| {one} | {' | '.join(cells)} |")
    for way in THEIRS:
        cells = ["-" if name == str(way) else str(kept(found, name, str(way))) for name in names]
        lines.append(
            f"| of {len(statistics_of)}, within the range of {way} | {' | '.join(cells)} |"
        )
    seconds = {name: statistics.median(laps) for name, laps in found["seconds"].items()}
    base = seconds[str(EXAMPLE)]
    for text, unit in (("seconds", 1.0), ("of the time of Brian2's example", base)):
        cells = [f"{seconds[name] / unit:.2f}" if name in seconds else "-" for name in names]
        lines.append(f"| {text} | {' | '.join(cells)} |")
    return "\n".join(lines) + f"\n\nBrian2 {found['brian2']}.\n"


def plot(found: dict[str, Any], path: Path) -> None:
    """The raster and rates of one of our runs; intervals and their variation beside Brian2's."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    fig = plt.figure(figsize=(9, 7), layout="constrained")
    top, bottom = fig.subfigures(2, 1, height_ratios=[1.5, 1])
    ds = ours(network(0), 0, SHOWN.dt)
    some = [*range(0, N_E, 20), *range(N_E, N_E + N_I, 20)]
    raster, rates = top.subplots(2, 1, sharex=True, height_ratios=[2, 1])
    ds.hh.plot.raster(neurons=some, ax=raster, ms=1.6)
    raster.set(xlim=(0, 500), xlabel="", ylabel="neuron (1 of 20)")
    ds.hh.plot.psth(by="population", bin=BIN, ax=rates)
    rates.get_legend().remove()
    rates.set(xlim=(0, 500), ylabel="rate (Hz)")
    axes = bottom.subplots(1, 2)
    for ax, (name, (label, edges)) in zip(axes, HISTOGRAMS.items(), strict=True):
        of = {
            way: np.array([one[name] for one in found["histograms"][str(way)]])
            for way in (EXAMPLE, BRIAN2[-1], SHOWN)
        }
        for way, colour in zip((EXAMPLE, BRIAN2[-1]), ("0.65", "#E69F00"), strict=True):
            ax.fill_between(
                (edges[1:] + edges[:-1]) / 2, of[way].min(axis=0), of[way].max(axis=0), step="mid",
                color=colour, alpha=0.6, lw=0, label=f"{way}: range of seeds",
            )  # fmt: skip
        ax.stairs(of[SHOWN].mean(axis=0), edges, color="k", lw=1.2, baseline=None,
                  label=f"{SHOWN}: mean of seeds")  # fmt: skip
        ax.set(xlabel=label, ylabel="density", xlim=(0, edges[-1]), ylim=(0, None))
        ax.spines[["top", "right"]].set_visible(False)
    axes[0].legend(frameon=False, fontsize="small")
    fig.savefig(path, dpi=150)
    plt.close(fig)


def simulated(theirs: dict[Way, Brian2], seeds: int) -> dict[str, Any]:
    """The statistics of all, seed after seed."""
    runs: dict[Way, list[Run]] = {way: [] for way in (*theirs, *OURS)}
    for seed in range(seeds):
        for way, of in runs.items():
            of.append(theirs[way].run() if way in theirs else run_ours(seed, way.dt))
        print(f"seed {seed} of {seeds}", flush=True)
    return result(runs, theirs[EXAMPLE].version)


def timed(theirs: dict[Way, Brian2], repeats: int) -> dict[str, list[float]]:
    """Seconds of each, in rounds."""
    laps: dict[str, list[float]] = {str(way): [] for way in (EXAMPLE, *OURS)}
    for seed in range(repeats):
        for way in (EXAMPLE, *OURS):
            one = theirs[way].run() if way in theirs else run_ours(seed, way.dt)
            laps[str(way)].append(one.seconds)
    return laps


def main() -> None:
    """Run, measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--repeats", type=int, default=5, help="rounds of timing")
    parser.add_argument("--timing", action="store_true", help="take the times alone anew")
    parser.add_argument(
        "--environments", type=Path, default=Path.home() / ".cache/hh_sde_validation"
    )
    parser.add_argument("--out", type=Path, default=processor.RESULTS)
    options = parser.parse_args()
    python = environment(options.environments)
    theirs = {way: Brian2(python, way) for way in ([EXAMPLE] if options.timing else THEIRS)}
    if options.timing:
        before = options.out / f"cobahh_{processor.kind()}.json"
        found = json.loads(before.read_text(encoding="utf-8"))
    else:
        found = simulated(theirs, options.seeds)
    found["seconds"] = timed(theirs, options.repeats)
    for one in theirs.values():
        one.close()
    processor.write(options.out, "cobahh", found, markdown(found), lambda path: plot(found, path))


if __name__ == "__main__":
    main()
