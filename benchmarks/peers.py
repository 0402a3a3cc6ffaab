"""The engine beside its peers: the same equations, step, duration and output, in one run.

    python benchmarks/peers.py [--only engine c_libmvec ...] [--repeats 5] [--out results]

Each peer gets a virtual environment of its own, made under --environments and kept. Needs
matplotlib, gcc, and a package index for pip. All run on one thread; figures are medians over the
repeats, peers in turn in every round, so that a busy machine troubles all alike. Writes peers.json
and peers.png.
"""

import argparse
import importlib.util
import json
import os
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
}
REPOSITORY = [str(HERE.parent)]
PEERS = {  # name: (script, packages, environment variables, largest share of a case's steps)
    "engine": ("engine.py", REPOSITORY, {}, 1.0),
    "engine, 2 threads": ("engine.py", REPOSITORY, {"THREADS": "2"}, 1.0),
    "C, gcc -Ofast, libmvec": ("c_libmvec.py", [], {}, 1.0),
    "Brian2 C++, -O3 -march=native": (
        "brian2_.py",
        ["brian2", "numpy<2"],
        {"BRIAN2_TARGET": "standalone", "BRIAN2_FLAGS": "-O3 -march=native"},
        0.5,
    ),
    "Brian2 C++, also -ffast-math": (
        "brian2_.py",
        ["brian2", "numpy<2"],
        {"BRIAN2_TARGET": "standalone", "BRIAN2_FLAGS": "-O3 -march=native -ffast-math"},
        1.0,
    ),
    "Brian2 Cython": (
        "brian2_.py",
        ["brian2", "numpy<2"],
        {"BRIAN2_FLAGS": "-O3 -march=native -ffast-math"},
        0.2,
    ),
    "JAX scan": ("jax_.py", ["jax"], {}, 0.5),
    "diffrax Euler": ("jax_.py", ["jax", "diffrax"], {"JAX_SOLVER": "diffrax"}, 0.2),
    # no Euler: two drifts a step, random numbers for gates too (see the script)
    "jitcsde, SRA": ("jitcsde_.py", ["jitcsde"], {}, 0.2),
    # this version, because a wheel for the processor alone, where pip is given one, counts as it
    "torchsde Euler": ("torchsde_.py", ["torch==2.13.0", "torchsde"], {}, 0.05),
    "sdeint, numpy f and G": ("sdeint_numpy.py", ["sdeint", "numpy", "scipy"], {}, 0.1),
}
CASES = {
    "512 neurons": {"neurons": 512, "trials": 1, "coupled": 0, "steps": 20_000},
    "1000 trials of the pair": {"neurons": 2, "trials": 1000, "coupled": 1, "steps": 5_000},
    "1 trial of the pair": {"neurons": 2, "trials": 1, "coupled": 1, "steps": 100_000},
}
IMPOSSIBLE = {
    # it has no trials: they would be 1000 runs, or 10^4 equations to compile
    ("jitcsde, SRA", "1000 trials of the pair"),
    ("C, gcc -Ofast, libmvec", "1000 trials of the pair"),
    ("C, gcc -Ofast, libmvec", "1 trial of the pair"),
    ("sdeint, numpy f and G", "512 neurons"),  # G alone has 10^6 entries
    ("sdeint, numpy f and G", "1000 trials of the pair"),
}


def environment(name: str, folder: Path) -> Path:
    """The python of a peer's own environment."""
    script, packages, _, _ = PEERS[name]
    home = folder / "-".join([Path(script).stem, str(len(packages))])
    python = home / "bin" / "python"
    pip = [python, "-m", "pip", "install", "--quiet"]
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", home], check=True)
        if packages:
            subprocess.run([*pip, "setuptools", *packages], check=True)
    if packages == REPOSITORY:  # as it is now, not as it was when the environment was made
        subprocess.run([*pip, "--force-reinstall", "--no-deps", *packages], check=True)
    return python


def lap(name: str, case: str, python: Path) -> float:
    """Nanoseconds per neuron and step of one measurement."""
    script, _, variables, share = PEERS[name]
    options = dict(CASES[case])
    options["steps"] = max(1, round(options["steps"] * share))
    options["threads"] = int(variables.get("THREADS", 1))
    arguments = ["--repeats=3", *(f"--{key}={value}" for key, value in options.items())]
    run = subprocess.run(
        [python, HERE / "peers" / script, *arguments],
        env={**os.environ, **ONE_THREAD, **variables},
        capture_output=True,
        text=True,
    )
    if run.returncode:
        raise RuntimeError(f"{name}, {case}:\n{run.stderr[-2000:]}")
    seconds = min(json.loads(run.stdout.splitlines()[-1])["laps"])
    return 1e9 * seconds / (options["neurons"] * options["trials"] * options["steps"])


def markdown(table: dict) -> str:
    """The table for the docs: ns per neuron and step, and in brackets the ratio to the engine."""
    lines = ["| | " + " | ".join(table) + " |", "| --- " * (len(table) + 1) + "|"]
    for name in PEERS:
        cells = []
        for rows in table.values():
            if name in rows:
                ns = rows[name]["ns"]
                cells.append(f"{ns:.3g} ns ({ns / rows['engine']['ns']:.2f})")
            else:
                cells.append("-")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def plot(table: dict, path: Path) -> None:
    """Bars of nanoseconds per neuron and step, one panel a case."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    fig, axes = plt.subplots(1, len(table), figsize=(11, 3.2), layout="constrained")
    for ax, (case, rows) in zip(axes, table.items(), strict=True):
        names = list(rows)[::-1]
        values = [rows[name]["ns"] for name in names]
        colours = ["#D55E00" if name.startswith("engine") else "#0072B2" for name in names]
        ax.barh(names, values, color=colours)
        ax.set(xscale="log", xlabel="ns per neuron and step", title=case)
        ax.bar_label(ax.containers[0], [f" {value:.3g}" for value in values], fontsize=8)
        ax.margins(x=0.25)
        ax.spines[["top", "right"]].set_visible(False)
    fig.savefig(path, dpi=150)


def missing(names: list[str]) -> list[str]:
    """What the script and the peers asked for need of this machine, and is not there."""
    lacking = []
    if importlib.util.find_spec("matplotlib") is None:
        lacking.append(f"matplotlib in {sys.executable}")
    compiled = {"c_libmvec.py", "brian2_.py", "jitcsde_.py"}
    if compiled & {PEERS[name][0] for name in names} and shutil.which("gcc") is None:
        lacking.append("gcc")
    return lacking


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=PEERS, default=list(PEERS))
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--environments", type=Path, default=Path.home() / ".cache/hh_sde_peers")
    parser.add_argument("--out", type=Path, default=HERE / "results")
    options = parser.parse_args()
    if lacking := missing(options.only):  # before minutes of measuring, not after
        parser.error(f"this needs {', '.join(lacking)}; nothing was measured")
    options.out.mkdir(parents=True, exist_ok=True)
    pythons = {name: environment(name, options.environments) for name in options.only}
    laps: dict[tuple[str, str], list[float]] = {}
    for _ in range(options.repeats):
        for case in CASES:
            for name in options.only:
                if (name, case) not in IMPOSSIBLE:
                    laps.setdefault((case, name), []).append(lap(name, case, pythons[name]))
    table: dict[str, dict] = {case: {} for case in CASES}
    for (case, name), values in laps.items():
        table[case][name] = {"ns": statistics.median(values), "laps": values}
    for case, rows in table.items():
        print(f"\n{case}\n{'':32}{'ns per neuron-step':>20}{'ratio to the engine':>22}")
        for name, row in rows.items():
            ratio = row["ns"] / rows["engine"]["ns"]
            print(f"{name:32}{row['ns']:20.2f}{ratio:22.2f}")
    (options.out / "peers.json").write_text(json.dumps(table, indent=1))
    (options.out / "peers.md").write_text(markdown(table))
    plot(table, options.out / "peers.png")


if __name__ == "__main__":
    main()
