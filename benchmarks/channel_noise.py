"""A million intervals of the exact chain of channels and of every model of channel noise.

    python benchmarks/channel_noise.py --store FOLDER [--rows chain shielded ...] [--threads 2]
    python benchmarks/channel_noise.py --store FOLDER --out docs

At the conditions of Pu & Thomas (2020), Table 3: 100 um^2, I = 10, a spike at -10 mV. Each row is a
sweep in a store of its own in FOLDER, of 4,000 trials of 4 s; all of them together take some three
hours of a core, half of them the chain. Stopped in any way, the same call goes on.
`--out` writes channel_noise_long.json, .md and .png from what there is of the rows, whole or not.
Needs the extra sweep.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

import hh_sde as hh

CELL = hh.CELLS["hodgkin_huxley"].replace(E_L=-54.4)
AREA, CURRENT = 100.0, 10.0  # um^2, uA/cm^2
RULE = hh.SpikeRule(threshold=-10.0, rearm=None)
BEGINNING, KEPT, TRIALS = 150.0, 4000.0, 4000  # ms, ms
SEED, RESAMPLED = 1, 200
CHAIN = "chain"
EDGES = np.arange(6.0, 24.01, 0.1)  # ms, of the densities drawn
#: Rows whose densities are drawn, with colours.
DRAWN = {
    "conductance 0.008": "#0072B2", "project 0.008": "#56B4E9", "steady 0.008": "#009E73",
    "shielded 0.008": "#CC79A7", "effective 0.008": "#E69F00", "subunit 0.008": "#D55E00",
}  # fmt: skip


class Row(NamedTuple):
    """What is run, and the distance to the chain that Pu & Thomas give, ms."""

    noise: hh.noise.Noise
    method: str
    dt: float
    published: str = ""


def rows() -> dict[str, Row]:
    """By name; Euler's at the published step and at a quarter of it."""
    conductance = hh.ConductanceNoise
    euler = {
        "conductance": (conductance(AREA), ""),
        "absolute": (conductance(AREA, bounds="absolute"), "0.0493; Fox & Lu 0.0474"),
        "paired": (conductance(AREA, paired=True, bounds="absolute"), "0.0452"),
        "steady": (conductance(AREA, bounds="steady"), "0.183"),
        "project": (conductance(AREA, bounds="project"), "0.218"),
        "reflect": (conductance(AREA, bounds="reflect"), ""),
        "shielded": (hh.ShieldedNoise(AREA, bounds="absolute"), "0.0762"),
        "subunit": (hh.SubunitNoise(AREA), "0.801"),
        "effective": (hh.EffectiveConductanceNoise(AREA), ""),
    }
    found = {CHAIN: Row(conductance(AREA), "gillespie", 1.0, "2.27e-4, pooled")}
    for dt in (0.008, 0.002):
        for name, (noise, published) in euler.items():
            found[f"{name} {dt:g}"] = Row(
                noise, "euler_maruyama", dt, published if dt == 0.008 else ""
            )
    for dt in (0.008, 0.02):
        found[f"lie_trotter {dt:g}"] = Row(conductance(AREA), "lie_trotter", dt)
    found["tau_leap 0.02"] = Row(conductance(AREA), "tau_leap", 0.02)
    return found


def store_of(folder: Path, name: str) -> Path:
    """Where a row is kept."""
    return folder / f"{name.replace(' ', '_')}.zarr"


def simulate(folder: Path, name: str, row: Row, threads: int) -> None:
    """Compute what is missing of a row."""
    net = hh.Network(1, cell=CELL, stimulus=CURRENT, noise=row.noise)
    hh.sweep(
        net, {"method": [row.method], "dt": [row.dt]}, BEGINNING + KEPT, trials=TRIALS,
        discard=BEGINNING, spike_rule=RULE, rng=SEED + list(rows()).index(name),
        store=store_of(folder, name), threads=threads,
    )  # fmt: skip
    print(hh.sweeps.status(store_of(folder, name)), flush=True)


def spikes(folder: Path, name: str) -> xr.Dataset:
    """Those of the trials of a row that are done."""
    ds = hh.sweeps.open_store(store_of(folder, name)).isel(scheme=0, dt=0).load()
    done = ds.isel(trial=np.flatnonzero(ds.spike_count.isel(neuron=0) >= 0))
    return done.hh.spikes()


def compared(ds: xr.Dataset, chain: xr.Dataset) -> dict[str, Any]:
    """A row beside the chain."""
    statistics = ds.hh.interval_statistics(pool="trial").isel(neuron=0)
    found = {name: float(statistics[name]) for name in ("count", "mean", "cv")}
    density, _ = np.histogram(ds.hh.intervals().interval_length, EDGES, density=True)
    found["density"] = density.tolist()
    if ds is not chain:
        distance = chain.hh.interval_distance(ds, resamples=RESAMPLED)
        columns = ("distance", "distance_low", "distance_high", "by_chance")
        found |= {
            name: [float(distance[column].sel(statistic=name)) for column in columns]
            for name in ("wasserstein", "ks", "mean_difference")
        }
    return found


def measured(folder: Path) -> dict[str, Any]:
    """Every row of which there is something."""
    there = [name for name in rows() if store_of(folder, name).exists()]
    chain = spikes(folder, CHAIN)
    found = {}
    for name in there:
        found[name] = compared(chain if name == CHAIN else spikes(folder, name), chain)
        print(name, {k: v for k, v in found[name].items() if k != "density"}, flush=True)
    return found


def table(found: dict[str, Any]) -> str:
    """Distances to the chain and what they are made of."""
    known, chain = rows(), found[CHAIN]
    lines = [
        "| model | method, dt (ms) | intervals | distance, ms | by chance, below | published | "
        "mean interval, less the chain's, ms | CV |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |",
        f"| the chain | `gillespie` | {chain['count']:,.0f} | | | {known[CHAIN].published} | "
        f"({chain['mean']:.3f}) | {chain['cv']:.4f} |",
    ]
    for name, one in found.items():
        if name == CHAIN:
            continue
        row, (W, low, high, chance) = known[name], one["wasserstein"]
        mean, mean_low, mean_high, _ = one["mean_difference"]
        lines.append(
            f"| {title(row)} | `{row.method}`, {row.dt:g} | {one['count']:,.0f} | "
            f"{W:.3f} ({low:.3f} to {high:.3f}) | {chance:.3f} | {row.published} | "
            f"{mean:+.3f} ({mean_low:+.3f} to {mean_high:+.3f}) | {one['cv']:.4f} |"
        )
    return "\n".join(lines) + "\n"


def title(row: Row) -> str:
    """The model, with what it was given besides its area."""
    if row.method == "tau_leap":
        return "the chain"
    paired = ", paired" if getattr(row.noise, "paired", False) else ""
    bounds = "" if row.noise.bounds == "none" else f", {row.noise.bounds}"
    return f"`{type(row.noise).__name__}`{paired}{bounds}"


def draw(found: dict[str, Any], path: Path) -> None:
    """Densities of intervals, and every row's distance to the chain beside that of chance."""
    plt = imported_pyplot()
    fig, (density, distance) = plt.subplots(1, 2, figsize=(9.5, 4.2), layout="constrained")
    density.stairs(found[CHAIN]["density"], EDGES, color="0.8", fill=True, label="the chain")
    middle = 0.5 * (EDGES[1:] + EDGES[:-1])
    for name, colour in DRAWN.items():
        if name in found:
            density.plot(middle, found[name]["density"], color=colour, lw=1.2, label=name)
    density.set(xlabel="interval (ms)", ylabel="density (1/ms)", xlim=(10, 24))
    density.legend(frameon=False, fontsize="small")
    names = [name for name in found if name != CHAIN]
    W, low, high, chance = np.array([found[name]["wasserstein"] for name in names]).T
    at = np.arange(len(names))[::-1]
    distance.barh(at, chance, height=0.9, color="0.88", label="by chance, below")
    distance.errorbar(
        W, at, xerr=np.clip([W - low, high - W], 0, None), fmt="o", ms=3.5, color="#0072B2",
        label="measured",
    )  # fmt: skip
    published = [rows()[name].published.split(";")[0] for name in names]
    said = [(float(value), k) for value, k in zip(published, at, strict=True) if value]
    distance.plot(*np.array(said).T, "x", color="#D55E00", label="published")
    distance.set(xscale="log", xlim=(2e-3, 2), xlabel="Wasserstein distance to the chain (ms)")
    distance.set_yticks(at, names, fontsize="small")
    distance.legend(frameon=False, fontsize="small")
    for ax in (density, distance):
        ax.spines[["top", "right"]].set_visible(False)
    fig.savefig(path, dpi=150)


def imported_pyplot() -> Any:
    """matplotlib without a display, which only --out needs."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    return plt


def main() -> None:
    """Simulate, or write what was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument("--rows", nargs="*", choices=list(rows()), default=list(rows()))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    if options.out is None:
        for name in options.rows:
            simulate(options.store, name, rows()[name], options.threads)
        return
    found = measured(options.store)
    (options.out / "channel_noise_long.json").write_text(json.dumps(found, indent=1))
    (options.out / "channel_noise_long.md").write_text(table(found), encoding="utf-8")
    draw(found, options.out / "channel_noise_long.png")


if __name__ == "__main__":
    main()
